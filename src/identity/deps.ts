import type { Ids } from '../kernel/ids.ts';
import type { Random } from '../kernel/random.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx } from '../kernel/tx.ts';
import type { Documents } from './documents.ts';
import type { RelyingParty } from './model.ts';

export interface IdentityDeps {
  runTx: RunTx;
  clock: Pick<Clock, 'now'>;
  ids: Ids;
  random: Random;
  relyingParty: RelyingParty;
  documents: Documents;
  /** At least 32 secret bytes, the same in every process: invitation tokens follow from them. */
  secret: Uint8Array;
}
