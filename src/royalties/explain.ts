import type { components } from '../../contracts/generated/api.ts';
import type { Json, JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart, type EntryView } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { earnedEntry, textIn } from './postings.ts';
import * as refunds from './refund-store.ts';
import * as runs from './run-store.ts';
import * as splits from './split-store.ts';
import type { LineRow, StatementRow } from './statement-store.ts';

export type ExplainedJson = components['schemas']['StatementLineExplained'];
type PotPart = ExplainedJson['pots'][number];
type SourceJson = ExplainedJson['sources'][number];

const SOURCES_MAX = 1_000;

/** The pots that a line speaks of, with the payee's part of each: received, or returned (below zero). */
async function potsBehind(tx: Tx, deps: RoyaltiesDeps, payee: string, metadata: JsonObject): Promise<PotPart[]> {
  const potId = textIn(metadata, 'potId');
  const refundId = textIn(metadata, 'refundId');
  const parts: { potId: string; returnedMinor: bigint | null }[] = [];
  if (potId !== null) parts.push({ potId, returnedMinor: null });
  else if (refundId !== null) {
    const legs = await refunds.returnedLegs(tx, refundId);
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

/** The entries that make up a pot, at most `limit`, in recorded order. */
async function entriesOf(tx: Tx, deps: RoyaltiesDeps, potId: string, limit: number): Promise<EntryView[]> {
  const pot = await runs.findPot(tx, potId);
  const covered = await runs.entriesOfPot(tx, potId, limit);
  const [first] = covered;
  const last = covered.at(-1);
  if (pot === null || first === undefined || last === undefined) return [];
  const mine = new Set(covered.map((entry) => `${entry.transferId}.${entry.leg}`));
  const { code: accountCode } = chart.earned(pot.cloneId, pot.tierId, pot.currency);
  const entries = await deps.ledger.entries(tx, { accountCode, fromPosition: first.position - 1n, toPosition: last.position });
  return entries.filter((entry) => mine.has(`${entry.transferId}.${entry.leg}`));
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

async function sourceOf(tx: Tx, deps: RoyaltiesDeps, entry: EntryView, potId: string | null): Promise<SourceJson> {
  const earned = earnedEntry(entry);
  const { metadata } = entry;
  const tierId = textIn(metadata, 'tierId');
  return {
    transferId: entry.transferId, position: entry.position?.toString() ?? '0', kind: entry.kind, effectiveDate: entry.effectiveDate,
    amountMinor: (earned?.amountMinor ?? -entry.amountMinor).toString(), potId, periodId: textIn(metadata, 'periodId'),
    subscriptionId: textIn(metadata, 'subscriptionId'), invoice: textIn(metadata, 'invoice'), charge: textIn(metadata, 'charge'),
    tierName: tierId === null ? null : ((await deps.billing.tier(tx, tierId))?.name ?? null), splitId: earned?.splitId ?? null,
    fromDay: textOrNull(metadata['fromDay']), throughDay: textOrNull(metadata['throughDay']),
  };
}

/** The entries behind a line: of its pots (for a refund only those of the refunded period), or of its payout. */
async function sourcesOf(tx: Tx, deps: RoyaltiesDeps, metadata: JsonObject, pots: readonly PotPart[]): Promise<SourceJson[]> {
  const periodId = textIn(metadata, 'periodId');
  const payoutId = textIn(metadata, 'payoutId');
  const sources: SourceJson[] = [];
  for (const { potId } of pots) {
    for (const entry of await entriesOf(tx, deps, potId, SOURCES_MAX)) {
      if (sources.length === SOURCES_MAX) return sources;
      if (periodId === null || textIn(entry.metadata, 'periodId') === periodId) sources.push(await sourceOf(tx, deps, entry, potId));
    }
  }
  if (payoutId !== null) {
    const entries = await deps.ledger.entriesFor(tx, { payoutId });
    for (const entry of entries.filter((one) => one.accountCode.startsWith('payout_pending:') && one.position !== null)) {
      sources.push(await sourceOf(tx, deps, entry, null));
    }
  }
  return sources;
}

/** Where a line comes from, down to the payments. */
export async function explainLine(tx: Tx, deps: RoyaltiesDeps, statement: StatementRow, line: LineRow): Promise<ExplainedJson> {
  const transfer = await deps.ledger.transfer(tx, line.transferId);
  if (transfer?.position == null) throw new Error(`Transfer ${line.transferId} of a closed statement has no place in the ledger.`);
  const pots = await potsBehind(tx, deps, statement.payee, transfer.metadata);
  const sources = await sourcesOf(tx, deps, transfer.metadata, pots);
  const whole = textIn(transfer.metadata, 'periodId') === null && pots.length > 0;
  return {
    statementId: statement.id, lineId: line.lineId, amountMinor: line.amountMinor.toString(), currency: statement.currency,
    transfer: {
      transferId: transfer.transferId, position: transfer.position.toString(), kind: transfer.kind, effectiveDate: transfer.effectiveDate,
      recordedAt: transfer.recordedAt.toISOString(),
    },
    pots, sourceCount: whole ? await runs.countEntries(tx, pots.map((pot) => pot.potId)) : sources.length, sources,
  };
}
