import type { Response } from 'express';

import type { MediaSource } from '../kernel/media.ts';

/** docs/promises.md: what may pass between a check and a stop is one write of at most this much. */
export const MEDIA_WRITE_BYTES = 16 * 1024;

/**
 * The only function that writes media to a socket. Before every write the source is asked again; the next write waits
 * until the socket has taken the previous one. When the source refuses in the middle the connection is reset, so that
 * nothing still queued reaches the client, and the refusal goes to the log.
 */
export async function writeMedia(response: Response, media: MediaSource): Promise<void> {
  await media.recheck();
  response.status(200).set({
    'Content-Type': media.contentType,
    'Content-Length': String(media.byteLength),
    'Cache-Control': 'private, no-store',
    'X-Accel-Buffering': 'no',
    'X-Content-Type-Options': 'nosniff',
  });
  for (let from = 0; from < media.byteLength; from += MEDIA_WRITE_BYTES) {
    try {
      if (from > 0) await media.recheck();
    } catch (refusal) {
      response.socket?.resetAndDestroy();
      throw refusal;
    }
    if (response.destroyed) return;
    await written(response, media.bytes.subarray(from, from + MEDIA_WRITE_BYTES));
  }
  response.end();
}

async function written(response: Response, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((done) => {
    // A client that went away ends the wait as well: `close` comes without the write's callback.
    response.once('close', done);
    response.write(bytes, () => {
      response.off('close', done);
      done();
    });
  });
}
