import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeBooks } from '../../src/ledger/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { attack, house, into, openTestLedger, type TestLedger, wallet } from './support.ts';

/**
 * Raw SQL against the ledger, past all of our code, as the role of the service and as the role that owns the tables.
 * Whatever is refused is refused by PostgreSQL, and nothing of it stays.
 */

let t: TestLedger;
let ids: { transfer: string; a: string; w: string; dollars: string; coins: string[] };

beforeAll(async () => {
  t = await openTestLedger('attacks');
  await t.post({ key: 'first', legs: into(wallet('w'), 10n) });
  await t.post({ key: 'more', legs: into(wallet('w'), 20n) });
  await t.post({ key: 'dollars', legs: into(wallet('w', 'USD'), 10n) });
  await t.ledger.sequence();
  await t.ledger.rollUp({ worth: 1, daysWorth: 1 });
  await t.database.runTx((tx) => t.ledger.hold(tx, { key: 'held', kind: 'test.held', legs: into(wallet('w'), -1n), expiresAt: null, metadata: {} }));
  const log = { append: () => Promise.resolve({ leafId: `lef_${'0'.repeat(26)}` }) };
  await makeBooks({ runTx: t.database.runTx, clock: makeTestClock('2026-01-02T00:00:00Z'), log }).seal();
  await t.post({ key: 'unsealed', legs: into(wallet('sealed', 'USD'), 1n) });
  await t.ledger.sequence();
  const account = async (code: string): Promise<string> => {
    const [row] = await t.database.asOwner<{ id: string }>('SELECT id FROM ledger_account WHERE code = $1', [code]);
    return row!.id;
  };
  const [transfer] = await t.database.asOwner<{ seq: string }>(`SELECT seq FROM ledger_transfer WHERE key = 'first'`);
  const coins = await t.database.asOwner<{ id: string }>(`INSERT INTO ledger_account (code, currency, class, guarded, floor_minor, content_hash)
    SELECT 'test:coins' || i, 'COIN', 'asset', false, 0, sha256('') FROM generate_series(1, 2) i RETURNING id`);
  ids = {
    coins: coins.map(({ id }) => id),
    transfer: transfer!.seq, a: await account('house:cash:CNY'), w: await account('wallet:w:CNY'),
    dollars: await account('house:cash:USD'),
  };
});
afterAll(() => t.close());

let count = 0;

/** A transfer and its legs as an attacker writes them; each leg is (account id, currency, amount). */
function forged(legs: [string, string, string][], options: { legCount?: number; reverses?: string } = {}): string {
  count += 1;
  const id = `trf_${String(count).padStart(26, '0')}`;
  const values = legs.map(([account, currency, amount], i) => `(${i + 1}, ${account}, '${currency}', ${amount})`).join(', ');
  return `WITH t AS (
      INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata, reverses)
      VALUES ('${id}', 'forged/${count}', 'forged', '2026-01-01', ${options.legCount ?? legs.length}, sha256(''), '{}', ${options.reverses ?? 'NULL'})
      RETURNING seq)
    INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
      SELECT t.seq, v.leg, v.account, v.currency, v.amount FROM t CROSS JOIN (VALUES ${values}) v (leg, account, currency, amount)`;
}

const transferOnly = (id: string, legs = 2): string => `INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata)
  VALUES ('trf_${id.padStart(26, '0')}', 'only/${id}', 'forged', '2026-01-01', ${legs}, sha256(''), '{}')`;
const leg = (transfer: string, place: number, account: string, amount: string): string => {
  return `INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor) VALUES (${transfer}, ${place}, ${account}, 'CNY', ${amount})`;
};
const lastSeq = '(SELECT max(seq) FROM ledger_transfer)';

async function state(): Promise<unknown> {
  return await t.database.asOwner(`SELECT (SELECT count(*) FROM ledger_transfer) AS transfers, (SELECT count(*) FROM ledger_entry) AS entries,
    (SELECT sum(hashtextextended(e::text, 0)) FROM ledger_entry e) AS content, (SELECT count(*) FROM ledger_position) AS positions`);
}

type Case = [name: string, statements: () => string[], state: string, constraint?: string];

