import type { components } from '../../contracts/generated/api.ts';
import type { DisputeRow } from './dispute-store.ts';
import type { ReconciliationRow } from './reconcile-store.ts';

export type DisputeView = components['schemas']['Dispute'];

export function disputeView(row: DisputeRow): DisputeView {
  return {
    disputeId: row.id, charge: row.stripeCharge, accountId: row.accountId, lotId: row.lotId, currency: row.currency, amountMinor: row.amountMinor.toString(),
    claimMinor: row.claimMinor.toString(), reason: row.reason, state: row.state, openedAt: row.openedAt.toISOString(), closedAt: row.closedAt?.toISOString() ?? null,
  };
}

export type ReconciliationView = components['schemas']['Reconciliation'];

export function reconciliationView({ id, since, startedAt, compared, mended, differences }: ReconciliationRow): ReconciliationView {
  return { reconciliationId: id, since: since.toISOString(), startedAt: startedAt.toISOString(), compared, mended, differences };
}
