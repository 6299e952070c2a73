import type { Random } from '../../kernel/random.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { Tx } from '../../kernel/tx.ts';
import type { Blobs } from '../../platform/blobs/index.ts';
import { challengeGesture } from '../gesture.ts';
import type { Language } from '../model.ts';
import { challengeSentence } from '../sentence.ts';
import * as store from '../store.ts';
import { readVideo, type VideoFacts } from '../video/index.ts';
import type { EvidenceVerifier } from './kind.ts';
import { checkSize, toHundredths } from './voice.ts';

export interface VideoRequest { readonly language: Language }
export interface VideoTerms { readonly language: Language; readonly sentence: string; readonly gesture: string }
export type VideoFinding = Readonly<VideoFacts & { byteLength: number }>;

/** A minute of what a telephone films in good quality. */
const LARGEST_BYTES = 52_428_800;
/** Among billions of sentences even the second is as good as never needed. */
const TRIES = 20;

/** Video challenge: a sentence and a gesture nobody had before, before a camera. Its container is read here; people look. */
export function makeVideoVerifier({ blobs, random }: { blobs: Pick<Blobs, 'put'>; random: Random }): EvidenceVerifier<'video_challenge'> {
  async function freshSentence(tx: Tx, language: Language): Promise<string> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const sentence = challengeSentence(language, random);
      if (!(await store.wasAsked(tx, sentence))) return sentence;
    }
    throw new Refusal('unavailable', 'No sentence was found that nobody had before. Please try again.');
  }

  return {
    kind: 'video_challenge',
    answered: 'upload',
    examinedState: 'uploaded',
    issue: async (tx, { language }) => ({ language, sentence: await freshSentence(tx, language), gesture: challengeGesture(language, random) }),
    async examine(_terms, answer) {
      if (answer.way !== 'upload') throw new Refusal('evidence_state', 'This evidence is answered by a video.');
      checkSize(answer.bytes, LARGEST_BYTES);
      const { contentType, seconds } = readVideo(answer.bytes);
      const blobDigest = await blobs.put(answer.bytes);
      return { finding: { contentType, seconds: toHundredths(seconds), byteLength: answer.bytes.length }, blobDigest };
    },
  };
}
