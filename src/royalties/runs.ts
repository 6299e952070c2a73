import type { components } from '../../contracts/generated/api.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { type Currency, least, mulDivFloor } from '../kernel/money.ts';
import { recoup } from './advances.ts';
import { lockPayee } from './balances.ts';
import { divideDerived } from './derivative-model.ts';
import { upstreamOf } from './derivatives.ts';
import { netDebt } from './debts.ts';
import { holdAtRun } from './disputes.ts';
import type { EntryView } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { addToPot, type Base, baseMinorOf, dividePot, type EarnedEntry, PLATFORM, potsOf, type PotTotals, WHOLE_BASIS_POINTS } from './model.ts';
import { positionParts } from './position-parts.ts';
import { earnedEntry, potDivided } from './postings.ts';
import { heldForDisputes } from './reserve-store.ts';
import { holdReserve } from './reserves.ts';
import { undividedReturns } from './return-store.ts';
import * as store from './run-store.ts';
import type { SplitDays } from './split-days-model.ts';
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

interface Gathered extends PotTotals {
  potId: string;
}

interface Divided extends Gathered {
  terms: splits.PotTerms;
  legs: store.PotLegRow[];
}

/** Originals above a derivative first, as they are on the pot's last day; then the legs of its own split. */
async function legsFor(tx: Tx, cloneId: string, pot: PotTotals, base: Base): Promise<store.PotLegRow[]> {
  const own = await splits.legsOf(tx, pot.splitId);
  const upstream = await upstreamOf(tx, cloneId, pot.lastDay);
  if (upstream === null) return dividePot(pot, own, base).map((leg) => ({ ...leg, derivativeId: null }));
  const divided = divideDerived(pot, upstream, own, base);
  return [...divided.upstream, ...divided.legs.map((leg) => ({ ...leg, derivativeId: null }))];
}

async function divided(tx: Tx, pots: readonly Gathered[], cloneId: string): Promise<Divided[]> {
  const all: Divided[] = [];
  for (const pot of pots) {
    const terms = await splits.termsOf(tx, pot.splitId);
    all.push({ ...pot, terms, legs: await legsFor(tx, cloneId, pot, terms.base) });
  }
  return all;
}

/** What entries that were booked without a split may take: read only where there are some. */
async function splitDays(tx: Tx, cloneId: string, entries: readonly EarnedEntry[]): Promise<SplitDays> {
  if (entries.length === 0) return { versions: [], booked: [] };
  const [first = '', last = ''] = [entries.map((entry) => entry.firstDay).sort()[0], entries.map((entry) => entry.lastDay).sort().at(-1)];
  return { versions: await splits.versionsOf(tx, cloneId), booked: await splits.bookedDays(tx, cloneId, first, addDays(last, 1)) };
}

/** Sorts entries into pots, part after part; `kept` is told of each part, and of the pot that it went into. */
class Gathering {
  readonly #pots = new Map<string, Gathered>();
  readonly #deps: Pick<RoyaltiesDeps, 'ids'>;
  readonly #cloneId: string;

  constructor(deps: Pick<RoyaltiesDeps, 'ids'>, cloneId: string) {
    this.#deps = deps;
    this.#cloneId = cloneId;
  }

