import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';
import type { ReturnedLeg } from './model.ts';

/** What was taken back out of pots, by refunds of delivered days and by lost disputes. */

/** A pot in which a period's earnings stand, latest first. */
export interface PotSource {
  potId: string;
  /** How much of it can still be returned for this period. */
  availableMinor: bigint;
  /** The whole pot, and what was returned of it so far. */
  amountMinor: bigint;
  refundedMinor: bigint;
}

export async function potsOfPeriod(tx: Tx, periodId: string): Promise<PotSource[]> {
  return await sql<PotSource>(
    tx,
    `SELECT pot.id AS "potId", pot.amount_minor AS "amountMinor", pot.refunded::bigint AS "refundedMinor",
            least(own.earned - own.returned, pot.amount_minor - pot.refunded)::bigint AS "availableMinor"
     FROM (SELECT e.pot_id, sum(e.amount_minor) AS earned,
                  coalesce((SELECT sum(g.amount_minor) FROM goodwill_pot g WHERE g.pot_id = e.pot_id AND g.period_id = $1), 0) AS returned
             FROM royalty_run_entry e WHERE e.period_id = $1 GROUP BY e.pot_id) own
     JOIN LATERAL (SELECT p.*, coalesce((SELECT sum(g.amount_minor) FROM goodwill_pot g WHERE g.pot_id = p.id), 0) AS refunded
                     FROM royalty_pot p WHERE p.id = own.pot_id) pot ON true
     JOIN royalty_run run ON run.id = pot.run_id
     ORDER BY pot.last_day DESC, run.number DESC, pot.id DESC`,
    [periodId],
  );
}

/** What a refund took from a pot, and what each of its legs returned for that. */
export async function insertPotRefund(
  tx: Tx, row: { refundId: string; potId: string; periodId: string; amountMinor: bigint; legs: readonly ReturnedLeg[] },
): Promise<void> {
  await sql(
    tx, 'INSERT INTO goodwill_pot (refund_id, pot_id, period_id, amount_minor) VALUES ($1, $2, $3, $4)',
    [row.refundId, row.potId, row.periodId, row.amountMinor],
  );
  await sql(
    tx,
    `INSERT INTO goodwill_leg (refund_id, pot_id, leg, payee, amount_minor, share_minor)
     SELECT $1, $2, l.leg, l.payee, l.amount, l.share FROM unnest($3::text[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS l (payee, amount, share, leg)`,
    [row.refundId, row.potId, row.legs.map((leg) => leg.payee), row.legs.map((leg) => leg.amountMinor.toString()),
      row.legs.map((leg) => leg.shareMinor.toString())],
  );
}
