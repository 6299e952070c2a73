import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { CaptureDraft, Held, HoldDraft, Posted } from '../../src/ledger/index.ts';
import { makeLedgerTicks } from '../../src/ledger/index.ts';
import { expireSome } from '../../src/ledger/hold-store.ts';
import type { AccountRef } from '../../src/ledger/model.ts';
import { makeTestClock } from '../support/clock.ts';
import { until } from '../support/until.ts';
import { attack, house, into, NO_SEALS, openTestLedger, type TestLedger, wallet } from './support.ts';

let t: TestLedger;
beforeAll(async () => {
  t = await openTestLedger('holds');
});
afterAll(() => t.close());

const NOON = new Date('2026-03-01T12:00:00Z');
const LATER = new Date('2026-03-01T13:00:00Z');

let count = 0;
function hold(draft: Pick<HoldDraft, 'legs'> & Partial<HoldDraft>): Promise<Held> {
  count += 1;
  const full = { key: `hold/${count}`, kind: 'test.hold', expiresAt: LATER, metadata: { outputId: `out_${count}` }, ...draft };
  return t.database.runTx((tx) => t.ledger.hold(tx, full));
}
function capture(holdId: string, draft: Partial<CaptureDraft> = {}): Promise<Posted> {
  const full = { key: `capture/${holdId}`, at: NOON, effectiveDate: '2026-03-01', ...draft };
  return t.database.runTx((tx) => t.ledger.captureHold(tx, holdId, full));
}
const letGo = (holdId: string, at = NOON): Promise<Held> => t.database.runTx((tx) => t.ledger.voidHold(tx, holdId, at));
const available = (account: AccountRef): Promise<bigint> => t.database.runTx((tx) => t.ledger.available(tx, account));
const read = (holdId: string): ReturnType<TestLedger['ledger']['readHold']> => t.database.runTx((tx) => t.ledger.readHold(tx, holdId));
const part = (account: AccountRef, amountMinor: bigint): CaptureDraft['legs'] => [
  { accountCode: house('cash', account.currency).code, amountMinor: -amountMinor }, { accountCode: account.code, amountMinor },
];

