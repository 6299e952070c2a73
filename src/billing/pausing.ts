import type { Tx } from '../kernel/tx.ts';
import { askToAlign } from './collection-jobs.ts';
import * as store from './pause-store.ts';

/**
 * Pauses, of a clone, of one of its capabilities, or of the whole house: whole days in them earn nothing and are added to the end
 * of the paid periods; meanwhile the processor collects nothing, and afterwards not before what is paid has ended.
 */
export interface Pausing {
  /** In the pause's own transaction. */
  onPaused: (tx: Tx, cloneId: string, at: Date, capability?: string | null) => Promise<void>;
  onResumed: (tx: Tx, cloneId: string, at: Date, capability?: string | null) => Promise<void>;
  /** The same for every clone: the platform's own gate. */
  onPlatformPaused: (tx: Tx, at: Date) => Promise<void>;
  onPlatformResumed: (tx: Tx, at: Date) => Promise<void>;
}

export const pausing: Pausing = {
  async onPaused(tx, cloneId, at, capability = null) {
    const begun = capability === null ? await store.openPause(tx, cloneId, at) : await store.openCapabilityPause(tx, cloneId, capability, at);
    if (begun) await askToAlign(tx, { cloneId, at });
  },
  async onResumed(tx, cloneId, at, capability = null) {
    const ended = capability === null ? await store.closePause(tx, cloneId, at) : await store.closeCapabilityPause(tx, cloneId, capability, at);
    if (ended) await askToAlign(tx, { cloneId, at });
  },
  async onPlatformPaused(tx, at) {
    if (await store.openPlatformPause(tx, at)) await askToAlign(tx, { cloneId: null, at });
  },
  async onPlatformResumed(tx, at) {
    if (await store.closePlatformPause(tx, at)) await askToAlign(tx, { cloneId: null, at });
  },
};
