import { BEGIN, END, SYMBOLS } from './symbols.ts';

/**
 * How each phoneme symbol sounds: three sub-segments (closure, burst, aspiration of a stop; thirds of everything else) of formant
 * targets and source levels, after Klatt (1980), "Software for a cascade/parallel formant synthesizer", with vowel formants of
 * Peterson & Barney (1952) for men and stop loci of Delattre, Liberman & Cooper (1955).
 */
export type NoiseClass = 'none' | 's' | 'ʃ' | 'x' | 'f' | 'θ' | 'ɕ' | 'ʂ' | 'p' | 't' | 'k';

type Triple = readonly [number, number, number];

export interface Segment {
  readonly milliseconds: number;
  /** F1–F3, Hz. */
  readonly formants: Triple;
  /** B1–B3, Hz. */
  readonly bandwidths: Triple;
  /** How strongly the targets hold against those of the neighbours (0 … 1; Cohen & Massaro 1993). */
  readonly dominance: number;
  /** Levels in dB of voicing, aspiration and frication; null is none. */
  readonly voicing: number | null;
  readonly aspiration: number | null;
  readonly frication: number | null;
  readonly noise: NoiseClass;
}

export type PhoneKind = 'vowel' | 'sonorant' | 'stop' | 'fricative' | 'breath' | 'pause' | 'mark';

export interface Phone {
  readonly kind: PhoneKind;
  readonly segments: readonly [Segment, Segment, Segment];
}

const NEUTRAL: Triple = [500, 1500, 2500];
const SILENT: Segment = {
  milliseconds: 0, formants: NEUTRAL, bandwidths: [80, 110, 170], dominance: 0.01,
  voicing: null, aspiration: null, frication: null, noise: 'none',
};

const third = (segment: Segment): Segment => ({ ...segment, milliseconds: segment.milliseconds / 3 });
const even = (kind: PhoneKind, segment: Segment): Phone => {
  const part = third(segment);
  return { kind, segments: [part, part, part] };
};

/** A little breath in every vowel keeps the spectrum above 4 kHz from being a buzz. */
const vowel = (milliseconds: number, ...formants: Triple): Phone => even('vowel', {
  ...SILENT, milliseconds, formants, bandwidths: [65, 95, 150], dominance: 1, voicing: 0, aspiration: -31,
});

const sonorant = (milliseconds: number, formants: Triple, voicing: number, bandwidths: Triple, dominance: number): Phone =>
  even('sonorant', { ...SILENT, milliseconds, formants, bandwidths, dominance, voicing });

const nasal = (milliseconds: number, ...formants: Triple): Phone => sonorant(milliseconds, formants, -7, [70, 260, 320], 0.75);
const glide = (milliseconds: number, ...formants: Triple): Phone => sonorant(milliseconds, formants, -4, [70, 110, 180], 0.8);

const fricative = (
  milliseconds: number, formants: Triple, noise: NoiseClass, frication: number, voicing: number | null = null,
): Phone => even('fricative', {
  ...SILENT, milliseconds, formants, bandwidths: [110, 130, 200], dominance: 0.55, frication, noise, voicing,
});

interface StopShape { closure: number; burst: number; aspiration: number; voiced: boolean; level: number }

function stop(formants: Triple, noise: NoiseClass, shape: StopShape): Phone {
  const base: Segment = { ...SILENT, formants, dominance: 0.6 };
  const [, f2, f3] = formants;
  return {
    kind: 'stop',
    segments: [
      // The murmur of a voiced closure is low-pass: a very low F1 with the rest damped.
      {
        ...base, milliseconds: shape.closure, formants: [190, f2, f3], bandwidths: [90, 400, 500],
        voicing: shape.voiced ? -15 : null,
      },
      { ...base, milliseconds: shape.burst, frication: shape.level, noise, voicing: shape.voiced ? -12 : null },
      {
        ...base, milliseconds: shape.aspiration, dominance: 0.25,
        aspiration: shape.voiced ? null : -13, voicing: shape.voiced ? -3 : null,
      },
    ],
  };
}

const voiceless = (formants: Triple, noise: NoiseClass, level: number): Phone =>
  stop(formants, noise, { closure: 55, burst: 9, aspiration: 13, voiced: false, level });
const voiced = (formants: Triple, noise: NoiseClass, level: number): Phone =>
  stop(formants, noise, { closure: 48, burst: 7, aspiration: 5, voiced: true, level: level - 3 });

