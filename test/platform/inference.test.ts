import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../src/kernel/refusals.ts';
import { findClip, makeInference, readWav, writeWav } from '../../src/platform/inference.ts';
import type { Inference, Synthesis, SynthesisProgress } from '../../src/platform/inference.ts';

const NEUTRAL = [0, 0, 0, 0, 0, 0, 0, 0];
const SENTENCE = 'We were away a year ago, and all of us knew that she would be home by noon.';

let dataDir: string;
let inference: Inference;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'benren-inference-'));
  inference = makeInference({ dataDir, workers: 1, maxQueued: 3 });
});
afterAll(async () => {
  await inference.close();
  await rm(dataDir, { recursive: true });
});

const digest = (synthesis: Synthesis): string => createHash('sha256').update(new Uint8Array(synthesis.pcm.buffer)).digest('hex');
async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => new Error('it succeeded'), (reason: unknown) => reason);
  if (error instanceof Refusal) return error.code;
  throw error;
}
const english = (text: string): Parameters<Inference['synthesise']>[0] => ({ text, language: 'en', speaker: NEUTRAL });

describe('speaking', () => {
  it('gives samples, and the lineage of the model that is kept on disk', async () => {
    const spoken = await inference.synthesise(english(SENTENCE));
    const description = await inference.describe();
    expect(spoken.sampleRateHz).toBe(24_000);
    expect(spoken.pcm.length).toBeGreaterThan(3 * 24_000);
    expect(spoken.phonemes).toBeGreaterThan(40);
    expect(spoken.renderMilliseconds).toBeGreaterThan(0);
    expect(spoken.lineage).toBe(description.lineage);
    expect(await readdir(join(dataDir, 'models'))).toEqual([
      `reference-voice-${spoken.lineage}.onnx`, `reference-voice-${spoken.lineage}.onnx.json`,
    ]);
  });

  it('gives equal samples for equal requests, and others for another speaker, language or rate', async () => {
    const first = digest(await inference.synthesise(english('Good morning.')));
    expect(digest(await inference.synthesise(english('Good morning.')))).toBe(first);
    expect(digest(await inference.synthesise({ ...english('Good morning.'), speaker: [0.3, 0, 0, 0, 0, 0, 0, 0] }))).not.toBe(first);
    expect(digest(await inference.synthesise({ ...english('Good morning.'), rate: 0.7 }))).not.toBe(first);
    const chinese = await inference.synthesise({ text: '早上好。', language: 'zh-CN', speaker: NEUTRAL });
    expect(chinese.pcm.length).toBeGreaterThan(12_000);
  });

  it('tells how far it is, sentence by sentence', async () => {
    const seen: SynthesisProgress[] = [];
    const spoken = await inference.synthesise({ ...english('One. Two. Three.'), onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ done, chunks }) => `${done}/${chunks}`)).toEqual(['0/3', '1/3', '2/3', '3/3']);
    expect(seen.at(-1)?.seconds).toBeCloseTo(spoken.pcm.length / 24_000, 5);
  });

  it('can be found again in longer samples', async () => {
    const clip = await inference.synthesise(english('This is synthetic.'));
    const whole = await inference.synthesise(english('This is synthetic. Good evening to all of you.'));
    const found = findClip(whole.pcm, clip.pcm.subarray(0, 24_000));
    expect(found.at).toBe(0);
    expect(found.score).toBeGreaterThan(0.999);
    const other = await inference.synthesise(english('Good evening to all of you.'));
    expect(findClip(other.pcm, clip.pcm.subarray(0, 24_000)).score).toBeLessThan(0.6);
  });

  it('refuses what cannot be said', async () => {
    expect(await codeOf(inference.synthesise(english('')))).toBe('text_unspeakable');
    expect(await codeOf(inference.synthesise(english('😀 🎉')))).toBe('text_unspeakable');
    expect(await codeOf(inference.synthesise(english('word '.repeat(5_000))))).toBe('request_too_large');
    await expect(inference.synthesise({ ...english('Hello.'), speaker: [Number.NaN, 0, 0, 0, 0, 0, 0, 0] })).rejects.toThrow(RangeError);
    await expect(inference.synthesise({ ...english('Hello.'), rate: 0 })).rejects.toThrow(RangeError);
  });
});

