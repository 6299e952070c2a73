import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256 } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import {
  type AccountRef, checkLegs, checkMetadata, checkNames, type Leg, legsJson, type NamedLeg, namedLegs,
} from './model.ts';

/** A transfer that is pending: what it will move, and until when it may. */
export interface HoldDraft {
  /** Names the hold for ever: holding it again with the same content changes nothing. */
  key: string;
  /** What it is for, `room.verb`, lower case. */
  kind: string;
  legs: readonly Leg[];
  /** Business time; at it and after it nothing is captured. Null: it never runs out. */
  expiresAt: Date | null;
  metadata: JsonObject;
}

export interface CheckedHold extends HoldDraft {
  metadataText: string;
  contentHash: Buffer;
}

export const HOLD_OUTCOMES = ['captured', 'voided', 'expired'] as const;
export type HoldOutcome = (typeof HOLD_OUTCOMES)[number];

/** SHA-256 over the canonical JSON of all that a hold says. */
export function holdHash(hold: {
  key: string; kind: string; expiresAt: Date | null; metadata: JsonObject; legs: readonly NamedLeg[];
}): Buffer {
  const { key, kind, metadata } = hold;
  return sha256(canonicalJson({
    hold: key, kind, expiresAt: hold.expiresAt?.toISOString() ?? null, metadata, legs: legsJson(hold.legs),
  }));
}

/** As `checkTransfer`, of what is pending. */
export function checkHold(draft: HoldDraft): CheckedHold {
  checkNames(draft);
  if (draft.expiresAt !== null && Number.isNaN(draft.expiresAt.getTime())) {
    throw new Refusal('ledger_transfer_invalid', 'A hold runs out at an instant, or never.');
  }
  checkLegs(draft.legs);
  const metadataText = checkMetadata(draft.metadata);
  return { ...draft, metadataText, contentHash: holdHash({ ...draft, legs: namedLegs(draft.legs) }) };
}

/** A part of a hold's legs, each at most what the hold would have moved there. Refuses with `ledger_capture_too_large`. */
export function captureLegs(
  held: readonly { account: AccountRef; amountMinor: bigint }[], parts: readonly { accountCode: string; amountMinor: bigint }[] | undefined,
): Leg[] {
  if (parts === undefined) return held.map(({ account, amountMinor }) => ({ account, amountMinor }));
  const left = new Map<string, { account: AccountRef; amountMinor: bigint }>();
  for (const { account, amountMinor } of held) {
    left.set(account.code, { account, amountMinor: (left.get(account.code)?.amountMinor ?? 0n) + amountMinor });
  }
  return parts.map(({ accountCode, amountMinor }) => {
    const found = left.get(accountCode);
    // Taken in its own direction, and nothing is left beyond zero.
    if (found === undefined || amountMinor * found.amountMinor <= 0n || (found.amountMinor - amountMinor) * amountMinor < 0n) {
      throw new Refusal('ledger_capture_too_large', `The hold keeps less than that of ${accountCode}, or keeps it the other way.`);
    }
    left.set(accountCode, { ...found, amountMinor: found.amountMinor - amountMinor });
    return { account: found.account, amountMinor };
  });
}
