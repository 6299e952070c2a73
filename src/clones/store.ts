import { type EntitySchema, IsNull, Not } from 'typeorm';

import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import type { VoiceProfile } from '../ownership/index.ts';
import { maybeOne, plainTable, repository, sql, sqlConstraint } from '../platform/postgres/index.ts';
import type { Language, VersionApproval, VersionState } from './model.ts';

export interface CloneRow {
  id: string;
  ownerAccountId: string;
  ownershipProofId: string;
  name: string;
  handle: string;
  createdAt: Date;
}

interface MaterialBase {
  id: string;
  cloneId: string;
  number: number;
  digest: string;
  createdAt: Date;
}
export interface VoiceDetails { seconds: number; voicedSeconds: number; speaker: number[]; profile: VoiceProfile }
export interface PersonaDetails { text: string; languages: Language[]; characters: number }
export type VoiceMaterialRow = MaterialBase & { kind: 'voice'; details: VoiceDetails };
export type PersonaMaterialRow = MaterialBase & { kind: 'persona'; details: PersonaDetails };
export type MaterialRow = VoiceMaterialRow | PersonaMaterialRow;

export interface VersionRow {
  id: string;
  cloneId: string;
  ownershipProofId: string;
  number: number;
  state: VersionState;
  voiceMaterialId: string;
  personaMaterialId: string;
  materialDigest: string;
  personaDigest: string;
  policyDigest: string;
  lineage: Record<string, string>;
  languages: Language[];
  speaker: number[];
  document: VersionApproval;
  documentDigest: string;
  createdAt: Date;
  approvedAt: Date | null;
  withdrawnAt: Date | null;
  signedDocumentId: string | null;
  leafId: string | null;
}

const instant = 'timestamp with time zone' as const;

const Clone = plainTable<CloneRow>({
  name: 'Clone',
  tableName: 'clone',
  columns: {
    id: { type: 'text', primary: true },
    ownerAccountId: { name: 'owner_account_id', type: 'text' },
    ownershipProofId: { name: 'ownership_proof_id', type: 'text' },
    name: { type: 'text' },
    handle: { type: 'text' },
    createdAt: { name: 'created_at', type: instant },
  },
});

/** As TypeORM sees it: what `details` holds follows from `kind`, which only `MaterialRow` says. */
type MaterialPlain = MaterialBase & { kind: MaterialRow['kind']; details: object };
type VersionPlain = Omit<VersionRow, 'document'> & { document: object };

const Material = plainTable<MaterialPlain>({
  name: 'CloneMaterial',
  tableName: 'clone_material',
  columns: {
    id: { type: 'text', primary: true },
    cloneId: { name: 'clone_id', type: 'text' },
    kind: { type: 'text' },
    number: { type: 'integer' },
    digest: { type: 'text' },
    details: { type: 'jsonb' },
    createdAt: { name: 'created_at', type: instant },
  },
});

const Version = plainTable<VersionPlain>({
  name: 'CloneVersion',
  tableName: 'clone_version',
  columns: {
    id: { type: 'text', primary: true },
    cloneId: { name: 'clone_id', type: 'text' },
    ownershipProofId: { name: 'ownership_proof_id', type: 'text' },
    number: { type: 'integer' },
    state: { type: 'text' },
    voiceMaterialId: { name: 'voice_material_id', type: 'text' },
    personaMaterialId: { name: 'persona_material_id', type: 'text' },
    materialDigest: { name: 'material_digest', type: 'text' },
    personaDigest: { name: 'persona_digest', type: 'text' },
    policyDigest: { name: 'policy_digest', type: 'text' },
    lineage: { type: 'jsonb' },
    languages: { type: 'text', array: true },
    speaker: { type: 'double precision', array: true },
    document: { type: 'json' },
    documentDigest: { name: 'document_digest', type: 'text' },
    createdAt: { name: 'created_at', type: instant },
    approvedAt: { name: 'approved_at', type: instant, nullable: true },
    withdrawnAt: { name: 'withdrawn_at', type: instant, nullable: true },
    signedDocumentId: { name: 'signed_document_id', type: 'text', nullable: true },
    leafId: { name: 'leaf_id', type: 'text', nullable: true },
  },
});

