import { type Change, checkChange, type CheckedTransfer, keyReused, NOTHING, type Standing, watchedChanges } from './model.ts';
import type { Posted } from './posting.ts';

/** A batch, decided in memory under the locks of its accounts. Pure: what stands in, who may pass out. */

export interface Item {
  transfer: CheckedTransfer;
  /** The id that it gets if it is written. */
  id: string;
}

export type Verdict = { posted: Posted } | { refused: unknown };

export interface Decided {
  /** In the order of the items. */
  verdicts: Verdict[];
  /** Those to be written, in order. */
  accepted: Item[];
}

/** The net change of every account, guarded or not: what comes in early in a batch may be spent later in it. */
function changesOf(transfer: CheckedTransfer): Change[] {
  const changes = new Map<string, Change>();
  for (const { account, amountMinor } of transfer.legs) {
    const change = changes.get(account.code) ?? { account, changeMinor: 0n };
    change.changeMinor += amountMinor;
    changes.set(account.code, change);
  }
  return [...changes.values()];
}

/** Whose row a batch must lock before it decides. */
export function watchedCodes(items: readonly Item[]): string[] {
  return [...new Set(items.flatMap(({ transfer }) => watchedChanges(transfer.legs).map(({ account }) => account.code)))];
}

function sameKey(kept: { id: string; contentHash: Buffer }, transfer: CheckedTransfer): Verdict {
  if (kept.contentHash.equals(transfer.contentHash)) return { posted: { transferId: kept.id, created: false } };
  return { refused: keyReused() };
}

/**
 * Item by item in the order of arrival: a refused one changes nothing, so the next is decided as if it had not been there.
 * `standings` are those of the locked accounts, `kept` the transfers that their keys name already.
 */
export function decideBatch(
  items: readonly Item[], standings: ReadonlyMap<string, Standing>, kept: ReadonlyMap<string, { id: string; contentHash: Buffer }>,
): Decided {
  const standing = new Map(standings);
  const named = new Map(kept);
  const accepted: Item[] = [];
  const verdicts = items.map((item): Verdict => {
    const { transfer, id } = item;
    const before = named.get(transfer.key);
    if (before !== undefined) return sameKey(before, transfer);
    const after = new Map<string, Standing>();
    try {
      for (const { account, changeMinor } of watchedChanges(transfer.legs)) {
        after.set(account.code, checkChange({ account, changeMinor }, standing.get(account.code) ?? NOTHING));
      }
    } catch (refused) {
      return { refused };
    }
    for (const { account, changeMinor } of changesOf(transfer)) {
      const now = standing.get(account.code);
      if (now !== undefined) standing.set(account.code, after.get(account.code) ?? { ...now, balanceMinor: now.balanceMinor + changeMinor });
    }
    named.set(transfer.key, { id, contentHash: transfer.contentHash });
    accepted.push(item);
    return { posted: { transferId: id, created: true } };
  });
  return { verdicts, accepted };
}
