import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { one, sql } from '../platform/postgres/index.ts';
import { documentStore } from './document-store.ts';
import type { Recoupment, RecoupBase, RunReturns } from './advances-model.ts';

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
  /** What the platform has lost of it since it ended. */
  writtenOffMinor: bigint;
  draftedBy: string;
  draftedAt: Date;
}

const ADVANCE = `a.id, a.payee, a.currency, a.amount_minor AS "amountMinor", a.base, a.rate_basis_points AS "rateBasisPoints", a.ends_on AS "endsOn", a.canonical,
  a.digest, a.state, a.signed_at AS "signedAt", a.record, a.leaf_id AS "leafId", a.payout_id AS "payoutId", a.ended_on AS "endedOn",
  a.written_off_minor AS "writtenOffMinor", a.drafted_by AS "draftedBy", a.drafted_at AS "draftedAt"`;

export const { find: findAdvance, lock: lockAdvance, signaturesOf, insertSignature } = documentStore<AdvanceRow>({
  from: 'advance a', columns: ADVANCE, signatures: 'advance_signature', of: 'advance_id',
});

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

export async function completeAdvance(tx: Tx, id: string, signed: { signedAt: Date; record: string; leafId: string }): Promise<void> {
  await sql(
    tx, `UPDATE advance SET state = 'signed', signed_at = $2, record = $3, leaf_id = $4 WHERE id = $1`,
    [id, signed.signedAt, signed.record, signed.leafId],
  );
}

export async function putPayout(tx: Tx, id: string, payoutId: string): Promise<void> {
  await sql(tx, 'UPDATE advance SET payout_id = $2 WHERE id = $1', [id, payoutId]);
}

export async function endAdvance(tx: Tx, id: string, ended: { day: Day; writtenOffMinor: bigint }): Promise<void> {
  await sql(tx, `UPDATE advance SET state = 'ended', ended_on = $2, written_off_minor = $3 WHERE id = $1`, [id, ended.day, ended.writtenOffMinor]);
}

export async function putWrittenOff(tx: Tx, id: string, writtenOffMinor: bigint): Promise<void> {
  await sql(tx, 'UPDATE advance SET written_off_minor = $2 WHERE id = $1', [id, writtenOffMinor]);
}

export async function insertRecoupment(tx: Tx, row: { advanceId: string; runId: string; baseMinor: bigint; amountMinor: bigint; transferId: string }): Promise<void> {
  await sql(
    tx, 'INSERT INTO advance_recoupment (advance_id, run_id, base_minor, amount_minor, transfer_id) VALUES ($1, $2, $3, $4, $5)',
    [row.advanceId, row.runId, row.baseMinor, row.amountMinor, row.transferId],
  );
}

/** Of a recoupment r: what of it was undone. */
const RESTORED = `coalesce((SELECT sum(amount_minor) FROM advance_restoration s
              WHERE s.advance_id = r.advance_id AND s.run_id = r.run_id), 0)::bigint AS "restoredMinor"`;

export async function recoupmentsOf(tx: Tx, id: string): Promise<{ runId: string; baseMinor: bigint; amountMinor: bigint; restoredMinor: bigint }[]> {
  return await sql(
    tx,
    `SELECT run_id AS "runId", base_minor AS "baseMinor", amount_minor AS "amountMinor",
            ${RESTORED}
     FROM advance_recoupment r WHERE advance_id = $1 ORDER BY run_id`,
    [id],
  );
}

interface OfRun {
  runId: string;
  payee: string;
  currency: Currency;
}

/** What a run recouped of a payee's advances, in the order in which it did. */
export async function recoupedOfRun(tx: Tx, of: OfRun): Promise<Recoupment[]> {
  return await sql<Recoupment>(
    tx,
    `SELECT r.advance_id AS "advanceId", a.base, a.rate_basis_points AS "rateBasisPoints", r.base_minor AS "baseMinor", r.amount_minor AS "amountMinor",
            ${RESTORED}
     FROM advance_recoupment r JOIN advance a ON a.id = r.advance_id
     WHERE r.run_id = $1 AND a.payee = $2 AND a.currency = $3 ORDER BY a.signed_at, a.id`,
    [of.runId, of.payee, of.currency],
  );
}

/** What a run gave a payee in all, and what of that, and of its pots, was returned. */
export async function sharesOfRun(tx: Tx, of: OfRun): Promise<RunReturns> {
  return await one<RunReturns>(
    tx,
    `WITH own AS (
       SELECT l.pot_id, sum(l.amount_minor) AS received FROM royalty_pot p JOIN royalty_pot_leg l ON l.pot_id = p.id
       WHERE p.run_id = $1 AND p.currency = $3 AND l.payee = $2 AND l.amount_minor > 0 GROUP BY 1)
     SELECT coalesce((SELECT sum(received) FROM own), 0)::bigint AS "receivedMinor",
            coalesce((SELECT sum(g.amount_minor) FROM goodwill_leg g JOIN own ON own.pot_id = g.pot_id WHERE g.payee = $2), 0)::bigint AS "returnedMinor",
            coalesce((SELECT sum(g.amount_minor) FROM goodwill_pot g JOIN own ON own.pot_id = g.pot_id), 0)::bigint AS "potsReturnedMinor"`,
    [of.runId, of.payee, of.currency],
  );
}

export async function insertRestoration(
  tx: Tx, row: { advanceId: string; runId: string; causeId: string; amountMinor: bigint; transferId: string },
): Promise<void> {
  await sql(
    tx, 'INSERT INTO advance_restoration (advance_id, run_id, cause_id, amount_minor, transfer_id) VALUES ($1, $2, $3, $4, $5)',
    [row.advanceId, row.runId, row.causeId, row.amountMinor, row.transferId],
  );
}