export const entities: EntitySchema[] = [Clone, Material, Version];

export async function findClone(tx: Tx, cloneId: string): Promise<CloneRow | null> {
  return await repository(tx, Clone).findOneBy({ id: cloneId });
}

/**
 * The clone if it is this account's, else `not_found`: a foreign one does not exist. Its row is locked, so that materials
 * and versions get their numbers one at a time; whoever only points at the clone is not held up.
 */
export async function lockOwnClone(tx: Tx, actor: Actor, cloneId: string): Promise<CloneRow> {
  await maybeOne(tx, 'SELECT id FROM clone WHERE id = $1 FOR NO KEY UPDATE', [cloneId]);
  const clone = await findClone(tx, cloneId);
  if (clone?.ownerAccountId !== actor.accountId) throw notFound();
  return clone;
}

/** False when the handle is taken. */
export async function insertClone(tx: Tx, row: CloneRow): Promise<boolean> {
  const inserted = await sql(
    tx,
    `INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (handle) DO NOTHING RETURNING id`,
    [row.id, row.ownerAccountId, row.ownershipProofId, row.name, row.handle, row.createdAt],
  );
  return inserted.length === 1;
}

export async function ownsClone(tx: Tx, accountId: string): Promise<boolean> {
  return await repository(tx, Clone).exists({ where: { ownerAccountId: accountId } });
}

export async function clonesOfProof(tx: Tx, proofId: string): Promise<string[]> {
  return (await repository(tx, Clone).find({ where: { ownershipProofId: proofId }, order: { id: 'ASC' } })).map(({ id }) => id);
}

/** A page of all clones, by id; locked, so that none is approved while it is looked at. */
export async function lockClonesAfter(tx: Tx, after: string, limit: number): Promise<CloneRow[]> {
  return await sql<CloneRow>(tx, `
    SELECT id, owner_account_id AS "ownerAccountId", ownership_proof_id AS "ownershipProofId", name, handle, created_at AS "createdAt"
    FROM clone WHERE id > $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE`, [after, limit]);
}

/** Refuses `ownership_unproven` when the proof fell between being read and this write: the database has the last word. */
async function whileProven(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (sqlConstraint(error) !== 'clone_version_needs_proof') throw error;
    throw new Refusal('ownership_unproven', 'The ownership proof of this clone is no longer approved.', { cause: error });
  }
}

/** Refuses `ownership_unproven`. */
export async function moveCloneToProof(tx: Tx, cloneId: string, proofId: string): Promise<void> {
  await whileProven(repository(tx, Clone).update({ id: cloneId }, { ownershipProofId: proofId }));
}

/** Clones that stand on a proof, by id, their rows locked. */
export async function lockClonesOf(tx: Tx, proofId: string): Promise<CloneRow[]> {
  await sql(tx, 'SELECT id FROM clone WHERE ownership_proof_id = $1 ORDER BY id FOR NO KEY UPDATE', [proofId]);
  return await repository(tx, Clone).find({ where: { ownershipProofId: proofId }, order: { id: 'ASC' } });
}

/** What an expired proof suspended serves again. Refuses `ownership_unproven` unless the clone's proof is approved. */
export async function resumeVersions(tx: Tx, cloneId: string): Promise<void> {
  await whileProven(sql(tx, `UPDATE clone_version SET state = 'approved' WHERE clone_id = $1 AND state = 'suspended'`, [cloneId]));
}

/** Whether a version was ever approved: since then the clone is, or was, in the catalogue. */
export async function wasApproved(tx: Tx, cloneId: string): Promise<boolean> {
  return await repository(tx, Version).exists({ where: { cloneId, approvedAt: Not(IsNull()) } });
}

