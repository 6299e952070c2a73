import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { returnedBy, sharesBy, sum } from './recompute-math.ts';
import type { EarnedEvent, EntryEvent, Events, LineIn, PotIn, ReturnIn, SplitIn, StatementIn } from './recompute-types.ts';

/**
 * A statement worked out again from its list of events, with no database, no network, and none of the code that posted it:
 * fractions of its own, rounded once at the end of each pot. Pure.
 */

/** One thing that was worked out, beside what the statement says of it. */
export interface Finding {
  what: string;
  stated: string;
  worked: string;
  ok: boolean;
}

export interface Recomputed {
  ok: boolean;
  findings: Finding[];
}

class Sheet {
  readonly findings: Finding[] = [];

  same(what: string, stated: bigint | string, worked: bigint | string): void {
    this.findings.push({ what, stated: stated.toString(), worked: worked.toString(), ok: stated.toString() === worked.toString() });
  }
}

/** What a period's days were worth: ⌊amount × k / n⌋ after k of n days, net of tax less the fee. */
function worthOf(period: NonNullable<EarnedEvent['period']>): bigint {
  const part = (amount: bigint): bigint => (amount * BigInt(period.toK)) / BigInt(period.days) - (amount * BigInt(period.fromK)) / BigInt(period.days);
  return part(BigInt(period.grossMinor) - BigInt(period.taxMinor)) - part(BigInt(period.feeMinor));
}

function checkEarned(sheet: Sheet, pot: PotIn, events: readonly EarnedEvent[]): void {
  const earned = events.filter((event) => event.potId === pot.potId);
  sheet.same(`pot ${pot.potId}: postings of earnings`, pot.entries, `${earned.length}`);
  sheet.same(`pot ${pot.potId}: earned`, pot.earnedMinor, sum(earned.map((event) => BigInt(event.amountMinor))));
  for (const event of earned) {
    if (event.period !== null) sheet.same(`pot ${pot.potId}: ${event.fromDay ?? ''} – ${event.throughDay ?? ''} of ${event.transferId}`, event.amountMinor, worthOf(event.period));
  }
  for (const name of ['grossMinor', 'taxMinor', 'feeMinor'] as const) {
    const parts = earned.map((event) => event[name]);
    const stated = pot[name];
    if (stated !== null && !parts.includes(null)) sheet.same(`pot ${pot.potId}: ${name}`, stated, sum(parts.map((part) => BigInt(part ?? '0'))));
  }
}

/** What is divided, by the base that was signed. Null when the pot does not say what it would need. */
function baseOf(pot: PotIn, base: string): bigint | null {
  const earned = BigInt(pot.earnedMinor);
  if (base === 'net_of_tax_and_fees') return earned;
  if (pot.feeMinor === null || pot.taxMinor === null) return null;
  return base === 'net_of_tax' ? earned + BigInt(pot.feeMinor) : earned + BigInt(pot.feeMinor) + BigInt(pot.taxMinor);
}

function checkShares(sheet: Sheet, pot: PotIn, splits: readonly SplitIn[]): void {
  const split = splits.find((one) => one.splitId === pot.splitId);
  sheet.same(`pot ${pot.potId}: the signed split`, pot.splitSha256, split === undefined ? 'not among the events' : sha256Hex(canonicalJson(split.document)));
  if (split === undefined) return;
  const { base, legs } = split.document;
  const found = baseOf(pot, base);
  if (found === null) return;
  const earned = BigInt(pot.earnedMinor);
  // What the base leaves in, tax and fees, is borne by the platform. A base below zero is not divided: it bears all of it.
  const [baseMinor, borneMinor] = found < 0n ? [0n, -earned] : [found, found - earned];
  sheet.same(`pot ${pot.potId}: base`, pot.baseMinor, baseMinor);
  const upstream = pot.legs.filter((leg) => leg.derivativeId !== null);
  const above = upstreamOf(baseMinor, upstream.map((leg) => BigInt(leg.basisPoints)));
  for (const [index, leg] of upstream.entries()) {
    sheet.same(`pot ${pot.potId}: of ${leg.payee}'s original`, `${leg.shareMinor} ${leg.amountMinor}`, `${above[index] ?? 0n} ${above[index] ?? 0n}`);
  }
  const stated = pot.legs.filter((leg) => leg.derivativeId === null);
  const shares = sharesBy(baseMinor - sum(above), legs.map((leg) => BigInt(leg.basisPoints)));
  sheet.same(`pot ${pot.potId}: legs`, `${stated.length}`, `${legs.length}`);
  for (const [index, leg] of legs.entries()) {
    const one = stated[index];
    const amount = (shares[index] ?? 0n) - (leg.payee === 'platform' ? borneMinor : 0n);
    sheet.same(`pot ${pot.potId}: share of ${leg.payee}`, `${one?.payee ?? ''} ${one?.basisPoints ?? ''} ${one?.shareMinor ?? ''} ${one?.amountMinor ?? ''}`,
      `${leg.payee} ${leg.basisPoints} ${shares[index] ?? 0n} ${amount}`);
  }
}

