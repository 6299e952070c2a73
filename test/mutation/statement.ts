import { canonicalJson, type JsonObject } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import type { EntrySum } from '../../src/ledger/grouping.ts';
import type { PotFacts } from '../../src/royalties/pot-store.ts';
import type { EarnedEvent, EntryEvent, Events, SplitIn } from '../../src/royalties/recompute-types.ts';
import { type Statement, statementDocument, type StatementInput } from '../../src/royalties/statement-model.ts';

/**
 * One month of one payee, small enough to be worked out by hand: a pot of a tier by net, a pot of a derivative by gross that goes
 * up to them as the original's owner, a pot below zero, a reserve held and released, a debt netted, a payout.
 */

export const PAYEE = 'acc_a';

function split(splitId: string, base: string, legs: [payee: string, basisPoints: number][]): SplitIn {
  const document = { type: 'benren.split', splitId, base, legs: legs.map(([payee, basisPoints]) => ({ payee, payeeName: payee, basisPoints })) };
  return { splitId, document: document as unknown as SplitIn['document'] };
}

export const SPLITS = [
  split('spl_1', 'net_of_tax_and_fees', [['acc_a', 7_000], ['platform', 3_000]]), split('spl_2', 'gross', [['acc_c', 8_000], ['platform', 2_000]]),
  split('spl_3', 'net_of_tax', [['acc_a', 7_000], ['platform', 3_000]]),
];

type LegFacts = PotFacts['legs'][number];
const leg = (payee: string, basisPoints: number, shareMinor: bigint, amountMinor = shareMinor, derivativeId: string | null = null): LegFacts =>
  ({ payee, basisPoints, shareMinor, amountMinor, derivativeId });

function pot(number: number, money: Pick<PotFacts, 'base' | 'grossMinor' | 'taxMinor' | 'feeMinor' | 'earnedMinor' | 'entries'>, legs: LegFacts[]): PotFacts {
  const document = SPLITS[number - 1]?.document as unknown as JsonObject;
  return {
    potId: `pot_${number}`, runId: 'run', cloneId: `cln_${number}`, tierId: `tir_${number}`, currency: 'CNY', firstDay: '2026-02-27', lastDay: '2026-03-20', splitId: `spl_${number}`,
    splitNumber: number, splitSha256: sha256Hex(canonicalJson(document)), ...money, legs,
  };
}

export const POTS: PotFacts[] = [
  // 254.8 and 109.2: the payee has lost more by rounding down.
  pot(1, { base: 'net_of_tax_and_fees', grossMinor: 399n, taxMinor: 22n, feeMinor: 13n, earnedMinor: 364n, entries: 2n }, [leg('acc_a', 7_000, 255n), leg('platform', 3_000, 109n)]),
  // 15 % of 111 is 16; 80 % of the other 95 is 76; the platform bears fee and tax, 11.
  pot(2, { base: 'gross', grossMinor: 111n, taxMinor: 6n, feeMinor: 5n, earnedMinor: 100n, entries: 1n }, [
    leg('acc_a', 1_500, 16n, 16n, 'drv'), leg('acc_c', 8_000, 76n), leg('platform', 2_000, 19n, 8n),
  ]),
  pot(3, { base: 'net_of_tax', grossMinor: null, taxMinor: 0n, feeMinor: 2n, earnedMinor: -7n, entries: 1n }, [leg('acc_a', 7_000, 0n), leg('platform', 3_000, 0n, -7n)]),
];

const potOf = (number: number | null): { potId: string | null; cloneId: string | null; tierId: string | null } =>
  (number === null ? { potId: null, cloneId: null, tierId: null } : { potId: `pot_${number}`, cloneId: `cln_${number}`, tierId: `tir_${number}` });

/** A sum of entries as the ledger groups it; `amountMinor` is a debit where it is positive. */
export function entrySum(kind: string, amountMinor: bigint, position: bigint, number: number | null = null, change: Partial<EntrySum> = {}): EntrySum {
  return {
    groupKey: `${kind}|${position}`, accountCode: 'payable:acc_a:CNY', currency: 'CNY', kind, early: false, entries: 1n, amountMinor, firstPosition: position, lastPosition: position,
    firstDay: '2026-03-20', lastDay: '2026-03-20', payoutId: null, advanceId: null, ...potOf(number), ...change,
  };
}

