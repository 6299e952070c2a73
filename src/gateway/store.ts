import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { Receipt } from '../provenance/index.ts';
import type { Audience, Capability, DecidedGate, DeliveryKind, EndReason, Language, OutputState } from './model.ts';

/** A finished file before it may leave: everything that its release and its receipt say of it. */
export interface KeptFile {
  sha256: string;
  bytes: number;
  /** Of the samples alone, 16-bit little-endian. */
  samplesSha256: string;
  seconds: number;
  renderMilliseconds: number;
  c2paManifest: string;
  disclosure: { kind: 'spoken' | 'rhythm' | 'spoken_and_rhythm'; text: string | null; rule: string };
  implicitLabel: { contentProducer: string; produceId: string };
  watermark: 'none';
  /** An owner's preview: says so in manifest and receipt, and sounds so at its end. */
  preview?: true;
}

/** What was asked and how it was decided. */
interface Asked {
  id: string;
  cloneId: string;
  requester: string;
  audience: Audience;
  capability: Capability;
  language: Language;
  purpose: string;
  script: string;
  territory: string | null;
  decisionId: string;
  gates: DecidedGate[];
  holdId: string | null;
  /** Under which it was asked. */
  licenceId: string | null;
  delivery: DeliveryKind;
  probe: string | null;
  requestedAt: Date;
}

interface Denied extends Asked {
  state: 'denied';
  versionId: string | null;
  grantId: string | null;
  grantDigest: string | null;
  expiresAt: Date | null;
}

/** An output on its way, or one that was on it. */
export interface Allowed extends Asked {
  state: Exclude<OutputState, 'denied'>;
  versionId: string;
  grantId: string;
  grantDigest: string;
  /** The end of the consent that the decision saw. */
  expiresAt: Date;
}

interface Progress {
  reason: EndReason | null;
  file: KeptFile | null;
  /** While it streams: until when the gateway has told of itself again, or has died. */
  aliveUntil: Date | null;
  /** Of the licence's document, which both signed. */
  licenceDigest: string | null;
  changedAt: Date;
}

export type AllowedOutput = Allowed & Progress;
export type OutputRow = (Denied | Allowed) & Progress;

export interface ReleaseRow {
  id: string;
  cloneId: string;
  outputId: string;
  gateIds: string[];
  fileSha256: string;
  fileBytes: bigint;
  samplesSha256: string;
  leafId: string;
  receipt: Receipt;
  releasedAt: Date;
}

const OUTPUT = `
  SELECT id, clone_id AS "cloneId", requester, audience, capability, language, purpose, script, territory, decision_id AS "decisionId",
    version_id AS "versionId", grant_id AS "grantId", grant_digest AS "grantDigest", gates, expires_at AS "expiresAt",
    hold_id AS "holdId", licence_id AS "licenceId",
    (SELECT digest FROM licence WHERE licence.id = output.licence_id) AS "licenceDigest", delivery, alive_until AS "aliveUntil", probe, state, reason, file, requested_at AS "requestedAt", changed_at AS "changedAt"
  FROM output`;

export async function insertOutput(tx: Tx, row: Denied | Allowed): Promise<void> {
  await sql(tx, `
    INSERT INTO output (id, clone_id, requester, audience, capability, language, purpose, script, territory, decision_id, version_id,
      grant_id, grant_digest, gates, expires_at, hold_id, probe, state, requested_at, changed_at, delivery, licence_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19, $20, $21)`,
  [row.id, row.cloneId, row.requester, row.audience, row.capability, row.language, row.purpose, row.script, row.territory,
    row.decisionId, row.versionId, row.grantId, row.grantDigest, JSON.stringify(row.gates), row.expiresAt, row.holdId, row.probe,
    row.state, row.requestedAt, row.delivery, row.licenceId]);
}

export async function findOutput(tx: Tx, outputId: string): Promise<OutputRow | null> {
  return await maybeOne<OutputRow>(tx, `${OUTPUT} WHERE id = $1`, [outputId]);
}

