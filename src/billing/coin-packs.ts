import { readFileSync } from 'node:fs';

import { parseStrictJson } from '../kernel/canonical-json.ts';
import { COINS_PER_CNY, parseMinor } from '../kernel/money.ts';
import { PRICE_MINOR_MAX } from './model.ts';

/** A pack of coins that can be bought. `priceMinor` includes the tax. */
export interface CoinPack {
  pack: string;
  coins: bigint;
  priceMinor: bigint;
  currency: 'CNY';
}

const NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const FEN_PER_CNY = 100n;

function readPack(value: unknown): CoinPack {
  const { pack, coins } = (value ?? {}) as { pack?: unknown; coins?: unknown };
  if (typeof pack !== 'string' || !NAME.test(pack)) throw new Error('a pack has a name of a to z, digits, _ and -');
  if (typeof coins !== 'string') throw new Error(`the coins of ${pack} are a decimal string`);
  const count = parseMinor(coins);
  const priceMinor = count * FEN_PER_CNY / COINS_PER_CNY;
  if (count < 1n || count % COINS_PER_CNY !== 0n || priceMinor > PRICE_MINOR_MAX) {
    throw new Error(`the coins of ${pack} are a multiple of ${COINS_PER_CNY} that costs at most ${PRICE_MINOR_MAX} minor units`);
  }
  return { pack, coins: count, priceMinor, currency: 'CNY' };
}

/** Reads the table of packs from its JSON text. @throws Error saying what is wrong: a service does not start with it */
export function readPacks(text: string): CoinPack[] {
  try {
    const value: unknown = parseStrictJson(text);
    if (!Array.isArray(value) || value.length === 0) throw new Error('it is a list of packs');
    const packs = value.map(readPack);
    if (new Set(packs.map(({ pack }) => pack)).size !== packs.length) throw new Error('a pack stands once');
    return packs;
  } catch (error) {
    throw new Error(`The table of coin packs is refused: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The table of a file; with none, the house's own. */
export function loadPacks(path: string | null = null): CoinPack[] {
  return readPacks(readFileSync(path ?? new URL('packs.json', import.meta.url), 'utf8'));
}
