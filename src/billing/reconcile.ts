import { CURRENCIES, isCurrency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { BillingDeps } from './deps.ts';
import type { Appliers } from './events.ts';
import type { ListedKind, Movement } from './reconcile-provider.ts';
import * as store from './reconcile-store.ts';
import { type ReconciliationView, reconciliationView } from './dispute-views.ts';

/** Compares what we keep with what the processor lists, and mends what no webhook told. */
export interface Reconcile {
  /** Asks for one now. */
  reconcile: (actor: Actor, key: IdempotencyKey) => Promise<{ reconciliationId: string }>;
  listReconciliations: (limit: number) => Promise<{ reconciliations: ReconciliationView[] }>;
  /** Job. Running it twice mends nothing twice. */
  runReconciliation: (reconciliationId: string) => Promise<void>;
  /** The tick: one an hour, however many processes tick. */
  reconcileSometimes: () => Promise<void>;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** How far back each kind is listed before the last comparison: until then it may change. Webhooks are given up after three days. */
const CHANGES_FOR_DAYS: Readonly<Record<ListedKind, number>> = { session: 4, subscription: 400, invoice: 35, charge: 35, refund: 35, dispute: 180 };
/** In the order in which they build on each other: a refund or a dispute finds its payment booked. */
const KINDS = ['session', 'subscription', 'invoice', 'charge', 'refund', 'dispute'] as const;
/** Movements that are one object's; the others are told by the sum alone. */
const KIND_OF_MOVEMENT: Readonly<Record<string, ListedKind>> = { charge: 'charge', payment: 'charge', refund: 'refund', payment_refund: 'refund', adjustment: 'dispute' };
const KEPT = 1_000;

/** Money that moved for something that we know nothing of. */
async function strange({ runTx }: Pick<BillingDeps, 'runTx'>, movements: readonly Movement[]): Promise<store.Difference[]> {
  const found: store.Difference[] = [];
  for (const kind of ['charge', 'refund', 'dispute'] as const) {
    const mine = movements.filter(({ type }) => KIND_OF_MOVEMENT[type] === kind);
    const status = { charge: 'succeeded', refund: null, dispute: null }[kind];
    const sources = mine.map(({ source }) => ({ id: source ?? '', status, amountMinor: 0n }));
    const unknown = new Set(await runTx((tx) => (kind === 'dispute' ? store.unknownDisputes(tx, sources.map(({ id }) => id)) : store.unknownOf(tx, kind, sources))));
    for (const one of mine) {
      if (unknown.has(one.source ?? '')) found.push({ kind: 'unknown_movement', object: one.id, source: one.source, currency: one.currency, theirsMinor: one.netMinor.toString() });
    }
  }
  return found;
}

/** Our cash at the processor, currency by currency. */
async function cash({ runTx, provider, ledger }: Pick<BillingDeps, 'runTx' | 'provider' | 'ledger'>): Promise<store.Difference[]> {
  const theirs = await provider.balances();
  const found: store.Difference[] = [];
  for (const currency of Object.keys(CURRENCIES)) {
    if (!isCurrency(currency) || currency === 'COIN') continue;
    const ours = await runTx((tx) => ledger.balance(tx, chart.cashInTransit(currency)));
    const said = theirs.get(currency) ?? 0n;
    if (ours !== said) found.push({ kind: 'cash', currency, oursMinor: ours.toString(), theirsMinor: said.toString() });
  }
  return found;
}

export function makeReconcile(deps: BillingDeps, appliers: Appliers): Reconcile {
  const { runTx, clock, ids, provider } = deps;

  async function mend(kind: ListedKind, since: Date, told: { mended: store.Mended[]; differences: store.Difference[] }): Promise<number> {
    const listed = await provider.listed(kind, new Date(since.getTime() - CHANGES_FOR_DAYS[kind] * DAY_MS));
    const unknown = await runTx((tx) => store.unknownOf(tx, kind, listed));
    for (const id of unknown) {
      try {
        await appliers[kind](id);
      } catch (error) {
        // Told and gone on with: one object that cannot be booked keeps no other from being mended.
        const passing = error instanceof Refusal && error.code === 'unavailable';
        told.differences.push({ kind: passing ? 'not_settled' : 'not_bookable', object: id, detail: error instanceof Error ? error.message : 'unknown' });
      }
    }
    const left = new Set(await runTx((tx) => store.unknownOf(tx, kind, listed.filter(({ id }) => unknown.includes(id)))));
    for (const id of unknown) if (!left.has(id)) told.mended.push({ kind, object: id });
    return listed.length;
  }

  async function handOn(reconciliationId: string, since: Date): Promise<number> {
    const elsewhere = await provider.listedElsewhere(since);
    await runTx(async (tx) => {
      for (const { type, objectId, connectedAccount } of elsewhere) {
        const topic = deps.settings.otherTopics?.[type];
        if (topic === undefined) continue;
        const payload = { eventId: reconciliationId, type, objectId, connectedAccount };
        await enqueue(tx, { topic, payload, runAt: clock.now(), dedupeKey: `${reconciliationId}:${type}:${objectId}` });
      }
    });
    return elsewhere.length;
  }

  return {
    reconcile: (_actor, key) => runTx((tx) => once(tx, key, async () => {
      const reconciliationId = ids.next('reconciliation');
      await enqueue(tx, { topic: 'billing.reconcile', payload: { reconciliationId }, runAt: clock.now(), dedupeKey: `billing.reconcile:${reconciliationId}` });
      return { reconciliationId };
    })),

    listReconciliations: (limit) => runTx(async (tx) => ({ reconciliations: (await store.listReconciliations(tx, limit)).map(reconciliationView) })),

    async runReconciliation(reconciliationId) {
      const startedAt = clock.now();
      const [before, last] = await runTx(async (tx) => [await store.findReconciliation(tx, reconciliationId), (await store.listReconciliations(tx, 1))[0]]);
      if (before !== null) return;
      const since = last?.startedAt ?? new Date(0);
      const told = { mended: [] as store.Mended[], differences: [] as store.Difference[] };
      let compared = 0;
      for (const kind of KINDS) compared += await mend(kind, since, told);
      compared += await handOn(reconciliationId, new Date(since.getTime() - 35 * DAY_MS));
      const differences = [...told.differences, ...await strange(deps, await provider.movements(new Date(since.getTime() - 4 * DAY_MS))), ...await cash(deps)];
      await runTx((tx) => store.insertReconciliation(tx, {
        id: reconciliationId, since, startedAt, compared, mended: told.mended.slice(0, KEPT), differences: differences.slice(0, KEPT),
      }));
    },

    reconcileSometimes: () => runTx(async (tx) => {
      const hour = Math.floor(clock.now().getTime() / HOUR_MS);
      const reconciliationId = ids.next('reconciliation');
      await enqueue(tx, { topic: 'billing.reconcile', payload: { reconciliationId }, runAt: clock.now(), dedupeKey: `billing.reconcile:${hour}` });
    }),
  };
}
