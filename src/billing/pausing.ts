import type { Tx } from '../kernel/tx.ts';
import * as periods from './period-store.ts';

/** Pauses, of one clone or of the whole house: whole days in them earn nothing and are added to the end of the paid periods. */
export interface Pausing {
  /** In the pause's own transaction. */
  onPaused: (tx: Tx, cloneId: string, at: Date) => Promise<void>;
  onResumed: (tx: Tx, cloneId: string, at: Date) => Promise<void>;
  /** The same for every clone: the platform's own gate. */
  onPlatformPaused: (tx: Tx, at: Date) => Promise<void>;
  onPlatformResumed: (tx: Tx, at: Date) => Promise<void>;
}

export const pausing: Pausing = {
  onPaused: periods.openPause,
  onResumed: periods.closePause,
  onPlatformPaused: periods.openPlatformPause,
  onPlatformResumed: periods.closePlatformPause,
};