/** What goes up to the originals before the split divides the rest: their basis points of the base rounded down in all, by largest remainder among them. */
function upstreamOf(baseMinor: bigint, basisPoints: readonly bigint[]): bigint[] {
  const all = sum(basisPoints);
  return baseMinor <= 0n || all === 0n ? basisPoints.map(() => 0n) : sharesBy((baseMinor * all) / 10_000n, basisPoints);
}

/** What this payee returns of a pot when so much of it is claimed back, over all that was claimed before. */
function returnOf({ beforeMinor, baseMinor, amountMinor, shares }: ReturnIn, payee: string): bigint {
  const own = shares.flatMap((share, leg) => (share.payee === payee ? [leg] : []));
  const received = shares.map((share) => BigInt(share.shareMinor));
  const [from, to] = [BigInt(beforeMinor), BigInt(beforeMinor) + BigInt(baseMinor)];
  const [before, after] = [returnedBy(from, received), returnedBy(to, received)];
  const step = sum(own.map((leg) => (after[leg] ?? 0n) - (before[leg] ?? 0n)));
  return payee === 'platform' && own.length > 0 ? step - (to - from - BigInt(amountMinor)) : step;
}

/** What a payee gives back in one refund comes out of balance and reserve, and what they lack is a debt. */
function checkReturns(sheet: Sheet, payee: string, events: readonly EntryEvent[]): void {
  const returning = new Map<string, EntryEvent[]>();
  for (const event of events) if (event.returns !== null) returning.set(event.transferId, [...(returning.get(event.transferId) ?? []), event]);
  for (const [transferId, entries] of returning) {
    const given = sum(entries.map((entry) => (entry.account === 'debt' ? BigInt(entry.amountMinor) : -BigInt(entry.amountMinor))));
    const owed = sum((entries[0]?.returns ?? []).map((one) => returnOf(one, payee)));
    sheet.same(`refund ${transferId}: returned`, given, owed);
  }
}

const OPPOSITE: readonly string[] = ['debt', 'reserve_held', 'reserve_released'];

/** What moves between a payee's own accounts leaves one as it comes to the other, and never more than was there. */
function checkMoves(sheet: Sheet, statement: StatementIn, events: readonly EntryEvent[], kindOf: (event: EntryEvent) => string): void {
  const moved = new Map<string, EntryEvent[]>();
  for (const event of events) if (OPPOSITE.includes(kindOf(event))) moved.set(event.transferId, [...(moved.get(event.transferId) ?? []), event]);
  for (const [transferId, entries] of moved) {
    const change = (account: EntryEvent['account']): bigint => sum(entries.filter((entry) => entry.account === account).map((entry) => BigInt(entry.amountMinor)));
    sheet.same(`${transferId}: out of the balance, into the reserve or off the debt`, -change('balance'), change('reserve') - change('debt'));
  }
  if (statement.payee === 'platform') return;
  const levels = { balance: BigInt(statement.openingMinor), debt: BigInt(statement.debt.openingMinor), reserve: BigInt(statement.reserve.openingMinor) };
  let below = 'never';
  for (const event of [...events].sort((a, b) => (BigInt(a.position) < BigInt(b.position) ? -1 : BigInt(a.position) > BigInt(b.position) ? 1 : a.leg - b.leg))) {
    levels[event.account] += BigInt(event.amountMinor);
    if (levels[event.account] < 0n) below = `${event.account} at position ${event.position}`;
  }
  sheet.same('an account below zero', 'never', below);
}

function checkLines(sheet: Sheet, account: EntryEvent['account'], stated: { openingMinor: string; lines: readonly LineIn[]; closingMinor: string }, events: readonly EntryEvent[]): void {
  const own = events.filter((event) => event.account === account);
  for (const line of stated.lines) {
    const entries = own.filter((event) => event.lineId === line.lineId);
    sheet.same(`line ${line.lineId} ${line.kind}`, line.amountMinor, sum(entries.map((entry) => BigInt(entry.amountMinor))));
    sheet.same(`line ${line.lineId} entries`, line.entries, `${entries.length}`);
  }
  const known = new Set(stated.lines.map((line) => line.lineId));
  sheet.same(`${account}: entries on no line`, '0', `${own.filter((event) => !known.has(event.lineId)).length}`);
  sheet.same(`${account}: closing`, stated.closingMinor, BigInt(stated.openingMinor) + sum(own.map((event) => BigInt(event.amountMinor))));
}

