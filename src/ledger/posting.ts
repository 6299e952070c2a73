import type { Ids } from '../kernel/ids.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import {
  type CheckedTransfer, checkChange, checkTransfer, keyReused, NOTHING, type TransferDraft, watchedChanges,
} from './model.ts';
import { type ReversalDraft, reversalLegs } from './reversal.ts';
import { openAccounts } from './account-store.ts';
import type { Accounts } from './accounts.ts';
import { standStill } from './batch-store.ts';
import {
  insertTransfer, legsOf, lockTransfer, reversibleOf, standingsOf, transferByKey,
} from './store.ts';

/** `created` is false when the key stood already, with the same content. */
export interface Posted {
  transferId: string;
  created: boolean;
}

function repeatOf(kept: { id: string; contentHash: Buffer }, transfer: CheckedTransfer): Posted {
  if (!kept.contentHash.equals(transfer.contentHash)) throw keyReused();
  return { transferId: kept.id, created: false };
}

/** The same key and content → the first transfer; the same key and other content → `ledger_key_reused`. */
export async function repeated(tx: Tx, transfer: CheckedTransfer): Promise<Posted | null> {
  const kept = await transferByKey(tx, transfer.key);
  return kept === null ? null : repeatOf(kept, transfer);
}

/**
 * Locks what this transfer takes from and refuses it while the transaction can still go on; PostgreSQL would refuse
 * the INSERT and with it the whole transaction. A repeat is looked up under the lock: the first may have spent it all.
 */
async function checkWatched(tx: Tx, transfer: CheckedTransfer): Promise<Posted | null> {
  const changes = watchedChanges(transfer.legs);
  if (changes.length === 0) return null;
  const codes = changes.map(({ account }) => account.code);
  let still = await standStill(tx, codes, [transfer.key]);
  const kept = still.kept.get(transfer.key);
  if (kept !== undefined) return repeatOf(kept, transfer);
  if (still.standings.size < codes.length) {
    await openAccounts(tx, changes.map(({ account }) => account));
    still = await standStill(tx, codes, []);
  }
  const standings = transfer.captures === null ? still.standings : await standingsOf(tx, codes, transfer.captures);
  for (const change of changes) checkChange(change, standings.get(change.account.code) ?? NOTHING);
  return null;
}

/** What posting is given: names for new transfers, and the accounts that are known. */
export interface Posting {
  ids: Ids;
  accounts: Accounts;
}

/** Writes what was checked. `at` is the business time of a capture, which ends its hold in the same statement. */
export async function write(tx: Tx, { ids, accounts }: Posting, transfer: CheckedTransfer, at: Date | null = null): Promise<Posted> {
  const kept = await checkWatched(tx, transfer);
  if (kept !== null) return kept;
  const transferId = ids.next('transfer');
  if (await insertTransfer(tx, transferId, transfer, await accounts.columns(tx, transfer.legs), at)) return { transferId, created: true };
  const first = await repeated(tx, transfer);
  if (first === null) throw new Error('A key was taken and is not there.');
  return first;
}

/** Posts a transfer. One round trip, unless its accounts are new here or it takes from a guarded one. */
export async function post(tx: Tx, posting: Posting, draft: TransferDraft): Promise<Posted> {
  return await write(tx, posting, checkTransfer(draft));
}

/** Posts the opposite of a transfer, whole or in part. Concurrent reversals of one transfer take turns. */
export async function reverse(tx: Tx, posting: Posting, transferId: string, draft: ReversalDraft): Promise<Posted> {
  const original = await lockTransfer(tx, transferId);
  if (original === null) throw notFound();
  if (original.isReversal) {
    throw new Refusal('ledger_transfer_invalid', 'A reversal is put right by a new transfer, not by another reversal.');
  }
  const common = {
    key: draft.key,
    kind: draft.kind ?? `${original.kind}.reversal`,
    effectiveDate: draft.effectiveDate,
    // So that a repeat of "all that is left" is told from a repeat of a part that happened to be all.
    metadata: { ...original.metadata, ...draft.metadata, reversal: draft.legs === undefined ? 'whole' : 'part' },
  };
  const accounts = await reversibleOf(tx, transferId);
  const kept = await transferByKey(tx, draft.key);
  if (kept !== null) {
    const legs = draft.legs === undefined
      ? await legsOf(tx, kept.id)
      : draft.legs.map(({ accountCode, amountMinor }) => {
        const account = accounts.find((candidate) => candidate.account.code === accountCode)?.account;
        if (account === undefined) throw keyReused();
        return { account, amountMinor };
      });
    return await write(tx, posting, checkTransfer({ ...common, legs }, { reverses: transferId }));
  }
  return await write(tx, posting, checkTransfer({ ...common, legs: reversalLegs(accounts, draft.legs) }, { reverses: transferId }));
}
