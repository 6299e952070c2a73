import type { Ids } from '../kernel/ids.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { RunTx } from '../kernel/tx.ts';
import { sqlConstraint, sqlState } from '../platform/postgres/index.ts';
import { decideBatch, type Item, type Verdict, watchedCodes } from './batch.ts';
import { type Accounts, fits, misdescribed } from './accounts.ts';
import { ALL_WRITTEN, insertBatch, standStill } from './batch-store.ts';
import { type AccountRef, checkTransfer, type TransferDraft } from './model.ts';
import type { Posted } from './posting.ts';

/** Transfers in one transaction, at most. */
const BATCH_MAX = 100;
/** Transfers that may wait; whoever comes beyond is told to come again, and nothing waits inside PostgreSQL. */
const WAITING_MAX = 2_000;
const CONFLICT_TRIES = 3;
/** At once: while PostgreSQL writes one, the next is made ready. Whoever waits for the other's locks waits inside of it, one at most. */
const BATCHES_MAX = 2;

export interface Writer {
  /**
   * Books a transfer that stands alone, together with others, in a transaction of the writer's. Answers after its COMMIT.
   * Refuses as `post` does, and `overloaded` when too many wait. Any other error: the outcome is unknown, and the same
   * key may be submitted again.
   */
  submit: (draft: TransferDraft) => Promise<Posted>;
  /** When nothing waits any more. */
  idle: () => Promise<void>;
}

interface Waiting extends Item {
  answer: (verdict: Verdict) => void;
}

/** Errors of one item's data: the batch is halved until it fails alone. Of others nothing is known and all are told. */
function isData(error: unknown): boolean {
  return /^(22|23|2B|P0|42)/.test(sqlState(error) ?? '');
}

function* accountsOf(items: readonly Item[]): Generator<AccountRef> {
  for (const { transfer } of items) for (const { account } of transfer.legs) yield account;
}

export function makeWriter({ runTx, ids, accounts }: { runTx: RunTx; ids: Ids; accounts: Accounts }): Writer {
  const waiting: Waiting[] = [];
  const running = new Set<Promise<void>>();

  async function attempt(items: readonly Item[], lookUp: boolean): Promise<Verdict[]> {
    return await runTx(async (tx) => {
      const known = await accounts.resolve(tx, accountsOf(items));
      // Split off: what names an account by another currency, class or guard than it was opened with.
      const wrong = new Set(items.filter(({ transfer }) => !fits(transfer.legs, known)));
      const fit = items.filter((item) => !wrong.has(item));
      const codes = watchedCodes(fit);
      const still = codes.length > 0 || lookUp
        ? await standStill(tx, codes, fit.map(({ transfer }) => transfer.key))
        : { standings: new Map(), kept: new Map() };
      const decided = decideBatch(fit, still.standings, still.kept);
      if (decided.accepted.length > 0) await insertBatch(tx, decided.accepted, known);
      const answers = decided.verdicts.values();
      return items.map((item) => (wrong.has(item) ? undefined : answers.next().value) ?? { refused: misdescribed() });
    });
  }

  /** All in one transaction; when PostgreSQL refuses it, in two halves, until the one that it minds stands alone. */
  async function write(items: readonly Item[], tries = 0): Promise<Verdict[]> {
    try {
      return await attempt(items, tries > 0);
    } catch (error) {
      // A key was taken by somebody else while the batch was decided: it is decided anew, with that key looked up.
      if (sqlConstraint(error) === ALL_WRITTEN && tries < CONFLICT_TRIES) return await write(items, tries + 1);
      if (items.length === 1 || !isData(error)) return items.map(() => ({ refused: error }));
      const half = Math.ceil(items.length / 2);
      return [...await write(items.slice(0, half), 1), ...await write(items.slice(half), 1)];
    }
  }

  async function run(): Promise<void> {
    // Whoever was answered by the last batch may submit again before the next one closes.
    await new Promise((done) => setImmediate(done));
    while (waiting.length > 0) {
      const items = waiting.splice(0, BATCH_MAX);
      start();
      const verdicts = await write(items);
      items.forEach((item, index) => item.answer(verdicts[index] ?? { refused: new Error('A batch answered fewer than it was given.') }));
      await new Promise((done) => setImmediate(done));
    }
  }

  /** The first batch is started by whoever comes, of any size; a second one beside it only when it would be full. */
  function start(): void {
    if (running.size >= BATCHES_MAX || waiting.length < (running.size === 0 ? 1 : BATCH_MAX)) return;
    const one: Promise<void> = run().finally(() => {
      running.delete(one);
      start();
    });
    running.add(one);
  }

  return {
    async submit(draft) {
      const transfer = checkTransfer(draft);
      if (waiting.length >= WAITING_MAX) {
        throw new Refusal('overloaded', 'Too many transfers are waiting to be written; this one was not taken.', { extra: { retryAfterSeconds: 1 } });
      }
      const verdict = await new Promise<Verdict>((answer) => {
        waiting.push({ transfer, id: ids.next('transfer'), answer });
        start();
      });
      if ('refused' in verdict) throw verdict.refused;
      return verdict.posted;
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
