import type { VoiceProfile } from './profile.ts';

export interface ProfileComparison {
  /** 0 is alike, above about 1.5 is clearly another register, range or vocal tract. */
  readonly distance: number;
  /** The measurements behind it, second against first; null where one of the two could not be measured. */
  readonly components: {
    readonly pitchSemitones: number | null;
    readonly formantPercent: number | null;
    readonly rangeSemitones: number | null;
    readonly pacePercent: number | null;
  };
}

/** What counts as one step apart: about what one person varies by between two recordings. */
const STEP = { pitchSemitones: 2.5, formantPercent: 5, rangeSemitones: 4, pacePercent: 35 } as const;
const WEIGHT = { pitchSemitones: 1, formantPercent: 1, rangeSemitones: 0.35, pacePercent: 0.15 } as const;

const semitones = (ratio: number): number => 12 * Math.log2(ratio);

function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null || a <= 0 || b <= 0 ? null : b / a;
}

function rangeOf(profile: VoiceProfile): number | null {
  const range = ratio(profile.f0LowHz, profile.f0HighHz);
  return range === null ? null : semitones(range);
}

/**
 * How far two voice profiles lie apart. Advice for a person who listens to both recordings, never a decision: it compares pitch,
 * formant spacing, range and pace, knows nothing of words and cannot tell an impersonator from the owner.
 */
export function compareProfiles(a: VoiceProfile, b: VoiceProfile): ProfileComparison {
  const pitch = ratio(a.f0MedianHz, b.f0MedianHz);
  const formants = ratio(a.formantSpacingHz, b.formantSpacingHz);
  const pace = ratio(a.syllablesPerSecond, b.syllablesPerSecond);
  const [rangeA, rangeB] = [rangeOf(a), rangeOf(b)];
  const components = {
    pitchSemitones: pitch === null ? null : semitones(pitch),
    formantPercent: formants === null ? null : 100 * (formants - 1),
    rangeSemitones: rangeA === null || rangeB === null ? null : rangeB - rangeA,
    pacePercent: pace === null ? null : 100 * (pace - 1),
  };
  let [sum, weights] = [0, 0];
  for (const name of Object.keys(STEP) as (keyof typeof STEP)[]) {
    const value = components[name];
    if (value === null) continue;
    sum += WEIGHT[name] * (value / STEP[name]) ** 2;
    weights += WEIGHT[name];
  }
  // Without a pitch there is nothing to compare: as far apart as we say.
  return { distance: components.pitchSemitones === null ? 10 : Math.sqrt(sum / weights), components };
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/**
 * The reference voice's eight numbers that bring it near a recording. Always relative to the reference voice's own profile, measured
 * by the same instrument, so that the instrument's bias cancels. Breath, tilt, bandwidth and jitter are not measured and stay
 * neutral; the result resembles the register, size and liveliness of the voice, and is not a copy of it.
 * @returns null when the recording has no measurable pitch.
 */
export function speakerFromProfile(profile: VoiceProfile, reference: VoiceProfile): number[] | null {
  const pitch = ratio(reference.f0MedianHz, profile.f0MedianHz);
  if (pitch === null) return null;
  const formants = ratio(reference.formantSpacingHz, profile.formantSpacingHz) ?? 1;
  const [own, range] = [rangeOf(reference), rangeOf(profile)];
  const liveliness = own === null || range === null || own <= 0 || range <= 0 ? 1 : range / own;
  const pace = ratio(reference.syllablesPerSecond, profile.syllablesPerSecond) ?? 1;
  return [
    clamp(Math.log2(pitch), -1, 1.6),
    clamp(Math.log(formants), -0.15, 0.28),
    clamp(Math.log(liveliness), -0.5, 0.4),
    0,
    0,
    // The pace is measured coarsely: half of it is believed.
    clamp(0.5 * Math.log(pace), -0.15, 0.15),
    0,
    0,
  ];
}
