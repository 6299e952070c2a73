import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { moved, NOTHING_OPEN, type OpenPair } from '../../src/royalties/position-model.ts';

const at = (claimMinor: bigint, worthMinor: bigint): OpenPair => ({ claimMinor, worthMinor });

describe('what rates gain or lose', () => {
  it('is told when a claim is lessened, against the average of what stood open', () => {
    const sold = moved(NOTHING_OPEN, at(100n, -700n));
    expect(sold).toEqual({ open: at(100n, -700n), lossMinor: 0n });
    const two = moved(sold.open, at(100n, -720n));
    expect(two).toEqual({ open: at(200n, -1_420n), lossMinor: 0n });
    // 50 of 200 are worth 355; 360 were sent for them.
    expect(moved(two.open, at(-50n, 360n))).toEqual({ open: at(150n, -1_065n), lossMinor: 5n });
    expect(moved(two.open, at(-50n, 350n))).toEqual({ open: at(150n, -1_065n), lossMinor: -5n });
    expect(moved(two.open, at(-200n, 1_421n))).toEqual({ open: at(0n, 0n), lossMinor: 1n });
  });

  it('of what was sent before it was sold waits for the sale', () => {
    const advanced = moved(NOTHING_OPEN, at(-50n, 355n));
    expect(advanced).toEqual({ open: at(-50n, 355n), lossMinor: 0n });
    // 100 at 7.00: half of it closes what was open, at 355 to 350.
    expect(moved(advanced.open, at(100n, -700n))).toEqual({ open: at(50n, -350n), lossMinor: 5n });
    // More is sent than stands open: the rest stands open the other way.
    expect(moved(at(50n, -350n), at(-80n, 568n))).toEqual({ open: at(-30n, 213n), lossMinor: 5n });
  });

  it('leaves nothing where no claim is open, and loses no unit on the way', () => {
    for (let round = 0; round < 200; round += 1) {
      const random = seededRandom(`positions ${round}`);
      let open = NOTHING_OPEN;
      let [worth, losses] = [0n, 0n];
      for (let step = 0; step < 20; step += 1) {
        const claim = step === 19 ? -open.claimMinor : BigInt(random.bytes(1)[0] ?? 0) - 128n;
        const movement = at(claim, -(claim * (650n + BigInt(random.bytes(1)[0] ?? 0))) / 100n);
        const next = moved(open, movement);
        worth += movement.worthMinor;
        losses += next.lossMinor;
        open = next.open;
        expect(worth, `round ${round}`).toBe(open.worthMinor + losses);
        if (open.claimMinor === 0n) expect(open.worthMinor, `round ${round}`).toBe(0n);
      }
      expect(open).toEqual(NOTHING_OPEN);
    }
  });
});
