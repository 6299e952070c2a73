import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';
import { makeHoldReplay } from './hold-replay.ts';
import type { ProblemCode, StoredAccount } from './replay.ts';
import type { SealedHold } from './verify-seals.ts';

const BATCH = 1_000;

interface Row extends Omit<SealedHold, 'legs' | 'transfer' | 'claims'> {
  accounts: string[] | null;
  currencies: Currency[] | null;
  amounts: string[] | null;
  transferId: string | null;
  captures: string | null;
  movedOn: string[] | null;
  moved: string[] | null;
  claimedOf: string[] | null;
  claimed: string[] | null;
}

/** Microseconds since 1970, as they stand in seals. */
export function micros(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000000)::bigint`;
}

const HOLDS = `
  SELECT h.seq, h.id, h.key, h.kind, h.expires_at AS "expiresAt", h.leg_count AS "legCount", h.content_hash AS "contentHash", h.metadata,
         legs.accounts, legs.currencies, legs.amounts, r.outcome, r.at AS "resolvedAt", t.id AS "transferId",
         (SELECT c.id FROM ledger_hold c WHERE c.seq = t.captures) AS captures, moved.accounts AS "movedOn", moved.sums AS moved,
         ${micros('h.recorded_at')} AS "recordedMicros", ${micros('r.at')} AS "resolvedMicros", ${micros('r.recorded_at')} AS "endRecordedMicros",
         EXISTS (SELECT 1 FROM ledger_hold_open o WHERE o.hold_seq = h.seq AND o.expires_at IS NOT DISTINCT FROM h.expires_at) AS open,
         claims.accounts AS "claimedOf", claims.amounts AS claimed
    FROM ledger_hold h
    LEFT JOIN ledger_hold_resolution r ON r.hold_seq = h.seq
    LEFT JOIN ledger_transfer t ON t.seq = r.transfer_seq
    LEFT JOIN LATERAL (SELECT array_agg(account_id::text ORDER BY leg) AS accounts, array_agg(currency ORDER BY leg) AS currencies,
                              array_agg(amount_minor::text ORDER BY leg) AS amounts
                         FROM ledger_hold_leg WHERE hold_seq = h.seq) legs ON true
    LEFT JOIN LATERAL (SELECT array_agg(m.account_id::text) AS accounts, array_agg(m.total::text) AS sums
                         FROM (SELECT account_id, sum(amount_minor) AS total FROM ledger_entry WHERE transfer_seq = t.seq GROUP BY account_id) m) moved ON true
    LEFT JOIN LATERAL (SELECT array_agg(account_id::text) AS accounts, array_agg(amount_minor::text) AS amounts
                         FROM ledger_hold_claim WHERE hold_seq = h.seq) claims ON true
    WHERE h.seq > $1 ORDER BY h.seq LIMIT $2`;

function paired(names: string[] | null, amounts: string[] | null): Map<string, bigint> {
  return new Map((names ?? []).map((name, index) => [name, BigInt(amounts?.[index] ?? 0)]));
}

function holdOf({ accounts, currencies, amounts, transferId, captures, movedOn, moved, claimedOf, claimed, ...row }: Row): SealedHold {
  return {
    ...row,
    legs: (accounts ?? []).map((accountId, index) => {
      const currency = currencies?.[index];
      if (currency === undefined) throw new Error('Legs of unequal width.');
      return { accountId, currency, amountMinor: BigInt(amounts?.[index] ?? 0) };
    }),
    transfer: transferId === null ? null : { id: transferId, captures, sums: paired(movedOn, moved) },
    claims: paired(claimedOf, claimed),
  };
}

/** What the replay by hold cannot see: rows that name a hold which is not there. */
async function checkLoose(tx: Tx, report: (code: ProblemCode, id: string, detail: string) => void): Promise<void> {
  const loose = await sql<{ seq: bigint; what: string }>(
    tx,
    `SELECT named.seq, named.what FROM (
         SELECT hold_seq AS seq, 'a leg' AS what FROM ledger_hold_leg UNION SELECT hold_seq, 'an end' FROM ledger_hold_resolution
         UNION SELECT hold_seq, 'an open place' FROM ledger_hold_open UNION SELECT hold_seq, 'a claim' FROM ledger_hold_claim) named
       WHERE NOT EXISTS (SELECT 1 FROM ledger_hold h WHERE h.seq = named.seq)`,
  );
  for (const { seq, what } of loose) report('hold_missing', String(seq), `There is ${what} of a hold that is not there.`);
  const unended = await sql<{ id: string }>(
    tx,
    `SELECT t.id FROM ledger_transfer t WHERE t.captures IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM ledger_hold_resolution r WHERE r.hold_seq = t.captures AND r.transfer_seq = t.seq)`,
  );
  for (const { id } of unended) report('hold_state', id, 'It captures a hold that says nothing of it.');
}

/** Replays every hold within the caller's snapshot; answers how many there are. */
export async function verifyHolds(
  tx: Tx, accounts: ReadonlyMap<string, StoredAccount>, balances: ReadonlyMap<string, bigint>,
  report: (code: ProblemCode, id: string, detail: string) => void, sealed: (hold: SealedHold) => void,
): Promise<{ holds: number; facts: number }> {
  const replay = makeHoldReplay(accounts, report);
  let found = 0;
  let facts = 0;
  for (let last = 0n, more = true; more;) {
    const rows = await sql<Row>(tx, HOLDS, [last.toString(), BATCH]);
    for (const row of rows) {
      const hold = holdOf(row);
      replay.apply(hold);
      sealed(hold);
      facts += hold.outcome === null ? 1 : 2;
      last = row.seq;
    }
    found += rows.length;
    more = rows.length === BATCH;
  }
  replay.finish(balances);
  await checkLoose(tx, report);
  return { holds: found, facts };
}
