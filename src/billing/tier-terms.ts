import { Refusal } from '../kernel/refusals.ts';
import { parsePrice, PRICE_MINOR_MAX } from './model.ts';

/** What a tier offers, and what it offers when the owner says nothing else. Pure. */

export const TIER_KINDS = ['free', 'friend', 'work'] as const;
export type TierKind = (typeof TIER_KINDS)[number];
export type BillingInterval = 'month' | 'year';

/** One version of what a tier costs and gives. Amounts in minor units, tax included. */
export interface OfferTerms {
  priceMinor: bigint;
  /** Null when it is not sold by the year. */
  yearPriceMinor: bigint | null;
  /** Outputs of a month; of a free tier once, and null there is without a limit. */
  outputsPerPeriod: number | null;
  capabilities: string[];
  instantReplies: boolean;
}

/** Prices of the first mass-market clones: 42 and 210 coins, 7 coins to 1 CNY. Voice is free too, since chat is not rendered yet. */
export const TIER_DEFAULTS: Readonly<Record<TierKind, Omit<OfferTerms, 'yearPriceMinor'>>> = {
  free: { priceMinor: 0n, outputsPerPeriod: 9, capabilities: ['chat', 'voice'], instantReplies: false },
  friend: { priceMinor: 600n, outputsPerPeriod: 100, capabilities: ['chat', 'voice', 'moments'], instantReplies: true },
  work: { priceMinor: 3_000n, outputsPerPeriod: 300, capabilities: ['chat', 'voice', 'moments', 'work', 'video'], instantReplies: true },
};

/** What the owner said of an offer; what is missing is taken from the offer before, or from the defaults. */
export interface OfferInput {
  priceMinor?: string | undefined;
  yearPriceMinor?: string | null | undefined;
  voiceOutputsPerPeriod?: number | null | undefined;
  capabilities?: readonly string[] | undefined;
  instantReplies?: boolean | undefined;
}

export function kindOf(name: string): TierKind {
  return TIER_KINDS.find((kind) => kind === name) ?? 'friend';
}

function priceOf(kind: TierKind, text: string | undefined, before: bigint): bigint {
  if (text === undefined) return before;
  if (kind !== 'free') return parsePrice(text);
  if (text !== '0') throw new Refusal('money_out_of_range', 'A free tier costs nothing.');
  return 0n;
}

function yearPriceOf(kind: TierKind, input: OfferInput, priceMinor: bigint, before: OfferTerms | null): bigint | null {
  const { yearPriceMinor } = input;
  if (kind === 'free') {
    if (typeof yearPriceMinor === 'string') throw new Refusal('money_out_of_range', 'A free tier has no price by the year.');
    return null;
  }
  if (yearPriceMinor === null) return null;
  if (yearPriceMinor !== undefined) return parsePrice(yearPriceMinor);
  if (before !== null && input.priceMinor === undefined) return before.yearPriceMinor;
  const twelve = priceMinor * 12n;
  return twelve > PRICE_MINOR_MAX ? null : twelve;
}

/** The capabilities of a tier: those named, each allowed by the grant; unnamed, those of its kind that the grant allows. */
function capabilitiesOf(named: readonly string[] | undefined, usual: readonly string[], allowed: (name: string) => boolean): string[] {
  const outside = named?.find((name) => !allowed(name));
  if (outside !== undefined) {
    throw new Refusal('tier_outside_grant', `The grant in force does not allow ${outside}; amend the grant first.`);
  }
  return [...new Set(named ?? usual.filter(allowed))].sort();
}

/**
 * The offer that the owner makes. Refuses `money_malformed`, `money_out_of_range`, `tier_outside_grant`, and
 * `request_invalid` for a paid tier without a limit.
 */
export function offerTerms(kind: TierKind, input: OfferInput, before: OfferTerms | null, allowed: (capability: string) => boolean): OfferTerms {
  const usual = before ?? { ...TIER_DEFAULTS[kind], yearPriceMinor: null };
  const priceMinor = priceOf(kind, input.priceMinor, usual.priceMinor);
  const outputsPerPeriod = input.voiceOutputsPerPeriod === undefined ? usual.outputsPerPeriod : input.voiceOutputsPerPeriod;
  if (outputsPerPeriod === null && kind !== 'free') throw new Refusal('request_invalid', 'Only a free tier may be without a limit.');
  return {
    priceMinor, yearPriceMinor: yearPriceOf(kind, input, priceMinor, before), outputsPerPeriod,
    capabilities: capabilitiesOf(input.capabilities, usual.capabilities, allowed), instantReplies: input.instantReplies ?? usual.instantReplies,
  };
}

/** What an interval costs; null when it is not sold. */
export function priceOfInterval(offer: Pick<OfferTerms, 'priceMinor' | 'yearPriceMinor'>, interval: BillingInterval): bigint | null {
  return interval === 'month' ? offer.priceMinor : offer.yearPriceMinor;
}

/** The quota of a paid interval: a year's is that of twelve months, in one. */
export function quotaOf(outputsPerMonth: number, interval: BillingInterval): number {
  return interval === 'year' ? outputsPerMonth * 12 : outputsPerMonth;
}

/** What of a fan's free turns the newest offer leaves: the rule that PostgreSQL counts by (`free_turns_granted`). */
export function freeTurns(
  offered: number | null, began: { granted: number | null; used: number; current: boolean } | null,
): { granted: number | null; used: number } {
  if (began === null) return { granted: offered, used: 0 };
  const { granted, used, current } = began;
  if (current) return { granted, used };
  if (offered === null) return { granted: null, used };
  return { granted: granted === null ? used + offered : Math.max(granted, offered), used };
}
