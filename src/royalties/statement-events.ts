import type { components } from '../../contracts/generated/api.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { causeIn, textIn } from './postings.ts';
import { type EntryKey, returnsOf } from './pot-store.ts';
import { potSources, type Source } from './sources.ts';
import { natural, type Statement, type StatementLine } from './statement-model.ts';
import { entriesOfLine, type StatementRow } from './statement-store.ts';
import * as splits from './split-store.ts';

/** What a statement rests on, as a list of events: enough to work every figure of it out again with nothing of ours. */

export type EventsJson = components['schemas']['StatementEvents'];
type EntryEvent = EventsJson['entries'][number];
type EarnedEvent = EventsJson['earned'][number];

export const EVENTS_PAGE = 1_000;

/** One of the lists that the events are read from, in their order: the entries of a line, or the earnings of a pot. */
type List = { lineId: string } | { potId: string };

/** Where a page begins: in which list, after which entry of it. */
interface Place {
  list: number;
  after: EntryKey | null;
}

function placeOf(after: string | undefined): Place {
  if (after === undefined) return { list: 0, after: null };
  const [, list, transferId, leg] = /^(\d{1,9})\.(trf_[0-9a-z]{26})\.([1-9]\d{0,3})$/.exec(after) ?? [];
  if (list === undefined || transferId === undefined || leg === undefined) throw new Refusal('request_invalid', '`after` is what the last page named as `next`.');
  return { list: Number(list), after: { transferId, leg: Number(leg) } };
}

function accountOf(lineId: string): EntryEvent['account'] {
  return lineId.startsWith('d') ? 'debt' : lineId.startsWith('r') ? 'reserve' : 'balance';
}

async function entryEvents(tx: Tx, deps: RoyaltiesDeps, statement: StatementRow, lineId: string, after: EntryKey | null, limit: number): Promise<EntryEvent[]> {
  const events: EntryEvent[] = [];
  for (const { transferId, leg } of await entriesOfLine(tx, statement.id, lineId, after, limit)) {
    const transfer = await deps.ledger.transfer(tx, transferId);
    const entry = transfer?.entries[leg - 1];
    if (transfer?.position == null || entry === undefined) throw new Error(`Entry ${transferId}.${leg} of a closed statement is not in the ledger.`);
    const { metadata } = transfer;
    // Both a refund and a lost dispute take from pots, under the id of what caused it.
    const causeId = causeIn(metadata);
    const returns = causeId === null || textIn(metadata, 'potId') !== null || !RETURNING.includes(transfer.kind) ? null : await returnsOf(tx, causeId);
    const account = accountOf(lineId);
    events.push({
      account, lineId, transferId, leg, position: transfer.position.toString(), transferKind: transfer.kind, effectiveDate: transfer.effectiveDate,
      amountMinor: natural(account, entry.amountMinor).toString(), potId: textIn(metadata, 'potId'), refundId: textIn(metadata, 'refundId'),
      payoutId: textIn(metadata, 'payoutId'),
      returns: returns?.map(({ potId, beforeMinor, baseMinor, amountMinor, shares }) => ({
        potId, beforeMinor: beforeMinor.toString(), baseMinor: baseMinor.toString(), amountMinor: amountMinor.toString(),
        shares: shares.map((share) => ({ payee: share.payee, shareMinor: share.shareMinor.toString() })),
      })) ?? null,
    });
  }
  return events;
}

/** Postings that take back what pots gave. */
const RETURNING: readonly string[] = ['royalties.days_refunded', 'royalties.dispute_lost'];

async function periodOf(tx: Tx, deps: RoyaltiesDeps, source: Source): Promise<EarnedEvent['period']> {
  const periodId = textIn(source.metadata, 'periodId');
  const { days, earnedDays } = source.metadata;
  const period = periodId === null || typeof days !== 'number' || typeof earnedDays !== 'number' || source.entry.kind !== 'billing.days_earned'
    ? null : await deps.billing.period(tx, periodId);
  if (period === null || typeof days !== 'number' || typeof earnedDays !== 'number') return null;
  return {
    grossMinor: period.grossMinor.toString(), taxMinor: period.taxMinor.toString(), feeMinor: period.feeMinor.toString(), days: period.days,
    fromK: earnedDays - days, toK: earnedDays,
  };
}

async function earnedEvents(tx: Tx, deps: RoyaltiesDeps, payee: string, potId: string, after: EntryKey | null, limit: number): Promise<EarnedEvent[]> {
  const events: EarnedEvent[] = [];
  for (const source of await potSources(tx, deps, payee, potId, { after, limit })) {
    const { entry, metadata } = source;
    events.push({
      potId, transferId: entry.transferId, leg: entry.leg, position: entry.position?.toString() ?? '0', transferKind: entry.kind,
      effectiveDate: entry.effectiveDate, fromDay: textIn(metadata, 'fromDay'), throughDay: textIn(metadata, 'throughDay'),
      amountMinor: source.amountMinor.toString(), grossMinor: source.grossMinor?.toString() ?? null, taxMinor: source.taxMinor?.toString() ?? null,
      feeMinor: source.feeMinor?.toString() ?? null, fan: source.fan, charge: source.charges[0] ?? textIn(metadata, 'charge'), outputId: textIn(metadata, 'outputId'),
      period: await periodOf(tx, deps, source),
    });
  }
  return events;
}

function listsOf(document: Statement): List[] {
  const lines: readonly StatementLine[] = [...document.lines, ...document.debt.lines, ...document.reserve.lines];
  return [...lines.map(({ lineId }) => ({ lineId })), ...document.pots.map(({ potId }) => ({ potId }))];
}

/** A page of the events behind a statement, at most `limit`. The splits stand on the first page. */
export async function statementEvents(
  tx: Tx, deps: RoyaltiesDeps, statement: StatementRow, document: Statement, page: { after?: string; limit: number },
): Promise<EventsJson> {
  const { statementId, payee, currency, fromPosition, toPosition } = document;
  const lists = listsOf(document);
  const place = placeOf(page.after);
  const events: EventsJson = {
    type: 'benren.statement_events', schemaVersion: 1, statementId, payee, currency, fromPosition, toPosition, splits: [], entries: [], earned: [], next: null,
  };
  if (page.after === undefined) {
    for (const splitId of [...new Set(document.pots.map((pot) => pot.splitId))].sort()) {
      const split = await splits.findSplit(tx, splitId);
      if (split === null) throw new Error(`There is no split ${splitId}.`);
      events.splits.push({ splitId, document: JSON.parse(split.canonical) as EventsJson['splits'][number]['document'] });
    }
  }
  let left = page.limit;
  for (let index = place.list; index < lists.length && left > 0; index += 1) {
    const list = lists[index];
    if (list === undefined) break;
    const after = index === place.list ? place.after : null;
    const found = 'lineId' in list ? await entryEvents(tx, deps, statement, list.lineId, after, left) : await earnedEvents(tx, deps, payee, list.potId, after, left);
    left -= found.length;
    if ('lineId' in list) events.entries.push(...found as EntryEvent[]);
    else events.earned.push(...found as EarnedEvent[]);
    const last = found.at(-1);
    // A full page may have ended a list exactly: the next page then begins with the list after it.
    if (left === 0 && last !== undefined) events.next = `${index}.${last.transferId}.${last.leg}`;
  }
  return events;
}
