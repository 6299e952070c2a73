import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';
import type { RecoupBase } from './advances-model.ts';

/** Advances, their signatures, and what each run recouped of them. */

export interface AdvanceRow {
  id: string;
  payee: string;
  currency: Currency;
  amountMinor: bigint;
  base: RecoupBase;
  rateBasisPoints: number;
  endsOn: Day | null;
  canonical: string;
  digest: string;
  state: 'draft' | 'signed' | 'ended';
  signedAt: Date | null;
  record: string | null;
  leafId: string | null;
  payoutId: string | null;
  endedOn: Day | null;
  draftedBy: string;
  draftedAt: Date;
}

const ADVANCE = `a.id, a.payee, a.currency, a.amount_minor AS "amountMinor", a.base, a.rate_basis_points AS "rateBasisPoints", a.ends_on AS "endsOn", a.canonical,
  a.digest, a.state, a.signed_at AS "signedAt", a.record, a.leaf_id AS "leafId", a.payout_id AS "payoutId", a.ended_on AS "endedOn",
  a.drafted_by AS "draftedBy", a.drafted_at AS "draftedAt"`;

export type NewAdvance = Pick<
  AdvanceRow, 'id' | 'payee' | 'currency' | 'amountMinor' | 'base' | 'rateBasisPoints' | 'endsOn' | 'canonical' | 'digest' | 'draftedBy' | 'draftedAt'
>;

export async function insertAdvance(tx: Tx, row: NewAdvance, cloneIds: readonly string[]): Promise<void> {
  await sql(
    tx,
    `INSERT INTO advance (id, payee, currency, amount_minor, base, rate_basis_points, ends_on, canonical, digest, drafted_by, drafted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [row.id, row.payee, row.currency, row.amountMinor, row.base, row.rateBasisPoints, row.endsOn, row.canonical, row.digest, row.draftedBy, row.draftedAt],
  );
  await sql(tx, 'INSERT INTO advance_clone (advance_id, clone_id) SELECT $1, clone_id FROM unnest($2::text[]) AS clone_id', [row.id, cloneIds]);
}

export async function findAdvance(tx: Tx, id: string): Promise<AdvanceRow | null> {
  return await maybeOne<AdvanceRow>(tx, `SELECT ${ADVANCE} FROM advance a WHERE a.id = $1`, [id]);
}

export async function lockAdvance(tx: Tx, id: string): Promise<AdvanceRow | null> {
  return await maybeOne<AdvanceRow>(tx, `SELECT ${ADVANCE} FROM advance a WHERE a.id = $1 FOR UPDATE`, [id]);
}

export async function advancesOf(tx: Tx, payee: string): Promise<AdvanceRow[]> {
  return await sql<AdvanceRow>(tx, `SELECT ${ADVANCE} FROM advance a WHERE a.payee = $1 ORDER BY a.drafted_at DESC, a.id DESC LIMIT 200`, [payee]);
}

/** The paid advances of a payee that a clone's earnings recoup, the first signed first. */
export async function recoupedBy(tx: Tx, of: { payee: string; currency: Currency; cloneId: string }): Promise<AdvanceRow[]> {
  return await sql<AdvanceRow>(
    tx,
    `SELECT ${ADVANCE} FROM advance a JOIN advance_clone c ON c.advance_id = a.id
     WHERE a.payee = $1 AND a.currency = $2 AND c.clone_id = $3 AND a.state = 'signed'
       AND EXISTS (SELECT FROM payout p WHERE p.id = a.payout_id AND p.state = 'paid') ORDER BY a.signed_at, a.id`,
    [of.payee, of.currency, of.cloneId],
  );
}

export async function signaturesOf(tx: Tx, id: string): Promise<{ signer: string; signedDocumentId: string; signedAt: Date }[]> {
  return await sql(
    tx,
    `SELECT signer, signed_document_id AS "signedDocumentId", signed_at AS "signedAt" FROM advance_signature WHERE advance_id = $1
     ORDER BY signed_at, signer`,
    [id],
  );
}

export async function insertSignature(tx: Tx, id: string, row: { signer: string; signedDocumentId: string; signedAt: Date }): Promise<void> {
  await sql(
    tx, 'INSERT INTO advance_signature (advance_id, signer, signed_document_id, signed_at) VALUES ($1, $2, $3, $4)',
    [id, row.signer, row.signedDocumentId, row.signedAt],
  );
}

export async function completeAdvance(tx: Tx, id: string, signed: { signedAt: Date; record: string; leafId: string }): Promise<void> {
  await sql(
    tx, `UPDATE advance SET state = 'signed', signed_at = $2, record = $3, leaf_id = $4 WHERE id = $1`,
    [id, signed.signedAt, signed.record, signed.leafId],
  );
}

export async function putPayout(tx: Tx, id: string, payoutId: string): Promise<void> {
  await sql(tx, 'UPDATE advance SET payout_id = $2 WHERE id = $1', [id, payoutId]);
}

export async function endAdvance(tx: Tx, id: string, day: Day): Promise<void> {
  await sql(tx, `UPDATE advance SET state = 'ended', ended_on = $2 WHERE id = $1`, [id, day]);
}

export async function insertRecoupment(tx: Tx, row: { advanceId: string; runId: string; baseMinor: bigint; amountMinor: bigint; transferId: string }): Promise<void> {
  await sql(
    tx, 'INSERT INTO advance_recoupment (advance_id, run_id, base_minor, amount_minor, transfer_id) VALUES ($1, $2, $3, $4, $5)',
    [row.advanceId, row.runId, row.baseMinor, row.amountMinor, row.transferId],
  );
}

export async function recoupmentsOf(tx: Tx, id: string): Promise<{ runId: string; baseMinor: bigint; amountMinor: bigint }[]> {
  return await sql(
    tx, 'SELECT run_id AS "runId", base_minor AS "baseMinor", amount_minor AS "amountMinor" FROM advance_recoupment WHERE advance_id = $1 ORDER BY run_id', [id],
  );
}
