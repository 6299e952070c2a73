import type { Random } from '../kernel/random.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Blobs } from '../platform/blobs/index.ts';
import type { SafeFetch } from '../platform/fetch/index.ts';
import type { EvidenceKind, Language } from './model.ts';
import { challengeSentence } from './sentence.ts';
import type { VoiceInstrument, VoiceProfile } from './voice.ts';

/**
 * One kind of evidence. `issue` says what the person has to do; `examine` looks whether they did it. Both run outside of
 * any transaction: `examine` goes to the network or keeps bytes.
 */
export interface EvidenceVerifier<Request, Terms, Answer, Finding> {
  readonly kind: EvidenceKind;
  /** How long the person has. */
  readonly ttlMs: number;
  /** The state that a good examination leads to. */
  readonly examinedState: 'passed' | 'uploaded';
  issue(request: Request): Terms;
  /** Refuses when the person did not do it. */
  examine(terms: Terms, answer: Answer): Promise<{ finding: Finding; blobDigest: string | null }>;
}

export interface DomainTerms { readonly site: string; readonly url: string; readonly line: string }
export interface DomainFinding { readonly status: number; readonly lineNumber: number }
export type DomainVerifier = EvidenceVerifier<{ site: string }, DomainTerms, undefined, DomainFinding>;

export interface VoiceTerms { readonly language: Language; readonly sentence: string }
export interface VoiceFinding { readonly seconds: number; readonly voicedSeconds: number; readonly profile: VoiceProfile }
export type VoiceVerifier = EvidenceVerifier<{ language: Language }, VoiceTerms, Uint8Array, VoiceFinding>;

export const WELL_KNOWN_PATH = '/.well-known/benren.txt';
export const LINE_PREFIX = 'benren-ownership=';
const DAY_MS = 86_400_000;
/** A text of a few lines; a site that answers with more has something else there. */
const WELL_KNOWN_LIMITS = { maxBytes: 16_384, timeoutMs: 5_000 } as const;
export const CHALLENGE_VOICED_SECONDS = 2;

/** The site's origin: anything beyond it would let a stranger's folder on a shared host stand for the host. */
function originOf(site: string, fetcher: SafeFetch): string {
  const url = fetcher.checkUrl(site);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new Refusal('url_refused', 'Name the site alone, such as https://example.com, without a path.');
  }
  return url.origin;
}

/** The number of the line that is exactly this one, counted from 1. Line ends of any system; nothing else is trimmed. */
export function findLine(text: string, line: string): number | undefined {
  const index = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/).indexOf(line);
  return index === -1 ? undefined : index + 1;
}

/** Domain control: a random line that only somebody who runs the site can put there. */
export function makeDomainVerifier(deps: { fetcher: SafeFetch; random: Random }): DomainVerifier {
  return {
    kind: 'domain',
    ttlMs: 7 * DAY_MS,
    examinedState: 'passed',
    issue({ site }) {
      const origin = originOf(site, deps.fetcher);
      const token = Buffer.from(deps.random.bytes(24)).toString('base64url');
      return { site: origin, url: `${origin}${WELL_KNOWN_PATH}`, line: `${LINE_PREFIX}${token}` };
    },
    async examine({ url, line }) {
      const { status, text } = await deps.fetcher.fetchText(url, WELL_KNOWN_LIMITS);
      const lineNumber = status === 200 ? findLine(text, line) : undefined;
      if (lineNumber === undefined) {
        throw new Refusal('token_absent', 'The line is not at that address.', { extra: { url, answeredStatus: status } });
      }
      return { finding: { status, lineNumber }, blobDigest: null };
    },
  };
}

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

/** Voice challenge: a sentence nobody had before, read aloud. Measured here, judged by people. */
export function makeVoiceVerifier(deps: { instrument: Pick<VoiceInstrument, 'profile'>; blobs: Pick<Blobs, 'put'>; random: Random }): VoiceVerifier {
  return {
    kind: 'voice_challenge',
    ttlMs: 30 * 60_000,
    examinedState: 'uploaded',
    issue({ language }) {
      return { language, sentence: challengeSentence(language, deps.random) };
    },
    async examine(_terms, recording) {
      const profile = await deps.instrument.profile(recording);
      checkVoiced(profile, CHALLENGE_VOICED_SECONDS);
      const blobDigest = await deps.blobs.put(recording);
      return {
        finding: {
          seconds: toHundredths(profile.durationSeconds),
          voicedSeconds: toHundredths(profile.voicedSeconds),
          profile,
        },
        blobDigest,
      };
    },
  };
}
