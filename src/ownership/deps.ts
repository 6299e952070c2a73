import type { Identity } from '../identity/index.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Random } from '../kernel/random.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Blobs } from '../platform/blobs/index.ts';
import type { TxtReader } from '../platform/dns/index.ts';
import type { Sealer } from '../platform/keys/index.ts';
import type { SafeFetch } from '../platform/fetch/index.ts';
import type { Transparency } from '../transparency/index.ts';
import type { IdentityProvider } from './identity-provider.ts';
import type { LoadedPolicy } from './policy.ts';
import type { RefusalDeps } from './refusal-service.ts';
import type { EnrolledVoice, VoiceInstrument } from './voice.ts';

/** How an approval ended: its term, what it rested on, or an operator. */
export interface ProofEnd {
  proofId: string;
  how: 'expired' | 'withdrawn';
  at: Date;
}

export interface ProofApproval {
  proofId: string;
  /** The proof that this one follows: what stood on it stands on this one from now on. */
  renews: string | null;
  at: Date;
}

export interface OwnershipDeps extends Pick<RefusalDeps, 'ownsClone' | 'cloneEnrolments' | 'onEnrolmentUpheld'> {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  random: Random;
  identity: Pick<Identity, 'completeSignature'>;
  log: Pick<Transparency, 'append'>;
  identityProvider: IdentityProvider;
  fetcher: SafeFetch;
  dns: TxtReader;
  blobs: Blobs;
  sealer: Sealer;
  policy: LoadedPolicy;
  inference: VoiceInstrument;
  /** The voice enrolled for the clone that stands on a proof; clones, the room above, knows. */
  enrolledVoice: (tx: Tx, proofId: string) => Promise<EnrolledVoice | null>;
  /** Told in the same transaction, so that the clones that stand on the proof are held. */
  onProofEnded?: (tx: Tx, end: ProofEnd) => Promise<void>;
  /** Told in the same transaction, so that what a former proof held goes on. */
  onProofApproved?: (tx: Tx, approval: ProofApproval) => Promise<void>;
}
