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
  gates: Pick<Gates, 'ofClone' | 'lift'>;
  gateway: Pick<Gateway, 'releasedOutput' | 'holdOutput' | 'liftOutput'>;
  transparency: Pick<Transparency, 'append'>;
  /** Whether the account has an approved ownership proof now. */
  isProven(tx: Tx, accountId: string, at: Date): Promise<boolean>;
  /**
   * The house's stop of a clone, which every gateway confirms: a pause until this holder's hold is lifted, or its end, with its
   * renewals and the fans' unused days. Null when it was shut already.
   */
  stopByHouse(
    tx: Tx, stop: { cloneId: string; kind: 'pause' | 'existence'; holder: string; reason: string; by: string },
  ): Promise<{ stopId: string } | null>;
  /** Keys the hashes by which filings are counted, and the tokens by which strangers follow them. At least 32 bytes. */
  secret: Uint8Array;
  deadlines: Deadlines;
}
