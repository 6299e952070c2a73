import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import type { EntryView } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { detailsOf, earnedEntry, textIn } from './postings.ts';
import * as pots from './pot-store.ts';
import { fanPseudonym } from './pseudonym.ts';

/** A posting of earnings, with the payment, tier, split and fan that it comes from. */
export interface Source {
  entry: EntryView;
  metadata: JsonObject;
  /** What it added to the pot. */
  amountMinor: bigint;
  /** What the fan paid for it, the tax in that and the processor's fee; null where it was not kept. */
  grossMinor: bigint | null;
  taxMinor: bigint | null;
  feeMinor: bigint | null;
  potId: string | null;
  fan: string | null;
  /** The payments that paid for it: one of a subscription, of coins those of the packs that they came from. */
  charges: string[];
  tierName: string | null;
  splitId: string | null;
}

function minorIn(metadata: JsonObject, name: string): bigint | null {
  const text = textIn(metadata, name);
  return text !== null && /^-?\d{1,19}$/.test(text) ? BigInt(text) : null;
}

interface Payer {
  accountId: string;
  charges: string[];
}

/** Who paid for what stands in the ledger under this id, and with which payments: a paid period, a month paid ahead, or an output's coins. */
async function payerOf(tx: Tx, { billing }: RoyaltiesDeps, periodId: string): Promise<Payer | null> {
  const period = await billing.period(tx, periodId);
  const coins = await billing.coinSpend(tx, period?.charge ?? periodId);
  if (coins !== null || period === null) return coins;
  return { accountId: period.accountId, charges: [period.charge] };
}

/** Turns entries on `earned` accounts into sources; looks each period and tier up once. */
async function sourcesOf(tx: Tx, deps: RoyaltiesDeps, payee: string, entries: readonly EntryView[], potOf: (entry: EntryView) => string | null): Promise<Source[]> {
  const payers = new Map<string, Payer | null>();
  const tiers = new Map<string, string | null>();
  const sources: Source[] = [];
  for (const entry of entries) {
    const metadata = detailsOf(entry);
    const periodId = textIn(metadata, 'periodId');
    if (periodId !== null && !payers.has(periodId)) payers.set(periodId, await payerOf(tx, deps, periodId));
    const tierId = textIn(metadata, 'tierId');
    if (tierId !== null && !tiers.has(tierId)) tiers.set(tierId, (await deps.billing.tier(tx, tierId))?.name ?? null);
    const earned = earnedEntry(entry);
    const amountMinor = earned?.amountMinor ?? -entry.amountMinor;
    const [taxMinor, feeMinor] = [minorIn(metadata, 'taxMinor'), minorIn(metadata, 'feeMinor')];
    const fanAccountId = textIn(metadata, 'fanAccountId');
    const payer = periodId === null ? null : (payers.get(periodId) ?? null);
    const fan = payer?.accountId ?? fanAccountId;
    sources.push({
      entry, metadata, amountMinor, taxMinor, feeMinor, grossMinor: taxMinor === null || feeMinor === null ? null : amountMinor + taxMinor + feeMinor,
      potId: potOf(entry), splitId: earned?.splitId ?? null, tierName: tierId === null ? null : (tiers.get(tierId) ?? null),
      fan: fan === null ? null : fanPseudonym(deps.pseudonymSecret, payee, fan), charges: payer?.charges ?? [],
    });
  }
  return sources;
}

/** The earnings in a pot by transfer, a page of them. */
export async function potSources(
  tx: Tx, deps: RoyaltiesDeps, payee: string, potId: string, page: { after: pots.EntryKey | null; limit: number },
): Promise<Source[]> {
  const covered = await pots.entriesOfPot(tx, potId, page.after, page.limit);
  const entries: EntryView[] = [];
  for (const { transferId, leg } of covered) {
    const transfer = await deps.ledger.transfer(tx, transferId);
    const view = transfer?.entries[leg - 1];
    if (transfer == null || view === undefined) throw new Error(`Entry ${transferId}.${leg} of a pot is not in the ledger.`);
    entries.push({ ...transfer, ...view, leg });
  }
  return await sourcesOf(tx, deps, payee, entries, () => potId);
}

/** The earnings of a period that stand in these pots; all of them where no pot is named, such as for a fee that a refund left. */
export async function sourcesOfPeriod(tx: Tx, deps: RoyaltiesDeps, payee: string, periodId: string, potIds: readonly string[]): Promise<Source[]> {
  const potOf = new Map<string, string>();
  for (const one of await pots.entriesInPots(tx, periodId, potIds)) potOf.set(`${one.transferId}.${one.leg}`, one.potId);
  const key = (entry: EntryView): string => `${entry.transferId}.${entry.leg}`;
  const entries = (await deps.ledger.entriesFor(tx, { periodId })).filter((entry) => {
    return potIds.length === 0 ? entry.position !== null && ((earnedEntry(entry)?.amountMinor ?? 0n) > 0n || entry.kind === 'billing.days_earned') : potOf.has(key(entry));
  });
  return await sourcesOf(tx, deps, payee, entries, (entry) => potOf.get(key(entry)) ?? null);
}
