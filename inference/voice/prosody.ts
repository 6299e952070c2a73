import type { GraphBuilder, Value } from '../onnx/graph.ts';
import {
  COLUMN, FLAG, FLAGS, FLAG_TABLE, SEGMENTS, SEGMENT_COLUMNS, SEGMENT_TABLE, TONE_POINTS, TONE_TABLE, WOBBLE_SYMBOLS, WOBBLE_TABLE,
} from './tables.ts';
import { BEGIN, END, PAD_ID, SYMBOLS, symbolId } from './symbols.ts';

/** First half of the reference voice: from symbol ids to timed sub-segments with a pitch target each. */
type F32 = Value<'f32'>;
type I64 = Value<'i64'>;

const LAST = Number.MAX_SAFE_INTEGER;
/** How far a vowel looks for its tone digit: jɑʊ3, wɑŋ4. */
const TONE_REACH = 4;
const PAUSE_REACH = 3;

export interface VoiceInputs {
  readonly ids: I64;
  readonly lengths: I64;
  readonly noiseScale: F32;
  readonly lengthScale: F32;
  readonly noiseWidth: F32;
  /** The eight speaker numbers, each a vector of one element. */
  readonly speaker: readonly F32[];
}

export interface Prosody {
  /** One row a sub-segment, [S, columns of tables.ts]. */
  readonly segments: F32;
  /** Length of each sub-segment, ms, [S]. */
  readonly milliseconds: F32;
  /** Pitch target, semitones before the speaker's range is applied, [S]; and how firmly it holds, [S]. */
  readonly semitones: F32;
  readonly pitchWeight: F32;
  /** Length of each input symbol, ms, pads zero, [T]. */
  readonly durations: F32;
}

interface Flags {
  readonly vowel: F32; readonly sonorant: F32; readonly stress: F32; readonly long: F32; readonly tone: F32; readonly pause: F32;
  readonly terminal: F32; readonly boundary: F32; readonly stop: F32; readonly fricative: F32; readonly pitchWeight: F32;
}

const ahead = (g: GraphBuilder, x: F32, steps: number): F32 =>
  g.slice(g.concat([x, g.f32(new Float32Array(steps))]), steps, LAST);
const behind = (g: GraphBuilder, x: F32, steps: number): F32 =>
  g.slice(g.concat([g.f32(new Float32Array(steps)), x]), 0, -steps);
const column = (g: GraphBuilder, x: F32): F32 => g.reshape(x, [-1, 1]);
const isPositive = (g: GraphBuilder, x: F32): Value<'bool'> => g.greater(x, g.f32(0));

/** Drops the pads, so that a caller may interleave them as Piper does or not; puts a short silence at both ends. */
function readSymbols(g: GraphBuilder, inputs: VoiceInputs): { symbols: I64; kept: I64; flat: I64 } {
  const flat = g.reshape(inputs.ids, [-1]);
  const valid = g.slice(flat, 0, inputs.lengths);
  const kept = g.positions(g.not(g.equal(valid, g.i64(PAD_ID))));
  const symbols = g.concat([g.i64([symbolId(BEGIN)]), g.gather(valid, kept), g.i64([symbolId(END)])]);
  return { symbols, kept, flat };
}

function readFlags(g: GraphBuilder, symbols: I64): Flags {
  const rows = g.gather(g.f32(FLAG_TABLE, [SYMBOLS.length, FLAGS]), symbols);
  const flag = (name: keyof typeof FLAG): F32 => g.pick(rows, FLAG[name], 1);
  return {
    vowel: flag('vowel'), sonorant: flag('sonorant'), stress: flag('stress'), long: flag('long'), tone: flag('tone'), pause: flag('pause'),
    terminal: flag('terminal'), boundary: flag('boundary'), stop: flag('stop'), fricative: flag('fricative'),
    pitchWeight: flag('pitchWeight'),
  };
}

