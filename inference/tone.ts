/**
 * The explicit label as a rhythm: "AI" in Morse code, short-long short-short, which GB 45438-2025 5.3 accepts for audio. The
 * proportions are those of ITU-R M.1677-1: a dash is three dots, one dot between signals, three between letters.
 */
export const RHYTHM_SAMPLE_RATE_HZ = 24_000;
const TONE_HZ = 800;
const DOT_MILLISECONDS = 120;
const LEVEL = 0.25;
const EDGE_MILLISECONDS = 6;

/** On and off by turns, in dots: A is ·–, I is ··. */
const RHYTHM_DOTS = [1, 1, 3, 3, 1, 1, 1] as const;

const samplesOf = (milliseconds: number): number => Math.round((milliseconds / 1000) * RHYTHM_SAMPLE_RATE_HZ);

/** The rhythm as 16-bit mono samples at 24 kHz, with three dots of silence behind it. */
export function makeRhythm(): Int16Array {
  const dot = samplesOf(DOT_MILLISECONDS);
  const edge = samplesOf(EDGE_MILLISECONDS);
  const total = RHYTHM_DOTS.reduce<number>((sum, dots) => sum + dots, 0) + 3;
  const pcm = new Int16Array(total * dot);
  let at = 0;
  RHYTHM_DOTS.forEach((dots, index) => {
    const length = dots * dot;
    if (index % 2 === 0) {
      for (let i = 0; i < length; i += 1) {
        // Raised-cosine edges: a tone that starts at once clicks.
        const rise = Math.min(1, Math.min(i, length - 1 - i) / edge);
        const gain = 0.5 - 0.5 * Math.cos(Math.PI * rise);
        pcm[at + i] = Math.round(32_767 * LEVEL * gain * Math.sin((2 * Math.PI * TONE_HZ * i) / RHYTHM_SAMPLE_RATE_HZ));
      }
    }
    at += length;
  });
  return pcm;
}

export interface RhythmMatch {
  /** First sample of the first dot, to within a few milliseconds. */
  readonly at: number;
  readonly dotMilliseconds: number;
}

const HOP = 120;
const WINDOW = 480;
const HOPS_PER_MILLISECOND = RHYTHM_SAMPLE_RATE_HZ / 1000 / HOP;
/** How much of a window's energy must lie at the tone's frequency, and how loud the tone must be at least (of full scale). */
const PURITY = 0.5;
const FLOOR = 0.005;

/** For each hop of 5 ms: does the tone, and little else, sound in the 20 ms around it? (Goertzel's algorithm.) */
function toneSounds(pcm: Int16Array): boolean[] {
  const cosine = 2 * Math.cos((2 * Math.PI * TONE_HZ) / RHYTHM_SAMPLE_RATE_HZ);
  const frames = Math.max(0, Math.floor((pcm.length - WINDOW) / HOP) + 1);
  return Array.from({ length: frames }, (_, frame) => {
    let [one, two, energy] = [0, 0, 0];
    for (let i = 0; i < WINDOW; i += 1) {
      const x = (pcm[frame * HOP + i] ?? 0) / 0x8000;
      energy += x * x;
      [one, two] = [x + cosine * one - two, one];
    }
    const tone = (2 * (one * one + two * two - cosine * one * two)) / WINDOW;
    return tone > PURITY * energy && Math.sqrt(tone / WINDOW) > FLOOR;
  });
}

interface Run { readonly on: boolean; readonly from: number; readonly length: number }

function runsOf(sounds: readonly boolean[]): Run[] {
  const runs: Run[] = [];
  sounds.forEach((on, frame) => {
    const last = runs.at(-1);
    if (last?.on === on) runs[runs.length - 1] = { ...last, length: last.length + 1 };
    else runs.push({ on, from: frame, length: 1 });
  });
  return runs;
}

function fits(runs: readonly Run[]): number | null {
  const units = RHYTHM_DOTS.reduce<number>((sum, dots) => sum + dots, 0);
  const dot = runs.reduce((sum, run) => sum + run.length, 0) / units;
  // The window smears each edge by up to half its length, 10 ms or two hops.
  const slack = 0.25 * dot + 2;
  const allFit = RHYTHM_DOTS.every((dots, index) => Math.abs((runs[index]?.length ?? 0) - dots * dot) <= slack);
  return allFit && dot >= 6 ? dot : null;
}

/** Finds the rhythm in samples at 24 kHz by the envelope of its tone, at any speed of 30 ms a dot or slower; null when absent. */
export function findRhythm(pcm: Int16Array): RhythmMatch | null {
  const runs = runsOf(toneSounds(pcm));
  for (let first = 0; first + RHYTHM_DOTS.length <= runs.length; first += 1) {
    const window = runs.slice(first, first + RHYTHM_DOTS.length);
    const [head] = window;
    if (head?.on !== true) continue;
    // Before and after there must be a pause (or nothing more), or it is the inside of another message.
    const quiet = (run: Run | undefined, dot: number): boolean =>
      run === undefined || run.length >= 2 * dot || run.from === 0 || run === runs.at(-1);
    const dot = fits(window);
    if (dot === null || !quiet(runs[first - 1], dot) || !quiet(runs[first + RHYTHM_DOTS.length], dot)) continue;
    return { at: head.from * HOP + WINDOW / 2, dotMilliseconds: dot / HOPS_PER_MILLISECOND };
  }
  return null;
}