/** Clones with an approved version, by id. */
export async function catalogue(
  tx: Tx, page: { limit: number; after: string | null; handle: string | null },
): Promise<CloneRow[]> {
  return await sql<CloneRow>(
    tx,
    `SELECT c.id, c.owner_account_id AS "ownerAccountId", c.ownership_proof_id AS "ownershipProofId", c.name, c.handle,
            c.created_at AS "createdAt"
       FROM clone c
      WHERE EXISTS (SELECT FROM clone_version v WHERE v.clone_id = c.id AND v.state = 'approved')
        AND ($1::text IS NULL OR c.handle = $1) AND ($2::text IS NULL OR c.id > $2)
      ORDER BY c.id LIMIT $3`,
    [page.handle, page.after, page.limit],
  );
}

async function newestMaterial(tx: Tx, cloneId: string, kind: MaterialRow['kind']): Promise<MaterialRow | null> {
  return (await repository(tx, Material).findOne({ where: { cloneId, kind }, order: { number: 'DESC' } })) as MaterialRow | null;
}

export async function newestVoice(tx: Tx, cloneId: string): Promise<VoiceMaterialRow | null> {
  return (await newestMaterial(tx, cloneId, 'voice')) as VoiceMaterialRow | null;
}

export async function newestPersona(tx: Tx, cloneId: string): Promise<PersonaMaterialRow | null> {
  return (await newestMaterial(tx, cloneId, 'persona')) as PersonaMaterialRow | null;
}

/** The voice enrolled last among the clones that stand on a proof. */
export async function voiceOfProof(tx: Tx, proofId: string): Promise<VoiceMaterialRow | null> {
  const newest = await maybeOne<{ id: string }>(
    tx,
    `SELECT m.id FROM clone c JOIN clone_material m ON m.clone_id = c.id AND m.kind = 'voice'
      WHERE c.ownership_proof_id = $1 ORDER BY m.created_at DESC, m.recorded_at DESC LIMIT 1`,
    [proofId],
  );
  return newest === null ? null : ((await repository(tx, Material).findOneBy({ id: newest.id })) as VoiceMaterialRow | null);
}

/** Adds material as the newest of its kind. The caller holds the clone's row. */
export async function insertMaterial(tx: Tx, row: MaterialRow): Promise<void> {
  await repository(tx, Material).insert(row);
}

export async function nextMaterialNumber(tx: Tx, cloneId: string, kind: MaterialRow['kind']): Promise<number> {
  return ((await newestMaterial(tx, cloneId, kind))?.number ?? 0) + 1;
}

export async function findVersion(tx: Tx, versionId: string): Promise<VersionRow | null> {
  return (await repository(tx, Version).findOneBy({ id: versionId })) as VersionRow | null;
}

export async function lockVersion(tx: Tx, versionId: string): Promise<VersionRow | null> {
  const locked = await maybeOne(tx, 'SELECT id FROM clone_version WHERE id = $1 FOR NO KEY UPDATE', [versionId]);
  return locked === null ? null : await findVersion(tx, versionId);
}

export async function versionsOf(tx: Tx, cloneId: string): Promise<VersionRow[]> {
  return (await repository(tx, Version).find({ where: { cloneId }, order: { number: 'ASC' } })) as VersionRow[];
}

/** The approved version with the highest number: the one that serves. */
export async function servingVersion(tx: Tx, cloneId: string): Promise<VersionRow | null> {
  return (await repository(tx, Version).findOne({
    where: { cloneId, state: 'approved' }, order: { number: 'DESC' },
  })) as VersionRow | null;
}

export async function insertVersion(tx: Tx, row: VersionRow): Promise<void> {
  await repository(tx, Version).insert(row);
}

/** Refuses `ownership_unproven`. */
export async function updateVersion(
  tx: Tx, versionId: string,
  change: Pick<VersionRow, 'state'> & Partial<Pick<VersionRow, 'approvedAt' | 'withdrawnAt' | 'signedDocumentId' | 'leafId'>>,
): Promise<void> {
  await whileProven(repository(tx, Version).update({ id: versionId }, change));
}

export async function clonesOf(tx: Tx, ownerAccountId: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(tx, 'SELECT id FROM clone WHERE owner_account_id = $1 ORDER BY id', [ownerAccountId]);
  return rows.map(({ id }) => id);
}
