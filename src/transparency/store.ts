import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { NodeRef, TreeNode } from '../kernel/merkle.ts';
import type { LeafType } from './model.ts';

/** The log's tables. Every one is insert-only; PostgreSQL refuses the rest, also to the tables' owner. */

export interface LeafRow {
  id: string;
  type: LeafType;
  subjectId: string;
  at: Date;
  entry: Buffer;
  leafHash: Buffer;
}

export interface PlacedLeafRow extends LeafRow {
  /** Null until the sequencer has given the leaf its place. */
  index: bigint | null;
}

export interface CheckpointRow {
  size: bigint;
  root: Buffer;
  note: string;
}

const LEAF_COLUMNS = `leaf.id, leaf.type, leaf.subject_id AS "subjectId", leaf.at, leaf.entry,
  leaf.leaf_hash AS "leafHash", position.index`;
const LEAF_TABLES = 'log_leaf leaf LEFT JOIN log_position position ON position.leaf_id = leaf.id';

export async function insertLeaf(tx: Tx, leaf: LeafRow): Promise<void> {
  await execute(
    tx,
    'INSERT INTO log_leaf (id, type, subject_id, at, entry, leaf_hash) VALUES ($1, $2, $3, $4, $5, $6)',
    [leaf.id, leaf.type, leaf.subjectId, leaf.at, leaf.entry, leaf.leafHash],
  );
}

export async function findLeaf(tx: Tx, leafId: string): Promise<PlacedLeafRow | null> {
  return await maybeOne<PlacedLeafRow>(tx, `SELECT ${LEAF_COLUMNS} FROM ${LEAF_TABLES} WHERE leaf.id = $1`, [leafId]);
}

/** The leaves of a subject, oldest first, after the leaf `after` if given. */
export async function leavesOfSubject(
  tx: Tx, subjectId: string, page: { limit: number; after?: string },
): Promise<PlacedLeafRow[]> {
  return await sql<PlacedLeafRow>(
    tx,
    `SELECT ${LEAF_COLUMNS} FROM ${LEAF_TABLES}
      WHERE leaf.subject_id = $1
        AND ($3::text IS NULL OR (leaf.at, leaf.id) > (SELECT seen.at, seen.id FROM log_leaf seen WHERE seen.id = $3))
      ORDER BY leaf.at, leaf.id LIMIT $2`,
    [subjectId, page.limit, page.after ?? null],
  );
}

/** One sequencer at a time, until the transaction ends. A statement of its own: what follows must see what it waited for. */
export async function lockSequencer(tx: Tx): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(6237002)');
}

/** Committed leaves without a place, those of the earliest transactions first. */
export async function waitingLeaves(tx: Tx, limit: number): Promise<{ id: string; leafHash: Buffer }[]> {
  return await sql<{ id: string; leafHash: Buffer }>(
    tx,
    `SELECT leaf.id, leaf.leaf_hash AS "leafHash" FROM log_waiting waiting JOIN log_leaf leaf ON leaf.id = waiting.leaf_id
      ORDER BY waiting.recorded_at, waiting.leaf_id LIMIT $1`,
    [limit],
  );
}

export async function treeSize(tx: Tx): Promise<bigint> {
  const row = await one<{ size: bigint }>(tx, 'SELECT coalesce(max(index) + 1, 0) AS size FROM log_position');
  return row.size;
}

export async function insertPositions(tx: Tx, first: bigint, leafIds: readonly string[]): Promise<void> {
  await execute(
    tx,
    `INSERT INTO log_position (index, leaf_id)
      SELECT $1::bigint + ordinality - 1, leaf_id FROM unnest($2::text[]) WITH ORDINALITY AS placed (leaf_id, ordinality)`,
    [first.toString(), leafIds],
  );
}

export async function insertNodes(tx: Tx, nodes: readonly TreeNode[]): Promise<void> {
  await execute(
    tx,
    `INSERT INTO log_node (level, index, hash)
      SELECT level, index, decode(hash, 'hex') FROM unnest($1::smallint[], $2::bigint[], $3::text[]) AS made (level, index, hash)`,
    [nodes.map((n) => n.level), nodes.map((n) => n.index.toString()), nodes.map((n) => n.hash.toString('hex'))],
  );
}

/** The hashes of these perfect subtrees, in one query. */
export async function loadNodes(tx: Tx, refs: readonly NodeRef[]): Promise<TreeNode[]> {
  if (refs.length === 0) return [];
  return await sql<TreeNode>(
    tx,
    `SELECT node.level, node.index, node.hash FROM log_node node
      JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, index)
        ON node.level = wanted.level AND node.index = wanted.index`,
    [refs.map((ref) => ref.level), refs.map((ref) => ref.index.toString())],
  );
}

/** Entries from a place on, below another, in order. */
export async function entriesFrom(tx: Tx, from: bigint, below: bigint, limit: number): Promise<{ index: bigint; id: string; entry: Buffer }[]> {
  return await sql(
    tx,
    `SELECT position.index, leaf.id, leaf.entry FROM log_position position JOIN log_leaf leaf ON leaf.id = position.leaf_id
      WHERE position.index >= $1 AND position.index < $2 ORDER BY position.index LIMIT $3`,
    [from.toString(), below.toString(), limit],
  );
}

export async function insertCheckpoint(tx: Tx, checkpoint: CheckpointRow & { at: Date }): Promise<void> {
  await execute(
    tx,
    'INSERT INTO log_checkpoint (size, root, note, at) VALUES ($1, $2, $3, $4)',
    [checkpoint.size.toString(), checkpoint.root, checkpoint.note, checkpoint.at],
  );
}

export async function latestCheckpoint(tx: Tx): Promise<CheckpointRow | null> {
  return await maybeOne<CheckpointRow>(tx, 'SELECT size, root, note FROM log_checkpoint ORDER BY size DESC LIMIT 1');
}
