import type { Identity, SignatureInput } from '../identity/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Ownership } from '../ownership/index.ts';
import type { Blobs } from '../platform/blobs/index.ts';
import type { Inference } from '../platform/inference.ts';
import type { Transparency } from '../transparency/index.ts';

export type { SignatureInput };

/** The part of inference that this room may use: it measures voices and says what it is made of, it never speaks. */
export type EnrolmentInstrument = Pick<Inference, 'profile' | 'speakerFor' | 'describe'>;

export interface ClonesDeps {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  identity: Pick<Identity, 'completeSignature'>;
  ownership: Pick<Ownership, 'proof' | 'screenClone' | 'screenVoice' | 'checkCloneNotHeld' | 'checkNotRefused'>;
  log: Pick<Transparency, 'append'>;
  blobs: Pick<Blobs, 'put'>;
  inference: EnrolmentInstrument;
  /** What the house asks of every output: part of what an owner approves. */
  policy: JsonObject;
  /** Whether the owner was given this version's probe sentences; the gateway, above, knows. */
  probesHeard: (tx: Tx, versionId: string) => Promise<boolean>;
  /** Told in the same transaction when a clone stands on an approved proof again, so that what held it lets go. */
  onCloneProven?: (tx: Tx, proven: { cloneId: string; at: Date }) => Promise<void>;
  /** Told in the same transaction, so that the clone's gate can be narrowed. */
  onVersionWithdrawn?: (tx: Tx, version: { cloneId: string; versionId: string }) => Promise<void>;
}
