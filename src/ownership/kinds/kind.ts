import type { Tx } from '../../kernel/tx.ts';
import type { EvidenceKind, SubjectKind } from '../levels.ts';
import type { AccountFinding, AccountTerms } from './public-account.ts';
import type { IdentityFinding, IdentityTerms } from './identity-provider.ts';
import type { DomainFinding, DomainRequest, DomainTerms } from './domain.ts';
import type { PaperFinding, PaperTerms } from './papers.ts';
import type { RepresentationRequest, RepresentationTerms } from './representation.ts';
import type { VouchFinding, VouchTerms } from './vouching.ts';
import type { VideoFinding, VideoRequest, VideoTerms } from './video.ts';
import type { VoiceFinding, VoiceRequest, VoiceTerms } from './voice.ts';

/** What each kind is asked with, what it asks of the person, what is found, and what a check may be told. */
export interface EvidenceTypes {
  domain: { request: DomainRequest; terms: DomainTerms; finding: DomainFinding };
  public_account: { request: { account: string }; terms: AccountTerms; finding: AccountFinding };
  voice_challenge: { request: VoiceRequest; terms: VoiceTerms; finding: VoiceFinding };
  video_challenge: { request: VideoRequest; terms: VideoTerms; finding: VideoFinding };
  document: { request: PaperTerms; terms: PaperTerms; finding: PaperFinding };
  identity_provider: { request: object; terms: IdentityTerms; finding: IdentityFinding };
  vouching: { request: VouchTerms; terms: VouchTerms; finding: VouchFinding };
  representation: { request: RepresentationRequest; terms: RepresentationTerms; finding: PaperFinding };
}
/** Every kind that a policy may name, with what it is made of. */
export type Kind = EvidenceKind & keyof EvidenceTypes;

/** The case that evidence belongs to, as far as a kind may know it. */
export interface Case {
  proofId: string;
  evidenceId: string;
  accountId: string;
  subjectName: string;
  subjectKind: SubjectKind;
  /** Who claims, where that is not the subject. */
  claimantName: string | null;
}

export interface Examined<K extends Kind> {
  finding: EvidenceTypes[K]['finding'];
  blobDigest: string | null;
  /** Where what was shown ends by itself, before the policy's term does. */
  validUntil?: Date;
}

/** How a person answers: they ask us to look, they send bytes, or somebody else answers. */
export type Answer = { way: 'check'; url: string | null } | { way: 'upload'; bytes: Uint8Array };

/**
 * One kind of evidence. `prepare` and `examine` run outside of any transaction, since they go to the network or keep
 * bytes; `issue` runs in the one that writes the evidence.
 */
export interface EvidenceVerifier<K extends Kind> {
  readonly kind: K;
  readonly answered: Answer['way'] | 'elsewhere';
  /** The state that a good examination leads to: found by us, or kept for people to judge. */
  readonly examinedState: 'passed' | 'uploaded';
  /** What must be asked of others before anything is written. The same `key` asks for the same thing again. */
  prepare?(request: EvidenceTypes[K]['request'], about: Case, key: string): Promise<unknown>;
  /** What the person has to do. */
  issue(tx: Tx, request: EvidenceTypes[K]['request'], about: Case, prepared: unknown): Promise<EvidenceTypes[K]['terms']>;
  /** Where the person goes, from what was prepared: answered once and never written with the evidence. */
  address?(prepared: unknown): string;
  /** Refuses when the person did not do it. */
  examine(terms: EvidenceTypes[K]['terms'], answer: Answer, about: Case): Promise<Examined<K>>;
  /** Looks again for what lives on the net. Refuses as `examine` does when it is gone. */
  again?(terms: EvidenceTypes[K]['terms'], finding: EvidenceTypes[K]['finding']): Promise<void>;
}

export type Verifiers = { readonly [K in Kind]: EvidenceVerifier<K> };

/** A request for evidence as the contract takes it: the kind beside what the kind needs. */
export type EvidenceRequest = { [K in Kind]: { kind: K } & EvidenceTypes[K]['request'] }[Kind];