const breath = (milliseconds: number, level: number): Phone => even('breath', {
  ...SILENT, milliseconds, dominance: 0.04, aspiration: level, bandwidths: [140, 130, 190],
});
const pause = (milliseconds: number): Phone => even('pause', { ...SILENT, milliseconds });
const MARK: Phone = even('mark', SILENT);

const LABIAL: Triple = [320, 850, 2200];
const ALVEOLAR: Triple = [320, 1750, 2650];
const RETROFLEX: Triple = [320, 1650, 2050];
const VELAR: Triple = [320, 1900, 2300];
const PALATAL: Triple = [300, 2150, 2950];

const VOWELS: Record<string, Phone> = {
  i: vowel(88, 290, 2290, 3010), ɪ: vowel(76, 400, 1990, 2600), ᵻ: vowel(62, 420, 1800, 2550), e: vowel(98, 420, 2150, 2750),
  ɛ: vowel(92, 560, 1840, 2550), ε: vowel(92, 560, 1840, 2550), æ: vowel(118, 680, 1760, 2480), a: vowel(112, 760, 1400, 2500),
  ɐ: vowel(80, 640, 1350, 2450), ɑ: vowel(112, 740, 1120, 2480), ɒ: vowel(105, 660, 980, 2450), ɔ: vowel(108, 590, 860, 2450),
  o: vowel(100, 480, 880, 2400), ɵ: vowel(80, 430, 1150, 2350), ʊ: vowel(80, 450, 1050, 2250), u: vowel(92, 310, 900, 2250),
  ʉ: vowel(92, 320, 1400, 2300), ʌ: vowel(88, 640, 1190, 2450), ə: vowel(60, 500, 1450, 2450), ɘ: vowel(70, 430, 1600, 2450),
  ɜ: vowel(105, 500, 1400, 2300), ɚ: vowel(92, 480, 1350, 1700), y: vowel(95, 290, 1900, 2300), ʏ: vowel(80, 390, 1700, 2300),
  ø: vowel(98, 400, 1600, 2250), œ: vowel(95, 540, 1550, 2350), ɤ: vowel(102, 460, 1150, 2400), ɯ: vowel(98, 340, 1380, 2500),
  ɨ: vowel(98, 340, 1720, 2250),
};

const CONSONANTS: Record<string, Phone> = {
  p: voiceless(LABIAL, 'p', -6), t: voiceless(ALVEOLAR, 't', -3), k: voiceless(VELAR, 'k', -3), ʈ: voiceless(RETROFLEX, 't', -6),
  c: voiceless(PALATAL, 'k', -5), q: voiceless(VELAR, 'k', -5),
  b: voiced(LABIAL, 'p', -6), d: voiced(ALVEOLAR, 't', -4), ɡ: voiced(VELAR, 'k', -4), ɖ: voiced(RETROFLEX, 't', -6),
  ɟ: voiced(PALATAL, 'k', -5),
  ɾ: even('sonorant', { ...SILENT, milliseconds: 26, formants: ALVEOLAR, dominance: 0.6, voicing: -10 }),
  ʔ: even('breath', { ...SILENT, milliseconds: 40, dominance: 0.03 }),
  m: nasal(70, 270, 1000, 2200), n: nasal(62, 280, 1600, 2550), ŋ: nasal(72, 280, 2100, 2500), ɲ: nasal(66, 280, 2050, 2750),
  ɱ: nasal(66, 270, 1050, 2250), ɳ: nasal(62, 280, 1500, 2100),
  l: sonorant(58, [340, 1050, 2750], -5, [80, 140, 220], 0.7), ɫ: sonorant(62, [370, 850, 2650], -5, [80, 140, 220], 0.7),
  ɭ: sonorant(58, [340, 1200, 2200], -5, [80, 140, 220], 0.7), ʎ: sonorant(60, [300, 2000, 2800], -5, [80, 140, 220], 0.7),
  ɹ: glide(62, 330, 1150, 1550), r: glide(50, 380, 1300, 1750), ɻ: glide(62, 340, 1250, 1650), ʁ: glide(60, 420, 1150, 2350),
  ʋ: glide(55, 320, 950, 2250), w: glide(56, 300, 650, 2200), j: glide(50, 270, 2250, 3000), ɥ: glide(52, 280, 1850, 2300),
  ɰ: glide(52, 320, 1300, 2350),
  f: fricative(92, [340, 1000, 2250], 'f', -9), v: fricative(58, [300, 1000, 2250], 'f', -17, -8),
  θ: fricative(88, [340, 1350, 2550], 'θ', -10), ð: fricative(46, [300, 1350, 2550], 'θ', -20, -7),
  s: fricative(100, [330, 1650, 2600], 's', -9), z: fricative(72, [300, 1650, 2600], 's', -15, -8),
  ʃ: fricative(100, [330, 1850, 2500], 'ʃ', -8), ʒ: fricative(70, [300, 1850, 2500], 'ʃ', -14, -8),
  ɕ: fricative(104, [300, 2050, 2900], 'ɕ', -8), ʑ: fricative(72, [300, 2050, 2900], 'ɕ', -14, -8),
  ʂ: fricative(104, [340, 1650, 2150], 'ʂ', -7), ʐ: fricative(66, [320, 1500, 1950], 'ʂ', -19, -5),
  ç: fricative(85, [300, 2150, 2950], 'ɕ', -8), x: fricative(88, [380, 1300, 2350], 'x', -7), χ: fricative(88, [450, 1200, 2350], 'x', -7),
  ɣ: fricative(60, [340, 1250, 2350], 'x', -17, -6), β: fricative(55, [300, 950, 2250], 'f', -19, -6),
  ɸ: fricative(85, [340, 950, 2250], 'f', -11),
  h: breath(58, -11), ħ: breath(70, -9), ɦ: even('breath', { ...SILENT, milliseconds: 52, dominance: 0.04, aspiration: -13, voicing: -9 }),
  ʰ: breath(44, -9),
};

