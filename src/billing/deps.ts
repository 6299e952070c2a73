import type { Ids } from '../kernel/ids.ts';
import type { Clock, Day } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Ledger } from '../ledger/index.ts';
import type { CoinPack } from './coin-packs.ts';
import type { DisputeHooks } from './disputes.ts';
import type { SplitSegment } from './model.ts';
import type { PaymentProvider } from './provider.ts';

/** What the processor's webhook says, once its signature was verified over the raw body. */
export interface ProviderEvent {
  id: string;
  type: string;
  objectId: string;
  /** The Connect account on which it happened; null for our own. */
  connectedAccount: string | null;
  createdAt: Date;
}

/** What a grant says about selling. */
export interface GrantFacts {
  document: { tiers: readonly string[]; territories: readonly string[]; capabilities: Readonly<Record<string, boolean>> };
}

/** What billing needs from the rooms below it, and from the one above it that names the split. */
export interface BillingDeps {
  runTx: RunTx;
  clock: Pick<Clock, 'now'>;
  ids: Ids;
  provider: PaymentProvider;
  /** Verifies and reads a webhook; refuses a forged or stale one with `webhook_signature_invalid`. */
  readEvent: (rawBody: Uint8Array, signature: string | undefined) => ProviderEvent;
  ledger: Pick<Ledger, 'post' | 'balance' | 'lockedBalance'>;
  /** Whether the clone has an approved version: what nobody can deliver is not sold. */
  serves(tx: Tx, cloneId: string): Promise<boolean>;
  /** Whether the proof behind a clone holds; what nobody proved is not delivered. */
  proven?(tx: Tx, cloneId: string, at: Date): Promise<boolean>;
  /** The account that owns a clone, or null for an unknown clone. */
  cloneOwner: (tx: Tx, cloneId: string) => Promise<string | null>;
  /** The country that an account declared (ISO 3166-1 alpha-2), or null. */
  accountCountry: (tx: Tx, accountId: string) => Promise<string | null>;
  /** The outer boundary of what may be sold: the grant in force at an instant (consent's door has this). */
  grantInForce: (tx: Tx, cloneId: string, at: Date) => Promise<GrantFacts | null>;
  /** The split versions over [fromDay, toDay), in order; without it no posting names one. Given by royalties. */
  splitSegments?: (tx: Tx, cloneId: string, fromDay: Day, toDay: Day) => Promise<SplitSegment[]>;
  /** Why nothing of a tier could be delivered in a country, by the law or the grant; empty when it may be sold. */
  deniedSale?: (tx: Tx, sale: { cloneId: string; tierName: string; country: string; at: Date }) => Promise<string[]>;
  /** Who bears what the processor keeps of a refund: `platform` or an account, by the signed split. */
  refundFeeBearer?: (tx: Tx, cloneId: string, day: Day) => Promise<string>;
  /** Owner money's side of a dispute. Given by royalties; without it what was delivered is the platform's loss. */
  disputes?: DisputeHooks;
  settings: {
    /** Days for which a fan whose renewal failed keeps what is left of what was paid; 7 where nothing is said. */
    paymentGraceDays?: number;
    /** Tax included in prices, in basis points of the net price: 600 is 6 %, 0 switches it off. */
    taxRateBasisPoints: number;
    /** Packs of coins on offer. Default: the house's own table. */
    coinPacks?: readonly CoinPack[];
    /** Event types that other rooms work: type → job topic, with the payload `{eventId, type, objectId, connectedAccount}`. */
    otherTopics?: Readonly<Record<string, string>>;
  };
}
