import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { VoiceFiles } from './reference.ts';
import { BEGIN, END } from './symbols.ts';

/** How one piece of text is to be spoken. */
export interface VoiceSettings {
  /** Fed only to voices that name the input: Piper's own have none. */
  readonly speaker: readonly number[];
  /** 1 is the voice's own pace, 2 twice as fast. */
  readonly rate: number;
}

export interface Rendering {
  /** Samples within ±1 at the voice's rate. */
  readonly samples: Float32Array;
  /** One for each symbol given, and the two marks around them. */
  readonly durationsMs: Float32Array;
  /** Hz at the frame edges, every 5 ms. */
  readonly f0: Float32Array;
}

export interface Voice {
  readonly lineage: string;
  readonly sampleRateHz: number;
  render(symbols: readonly string[], settings: VoiceSettings): Promise<Rendering>;
  close(): Promise<void>;
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor === undefined) return new Float32Array(0);
  if (!(tensor.data instanceof Float32Array)) throw new Error(`expected float32, the model gave ${tensor.type}`);
  return tensor.data;
}

/** Opens a voice on one thread: with more, float sums may differ in the last bit from run to run. */
export async function openVoice(files: VoiceFiles): Promise<Voice> {
  const session = await InferenceSession.create(files.model, {
    intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', executionProviders: ['cpu'], logSeverityLevel: 3,
    // The arena would keep the memory of the longest sentence for ever.
    enableCpuMemArena: false,
  });
  const { noise_scale: noiseScale, length_scale: lengthScale, noise_w: noiseWidth } = files.config.inference;

  function encode(symbols: readonly string[]): BigInt64Array {
    const ids = [BEGIN, ...symbols, END].flatMap((symbol) => {
      const mapped = files.config.phoneme_id_map[symbol];
      if (mapped === undefined) throw new Error(`the voice has no symbol '${symbol}'`);
      return mapped;
    });
    return BigInt64Array.from(ids, (id) => BigInt(id));
  }

  return {
    lineage: files.lineage,
    sampleRateHz: files.config.audio.sample_rate,
    async render(symbols, settings) {
      const ids = encode(symbols);
      const feeds: Record<string, Tensor> = {
        input: new Tensor('int64', ids, [1, ids.length]),
        input_lengths: new Tensor('int64', BigInt64Array.of(BigInt(ids.length)), [1]),
        scales: new Tensor('float32', Float32Array.of(noiseScale, lengthScale / settings.rate, noiseWidth), [3]),
      };
      if (session.inputNames.includes('speaker')) {
        feeds['speaker'] = new Tensor('float32', Float32Array.from(settings.speaker), [1, settings.speaker.length]);
      }
      const result = await session.run(feeds);
      return {
        samples: floats(result['output']), durationsMs: floats(result['durations_ms']), f0: floats(result['f0']),
      };
    },
    close: () => session.release(),
  };
}