describe('measuring', () => {
  it('profiles a recording and turns it into a speaker that sounds like its register', async () => {
    const recording = await inference.synthesise({ ...english(SENTENCE), speaker: [0.8, 0.12, 0, 0, 0, 0, 0, 0] });
    const profile = await inference.profile(writeWav(recording.pcm, 24_000));
    expect(profile.voicedSeconds).toBeGreaterThan(2);
    const speaker = await inference.speakerFor(profile);
    expect(speaker).toHaveLength(8);
    expect(speaker[0]).toBeGreaterThan(0.65);
    const spoken = await inference.synthesise({ ...english(SENTENCE), speaker });
    const distance = inference.compare(profile, await inference.profile(writeWav(spoken.pcm, 24_000))).distance;
    expect(distance).toBeLessThan(0.6);
    const neutral = await inference.profile(writeWav((await inference.synthesise(english(SENTENCE))).pcm, 24_000));
    expect(inference.compare(profile, neutral).distance).toBeGreaterThan(2 * distance);
  });

  it('refuses a broken recording with the reason, and a silent one', async () => {
    const wav = writeWav(new Int16Array(48_000), 24_000);
    const lying = wav.slice();
    new DataView(lying.buffer).setUint32(4, 1_000_000, true);
    await expect(inference.profile(lying)).rejects.toMatchObject({ code: 'recording_invalid', extra: { reason: 'wav_length_lies' } });
    expect(await codeOf(inference.profile(new Uint8Array(3)))).toBe('recording_invalid');
    const silent = await inference.profile(wav);
    expect(silent.voicedSeconds).toBe(0);
    expect(await codeOf(inference.speakerFor(silent))).toBe('recording_too_short');
    expect(readWav(wav).samples).toHaveLength(48_000);
  });
});

describe('the pool', () => {
  const LONG = 'This is one of very many sentences. '.repeat(200);

  it('drops the result of an aborted rendering between two sentences', async () => {
    const controller = new AbortController();
    let last: SynthesisProgress | undefined;
    const rendering = inference.synthesise({
      ...english(LONG),
      onProgress: (progress) => {
        last = progress;
        if (progress.done === 2) controller.abort(new Error('stopped by the owner'));
      },
    }, controller.signal);
    await expect(rendering).rejects.toThrow('stopped by the owner');
    // The worker is free again long before it could have rendered two hundred sentences.
    await inference.synthesise(english('Next.'));
    expect(last?.done).toBeLessThan(150);
    await expect(inference.synthesise(english('Never.'), AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });

  it('refuses more than it can queue, and forgets a waiting job that is aborted', async () => {
    const stop = new AbortController();
    const running = inference.synthesise(english(LONG), stop.signal);
    const waiting = ['One.', 'Two.', 'Three.'].map((text) => inference.synthesise(english(text), stop.signal));
    expect(await codeOf(inference.synthesise(english('Four.')))).toBe('overloaded');
    stop.abort(new Error('enough'));
    for (const job of [running, ...waiting]) await expect(job).rejects.toThrow('enough');
    expect((await inference.synthesise(english('Four.'))).pcm.length).toBeGreaterThan(0);
  });

  it('replaces a worker that died; only its own job fails', async () => {
    const errors: unknown[] = [];
    const log = { info: () => undefined, warn: () => undefined, error: (entry: unknown) => errors.push(entry) };
    const fragile = makeInference({ dataDir, workers: 1, log, entry: new URL('./crashing-worker.mjs', import.meta.url) });
    const [crash, next] = [fragile.synthesise(english('crash')), fragile.synthesise(english('Still here.'))];
    expect(await codeOf(crash)).toBe('render_failed');
    expect((await next).pcm.length).toBeGreaterThan(0);
    expect(errors).toHaveLength(1);
    await fragile.close();
  });

  it('fails what is running when it closes, and takes nothing more', async () => {
    const closing = makeInference({ dataDir, workers: 1 });
    const running = closing.synthesise(english(LONG));
    const answer = codeOf(running);
    await closing.close();
    expect(await answer).toBe('unavailable');
    expect(await codeOf(closing.synthesise(english('Hello.')))).toBe('unavailable');
  });
});
