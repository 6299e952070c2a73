import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { PLATFORM_GATE } from '../consent/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { Coordination } from './coordinator.ts';
import type { StopDeps } from './deps.ts';
import { untilKnown } from './outcome.ts';
import * as store from './platform-store.ts';
import { type Scope, shut } from './scope.ts';

/** How long the second operator has. */
const ORDER_VALID_MS = 3_600_000;
const HOUSE: Scope = { kind: 'platform', cloneId: null, target: null };

export interface PlatformOrderView {
  orderId: string;
  action: 'pause' | 'resume';
  reason: string;
  orderedAt: string;
  expiresAt: string;
  confirmedAt: string | null;
  stopId: string | null;
}

function viewOf(row: store.PlatformOrderRow): PlatformOrderView {
  return {
    orderId: row.orderId, action: row.action, reason: row.reason, orderedAt: row.orderedAt.toISOString(), expiresAt: row.expiresAt.toISOString(),
    confirmedAt: row.confirmedAt?.toISOString() ?? null, stopId: row.stopId,
  };
}

/** The whole house, paused and opened again by two operators; and the database, believed again by two. */
export function makePlatformStops(deps: StopDeps, coordination: Coordination) {
  const { runTx, clock, ids, gates, transparency } = deps;

  async function carryOut(tx: Tx, row: store.PlatformOrderRow, by: string, stopId: string): Promise<string | null> {
    const hold = { holder: 'platform', reason: `platform.${row.action}: ${row.reason}`.slice(0, 500), by };
    const at = clock.now();
    const done = row.action === 'pause'
      ? await shut(deps, tx, { stopId, kind: 'pause', scope: HOUSE, gateId: PLATFORM_GATE, orderedAt: at, ...hold })
      : { gate: await gates.lift(tx, PLATFORM_GATE, { ...hold, at }), at, releases: null };
    // What was paid for runs on by the days on which nothing can be delivered.
    await deps.billing[row.action === 'pause' ? 'onPlatformPaused' : 'onPlatformResumed'](tx, done.at);
    await transparency.append(tx, {
      type: row.action === 'pause' ? 'gate.paused' : 'gate.resumed', subjectId: PLATFORM_GATE, at: done.at,
      document: {
        type: 'benren.gate_change', schemaVersion: 1, gateId: PLATFORM_GATE, cloneId: null, scope: 'platform', target: null, holder: 'platform',
        state: done.gate.state, epoch: done.gate.epoch.toString(), at: done.at.toISOString(),
      },
    });
    return done.releases === null ? null : stopId;
  }

  async function confirm(tx: Tx, actor: Actor, orderId: string, stopId: string): Promise<PlatformOrderView> {
    const row = await store.lockOrder(tx, orderId);
    if (row === null) throw notFound();
    if (row.confirmedAt !== null) return viewOf(row);
    if (row.orderedBy === actor.accountId) throw new Refusal('two_people_needed', 'Another operator must confirm what you ordered.');
    if (clock.now().getTime() >= row.expiresAt.getTime()) throw new Refusal('stop_state', 'This order is too old; order it anew.');
    const made = await carryOut(tx, row, actor.accountId, stopId);
    const at = clock.now();
    await store.insertConfirmation(tx, { orderId, stopId: made, by: actor.accountId, at });
    return viewOf({ ...row, confirmedAt: at, stopId: made });
  }

  return {
    /** One operator says what and why; nothing happens before another one confirms it. */
    orderPlatform: (actor: Actor, key: IdempotencyKey, asked: { action: 'pause' | 'resume'; reason: string }): Promise<PlatformOrderView> =>
      runTx((tx) => once(tx, key, async () => {
        const orderedAt = clock.now();
        const row = { orderId: ids.next('platformOrder'), ...asked, orderedBy: actor.accountId, orderedAt, expiresAt: new Date(orderedAt.getTime() + ORDER_VALID_MS) };
        await store.insertOrder(tx, row);
        return viewOf({ ...row, confirmedAt: null, stopId: null });
      })),

    /** Refuses `two_people_needed` to whoever ordered it, `stop_state` after an hour. */
    async confirmPlatform(actor: Actor, key: IdempotencyKey, orderId: string): Promise<PlatformOrderView> {
      const arrived = clock.monotonic();
      const stopId = ids.next('stop');
      const view = await untilKnown(() => runTx((tx) => once(tx, key, () => confirm(tx, actor, orderId, stopId))));
      if (view.stopId !== null) await coordination.follow(view.stopId, view.stopId === stopId ? arrived : null, 0);
      return view;
    },

    /** The registry, for operators: who may hand out media, and what no gateway believes. */
    listGateways: () => runTx(async (tx) => {
      const [platform] = await gates.read(tx, [{ gateId: PLATFORM_GATE }]);
      if (platform === undefined) throw new Error('The platform has no gate.');
      return {
        platform: { state: platform.state, epoch: platform.epoch.toString(), holds: (await gates.holds(tx, PLATFORM_GATE)).map(({ holder }) => holder) },
        gateways: await store.gateways(tx), distrusts: await store.distrusts(tx),
      };
    }),

    /**
     * One operator has compared the log with a checkpoint from outside; the second one lets the gateways go on.
     * Refuses `log_mismatch` when the log does not hold that checkpoint: this database then really lost something.
     */
    confirmDatabase: (actor: Actor, key: IdempotencyKey, distrustId: string, seen: { logSize: string; logRootHash: string }) =>
      runTx((tx) => once(tx, key, async () => {
        if (!(await store.isDistrust(tx, distrustId))) throw notFound();
        if ((await transparency.rootAt(tx, BigInt(seen.logSize))) !== seen.logRootHash) {
          throw new Refusal('log_mismatch', 'The log does not hold this checkpoint: what it lacks must be put right first.');
        }
        await store.insertDatabaseConfirmation(tx, { distrustId, accountId: actor.accountId, ...seen, at: clock.now() });
        return { distrustId, confirmations: await store.countConfirmations(tx, distrustId) };
      })),
  };
}
