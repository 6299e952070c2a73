import type { components } from '../../contracts/generated/api.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { least, type Currency } from '../kernel/money.ts';
import { notFound } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import { lockPayee } from './balances.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM } from './model.ts';
import { KINDS, reserveHeld, reserveReleased } from './postings.ts';
import * as store from './reserve-store.ts';

export type ReserveJson = components['schemas']['Reserve'];

/** Parts of what payees have coming, held against refunds until their day. */
export interface Reserves {
  listReserves: (actor: Actor, payee?: string) => Promise<{ reserves: ReserveJson[] }>;
  /** Tick: what is due and was not needed is unpaid again. */
  releaseDue: () => Promise<void>;
}

export interface HoldOrder {
  payee: string;
  currency: Currency;
  amountMinor: bigint;
  cloneId: string;
  /** What brought it about; one lot for each cause and due day. */
  causeId: string;
  /** Null: until `releaseReserve` or `takeReserve` by this cause. */
  dueDay: Day | null;
  sourceId?: string;
  /** Of a dispute's: the run that divided what is held, where it was one. */
  runId?: string;
  day: Day;
  /** The transfer's kind; default that of a run's reserve. */
  kind?: string;
  metadata: JsonObject;
}

/** Holds up to an amount of a payee's unpaid balance; answers how much there was to hold. The platform holds nothing against itself. */
export async function holdReserve(tx: Tx, deps: RoyaltiesDeps, order: HoldOrder): Promise<bigint> {
  const { payee, currency, cloneId, causeId, dueDay, day } = order;
  if (payee === PLATFORM) return 0n;
  const { unpaidMinor } = await lockPayee(tx, deps, payee, currency);
  const amountMinor = least(order.amountMinor, unpaidMinor);
  if (amountMinor <= 0n) return 0n;
  const reserveId = deps.ids.next('reserve');
  const { transferId } = await deps.ledger.post(tx, reserveHeld({ ...order, kind: order.kind ?? KINDS.held, reserveId, amountMinor }));
  await store.insertReserve(tx, { id: reserveId, payee, currency, cloneId, causeId, amountMinor, heldOn: day, dueDay, sourceId: order.sourceId ?? null, runId: order.runId ?? null, transferId });
  return amountMinor;
}

/**
 * Takes up to an amount out of what is held of a payee for a clone; answers how much. With `heldBy` first what that cause held; then what
 * waits for a day, the first due first. The caller's transfer debits the reserve's account by it.
 */
export async function takeReserve(
  tx: Tx, order: { payee: string; currency: Currency; cloneId: string; amountMinor: bigint; causeId: string; heldBy?: string },
): Promise<bigint> {
  let restMinor = order.amountMinor;
  if (order.payee === PLATFORM || restMinor <= 0n) return 0n;
  for (const lot of await store.lockOpen(tx, { ...order, causeId: order.heldBy ?? null, dated: true })) {
    const amountMinor = least(restMinor, lot.leftMinor);
    if (amountMinor <= 0n) break;
    await store.insertUse(tx, { reserveId: lot.id, causeId: order.causeId, amountMinor });
    restMinor -= amountMinor;
  }
  return order.amountMinor - restMinor;
}

async function release(
  tx: Tx, deps: RoyaltiesDeps, seen: store.ReserveRow, order: { causeId: string; day: Day; kind: string; metadata: JsonObject; limitMinor?: bigint },
): Promise<bigint> {
  await lockPayee(tx, deps, seen.payee, seen.currency);
  const lot = await store.lockReserve(tx, seen.id);
  if (lot === null || lot.leftMinor <= 0n) return 0n;
  const { id: reserveId, payee, currency, cloneId, leftMinor, sourceId } = lot;
  const amountMinor = least(leftMinor, order.limitMinor ?? leftMinor);
  const metadata = sourceId === null ? order.metadata : { ...order.metadata, periodId: sourceId };
  await deps.ledger.post(tx, reserveReleased({ ...order, metadata, reserveId, payee, currency, cloneId, amountMinor }));
  await store.insertUse(tx, { reserveId, causeId: order.causeId, amountMinor });
  return amountMinor;
}

/** Gives back what is left of what a cause held of a payee; answers how much. */
export async function releaseReserve(
  tx: Tx, deps: RoyaltiesDeps,
  order: { payee: string; currency: Currency; cloneId: string; heldBy: string; causeId: string; day: Day; kind?: string; metadata: JsonObject },
): Promise<bigint> {
  let releasedMinor = 0n;
  await lockPayee(tx, deps, order.payee, order.currency);
  for (const lot of await store.lockOpen(tx, { ...order, causeId: order.heldBy, dated: false })) {
    releasedMinor += await release(tx, deps, lot, { ...order, kind: order.kind ?? KINDS.released });
  }
  return releasedMinor;
}

/** Gives up to an amount of what waits for a day back before it, the first due first: something else needs it held. Answers how much. */
export async function releaseDated(
  tx: Tx, deps: RoyaltiesDeps,
  order: { payee: string; currency: Currency; cloneId: string; amountMinor: bigint; causeId: string; day: Day; metadata: JsonObject },
): Promise<bigint> {
  let restMinor = order.amountMinor;
  await lockPayee(tx, deps, order.payee, order.currency);
  for (const lot of await store.lockOpen(tx, { ...order, causeId: null, dated: true })) {
    if (restMinor <= 0n) break;
    restMinor -= await release(tx, deps, lot, { ...order, kind: KINDS.released, limitMinor: restMinor });
  }
  return order.amountMinor - restMinor;
}

const LOTS_AT_ONCE = 100;

function viewOf(row: store.ReserveRow): ReserveJson {
  return {
    reserveId: row.id, payee: row.payee, currency: row.currency, cloneId: row.cloneId, causeId: row.causeId, amountMinor: row.amountMinor.toString(),
    leftMinor: row.leftMinor.toString(), heldOn: row.heldOn, dueDay: row.dueDay,
  };
}

export function makeReserves(deps: RoyaltiesDeps): Reserves {
  const { runTx, clock } = deps;
  return {
    listReserves: (actor, payee = actor.accountId) => runTx(async (tx) => {
      if (payee !== actor.accountId && !actor.roles.includes('operator')) throw notFound();
      return { reserves: (await store.reservesOf(tx, payee)).map(viewOf) };
    }),

    async releaseDue() {
      const day = dayOf(clock.now());
      for (;;) {
        const lots = await runTx((tx) => store.dueBy(tx, day, LOTS_AT_ONCE));
        // Each for itself: a payee's balance is locked for one posting, not for all of them.
        for (const lot of lots) {
          await runTx((tx) => release(tx, deps, lot, { causeId: 'due', day, kind: KINDS.released, metadata: {} }));
        }
        if (lots.length < LOTS_AT_ONCE) return;
      }
    },
  };
}

/** What is held of a payee in all, natural. */
export async function heldMinor(tx: Tx, deps: RoyaltiesDeps, payee: string, currency: Currency): Promise<bigint> {
  return payee === PLATFORM ? 0n : -(await deps.ledger.balance(tx, chart.payeeReserve(payee, currency)));
}
