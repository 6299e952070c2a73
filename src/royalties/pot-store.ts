import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';

/** Pots as they stand on statements: whole, with their split, so that a share can be worked out again. */

export type SplitBase = 'gross' | 'net_of_tax' | 'net_of_tax_and_fees';

export interface PotFacts {
  potId: string;
  runId: string;
  cloneId: string;
  tierId: string;
  currency: Currency;
  firstDay: Day;
  lastDay: Day;
  splitId: string;
  splitNumber: number;
  splitSha256: string;
  base: SplitBase;
  entries: bigint;
  /** Null in pots that were divided before these were kept. */
  grossMinor: bigint | null;
  taxMinor: bigint | null;
  feeMinor: bigint | null;
  /** What left the earnings: gross less tax less fees. */
  earnedMinor: bigint;
  /** In the order that decides ties. */
  legs: { payee: string; basisPoints: number; derivativeId: string | null; shareMinor: bigint; amountMinor: bigint }[];
}

type PotRow = Omit<PotFacts, 'legs'>;
interface LegRow {
  potId: string;
  payee: string;
  basisPoints: number;
  derivativeId: string | null;
  amountMinor: bigint;
  shareMinor: bigint;
}

/** Pots by id, in the order of the ids. */
export async function potFacts(tx: Tx, potIds: readonly string[]): Promise<PotFacts[]> {
  const rows = await sql<PotRow>(
    tx,
    `SELECT p.id AS "potId", p.run_id AS "runId", p.clone_id AS "cloneId", p.tier_id AS "tierId", p.currency, p.first_day AS "firstDay", p.last_day AS "lastDay",
            p.split_id AS "splitId", s.number AS "splitNumber", s.digest AS "splitSha256", s.base, p.amount_minor AS "earnedMinor",
            p.gross_minor AS "grossMinor", p.tax_minor AS "taxMinor", p.fee_minor AS "feeMinor",
            (SELECT count(*) FROM royalty_run_entry e WHERE e.pot_id = p.id) AS entries
       FROM royalty_pot p JOIN split s ON s.id = p.split_id WHERE p.id = ANY ($1::text[]) ORDER BY p.id`,
    [potIds],
  );
  const legs = await sql<LegRow>(
    tx,
    `SELECT pot_id AS "potId", payee, basis_points AS "basisPoints", amount_minor AS "amountMinor",
            coalesce(share_minor, amount_minor) AS "shareMinor", derivative_id AS "derivativeId" FROM royalty_pot_leg l WHERE pot_id = ANY ($1::text[]) ORDER BY pot_id, leg`,
    [potIds],
  );
  const legsOf = new Map<string, PotFacts['legs']>();
  for (const { potId, ...leg } of legs) {
    const all = legsOf.get(potId) ?? [];
    legsOf.set(potId, all);
    all.push(leg);
  }
  return rows.map((row) => ({ ...row, legs: legsOf.get(row.potId) ?? [] }));
}

/** An entry of the ledger. */
export interface EntryKey {
  transferId: string;
  leg: number;
}

/** The entries of a pot by transfer, at most `limit` after one of them. */
export async function entriesOfPot(tx: Tx, potId: string, after: EntryKey | null, limit: number): Promise<EntryKey[]> {
  return await sql<EntryKey>(
    tx,
    `SELECT transfer_id AS "transferId", leg FROM royalty_run_entry WHERE pot_id = $1 AND (transfer_id, leg) > ($2, $3) ORDER BY transfer_id, leg LIMIT $4`,
    [potId, after?.transferId ?? '', after?.leg ?? 0, limit],
  );
}

/** A period's entries that stand in one of these pots. */
export async function entriesInPots(tx: Tx, periodId: string, potIds: readonly string[]): Promise<(EntryKey & { potId: string })[]> {
  return await sql(
    tx, 'SELECT transfer_id AS "transferId", leg, pot_id AS "potId" FROM royalty_run_entry WHERE period_id = $1 AND pot_id = ANY ($2::text[])', [periodId, potIds],
  );
}

/** What one refund or dispute claimed back of a pot, over what was claimed before, with what the pot's legs had received. */
export interface PotReturn {
  potId: string;
  /** Of the base: before, and by this one. */
  beforeMinor: bigint;
  baseMinor: bigint;
  /** What was posted for it. */
  amountMinor: bigint;
  shares: { payee: string; shareMinor: bigint }[];
}

/** By the order in which they were booked: under the lock of the clone, so the ledger's own order. */
export async function returnsOf(tx: Tx, causeId: string): Promise<PotReturn[]> {
  const rows = await sql<Omit<PotReturn, 'shares'>>(
    tx,
    `SELECT g.pot_id AS "potId", g.base_minor AS "baseMinor", g.amount_minor AS "amountMinor",
            coalesce((SELECT sum(o.base_minor) FROM goodwill_pot o WHERE o.pot_id = g.pot_id AND o.booked < g.booked), 0)::bigint AS "beforeMinor"
       FROM goodwill_pot g WHERE g.refund_id = $1 ORDER BY g.pot_id`,
    [causeId],
  );
  const pots = await potFacts(tx, rows.map((row) => row.potId));
  return rows.map((row) => ({
    ...row, shares: (pots.find((pot) => pot.potId === row.potId)?.legs ?? []).map(({ payee, shareMinor }) => ({ payee, shareMinor })),
  }));
}
