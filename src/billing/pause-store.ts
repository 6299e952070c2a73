import { BUSINESS_ZONE } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import { joined, type Pause, type PausesOf } from './model.ts';

/** Pauses of the house, of clones and of capabilities; and the days that a late payment lost. */

/** What of a clone was paused. */
export interface Pauses {
  /** The clone's own and the house's, as one: a day that both cover is one day. */
  whole: readonly Pause[];
  /** What a period's days earn nothing of: these, those of what its offer names, and those between the end of its grace and its payment. */
  of: PausesOf;
}

interface PauseRow {
  tierId: string | null;
  version: number | null;
  invoice: string | null;
  from: Date;
  to: Date | null;
}

/** `subscriptionIds`: those whose periods will be asked for. */
export async function pausesOf(tx: Tx, cloneId: string, subscriptionIds: readonly string[]): Promise<Pauses> {
  const rows = await sql<PauseRow>(
    tx,
    `SELECT NULL AS "tierId", NULL::int AS version, NULL AS invoice, from_at AS "from", to_at AS "to" FROM clone_pause WHERE clone_id = $1
     UNION ALL SELECT NULL, NULL, NULL, from_at, to_at FROM platform_pause
     UNION ALL SELECT o.tier_id, o.version, NULL, p.from_at, p.to_at FROM capability_pause AS p
       JOIN tier_offer AS o ON o.clone_id = p.clone_id AND p.capability = ANY (o.capabilities) WHERE p.clone_id = $1
     UNION ALL SELECT NULL, NULL, stripe_invoice, grace_until::timestamp AT TIME ZONE $3, resolved_at FROM payment_problem
       WHERE subscription_id = ANY ($2) AND resolved_at > grace_until::timestamp AT TIME ZONE $3
     ORDER BY "from"`,
    [cloneId, subscriptionIds, BUSINESS_ZONE],
  );
  const whole = rows.filter(({ tierId, invoice }) => tierId === null && invoice === null);
  const others = rows.filter((row) => !whole.includes(row));
  return {
    whole: joined(whole),
    of: ({ tierId, offerVersion, stripeInvoice }) => joined([
      ...whole, ...others.filter((row) => row.invoice === stripeInvoice || (row.tierId === tierId && row.version === offerVersion)),
    ]),
  };
}

export async function openPause(tx: Tx, cloneId: string, at: Date): Promise<boolean> {
  return await execute(
    tx, 'INSERT INTO clone_pause (clone_id, from_at) VALUES ($1, $2) ON CONFLICT (clone_id) WHERE to_at IS NULL DO NOTHING', [cloneId, at],
  ) === 1;
}

export async function closePause(tx: Tx, cloneId: string, at: Date): Promise<boolean> {
  return await execute(tx, 'UPDATE clone_pause SET to_at = greatest($2, from_at) WHERE clone_id = $1 AND to_at IS NULL', [cloneId, at]) === 1;
}

export async function openCapabilityPause(tx: Tx, cloneId: string, capability: string, at: Date): Promise<boolean> {
  return await execute(
    tx, `INSERT INTO capability_pause (clone_id, capability, from_at) VALUES ($1, $2, $3)
         ON CONFLICT (clone_id, capability) WHERE to_at IS NULL DO NOTHING`, [cloneId, capability, at],
  ) === 1;
}

export async function closeCapabilityPause(tx: Tx, cloneId: string, capability: string, at: Date): Promise<boolean> {
  return await execute(
    tx, 'UPDATE capability_pause SET to_at = greatest($3, from_at) WHERE clone_id = $1 AND capability = $2 AND to_at IS NULL', [cloneId, capability, at],
  ) === 1;
}

export async function openPlatformPause(tx: Tx, at: Date): Promise<boolean> {
  return await execute(tx, 'INSERT INTO platform_pause (from_at) VALUES ($1) ON CONFLICT DO NOTHING', [at]) === 1;
}

export async function closePlatformPause(tx: Tx, at: Date): Promise<boolean> {
  return await execute(tx, 'UPDATE platform_pause SET to_at = greatest($1, from_at) WHERE to_at IS NULL', [at]) === 1;
}

/** Whether the house, the clone or one of these capabilities is paused now. */
export async function isPaused(tx: Tx, cloneId: string, capabilities: readonly string[]): Promise<boolean> {
  return (await maybeOne(
    tx,
    `SELECT 1 FROM clone_pause WHERE clone_id = $1 AND to_at IS NULL UNION ALL SELECT 1 FROM platform_pause WHERE to_at IS NULL
     UNION ALL SELECT 1 FROM capability_pause WHERE clone_id = $1 AND capability = ANY ($2) AND to_at IS NULL LIMIT 1`, [cloneId, capabilities],
  )) !== null;
}

/** Which capabilities have been paused since before an instant, without an end. */
export async function pausedSince(tx: Tx, cloneId: string, before: Date): Promise<string[]> {
  const rows = await sql<{ capability: string }>(
    tx, 'SELECT capability FROM capability_pause WHERE clone_id = $1 AND to_at IS NULL AND from_at <= $2 ORDER BY 1', [cloneId, before],
  );
  return rows.map(({ capability }) => capability);
}
