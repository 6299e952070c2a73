import type { GraphBuilder, Value } from '../onnx/graph.ts';
import { toSamples } from './frames.ts';
import type { Tracks } from './frames.ts';
import type { VoiceInputs } from './prosody.ts';
import { BAND_CENTRES_HZ, BAND_KERNELS, NOISE_BANDS, NOISE_SAMPLES, NOISE_TABLE, NOISE_TAPS, SAMPLE_RATE_HZ } from './tables.ts';

/**
 * Third part: sound. The voice is a glottal pulse train through a cascade of resonators. Instead of running filters, the graph sums
 * the whole infinite train in closed form: each pole pair p contributes r·e^{pτ}/(1 − e^{pT}), where τ is the time since the last
 * pulse and T the period. So pulses fall between samples, nothing aliases, and no step depends on the sample before.
 * Frequencies are in kHz and rad/ms here: numbers near one keep float32 honest.
 */
type F32 = Value<'f32'>;
interface Complex { readonly re: F32; readonly im: F32 }

const POLES = 8;
const VOICE_GAIN = 0.19;
const NOISE_GAIN = 0.3;
/** Fixed upper resonances: F4–F6 and their bandwidths, kHz. They follow the length of the vocal tract. */
const UPPER_FORMANTS = [3.5, 4.4, 5.6] as const;
const UPPER_BANDWIDTHS = [0.17, 0.2, 0.26] as const;
const LOWPASS = { frequency: 6.5, bandwidth: 1.6 * 6.5 } as const;
/** kHz; lower is brighter. */
const TILT_ZERO = 0.65;

const times = (g: GraphBuilder, a: Complex, b: Complex): Complex => ({
  re: g.sub(g.mul(a.re, b.re), g.mul(a.im, b.im)),
  im: g.add(g.mul(a.re, b.im), g.mul(a.im, b.re)),
});
const over = (g: GraphBuilder, a: Complex, b: Complex): Complex => {
  const size = g.add(g.mul(b.re, b.re), g.mul(b.im, b.im));
  const product = times(g, a, { re: b.re, im: g.neg(b.im) });
  return { re: g.div(product.re, size), im: g.div(product.im, size) };
};

/** Resonators as real and imaginary parts of their upper poles, rad/ms: p = −σ + iω. */
interface Poles { readonly sigma: F32; readonly omega: F32 }

interface Tract {
  /** Six resonances of the vocal tract, [F+1, 6]. */
  readonly tract: Poles;
  /** The same with the glottal pair in front and the low-pass behind, [F+1, 8]. */
  readonly all: Poles;
  readonly f0: F32;
}

function resonators(g: GraphBuilder, tracks: Tracks, inputs: VoiceInputs): Tract {
  const [, length, , , , , bandwidth] = inputs.speaker;
  if (length === undefined || bandwidth === undefined) throw new Error('the speaker has eight numbers');
  const scale = g.exp(length);
  const rows = (values: readonly number[]): F32 =>
    g.add(g.f32(values, [1, values.length]), g.mul(tracks.f0, g.f32(0)));
  const f0 = g.mul(tracks.f0, g.f32(1 / 1000));
  const lower = g.mul(g.mul(tracks.formants, g.f32(1 / 1000)), scale);
  const upper = g.mul(rows(UPPER_FORMANTS), scale);
  const frequencies = g.concat([lower, upper], 1);
  const bandwidths = g.concat([
    g.mul(g.mul(tracks.bandwidths, g.f32(1 / 1000)), g.exp(bandwidth)), g.mul(rows(UPPER_BANDWIDTHS), g.exp(bandwidth)),
  ], 1);
  const poles = (frequency: F32, width: F32): Poles => ({
    sigma: g.mul(width, g.f32(Math.PI)), omega: g.mul(frequency, g.f32(2 * Math.PI)),
  });
  return {
    f0,
    tract: poles(frequencies, bandwidths),
    all: poles(
      g.concat([g.mul(f0, g.f32(1.3)), frequencies, rows([LOWPASS.frequency])], 1),
      g.concat([g.mul(f0, g.f32(2)), bandwidths, rows([LOWPASS.bandwidth])], 1),
    ),
  };
}

