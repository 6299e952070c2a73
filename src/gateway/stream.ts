import { sha256Hex } from '../kernel/digest.ts';
import type { LiveMedia } from '../kernel/media.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { joinPcm } from '../platform/inference.ts';
import type { GatewayDeps } from './deps.ts';
import type { Discloser } from './disclose.ts';
import { endOutput, STREAM_SILENCE_MS, watchStream } from './ending.ts';
import { encode, label, sign, watermark } from './marks.ts';
import { refusedByTime, SAMPLES_MAX, streamEndingOf, tooLong } from './model.ts';
import { render, type Speech } from './render.ts';
import { type MadeSegment, releaseSegment } from './segment-release.ts';
import { beginStream, segmentsOfOutput } from './segment-store.ts';
import { framingOf, segmentsOf } from './segments.ts';
import { readable } from './standing.ts';
import type { AllowedOutput } from './store.ts';
import * as store from './store.ts';
import { type Ground, openStream } from './watch.ts';
import { BYTES_PER_SECOND } from './wav.ts';

/** Live delivery: an output that is heard while it is made. */
export interface Streams {
  /** For who asked for it, once. */
  getOutputStream(actor: Actor, outputId: string): Promise<LiveMedia>;
}

type Wanted = (output: AllowedOutput) => Promise<void>;

const speechDigest = (pcm: Int16Array): string => sha256Hex(Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength));

/** Takes the output for one listener. @throws Refusal `not_found`, `output_state` */
async function claim(deps: GatewayDeps, actor: Actor, outputId: string): Promise<AllowedOutput> {
  return await deps.runTx(async (tx) => {
    const row = await store.lockOutput(tx, outputId);
    if (row === null || row.requester !== actor.accountId) throw notFound();
    if (row.delivery !== 'stream') throw new Refusal('output_state', 'This output was asked for as a file.');
    if (row.state !== 'queued') throw new Refusal('output_state', `A stream is listened to once; this one is ${row.state}.`);
    const at = deps.clock.now();
    const aliveUntil = new Date(at.getTime() + STREAM_SILENCE_MS);
    await beginStream(tx, outputId, at, aliveUntil);
    await watchStream(tx, outputId, aliveUntil);
    return { ...row, state: 'streaming', aliveUntil };
  });
}

/** One segment through the same steps as a file: render, disclose, watermark, encode, label, sign. */
async function makeSegment(
  deps: GatewayDeps, discloser: Discloser, output: AllowedOutput, at: { text: string; sequence: number; last: boolean }, wanted: Wanted,
): Promise<MadeSegment> {
  const { text, sequence, last } = at;
  await deps.at?.('render');
  const speech = await render(deps, { ...output, script: text }, () => wanted(output));
  await deps.at?.('disclose');
  const disclosed = await discloser.disclose(speech, output, { continued: sequence > 1 });
  const labelled = label(deps, encode(watermark(disclosed)), output);
  await deps.at?.('sign');
  const signed = await sign(deps, labelled, output, sequence);
  return { ...signed, sequence, last, speechSha256: speechDigest(speech.pcm) };
}

/** What was streamed, said once more for the file. @throws Refusal `render_failed` when the voice says it otherwise */
export async function renderStreamed(deps: GatewayDeps, output: AllowedOutput, wanted: () => Promise<void>): Promise<Speech> {
  const kept = await deps.runTx((tx) => segmentsOfOutput(tx, output.id));
  const parts: Speech[] = [];
  for (const [index, text] of segmentsOf(output.script).entries()) {
    const speech = await render(deps, { ...output, script: text }, wanted);
    if (kept[index]?.speechSha256 !== speechDigest(speech.pcm)) throw new Refusal('render_failed', 'The file would not be what was streamed.');
    parts.push(speech);
  }
  const [first] = parts;
  if (first === undefined) throw new Error(`Output ${output.id} was streamed without a segment.`);
  return { ...first, pcm: joinPcm(parts.map(({ pcm }) => pcm)), renderMilliseconds: parts.reduce((sum, part) => sum + part.renderMilliseconds, 0) };
}

/** A stream stands on its decision: under exactly these epochs, and until the consent ends. */
function streamGround(deps: Pick<GatewayDeps, 'clock'>, { id, gates, expiresAt }: AllowedOutput): Ground {
  const decided = gates.map(({ gateId, epoch }) => ({ gateId, epoch: BigInt(epoch) }));
  const stands = (): void => {
    const refusal = refusedByTime(expiresAt, deps.clock.now());
    if (refusal !== null) throw refusal;
  };
  return { kind: 'stream', subjectId: id, outlivesEpochs: false, see: async () => ({ gates: decided, stands }) };
}

export function makeStreams(deps: GatewayDeps, discloser: Discloser, wanted: Wanted): Streams {
  /** Segment by segment: the next one is rendered while this one is listened to, and released only when it is its turn. */
  async function* segments(output: AllowedOutput, gone: AbortSignal): AsyncGenerator<Buffer> {
    const texts = segmentsOf(output.script);
    const framing = framingOf(output.id);
    const make = (index: number): Promise<MadeSegment> => {
      const made = makeSegment(
        deps, discloser, output, { text: texts[index] ?? '', sequence: index + 1, last: index + 1 === texts.length }, wanted);
      // Nobody may come to fetch it; whoever does sees the error.
      made.catch(() => undefined);
      return made;
    };
    let next = make(0);
    let samples = 0;
    for (let index = 0; index < texts.length; index += 1) {
      const made = await next;
      samples += made.file.seconds * 24_000;
      if (samples > SAMPLES_MAX) throw tooLong();
      if (!made.last) next = make(index + 1);
      await deps.at?.('release');
      if (gone.aborted) return;
      const segmentId = await releaseSegment(deps, made, output);
      yield framing.part({ segmentId, sequence: made.sequence, last: made.last, sha256: made.file.sha256 }, made.bytes);
    }
    yield framing.closing;
  }

  return {
    async getOutputStream(actor, outputId) {
      const row = await deps.runTx((tx) => readable(deps, tx, actor, outputId));
      if (row.requester !== actor.accountId) throw notFound();
      if (row.delivery !== 'stream') throw new Refusal('output_state', 'This output was asked for as a file.');
      if (row.state !== 'queued') throw new Refusal('output_state', `A stream is listened to once; this one is ${row.state}.`);
      let refused: unknown = null;
      const end = async (cause: unknown): Promise<void> => {
        await endOutput(deps, outputId, streamEndingOf(cause), ({ state }) => state === 'queued' || state === 'streaming');
      };
      return {
        kind: 'live', contentType: framingOf(outputId).contentType, bytesPerSecond: BYTES_PER_SECOND,
        async open(cut) {
          const lease = await openStream(deps, streamGround(deps, row), cut);
          return {
            ...lease,
            check() {
              try {
                lease.check();
              } catch (error) {
                refused ??= error;
                throw error;
              }
            },
          };
        },
        async* pieces(gone) {
          const output = await claim(deps, actor, outputId);
          let cause: unknown = null;
          let whole = false;
          try {
            yield* segments(output, gone);
            whole = !gone.aborted;
          } catch (error) {
            cause = error;
            throw error;
          } finally {
            // A cut says why; a check that refused says so too; otherwise the listener went away.
            if (!whole) await end(cause ?? refused ?? (gone.reason instanceof Refusal ? gone.reason : null));
          }
        },
      };
    },
  };
}
