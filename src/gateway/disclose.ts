import { Refusal } from '../kernel/refusals.ts';
import { joinPcm } from '../platform/inference.ts';
import { continuedDisclosure, type Disclosure, disclosureFor, rhythmSamples } from '../provenance/index.ts';
import type { GatewayDeps } from './deps.ts';
import { SAMPLE_RATE_HZ } from './model.ts';
import type { Speech } from './render.ts';
import type { AllowedOutput } from './store.ts';

export type Disclosed = Speech & { disclosure: Disclosure; preview?: true };

/** The platform's own voice: all eight numbers neutral. The disclosure is never said in the voice that it discloses. */
const NEUTRAL_SPEAKER: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0];
const LEAD_SECONDS = 0.1;
const GAP_SECONDS = 0.4;
/** Below this a sample is silence: 1 % of full scale. */
const SILENCE = 328;
const RATES = { min: 0.3, max: 3 };
const TRIES = 4;

function silence(seconds: number): Int16Array {
  return new Int16Array(Math.round(seconds * SAMPLE_RATE_HZ));
}

/** Without the silence around it, so that its pace can be measured. */
export function trimmed(pcm: Int16Array): Int16Array {
  const first = pcm.findIndex((sample) => Math.abs(sample) > SILENCE);
  const last = pcm.findLastIndex((sample) => Math.abs(sample) > SILENCE);
  return first === -1 ? new Int16Array(0) : pcm.slice(first, last + 1);
}

function rhythm(): Int16Array {
  return Int16Array.from(rhythmSamples(SAMPLE_RATE_HZ), (sample) => Math.round(sample * 32_767));
}

/** Says the words at the pace that the rule asks for. @throws Refusal `render_failed` when no pace comes near it */
async function speak(
  inference: Pick<GatewayDeps['inference'], 'synthesise'>, spoken: NonNullable<Disclosure['spoken']>,
): Promise<Int16Array> {
  const { text, language, seconds: allowed } = spoken;
  let rate = 1;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const clip = trimmed((await inference.synthesise({ text, language, speaker: NEUTRAL_SPEAKER, rate })).pcm);
    const seconds = clip.length / SAMPLE_RATE_HZ;
    if (seconds > 0 && (allowed === null || (seconds >= allowed.min && seconds <= allowed.max))) return clip;
    if (allowed === null) break;
    rate = Math.min(RATES.max, Math.max(RATES.min, (rate * seconds * 2) / (allowed.min + allowed.max)));
  }
  throw new Refusal('render_failed', 'The disclosure could not be spoken at the pace that the rule asks for.');
}

export interface Discloser {
  /** The spoken words of a rule as samples, said once per language and kept. */
  clip(spoken: NonNullable<Disclosure['spoken']>): Promise<Int16Array>;
  /** The speech behind its explicit disclosure. Which form follows from territory and language; nobody can ask for less. */
  disclose(
    speech: Speech, output: Pick<AllowedOutput, 'territory' | 'language'> & Partial<Pick<AllowedOutput, 'audience'>>, how?: { continued: boolean },
  ): Promise<Disclosed>;
}

export function makeDiscloser(deps: Pick<GatewayDeps, 'inference'>): Discloser {
  const clips = new Map<string, Promise<Int16Array>>();

  async function clip(spoken: NonNullable<Disclosure['spoken']>): Promise<Int16Array> {
    const name = `${spoken.language}\n${spoken.text}`;
    const kept = clips.get(name) ?? speak(deps.inference, spoken);
    clips.set(name, kept);
    try {
      return await kept;
    } catch (error) {
      clips.delete(name);
      throw error;
    }
  }

  return {
    clip,
    async disclose(speech, { territory, language, audience }, { continued } = { continued: false }) {
      if (speech.sampleRateHz !== SAMPLE_RATE_HZ) throw new Error(`The voice speaks at ${speech.sampleRateHz} Hz.`);
      const disclosure = continued ? continuedDisclosure(territory, language) : disclosureFor(territory, language);
      const parts = [
        silence(LEAD_SECONDS),
        ...(disclosure.rhythm ? [rhythm(), silence(GAP_SECONDS)] : []),
        ...(disclosure.spoken === null ? [] : [await clip(disclosure.spoken), silence(GAP_SECONDS)]),
      ];
      // What an owner hears to judge a version by also ends like no file that anybody is given.
      const preview = audience === 'owner';
      const tail = preview ? [silence(GAP_SECONDS), rhythm()] : [];
      return { ...speech, pcm: joinPcm([...parts, speech.pcm, ...tail]), disclosure, ...(preview ? { preview } : {}) };
    },
  };
}
