import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { levelDbfs, toPcm16 } from '../../inference/audio/pcm.ts';
import { phonemise } from '../../inference/phonemes/text.ts';
import type { SpeechLanguage } from '../../inference/phonemes/text.ts';
import { measureProfile } from '../../inference/profile/profile.ts';
import { NEUTRAL_SPEAKER, buildReferenceVoice, ensureReferenceVoice } from '../../inference/voice/reference.ts';
import type { VoiceFiles } from '../../inference/voice/reference.ts';
import { openVoice } from '../../inference/voice/session.ts';
import type { Rendering, Voice } from '../../inference/voice/session.ts';

const ENGLISH = 'Hello, this is the sound of my voice, and I am happy to talk with you today.';
const MANDARIN = '你好，我是林雅，很高兴今天能和大家一起聊天。';

let folder: string;
let files: VoiceFiles;
let voice: Voice;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'benren-voice-'));
  files = await ensureReferenceVoice(folder);
  voice = await openVoice(files);
});
afterAll(async () => {
  await voice.close();
  await rm(folder, { recursive: true });
});

const speaker = (changes: Readonly<Record<number, number>>): number[] => NEUTRAL_SPEAKER.map((value, index) => changes[index] ?? value);
async function say(text: string, language: SpeechLanguage = 'en', numbers: readonly number[] = NEUTRAL_SPEAKER, rate = 1): Promise<Rendering> {
  const [chunk] = phonemise(text, language);
  return voice.render(chunk?.symbols ?? [], { speaker: numbers, rate });
}
const digest = (rendering: Rendering): string => createHash('sha256').update(new Uint8Array(toPcm16(rendering.samples).buffer)).digest('hex');
const profileOf = (rendering: Rendering): ReturnType<typeof measureProfile> => measureProfile(rendering.samples, voice.sampleRateHz);

/** f0 at shares of the length of one symbol. */
async function pitchAt(symbols: readonly string[], index: number, ...shares: number[]): Promise<number[]> {
  const { f0, durationsMs } = await voice.render(symbols, { speaker: NEUTRAL_SPEAKER, rate: 1 });
  // The model puts 25 ms of silence in front; symbol k is number k + 1 of its input, behind `^`.
  const from = durationsMs.subarray(0, index + 1).reduce((sum, ms) => sum + ms, 25);
  return shares.map((share) => f0[Math.round((from + share * (durationsMs[index + 1] ?? 0)) / 5)] ?? 0);
}

/** A syllable between two level ones. */
async function toneOf(tone: string): Promise<{ start: number; middle: number; end: number }> {
  const [start = 0, middle = 0, end = 0] = await pitchAt(Array.from(`ma1 ma${tone} ma1.`), 5, 0.15, 0.5, 0.85);
  return { start, middle, end };
}

describe('the model file', () => {
  it('is the same bytes each time it is built, named by their digest', async () => {
    expect(createHash('sha256').update(buildReferenceVoice()).digest('hex')).toBe(files.lineage);
    expect(files.path).toContain(files.lineage);
    expect(createHash('sha256').update(await readFile(files.path)).digest('hex')).toBe(files.lineage);
  });

  it('has the inputs and outputs of a Piper voice, and a speaker', async () => {
    const session = await InferenceSession.create(files.path);
    expect(session.inputNames).toEqual(['input', 'input_lengths', 'scales', 'speaker']);
    expect(session.outputNames).toEqual(['output', 'durations_ms', 'f0']);
    await session.release();
    const config = JSON.parse(await readFile(`${files.path}.json`, 'utf8')) as { audio: { sample_rate: number }; phoneme_id_map: Record<string, number[]> };
    expect(config.audio.sample_rate).toBe(24_000);
    expect(config.phoneme_id_map['ə']).toEqual([59]);
    expect(Object.keys(config.phoneme_id_map)).toHaveLength(154);
  });

  it('is put back when somebody changed it', async () => {
    await writeFile(files.path, 'something else');
    await ensureReferenceVoice(folder);
    expect(createHash('sha256').update(await readFile(files.path)).digest('hex')).toBe(files.lineage);
  });
});

