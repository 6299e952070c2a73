import type { Clones } from '../clones/index.ts';
import type { Consent } from '../consent/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx } from '../kernel/tx.ts';
import type { Provenance } from '../provenance/index.ts';
import type { Transparency } from '../transparency/index.ts';

/** What exports needs of the rooms below it. */
export interface ExportsDeps {
  runTx: RunTx;
  clock: Pick<Clock, 'now'>;
  identity: Pick<Identity, 'signatureEvidence'>;
  clones: Pick<Clones, 'clone'>;
  consent: Pick<Consent, 'mayAct'>;
  transparency: Pick<Transparency, 'leavesOf' | 'bundle' | 'verifierKey'>;
  provenance: Pick<Provenance, 'signReceipt' | 'receiptsKey'>;
  /** Where the service is reached: notices and withdrawals are named by it. */
  origin: string;
  /** What made the file, with versions. */
  software: readonly string[];
}