/** The output with its row locked: whoever ends it takes turns. After the gates, before the hold. */
export async function lockOutput(tx: Tx, outputId: string): Promise<OutputRow | null> {
  return await maybeOne<OutputRow>(tx, `${OUTPUT} WHERE id = $1 FOR NO KEY UPDATE`, [outputId]);
}

/** Newest first. `cloneId` and `requester` narrow it; at least one is given. */
export async function listOutputs(
  tx: Tx, page: { cloneId: string | null; requester: string | null; before: string | null; limit: number },
): Promise<OutputRow[]> {
  return await sql<OutputRow>(tx, `${OUTPUT}
    WHERE ($1::text IS NULL OR clone_id = $1) AND ($2::text IS NULL OR requester = $2) AND ($3::text IS NULL OR id < $3)
    ORDER BY id DESC LIMIT $4`, [page.cloneId, page.requester, page.before, page.limit]);
}

const COLUMN_OF_SCOPE: Readonly<Record<string, string>> = { capability: 'capability', grant: 'grant_id', licence: 'licence_id' };

/** Releases of the clone so far, files and segments of streams. */
export async function countReleases(tx: Tx, scope: { kind: string; cloneId: string | null; target: string | null }): Promise<bigint> {
  const { kind, cloneId, target } = scope;
  const part = COLUMN_OF_SCOPE[kind] ?? null;
  const count = (table: string): string => (part === null
    ? `(SELECT count(*) FROM ${table} WHERE $1::text IS NULL OR clone_id = $1)`
    : `(SELECT count(*) FROM ${table} AS one JOIN output ON output.id = one.output_id WHERE one.clone_id = $1 AND output.${part} = $2)`);
  const params = part === null ? [cloneId] : [cloneId, target];
  return (await one<{ count: bigint }>(tx, `SELECT ${count('release')} + ${count('release_segment')} AS count`, params)).count;
}

/** Outputs of the clone that are under way. */
export async function countOpenOutputs(tx: Tx, cloneId: string): Promise<number> {
  const { count } = await one<{ count: number }>(tx, `
    SELECT count(*)::int AS count FROM output WHERE clone_id = $1 AND state IN ('queued', 'streaming', 'rendering', 'signing')`, [cloneId]);
  return count;
}

export async function liveProbes(tx: Tx, versionId: string): Promise<OutputRow[]> {
  return await sql<OutputRow>(tx, `${OUTPUT}
    WHERE version_id = $1 AND audience = 'owner' AND state IN ('queued', 'rendering', 'signing', 'released') ORDER BY probe`, [versionId]);
}

/** Names of the version's probes that were released and then fetched by this account. */
export async function heardProbes(tx: Tx, versionId: string, accountId: string): Promise<string[]> {
  const rows = await sql<{ probe: string }>(tx, `
    SELECT output.probe FROM output
    WHERE version_id = $1 AND audience = 'owner' AND state = 'released' AND EXISTS (
      SELECT FROM media_read WHERE kind = 'output' AND subject_id = output.id AND account_id = $2)`, [versionId, accountId]);
  return rows.map((row) => row.probe);
}

export async function moveOutput(
  tx: Tx, outputId: string, to: { state: OutputState; reason?: EndReason; at: Date },
): Promise<void> {
  const moved = await execute(
    tx, 'UPDATE output SET state = $2, reason = $3, changed_at = $4 WHERE id = $1', [outputId, to.state, to.reason ?? null, to.at],
  );
  if (moved !== 1) throw new Error(`Output ${outputId} is not there.`);
}

export async function setFile(tx: Tx, outputId: string, file: KeptFile): Promise<void> {
  await execute(tx, 'UPDATE output SET file = $2 WHERE id = $1', [outputId, JSON.stringify(file)]);
}

