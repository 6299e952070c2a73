import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';
import type { Listed, ListedKind } from './reconcile-provider.ts';

/** What no webhook had told, and is booked now. */
export interface Mended {
  kind: string;
  object: string;
  [member: string]: string;
}

/** What a person must look at. */
export interface Difference {
  kind: string;
  [member: string]: string | null;
}

export interface ReconciliationRow {
  id: string;
  since: Date;
  startedAt: Date;
  compared: number;
  mended: Mended[];
  differences: Difference[];
}

const RECONCILIATION = `id, since, started_at AS "startedAt", compared, mended, differences`;

export async function insertReconciliation(tx: Tx, row: ReconciliationRow): Promise<void> {
  await sql(
    tx, 'INSERT INTO reconciliation (id, since, started_at, compared, mended, differences) VALUES ($1, $2, $3, $4, $5, $6)',
    [row.id, row.since, row.startedAt, row.compared, JSON.stringify(row.mended), JSON.stringify(row.differences)],
  );
}

export async function listReconciliations(tx: Tx, limit: number): Promise<ReconciliationRow[]> {
  return await sql<ReconciliationRow>(tx, `SELECT ${RECONCILIATION} FROM reconciliation ORDER BY started_at DESC, recorded_at DESC, id DESC LIMIT $1`, [limit]);
}

export async function findReconciliation(tx: Tx, id: string): Promise<ReconciliationRow | null> {
  return await maybeOne<ReconciliationRow>(tx, `SELECT ${RECONCILIATION} FROM reconciliation WHERE id = $1`, [id]);
}

/** Whether what we keep already says what the processor lists; per kind one statement over a page of them. */
const KNOWN: Readonly<Record<ListedKind, string>> = {
  session: `(l.status = 'open' OR EXISTS (SELECT FROM subscription s WHERE s.stripe_session = l.id AND s.state NOT IN ('opening', 'checkout'))
    OR EXISTS (SELECT FROM coin_purchase p WHERE p.stripe_session = l.id AND p.state IN ('paid', 'expired')))`,
  subscription: `(l.status = 'incomplete' OR EXISTS (SELECT FROM subscription s WHERE s.stripe_subscription = l.id AND s.state =
    CASE WHEN l.status IN ('active', 'trialing') THEN 'active' WHEN l.status IN ('past_due', 'unpaid', 'paused') THEN 'past_due' ELSE 'canceled' END))`,
  invoice: `(l.status IS DISTINCT FROM 'paid' OR l.amount = 0 OR EXISTS (SELECT FROM subscription_period p WHERE p.stripe_invoice = l.id))`,
  charge: `(l.status <> 'succeeded' OR EXISTS (SELECT FROM subscription_period p WHERE p.stripe_charge = l.id) OR EXISTS (SELECT FROM coin_lot c WHERE c.stripe_charge = l.id))`,
  // One that came back is known when its money is owed; a movement of money (without a state) when its refund was booked at all.
  refund: `(coalesce(l.status, '') IN ('pending', 'requires_action') OR EXISTS (SELECT FROM owed_refund o WHERE o.returned_refund = l.id AND l.status IS DISTINCT FROM 'succeeded')
    OR EXISTS (SELECT FROM (SELECT stripe_refund, state FROM refund UNION ALL SELECT stripe_refund, state FROM coin_return UNION ALL SELECT stripe_refund, state FROM owed_refund) AS r
      WHERE r.stripe_refund = l.id AND CASE WHEN l.status IS NULL THEN r.state <> 'pending' ELSE r.state = CASE l.status WHEN 'succeeded' THEN 'succeeded' ELSE 'failed' END END))`,
  dispute: `(l.status LIKE 'warning%' OR l.status = 'prevented' OR EXISTS (SELECT FROM dispute d WHERE d.id = l.id AND d.state =
    CASE WHEN l.status IN ('won', 'lost') THEN l.status ELSE 'open' END))`,
};

/** Those of which we do not know what the processor says of them. */
export async function unknownOf(tx: Tx, kind: ListedKind, listed: readonly Listed[]): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    tx, `SELECT l.id FROM unnest($1::text[], $2::text[], $3::bigint[]) AS l (id, status, amount) WHERE NOT ${KNOWN[kind]}`,
    [listed.map(({ id }) => id), listed.map(({ status }) => status), listed.map(({ amountMinor }) => amountMinor.toString())],
  );
  return rows.map(({ id }) => id);
}

/** Those that are no dispute of ours. */
export async function unknownDisputes(tx: Tx, ids: readonly string[]): Promise<string[]> {
  return (await sql<{ id: string }>(tx, 'SELECT l.id FROM unnest($1::text[]) AS l (id) WHERE NOT EXISTS (SELECT FROM dispute d WHERE d.id = l.id)', [ids])).map(({ id }) => id);
}
