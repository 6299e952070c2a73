/**
 * Pitch by YIN (de Cheveigné & Kawahara 2002, "YIN, a fundamental frequency estimator for speech and music", steps 1–3 and 5), with
 * the path through each frame's candidates chosen as Boersma (1993) does in Praat: a voice moves smoothly, so the cheapest path wins.
 */
/** Enough for what is below 1 kHz, where the pitch is; the parabola finds the rest of the precision. */
export const YIN_RATE_HZ = 8_000;
export const YIN_HOP_SECONDS = 0.01;

const HOP = YIN_RATE_HZ * YIN_HOP_SECONDS;
/** 35 ms: two and a half periods of the lowest pitch. */
const WINDOW = 0.035 * YIN_RATE_HZ;
const MIN_F0_HZ = 70;
const MAX_F0_HZ = 450;
const MIN_LAG = Math.floor(YIN_RATE_HZ / MAX_F0_HZ);
const MAX_LAG = Math.ceil(YIN_RATE_HZ / MIN_F0_HZ);
/** Quieter than this is not listened to: absolute, and below the loud parts of the recording. */
const FLOOR_DBFS = -60;
const BELOW_LOUD_DB = 42;

/**
 * Above this aperiodicity (0 periodic, 1 not) a frame is better called unvoiced: Praat's voicing threshold, an autocorrelation of 0.45.
 * Alone it would let noise through, which is faintly periodic by chance here and there; so a stretch counts only with a clearly
 * periodic core and a length that chance does not reach.
 */
const UNVOICED_COST = 0.55;
const CORE = 0.2;
const MIN_CORE_FRAMES = 3;
const MIN_RUN_FRAMES = 5;
/** Costs of a path: of a lower octave (multiples of the period fit as well), of moving by an octave, of starting or ending a voice. */
const OCTAVE_COST = 0.04;
const JUMP_COST = 0.6;
const SWITCH_COST = 0.05;
const MAX_CANDIDATES = 6;
/** Never within one stretch, whatever it costs. */
const MAX_STEP_OCTAVES = 0.35;

export interface PitchTrack {
  /** f0 of each frame of 10 ms in Hz, 0 where unvoiced. */
  readonly f0: Float32Array;
  /** Level of each frame, dB below full scale. */
  readonly levelDbfs: Float32Array;
}

interface Candidate {
  /** 0 is the unvoiced candidate, which every frame has. */
  readonly hertz: number;
  readonly aperiodicity: number;
  readonly cost: number;
}

const UNVOICED: Candidate = { hertz: 0, aperiodicity: 1, cost: UNVOICED_COST };

/** Cumulative mean normalised difference at the lags [0, MAX_LAG]. */
function normalisedDifference(samples: Float32Array, at: number, out: Float64Array): void {
  out[0] = 1;
  let running = 0;
  for (let lag = 1; lag <= MAX_LAG; lag += 1) {
    let sum = 0;
    for (let i = at; i < at + WINDOW; i += 1) {
      const delta = (samples[i] ?? 0) - (samples[i + lag] ?? 0);
      sum += delta * delta;
    }
    running += sum;
    out[lag] = running > 0 ? (sum * lag) / running : 1;
  }
}

/** The dips of the difference function: possible periods, the most periodic first. */
function candidatesOf(difference: Float64Array): Candidate[] {
  const found: Candidate[] = [];
  for (let lag = MIN_LAG + 1; lag < MAX_LAG; lag += 1) {
    const [left, centre, right] = [difference[lag - 1] ?? 1, difference[lag] ?? 1, difference[lag + 1] ?? 1];
    if (centre >= 1 || centre > left || centre >= right) continue;
    // The true minimum lies between lags: a parabola through three points.
    const curvature = left - 2 * centre + right;
    const period = curvature > 0 ? lag + (0.5 * (left - right)) / curvature : lag;
    const cost = centre + OCTAVE_COST * Math.log2(period / MIN_LAG);
    found.push({ hertz: YIN_RATE_HZ / period, aperiodicity: centre, cost });
  }
  return [...found.sort((a, b) => a.cost - b.cost).slice(0, MAX_CANDIDATES), UNVOICED];
}

function transitionCost(from: Candidate, to: Candidate): number {
  if (from.hertz === 0 || to.hertz === 0) return from.hertz === to.hertz ? 0 : SWITCH_COST;
  return JUMP_COST * Math.abs(Math.log2(to.hertz / from.hertz));
}

/** The cheapest path through the candidates of all frames (Viterbi). */
function cheapestPath(frames: readonly (readonly Candidate[])[]): Candidate[] {
  const back: number[][] = [];
  let costs: number[] = [];
  frames.forEach((candidates, frame) => {
    const before = frames[frame - 1];
    const origins: number[] = [];
    const next = candidates.map((candidate, index) => {
      if (before === undefined) return candidate.cost;
      let [best, cheapest] = [0, Infinity];
      before.forEach((previous, from) => {
        const cost = (costs[from] ?? Infinity) + transitionCost(previous, candidate);
        if (cost < cheapest) [best, cheapest] = [from, cost];
      });
      origins[index] = best;
      return cheapest + candidate.cost;
    });
    back.push(origins);
    costs = next;
  });
  const path: Candidate[] = [];
  let at = costs.indexOf(Math.min(...costs));
  for (let frame = frames.length - 1; frame >= 0; frame -= 1) {
    path[frame] = frames[frame]?.[at] ?? UNVOICED;
    at = back[frame]?.[at] ?? 0;
  }
  return path;
}

/** f0 of the stretches that are long, smooth and periodic enough to be a voice; 0 elsewhere. */
function voicesOf(path: readonly Candidate[]): Float32Array {
  const f0 = Float32Array.from(path, (candidate) => candidate.hertz);
  let from = 0;
  for (let frame = 1; frame <= f0.length; frame += 1) {
    const [before, now] = [f0[frame - 1] ?? 0, f0[frame] ?? 0];
    if (before > 0 && now > 0 && Math.abs(Math.log2(now / before)) <= MAX_STEP_OCTAVES) continue;
    const core = path.slice(from, frame).filter((candidate) => candidate.aperiodicity < CORE).length;
    if (frame - from < MIN_RUN_FRAMES || core < MIN_CORE_FRAMES) f0.fill(0, from, frame);
    from = frame;
  }
  return f0;
}

/** The pitch of samples at 8 kHz. */
export function trackPitch(samples: Float32Array): PitchTrack {
  const count = Math.max(0, Math.floor((samples.length - WINDOW - MAX_LAG) / HOP) + 1);
  const levels = new Float32Array(count);
  for (let frame = 0; frame < count; frame += 1) {
    let energy = 0;
    for (let i = frame * HOP; i < frame * HOP + WINDOW; i += 1) energy += (samples[i] ?? 0) ** 2;
    levels[frame] = 10 * Math.log10(energy / WINDOW + 1e-12);
  }
  const loud = levels.slice().sort()[Math.floor(count * 0.95)] ?? -Infinity;
  const gate = Math.max(FLOOR_DBFS, loud - BELOW_LOUD_DB);
  const difference = new Float64Array(MAX_LAG + 1);
  const frames = Array.from(levels, (level, frame) => {
    if (level < gate) return [UNVOICED];
    normalisedDifference(samples, frame * HOP, difference);
    return candidatesOf(difference);
  });
  return { f0: voicesOf(cheapestPath(frames)), levelDbfs: levels };
}
