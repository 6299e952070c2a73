import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Currency } from '../kernel/money.ts';
import { holdHash, type HoldOutcome } from './hold-model.ts';
import { natural } from './model.ts';
import type { ProblemCode, StoredAccount } from './replay.ts';

/** A hold with all that is stored of it. */
export interface StoredHold {
  seq: bigint;
  id: string;
  key: string;
  kind: string;
  expiresAt: Date | null;
  legCount: number;
  contentHash: Buffer;
  metadata: JsonObject;
  legs: { accountId: string; currency: Currency; amountMinor: bigint }[];
  outcome: HoldOutcome | null;
  resolvedAt: Date | null;
  /** The transfer that the resolution names, with what it says it captures; null when it names none or one that is not there. */
  transfer: { id: string; captures: string | null; sums: ReadonlyMap<string, bigint> } | null;
  /** Whether it stands among the open ones, and what it claims there by account. */
  open: boolean;
  claims: ReadonlyMap<string, bigint>;
}

type Report = (code: ProblemCode, id: string, detail: string) => void;

function sumsOf(hold: StoredHold): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { accountId, amountMinor } of hold.legs) sums.set(accountId, (sums.get(accountId) ?? 0n) + amountMinor);
  return sums;
}

function checkHoldContent(hold: StoredHold, accounts: ReadonlyMap<string, StoredAccount>, report: Report): void {
  const legs = hold.legs.map(({ accountId, currency, amountMinor }) => ({
    account: accounts.get(accountId)?.code ?? '', currency, amountMinor,
  }));
  if (legs.length !== hold.legCount || legs.length < 2) {
    report('hold_legs', hold.id, `It has ${legs.length} legs and was held with ${hold.legCount}.`);
  }
  if (!holdHash({ ...hold, legs }).equals(hold.contentHash)) report('hold_changed', hold.id, 'Its content is not what was held.');
  const totals = new Map<string, bigint>();
  for (const { currency, amountMinor } of legs) totals.set(currency, (totals.get(currency) ?? 0n) + amountMinor);
  for (const [currency, total] of totals) {
    if (total !== 0n) report('hold_unbalanced', hold.id, `Its legs in ${currency} sum to ${String(total)}.`);
  }
}

function checkEnd(hold: StoredHold, report: Report): void {
  const { outcome, transfer, resolvedAt, expiresAt } = hold;
  if (hold.open !== (outcome === null)) {
    report('hold_state', hold.id, `It was ${outcome ?? 'not ended'} and is ${hold.open ? '' : 'not '}among the open ones.`);
  }
  if ((outcome === 'captured') !== (transfer !== null) || (transfer !== null && transfer.captures !== hold.id)) {
    report('hold_state', hold.id, `It was ${outcome ?? 'not ended'}, and the transfer that would say so is ${transfer?.id ?? 'none'}.`);
  }
  if (expiresAt !== null && resolvedAt !== null && outcome !== 'voided' && (outcome === 'expired') !== (resolvedAt >= expiresAt)) {
    report('hold_state', hold.id, `It was ${String(outcome)} at ${resolvedAt.toISOString()} and runs out at ${expiresAt.toISOString()}.`);
  }
  if (expiresAt === null && outcome === 'expired') report('hold_state', hold.id, 'It expired and never runs out.');
  const held = sumsOf(hold);
  for (const [accountId, captured] of transfer?.sums ?? []) {
    const most = held.get(accountId) ?? 0n;
    // Beyond what it kept, or the other way.
    if ((most - captured) * captured < 0n) {
      report('hold_exceeded', hold.id, `It kept ${String(most)} of account number ${accountId}, ${String(captured)} was captured.`);
    }
  }
}

/** Compares what PostgreSQL's triggers keep of open holds with what the holds say. Answers what this one keeps of which account. */
function checkClaims(hold: StoredHold, accounts: ReadonlyMap<string, StoredAccount>, report: Report): Map<StoredAccount, bigint> {
  const expected = new Map<StoredAccount, bigint>();
  if (hold.outcome === null) {
    for (const [accountId, change] of sumsOf(hold)) {
      const account = accounts.get(accountId);
      if (account?.guarded === true && natural(account, change) < 0n) expected.set(account, -natural(account, change));
    }
  }
  const same = expected.size === hold.claims.size && [...expected].every(([account, amount]) => hold.claims.get(account.id) === amount);
  if (!same) report('hold_state', hold.id, 'What it claims of its accounts is not what it holds.');
  return expected;
}

/** A replay of holds: rows in, problems out. `finish` compares what open holds keep with the balances at the end. */
export function makeHoldReplay(accounts: ReadonlyMap<string, StoredAccount>, report: Report): {
  apply: (hold: StoredHold) => void; finish: (balances: ReadonlyMap<string, bigint>) => void;
} {
  const claimed = new Map<StoredAccount, bigint>();
  return {
    apply(hold) {
      checkHoldContent(hold, accounts, report);
      checkEnd(hold, report);
      for (const [account, amount] of checkClaims(hold, accounts, report)) claimed.set(account, (claimed.get(account) ?? 0n) + amount);
    },
    finish(balances) {
      for (const [account, amount] of claimed) {
        const left = natural(account, balances.get(account.id) ?? 0n) - (account.floorMinor ?? 0n);
        if (left < amount) report('hold_uncovered', account.code, `Open holds keep ${String(amount)} of it, ${String(left)} is there.`);
      }
    },
  };
}
