import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';
import { legsOfPot } from './run-store.ts';
import type { Base } from './model.ts';
import type { ClaimedPot, Parts, PotClaim, ReturnedLeg } from './returns-model.ts';

/** What was taken back out of pots, by refunds of delivered days and by lost disputes. */

/** A pot in which a period's earnings stand. */
export interface PotSource extends ClaimedPot {
  potId: string;
  runId: string;
}

interface SourceRow {
  potId: string;
  runId: string;
  base: Base;
  netMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  claimedNetMinor: bigint;
  claimedTaxMinor: bigint;
  claimedFeeMinor: bigint;
  ownClaimedMinor: bigint;
  claimedMinor: bigint;
}

/** The pots of a period, the one of the latest days first. */
export async function potsOfPeriod(tx: Tx, periodId: string): Promise<PotSource[]> {
  const rows = await sql<SourceRow>(
    tx,
    `SELECT pot.id AS "potId", pot.run_id AS "runId", split.base, own.net::bigint AS "netMinor", own.tax::bigint AS "taxMinor", own.fee::bigint AS "feeMinor",
            claimed.net::bigint AS "claimedNetMinor", claimed.tax::bigint AS "claimedTaxMinor", claimed.fee::bigint AS "claimedFeeMinor",
            claimed.base::bigint AS "ownClaimedMinor",
            (SELECT coalesce(sum(g.base_minor), 0) FROM goodwill_pot g WHERE g.pot_id = pot.id)::bigint AS "claimedMinor"
     FROM (SELECT e.pot_id, sum(e.amount_minor + e.fee_minor) AS net, sum(e.tax_minor) AS tax, sum(e.fee_minor) AS fee
             FROM royalty_run_entry e WHERE e.period_id = $1 GROUP BY e.pot_id) own
     JOIN royalty_pot pot ON pot.id = own.pot_id
     JOIN split ON split.id = pot.split_id
     JOIN royalty_run run ON run.id = pot.run_id
     CROSS JOIN LATERAL (SELECT coalesce(sum(g.net_minor), 0) AS net, coalesce(sum(g.tax_minor), 0) AS tax, coalesce(sum(g.fee_minor), 0) AS fee,
                                coalesce(sum(g.base_minor), 0) AS base FROM goodwill_pot g WHERE g.pot_id = pot.id AND g.period_id = $1) claimed
     ORDER BY pot.last_day DESC, run.number DESC, pot.id DESC`,
    [periodId],
  );
  const pots: PotSource[] = [];
  for (const { potId, runId, base, netMinor, taxMinor, feeMinor, claimedNetMinor, claimedTaxMinor, claimedFeeMinor, ownClaimedMinor, claimedMinor } of rows) {
    pots.push({
      potId, runId, base, own: { netMinor, taxMinor, feeMinor }, ownClaimedMinor, claimedMinor, legs: await legsOfPot(tx, potId),
      ownClaimed: { netMinor: claimedNetMinor, taxMinor: claimedTaxMinor, feeMinor: claimedFeeMinor },
    });
  }
  return pots;
}

/** What a refund took from a pot, and what each of its legs returned for that. */
export async function insertPotRefund(
  tx: Tx, row: { refundId: string; potId: string; periodId: string; taken: Parts; claim: PotClaim; legs: readonly ReturnedLeg[] },
): Promise<void> {
  const { taken, claim } = row;
  await sql(
    tx,
    `INSERT INTO goodwill_pot (refund_id, pot_id, period_id, amount_minor, base_minor, net_minor, tax_minor, fee_minor)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [row.refundId, row.potId, row.periodId, claim.amountMinor, claim.baseMinor, taken.netMinor, taken.taxMinor, taken.feeMinor],
  );
  await sql(
    tx,
    `INSERT INTO goodwill_leg (refund_id, pot_id, leg, payee, amount_minor, share_minor)
     SELECT $1, $2, l.leg, l.payee, l.amount, l.share FROM unnest($3::text[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS l (payee, amount, share, leg)`,
    [row.refundId, row.potId, row.legs.map((leg) => leg.payee), row.legs.map((leg) => leg.amountMinor.toString()),
      row.legs.map((leg) => leg.shareMinor.toString())],
  );
}

/** Earnings that this transfer gave back before any run divided them: the next run has to see it. */
export async function insertUndividedReturn(tx: Tx, transferId: string, cloneId: string): Promise<void> {
  await sql(tx, 'INSERT INTO undivided_return (transfer_id, clone_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [transferId, cloneId]);
}

/** Such transfers of a clone that stand in no run yet. */
export async function undividedReturns(tx: Tx, cloneId: string): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    tx,
    `SELECT transfer_id AS id FROM undivided_return u WHERE clone_id = $1
       AND NOT EXISTS (SELECT FROM royalty_run_entry e WHERE e.transfer_id = u.transfer_id) ORDER BY 1`,
    [cloneId],
  );
  return rows.map((row) => row.id);
}