export function statementInput(change: Partial<StatementInput> = {}): StatementInput {
  return {
    statementId: 'stm', number: 3, payee: PAYEE, payeeName: 'A', currency: 'CNY', close: { fromDay: '2026-03-01', throughDay: '2026-04-01', fromPosition: 10n, toPosition: 50n },
    accounts: {
      balance: {
        openingMinor: 20n,
        sums: [
          entrySum('royalties.payout_begun', 200n, 40n, null, { payoutId: 'pay' }), entrySum('royalties.pot_divided', -255n, 20n, 1), entrySum('royalties.derivative_divided', -16n, 21n, 2),
          entrySum('royalties.debt_netted', 30n, 22n), entrySum('royalties.reserve_held', 12n, 23n, null, { cloneId: 'cln_1' }), entrySum('royalties.reserve_released', -5n, 24n, null, { cloneId: 'cln_1' }),
          entrySum('royalties.days_refunded', 4n, 41n, null, { cloneId: 'cln_1', tierId: 'tir_1', early: true }),
        ],
      },
      debt: { openingMinor: 30n, sums: [entrySum('royalties.debt_netted', -30n, 22n), entrySum('royalties.days_refunded', 9n, 41n, null, { cloneId: 'cln_1', tierId: 'tir_1' })] },
      reserve: {
        openingMinor: 5n,
        sums: [
          entrySum('royalties.reserve_held', -12n, 23n, null, { cloneId: 'cln_1' }), entrySum('royalties.reserve_released', 5n, 24n, null, { cloneId: 'cln_1' }),
          entrySum('royalties.days_refunded', 1n, 41n, null, { cloneId: 'cln_1', tierId: 'tir_1' }),
        ],
      },
    },
    advances: [{ advanceId: 'adv', openingMinor: 100n, closingMinor: 80n }],
    pots: new Map([...POTS.slice(0, 2), { ...POTS[2]!, potId: 'pot_9' }].map((one) => [one.potId, one])),
    names: new Map([['cln_1', 'Mei'], ['cln_2', 'Cover'], ['tir_1', 'friend'], ['tir_9', 'nobody\'s']]), previousStatementSha256: 'ab', closedAt: new Date('2026-04-01T01:00:00Z'), ...change,
  };
}

const entry = (account: EntryEvent['account'], lineId: string, position: number, transferKind: string, amountMinor: string, change: Partial<EntryEvent> = {}): EntryEvent => ({
  account, lineId, transferId: `trf_${position}`, leg: account === 'balance' ? 1 : account === 'reserve' ? 2 : 3, position: `${position}`, transferKind, effectiveDate: '2026-03-20', amountMinor,
  potId: null, refundId: null, payoutId: null, returns: null, ...change,
});

const PERIOD = { grossMinor: '600', taxMinor: '34', feeMinor: '20', days: 30 };
const earned = (potId: string, position: number, amountMinor: string, [grossMinor, taxMinor, feeMinor]: (string | null)[], days: { fromK: number; toK: number } | null): EarnedEvent => ({
  potId, transferId: `trf_${position}`, leg: 1, position: `${position}`, transferKind: 'billing.days_earned', effectiveDate: '2026-03-20', fromDay: days === null ? null : '2026-03-01',
  throughDay: days === null ? null : '2026-03-10', amountMinor, grossMinor: grossMinor ?? null, taxMinor: taxMinor ?? null, feeMinor: feeMinor ?? null, fan: null, charge: null, outputId: null,
  period: days === null ? null : { ...PERIOD, ...days },
});

/** The statement of that month, and the list of what happened, as the payee is given it. The pot below zero stands in it too. */
export function statementWorld(): { statement: Statement; events: Events } {
  const input = statementInput({ pots: new Map(POTS.map((one) => [one.potId, one])) });
  const below = entrySum('royalties.pot_divided', 0n, 25n, 3);
  const statement = statementDocument({ ...input, accounts: { ...input.accounts, balance: { ...input.accounts.balance, sums: [...input.accounts.balance.sums, below] } } });
  const lineOf = (account: EntryEvent['account'], position: number): string =>
    (account === 'balance' ? statement.lines : statement[account].lines).find((line) => line.fromPosition === `${position}`)?.lineId ?? '';
  const at = (account: EntryEvent['account'], position: number, kind: string, amount: string, change: Partial<EntryEvent> = {}): EntryEvent =>
    entry(account, lineOf(account, position), position, kind, amount, change);
  // 21 of the pot of 364 were claimed back after 5: by Sainte-Laguë 14 of them are the payee's. After 6 they would be 15.
  const returns = [{ potId: 'pot_1', beforeMinor: '5', baseMinor: '21', amountMinor: '21', shares: [{ payee: 'acc_a', shareMinor: '255' }, { payee: 'platform', shareMinor: '109' }] }];
  return {
    statement,
    events: {
      type: 'benren.statement_events', schemaVersion: 1, statementId: 'stm', payee: PAYEE, currency: 'CNY', fromPosition: '10', toPosition: '50', splits: SPLITS,
      entries: [
        at('balance', 20, 'royalties.pot_divided', '255', { potId: 'pot_1' }), at('balance', 21, 'royalties.derivative_divided', '16', { potId: 'pot_2' }),
        at('balance', 25, 'royalties.pot_divided', '0', { potId: 'pot_3' }),
        at('balance', 22, 'royalties.debt_netted', '-30'), at('debt', 22, 'royalties.debt_netted', '-30'),
        at('balance', 23, 'royalties.reserve_held', '-12'), at('reserve', 23, 'royalties.reserve_held', '12'), at('balance', 24, 'royalties.reserve_released', '5'), at('reserve', 24, 'royalties.reserve_released', '-5'),
        at('balance', 40, 'royalties.payout_begun', '-200', { payoutId: 'pay' }),
        at('balance', 41, 'royalties.days_refunded', '-4', { refundId: 'rfd', returns }), at('reserve', 41, 'royalties.days_refunded', '-1', { refundId: 'rfd', returns }),
        at('debt', 41, 'royalties.days_refunded', '9', { refundId: 'rfd', returns }),
      ],
      earned: [
        earned('pot_1', 11, '182', ['199', '11', '6'], { fromK: 0, toK: 10 }), earned('pot_1', 12, '182', ['200', '11', '7'], { fromK: 10, toK: 20 }),
        earned('pot_2', 13, '100', ['111', '6', '5'], null), earned('pot_3', 14, '-7', [null, '0', '2'], null),
      ],
    },
  };
}
