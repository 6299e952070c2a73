import type { WavErrorCode } from './audio/wav-error.ts';
import type { SpeechErrorCode } from './phonemes/speech-error.ts';
import type { SpeechLanguage } from './phonemes/text.ts';
import type { VoiceProfile } from './profile/profile.ts';

/**
 * The one door of this house: the messages of its workers, and the pure functions that need none. Importing it loads no model and no
 * dictionary; those are the workers' own.
 */
export { readWav, writeWav } from './audio/wav.ts';
export { WavError } from './audio/wav-error.ts';
export { findClip } from './audio/find-clip.ts';
export { joinPcm } from './audio/pcm.ts';
export { compareProfiles, speakerFromProfile } from './profile/compare.ts';
export { findRhythm, makeRhythm } from './tone.ts';
export type { ClipMatch } from './audio/find-clip.ts';
export type { Recording, WavLimits } from './audio/wav.ts';
export type { WavErrorCode } from './audio/wav-error.ts';
export type { SpeechErrorCode } from './phonemes/speech-error.ts';
export type { ProfileComparison } from './profile/compare.ts';
export type { RhythmMatch } from './tone.ts';
export type { SpeechLanguage, VoiceProfile };

/** What a worker thread runs. */
export const WORKER_ENTRY = new URL('./worker.mjs', import.meta.url);

/** How many numbers describe a speaker to the voice; see voice/reference.ts. */
export const SPEAKER_NUMBERS = 8;

/** Handed to a worker when it starts. */
export interface WorkerSettings {
  /** Where voices are kept on disk. */
  readonly modelFolder: string;
}

export interface SynthesisJob {
  readonly kind: 'synthesise';
  readonly text: string;
  readonly language: SpeechLanguage;
  readonly speaker: readonly number[];
  /** 1 is the speaker's own pace. */
  readonly rate: number;
  /** One 32-bit cell; set to 1 from outside, it ends the job before its next sentence. */
  readonly cancelled: SharedArrayBuffer;
}

export interface ProfileJob {
  readonly kind: 'profile';
  /** A WAV file. */
  readonly wav: Uint8Array;
}

export interface DescribeJob {
  readonly kind: 'describe';
}

export type Job = SynthesisJob | ProfileJob | DescribeJob;
/** Told to a worker instead of a job: end when the job under way has. */
export const CLOSE = 'close';

export type JobMessage = Job & { readonly id: number };

export interface Progress {
  /** Sentences rendered and sentences in all: sent before the first and after each. */
  readonly done: number;
  readonly chunks: number;
  /** Seconds of speech rendered so far. */
  readonly seconds: number;
}

export interface Synthesis {
  readonly pcm: Int16Array;
  readonly sampleRateHz: number;
  readonly renderMilliseconds: number;
  /** Sounds spoken. */
  readonly phonemes: number;
  /** SHA-256 of the model that spoke, hex. */
  readonly lineage: string;
}

export interface VoiceDescription {
  readonly name: string;
  readonly lineage: string;
  readonly sampleRateHz: number;
  /** The neutral voice measured by our own instrument. */
  readonly profile: VoiceProfile;
}

export type FailureCode = SpeechErrorCode | WavErrorCode | 'cancelled' | 'failed';

/** Everything a worker says; `id` is the job's. */
export type Reply = { readonly id: number } & (
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'synthesised'; readonly result: Synthesis }
  | { readonly kind: 'profiled'; readonly result: VoiceProfile }
  | { readonly kind: 'described'; readonly result: VoiceDescription }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly message: string }
);