describe('a hold', () => {
  it('keeps what it will take from everybody else, and moves nothing', async () => {
    const account = wallet('kept');
    await t.post({ legs: into(account, 100n) });
    const { holdId, created } = await hold({ legs: into(account, -60n) });
    expect(created).toBe(true);
    expect(await t.balance(account)).toBe(-100n);
    expect(await available(account)).toBe(40n);
    await expect(t.post({ legs: into(account, -41n) })).rejects.toMatchObject({ code: 'ledger_insufficient_funds', extra: { availableMinor: '40' } });
    await expect(hold({ legs: into(account, -41n) })).rejects.toMatchObject({ code: 'ledger_insufficient_funds' });
    await t.post({ legs: into(account, -40n) });
    expect(await available(account)).toBe(0n);
    // What is to come in is nothing yet.
    await hold({ legs: into(account, 500n) });
    await expect(t.post({ legs: into(account, -1n) })).rejects.toMatchObject({ code: 'ledger_insufficient_funds' });
    expect(await read(holdId)).toMatchObject({ kind: 'test.hold', expiresAt: LATER, resolution: null, legs: [{ amountMinor: -60n }, { amountMinor: 60n }] });
  });

  it('is held once under its key', async () => {
    const account = wallet('once');
    await t.post({ legs: into(account, 10n) });
    const draft = { key: 'once/hold', legs: into(account, -10n), metadata: { a: 1 } };
    const { holdId } = await hold(draft);
    expect(await hold(draft)).toEqual({ holdId, created: false });
    await expect(hold({ ...draft, legs: into(account, -9n) })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    await expect(hold({ ...draft, expiresAt: null })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    expect(await available(account)).toBe(0n);
  });

  it('refuses what a transfer would be refused for', async () => {
    const account = wallet('bad');
    await expect(hold({ legs: [{ account, amountMinor: 1n }] })).rejects.toMatchObject({ code: 'ledger_transfer_invalid' });
    await expect(hold({ legs: [{ account, amountMinor: 1n }, { account: house('cash'), amountMinor: 1n }] })).rejects.toMatchObject({ code: 'ledger_unbalanced' });
    await expect(hold({ legs: into(account, -1n), kind: 'Not' })).rejects.toMatchObject({ code: 'ledger_transfer_invalid' });
    await expect(hold({ legs: into(account, -1n), expiresAt: new Date(Number.NaN) })).rejects.toMatchObject({ code: 'ledger_transfer_invalid' });
  });
});

describe('an end', () => {
  it('captures in full, once, whoever asks again', async () => {
    const account = wallet('full');
    await t.post({ legs: into(account, 50n) });
    const { holdId } = await hold({ legs: into(account, -50n), metadata: { outputId: 'out_full' } });
    const posted = await capture(holdId, { metadata: { releaseId: 'rel_1' } });
    expect(posted.created).toBe(true);
    expect(await t.balance(account)).toBe(0n);
    expect(await capture(holdId, { metadata: { releaseId: 'rel_1' } })).toEqual({ ...posted, created: false });
    await expect(capture(holdId)).rejects.toMatchObject({ code: 'ledger_key_reused' });
    await expect(capture(holdId, { key: 'another' })).rejects.toMatchObject({ code: 'hold_state', extra: { outcome: 'captured' } });
    await expect(letGo(holdId)).rejects.toMatchObject({ code: 'hold_state' });
    expect(await read(holdId)).toMatchObject({ resolution: { outcome: 'captured', at: NOON, transferId: posted.transferId } });
    const entries = await t.database.runTx((tx) => t.ledger.entriesFor(tx, { outputId: 'out_full' }));
    expect(entries.map(({ kind, amountMinor, metadata }) => [kind, amountMinor, metadata['capture']])).toEqual([
      ['test.hold.captured', -50n, 'whole'], ['test.hold.captured', 50n, 'whole'],
    ]);
  });

  it('captures a part and frees the rest, never more than was held', async () => {
    const account = wallet('part');
    await t.post({ legs: into(account, 50n) });
    const { holdId } = await hold({ legs: into(account, -50n) });
    await expect(capture(holdId, { legs: part(account, 51n)! })).rejects.toMatchObject({ code: 'ledger_capture_too_large' });
    await expect(capture(holdId, { legs: part(account, -5n)! })).rejects.toMatchObject({ code: 'ledger_capture_too_large' });
    await expect(capture(holdId, { legs: part(wallet('once'), 5n)! })).rejects.toMatchObject({ code: 'ledger_capture_too_large' });
    await expect(capture(holdId, { legs: [{ accountCode: account.code, amountMinor: 5n }, { accountCode: house('cash').code, amountMinor: -4n }] }))
      .rejects.toMatchObject({ code: 'ledger_unbalanced' });
    const posted = await capture(holdId, { legs: part(account, 20n)! });
    expect(await capture(holdId, { legs: part(account, 20n)! })).toEqual({ ...posted, created: false });
    await expect(capture(holdId, { legs: part(account, 21n)! })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    expect([await t.balance(account), await available(account)]).toEqual([-30n, 30n]);
  });

  it('voids, and voids again', async () => {
    const account = wallet('void');
    await t.post({ legs: into(account, 5n) });
    const { holdId } = await hold({ legs: into(account, -5n), expiresAt: null });
    expect(await letGo(holdId)).toEqual({ holdId, created: true });
    expect(await letGo(holdId, LATER)).toEqual({ holdId, created: false });
    expect(await available(account)).toBe(5n);
    await expect(capture(holdId)).rejects.toMatchObject({ code: 'hold_state', extra: { outcome: 'voided' } });
    await expect(letGo('lhd_00000000000000000000000000')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('runs out at its instant: nothing is captured then, and the job frees it', async () => {
    const account = wallet('expiry');
    await t.post({ legs: into(account, 30n) });
    const ids = [];
    for (const expiresAt of [LATER, LATER, new Date(LATER.getTime() + 1), null]) ids.push((await hold({ legs: into(account, -7n), expiresAt })).holdId);
    const before = new Date(LATER.getTime() - 1);
    expect((await capture(ids[0]!, { at: before })).created).toBe(true);
    await expect(capture(ids[1]!, { at: LATER })).rejects.toMatchObject({ code: 'hold_state', extra: { outcome: 'expired' } });
    const clock = makeTestClock(before.toISOString());
    const tick = makeLedgerTicks(t.ledger, NO_SEALS, clock)['ledger.expireHolds']!;
    await tick.run();
    expect(await read(ids[1]!)).toMatchObject({ resolution: null });
    clock.set(LATER);
    await tick.run();
    await tick.run();
    expect(await Promise.all(ids.map(async (id) => (await read(id))!.resolution?.outcome ?? null))).toEqual(['captured', 'expired', null, null]);
    expect(await available(account)).toBe(23n - 14n);
  });

  it('comes once: of a hundred that capture, void and expire at the same time, one wins', async () => {
    const account = wallet('race');
    await t.post({ legs: into(account, 100n) });
    const seen = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      await t.ledger.expireHolds(LATER);
      const { holdId } = await hold({ legs: into(account, -10n) });
      const results = await Promise.allSettled(Array.from({ length: 24 }, async (_, i) => {
        if (i % 3 === 0) return (await capture(holdId, { key: `race/${round}/${i}` })).created;
        if (i % 3 === 1) return (await letGo(holdId)).created;
        return (await t.ledger.expireHolds(LATER)) > 0;
      }));
      const won = results.flatMap((result, i) => (result.status === 'fulfilled' && result.value ? [i] : []));
      expect(won).toHaveLength(1);
      seen.add((await read(holdId))!.resolution!.outcome);
    }
    const [sum] = await t.database.asOwner<{ n: string }>(`SELECT count(*) AS n FROM ledger_hold_resolution r JOIN ledger_hold_open o ON o.hold_seq = r.hold_seq`);
    expect(sum!.n).toBe('0');
    expect(seen.size).toBeGreaterThan(0);
  });

  it('that comes while it runs out finds it run out, and one that is under way is not waited for', async () => {
    const account = wallet('instant');
    await t.post({ legs: into(account, 20n) });
    const { holdId } = await hold({ legs: into(account, -10n) });
    const late: Promise<unknown>[] = [];
    await t.database.runTx(async (tx) => {
      expect(await expireSome(tx, LATER, 10)).toBe(1);
      // Both began before its end by the clock that they read.
      late.push(...[capture(holdId), letGo(holdId)].map((one) => one.catch((error: unknown) => error)));
      await until(async () => {
        const [waiting] = await t.database.asOwner<{ n: string }>(`
          SELECT count(DISTINCT pid) AS n FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`);
        return waiting!.n === '2';
      });
    });
    expect(await Promise.all(late)).toMatchObject([{ code: 'hold_state', extra: { outcome: 'expired' } }, { code: 'hold_state', extra: { outcome: 'expired' } }]);
    const { holdId: second } = await hold({ legs: into(account, -10n) });
    await t.database.runTx(async (tx) => {
      await t.ledger.captureHold(tx, second, { key: 'instant', at: NOON, effectiveDate: '2026-03-01' });
      expect(await t.ledger.expireHolds(LATER)).toBe(0);
    });
    expect(await read(second)).toMatchObject({ resolution: { outcome: 'captured' } });
  });

  it('of a thousand debits and holds at once takes what is there and no more', async () => {
    const account = wallet('thousand');
    await t.post({ legs: into(account, 100n) });
    const results = await Promise.allSettled(Array.from({ length: 300 }, (_, i) => {
      return i % 2 === 0 ? t.post({ legs: into(account, -1n) }) : hold({ legs: into(account, -1n) });
    }));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
    expect(await available(account)).toBe(0n);
  });

  it('stands in the replay, and leaves nothing to say', async () => {
    await t.ledger.rollUp({ worth: 1, daysWorth: 1 });
    const { problems, holds } = await t.ledger.verify();
    expect(problems).toEqual([]);
    expect(holds).toBeGreaterThan(20);
  });
});

describe.each(['benren_app', 'benren_owner'] as const)('raw SQL as %s', (role) => {
  const url = (): string => (role === 'benren_app' ? t.database.appUrl : t.database.ownerUrl);
  const cash = `(SELECT id FROM ledger_account WHERE code = 'house:cash:CNY')`;
  const purse = `(SELECT id FROM ledger_account WHERE code = 'wallet:raw:CNY')`;
  let n = role === 'benren_app' ? 0 : 500;
  /** A hold and its legs, written by hand. */
  const forgedHold = (legs: [string, string][], options: { legCount?: number; expiresAt?: string; key?: string } = {}): string => {
    n += 1;
    const values = legs.map(([account, amount], i) => `(${i + 1}, ${account}, ${amount})`).join(', ');
    return `WITH h AS (INSERT INTO ledger_hold (id, key, kind, expires_at, leg_count, content_hash, metadata)
        VALUES ('lhd_${String(n).padStart(26, '0')}', '${options.key ?? `raw/${n}`}', 'raw', '${options.expiresAt ?? '2026-03-01T13:00:00Z'}', ${options.legCount ?? legs.length}, sha256(''), '{}') RETURNING seq)
      INSERT INTO ledger_hold_leg (hold_seq, leg, account_id, currency, amount_minor)
        SELECT h.seq, v.leg, v.account, 'CNY', v.amount FROM h CROSS JOIN (VALUES ${values}) v (leg, account, amount)`;
  };
  const seq = (key: string): string => `(SELECT seq FROM ledger_hold WHERE key = '${key}')`;
  const transfer = (captures: string): string => {
    n += 1;
    return `INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata, captures)
      VALUES ('trf_${String(n).padStart(26, '0')}', 'raw/t/${n}', 'raw', '2026-01-01', 2, sha256(''), '{}', ${captures})`;
  };
  const legs = (amount: number, account = purse): string => `INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
    VALUES ((SELECT max(seq) FROM ledger_transfer), 1, ${account}, 'CNY', ${amount}), ((SELECT max(seq) FROM ledger_transfer), 2, ${cash}, 'CNY', ${-amount})`;
  const end = (hold: string, outcome: string, at: string, by = 'NULL'): string => `INSERT INTO ledger_hold_resolution (hold_seq, outcome, at, transfer_seq) VALUES (${hold}, '${outcome}', '${at}', ${by})`;
  const last = '(SELECT max(seq) FROM ledger_transfer)';
  const open = `${role}/open`;
  const ended = `${role}/ended`;

  beforeAll(async () => {
    await t.post({ key: `raw/in/${role}`, legs: into(wallet('raw'), 10n) });
    const { holdId } = await hold({ key: ended, legs: into(wallet('raw'), -1n) });
    await letGo(holdId);
    await hold({ key: open, legs: into(wallet('raw'), -4n) });
  });

  const CASES: [name: string, statements: () => string[], state: string, constraint?: string][] = [
    ['a hold off balance', () => [forgedHold([[purse, '2'], [cash, '-1']])], '23514', 'ledger_hold_balances'],
    ['a hold of more than is there', () => [forgedHold([[purse, '200'], [cash, '-200']])], '23514', 'ledger_account_floor'],
    ['a hold of what another keeps', () => [forgedHold([[purse, '30'], [cash, '-30']])], '23514', 'ledger_account_floor'],
    ['fewer legs than said', () => [forgedHold([[purse, '1'], [cash, '-1']], { legCount: 3 })], '23001', 'ledger_hold_arrives_whole'],
    ['legs into a hold that stands', () => [`INSERT INTO ledger_hold_leg (hold_seq, leg, account_id, currency, amount_minor) VALUES (${seq(open)}, 3, ${cash}, 'CNY', 1), (${seq(open)}, 4, ${purse}, 'CNY', -1)`], '23001', 'ledger_hold_arrives_whole'],
    ['NaN', () => [forgedHold([[purse, `'NaN'::numeric`], [cash, `'NaN'::numeric`]])], '0A000'],
    ['a key twice', () => [forgedHold([[purse, '1'], [cash, '-1']], { key: open })], '23505', 'ledger_hold_key_key'],
    ['a debit of what is held', () => [transfer('NULL'), legs(100)], '23514', 'ledger_account_floor'],
    ['two ends', () => [end(seq(ended), 'voided', '2026-03-01T12:00:00Z')], '23505', 'ledger_hold_resolution_pkey'],
    ['two ends in one statement', () => [`INSERT INTO ledger_hold_resolution (hold_seq, outcome, at) VALUES (${seq(open)}, 'voided', now()), (${seq(open)}, 'voided', now())`], '23505', 'ledger_hold_resolution_pkey'],
    ['an end of what is not there', () => [end('999999', 'voided', '2026-03-01T12:00:00Z')], '23503'],
    ['an unknown end', () => [end(seq(open), 'forgotten', '2026-03-01T12:00:00Z')], '23514', 'ledger_hold_resolution_outcome_check'],
    ['an expiry before its time', () => [end(seq(open), 'expired', '2026-03-01T12:59:59Z')], '23514', 'ledger_hold_resolves'],
    ['a capture without a transfer', () => [end(seq(open), 'captured', '2026-03-01T12:00:00Z')], '23514', 'ledger_hold_captured_by_transfer'],
    ['a capture by a foreign transfer', () => [end(seq(open), 'captured', '2026-03-01T12:00:00Z', `(SELECT seq FROM ledger_transfer WHERE key = 'raw/in/${role}')`)], '23514', 'ledger_hold_resolves'],
    ['a capture by a new transfer of another hold', () => [transfer(seq(ended)), end(seq(open), 'captured', '2026-03-01T12:00:00Z', last)], '23514', 'ledger_hold_resolves'],
    ['a capture that moves nothing', () => [transfer(seq(open)), end(seq(open), 'captured', '2026-03-01T12:00:00Z', last)], '23514', 'ledger_hold_resolves'],
    ['a capture that does not end its hold', () => [transfer(seq(open)), legs(1)], '23514', 'ledger_hold_resolves'],
    ['a capture of a hold that has ended', () => [transfer(seq(ended)), legs(1)], '23514', 'ledger_hold_resolves'],
    ['a capture after its time', () => [transfer(seq(open)), end(seq(open), 'captured', '2026-03-01T13:00:00Z', last), legs(1)], '23514', 'ledger_hold_resolves'],
    ['a capture of more', () => [transfer(seq(open)), end(seq(open), 'captured', '2026-03-01T12:00:00Z', last), legs(5)], '23514', 'ledger_capture_bounded'],
    ['a capture the other way', () => [transfer(seq(open)), end(seq(open), 'captured', '2026-03-01T12:00:00Z', last), legs(-1)], '23514', 'ledger_capture_bounded'],
    ['a capture on a foreign account', () => [transfer(seq(open)), end(seq(open), 'captured', '2026-03-01T12:00:00Z', last), legs(1, `(SELECT id FROM ledger_account WHERE code = 'wallet:full:CNY')`)], '23514', 'ledger_capture_bounded'],
    ['a reversal that also captures', () => [transfer(seq(open)).replace(', captures)', ', captures, reverses)').replace(/\)$/, `, (SELECT min(seq) FROM ledger_transfer))`)], '23514', 'ledger_transfer_one_origin'],
  ];
  it.each(CASES)('refuses %s', async (_name, statements, state, constraint) => {
    const result = await attack(url(), statements());
    expect(result.state).toBe(state);
    if (constraint !== undefined) expect(result.constraint).toBe(constraint);
  });

  it('refuses to change or remove anything', async () => {
    const expected = role === 'benren_app' ? '42501' : '23001';
    for (const [table, change] of [['ledger_hold', `kind = 'x'`], ['ledger_hold_leg', 'amount_minor = 1'], ['ledger_hold_resolution', `outcome = 'voided'`]] as const) {
      expect([table, (await attack(url(), [`UPDATE ${table} SET ${change}`])).state]).toEqual([table, expected]);
      expect([table, (await attack(url(), [`DELETE FROM ${table}`])).state]).toEqual([table, expected]);
      expect([table, (await attack(url(), [`TRUNCATE ${table} CASCADE`])).state]).toEqual([table, expected]);
    }
    if (role === 'benren_app') {
      expect((await attack(url(), ['DELETE FROM ledger_hold_open'])).state).toBe('42501');
      expect((await attack(url(), ['DELETE FROM ledger_hold_claim'])).state).toBe('42501');
    }
  });
});