/** Pauses in milliseconds at the marks of punctuation. */
const PAUSES: Record<string, Phone> = {
  ',': pause(190), ';': pause(250), ':': pause(230), '.': pause(330), '!': pause(330), '?': pause(340),
  [BEGIN]: pause(25), [END]: pause(40),
};

const PHONES: Readonly<Record<string, Phone>> = { ...VOWELS, ...CONSONANTS, ...PAUSES };

/** The sound of a symbol; marks (stress, length, tone digits, pads) and unsupported symbols have no sound of their own. */
export function phone(symbol: string): Phone {
  return PHONES[symbol] ?? MARK;
}

/** Phones in symbol id order: the rows of the graph's tables. */
export const PHONE_TABLE: readonly Phone[] = SYMBOLS.map(phone);

/**
 * A quick estimate of how long a phoneme string takes at rate 1, in milliseconds. Used to cut text into renderable pieces; the
 * graph's own durations are the truth.
 */
export function nominalMilliseconds(symbols: readonly string[]): number {
  return symbols.reduce(
    (sum, symbol) => sum + phone(symbol).segments.reduce((part, segment) => part + segment.milliseconds, 0), 0,
  );
}

interface Resonance { readonly centreHz: number; readonly bandwidthHz: number; readonly decibels: number }

const RESONANCES: Record<NoiseClass, readonly Resonance[]> = {
  none: [],
  s: [{ centreHz: 5500, bandwidthHz: 2200, decibels: 0 }, { centreHz: 8000, bandwidthHz: 3000, decibels: 0 }],
  ʃ: [{ centreHz: 2700, bandwidthHz: 1200, decibels: 0 }, { centreHz: 4500, bandwidthHz: 2500, decibels: -3 }],
  x: [{ centreHz: 1500, bandwidthHz: 900, decibels: 0 }],
  f: [{ centreHz: 1500, bandwidthHz: 3000, decibels: -9 }, { centreHz: 7000, bandwidthHz: 6000, decibels: -6 }],
  θ: [{ centreHz: 6000, bandwidthHz: 6000, decibels: -4 }],
  ɕ: [{ centreHz: 3300, bandwidthHz: 1200, decibels: 0 }, { centreHz: 6000, bandwidthHz: 3000, decibels: -4 }],
  ʂ: [{ centreHz: 2100, bandwidthHz: 900, decibels: 0 }, { centreHz: 4200, bandwidthHz: 2500, decibels: -7 }],
  p: [{ centreHz: 600, bandwidthHz: 900, decibels: 0 }],
  t: [{ centreHz: 4200, bandwidthHz: 2500, decibels: 0 }],
  k: [{ centreHz: 1900, bandwidthHz: 700, decibels: 0 }],
};

/** Amplitude of a noise class at a frequency: the sum of its resonances. */
export function noiseSpectrum(noise: NoiseClass, hertz: number): number {
  return RESONANCES[noise].reduce((sum, resonance) => {
    const detuning = (hertz - resonance.centreHz) / (resonance.bandwidthHz / 2);
    return sum + 10 ** (resonance.decibels / 20) / (1 + detuning * detuning);
  }, 0);
}

/** dB to amplitude; null is silence. */
export function amplitude(decibels: number | null): number {
  return decibels === null ? 0 : 10 ** (decibels / 20);
}