/** The entries that are parts of pots are what the pots gave: by the split, and to the originals above. */
function checkShareEntries(sheet: Sheet, statement: StatementIn, events: readonly EntryEvent[]): void {
  for (const pot of statement.pots) {
    for (const [kind, upstream] of [['royalties.pot_divided', false], ['royalties.derivative_divided', true]] as const) {
      const entries = events.filter((event) => event.potId === pot.potId && event.account === 'balance' && event.transferKind === kind);
      const legs = pot.legs.filter((leg) => leg.payee === statement.payee && (leg.derivativeId !== null) === upstream);
      sheet.same(`pot ${pot.potId}: ${kind}`, sum(entries.map((event) => BigInt(event.amountMinor))), sum(legs.map((leg) => BigInt(leg.amountMinor))));
    }
  }
}

const amountOf = (lines: readonly LineIn[]): bigint => sum(lines.map((line) => BigInt(line.amountMinor)));

function checkTotals(sheet: Sheet, statement: StatementIn): void {
  for (const total of statement.totals) {
    const lines = statement.lines.filter((line) => line.kind === total.kind);
    sheet.same(`total ${total.kind}`, total.totalMinor, amountOf(lines));
    sheet.same(`total ${total.kind} of the period`, total.inPeriodMinor, amountOf(lines.filter((line) => !line.adjustment)));
    sheet.same(`total ${total.kind} of earlier periods`, total.adjustmentsMinor, amountOf(lines.filter((line) => line.adjustment)));
  }
  sheet.same('the totals', BigInt(statement.closingMinor) - BigInt(statement.openingMinor), sum(statement.totals.map((total) => BigInt(total.totalMinor))));
}

const EARNING: readonly string[] = ['earnings', 'derivative'];
const RETURNING: readonly string[] = ['refunds', 'disputes'];

function checkEarnings(sheet: Sheet, statement: StatementIn): void {
  for (const row of statement.earnings) {
    const own = statement.lines.filter((line) => line.cloneId === row.cloneId && line.tierId === row.tierId);
    const [earned, returned] = [own.filter((line) => EARNING.includes(line.kind)), own.filter((line) => RETURNING.includes(line.kind))];
    const what = `earnings of ${row.cloneName} ${row.tierName ?? ''}`;
    sheet.same(`${what} in the period`, row.inPeriodMinor, amountOf(earned.filter((line) => !line.adjustment)));
    sheet.same(`${what} of earlier periods`, row.adjustmentsMinor, amountOf(earned.filter((line) => line.adjustment)));
    sheet.same(`${what} returned`, row.refundsMinor, amountOf(returned));
    sheet.same(`${what} in all`, row.totalMinor, amountOf([...earned, ...returned]));
  }
}

/** Works a statement out again. Every figure that it states of lines, pots, shares, totals and closings is in the findings. */
export function recompute(statement: StatementIn, events: Events): Recomputed {
  const sheet = new Sheet();
  sheet.same('the statement of these events', statement.statementId, events.statementId);
  sheet.same('their payee', `${statement.payee} ${statement.currency}`, `${events.payee} ${events.currency}`);
  sheet.same('their range', `(${statement.fromPosition}, ${statement.toPosition}]`, `(${events.fromPosition}, ${events.toPosition}]`);
  const outside = events.entries.filter((event) => BigInt(event.position) <= BigInt(statement.fromPosition) || BigInt(event.position) > BigInt(statement.toPosition));
  sheet.same('entries outside of the range', '0', `${outside.length}`);
  const keys = [...events.entries, ...events.earned].map((event) => `${event.transferId}.${event.leg}`);
  sheet.same('events that stand twice', '0', `${keys.length - new Set(keys).size}`);
  for (const pot of statement.pots) {
    checkEarned(sheet, pot, events.earned);
    checkShares(sheet, pot, events.splits);
  }
  checkShareEntries(sheet, statement, events.entries);
  const kinds = new Map([...statement.lines, ...statement.debt.lines, ...statement.reserve.lines].map((line) => [line.lineId, line.kind]));
  checkReturns(sheet, statement.payee, events.entries);
  checkMoves(sheet, statement, events.entries, (event) => kinds.get(event.lineId) ?? '');
  checkLines(sheet, 'balance', statement, events.entries);
  checkLines(sheet, 'debt', statement.debt, events.entries);
  checkLines(sheet, 'reserve', statement.reserve, events.entries);
  checkTotals(sheet, statement);
  checkEarnings(sheet, statement);
  return { ok: sheet.findings.every((finding) => finding.ok), findings: sheet.findings };
}
