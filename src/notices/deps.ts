import type { Clones } from '../clones/index.ts';
import type { Gates } from '../consent/index.ts';
import type { Gateway } from '../gateway/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Transparency } from '../transparency/index.ts';
import type { Deadlines } from './model.ts';

export interface NoticesDeps {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  identity: Pick<Identity, 'completeSignature'>;
  clones: Pick<Clones, 'clone' | 'wasApproved'>;
  gates: Pick<Gates, 'ensure' | 'ofClone' | 'hold' | 'lift'>;
  gateway: Pick<Gateway, 'releasedOutput' | 'holdOutput' | 'liftOutput'>;
  transparency: Pick<Transparency, 'append'>;
  /** Whether the account has an approved ownership proof now. */
  isProven(tx: Tx, accountId: string, at: Date): Promise<boolean>;
  /** Ends a clone for good: its gate, its renewals, the fans' unused days. */
  stopClone(tx: Tx, stop: { cloneId: string; reason: string; by: string; at: Date }): Promise<void>;
  /** Keys the hashes by which filings are counted, and the tokens by which strangers follow them. At least 32 bytes. */
  secret: Uint8Array;
  deadlines: Deadlines;
}
