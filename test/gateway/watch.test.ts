import { beforeEach, describe, expect, it } from 'vitest';

import type { StreamOpening } from '../../src/consent/index.ts';
import { type Ground, openStream } from '../../src/gateway/watch.ts';
import { Refusal } from '../../src/kernel/refusals.ts';

const changed = () => new Refusal('gate_changed', 'moved');
const stopped = () => new Refusal('stopped', 'stopped');

interface Taken {
  opening: StreamOpening;
  bytes: number;
  closed: boolean;
  refusal: Refusal | null;
}

let taken: Taken[];
let cuts: string[];
let epoch: bigint;
let withdrawn: Refusal | null;

/** The lease's side of the agreement: whoever is cut is told once, and its check refuses from then on. */
const lease = {
  async open(opening: StreamOpening) {
    const one: Taken = { opening, bytes: 0, closed: false, refusal: null };
    taken.push(one);
    return {
      check: () => {
        if (one.refusal !== null) throw one.refusal;
      },
      wrote: (bytes: number) => {
        one.bytes += bytes;
      },
      close: () => {
        one.closed = true;
      },
    };
  },
};
const cutAll = (refusal: Refusal): void => {
  for (const one of taken.filter(({ closed }) => !closed)) {
    one.refusal = refusal;
    one.opening.cut(refusal);
  }
};
const ground = (outlivesEpochs: boolean): Ground => ({
  kind: 'output', subjectId: 'out_1', outlivesEpochs,
  async see() {
    if (withdrawn !== null) throw withdrawn;
    return { gates: [{ gateId: 'gat_1', epoch }], stands: () => {
      if (withdrawn !== null) throw withdrawn;
    } };
  },
});
const open = (outlivesEpochs: boolean) => openStream({ lease }, ground(outlivesEpochs), ({ code }) => cuts.push(code));

beforeEach(() => {
  [taken, cuts, epoch, withdrawn] = [[], [], 1n, null];
});

describe('a stream under the lease', () => {
  it('takes it under the epochs that were seen, and is cut by a stop', async () => {
    const stream = await open(true);
    expect(taken[0]?.opening.gates).toEqual([{ gateId: 'gat_1', epoch: 1n }]);
    stream.check();
    cutAll(stopped());
    expect(cuts).toEqual(['stopped']);
    expect(() => stream.check()).toThrow('stopped');
  });

  it('of something stored outlives a gate that only moved: it waits, looks again, and its count goes on', async () => {
    const stream = await open(true);
    stream.wrote(1_000);
    epoch = 2n;
    cutAll(changed());
    expect(cuts).toEqual([]);
    // Until it has looked again nothing leaves.
    expect(() => stream.check()).toThrow('moved');
    await stream.ready();
    stream.check();
    stream.wrote(10);
    expect(taken.map(({ opening, bytes, closed }) => [opening.gates[0]?.epoch, bytes, closed])).toEqual([[1n, 1_000, true], [2n, 1_010, false]]);
    stream.close();
    expect(taken[1]?.closed).toBe(true);
  });

  it('of something that was withdrawn with the move goes no further', async () => {
    const stream = await open(true);
    withdrawn = new Refusal('output_withdrawn', 'withdrawn');
    cutAll(changed());
    await expect(stream.ready()).rejects.toMatchObject({ code: 'output_withdrawn' });
    expect(taken.length).toBe(1);
  });

  it('of something that ends by itself ends then, before the gates know', async () => {
    const stream = await open(true);
    withdrawn = new Refusal('output_withdrawn', 'the proof has expired');
    expect(() => stream.check()).toThrow('expired');
  });

  it('that is still being made ends with its decision', async () => {
    const stream = await open(false);
    cutAll(changed());
    expect(cuts).toEqual(['gate_changed']);
    expect(() => stream.check()).toThrow('moved');
  });
});
