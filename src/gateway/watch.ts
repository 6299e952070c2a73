import type { MediaLease } from '../kernel/media.ts';
import type { Refusal } from '../kernel/refusals.ts';
import type { GatewayDeps } from './deps.ts';
import type { SeenGate } from './model.ts';
import type { ReadKind } from './store.ts';

/** What was seen that lets bytes leave. */
export interface Sight {
  gates: readonly Pick<SeenGate, 'gateId' | 'epoch'>[];
  /** Compares with the clock what ends by itself, such as a proof. Synchronous; throws the refusal. */
  stands(): void;
}

/** Why something may be heard. */
export interface Ground {
  kind: ReadKind;
  subjectId: string;
  /** Reads the gates and whatever else bears on it. @throws Refusal when nothing may leave any more */
  see(): Promise<Sight>;
  /**
   * Whether it outlives a change that closes nothing: what was released stands until it is withdrawn, so a raised epoch is
   * looked at again. What is still being made under a decision ends with that decision.
   */
  outlivesEpochs: boolean;
}

/**
 * Opens a stream under the gateway's lease. A stop cuts it at once. A gate that moved and stayed open only makes it wait: the
 * ground is seen again before the next write, and the count goes on.
 *
 * @throws Refusal what `see` and the lease refuse with
 */
export async function openStream(deps: { lease: Pick<GatewayDeps['lease'], 'open'> }, ground: Ground, cut: (reason: Refusal) => void): Promise<MediaLease> {
  const { kind, subjectId } = ground;
  let moved = false;
  let bytes = 0;
  const take = async (gates: Sight['gates']): ReturnType<GatewayDeps['lease']['open']> => await deps.lease.open({
    kind, subjectId, gates,
    cut(refusal) {
      if (refusal.code === 'gate_changed' && ground.outlivesEpochs) moved = true;
      else cut(refusal);
    },
  });
  let sight = await ground.see();
  let handle = await take(sight.gates);
  return {
    async ready() {
      while (moved) {
        moved = false;
        handle.close();
        sight = await ground.see();
        handle = await take(sight.gates);
        handle.wrote(bytes);
      }
    },
    check() {
      sight.stands();
      handle.check();
    },
    wrote(written) {
      bytes += written;
      handle.wrote(written);
    },
    close: () => handle.close(),
  };
}
