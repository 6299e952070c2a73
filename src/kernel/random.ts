import { createHash, randomBytes } from 'node:crypto';

/** Randomness is handed in: the system's in service, a seed's in tests and simulations. */
export interface Random {
  bytes(length: number): Uint8Array;
  /** An integer in [0, bound), without modulo bias. */
  below(bound: number): number;
}

function fromBytes(bytes: (length: number) => Uint8Array): Random {
  return {
    bytes,
    below(bound) {
      if (!Number.isInteger(bound) || bound < 1 || bound > 0x1_0000_0000) throw new RangeError(`bound ${bound}`);
      const limit = Math.floor(0x1_0000_0000 / bound) * bound;
      for (;;) {
        const view = bytes(4);
        const value = new DataView(view.buffer, view.byteOffset, 4).getUint32(0);
        if (value < limit) return value % bound;
      }
    },
  };
}

const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);

/** The operating system's generator, asked for many bytes at once: an id needs ten, and asking costs more than they do. None is given twice. */
export const systemRandom: Random = fromBytes((length) => {
  if (length > POOL_BYTES / 16) return randomBytes(length);
  if (pool.length < length) pool = randomBytes(POOL_BYTES);
  const out = Uint8Array.prototype.slice.call(pool, 0, length);
  // What was given is not kept: it may be a secret.
  pool.fill(0, 0, length);
  pool = pool.subarray(length);
  return out;
});

/** SHA-256 in counter mode over a printed seed: the same seed replays the same bytes. Never for keys. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  let pool = Buffer.alloc(0);
  return fromBytes((length) => {
    while (pool.length < length) {
      pool = Buffer.concat([pool, createHash('sha256').update(`${seed}:${counter}`).digest()]);
      counter += 1;
    }
    const out = Uint8Array.prototype.slice.call(pool, 0, length);
    pool = pool.subarray(length);
    return out;
  });
}
