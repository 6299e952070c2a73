import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { Receipt } from '../provenance/index.ts';

export interface SegmentRow {
  id: string;
  cloneId: string;
  outputId: string;
  /** From 1, without a gap. */
  sequence: number;
  last: boolean;
  gateIds: string[];
  fileSha256: string;
  fileBytes: bigint;
  samplesSha256: string;
  /** Of the speech without its disclosure, 16-bit little-endian. */
  speechSha256: string;
  seconds: number;
  leafId: string;
  receipt: Receipt;
  releasedAt: Date;
}

const SEGMENT = `
  SELECT id, clone_id AS "cloneId", output_id AS "outputId", sequence, last, gate_ids AS "gateIds", file_sha256 AS "fileSha256",
    file_bytes AS "fileBytes", samples_sha256 AS "samplesSha256", speech_sha256 AS "speechSha256", seconds, leaf_id AS "leafId", receipt,
    released_at AS "releasedAt"
  FROM release_segment`;

export async function insertSegment(tx: Tx, row: Omit<SegmentRow, 'gateIds'>): Promise<void> {
  // The gates are the trigger's to write: it takes them from the decision.
  await sql(tx, `
    INSERT INTO release_segment (id, clone_id, output_id, sequence, last, file_sha256, file_bytes, samples_sha256, speech_sha256, seconds,
      leaf_id, receipt, released_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
  [row.id, row.cloneId, row.outputId, row.sequence, row.last, row.fileSha256, row.fileBytes, row.samplesSha256, row.speechSha256, row.seconds,
    row.leafId, JSON.stringify(row.receipt), row.releasedAt]);
}

/** In their order. */
export async function segmentsOfOutput(tx: Tx, outputId: string): Promise<SegmentRow[]> {
  return await sql<SegmentRow>(tx, `${SEGMENT} WHERE output_id = $1 ORDER BY sequence`, [outputId]);
}

export async function segmentsOfOutputs(tx: Tx, outputIds: readonly string[]): Promise<Map<string, SegmentRow[]>> {
  const rows = await sql<SegmentRow>(tx, `${SEGMENT} WHERE output_id = ANY ($1) ORDER BY sequence`, [outputIds]);
  const found = new Map<string, SegmentRow[]>();
  for (const row of rows) found.set(row.outputId, [...(found.get(row.outputId) ?? []), row]);
  return found;
}

export async function segmentAt(tx: Tx, outputId: string, sequence: number): Promise<SegmentRow | null> {
  return await maybeOne<SegmentRow>(tx, `${SEGMENT} WHERE output_id = $1 AND sequence = $2`, [outputId, sequence]);
}

export async function segmentOfFile(tx: Tx, sha256: string): Promise<SegmentRow | null> {
  return await maybeOne<SegmentRow>(tx, `${SEGMENT} WHERE file_sha256 = $1`, [sha256]);
}

/** The oldest segment with exactly these samples. */
export async function segmentOfSamples(tx: Tx, sha256: string): Promise<SegmentRow | null> {
  return await maybeOne<SegmentRow>(tx, `${SEGMENT} WHERE samples_sha256 = $1 ORDER BY id LIMIT 1`, [sha256]);
}

/** How far a stream came. */
export async function sentOf(tx: Tx, outputId: string): Promise<{ segments: number; last: boolean }> {
  return await one<{ segments: number; last: boolean }>(tx, `
    SELECT count(*)::int AS segments, coalesce(bool_or(last), false) AS last FROM release_segment WHERE output_id = $1`, [outputId]);
}

export async function keepAlive(tx: Tx, outputId: string, until: Date): Promise<void> {
  await execute(tx, 'UPDATE output SET alive_until = $2 WHERE id = $1', [outputId, until]);
}

/** From queued to streaming, with the time until which it counts as alive. */
export async function beginStream(tx: Tx, outputId: string, at: Date, until: Date): Promise<void> {
  await execute(tx, `UPDATE output SET state = 'streaming', alive_until = $3, changed_at = $2 WHERE id = $1`, [outputId, at, until]);
}