export async function insertRelease(tx: Tx, row: Omit<ReleaseRow, 'gateIds'>): Promise<void> {
  // The gates are the trigger's to write: it takes them from the decision.
  await sql(tx, `
    INSERT INTO release (id, clone_id, output_id, file_sha256, file_bytes, samples_sha256, leaf_id, receipt, released_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  [row.id, row.cloneId, row.outputId, row.fileSha256, row.fileBytes, row.samplesSha256, row.leafId, JSON.stringify(row.receipt), row.releasedAt]);
}

const RELEASE = `
  SELECT id, clone_id AS "cloneId", output_id AS "outputId", gate_ids AS "gateIds", file_sha256 AS "fileSha256",
    file_bytes AS "fileBytes", samples_sha256 AS "samplesSha256", leaf_id AS "leafId", receipt, released_at AS "releasedAt"
  FROM release`;

export async function releaseOf(tx: Tx, outputId: string): Promise<ReleaseRow | null> {
  return await maybeOne<ReleaseRow>(tx, `${RELEASE} WHERE output_id = $1`, [outputId]);
}

export async function releasesOf(tx: Tx, outputIds: readonly string[]): Promise<Map<string, ReleaseRow>> {
  const rows = await sql<ReleaseRow>(tx, `${RELEASE} WHERE output_id = ANY ($1)`, [outputIds]);
  return new Map(rows.map((row) => [row.outputId, row]));
}

export async function releaseOfFile(tx: Tx, sha256: string): Promise<ReleaseRow | null> {
  return await maybeOne<ReleaseRow>(tx, `${RELEASE} WHERE file_sha256 = $1`, [sha256]);
}

/** The oldest release with exactly these samples. */
export async function releaseOfSamples(tx: Tx, sha256: string): Promise<ReleaseRow | null> {
  return await maybeOne<ReleaseRow>(tx, `${RELEASE} WHERE samples_sha256 = $1 ORDER BY id LIMIT 1`, [sha256]);
}

/** Whether something holds this output back. */
export async function isHeld(tx: Tx, outputId: string): Promise<boolean> {
  const { held } = await one<{ held: boolean }>(
    tx, 'SELECT EXISTS (SELECT FROM output_hold WHERE output_id = $1 AND lifted_at IS NULL) AS held', [outputId],
  );
  return held;
}

export async function insertHold(tx: Tx, outputId: string, hold: { holder: string; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO output_hold (output_id, holder, held_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [outputId, hold.holder, hold.at]);
}

export async function liftHold(tx: Tx, outputId: string, lifted: { holder: string; at: Date }): Promise<void> {
  await execute(tx, 'UPDATE output_hold SET lifted_at = $3 WHERE output_id = $1 AND holder = $2 AND lifted_at IS NULL', [outputId, lifted.holder, lifted.at]);
}

export async function isReleasedFile(tx: Tx, sha256: string): Promise<boolean> {
  const { released } = await one<{ released: boolean }>(
    tx, 'SELECT EXISTS (SELECT FROM release WHERE file_sha256 = $1) AS released', [sha256],
  );
  return released;
}

export type ReadKind = 'output' | 'stream' | 'evidence' | 'enrolment';
/** A fan's delivery, the owner's preview of a version, a reviewer's review, somebody's own recording or clone. */
export type ReadPurpose = 'delivery' | 'preview' | 'review' | 'own';

export async function insertRead(
  tx: Tx, read: { kind: ReadKind; purpose: ReadPurpose; subjectId: string; accountId: string; sha256: string; at: Date },
): Promise<void> {
  await sql(tx, 'INSERT INTO media_read (kind, purpose, subject_id, account_id, sha256, at) VALUES ($1, $2, $3, $4, $5, $6)',
    [read.kind, read.purpose, read.subjectId, read.accountId, read.sha256, read.at]);
}

/** Two requests for a version's probes take turns. */
export async function lockProbes(tx: Tx, versionId: string): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6239))', [versionId]);
}
