import type { Random } from './random.ts';
import type { Clock } from './time.ts';

/** Every id says what it names: `cln_…` is a clone, `trf_…` a transfer. The closed list of prefixes. */
export const ID_PREFIXES = {
  account: 'acc',
  credential: 'crd',
  session: 'ses',
  invitation: 'inv',
  challenge: 'chg',
  signedDocument: 'sgn',
  ownershipProof: 'own',
  evidence: 'evd',
  review: 'rev',
  refusal: 'ref',
  notice: 'ntc',
  enrolmentHold: 'enh',
  lease: 'lea',
  clone: 'cln',
  version: 'ver',
  material: 'mat',
  grant: 'grt',
  gate: 'gat',
  decision: 'dec',
  delegation: 'dlg',
  licence: 'lic',
  succession: 'suc',
  deathCase: 'dth',
  deathPaper: 'dpp',
  tier: 'tir',
  subscription: 'sub',
  period: 'per',
  planChange: 'pch',
  refund: 'rfd',
  hold: 'hld',
  coinPurchase: 'cpu',
  coinLot: 'lot',
  reconciliation: 'rcn',
  ledgerAccount: 'lac',
  transfer: 'trf',
  ledgerHold: 'lhd',
  entry: 'ent',
  split: 'spl',
  run: 'run',
  pot: 'pot',
  statement: 'stm',
  payout: 'pay',
  reserve: 'rsv',
  advance: 'adv',
  derivative: 'drv',
  conversion: 'cnv',
  taxProfile: 'txp',
  output: 'out',
  release: 'rel',
  segment: 'seg',
  stop: 'stp',
  quote: 'quo',
  gateway: 'gwy',
  platformOrder: 'por',
  leaf: 'lef',
  job: 'job',
  webhook: 'whk',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Crockford base32, lower case, most significant digit first. */
function base32(value: bigint, digits: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < digits; i += 1) {
    text = (ALPHABET[Number(rest & 31n)] ?? '') + text;
    rest >>= 5n;
  }
  return text;
}

export interface Ids {
  /** A new id, ordered by time to the millisecond (good index locality), 80 random bits. */
  next(kind: IdKind): string;
}

/** ULID layout: 48 bits of milliseconds, 80 random bits, 26 base32 digits, behind the kind's prefix. */
export function makeIds(clock: Pick<Clock, 'now'>, random: Random): Ids {
  return {
    next(kind) {
      const bytes = random.bytes(10);
      let tail = 0n;
      for (const byte of bytes) tail = (tail << 8n) | BigInt(byte);
      const head = BigInt(clock.now().getTime()) & ((1n << 48n) - 1n);
      return `${ID_PREFIXES[kind]}_${base32((head << 80n) | tail, 26)}`;
    },
  };
}

/** Whether `text` has the form of an id of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  return new RegExp(`^${ID_PREFIXES[kind]}_[0-9a-hjkmnp-tv-z]{26}$`).test(text);
}