/** Π over the last axis of a [F+1, 8, 8] complex tensor, by halving. */
function product(g: GraphBuilder, value: Complex): Complex {
  let result = value;
  for (let width = POLES / 2; width >= 1; width /= 2) {
    const [reA, reB] = g.split(result.re, [width, width], 2);
    const [imA, imB] = g.split(result.im, [width, width], 2);
    if (reA === undefined || reB === undefined || imA === undefined || imB === undefined) throw new Error('split into two');
    result = times(g, { re: reA, im: imA }, { re: reB, im: imB });
  }
  return { re: g.reshape(result.re, [-1, POLES]), im: g.reshape(result.im, [-1, POLES]) };
}

/**
 * Residues of H(s) = s(1 + s/z) Π |p|²/((s − p)(s − p*)), [F+1, 8]: the first zero is the lips' radiation, z the spectral tilt.
 */
function residues(g: GraphBuilder, { sigma, omega }: Poles, tilt: F32): Complex {
  const square = { re: g.sub(g.mul(sigma, sigma), g.mul(omega, omega)), im: g.mul(g.f32(-2), g.mul(sigma, omega)) };
  const size = g.add(g.mul(sigma, sigma), g.mul(omega, omega));
  const k = (x: F32): F32 => g.reshape(x, [-1, POLES, 1]);
  const j = (x: F32): F32 => g.reshape(x, [-1, 1, POLES]);
  // (p_k − p_j)(p_k − p_j*) / |p_j|², and one where j = k.
  const identity = g.f32(Array.from({ length: POLES * POLES }, (_, at) => (at % (POLES + 1) === 0 ? 1 : 0)), [1, POLES, POLES]);
  const others: Complex = {
    re: g.div(g.add(g.sub(k(square.re), g.mul(g.f32(2), g.mul(j(sigma), k(sigma)))), j(size)), j(size)),
    im: g.div(g.mul(g.mul(g.f32(2), k(omega)), g.sub(j(sigma), k(sigma))), j(size)),
  };
  const rest = g.sub(g.f32(1), identity);
  const distance = product(g, { re: g.add(g.mul(others.re, rest), identity), im: g.mul(others.im, rest) });
  const numerator = {
    re: g.add(g.neg(sigma), g.div(square.re, tilt)),
    im: g.add(omega, g.div(square.im, tilt)),
  };
  const lead = g.div(g.mul(g.f32(2), omega), size);
  return over(g, numerator, { re: g.neg(g.mul(lead, distance.im)), im: g.mul(lead, distance.re) });
}

/** Seconds since the last pulse as a share of the period, [N, 1]. Summed in float64: in float32 the pitch itself would be noisy. */
function phase(g: GraphBuilder, f0: F32): F32 {
  const cycles = g.cumSum(g.cast(g.mul(f0, g.f32(1000 / SAMPLE_RATE_HZ)), 'f64'));
  return g.cast(g.sub(cycles, g.floor(cycles)), 'f32');
}

function voice(g: GraphBuilder, tracks: Tracks, { all, f0 }: Tract, inputs: VoiceInputs, share: F32, f0Samples: F32): F32 {
  const [, , , tilt] = inputs.speaker;
  if (tilt === undefined) throw new Error('the speaker has eight numbers');
  const residue = residues(g, all, g.mul(g.f32(2 * Math.PI * TILT_ZERO), g.exp(tilt)));
  const period = g.div(g.f32(1), f0);
  const decay = g.exp(g.neg(g.mul(all.sigma, period)));
  const turn = g.mul(all.omega, period);
  const train: Complex = {
    re: g.sub(g.f32(1), g.mul(decay, g.cos(turn))), im: g.neg(g.mul(decay, g.sin(turn))),
  };
  const gain = over(g, { re: g.mul(residue.re, tracks.voicing), im: g.mul(residue.im, tracks.voicing) }, train);

  const samples = toSamples(g, g.concat([all.sigma, all.omega, gain.re, gain.im], 1), 4 * POLES);
  const [sigma, omega, re, im] = g.split(samples, [POLES, POLES, POLES, POLES], 1);
  if (sigma === undefined || omega === undefined || re === undefined || im === undefined) throw new Error('split into four');
  const since = g.div(share, f0Samples);
  const angle = g.mul(omega, since);
  const rings = g.mul(g.exp(g.neg(g.mul(sigma, since))), g.sub(g.mul(re, g.cos(angle)), g.mul(im, g.sin(angle))));
  return g.sum(rings, 1, true);
}

