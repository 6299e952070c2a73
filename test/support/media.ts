import type { MediaLease, MediaSource } from '../../src/kernel/media.ts';
import type { Refusal } from '../../src/kernel/refusals.ts';

/** Opens a source as the writer would and asks what it asks before a write; throws the refusal. */
export async function askMedia(source: MediaSource): Promise<void> {
  const lease = await source.open(() => undefined);
  try {
    await lease.ready();
    lease.check();
  } finally {
    lease.close();
  }
}

/** A lease that a test holds in its hand: counts what was written, and cuts when it is told to. */
export interface HandLease {
  open: MediaSource['open'];
  /** Streams that were opened and not closed. */
  readonly live: number;
  /** Bytes of all streams so far. */
  readonly bytes: number;
  /** Sizes of the writes, in order. */
  readonly writes: number[];
  readonly checks: number;
  /** What the next checks answer; null lets them pass. */
  refusal: Refusal | null;
  /** Called in each check, before it answers. */
  onCheck: (() => void) | null;
  cutAll(reason: Refusal): void;
}

export function makeHandLease(): HandLease {
  const cuts = new Set<(reason: Refusal) => void>();
  const lease = {
    live: 0, bytes: 0, checks: 0, writes: [] as number[], refusal: null as Refusal | null, onCheck: null as (() => void) | null,
    open: async (cut: (reason: Refusal) => void): Promise<MediaLease> => {
      if (lease.refusal !== null) throw lease.refusal;
      cuts.add(cut);
      lease.live += 1;
      return {
        ready: async () => undefined,
        check() {
          lease.checks += 1;
          lease.onCheck?.();
          if (lease.refusal !== null) throw lease.refusal;
        },
        wrote(bytes) {
          lease.bytes += bytes;
          lease.writes.push(bytes);
        },
        close() {
          cuts.delete(cut);
          lease.live -= 1;
        },
      };
    },
    cutAll(reason: Refusal) {
      for (const cut of cuts) cut(reason);
    },
  };
  return lease;
}
