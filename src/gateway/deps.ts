import type { Billing } from '../billing/index.ts';
import type { Clones } from '../clones/index.ts';
import type { Consent, GatewayLease } from '../consent/index.ts';
import type { Identity } from '../identity/index.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Ownership } from '../ownership/index.ts';
import type { Blobs } from '../platform/blobs/index.ts';
import type { Inference } from '../platform/inference.ts';
import type { Provenance } from '../provenance/index.ts';
import type { Transparency } from '../transparency/index.ts';
import type { Step } from './model.ts';

/** What the one way out needs of the rooms below it. */
export interface GatewayDeps {
  runTx: RunTx;
  clock: Pick<Clock, 'now'>;
  ids: Ids;
  blobs: Blobs;
  identity: Pick<Identity, 'account'>;
  ownership: Pick<Ownership, 'proof' | 'evidenceRecording'>;
  clones: Pick<Clones, 'clone' | 'wasApproved' | 'version' | 'enrolmentRecording'>;
  consent: Pick<Consent, 'decide' | 'licensed' | 'reading' | 'takeVolume' | 'measureVolume' | 'giveVolumeBack'> & { gates: Pick<Consent['gates'], 'lockShared' | 'read' | 'ofClone' | 'ofGrant' | 'narrow'> };
  billing: Pick<Billing, 'entitlement' | 'coinOffer' | 'hold' | 'capture' | 'void'>;
  /** The owner's share by the split in force, in basis points; null when there is none. */
  ownerShare?: (tx: Tx, cloneId: string, at: Date) => Promise<number | null>;
  provenance: Pick<Provenance, 'label' | 'sign' | 'readMarks' | 'signReceipt'>;
  transparency: Pick<Transparency, 'append'>;
  inference: Pick<Inference, 'synthesise'>;
  /** Under which every stream of this process runs. */
  lease: Pick<GatewayLease, 'open' | 'witness'>;
  settings: {
    /** Provider code of the GB 45438-2025 label. */
    contentProducer: string;
    /** What the C2PA manifest names as the claim's generator. */
    generator: { name: string; version: string };
  };
  /** Called before every step, and once more when a release holds its locks. For tests; production passes none. */
  at?: (step: Step | 'locked') => Promise<void>;
}