/** The stress marks seen since the vowel before: ˈstɹ… reaches its vowel over any number of consonants. */
function stressOfVowels(g: GraphBuilder, flags: Flags): F32 {
  const vowels = g.positions(isPositive(g, flags.vowel));
  const seen = g.concat([g.f32([0]), g.gather(g.cumSum(flags.stress), vowels)]);
  const fresh = g.min(g.sub(g.slice(seen, 1, LAST), g.slice(seen, 0, -1)), g.f32(1));
  return g.scatter(g.mul(flags.vowel, g.f32(0)), vowels, fresh);
}

/** The tone digit that closes the syllable, if there is one before the next word or pause. */
function toneOfSyllable(g: GraphBuilder, flags: Flags): F32 {
  let tone = g.mul(flags.tone, g.f32(0));
  for (let steps = TONE_REACH; steps >= 1; steps -= 1) {
    const digit = ahead(g, flags.tone, steps);
    tone = g.where(isPositive(g, digit), digit, tone);
    tone = g.where(isPositive(g, ahead(g, flags.boundary, steps)), g.f32(0), tone);
  }
  return tone;
}

function lengthFactor(g: GraphBuilder, flags: Flags, stress: F32, tone: F32): F32 {
  const plus = (scale: number, x: F32): F32 => g.add(g.f32(1), g.mul(g.f32(scale), x));
  const spoken = g.add(g.f32(0.8), g.mul(g.f32(0.42), stress));
  const toned = g.where(g.equal(tone, g.f32(5)), g.f32(0.78), g.where(isPositive(g, tone), g.f32(1.05), spoken));
  const nucleus = g.where(isPositive(g, flags.vowel), toned, g.f32(1));
  const neighbour = g.mul(flags.vowel, g.max(ahead(g, flags.vowel, 1), behind(g, flags.vowel, 1)));
  let beforePause = ahead(g, flags.pause, 1);
  for (let steps = 2; steps <= PAUSE_REACH; steps += 1) beforePause = g.max(beforePause, ahead(g, flags.pause, steps));
  const lengthened = g.mul(beforePause, g.sub(g.f32(1), flags.pause));
  // The second half of an affricate (tʃ, tɕ) is shorter than the fricative alone.
  const affricate = g.mul(flags.fricative, behind(g, flags.stop, 1));
  return [
    plus(0.3, ahead(g, flags.long, 1)), plus(-0.28, neighbour), plus(0.22, lengthened), plus(-0.4, affricate),
  ].reduce((product, factor) => g.mul(product, factor), nucleus);
}

/** Where in the rhyme of its syllable each sub-segment lies (0 … 1), then the tone's contour at that place: [n, 3] semitones. */
function toneContour(g: GraphBuilder, flags: Flags, tone: F32, symbolMs: F32): F32 {
  const digit = g.cast(isPositive(g, flags.tone), 'f32');
  const coda = g.mul(flags.sonorant, g.cast(isPositive(g, ahead(g, flags.tone, 1)), 'f32'));
  const member = g.mul(g.max(flags.vowel, coda), g.cast(isPositive(g, tone), 'f32'));
  const rhyme = g.mul(symbolMs, member);
  const until = g.cumSum(rhyme);
  const digits = g.positions(isPositive(g, flags.tone));
  const closed = g.gather(until, digits);
  const syllable = g.cast(g.sub(g.cumSum(digit), digit), 'i64');
  const start = g.gather(g.concat([g.f32([0]), closed]), syllable);
  const end = g.gather(g.concat([closed, g.slice(until, -1, LAST)]), syllable);
  const from = column(g, g.sub(g.sub(until, rhyme), start));
  const at = g.add(from, g.mul(column(g, rhyme), g.f32([1 / 6, 1 / 2, 5 / 6], [1, SEGMENTS])));
  const place = g.min(g.max(g.div(at, g.max(column(g, g.sub(end, start)), g.f32(1))), g.f32(0)), g.f32(1));
  const points = g.f32(Array.from({ length: TONE_POINTS }, (_, point) => point), [1, 1, TONE_POINTS]);
  const distance = g.abs(g.sub(g.mul(g.reshape(place, [-1, SEGMENTS, 1]), g.f32(TONE_POINTS - 1)), points));
  const weights = g.relu(g.sub(g.f32(1), distance));
  const contour = g.gather(g.f32(TONE_TABLE, [TONE_TABLE.length / TONE_POINTS, TONE_POINTS]), g.cast(tone, 'i64'));
  return g.sum(g.mul(weights, g.reshape(contour, [-1, 1, TONE_POINTS])), 2);
}