/** Refused alike for both roles. */
const CASES: Case[] = [
  ['legs that do not sum to zero', () => [forged([[ids.a, 'CNY', '5'], [ids.w, 'CNY', '-4']])], '23514', 'ledger_transfer_balances'],
  ['legs that sum to zero only across currencies', () => [forged([[ids.a, 'CNY', '5'], [ids.dollars, 'USD', '-5']])], '23514', 'ledger_transfer_balances'],
  ['coins without their money', () => [forged([[ids.coins[0]!, 'COIN', '5'], [ids.coins[1]!, 'COIN', '-5']])], '23514', 'ledger_coins_have_twins'],
  ['coins without their money, beside some that have it', () => [
    forged([[ids.coins[0]!, 'COIN', '5'], [ids.coins[1]!, 'COIN', '-5'], [ids.a, 'CNY', '5'], [ids.w, 'CNY', '-5']]), transferOnly('e'), transferOnly('f'),
    `INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor) SELECT t.seq, v.leg, CASE v.leg WHEN 1 THEN v.one ELSE v.two END, v.currency, CASE v.leg WHEN 1 THEN 5 ELSE -5 END
       FROM ledger_transfer t JOIN (VALUES ('only/e', 1, ${ids.a}, ${ids.w}, 'CNY'), ('only/e', 2, ${ids.a}, ${ids.w}, 'CNY'),
         ('only/f', 1, ${ids.coins[0]!}, ${ids.coins[1]!}, 'COIN'), ('only/f', 2, ${ids.coins[0]!}, ${ids.coins[1]!}, 'COIN')) v (key, leg, one, two, currency) ON v.key = t.key`,
  ], '23514', 'ledger_coins_have_twins'],
  ['a single leg', () => [forged([[ids.a, 'CNY', '5']])], '23514', 'ledger_transfer_leg_count_check'],
  ['fewer legs than said', () => [forged([[ids.a, 'CNY', '5'], [ids.w, 'CNY', '-5']], { legCount: 3 })], '23001', 'ledger_entry_arrives_whole'],
  ['legs in two INSERTs of one transaction', () => [
    transferOnly('a', 4), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.w}, 'CNY', -5)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['a number of a leg twice, behind the right count, first and last', () => [
    transferOnly('c', 4), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.a}, 'CNY', 5), (${lastSeq}, 2, ${ids.a}, 'CNY', -5), (${lastSeq}, 4, ${ids.a}, 'CNY', -5)`,
  ], '23505', 'ledger_entry_of_transfer'],
  ['a number of a leg twice, in two currencies', () => [
    transferOnly('d', 4), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.a}, 'CNY', -5), (${lastSeq}, 2, ${ids.dollars}, 'USD', 5), (${lastSeq}, 4, ${ids.dollars}, 'USD', -5)`,
  ], '23505', 'ledger_entry_of_transfer'],
  ['balanced legs twice for one transfer', () => [
    transferOnly('b'), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.w}, 'CNY', -5)`,
    `${leg(lastSeq, 3, ids.a, '5')}, (${lastSeq}, 4, ${ids.w}, 'CNY', -5)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['the same legs once more, in the transaction that created their transfer', () => [
    transferOnly('g'), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.a}, 'CNY', -5)`, `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.a}, 'CNY', -5)`,
  ], '23505', 'ledger_entry_of_transfer'],
  ['the same legs once more, where a guarded account is among them', () => [
    transferOnly('h'), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.w}, 'CNY', -5)`, `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.w}, 'CNY', -5)`,
  ], '23505', 'ledger_entry_of_transfer'],
  ['a leg on an account that is not there, beside legs that are in order', () => [
    transferOnly('k'), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.a}, 'CNY', -5), (${lastSeq}, 3, 999999, 'CNY', 7)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['a leg of a transfer that is not there, beside legs that are in order', () => [
    transferOnly('j'), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.a}, 'CNY', -5), (999999, 1, ${ids.a}, 'CNY', 7)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['balanced legs into a committed transfer', () => [
    `${leg(ids.transfer, 3, ids.a, '5')}, (${ids.transfer}, 4, ${ids.w}, 'CNY', -5)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['legs of a transfer that is not there', () => [
    `${leg('999999', 1, ids.a, '5')}, (999999, 2, ${ids.w}, 'CNY', -5)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['a leg of zero', () => [forged([[ids.a, 'CNY', '0'], [ids.w, 'CNY', '0']])], '23514', 'ledger_entry_amount_minor_check'],
  ['another currency than the account has', () => [forged([[ids.a, 'USD', '5'], [ids.w, 'USD', '-5']])], '23503', 'ledger_entry_currency_of_account'],
  ['an unknown currency', () => [`INSERT INTO ledger_account (code, currency, class, guarded, floor_minor, content_hash)
    VALUES ('x', 'XXX', 'asset', false, 0, sha256(''))`], '23503', 'ledger_account_currency_fkey'],
  ['an unknown class', () => [`INSERT INTO ledger_account (code, currency, class, guarded, floor_minor, content_hash)
    VALUES ('x', 'CNY', 'equity', false, 0, sha256(''))`], '23514', 'ledger_account_class_check'],
  ['NaN', () => [forged([[ids.a, 'CNY', `'NaN'::bigint`], [ids.w, 'CNY', '-5']])], '22P02'],
  ['NaN by way of numeric', () => [forged([[ids.a, 'CNY', `'NaN'::numeric`], [ids.w, 'CNY', `'NaN'::numeric`]])], '0A000'],
  ['NaN by way of double precision', () => [forged([[ids.a, 'CNY', `'NaN'::float8`], [ids.w, 'CNY', `'NaN'::float8`]])], '22003'],
  ['2^63', () => [forged([[ids.a, 'CNY', '9223372036854775808'], [ids.w, 'CNY', '-9223372036854775808']])], '22003'],
  ['-2^63', () => [forged([[ids.w, 'CNY', '9223372036854775807'], [ids.a, 'CNY', '-9223372036854775808']])], '23514', 'ledger_entry_amount_minor_check'],
  ['a balance beyond 64 bits', () => [
    forged([[ids.a, 'CNY', '9223372036854775807'], [ids.w, 'CNY', '-9223372036854775807']]),
  ], '22003'],
  ['an overdrawn wallet', () => [forged([[ids.w, 'CNY', '31'], [ids.a, 'CNY', '-31']])], '23514', 'ledger_account_floor'],
  ['an overdrawn wallet in two steps', () => [
    forged([[ids.w, 'CNY', '16'], [ids.a, 'CNY', '-16']]), forged([[ids.w, 'CNY', '15'], [ids.a, 'CNY', '-15']]),
  ], '23514', 'ledger_account_floor'],
  ['a guarded debit under a kept snapshot', () => [
    'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', forged([[ids.w, 'CNY', '1'], [ids.a, 'CNY', '-1']]),
  ], '25000'],
  ['a reversal under a kept snapshot', () => [
    'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', forged([[ids.a, 'CNY', '5'], [ids.a, 'CNY', '-5']]), forged([[ids.a, 'CNY', '-5'], [ids.a, 'CNY', '5']], { reverses: lastSeq }),
  ], '25000'],
  ['a reversal of more than the whole', () => [
    forged([[ids.w, 'CNY', '5'], [ids.a, 'CNY', '-5']], { reverses: ids.transfer }),
    forged([[ids.a, 'CNY', '-6'], [ids.w, 'CNY', '6']], { reverses: ids.transfer }),
  ], '23514', 'ledger_reversal_bounded'],
  ['a reversal in the same direction', () => [forged([[ids.a, 'CNY', '5'], [ids.w, 'CNY', '-5']], { reverses: ids.transfer })], '23514', 'ledger_reversal_bounded'],
  ['a reversal on an account that was not touched', () => [
    forged([[ids.w, 'CNY', '5'], [ids.a, 'CNY', '-5']], { reverses: '(SELECT seq FROM ledger_transfer WHERE key = \'dollars\')' }),
  ], '23514', 'ledger_reversal_bounded'],
  ['a key twice', () => [`INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata)
    VALUES ('trf_00000000000000000000000zzz', 'first', 'forged', '2026-01-01', 2, sha256(''), '{}')`], '23505', 'ledger_transfer_key_key'],
  ['an account that is not there', () => [forged([['999999', 'CNY', '5'], [ids.w, 'CNY', '-5']])], '23503', 'ledger_entry_currency_of_account'],
  ['legs that are not numbered from one', () => [
    transferOnly('z'), `${leg(lastSeq, 0, ids.a, '5')}, (${lastSeq}, 2, ${ids.w}, 'CNY', -5)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['a leg number twice', () => [
    transferOnly('y', 4), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 1, ${ids.w}, 'CNY', -5), (${lastSeq}, 2, ${ids.a}, 'CNY', 5), (${lastSeq}, 4, ${ids.w}, 'CNY', -5)`,
  ], '23505', 'ledger_entry_of_transfer'],
  ['a leg number twice, in two currencies', () => [
    transferOnly('y', 4), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.w}, 'CNY', -5), (${lastSeq}, 1, ${ids.dollars}, 'USD', 5), (${lastSeq}, 4, ${ids.dollars}, 'USD', -5)`,
  ], '23505', 'ledger_entry_of_transfer'],
  ['as many legs as said, of which one number is left out', () => [
    transferOnly('x', 4), `${leg(lastSeq, 1, ids.a, '5')}, (${lastSeq}, 2, ${ids.a}, 'CNY', -5), (${lastSeq}, 3, ${ids.a}, 'CNY', 5), (${lastSeq}, 5, ${ids.w}, 'CNY', -5)`,
  ], '23001', 'ledger_entry_arrives_whole'],
  ['a leg number twice among many', () => [
    transferOnly('y', 80), `INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
      SELECT ${lastSeq}, CASE i WHEN 70 THEN 71 ELSE i END, ${ids.a}, 'CNY', CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END FROM generate_series(1, 80) i`,
  ], '23505', 'ledger_entry_of_transfer'],
  ['an id of another form', () => [transferOnly('z').replace('trf_00', 'trf_0i')], '23514', 'ledger_transfer_id_check'],
  ['an id of another kind', () => [transferOnly('z').replace('trf_', 'out_')], '23514', 'ledger_transfer_id_check'],
  ['a kind of another form', () => [transferOnly('z').replace(`'forged'`, `'Forged'`)], '23514', 'ledger_transfer_kind_check'],
  ['a kind that begins with a digit', () => [transferOnly('z').replace(`'forged'`, `'1forged'`)], '23514', 'ledger_transfer_kind_check'],
  ['no kind', () => [transferOnly('z').replace(`'forged'`, 'NULL')], '23502'],
  ['an empty key', () => [transferOnly('z').replace(`'only/z'`, `''`)], '23514', 'ledger_transfer_key_check'],
  ['a day outside the calendar', () => [transferOnly('z').replace('2026', '2226')], '23514', 'ledger_transfer_effective_date_check'],
  ['a hash of another length', () => [transferOnly('z').replace(`sha256('')`, `'x'`)], '23514', 'ledger_transfer_content_hash_check'],
  ['a transfer that both undoes and captures', () => [`INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata, reverses, captures)
    VALUES ('trf_00000000000000000000000zzz', 'm', 'forged', '2026-01-01', 2, sha256(''), '{}', ${ids.transfer}, 1)`], '23514', 'ledger_transfer_one_origin'],
  ['metadata that is no object', () => [`INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata)
    VALUES ('trf_00000000000000000000000zzz', 'm', 'forged', '2026-01-01', 2, sha256(''), '[]')`], '23514', 'ledger_transfer_metadata_check'],
];

describe.each(['benren_app', 'benren_owner'] as const)('raw SQL as %s', (role) => {
  const url = (): string => (role === 'benren_app' ? t.database.appUrl : t.database.ownerUrl);

  it.each(CASES)('refuses %s', async (_name, statements, expected, constraint) => {
    const before = await state();
    const result = await attack(url(), statements());
    expect(result.state).toBe(expected);
    if (constraint !== undefined) expect(result.constraint).toBe(constraint);
    expect(await state()).toEqual(before);
  });

  it('refuses to change or remove anything', async () => {
    const before = await state();
    const tables = [
      ['currency', 'exponent = 3'], ['ledger_account', 'guarded = false'], ['ledger_transfer', `kind = 'x'`],
      ['ledger_entry', 'amount_minor = 1'], ['ledger_position', 'position = position + 1'], ['ledger_roll_up', 'high_seq = 0'],
      ['ledger_balance_snapshot', 'balance_minor = 0'], ['ledger_balance_day', 'place = 2'],
    ] as const;
    const expected = role === 'benren_app' ? '42501' : '23001';
    for (const [table, change] of tables) {
      expect([table, (await attack(url(), [`UPDATE ${table} SET ${change}`])).state]).toEqual([table, expected]);
      expect([table, (await attack(url(), [`DELETE FROM ${table}`])).state]).toEqual([table, expected]);
      expect([table, (await attack(url(), [`TRUNCATE ${table} CASCADE`])).state]).toEqual([table, expected]);
    }
    expect((await attack(url(), [`INSERT INTO ledger_transfer SELECT * FROM ledger_transfer ON CONFLICT (key) DO UPDATE SET kind = 'x'`])).state)
      .toBe(role === 'benren_app' ? '42501' : '23001');
    expect(await state()).toEqual(before);
  });

  it('gives its own stamp to a transfer that brings one', async () => {
    const [future] = await t.database.asOwner<{ xid: string }>('SELECT (pg_current_xact_id()::text::bigint + 1)::text AS xid');
    const id = role === 'benren_app' ? '1' : '2';
    const result = await attack(url(), [
      `INSERT INTO ledger_transfer (seq, created_xid, recorded_at, id, key, kind, effective_date, leg_count, content_hash, metadata)
        VALUES (7777777, '${String(Number(future!.xid) + 1)}', '1999-01-01', 'trf_0000000000000000000000st0${id}', 'stamp/${role}', 'forged', '2026-01-01', 2, sha256(''), '{}')`,
    ]);
    expect(result.state).toBe('00000');
    const [row] = await t.database.asOwner<{ seq: string; recent: boolean }>(
      `SELECT seq, recorded_at > '2001-01-01' AS recent FROM ledger_transfer WHERE key = 'stamp/${role}'`,
    );
    expect(Number(row!.seq)).toBeLessThan(7777777);
    expect(row!.recent).toBe(true);
    // Without legs it never gets a position, and it can never take legs again.
    await t.ledger.sequence();
    expect((await attack(url(), [`${leg(row!.seq, 1, ids.a, '5')}, (${row!.seq}, 2, ${ids.w}, 'CNY', -5)`])).state).toBe('23001');
    expect(await t.database.asOwner(`SELECT 1 FROM ledger_position WHERE transfer_seq = ${row!.seq}`)).toEqual([]);
  });
});

/** A seal as an attacker writes one: by default what would be right. */
function forgedSeal(change: { number?: string; from?: string; to?: string; holds?: string; leaves?: string } = {}): string {
  const { number = '2', from = '3', to = '4', holds = `'{}', '{}'` } = change;
  const leaves = change.leaves ?? `ledger_leaves(${from}, ${to}, ${holds.replace(', ', '::bigint[], ')}::text[])`;
  return `INSERT INTO ledger_seal (number, from_position, to_position, hold_seqs, hold_facts, leaves, root, leaf_id)
    VALUES (${number}, ${from}, ${to}, ${holds}, ${leaves}, sha256(''), 'lef_${'1'.repeat(26)}')`;
}

const SEALS: Case[] = [
  ['number is left out', () => [forgedSeal({ number: '3' })], '23514', 'ledger_seal_follows'],
  ['number is there', () => [forgedSeal({ number: '1' })], '23514', 'ledger_seal_follows'],
  ['positions are sealed already', () => [forgedSeal({ from: '2' })], '23514', 'ledger_seal_follows'],
  ['positions leave some out', () => [forgedSeal({ from: '4', holds: `'{1}', '{held}'` })], '23514', 'ledger_seal_follows'],
  ['positions were not given yet', () => [forgedSeal({ to: '5', leaves: `sha256('a') || sha256('b')` })], '23514', 'ledger_seal_follows'],
  ['leaves are not those of the rows', () => [forgedSeal({ leaves: `sha256('x')` })], '23514', 'ledger_seal_follows'],
  ['leaves are too few', () => [forgedSeal({ leaves: `substr(sha256('x'), 1, 31)` })], '23514', 'ledger_seal_follows'],
  ['holds are sealed already', () => [forgedSeal({ holds: `'{1}', '{held}'` })], '23514', 'ledger_seal_follows'],
  ['holds have not ended', () => [forgedSeal({ holds: `'{1}', '{ended}'`, leaves: `sha256('x') || sha256('y')` })], '23514', 'ledger_seal_follows'],
];

describe.each(['benren_app', 'benren_owner'] as const)('raw SQL on seals as %s', (role) => {
  const url = (): string => (role === 'benren_app' ? t.database.appUrl : t.database.ownerUrl);
  const seals = (): Promise<unknown> => t.database.asOwner('SELECT s.number, md5(s::text) AS content, (SELECT count(*) FROM ledger_hold_unsealed) AS waiting FROM ledger_seal s');

  it.each(SEALS)('refuses one whose %s', async (_name, statements, expected, constraint) => {
    const before = await seals();
    expect(await attack(url(), statements())).toEqual({ state: expected, constraint });
    expect(await seals()).toEqual(before);
  });

  it('refuses to change or remove one', async () => {
    const before = await seals();
    for (const statement of ['UPDATE ledger_seal SET root = sha256(root)', 'DELETE FROM ledger_seal', 'TRUNCATE ledger_seal']) {
      expect([statement, (await attack(url(), [statement])).state]).toEqual([statement, role === 'benren_app' ? '42501' : '23001']);
    }
    expect(await seals()).toEqual(before);
  });
});

describe('raw SQL as the service', () => {
  it('can neither say that holds are sealed nor lock the ledger for others without their order', async () => {
    const app = t.database.appUrl;
    for (const statement of [
      'DELETE FROM ledger_hold_unsealed', `INSERT INTO ledger_hold_unsealed VALUES (1, 'ended')`, 'TRUNCATE ledger_hold_unsealed', 'SELECT 1 FROM ledger_account FOR UPDATE',
      'SELECT ledger_captures_bounded(ARRAY[1])', 'SELECT ledger_reversals_bounded(ARRAY[1])', 'SELECT ledger_snapshot_accounts(0, 1, 1, 1, 1, 1)', 'SELECT ledger_sum_days(1, 1, 1, 1, NULL, NULL)', 'SELECT ledger_entries_between(1, 0, 9, 0, 9)',
      'CREATE OR REPLACE FUNCTION ledger_leaves(bigint, bigint, bigint[], text[]) RETURNS bytea LANGUAGE sql AS $$ SELECT sha256(\'\') $$',
    ]) expect([statement, (await attack(app, [statement])).state]).toEqual([statement, '42501']);
    // The same words where they are true, so that what was refused above was refused for what it said.
    expect((await attack(app, [forgedSeal()])).state).toBe('00000');
  });

  it('can neither make up positions and balances nor stand in for our tables', async () => {
    const app = t.database.appUrl;
    expect((await attack(app, ['INSERT INTO ledger_position VALUES (2000, 1)'])).state).toBe('42501');
    expect((await attack(app, ['INSERT INTO ledger_balance_snapshot VALUES (1, 1, 5, 0, 0, 0, 1)'])).state).toBe('42501');
    expect((await attack(app, [`SELECT nextval('ledger_transfer_order')`])).state).toBe('42501');
    expect((await attack(app, ['ALTER TABLE ledger_entry DISABLE TRIGGER ALL'])).state).toBe('42501');
    expect((await attack(app, ['DROP TABLE ledger_entry'])).state).toBe('42501');
    expect((await attack(app, ['SET ROLE benren_owner'])).state).toBe('42501');
    expect((await attack(app, [`SET session_replication_role = 'replica'`])).state).toBe('42501');
    expect((await attack(app, [
      'CREATE TEMPORARY TABLE ledger_account AS SELECT * FROM public.ledger_account',
      'UPDATE pg_temp.ledger_account SET guarded = false',
      forged([[ids.w, 'CNY', '31'], [ids.a, 'CNY', '-31']]).replaceAll('INTO ledger_', 'INTO public.ledger_'),
    ])).constraint).toBe('ledger_account_floor');
  });

  it('may post what balances, as anybody could check', async () => {
    expect((await attack(t.database.appUrl, [transferOnly('m', 80), `INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
      SELECT ${lastSeq}, i, ${ids.a}, 'CNY', CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END FROM generate_series(1, 80) i`])).state).toBe('00000');
    expect((await attack(t.database.appUrl, [forged([[ids.w, 'CNY', '1'], [ids.a, 'CNY', '-1']])])).state).toBe('00000');
    expect(await t.balance(wallet('w'))).toBe(-29n);
    expect(await t.balance(house('cash'))).toBe(29n);
  });
});

describe('raw SQL as the owner', () => {
  it('cannot give positions with gaps, or to what is not there', async () => {
    expect(await attack(t.database.ownerUrl, ['INSERT INTO ledger_position SELECT max(position) + 1, 999999 FROM ledger_position']))
      .toEqual({ state: '23503', constraint: 'ledger_position_transfer_seq_fkey' });
    expect(await attack(t.database.ownerUrl, [`INSERT INTO ledger_position SELECT 2000, max(seq) FROM ledger_transfer`]))
      .toEqual({ state: '23514', constraint: 'ledger_position_gapless' });
  });
});
