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
  adjustment: 'adj',
  openingImport: 'imp',
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

/** Crockford base32, lower case, most significant digit first: of milliseconds, in ten digits. */
function timeDigits(milliseconds: number): string {
  let text = '';
  for (let rest = milliseconds % 2 ** 48, i = 0; i < 10; i += 1) {
    text = (ALPHABET[rest % 32] ?? '') + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** Of ten bytes, in sixteen digits: five bytes are eight digits. */
function randomDigits(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31] ?? '';
    held &= (1 << bits) - 1;
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
      return `${ID_PREFIXES[kind]}_${timeDigits(clock.now().getTime())}${randomDigits(random.bytes(10))}`;
    },
  };
}

/** Whether `text` has the form of an id of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  return new RegExp(`^${ID_PREFIXES[kind]}_[0-9a-hjkmnp-tv-z]{26}$`).test(text);
}
