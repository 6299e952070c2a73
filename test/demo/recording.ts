import { readFileSync } from 'node:fs';

import { toPcm16 } from '../../inference/audio/pcm.ts';
import { type Inference, readWav, writeWav } from '../../src/platform/inference.ts';

/** Her two recordings: for enrolment and for the challenge. */
export interface Recordings {
  source: string;
  enrolment: Uint8Array;
  /** Reads the sentence she was given; a recording from a file cannot (`reads` is false), and reviewers would hear that. */
  challenge: (sentence: string) => Promise<Uint8Array>;
  reads: boolean;
}

/** A woman's voice at a microphone: the reference voice, tuned up, since the demo has no person at hand. */
const HER_SPEAKER = [0.72, 0.14, 0.1, 0, 0.15, 0, 0, 0];
const ENROLMENT_TEXT =
  'Hello, this is Lin Ya. I am recording this in my own kitchen, with the window open and the kettle on. '
  + 'Whoever hears this voice later should know that I read these lines myself, slowly, on a quiet morning.';

function part(wav: Uint8Array, from: number, to: number): Uint8Array {
  const { sampleRateHz, samples } = readWav(wav);
  const cut = samples.subarray(Math.floor(samples.length * from), Math.floor(samples.length * to));
  return writeWav(toPcm16(cut), sampleRateHz);
}

/**
 * The first part of the file enrols, the last part answers the challenge. A short recording is used whole for both, so
 * that eleven seconds of a person are enough to try it.
 */
async function fromFile(file: string, inference: Inference): Promise<Recordings> {
  const wav = readFileSync(file);
  const { voicedSeconds } = await inference.profile(wav);
  const [enrolmentEnd, challengeStart] = voicedSeconds >= 9 ? [0.66, 0.66] : [1, 0.4];
  const challenge = part(wav, challengeStart, 1);
  return { source: `${file} (${voicedSeconds.toFixed(1)} s of voice)`, enrolment: part(wav, 0, enrolmentEnd), challenge: async () => challenge, reads: false };
}

export async function makeRecordings(file: string | null, inference: Inference): Promise<Recordings> {
  if (file !== null) return await fromFile(file, inference);
  const say = async (text: string): Promise<Uint8Array> => {
    const { pcm, sampleRateHz } = await inference.synthesise({ text, language: 'en', speaker: HER_SPEAKER });
    return writeWav(pcm, sampleRateHz);
  };
  return { source: 'made by the demo', enrolment: await say(ENROLMENT_TEXT), challenge: say, reads: true };
}
