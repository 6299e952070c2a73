import { setTimeout as timer } from 'node:timers/promises';

import type { Request, Response } from 'express';

import type { LiveMedia, MediaLease, MediaSource, StoredMedia } from '../kernel/media.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Clock } from '../kernel/time.ts';
import { makePace } from './pacing.ts';
import { type Span, spanOf } from './range.ts';

/** docs/promises.md: what may pass between a check and a stop is one write of at most this much. */
export const MEDIA_WRITE_BYTES = 16 * 1024;
/** Who takes nothing for this long has gone; nobody holds a stream open for ever. */
const STALL_MS = 30_000;

/** What writing needs besides the socket. */
export interface MediaIo {
  clock: Pick<Clock, 'monotonic'>;
  /** Ends early, without a complaint, when the signal is given. */
  sleep?: (milliseconds: number, gone: AbortSignal) => Promise<void>;
  /** Called exactly between check and write. For tests that freeze a process there; production passes none. */
  betweenCheckAndWrite?: () => void;
}

async function sleep(milliseconds: number, gone: AbortSignal): Promise<void> {
  try {
    await timer(milliseconds, undefined, { signal: gone });
  } catch (error) {
    if (!gone.aborted) throw error;
  }
}

const PRIVATE = { 'Cache-Control': 'private, no-store', 'X-Accel-Buffering': 'no', 'X-Content-Type-Options': 'nosniff' };

function beginStored(request: Request, response: Response, media: StoredMedia): Span {
  const entityTag = `"${media.sha256}"`;
  const span = spanOf({ range: request.get('range'), ifRange: request.get('if-range') }, media.byteLength, entityTag);
  response.set({ ...PRIVATE, 'Accept-Ranges': 'bytes' });
  if (span === null) {
    response.set('Content-Range', `bytes */${media.byteLength}`);
    throw new Refusal('range_unsatisfiable', `The file has ${media.byteLength} bytes; ask for one range within them.`);
  }
  response.status(span.partial ? 206 : 200).set({
    'Content-Type': media.contentType, 'Content-Length': String(span.to - span.from), ETag: entityTag,
    ...(span.partial ? { 'Content-Range': `bytes ${span.from}-${span.to - 1}/${media.byteLength}` } : {}),
  });
  return span;
}

async function* piecesOf(media: LiveMedia | (StoredMedia & { span: Span }), gone: AbortSignal): AsyncGenerator<Uint8Array> {
  if (media.kind === 'live') yield* media.pieces(gone);
  else yield media.bytes.subarray(media.span.from, media.span.to);
}

/** Check, then one write, and nothing awaited in between; answers when the socket has taken it or the listener has gone. */
async function writeOnce(response: Response, bytes: Uint8Array, lease: MediaLease, io: MediaIo): Promise<void> {
  await new Promise<void>((done) => {
    lease.check();
    io.betweenCheckAndWrite?.();
    const stalled = setTimeout(() => response.socket?.resetAndDestroy(), STALL_MS);
    const settle = (): void => {
      clearTimeout(stalled);
      response.off('close', settle);
      done();
    };
    // A listener who went away ends the wait as well: `close` comes without the write's callback.
    response.once('close', settle);
    response.write(bytes, settle);
    lease.wrote(bytes.length);
  });
}

/** A pipelined request is answered after the one before it: until then there is no socket to write to. */
async function ownSocket(response: Response, gone: AbortSignal): Promise<void> {
  if (response.socket !== null || gone.aborted) return;
  await new Promise<void>((done) => {
    response.once('socket', done);
    gone.addEventListener('abort', () => done(), { once: true });
  });
}

async function writeAll(response: Response, source: LiveMedia | (StoredMedia & { span: Span }), lease: MediaLease, gone: AbortSignal, io: MediaIo): Promise<void> {
  const pace = makePace(source.bytesPerSecond, MEDIA_WRITE_BYTES);
  await ownSocket(response, gone);
  for await (const piece of piecesOf(source, gone)) {
    for (let from = 0; from < piece.length; from += pace.writeBytes) {
      const bytes = piece.subarray(from, from + pace.writeBytes);
      const nanoseconds = pace.waitFor(bytes.length, io.clock.monotonic());
      if (nanoseconds > 0) await (io.sleep ?? sleep)(nanoseconds / 1_000_000, gone);
      await lease.ready();
      if (gone.aborted) return;
      await writeOnce(response, bytes, lease, io);
      pace.wrote(bytes.length, io.clock.monotonic());
    }
    if (gone.aborted) return;
  }
}

/**
 * The only function that writes media to a socket. The lease is checked before every write, and the next write waits until
 * the socket has taken the previous one, and until the listener needs it. Whoever cuts the stream resets the connection, so
 * that nothing still queued here reaches the listener, and the refusal goes to the log.
 *
 * @throws Refusal whatever the source or its lease refuses with, and `range_unsatisfiable`
 */
export async function writeMedia(request: Request, response: Response, media: MediaSource, io: MediaIo): Promise<void> {
  const listening = new AbortController();
  const gone = listening.signal;
  response.once('close', () => listening.abort());
  if (request.socket.destroyed) listening.abort();
  const lease = await media.open((reason) => {
    listening.abort(reason);
    // The request's own socket: a pipelined response has none yet.
    request.socket.resetAndDestroy();
  });
  try {
    await lease.ready();
    lease.check();
    if (media.kind === 'live') response.status(200).set({ ...PRIVATE, 'Content-Type': media.contentType });
    const source = media.kind === 'live' ? media : { ...media, span: beginStored(request, response, media) };
    if (request.method !== 'HEAD') await writeAll(response, source, lease, gone, io);
    if (gone.reason instanceof Refusal) throw gone.reason;
    response.end();
  } catch (error) {
    if (response.headersSent) request.socket.resetAndDestroy();
    throw gone.reason instanceof Refusal ? gone.reason : error;
  } finally {
    lease.close();
  }
}