/**
 * The pitch movement of the last syllable before each pause. A syllable with a lexical tone keeps it: no fall is added, and a
 * question only lifts it.
 */
function clauseEnding(g: GraphBuilder, flags: Flags, tone: F32): F32 {
  const vowels = g.cumSum(flags.vowel);
  const pauses = g.positions(isPositive(g, flags.pause));
  const clause = g.cast(g.sub(g.cumSum(flags.pause), flags.pause), 'i64');
  const vowelsAtEnd = g.gather(g.concat([g.gather(vowels, pauses), g.slice(vowels, -1, LAST)]), clause);
  const movement = g.gather(g.concat([g.gather(flags.terminal, pauses), g.f32([0])]), clause);
  const last = g.equal(g.sub(vowelsAtEnd, vowels), g.f32(0));
  const toned = g.mul(g.relu(movement), g.f32(0.5));
  const chosen = g.where(isPositive(g, tone), toned, movement);
  return g.mul(column(g, g.where(last, chosen, g.f32(0))), g.f32([0.45, 0.75, 1], [1, SEGMENTS]));
}

/** Timing and intonation of an utterance. */
export function buildProsody(g: GraphBuilder, inputs: VoiceInputs): Prosody {
  const { symbols, kept, flat } = readSymbols(g, inputs);
  const flags = readFlags(g, symbols);
  const stress = stressOfVowels(g, flags);
  const tone = toneOfSyllable(g, flags);

  const [, , , , , rate] = inputs.speaker;
  if (rate === undefined) throw new Error('the speaker has eight numbers');
  const pace = g.div(inputs.lengthScale, g.exp(rate));
  const order = g.mod(g.range(g.size(symbols, 0)), g.i64(WOBBLE_SYMBOLS));
  const wobble = g.add(g.f32(1), g.mul(g.mul(g.f32(0.04), inputs.noiseWidth), g.gather(g.f32(WOBBLE_TABLE), order)));
  const factor = g.mul(g.mul(lengthFactor(g, flags, stress, tone), wobble), pace);

  const table = g.f32(SEGMENT_TABLE, [SYMBOLS.length, SEGMENTS, SEGMENT_COLUMNS]);
  const rows = g.gather(table, symbols);
  const times = g.mul(g.pick(rows, COLUMN.milliseconds, 2), column(g, factor));
  const symbolMs = g.sum(times, 1);

  const accent = g.mul(column(g, stress), g.f32([2.2, 3.4, 2.0], [1, SEGMENTS]));
  const semitones = g.add(g.add(accent, toneContour(g, flags, tone, symbolMs)), clauseEnding(g, flags, tone));
  const silence = g.expand(g.f32([0]), g.size(flat, 0));
  return {
    segments: g.reshape(rows, [-1, SEGMENT_COLUMNS]),
    milliseconds: g.reshape(times, [-1]),
    semitones: g.reshape(semitones, [-1]),
    pitchWeight: g.reshape(g.mul(column(g, flags.pitchWeight), g.f32([1, 1, 1], [1, SEGMENTS])), [-1]),
    durations: g.scatter(silence, kept, g.slice(symbolMs, 1, -1)),
  };
}
