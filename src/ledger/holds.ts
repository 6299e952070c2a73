import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Ids } from '../kernel/ids.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { captureLegs, type CheckedHold, checkHold, type HoldDraft, type HoldOutcome } from './hold-model.ts';
import { findHold, holdByKey, holdLegs, type HoldRow, insertHold, insertVoid, lockHold } from './hold-store.ts';
import { checkChange, checkTransfer, type Leg, NOTHING, watchedChanges } from './model.ts';
import { type Posted, type Posting, repeated, write } from './posting.ts';
import { openAccounts } from './account-store.ts';
import { legsOf, lockAccounts, standingsOf, transferByKey } from './store.ts';

/** `created` is false when the key stood already, with the same content. */
export interface Held {
  holdId: string;
  created: boolean;
}

export interface CaptureDraft {
  key: string;
  /** Business time: at the hold's end and after it a capture is refused. */
  at: Date;
  effectiveDate: Day;
  /** Default: the hold's kind and `.captured`. */
  kind?: string;
  /** Laid over the hold's metadata. */
  metadata?: JsonObject;
  /** Take just this much, signed as it will be posted; what is left is free again. Left out: all of it. */
  legs?: readonly { accountCode: string; amountMinor: bigint }[];
}

export interface HoldView {
  holdId: string;
  kind: string;
  metadata: JsonObject;
  expiresAt: Date | null;
  recordedAt: Date;
  legs: Leg[];
  /** Null while it is open. */
  resolution: { outcome: HoldOutcome; at: Date; transferId: string | null } | null;
}

async function repeatedHold(tx: Tx, hold: CheckedHold): Promise<Held | null> {
  const kept = await holdByKey(tx, hold.key);
  if (kept === null) return null;
  if (!kept.contentHash.equals(hold.contentHash)) throw new Refusal('ledger_key_reused', 'This key already names another hold.');
  return { holdId: kept.id, created: false };
}

/** Keeps what a transfer will move. Debits of guarded accounts are kept from everybody else until it ends. */
export async function hold(tx: Tx, ids: Ids, draft: HoldDraft): Promise<Held> {
  const checked = checkHold(draft);
  await openAccounts(tx, checked.legs.map((leg) => leg.account));
  const changes = watchedChanges(checked.legs);
  const codes = changes.map(({ account }) => account.code);
  await lockAccounts(tx, codes);
  const kept = await repeatedHold(tx, checked);
  if (kept !== null) return kept;
  const standings = await standingsOf(tx, codes, null);
  for (const change of changes) checkChange(change, standings.get(change.account.code) ?? NOTHING);
  const holdId = ids.next('ledgerHold');
  if (await insertHold(tx, holdId, checked)) return { holdId, created: true };
  const first = await repeatedHold(tx, checked);
  if (first === null) throw new Error('A key was taken and is not there.');
  return first;
}

function refuseEnded(row: HoldRow): void {
  if (row.outcome !== null) throw new Refusal('hold_state', `The hold was ${row.outcome}.`, { extra: { outcome: row.outcome } });
}

/** Posts a hold, in full or in part, and ends it. Refuses `hold_state`, `ledger_capture_too_large`, `ledger_key_reused`. */
export async function captureHold(tx: Tx, posting: Posting, holdId: string, draft: CaptureDraft): Promise<Posted> {
  const row = await lockHold(tx, holdId);
  if (row === null) throw notFound();
  const common = {
    key: draft.key, kind: draft.kind ?? `${row.kind}.captured`, effectiveDate: draft.effectiveDate,
    // So that a repeat of "all of it" is told from a repeat of a part that happened to be all.
    metadata: { ...row.metadata, ...draft.metadata, capture: draft.legs === undefined ? 'whole' : 'part' },
  };
  const kept = await transferByKey(tx, draft.key);
  if (kept !== null) {
    // Whoever captured it asks again: the same words must name the same transfer.
    const legs = draft.legs === undefined ? await legsOf(tx, kept.id) : captureLegs(await holdLegs(tx, holdId), draft.legs);
    const again = await repeated(tx, checkTransfer({ ...common, legs }, { captures: holdId }));
    if (again !== null) return again;
  }
  refuseEnded(row);
  if (row.expiresAt !== null && draft.at >= row.expiresAt) {
    throw new Refusal('hold_state', 'The hold has run out.', { extra: { outcome: 'expired' } });
  }
  const legs = captureLegs(await holdLegs(tx, holdId), draft.legs);
  return await write(tx, posting, checkTransfer({ ...common, legs }, { captures: holdId }), draft.at);
}

/** Lets go of a hold. Voiding it twice changes nothing; `created` says whether this was the first time. */
export async function voidHold(tx: Tx, holdId: string, at: Date): Promise<Held> {
  const row = await lockHold(tx, holdId);
  if (row === null) throw notFound();
  if (row.outcome === 'voided') return { holdId, created: false };
  refuseEnded(row);
  await insertVoid(tx, holdId, at);
  return { holdId, created: true };
}

export async function readHold(tx: Tx, holdId: string): Promise<HoldView | null> {
  const row = await findHold(tx, holdId);
  if (row === null) return null;
  const { id, outcome, resolvedAt, transferId, ...rest } = row;
  return {
    ...rest, holdId: id, legs: await holdLegs(tx, id),
    resolution: outcome === null || resolvedAt === null ? null : { outcome, at: resolvedAt, transferId },
  };
}
