import type { components } from '../../contracts/generated/api.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { netDebt } from './debts.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { dividePot, type EarnedEntry, PLATFORM, type PotDraft, potsOf } from './model.ts';
import { earnedEntry, potDivided } from './postings.ts';
import * as store from './run-store.ts';
import * as splits from './split-store.ts';

export type RunJson = components['schemas']['RoyaltyRun'];
type PotJson = RunJson['pots'][number];

/** What was earned, divided. */
export interface Runs {
  /**
   * Earns the days before `throughDay` and divides what was recorded as earned since the last run. A run that died goes on when
   * it is asked for again; each entry is divided once.
   */
  runRoyalties(actor: Actor, key: IdempotencyKey, input: { cloneId: string; throughDay: Day; dryRun?: boolean }): Promise<RunJson>;
  getRoyaltyRun(runId: string): Promise<RunJson>;
}

/** What a dry run found out; thrown, so that nothing of it is kept. */
class Preview extends Error {
  readonly run: RunJson;

  constructor(run: RunJson) {
    super('a dry run ends without writing');
    this.run = run;
  }
}

interface Divided extends PotDraft {
  potId: string;
  legs: store.PotLegRow[];
}

async function divided(tx: Tx, deps: RoyaltiesDeps, entries: readonly EarnedEntry[], cloneId: string): Promise<Divided[]> {
  const versions = await splits.versionsOf(tx, cloneId);
  const all: Divided[] = [];
  for (const pot of potsOf(entries, versions)) {
    const legs = await splits.legsOf(tx, pot.splitId);
    all.push({ ...pot, potId: deps.ids.next('pot'), legs: dividePot(pot.amountMinor, legs) });
  }
  return all;
}

async function potJson(
  tx: Tx, deps: RoyaltiesDeps, pot: Omit<store.PotRow, 'id' | 'runId' | 'cloneId' | 'transferId'> & { potId: string | null; entries: number; legs: readonly store.PotLegRow[] },
): Promise<PotJson> {
  const tier = await deps.billing.tier(tx, pot.tierId);
  if (tier === null) throw new Error(`There is no tier ${pot.tierId}.`);
  return {
    potId: pot.potId, tierId: pot.tierId, tierName: tier.name, currency: pot.currency, splitId: pot.splitId,
    splitNumber: await splits.numberOf(tx, pot.splitId), firstDay: pot.firstDay, lastDay: pot.lastDay, amountMinor: pot.amountMinor.toString(),
    entries: pot.entries, legs: pot.legs.map(({ payee, basisPoints, amountMinor }) => ({ payee, basisPoints, amountMinor: amountMinor.toString() })),
  };
}

/** Takes each debt out of what its payee received in these pots. */
async function netAll(tx: Tx, deps: RoyaltiesDeps, runId: string, pots: readonly Divided[], day: Day): Promise<store.NettedRow[]> {
  const receivers = new Map(pots.flatMap((pot) => pot.legs
    .filter((leg) => leg.payee !== PLATFORM && leg.amountMinor > 0n)
    .map((leg) => [`${leg.payee}:${pot.currency}`, { payee: leg.payee, currency: pot.currency }] as const)));
  const netted: store.NettedRow[] = [];
  // In one order everywhere, so that two runs never wait for each other in a circle.
  for (const [, { payee, currency }] of [...receivers].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const amountMinor = await netDebt(tx, deps, { payee, currency, cause: { runId }, day });
    if (amountMinor > 0n) netted.push({ payee, currency, amountMinor: amountMinor.toString() });
  }
  return netted;
}

async function writeRun(tx: Tx, deps: RoyaltiesDeps, actor: Actor, cloneId: string, throughDay: Day): Promise<RunJson> {
  await splits.lockClone(tx, cloneId);
  const last = await store.lastRun(tx, cloneId);
  const fromPosition = last?.toPosition ?? 0n;
  const toPosition = await deps.ledger.position(tx);
  const found = await deps.ledger.entries(tx, { accountPrefix: `earned:${cloneId}:`, fromPosition, toPosition });
  const pots = await divided(tx, deps, found.map(earnedEntry).filter((entry) => entry !== null), cloneId);
  const runId = deps.ids.next('run');
  const runAt = deps.clock.now();
  const transfers: (string | null)[] = [];
  for (const pot of pots) {
    const draft = pot.amountMinor === 0n ? null : potDivided({ potId: pot.potId, runId, cloneId }, pot, pot.legs);
    transfers.push(draft === null ? null : (await deps.ledger.post(tx, draft)).transferId);
  }
  const netted = await netAll(tx, deps, runId, pots, dayOf(runAt));
  await store.insertRun(tx, {
    id: runId, cloneId, number: (last?.number ?? 0) + 1, fromPosition, toPosition, throughDay, netted, runBy: actor.accountId, runAt,
  });
  for (const [index, pot] of pots.entries()) {
    await store.insertPot(tx, { ...pot, id: pot.potId, runId, cloneId, transferId: transfers[index] ?? null }, pot.legs);
    await store.insertEntries(tx, { runId, potId: pot.potId }, pot.entries);
  }
  return await readRun(tx, deps, runId);
}

