import type { components } from '../../contracts/generated/api.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import type { TransferView } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { causeIn, textIn } from './postings.ts';
import * as refunds from './refund-store.ts';
import * as runs from './run-store.ts';
import { potSources, type Source, sourcesOfPeriod } from './sources.ts';
import * as splits from './split-store.ts';
import { type EntryKey } from './pot-store.ts';
import { entriesOfLine, type LineEntry, type StatementRow } from './statement-store.ts';

export type ExplainedJson = components['schemas']['StatementLineExplained'];
type PotPart = ExplainedJson['pots'][number];

export const PAGE_DEFAULT = 200;

/** Where a page begins: after this entry, named as `transfer.leg`. */
export interface Page {
  limit: number;
  after?: string;
}

function cursor(after: string | undefined): EntryKey | null {
  if (after === undefined) return null;
  const [, transferId, leg] = /^(trf_[0-9a-z]{26})\.([1-9]\d{0,3})$/.exec(after) ?? [];
  if (transferId === undefined || leg === undefined) throw new Refusal('request_invalid', '`after` is what the last page named as `next`.');
  return { transferId, leg: Number(leg) };
}

interface Line {
  statement: StatementRow;
  lineId: string;
  /** What the line says. */
  amountMinor: string;
}

/** The pots that an entry speaks of, with the payee's part of each: received, or returned (below zero). */
async function potsBehind(tx: Tx, deps: RoyaltiesDeps, payee: string, metadata: JsonObject): Promise<PotPart[]> {
  const potId = textIn(metadata, 'potId');
  const causeId = causeIn(metadata);
  const parts: { potId: string; returnedMinor: bigint | null }[] = [];
  if (potId !== null) parts.push({ potId, returnedMinor: null });
  else if (causeId !== null) {
    const legs = await refunds.returnedLegs(tx, causeId);
    parts.push(...legs.filter((leg) => leg.payee === payee).map((leg) => ({ potId: leg.potId, returnedMinor: leg.amountMinor })));
  }
  const found: PotPart[] = [];
  for (const part of parts) {
    const pot = await runs.findPot(tx, part.potId);
    const leg = (await runs.legsOfPot(tx, part.potId)).find((one) => one.payee === payee);
    if (pot === null || leg === undefined) continue;
    found.push({
      potId: pot.id, runId: pot.runId, cloneId: pot.cloneId, tierId: pot.tierId, tierName: (await deps.billing.tier(tx, pot.tierId))?.name ?? '',
      splitId: pot.splitId, splitNumber: await splits.numberOf(tx, pot.splitId), basisPoints: leg.basisPoints, potMinor: pot.amountMinor.toString(),
      amountMinor: (part.returnedMinor === null ? leg.amountMinor : -part.returnedMinor).toString(),
    });
  }
  return found;
}

function sourceJson({ metadata, ...source }: Source): ExplainedJson['sources'][number] {
  const { entry } = source;
  return {
    transferId: entry.transferId, leg: entry.leg, position: entry.position?.toString() ?? '0', kind: entry.kind, effectiveDate: entry.effectiveDate,
    amountMinor: source.amountMinor.toString(), grossMinor: source.grossMinor?.toString() ?? null, taxMinor: source.taxMinor?.toString() ?? null,
    feeMinor: source.feeMinor?.toString() ?? null, potId: source.potId, fan: source.fan, periodId: textIn(metadata, 'periodId'),
    subscriptionId: textIn(metadata, 'subscriptionId'), invoice: textIn(metadata, 'invoice'), charge: source.charges[0] ?? textIn(metadata, 'charge'), charges: source.charges,
    outputId: textIn(metadata, 'outputId'), tierName: source.tierName, splitId: source.splitId, fromDay: textIn(metadata, 'fromDay'),
    throughDay: textIn(metadata, 'throughDay'),
  };
}

function entryJson(entry: LineEntry, transfer: TransferView): ExplainedJson['entries'][number] {
  const { metadata } = transfer;
  return {
    transferId: entry.transferId, leg: entry.leg, position: transfer.position?.toString() ?? '0', kind: transfer.kind, effectiveDate: transfer.effectiveDate,
    recordedAt: transfer.recordedAt.toISOString(), amountMinor: entry.amountMinor.toString(), runId: textIn(metadata, 'runId'),
    refundId: textIn(metadata, 'refundId'), payoutId: textIn(metadata, 'payoutId'), reason: textIn(metadata, 'reason'),
  };
}

