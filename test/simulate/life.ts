import type { RunTx } from '../../src/kernel/tx.ts';
import type { StripePort } from '../../src/platform/stripe/index.ts';

/** The process ended here. Nothing after it happens, not even the note that a job failed. */
export class Died extends Error {
  constructor() {
    super('died');
    this.name = 'Died';
  }
}

/**
 * A process that can be made to die between any two things that others could notice: before and after each commit, before and
 * after each call of the payment processor. What it had committed stays, what it had not is gone, answers are lost.
 */
export interface Life {
  /** Dies at the `steps`-th of those points from now on. */
  dieAfter: (steps: number) => void;
  /** Another process takes over. */
  revive: () => void;
  readonly dead: boolean;
  runTx: (inner: RunTx) => RunTx;
  port: (inner: StripePort) => StripePort;
}

export function makeLife(): Life {
  let left: number | null = null;
  let dead = false;

  function step(): void {
    if (dead) throw new Died();
    if (left === null) return;
    left -= 1;
    if (left > 0) return;
    dead = true;
    left = null;
    throw new Died();
  }

  return {
    dieAfter(steps) {
      left = steps;
    },
    revive() {
      dead = false;
      left = null;
    },
    get dead() {
      return dead;
    },
    runTx: (inner) => async (work, options) => {
      if (dead) throw new Died();
      const answer = await inner(async (tx) => {
        const done = await work(tx);
        step();
        return done;
      }, options);
      step();
      return answer;
    },
    port: (inner) => ({
      ...inner,
      async run(work) {
        step();
        const answer = await inner.run(work);
        step();
        return answer;
      },
    }),
  };
}
