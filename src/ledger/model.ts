import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256 } from '../kernel/digest.ts';
import { AMOUNT_MAX, type Currency, isCurrency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Day } from '../kernel/time.ts';

export const ACCOUNT_CLASSES = ['asset', 'liability', 'income', 'expense'] as const;
export type AccountClass = (typeof ACCOUNT_CLASSES)[number];

/**
 * An account by its code, with what it is; opened at its first use and never changed after. A guarded account never
 * stands below its floor on its natural side (debit for asset and expense, credit for liability and income).
 */
export interface AccountRef {
  code: string;
  currency: Currency;
  class: AccountClass;
  guarded?: boolean;
  /** Lowest natural balance of a guarded account, 0 or negative (an overdraft limit). Default 0. */
  floorMinor?: bigint;
}

/** One side of a transfer. Positive is a debit, negative a credit. */
export interface Leg {
  account: AccountRef;
  amountMinor: bigint;
}

export interface TransferDraft {
  /** Names the transfer for ever: posting it again with the same content changes nothing. */
  key: string;
  /** What happened, `room.verb`, lower case. */
  kind: string;
  effectiveDate: Day;
  legs: readonly Leg[];
  /** Where the money comes from: ids as strings (see `TRACE_KEYS`). */
  metadata: JsonObject;
}

/** A draft that passed every check which needs no database. */
export interface CheckedTransfer extends TransferDraft {
  /** The id of the transfer that this one undoes, wholly or in part. */
  reverses: string | null;
  /** The id of the hold that this one captures. */
  captures: string | null;
  metadataText: string;
  contentHash: Buffer;
}

/** Metadata that is indexed: by it entries are found again (`entriesFor`). */
export const TRACE_KEYS = ['subscriptionId', 'periodId', 'charge', 'outputId', 'runId', 'payoutId'] as const;
export type TraceKey = (typeof TRACE_KEYS)[number];

/** An amount from which a few transfers could leave 64 bits: its account is locked and its sum checked. */
export const LARGE_MINOR = 2n ** 48n;
export const LEGS_MAX = 1000;
const METADATA_CHARACTERS_MAX = 8192;

export function invalid(detail: string): Refusal {
  return new Refusal('ledger_transfer_invalid', detail);
}

export function keyReused(): Refusal {
  return new Refusal('ledger_key_reused', 'This key already names another transfer.');
}

/** An amount (debit positive) as the account counts it: positive adds to it. A debit adds to what is owned and spent, a credit to what is owed and earned. */
export function natural(account: Pick<AccountRef, 'class'>, amountMinor: bigint): bigint {
  return account.class === 'asset' || account.class === 'expense' ? amountMinor : -amountMinor;
}