async function transferOf(tx: Tx, deps: RoyaltiesDeps, transferId: string): Promise<TransferView> {
  const transfer = await deps.ledger.transfer(tx, transferId);
  if (transfer?.position == null) throw new Error(`Transfer ${transferId} of a closed statement has no place in the ledger.`);
  return transfer;
}

/** What stands behind one entry that is no share of a pot: the refunded period's earnings, or the payout's phases. */
async function behind(tx: Tx, deps: RoyaltiesDeps, payee: string, transfer: TransferView, pots: readonly PotPart[]): Promise<Source[]> {
  const periodId = textIn(transfer.metadata, 'periodId');
  const payoutId = textIn(transfer.metadata, 'payoutId');
  const found: Source[] = [];
  if (periodId !== null) found.push(...await sourcesOfPeriod(tx, deps, payee, periodId, pots.map((pot) => pot.potId)));
  if (payoutId !== null) {
    const entries = await deps.ledger.entriesFor(tx, { payoutId });
    for (const entry of entries.filter((one) => one.accountCode.startsWith('payout_pending:') && one.position !== null)) {
      found.push({
        entry, metadata: entry.metadata, amountMinor: -entry.amountMinor, grossMinor: null, taxMinor: null, feeMinor: null, potId: null, fan: null, charges: [],
        tierName: null, splitId: null,
      });
    }
  }
  return found;
}

/** A share of one pot: its transfer, and page by page the earnings that are in the pot, each with its payment. */
async function explainShare(tx: Tx, deps: RoyaltiesDeps, line: Line, entry: LineEntry, pots: PotPart[], page: Page): Promise<ExplainedJson> {
  const potId = pots[0]?.potId ?? '';
  const transfer = await transferOf(tx, deps, entry.transferId);
  const sources = await potSources(tx, deps, line.statement.payee, potId, { after: cursor(page.after), limit: page.limit + 1 });
  const shown = sources.slice(0, page.limit);
  const last = shown.at(-1)?.entry;
  return {
    ...headOf(line), entries: [entryJson(entry, transfer)], pots, sourceCount: await runs.countEntries(tx, [potId]), sources: shown.map(sourceJson),
    next: sources.length > page.limit && last !== undefined ? `${last.transferId}.${last.leg}` : null,
  };
}

function headOf({ statement, lineId, amountMinor }: Line): Pick<ExplainedJson, 'statementId' | 'lineId' | 'amountMinor' | 'currency'> {
  return { statementId: statement.id, lineId, amountMinor, currency: statement.currency };
}

/** Where a line comes from, down to the payments; a page of it. Null when the statement has no such line. */
export async function explainLine(tx: Tx, deps: RoyaltiesDeps, line: Line, page: Page): Promise<ExplainedJson | null> {
  const { statement, lineId } = line;
  const [first] = await entriesOfLine(tx, statement.id, lineId, null, 1);
  if (first === undefined) return null;
  const { metadata } = await transferOf(tx, deps, first.transferId);
  if (textIn(metadata, 'potId') !== null) return await explainShare(tx, deps, line, first, await potsBehind(tx, deps, statement.payee, metadata), page);
  const found = await entriesOfLine(tx, statement.id, lineId, cursor(page.after), page.limit + 1);
  const shown = found.slice(0, page.limit);
  const explained: Pick<ExplainedJson, 'entries' | 'pots' | 'sources'> = { entries: [], pots: [], sources: [] };
  for (const entry of shown) {
    const transfer = await transferOf(tx, deps, entry.transferId);
    const pots = await potsBehind(tx, deps, statement.payee, transfer.metadata);
    explained.entries.push(entryJson(entry, transfer));
    explained.pots.push(...pots);
    explained.sources.push(...(await behind(tx, deps, statement.payee, transfer, pots)).map(sourceJson));
  }
  const last = shown.at(-1);
  return {
    ...headOf(line), ...explained, sourceCount: explained.sources.length,
    next: found.length > page.limit && last !== undefined ? `${last.transferId}.${last.leg}` : null,
  };
}
