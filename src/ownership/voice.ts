import type { Inference, ProfileComparison, VoiceProfile } from '../platform/inference.ts';

export type { VoiceProfile };

/** The part of inference that this room may use: it measures, it never speaks. */
export type VoiceInstrument = Pick<Inference, 'profile' | 'compare'>;

/** The enrolment recording of the clone that stands on a proof. Handed in by clones, the room above. */
export interface EnrolledVoice {
  cloneId: string;
  materialId: string;
  blobDigest: string;
  profile: VoiceProfile;
}

/** Advice for reviewers: measurements, and what they are not. */
export interface VoiceAdvice {
  distance: number;
  components: Record<string, number | null>;
  note: string;
  enrolment: { cloneId: string; digest: string; mediaPath: string };
}

export const ADVICE_NOTE =
  'Compares pitch, vocal tract and pace of the two recordings. It recognises no words and no person, and an imitator '
  + 'can come close: listen to both, and check that the sentence was read.';

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** What reviewers are shown about one challenge and one enrolment. */
export function adviceFrom(comparison: ProfileComparison, enrolment: EnrolledVoice): VoiceAdvice {
  return {
    distance: rounded(comparison.distance),
    components: Object.fromEntries(
      Object.entries(comparison.components).map(([name, value]: [string, number | null]) => [name, value === null ? null : rounded(value)]),
    ),
    note: ADVICE_NOTE,
    enrolment: {
      cloneId: enrolment.cloneId,
      digest: enrolment.blobDigest,
      mediaPath: `/v1/clones/${enrolment.cloneId}/enrolment/voice/media`,
    },
  };
}