/** |H| of the vocal tract in each noise band, [F+1, bands]. */
function tractGain(g: GraphBuilder, { sigma, omega }: Poles): F32 {
  const bands = g.f32(BAND_CENTRES_HZ.map((centre) => (2 * Math.PI * centre) / 1000), [1, 1, NOISE_BANDS]);
  const squareOfBand = g.mul(bands, bands);
  const column = (x: F32): F32 => g.reshape(x, [-1, 6, 1]);
  const size = column(g.add(g.mul(sigma, sigma), g.mul(omega, omega)));
  const detuning = g.sub(size, squareOfBand);
  const damping = g.mul(g.mul(g.f32(4), column(g.mul(sigma, sigma))), squareOfBand);
  const power = g.div(g.mul(size, size), g.add(g.mul(detuning, detuning), damping));
  const [first, ...others] = g.split(power, [1, 1, 1, 1, 1, 1], 1);
  if (first === undefined) throw new Error('split into six');
  const whole = others.reduce((all, factor) => g.mul(all, factor), first);
  return g.sqrt(g.reshape(whole, [-1, NOISE_BANDS]));
}

function noise(g: GraphBuilder, tracks: Tracks, { tract }: Tract, inputs: VoiceInputs, share: F32): F32 {
  const [, , , , breath] = inputs.speaker;
  if (breath === undefined) throw new Error('the speaker has eight numbers');
  const aspiration = g.mul(g.mul(tracks.aspiration, tractGain(g, tract)), g.exp(g.mul(g.f32(1.15), breath)));
  const gains = toSamples(g, g.add(tracks.frication, aspiration), NOISE_BANDS);
  // Everything up to here depends on constants alone: the runtime folds it once, when the session is made.
  const kernels = g.f32(BAND_KERNELS, [NOISE_BANDS, 1, NOISE_TAPS]);
  const filtered = g.convolve(g.f32(NOISE_TABLE, [1, 1, NOISE_TABLE.length]), kernels);
  const bank = g.transpose(g.reshape(filtered, [NOISE_BANDS, NOISE_SAMPLES]), [1, 0]);
  const place = g.mod(g.range(g.size(share, 0)), g.i64(NOISE_SAMPLES));
  const hiss = g.sum(g.mul(g.gather(bank, place), gains), 1, true);
  // While the voice sounds, its breath comes in puffs, one a period.
  const open = g.min(toSamples(g, tracks.voicing, 1), g.f32(1));
  const puffs = g.add(g.f32(1), g.mul(g.mul(g.f32(0.5), open), g.cos(g.mul(share, g.f32(2 * Math.PI)))));
  return g.mul(hiss, puffs);
}

/** The samples, [N, 1], within ±1. */
export function buildSound(g: GraphBuilder, tracks: Tracks, inputs: VoiceInputs): F32 {
  const tract = resonators(g, tracks, inputs);
  const f0Samples = toSamples(g, tract.f0, 1);
  const share = phase(g, f0Samples);
  const voiced = g.mul(g.f32(VOICE_GAIN), voice(g, tracks, tract, inputs, share, f0Samples));
  return g.tanh(g.add(voiced, g.mul(g.f32(NOISE_GAIN), noise(g, tracks, tract, inputs, share))));
}
