import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import type { EntryView } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { differenceBooked } from './payout-postings.ts';
import { moved, NOTHING_OPEN } from './position-model.ts';
import { positionParts } from './position-parts.ts';
import { type CarriedRow, insertCarried, lockCarried } from './position-store.ts';
import { KINDS } from './postings.ts';

export const BOOK_DIFFERENCES_TOPIC = 'royalties.bookDifferences';

/** What rates gained or lost, taken off the position accounts and shown as the platform's expense. */
export interface Positions {
  /** Job: books the differences of everything recorded so far, in its order; each once. */
  bookDifferences: () => Promise<void>;
}

const PREFIX = 'currency_position:';

/** The position legs of one transfer. */
interface Crossing {
  first: EntryView;
  legs: Map<Currency, bigint>;
}

function crossings(entries: readonly EntryView[]): Crossing[] {
  const found = new Map<string, Crossing>();
  for (const entry of entries) {
    if (entry.kind === KINDS.difference) continue;
    const crossing = found.get(entry.transferId) ?? { first: entry, legs: new Map<Currency, bigint>() };
    found.set(entry.transferId, crossing);
    crossing.legs.set(entry.currency, (crossing.legs.get(entry.currency) ?? 0n) + entry.amountMinor);
  }
  return [...found.values()];
}

/** Which of the two is the one that we are settled in: that of our cash. Null where a transfer crosses nothing. */
async function settledIn(tx: Tx, deps: RoyaltiesDeps, { first, legs }: Crossing): Promise<{ claim: Currency; settled: Currency } | null> {
  const [one, other, more] = [...legs.keys()];
  if (one === undefined || other === undefined || more !== undefined) return null;
  const cash = (await deps.ledger.transfer(tx, first.transferId))?.entries.find((entry) => entry.accountCode.startsWith('cash_in_transit:'));
  return cash === undefined ? null : cash.currency === one ? { claim: other, settled: one } : { claim: one, settled: other };
}

async function book(tx: Tx, deps: RoyaltiesDeps): Promise<void> {
  const { position, pairs } = await lockCarried(tx);
  const carried = new Map<string, CarriedRow>(pairs.map((pair) => [`${pair.claim} ${pair.settled}`, pair]));
  const toPosition = await deps.ledger.position(tx);
  let changed = false;
  for (const part of positionParts(deps, position, toPosition)) {
    const entries = await deps.ledger.entries(tx, { accountPrefix: PREFIX, ...part });
    for (const crossing of crossings(entries)) {
      const pair = await settledIn(tx, deps, crossing);
      if (pair === null) continue;
      const { claim, settled } = pair;
      const movement = { claimMinor: crossing.legs.get(claim) ?? 0n, worthMinor: crossing.legs.get(settled) ?? 0n };
      const { open, lossMinor } = moved(carried.get(`${claim} ${settled}`) ?? NOTHING_OPEN, movement);
      carried.set(`${claim} ${settled}`, { claim, settled, ...open });
      changed = true;
      if (lossMinor !== 0n) await deps.ledger.post(tx, differenceBooked({ of: crossing.first, claim, settled, lossMinor }));
    }
  }
  // Where nothing crossed currencies the next one looks again at what is quickly gone through.
  if (changed) await insertCarried(tx, toPosition, [...carried.values()]);
}

export function makePositions(deps: RoyaltiesDeps): Positions {
  return {
    async bookDifferences() {
      await deps.ledger.sequence();
      await deps.runTx((tx) => book(tx, deps));
    },
  };
}