  async add(tx: Tx, found: readonly EntryView[], kept: (potId: string, entries: readonly EarnedEntry[]) => Promise<void>): Promise<void> {
    const entries = found.map(earnedEntry).filter((entry) => entry !== null);
    for (const part of potsOf(entries, await splitDays(tx, this.#cloneId, entries.filter((entry) => entry.splitId === null)))) {
      const key = `${part.tierId}\n${part.currency}\n${part.splitId}`;
      const before = this.#pots.get(key) ?? null;
      const pot = { ...addToPot(before, part), potId: before?.potId ?? this.#deps.ids.next('pot') };
      this.#pots.set(key, pot);
      await kept(pot.potId, part.entries);
    }
  }

  /** In one order everywhere. */
  pots(): Gathered[] {
    return [...this.#pots].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pot]) => pot);
  }
}

/** Goes through what was earned in (fromPosition, toPosition], part after part. */
async function gather(
  tx: Tx, deps: RoyaltiesDeps, gathering: Gathering, range: { cloneId: string; fromPosition: bigint; toPosition: bigint },
  kept: (potId: string, entries: readonly EarnedEntry[]) => Promise<void>,
): Promise<void> {
  const { cloneId, fromPosition, toPosition } = range;
  for (const part of positionParts(deps, fromPosition, toPosition)) {
    await gathering.add(tx, await deps.ledger.entries(tx, { accountPrefix: `earned:${cloneId}:`, ...part }), kept);
  }
}

async function potJson(
  tx: Tx, deps: RoyaltiesDeps, pot: Omit<store.PotRow, 'id' | 'runId' | 'cloneId' | 'transferId'> & { potId: string | null; entries: number; legs: readonly store.PotLegRow[] },
): Promise<PotJson> {
  const tier = await deps.billing.tier(tx, pot.tierId);
  if (tier === null) throw new Error(`There is no tier ${pot.tierId}.`);
  const { base } = await splits.termsOf(tx, pot.splitId);
  return {
    potId: pot.potId, tierId: pot.tierId, tierName: tier.name, currency: pot.currency, splitId: pot.splitId,
    splitNumber: await splits.numberOf(tx, pot.splitId), base, firstDay: pot.firstDay, lastDay: pot.lastDay,
    grossMinor: (pot.amountMinor + pot.feeMinor + pot.taxMinor).toString(), taxMinor: pot.taxMinor.toString(), feeMinor: pot.feeMinor.toString(),
    amountMinor: pot.amountMinor.toString(), baseMinor: baseMinorOf(pot, base).toString(), entries: pot.entries,
    legs: pot.legs.map(({ payee, basisPoints, derivativeId, shareMinor, amountMinor }) => ({
      payee, basisPoints, derivativeId, shareMinor: shareMinor.toString(), amountMinor: amountMinor.toString(),
    })),
  };
}

/** Posts what a pot gives; answers the transfer of the split's legs, or of the originals' where those have all of it. */
async function postPot(tx: Tx, deps: RoyaltiesDeps, ids: { potId: string; runId: string; cloneId: string }, pot: Divided): Promise<string | null> {
  let transferId: string | null = null;
  for (const draft of potDivided(ids, pot, pot.legs)) transferId = (await deps.ledger.post(tx, draft)).transferId;
  return transferId;
}

interface Receiver {
  payee: string;
  currency: Currency;
  /** What the pots of this run gave them. */
  receivedMinor: bigint;
  /** The whole of the pots that gave it. */
  potsMinor: bigint;
  /** What their splits hold of it, by the number of days. */
  toHold: Map<number, bigint>;
}

/** Who but the platform received something of these pots, in one order everywhere, so that two runs never wait for each other in a circle. */
function receiversOf(pots: readonly Divided[]): Receiver[] {
  const receivers = new Map<string, Receiver>();
  for (const { currency, amountMinor: potMinor, legs, terms: { reserve } } of pots) {
    const counted = new Set<Receiver>();
    for (const { payee, amountMinor, derivativeId } of legs) {
      if (payee === PLATFORM || amountMinor <= 0n) continue;
      const key = `${payee}:${currency}`;
      const receiver = receivers.get(key) ?? { payee, currency, receivedMinor: 0n, potsMinor: 0n, toHold: new Map<number, bigint>() };
      receivers.set(key, receiver);
      receiver.receivedMinor += amountMinor;
      // Once, also of a payee with a leg as an original's owner and another in the split.
      if (!counted.has(receiver)) receiver.potsMinor += potMinor > 0n ? potMinor : 0n;
      counted.add(receiver);
      // An original's owner signed the term, which holds nothing, and not this split.
      if (reserve.days === 0 || derivativeId !== null) continue;
      const heldMinor = mulDivFloor(amountMinor, BigInt(reserve.basisPoints), BigInt(WHOLE_BASIS_POINTS));
      receiver.toHold.set(reserve.days, (receiver.toHold.get(reserve.days) ?? 0n) + heldMinor);
    }
  }
  return [...receivers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, receiver]) => receiver);
}

interface Settled {
  recouped: store.RecoupedRow[];
  netted: store.NettedRow[];
  held: store.HeldRow[];
}

/**
 * What a run takes out of what each payee received: what recoups their advances, what they owe, then what their splits hold of the
 * rest.
 */
async function settle(tx: Tx, deps: RoyaltiesDeps, run: { runId: string; cloneId: string }, pots: readonly Divided[], day: Day): Promise<Settled> {
  const settled: Settled = { recouped: [], netted: [], held: [] };
  for (const { payee, currency, receivedMinor, potsMinor, toHold } of receiversOf(pots)) {
    await lockPayee(tx, deps, payee, currency);
    const recouped = await recoup(tx, deps, { ...run, payee, currency, day, receivedMinor, potsMinor });
    settled.recouped.push(...recouped.map((one) => ({ ...one, amountMinor: one.amountMinor.toString() })));
    const recoupedMinor = recouped.reduce((sum, one) => sum + one.amountMinor, 0n);
    const nettedMinor = await netDebt(tx, deps, { payee, currency, cause: { runId: run.runId }, day });
    if (nettedMinor > 0n) settled.netted.push({ payee, currency, amountMinor: nettedMinor.toString() });
    let leftMinor = receivedMinor - recoupedMinor - nettedMinor;
    for (const [days, wantedMinor] of [...toHold].sort(([a], [b]) => a - b)) {
      const dueDay = addDays(day, days);
      const heldMinor = await holdReserve(tx, deps, {
        payee, currency, amountMinor: least(wantedMinor, leftMinor), cloneId: run.cloneId, causeId: run.runId, dueDay, day, metadata: { runId: run.runId },
      });
      leftMinor -= heldMinor;
      if (heldMinor > 0n) settled.held.push({ payee, currency, amountMinor: heldMinor.toString(), dueDay });
    }
  }
  return settled;
}

/** Earnings of the range were given back by somebody whose entry has no position yet. */
class Unsequenced extends Error {}

/** Whoever gave earnings back before this run took the clone's lock has the pot reduced by it, and not a later one, which may have another split. */
async function checkSequenced(tx: Tx, deps: RoyaltiesDeps, cloneId: string, toPosition: bigint): Promise<void> {
  for (const transferId of await undividedReturns(tx, cloneId)) {
    const position = (await deps.ledger.transfer(tx, transferId))?.position ?? null;
    if (position === null || position > toPosition) throw new Unsequenced(`Transfer ${transferId} has no position yet.`);
  }
}

/** How often a run looks again when something was given back between the sequencer and its lock. */
const TRIES = 10;

type NewRun = Pick<store.RunRow, 'id' | 'cloneId' | 'number' | 'fromPosition' | 'toPosition' | 'throughDay' | 'runBy'>;

/** The run that comes next, from where the last one ended to what has a position by now. Call it under `lockClone`. */
async function nextRun(tx: Tx, deps: RoyaltiesDeps, actor: Actor, { cloneId, throughDay }: { cloneId: string; throughDay: Day }): Promise<NewRun> {
  const last = await store.lastRun(tx, cloneId);
  return {
    id: deps.ids.next('run'), cloneId, number: (last?.number ?? 0) + 1, fromPosition: last?.toPosition ?? 0n, toPosition: await deps.ledger.position(tx), throughDay,
    runBy: actor.accountId,
  };
}

/** What was gathered as a run: pots divided and posted, what each payee's share is taken for, all of it written. */
async function write(tx: Tx, deps: RoyaltiesDeps, gathering: Gathering, run: NewRun): Promise<RunJson> {
  const { id: runId, cloneId } = run;
  const pots = await divided(tx, gathering.pots(), cloneId);
  const runAt = deps.clock.now();
  const day = dayOf(runAt);
  const transfers: (string | null)[] = [];
  for (const pot of pots) {
    transfers.push(await postPot(tx, deps, { potId: pot.potId, runId, cloneId }, pot));
  }
  const settled = await settle(tx, deps, { runId, cloneId }, pots, day);
  await store.insertRun(tx, { ...run, ...settled, runAt });
  for (const [index, pot] of pots.entries()) {
    await store.insertPot(tx, { ...pot, id: pot.potId, runId, cloneId, transferId: transfers[index] ?? null }, pot.legs);
  }
  await holdAtRun(tx, deps, { runId, cloneId, payees: new Set(receiversOf(pots).map(({ payee }) => payee)), day });
  return await readRun(tx, deps, runId);
}

async function writeRun(tx: Tx, deps: RoyaltiesDeps, actor: Actor, cloneId: string, throughDay: Day): Promise<RunJson> {
  await splits.lockClone(tx, cloneId);
  const run = await nextRun(tx, deps, actor, { cloneId, throughDay });
  await checkSequenced(tx, deps, cloneId, run.toPosition);
  const gathering = new Gathering(deps, cloneId);
  await gather(tx, deps, gathering, run, (potId, entries) => store.insertEntries(tx, { runId: run.id, potId }, entries));
  return await write(tx, deps, gathering, run);
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
    recouped: run.recouped, held: run.held, heldForDisputes: await heldForDisputes(tx, runId), createdAt: run.runAt.toISOString(),
  };
}

const EVER: Day = '2000-01-01';

/** The same as a run does, in a transaction of which nothing stays; what it recognises here has no place in the recorded order, and never gets one. */
async function preview(tx: Tx, deps: RoyaltiesDeps, actor: Actor, cloneId: string, throughDay: Day): Promise<RunJson> {
  await splits.lockClone(tx, cloneId);
  await deps.billing.recognise(tx, { cloneId, throughDay });
  const run = await nextRun(tx, deps, actor, { cloneId, throughDay });
  const gathering = new Gathering(deps, cloneId);
  const kept = (potId: string, entries: readonly EarnedEntry[]): Promise<void> =>
    store.insertEntries(tx, { runId: run.id, potId }, entries.map((entry) => ({ ...entry, position: entry.position ?? run.toPosition })));
  await gather(tx, deps, gathering, run, kept);
  const found: EntryView[] = [];
  const toDay = addDays(dayOf(deps.clock.now()), 1);
  for (const { periodId } of await deps.billing.periodsBetween(tx, { cloneId, fromDay: EVER, toDay })) {
    found.push(...(await deps.ledger.entriesFor(tx, { periodId })).filter((entry) => entry.position === null));
  }
  await gathering.add(tx, found, kept);
  const shown = await write(tx, deps, gathering, run);
  return { ...shown, runId: null, toPosition: null, dryRun: true, pots: shown.pots.map((pot) => ({ ...pot, potId: null })) };
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
        await ledger.sequence();
        try {
          return await runTx(async (tx) => {
            throw new Preview(await preview(tx, deps, actor, cloneId, throughDay));
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
      for (let left = TRIES; ; left -= 1) {
        await ledger.sequence();
        try {
          return await runTx((tx) => once(tx, key, () => writeRun(tx, deps, actor, cloneId, throughDay)));
        } catch (error) {
          if (!(error instanceof Unsequenced)) throw error;
          if (left === 1) throw new Refusal('unavailable', 'Earnings of this clone are being given back; ask again.');
        }
      }
    },

    getRoyaltyRun: (runId) => runTx((tx) => readRun(tx, deps, runId)),
  };
}
