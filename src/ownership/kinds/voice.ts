import type { Random } from '../../kernel/random.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { Blobs } from '../../platform/blobs/index.ts';
import type { Language } from '../model.ts';
import { challengeSentence } from '../sentence.ts';
import type { VoiceInstrument, VoiceProfile } from '../voice.ts';
import type { EvidenceVerifier } from './kind.ts';

export interface VoiceRequest { readonly language: Language }
export interface VoiceTerms { readonly language: Language; readonly sentence: string }
export interface VoiceFinding { readonly seconds: number; readonly voicedSeconds: number; readonly profile: VoiceProfile }

export const CHALLENGE_VOICED_SECONDS = 2;
const LARGEST_BYTES = 20_971_520;

/** Refuses a recording in which too little voice sounds, saying how much there is. */
export function checkVoiced(profile: Pick<VoiceProfile, 'voicedSeconds' | 'durationSeconds'>, neededSeconds: number): void {
  if (profile.voicedSeconds < neededSeconds) {
    throw new Refusal('recording_too_short', `The recording needs at least ${neededSeconds} s of voice.`, {
      extra: {
        neededVoicedSeconds: neededSeconds,
        voicedSeconds: toHundredths(profile.voicedSeconds),
        seconds: toHundredths(profile.durationSeconds),
      },
    });
  }
}

export function toHundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}

/** Refuses `request_too_large` beyond what this kind takes; the contract's limit is that of the largest kind. */
export function checkSize(bytes: Uint8Array, most: number): void {
  if (bytes.length > most) throw new Refusal('request_too_large', `This kind of evidence takes at most ${most} bytes.`);
}

/** Voice challenge: a sentence nobody had before, read aloud. Measured here, judged by people. */
export function makeVoiceVerifier(
  deps: { inference: Pick<VoiceInstrument, 'profile'>; blobs: Pick<Blobs, 'put'>; random: Random },
): EvidenceVerifier<'voice_challenge'> {
  return {
    kind: 'voice_challenge',
    answered: 'upload',
    examinedState: 'uploaded',
    issue: async (_tx, { language }) => ({ language, sentence: challengeSentence(language, deps.random) }),
    async examine(_terms, answer) {
      if (answer.way !== 'upload') throw new Refusal('evidence_state', 'This evidence is answered by a recording.');
      checkSize(answer.bytes, LARGEST_BYTES);
      const profile = await deps.inference.profile(answer.bytes);
      checkVoiced(profile, CHALLENGE_VOICED_SECONDS);
      const blobDigest = await deps.blobs.put(answer.bytes);
      const finding = { seconds: toHundredths(profile.durationSeconds), voicedSeconds: toHundredths(profile.voicedSeconds), profile };
      return { finding, blobDigest };
    },
  };
}
