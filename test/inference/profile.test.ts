import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWav } from '../../inference/audio/wav.ts';
import { compareProfiles, speakerFromProfile } from '../../inference/profile/compare.ts';
import { measureProfile } from '../../inference/profile/profile.ts';
import type { VoiceProfile } from '../../inference/profile/profile.ts';
import { phonemise } from '../../inference/phonemes/text.ts';
import { NEUTRAL_SPEAKER, ensureReferenceVoice } from '../../inference/voice/reference.ts';
import { openVoice } from '../../inference/voice/session.ts';
import type { Voice } from '../../inference/voice/session.ts';
import { seededRandom } from '../../src/kernel/random.ts';

const SOUNDS = '/usr/share/sounds/alsa';
const SPOKEN = ['Front_Center', 'Front_Left', 'Front_Right', 'Rear_Center', 'Rear_Left', 'Rear_Right', 'Side_Left', 'Side_Right']
  .map((name) => join(SOUNDS, `${name}.wav`));
const NOISE = join(SOUNDS, 'Noise.wav');
const SENTENCE = 'We were away a year ago, and all of us knew that she would be home by noon.';

let folder: string;
let voice: Voice;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'benren-profile-'));
  voice = await openVoice(await ensureReferenceVoice(folder));
});
afterAll(async () => {
  await voice.close();
  await rm(folder, { recursive: true });
});

async function speak(numbers: readonly number[]): Promise<VoiceProfile> {
  const [chunk] = phonemise(SENTENCE, 'en');
  const { samples } = await voice.render(chunk?.symbols ?? [], { speaker: numbers, rate: 1 });
  return measureProfile(samples, voice.sampleRateHz);
}
const MAN = [-0.2, 0, 0, 0, 0, 0, 0, 0];
const WOMAN = [0.75, Math.log(1.14), 0, 0, 0, 0, 0, 0];

function joined(paths: readonly string[]): { samples: Float32Array; rateHz: number } {
  const recordings = paths.map((path) => readWav(readFileSync(path)));
  const samples = new Float32Array(recordings.reduce((sum, recording) => sum + recording.samples.length, 0));
  let at = 0;
  for (const recording of recordings) {
    samples.set(recording.samples, at);
    at += recording.samples.length;
  }
  return { samples, rateHz: recordings[0]?.sampleRateHz ?? 0 };
}

describe('what is voiced', () => {
  it('is nothing in silence, and nothing in white noise', () => {
    const silence = measureProfile(new Float32Array(96_000), 24_000);
    expect(silence).toMatchObject({ voicedSeconds: 0, f0MedianHz: null, formantSpacingHz: null, syllablesPerSecond: 0, levelDbfs: -120 });
    const random = seededRandom('white noise');
    const white = Float32Array.from({ length: 192_000 }, () => 0.3 * (random.below(65_536) / 32_768 - 1));
    expect(measureProfile(white, 24_000).voicedSeconds).toBeLessThan(0.1);
    expect(measureProfile(new Float32Array(10), 24_000).voicedSeconds).toBe(0);
  });

  it('is timed right: bursts of a buzz of known length', () => {
    const rate = 24_000;
    const samples = new Float32Array(10 * rate);
    for (let burst = 0; burst < 10; burst += 1) {
      for (let i = 0; i < 0.3 * rate; i += 1) {
        const t = i / rate;
        const level = 0.05 * Math.min(1, t / 0.01, (0.3 - t) / 0.01);
        for (let harmonic = 1; harmonic < 16; harmonic += 1) samples[burst * rate + 5_000 + i]! += (level / harmonic) * Math.sin(2 * Math.PI * 140 * harmonic * t);
      }
    }
    const profile = measureProfile(samples, rate);
    expect(profile.voicedSeconds).toBeGreaterThan(2.8);
    expect(profile.voicedSeconds).toBeLessThan(3.4);
    expect(profile.f0MedianHz).toBeCloseTo(140, 0);
  });

  it('is at least five seconds of the eleven that a person speaks in the alsa-utils recordings', () => {
    if (!SPOKEN.every((path) => existsSync(path))) {
      console.log('skipped: the spoken files of alsa-utils are not on this machine');
      return;
    }
    const { samples, rateHz } = joined(SPOKEN);
    const profile = measureProfile(samples, rateHz);
    console.log(`alsa-utils speaker: ${JSON.stringify(profile)}`);
    expect(profile.voicedSeconds).toBeGreaterThanOrEqual(5);
    expect(profile.voicedSeconds).toBeLessThan(7);
    expect(profile.f0MedianHz).toBeGreaterThan(150);
    expect(profile.f0MedianHz).toBeLessThan(250);
    expect(profile.formantSpacingHz).toBeGreaterThan(1_050);
  });

  it('is nothing in the noise of alsa-utils', () => {
    if (!existsSync(NOISE)) {
      console.log('skipped: Noise.wav of alsa-utils is not on this machine');
      return;
    }
    const { samples, rateHz } = joined([NOISE]);
    expect(measureProfile(samples, rateHz).voicedSeconds).toBeLessThan(0.1);
  });
});

describe('comparing and imitating', () => {
  it('finds a voice near itself and far from another', async () => {
    const [reference, again, woman] = [await speak(NEUTRAL_SPEAKER), await speak(NEUTRAL_SPEAKER), await speak(WOMAN)];
    expect(compareProfiles(reference, again).distance).toBe(0);
    const far = compareProfiles(reference, woman);
    expect(far.distance).toBeGreaterThan(1.5);
    expect(far.components.pitchSemitones).toBeGreaterThan(7);
    expect(far.components.formantPercent).toBeGreaterThan(5);
  });

  it('says "far" rather than "near" when there was nothing to compare', async () => {
    const silence = measureProfile(new Float32Array(48_000), 24_000);
    expect(compareProfiles(await speak(NEUTRAL_SPEAKER), silence).distance).toBe(10);
    expect(speakerFromProfile(silence, await speak(NEUTRAL_SPEAKER))).toBeNull();
  });

  it('maps the reference voice to zeros, and a voice back to the numbers it was made with', async () => {
    const reference = await speak(NEUTRAL_SPEAKER);
    expect(speakerFromProfile(reference, reference)).toEqual(NEUTRAL_SPEAKER);
    for (const numbers of [MAN, WOMAN]) {
      const found = speakerFromProfile(await speak(numbers), reference) ?? [];
      expect(Math.abs((found[0] ?? 9) - (numbers[0] ?? 0))).toBeLessThan(0.05);
      expect(Math.abs((found[1] ?? 9) - (numbers[1] ?? 0))).toBeLessThan(0.06);
    }
  });

  it('gives a woman’s recording a higher voice than a man’s', async () => {
    const reference = await speak(NEUTRAL_SPEAKER);
    const man = speakerFromProfile(await speak(MAN), reference);
    const woman = speakerFromProfile(await speak(WOMAN), reference);
    expect(woman?.[0]).toBeGreaterThan((man?.[0] ?? 9) + 0.5);
    expect(woman?.[1]).toBeGreaterThan(man?.[1] ?? 9);
    const spoken = await speak(woman ?? []);
    expect(spoken.f0MedianHz).toBeGreaterThan(170);
  });
});
