import type { components } from '../../contracts/generated/api.ts';
import type { Tx } from '../kernel/tx.ts';
import { type Ownership, proofStateAt, type ProofView } from '../ownership/index.ts';
import { isVerified, type Language, type VersionState } from './model.ts';
import type { CloneRow, PersonaMaterialRow, VersionRow, VoiceMaterialRow } from './store.ts';
import * as store from './store.ts';

type Schemas = components['schemas'];
export type CloneJson = Schemas['Clone'];
export type CloneCardJson = Schemas['CloneCard'];
export type CloneVersionJson = Schemas['CloneVersion'];
export type CloneVoiceJson = Schemas['CloneVoiceMaterial'];
export type ClonePersonaJson = Schemas['ClonePersona'];

/** A clone as other rooms see it. */
export interface CloneView {
  cloneId: string;
  ownerAccountId: string;
  ownershipProofId: string;
  name: string;
  handle: string;
  createdAt: Date;
}

/** A version as other rooms see it. */
export interface VersionView {
  versionId: string;
  cloneId: string;
  number: number;
  state: VersionState;
  /** What the reference voice is told: exactly the eight decimals of the signed document. */
  speaker: number[];
  lineage: Record<string, string>;
  materialDigest: string;
  personaDigest: string;
  policyDigest: string;
  languages: Language[];
  /** SHA-256 of the version_approval. */
  documentDigest: string;
  approvedAt: Date | null;
}

export function cloneView(row: CloneRow): CloneView {
  const { id: cloneId, ownerAccountId, ownershipProofId, name, handle, createdAt } = row;
  return { cloneId, ownerAccountId, ownershipProofId, name, handle, createdAt };
}

export function versionView(row: VersionRow): VersionView {
  const { id: versionId, cloneId, number, state, speaker, lineage, materialDigest, personaDigest, policyDigest, languages } = row;
  return {
    versionId, cloneId, number, state, speaker, lineage, materialDigest, personaDigest, policyDigest, languages,
    documentDigest: row.documentDigest, approvedAt: row.approvedAt,
  };
}

export const enrolmentMediaPath = (cloneId: string): string => `/v1/clones/${cloneId}/enrolment/voice/media`;

export function voiceJson(row: VoiceMaterialRow): CloneVoiceJson {
  const { seconds, voicedSeconds, speaker } = row.details;
  return {
    materialId: row.id, digest: row.digest, seconds, voicedSeconds, speaker,
    mediaPath: enrolmentMediaPath(row.cloneId), uploadedAt: row.createdAt.toISOString(),
  };
}

export function personaJson(row: PersonaMaterialRow): ClonePersonaJson {
  return { materialId: row.id, digest: row.digest, ...row.details, writtenAt: row.createdAt.toISOString() };
}

export function versionJson(row: VersionRow): CloneVersionJson {
  return {
    versionId: row.id,
    cloneId: row.cloneId,
    number: row.number,
    state: row.state,
    languages: row.languages,
    document: row.document,
    digest: row.documentDigest,
    createdAt: row.createdAt.toISOString(),
    approvedAt: row.approvedAt?.toISOString() ?? null,
    withdrawnAt: row.withdrawnAt?.toISOString() ?? null,
    signedDocumentId: row.signedDocumentId,
    leafId: row.leafId,
  };
}

export function cardJson(row: CloneRow, proof: ProofView | null, now: Date): CloneCardJson {
  return { cloneId: row.id, name: row.name, handle: row.handle, verified: isVerified(row, proof, now) };
}

/** The whole clone for its owner; the catalogue's card for everybody else. */
export async function cloneJson(
  tx: Tx, ownership: Pick<Ownership, 'proof'>, row: CloneRow, reader: string, now: Date,
): Promise<CloneJson> {
  const proof = await ownership.proof(tx, row.ownershipProofId);
  const card = cardJson(row, proof, now);
  if (row.ownerAccountId !== reader || proof === null) return { ...card, owned: null };
  const voice = await store.newestVoice(tx, row.id);
  const persona = await store.newestPersona(tx, row.id);
  const versions = await store.versionsOf(tx, row.id);
  return {
    ...card,
    owned: {
      ownershipProofId: row.ownershipProofId,
      proofState: proofStateAt(proof, now),
      createdAt: row.createdAt.toISOString(),
      voice: voice === null ? null : voiceJson(voice),
      persona: persona === null ? null : personaJson(persona),
      versions: versions.map(({ id: versionId, number, state }) => ({ versionId, number, state })),
    },
  };
}
