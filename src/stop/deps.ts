import type { Billing } from '../billing/index.ts';
import type { Authority, Gates } from '../consent/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Scope } from './scope.ts';
import type { Log } from '../platform/telemetry/index.ts';
import type { Transparency } from '../transparency/index.ts';

/** What the stop touches. It knows nobody above it: releases and outputs are counted by whoever keeps them. */
export interface StopDeps {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  identity: Pick<Identity, 'completeSignature' | 'signedDocument'>;
  /** Who may act for a clone's owner, and as what. */
  authority: Pick<Authority, 'act'>;
  /** The account that owns a clone, or null for an unknown clone. */
  cloneOwner(tx: Tx, cloneId: string): Promise<string | null>;
  gates: Pick<Gates, 'ensure' | 'ofScope' | 'read' | 'narrow' | 'hold' | 'lift' | 'holds' | 'lockExclusive' | 'lockAndRead'>;
  billing: Pick<Billing, 'quoteStop' | 'settleStop' | 'stopSettlement' | 'endSales' | 'tiersNaming' | 'onPlatformPaused' | 'onPlatformResumed'>;
  transparency: Pick<Transparency, 'append' | 'rootAt'>;
  log?: Pick<Log, 'warn'>;
  /** Days of notice that a licence itself, or else the clone's grant in force, gives a wind-down; null without one. */
  noticeDays(tx: Tx, scope: Scope & { cloneId: string }, at: Date): Promise<number | null>;
  /** Releases of a scope so far; asked under the exclusive lock of its gate. */
  countReleases(tx: Tx, scope: Scope): Promise<bigint>;
  /** Outputs of the clone that are under way. */
  countOpenOutputs(tx: Tx, cloneId: string): Promise<number>;
}