/** Whether text is a day of the calendar that the ledger keeps (2000 to 2199). */
export function isLedgerDay(text: string): boolean {
  if (!/^2[01]\d\d-\d\d-\d\d$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** A sum that must fit where balances are kept. Refuses with `money_out_of_range`. */
export function inRange(amountMinor: bigint): bigint {
  if (amountMinor > AMOUNT_MAX || amountMinor < -AMOUNT_MAX) {
    throw new Refusal('money_out_of_range', 'The amount does not fit in 64 bits of minor units.');
  }
  return amountMinor;
}

function checkAccount(account: AccountRef): void {
  if (!/^[A-Za-z0-9_.:-]{1,200}$/.test(account.code)) throw invalid('An account code has an unknown form.');
  if (!isCurrency(account.currency)) throw invalid(`The currency of ${account.code} is unknown.`);
  if (!ACCOUNT_CLASSES.includes(account.class)) throw invalid(`The class of ${account.code} is unknown.`);
  const floor = account.floorMinor ?? 0n;
  if (inRange(floor) > 0n || (floor !== 0n && account.guarded !== true)) {
    throw invalid(`The floor of ${account.code} is at most 0, and only a guarded account has one.`);
  }
}

/** Whether two describe one account alike, its code apart. */
export function sameAccount(a: AccountRef, b: AccountRef): boolean {
  return a.currency === b.currency && a.class === b.class && (a.guarded ?? false) === (b.guarded ?? false)
    && (a.floorMinor ?? 0n) === (b.floorMinor ?? 0n);
}

/** Legs that balance, on accounts described in one way each. */
export function checkLegs(legs: readonly Leg[]): void {
  if (legs.length < 2 || legs.length > LEGS_MAX) throw invalid(`A transfer has 2 to ${LEGS_MAX} legs.`);
  const sums = new Map<Currency, bigint>();
  const accounts = new Map<string, AccountRef>();
  for (const { account, amountMinor } of legs) {
    checkAccount(account);
    if (typeof amountMinor !== 'bigint') throw new Refusal('money_malformed', 'An amount is a bigint of minor units.');
    if (amountMinor === 0n) throw invalid('A leg moves at least one minor unit.');
    sums.set(account.currency, (sums.get(account.currency) ?? 0n) + inRange(amountMinor));
    const seen = accounts.get(account.code);
    if (seen !== undefined && !sameAccount(seen, account)) throw invalid(`${account.code} is described in two ways.`);
    accounts.set(account.code, account);
  }
  for (const [currency, sum] of sums) {
    if (sum !== 0n) {
      throw new Refusal('ledger_unbalanced', `The legs in ${currency} do not sum to zero.`, {
        extra: { currency, excessMinor: sum.toString() },
      });
    }
  }
}

/** The canonical text of metadata; refuses with `ledger_transfer_invalid` what the ledger could not keep or index. */
export function checkMetadata(metadata: JsonObject): string {
  const text = canonicalJson(metadata);
  if (!text.startsWith('{')) throw invalid('Metadata is an object.');
  if (text.length > METADATA_CHARACTERS_MAX) throw invalid(`Metadata is at most ${METADATA_CHARACTERS_MAX} characters.`);
  // PostgreSQL's jsonb has no such character.
  if (/(?<!\\)(?:\\\\)*\\u0000/.test(text)) throw invalid('Metadata holds a NUL character.');
  for (const key of TRACE_KEYS) {
    const value = metadata[key];
    if (value !== undefined && (typeof value !== 'string' || value.length === 0 || value.length > 255)) {
      throw invalid(`Metadata ${key} is an id, 1 to 255 characters.`);
    }
  }
  return text;
}

/** SHA-256 over the canonical JSON of all that a transfer says. `verify` computes it again from the stored rows. */
export function contentHash(content: {
  key: string; kind: string; effectiveDate: Day; reverses: string | null; captures: string | null; metadata: JsonObject;
  legs: readonly NamedLeg[];
}): Buffer {
  return contentHashOf(content, canonicalJson(content.metadata));
}

/** Put together here, in the order of RFC 8785: the text of the metadata is there already, and every transfer passes by. */
function contentHashOf(
  content: { key: string; kind: string; effectiveDate: Day; reverses: string | null; captures: string | null; legs: readonly NamedLeg[] },
  metadataText: string,
): Buffer {
  const { key, kind, effectiveDate, reverses, captures } = content;
  // Named only where there is one: what was posted before there were holds keeps its hash.
  const origin = captures === null ? '' : `"captures":${canonicalJson(captures)},`;
  const legs = content.legs.map(({ account, amountMinor, currency }) => {
    return `{"account":${canonicalJson(account)},"amountMinor":"${amountMinor.toString()}","currency":${canonicalJson(currency)}}`;
  });
  return sha256(`{${origin}"effectiveDate":${canonicalJson(effectiveDate)},"key":${canonicalJson(key)},"kind":${canonicalJson(kind)},`
    + `"legs":[${legs.join(',')}],"metadata":${metadataText},"reverses":${canonicalJson(reverses)}}`);
}

/** A leg by its account's code, as it stands in hashes. */
export interface NamedLeg {
  account: string;
  currency: string;
  amountMinor: bigint;
}

export function legsJson(legs: readonly NamedLeg[]): { account: string; currency: string; amountMinor: string }[] {
  return legs.map(({ account, currency, amountMinor }) => ({ account, currency, amountMinor: amountMinor.toString() }));
}

export function namedLegs(legs: readonly Leg[]): NamedLeg[] {
  return legs.map(({ account, amountMinor }) => ({ account: account.code, currency: account.currency, amountMinor }));
}

/** SHA-256 over what an account was opened as. */
export function accountHash(account: AccountRef): Buffer {
  return sha256(canonicalJson({
    code: account.code, currency: account.currency, class: account.class, guarded: account.guarded ?? false,
    floorMinor: (account.floorMinor ?? 0n).toString(),
  }));
}

export function checkNames({ key, kind }: { key: string; kind: string }): void {
  if (key.length < 1 || key.length > 255 || key.includes('\0') || !key.isWellFormed()) {
    throw invalid('A key has 1 to 255 characters.');
  }
  if (!/^[a-z][a-z0-9_.]{0,63}$/.test(kind)) throw invalid('A kind is lower case, like `billing.invoice_paid`.');
}

/**
 * Everything that can be refused without asking the database: `ledger_unbalanced`, `money_out_of_range`,
 * `money_malformed`, `ledger_transfer_invalid`.
 */
export function checkTransfer(
  draft: TransferDraft, origin: { reverses?: string; captures?: string } = {},
): CheckedTransfer {
  checkNames(draft);
  if (!isLedgerDay(draft.effectiveDate)) throw invalid('The effective date is no day between 2000 and 2199.');
  checkLegs(draft.legs);
  const metadataText = checkMetadata(draft.metadata);
  const { reverses = null, captures = null } = origin;
  const legs = namedLegs(draft.legs);
  return { ...draft, reverses, captures, metadataText, contentHash: contentHashOf({ ...draft, reverses, captures, legs }, metadataText) };
}

/** What a transfer does to one account. */
export interface Change {
  account: AccountRef;
  changeMinor: bigint;
}

/** The accounts whose balance must be read under their lock before this transfer: the same rule as the trigger's. */
export function watchedChanges(legs: readonly Leg[]): Change[] {
  const changes = new Map<string, Change & { large: boolean }>();
  for (const { account, amountMinor } of legs) {
    const change = changes.get(account.code) ?? { account, changeMinor: 0n, large: false };
    change.changeMinor += amountMinor;
    change.large ||= amountMinor >= LARGE_MINOR || amountMinor <= -LARGE_MINOR;
    changes.set(account.code, change);
  }
  return [...changes.values()]
    .filter(({ account, changeMinor, large }) => {
      return large || (account.guarded === true && natural(account, changeMinor) < 0n);
    })
    .map(({ account, changeMinor }) => ({ account, changeMinor }));
}

/** What stands on an account (debit positive), and what open holds keep of it (0 or more, on its natural side). */
export interface Standing {
  balanceMinor: bigint;
  heldMinor: bigint;
}

export const NOTHING: Standing = { balanceMinor: 0n, heldMinor: 0n };

/** What a guarded account has to give: its natural balance above its floor, less what open holds keep. */
export function availableOf(account: AccountRef, { balanceMinor, heldMinor }: Standing): bigint {
  return natural(account, balanceMinor) - (account.floorMinor ?? 0n) - heldMinor;
}

/**
 * Refuses what would take from an account more than it has to give (`ledger_insufficient_funds`) or bring it beyond 64
 * bits. Answers how it stands then.
 */
export function checkChange({ account, changeMinor }: Change, before: Standing): Standing {
  const after = { ...before, balanceMinor: inRange(before.balanceMinor + changeMinor) };
  const lessens = natural(account, changeMinor) < 0n;
  if (account.guarded === true && lessens && availableOf(account, after) < 0n) {
    throw new Refusal('ledger_insufficient_funds', 'There is not enough on the account for this.', {
      extra: { currency: account.currency, availableMinor: availableOf(account, before).toString() },
    });
  }
  return after;
}
