import type { Billing } from '../billing/index.ts';
import type { Clones } from '../clones/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx } from '../kernel/tx.ts';
import type { Ledger } from '../ledger/index.ts';
import type { SigningKeys } from '../platform/pdf/index.ts';
import type { StripePort } from '../platform/stripe/index.ts';
import type { Provenance } from '../provenance/index.ts';
import type { Transparency } from '../transparency/index.ts';

/** What owner money stands on. */
export interface RoyaltiesDeps {
  runTx: RunTx;
  clock: Pick<Clock, 'now'>;
  ids: Ids;
  identity: Pick<Identity, 'account' | 'completeSignature' | 'signedDocument'>;
  ledger: Pick<Ledger, 'post' | 'reverse' | 'balance' | 'lockedBalance' | 'balanceAsOf' | 'entries' | 'sums' | 'entriesFor' | 'accountsAfter' | 'transfer' | 'position' | 'sequence'>;
  provenance: Pick<Provenance, 'signReceipt' | 'receiptsKey'>;
  transparency: Pick<Transparency, 'append' | 'bundles'>;
  clones: Pick<Clones, 'clone'>;
  billing: Pick<Billing, 'recognise' | 'requestRefund' | 'dayParts' | 'refund' | 'tier' | 'period' | 'coinSpend' | 'periodsBetween' | 'openDisputes'>;
  stripe: Pick<StripePort, 'run' | 'withKey'>;
  /** Names fans on what payees read; whoever lacks it cannot lead a name back. */
  pseudonymSecret: Uint8Array;
  /** What statements on paper are signed with. */
  statementKeys: () => Promise<SigningKeys>;
  /** Where payees come back to from onboarding, without a slash at the end. */
  publicUrl: string;
  /** Positions of the ledger that a run goes through at once; a run of any length holds the entries of so many, and no more. */
  positionsAtOnce?: bigint;
}