describe('the reference voice', () => {
  it.each([['English', ENGLISH, 'en'], ['Mandarin', MANDARIN, 'zh-CN']] as const)('speaks %s: finite, loud enough, never clipped, voiced', async (_, text, language) => {
    const rendering = await say(text, language);
    expect(rendering.samples.every((sample) => Number.isFinite(sample) && Math.abs(sample) < 1)).toBe(true);
    expect(levelDbfs(rendering.samples)).toBeGreaterThan(-27);
    expect(levelDbfs(rendering.samples)).toBeLessThan(-14);
    const profile = profileOf(rendering);
    expect(profile.voicedSeconds).toBeGreaterThan(0.4 * profile.durationSeconds);
    expect(profile.syllablesPerSecond).toBeGreaterThan(2.5);
    expect(profile.syllablesPerSecond).toBeLessThan(7);
  });

  it('gives equal samples for equal input, in one session and in another', async () => {
    const first = digest(await say(ENGLISH));
    await say(MANDARIN, 'zh-CN');
    expect(digest(await say(ENGLISH))).toBe(first);
    const other = await openVoice(files);
    const [chunk] = phonemise(ENGLISH, 'en');
    expect(digest(await other.render(chunk?.symbols ?? [], { speaker: NEUTRAL_SPEAKER, rate: 1 }))).toBe(first);
    await other.close();
  });

  it('is silent but well-formed for no symbols, and ignores interleaved pads', async () => {
    const nothing = await voice.render([], { speaker: NEUTRAL_SPEAKER, rate: 1 });
    expect(nothing.samples.length).toBeGreaterThan(0);
    expect(nothing.samples.every((sample) => Math.abs(sample) < 1e-3)).toBe(true);
    const bare = await voice.render(['n', 'i', '3'], { speaker: NEUTRAL_SPEAKER, rate: 1 });
    const padded = await voice.render(['_', 'n', '_', 'i', '_', '3', '_'], { speaker: NEUTRAL_SPEAKER, rate: 1 });
    expect(digest(padded)).toBe(digest(bare));
  });

  it('renders no more and no less than its durations and f0 say', async () => {
    const { samples, durationsMs, f0 } = await say(ENGLISH);
    const edges = 25 + 40;
    const milliseconds = durationsMs.reduce((sum, ms) => sum + ms, edges);
    expect(Math.abs(samples.length / 24 - milliseconds)).toBeLessThan(10);
    expect(samples.length).toBe((f0.length - 1) * 120);
  });

  it('takes half the time at twice the rate', async () => {
    const [slow, fast] = [await say(ENGLISH), await say(ENGLISH, 'en', NEUTRAL_SPEAKER, 2)];
    expect(slow.samples.length / fast.samples.length).toBeCloseTo(2, 1);
  });

  it('sounds its f0: the measured pitch is that of the graph', async () => {
    const rendering = await say('All your oil lay down in our one new mill.');
    const exact = Array.from(rendering.f0.subarray(10, -90)).sort((a, b) => a - b);
    const median = exact[Math.floor(exact.length / 2)] ?? 0;
    expect((profileOf(rendering).f0MedianHz ?? 0) / median).toBeGreaterThan(0.97);
    expect((profileOf(rendering).f0MedianHz ?? 0) / median).toBeLessThan(1.03);
  });

  it('follows the speaker: half an octave up is a ratio of 1.41, a shorter tract has wider formants', async () => {
    const neutral = profileOf(await say(ENGLISH));
    const raised = profileOf(await say(ENGLISH, 'en', speaker({ 0: 0.5 })));
    const ratio = (raised.f0MedianHz ?? 0) / (neutral.f0MedianHz ?? 1);
    expect(ratio).toBeGreaterThan(Math.SQRT2 * 0.95);
    expect(ratio).toBeLessThan(Math.SQRT2 * 1.05);
    const shorter = profileOf(await say(ENGLISH, 'en', speaker({ 1: Math.log(1.12) })));
    const formants = (shorter.formantSpacingHz ?? 0) / (neutral.formantSpacingHz ?? 1);
    expect(formants).toBeGreaterThan(1.06);
    expect(formants).toBeLessThan(1.18);
  });

  it('moves the pitch by the four tones', async () => {
    const [high, rising, low, falling] = [await toneOf('1'), await toneOf('2'), await toneOf('3'), await toneOf('4')];
    expect(Math.abs(high.end / high.start - 1)).toBeLessThan(0.06);
    expect(rising.end).toBeGreaterThan(rising.start * 1.15);
    expect(falling.end).toBeLessThan(falling.start * 0.8);
    expect(low.middle).toBeLessThan(Math.min(high.middle, rising.middle, falling.middle));
    expect(high.middle).toBeGreaterThan(low.middle * 1.5);
  });

  it('falls at the end of an English statement and rises in a question, but leaves a lexical tone alone', async () => {
    const last = async (symbols: string, index: number): Promise<number> => (await pitchAt(Array.from(symbols), index, 0.8))[0] ?? 0;
    expect(await last('noʊ?', 2)).toBeGreaterThan(1.3 * await last('noʊ.', 2));
    expect(await last('noʊ.', 2)).toBeLessThan(0.92 * await last('noʊ', 2));
    expect(await last('ma1.', 1)).toBeGreaterThan(0.97 * await last('ma1', 1));
  });

  it('renders faster than it speaks (measured, printed)', async () => {
    await say(ENGLISH);
    for (const [name, text, language] of [['English', ENGLISH, 'en'], ['Mandarin', MANDARIN, 'zh-CN']] as const) {
      const began = performance.now();
      const rendering = await say(text, language);
      const milliseconds = performance.now() - began;
      const seconds = rendering.samples.length / voice.sampleRateHz;
      console.log(`${name}: ${seconds.toFixed(1)} s of speech in ${milliseconds.toFixed(0)} ms, real-time factor ${(milliseconds / 1000 / seconds).toFixed(4)}`);
      expect(milliseconds / 1000).toBeLessThan(seconds);
    }
  });
});
