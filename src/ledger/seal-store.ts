import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';
import type { Seal } from './seal-model.ts';

interface SealRow extends Omit<Seal, 'holdSeqs'> {
  holdSeqs: (bigint | string)[];
}

const COLUMNS = `number, from_position AS "fromPosition", to_position AS "toPosition", hold_seqs::text[] AS "holdSeqs", hold_facts AS "holdFacts",
  leaves, root, leaf_id AS "leafId"`;

/** One sealer at a time, until the transaction ends. */
export async function lockSeals(tx: Tx): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(6237004)');
}

export async function lastSeal(tx: Tx): Promise<{ number: number; toPosition: bigint } | null> {
  return await maybeOne(tx, 'SELECT number, to_position AS "toPosition" FROM ledger_seal ORDER BY number DESC LIMIT 1');
}

/** What the next seal speaks of: positions up to one, and facts of holds that none speaks of yet. */
export async function unsealed(tx: Tx, after: bigint, most: number): Promise<{ toPosition: bigint; holdSeqs: string[]; holdFacts: Seal['holdFacts'] }> {
  const { top } = await one<{ top: bigint }>(
    tx, 'SELECT coalesce(max(position), $1::bigint) AS top FROM ledger_position WHERE position > $1 AND position <= $1::bigint + $2::bigint', [after.toString(), most],
  );
  const facts = await sql<{ seq: bigint; fact: 'held' | 'ended' }>(
    tx, `SELECT hold_seq AS seq, fact FROM ledger_hold_unsealed ORDER BY hold_seq, fact DESC LIMIT $1`, [most],
  );
  return { toPosition: top, holdSeqs: facts.map(({ seq }) => String(seq)), holdFacts: facts.map(({ fact }) => fact) };
}

export async function leavesBetween(tx: Tx, seal: Pick<Seal, 'fromPosition' | 'toPosition' | 'holdSeqs' | 'holdFacts'>): Promise<Buffer> {
  return (await one<{ leaves: Buffer }>(
    tx, 'SELECT ledger_leaves($1, $2, $3::bigint[], $4::text[]) AS leaves',
    [seal.fromPosition.toString(), seal.toPosition.toString(), seal.holdSeqs, seal.holdFacts],
  )).leaves;
}

export async function insertSeal(tx: Tx, seal: Seal): Promise<void> {
  await sql(
    tx,
    `INSERT INTO ledger_seal (number, from_position, to_position, hold_seqs, hold_facts, leaves, root, leaf_id)
       VALUES ($1, $2, $3, $4::bigint[], $5::text[], $6, $7, $8)`,
    [seal.number, seal.fromPosition.toString(), seal.toPosition.toString(), seal.holdSeqs, seal.holdFacts, seal.leaves, seal.root, seal.leafId],
  );
}

/** Seals behind a number, in order. */
export async function sealsAfter(tx: Tx, number: number, most: number): Promise<Seal[]> {
  const rows = await sql<SealRow>(tx, `SELECT ${COLUMNS} FROM ledger_seal WHERE number > $1 ORDER BY number LIMIT $2`, [number, most]);
  return rows.map((row) => ({ ...row, holdSeqs: row.holdSeqs.map(String) }));
}