async function readRun(tx: Tx, deps: RoyaltiesDeps, runId: string): Promise<RunJson> {
  const run = await store.findRun(tx, runId);
  if (run === null) throw notFound();
  const pots: PotJson[] = [];
  for (const pot of await store.potsOfRun(tx, runId)) {
    pots.push(await potJson(tx, deps, { ...pot, potId: pot.id, entries: Number(pot.entries), legs: await store.legsOfPot(tx, pot.id) }));
  }
  return {
    runId, cloneId: run.cloneId, number: run.number, throughDay: run.throughDay, fromPosition: run.fromPosition.toString(),
    toPosition: run.toPosition.toString(), dryRun: false, entries: pots.reduce((sum, pot) => sum + pot.entries, 0), pots, netted: run.netted,
    createdAt: run.runAt.toISOString(),
  };
}

const EVER: Day = '2000-01-01';

/** The same as a run would do, period by period: what it recognises here has no place in the recorded order, and never gets one. */
async function preview(tx: Tx, deps: RoyaltiesDeps, cloneId: string, throughDay: Day): Promise<RunJson> {
  await splits.lockClone(tx, cloneId);
  await deps.billing.recognise(tx, { cloneId, throughDay });
  const entries: EarnedEntry[] = [];
  const toDay = addDays(dayOf(deps.clock.now()), 1);
  for (const { periodId } of await deps.billing.periodsBetween(tx, { cloneId, fromDay: EVER, toDay })) {
    const covered = await store.coveredOf(tx, periodId);
    const own = (await deps.ledger.entriesFor(tx, { periodId })).map(earnedEntry).filter((entry) => entry !== null);
    entries.push(...own.filter((entry) => !covered.has(`${entry.transferId}.${entry.leg}`)));
  }
  const drafts = await divided(tx, deps, entries, cloneId);
  const last = await store.lastRun(tx, cloneId);
  const runAt = deps.clock.now();
  for (const pot of drafts) {
    if (pot.amountMinor !== 0n) await deps.ledger.post(tx, potDivided({ potId: pot.potId, runId: 'dry', cloneId }, pot, pot.legs));
  }
  const netted = await netAll(tx, deps, 'dry', drafts, dayOf(runAt));
  const pots: PotJson[] = [];
  for (const pot of drafts) pots.push(await potJson(tx, deps, { ...pot, potId: null, entries: pot.entries.length }));
  return {
    runId: null, cloneId, number: (last?.number ?? 0) + 1, throughDay, fromPosition: (last?.toPosition ?? 0n).toString(), toPosition: null,
    dryRun: true, entries: entries.length, pots, netted, createdAt: runAt.toISOString(),
  };
}

export function makeRuns(deps: RoyaltiesDeps): Runs {
  const { runTx, clock, ledger, billing } = deps;

  async function check(cloneId: string, throughDay: Day): Promise<void> {
    if (throughDay > dayOf(clock.now())) throw new Refusal('run_range', 'Only days that are over are divided: `throughDay` is today at the latest.');
    if ((await runTx((tx) => deps.clones.clone(tx, cloneId))) === null) throw notFound();
  }

  return {
    async runRoyalties(actor, key, { cloneId, throughDay, dryRun = false }) {
      await check(cloneId, throughDay);
      if (dryRun) {
        try {
          return await runTx(async (tx) => {
            throw new Preview(await preview(tx, deps, cloneId, throughDay));
          });
        } catch (error) {
          if (error instanceof Preview) return error.run;
          throw error;
        }
      }
      await runTx(async (tx) => {
        await splits.lockClone(tx, cloneId);
        await billing.recognise(tx, { cloneId, throughDay });
      });
      await ledger.sequence();
      return await runTx((tx) => once(tx, key, () => writeRun(tx, deps, actor, cloneId, throughDay)));
    },

    getRoyaltyRun: (runId) => runTx((tx) => readRun(tx, deps, runId)),
  };
}
