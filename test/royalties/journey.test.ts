import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadDocuments } from '../../src/identity/index.ts';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type Person, type RoyaltiesWorld } from './world.ts';

/** One clone from its split to a statement, a payout, and a refund after it; each case goes on where the last one ended. */
let world: RoyaltiesWorld;
let tierId: string;
let periodId: string;
beforeAll(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
  await world.signedSplit();
  periodId = await world.paid('mei', tierId);
});
afterAll(async () => {
  await world.close();
});

const unpaid = async (payee: string): Promise<bigint> => -(await world.balance(chart.payable(payee, 'CNY')));
const debt = (payee: string): Promise<bigint> => world.balance(chart.payeeDebt(payee, 'CNY'));
const close = (throughDay: string): ReturnType<RoyaltiesWorld['royalties']['closeStatements']> =>
  world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay });
const statementOf = async (list: Awaited<ReturnType<typeof close>>, payee: string) => {
  const found = list.statements.find((one) => one.payee === payee);
  if (found === undefined) throw new Error(`no statement for ${payee}`);
  const { document } = (await world.royalties.getStatement(world.operator.actor, found.statementId)).receipt;
  if (document.schemaVersion !== 2) throw new Error('not of today\'s version');
  return document;
};

/** Asked of PostgreSQL, with SQL of its own: the newest statements are what the ledger says at the last close. */
async function checkStatements(): Promise<void> {
  const rows = await world.db.asOwner<{ account: string; ledger: string; statement: string }>(`
    WITH closed AS (SELECT max(to_position) AS at FROM statement_close),
    ledger AS (
      SELECT a.code, sum(e.amount_minor) AS balance FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
        JOIN ledger_position p ON p.transfer_seq = e.transfer_seq JOIN closed ON p.position <= closed.at
        WHERE a.code ~ '^(payable|payee_debt|payee_reserve):' GROUP BY a.code),
    newest AS (SELECT DISTINCT ON (payee, currency) * FROM statement ORDER BY payee, currency, number DESC),
    said AS (
      SELECT 'payable:' || payee || ':' || currency AS code, -closing_minor AS balance FROM newest
      UNION ALL SELECT 'payee_debt:' || payee || ':' || currency, debt_closing_minor FROM newest
      UNION ALL SELECT 'payee_reserve:' || payee || ':' || currency, -reserve_closing_minor FROM newest)
    SELECT code AS account, coalesce(ledger.balance, 0)::text AS ledger, coalesce(said.balance, 0)::text AS statement
      FROM ledger FULL JOIN said USING (code)`);
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) expect(`${row.account} ${row.statement}`).toBe(`${row.account} ${row.ledger}`);
  const [lines] = await world.db.asOwner<{ off: string; foreign: string }>(`
    SELECT (SELECT count(*) FROM statement s WHERE closing_minor <> opening_minor
              + coalesce((SELECT sum(amount_minor) FROM statement_line l WHERE l.statement_id = s.id AND line_id NOT LIKE 'd%'), 0)
              OR debt_closing_minor <> debt_opening_minor
              + coalesce((SELECT sum(amount_minor) FROM statement_line l WHERE l.statement_id = s.id AND line_id LIKE 'd%'), 0))::text AS off,
           (SELECT count(*) FROM statement_line l WHERE NOT EXISTS (
              SELECT FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq
                WHERE t.id = l.transfer_id AND e.leg = l.leg AND abs(e.amount_minor) = abs(l.amount_minor)))::text AS foreign`);
  expect(lines).toEqual({ off: '0', foreign: '0' });
}

describe('period one', () => {
  it('is earned and divided by the signed split, net of tax and fees, once', async () => {
    await world.moveTo(noon('2026-04-01'));
    const dry = await world.run('2026-04-01', true);
    expect(dry).toMatchObject({ runId: null, dryRun: true, entries: 1, pots: [{ amountMinor: '540', splitNumber: 1, tierName: 'friend' }] });
    expect(await unpaid(world.owner.accountId)).toBe(0n);
    expect(await world.db.asOwner('SELECT FROM ledger_transfer WHERE kind = $1', ['billing.days_earned'])).toHaveLength(0);

    const run = await world.run('2026-04-01');
    expect(run).toMatchObject({
      number: 1, entries: 1, fromPosition: '0', netted: [],
      pots: [{
        amountMinor: '540', firstDay: '2026-03-01', lastDay: '2026-03-31',
        legs: [{ payee: world.owner.accountId, amountMinor: '378' }, { payee: world.agency.accountId, amountMinor: '108' }, { payee: 'platform', amountMinor: '54' }],
      }],
    });
    expect({ ...dry.pots[0], potId: null }).toEqual({ ...run.pots[0], potId: null });
    expect(await world.royalties.getRoyaltyRun(run.runId ?? '')).toEqual(run);
    expect([await unpaid(world.owner.accountId), await unpaid(world.agency.accountId), await unpaid('platform')]).toEqual([378n, 108n, 54n]);
    expect(await world.balance(chart.earned(world.cloneId, tierId, 'CNY'))).toBe(0n);

    const again = await world.run('2026-04-01');
    expect(again).toMatchObject({ number: 2, fromPosition: run.toPosition, entries: 0, pots: [] });
    expect(await refusal(world.run('2026-04-02'))).toBe('run_range');
    await world.checkBooks();
  });

  it('is closed into statements that add up, are signed, logged, and never change', async () => {
    const list = await close('2026-04-01');
    expect(list.statements.map((one) => [one.payee, one.openingMinor, one.closingMinor, one.debtMinor])).toEqual([
      [world.owner.accountId, '0', '378', '0'], [world.agency.accountId, '0', '108', '0'], ['platform', '0', '54', '0'],
    ].sort(([a], [b]) => (a! < b! ? -1 : 1)));
    const document = await statementOf(list, world.owner.accountId);
    expect(document).toMatchObject({
      number: '1', payeeName: 'Lin Ya · 林雅', fromDay: '2026-03-01', throughDay: '2026-04-01', fromPosition: '0', openingMinor: '0', closingMinor: '378',
      totals: [{ kind: 'earnings', entries: '1', inPeriodMinor: '378', adjustmentsMinor: '0', totalMinor: '378' }], previousStatementSha256: null,
      lines: [{ lineId: '1', kind: 'earnings', adjustment: false, cloneId: world.cloneId, tierId, entries: '1', firstDay: '2026-03-01', lastDay: '2026-03-31', amountMinor: '378' }],
      earnings: [{ cloneName: 'Lin Ya · 林雅', tierName: 'friend', inPeriodMinor: '378', refundsMinor: '0', totalMinor: '378' }],
      pots: [{ earnedMinor: '540', baseMinor: '540', base: 'net_of_tax_and_fees', splitNumber: '1', legs: [{ basisPoints: 7_000, shareMinor: '378' }, { shareMinor: '108' }, { shareMinor: '54' }] }],
    });
    expect(loadDocuments().validate('statement', document)).toEqual(document);
    const { receipt, leafId } = await world.royalties.getStatement(world.owner.actor, document.statementId);
    expect(world.provenance.verifyReceipt(receipt)).toMatchObject({ ok: true });
    await world.transparency.sequence();
    expect((await world.transparency.getLogProof(leafId)).leaf).toMatchObject({ type: 'statement.closed', subjectId: document.statementId, documentSha256: receipt.digest });
    await checkStatements();
    expect(await refusal(close('2026-04-01'))).toBe('statement_closed');
    expect(await refusal(close('2026-04-02'))).toBe('statement_open');
    for (const text of ['UPDATE statement SET closing_minor = 1', 'DELETE FROM statement_line', 'TRUNCATE statement CASCADE']) {
      await expect(world.db.asApp(text)).rejects.toThrow();
      await expect(world.db.asOwner(text)).rejects.toThrow();
    }
  });

  it('is paid out in two phases, to who is onboarded', async () => {
    const key = world.key('createPayouts');
    expect(await world.royalties.createPayouts(world.operator.actor, key, {})).toMatchObject({
      payouts: [], skipped: [{ reason: 'payee_not_onboarded' }, { reason: 'payee_not_onboarded' }],
    });
    expect((await world.royalties.getPayoutAccount(world.agency.actor)).state).toBe('none');
    await world.onboard(world.owner);
    await world.onboard(world.agency);
    expect(await world.royalties.getPayoutAccount(world.agency.actor)).toEqual({
      state: 'ready', detailsSubmitted: true, transfersActive: true, payoutsEnabled: true, bankFailure: null, reminder: null,
    });
    const begun = await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), {});
    expect(begun.skipped).toEqual([]);
    expect(begun.payouts.map((one) => [one.payee, one.amountMinor, one.state]).sort()).toEqual(
      [[world.owner.accountId, '378', 'pending'], [world.agency.accountId, '108', 'pending']].sort());
    expect(await unpaid(world.owner.accountId)).toBe(0n);
    expect(await world.balance(chart.payoutPending(world.owner.accountId, 'CNY'))).toBe(-378n);
    await world.drain();
    expect(await world.balance(chart.payoutPending(world.owner.accountId, 'CNY'))).toBe(0n);
    for (const payout of begun.payouts) {
      expect(await world.royalties.getPayout(world.operator.actor, payout.payoutId)).toMatchObject({ state: 'paid', problem: null });
    }
    expect((await world.port.sdk.transfers.list({})).data.map((one) => one.amount).sort()).toEqual([108, 378]);
    await world.checkBooks();
  });

  it('after the payout a day of it is refunded, and comes back as each payee\'s debt, netted once from later earnings', async () => {
    const refund = await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), {
      periodId, days: ['2026-03-10'], reason: 'The voice was not there for a day.',
    });
    expect(refund.state).toBe('pending');
    expect(await refusal(world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId, days: ['2026-03-10'], reason: 'Again.' })))
      .toBe('refund_too_large');
    await world.drain();
    const booked = await world.royalties.getRefund(refund.refundId);
    const net = (567n * 10n) / 31n - (567n * 9n) / 31n;
    const fee = (27n * 10n) / 31n - (27n * 9n) / 31n;
    const tax = (33n * 10n) / 31n - (33n * 9n) / 31n;
    expect(booked).toMatchObject({ state: 'booked', netMinor: `${net}`, taxMinor: `${tax}`, grossMinor: `${net + tax}`, expenseMinor: `${fee}`, undividedMinor: '0' });
    const returned = booked.legs.reduce((sum, leg) => sum + BigInt(leg.amountMinor), 0n);
    expect(returned).toBe(net - fee);
    const [ownerDebt, agencyDebt] = [await debt(world.owner.accountId), await debt(world.agency.accountId)];
    expect(ownerDebt > 0n && agencyDebt > 0n).toBe(true);
    expect(await unpaid('platform')).toBe(54n - (returned - ownerDebt - agencyDebt));
    await world.checkBooks();

    await world.moveTo(noon('2026-05-01'));
    const run = await world.run('2026-05-01');
    const netted = (person: Person): string | undefined => run.netted.find((one) => one.payee === person.accountId)?.amountMinor;
    expect([netted(world.owner), netted(world.agency)]).toEqual([`${ownerDebt}`, `${agencyDebt}`]);
    expect([await debt(world.owner.accountId), await debt(world.agency.accountId)]).toEqual([0n, 0n]);
    expect(await unpaid(world.owner.accountId)).toBe(378n - ownerDebt);

    const document = await statementOf(await close('2026-05-01'), world.owner.accountId);
    expect(document).toMatchObject({
      number: '2', openingMinor: '378', closingMinor: `${378n - ownerDebt}`,
      totals: [{ kind: 'earnings', totalMinor: '378' }, { kind: 'debt', totalMinor: `-${ownerDebt}` }, { kind: 'payout', totalMinor: '-378' }],
      debt: { openingMinor: '0', closingMinor: '0', lines: [{ kind: 'refunds', amountMinor: `${ownerDebt}` }, { kind: 'debt', amountMinor: `-${ownerDebt}` }] },
    });
    expect(document.lines.map((line) => line.kind)).toEqual(['earnings', 'debt', 'payout']);
    await checkStatements();
    await world.checkBooks();
  });
});

describe('PostgreSQL itself', () => {
  const insert = (closing: number, digest: string): string => `INSERT INTO statement (id, close_number, payee, payee_name, currency, number, opening_minor, closing_minor,
      debt_opening_minor, debt_closing_minor, canonical, digest, key_id, signature, leaf_id, closed_at)
    SELECT 'stm_00000000000000000000000001', max(number), 'acc_mei', 'Mei', 'CNY', 1, 0, ${closing}, 0, 0, $1, '${digest}', 'k', 's', 'l', now() FROM statement_close RETURNING id`;

  it('refuses a statement that does not add up, and one that adds up to what the ledger does not say', async () => {
    const [text, digest] = ['{}', sha256Hex('{}')];
    for (const role of ['asApp', 'asOwner'] as const) {
      await expect(world.db[role](insert(5, digest), [text])).rejects.toThrow('opening and lines are not closing');
      await expect(world.db[role](`WITH s AS (${insert(5, digest)}) INSERT INTO statement_line (statement_id, line_id, transfer_id, leg, amount_minor)
        SELECT id, '1', 'trf_00000000000000000000000001', 1, 5 FROM s`, [text])).rejects.toThrow('is not what the ledger says');
    }
    expect(await world.db.asOwner('SELECT FROM statement WHERE payee = $1', ['acc_mei'])).toEqual([]);
  });

  it('keeps statements of the first version, which stay readable in every form', async () => {
    const old = {
      type: 'benren.statement', schemaVersion: 1, statementId: 'stm_00000000000000000000000001', number: '1', payee: 'acc_00000000000000000000000001', payeeName: 'Mei', currency: 'CNY',
      fromDay: '2026-03-01', throughDay: '2026-04-01', timeZone: 'Asia/Shanghai', fromPosition: '0', toPosition: '1', openingMinor: '0', lines: [],
      totals: { earningsMinor: '0', refundsMinor: '0', debtNettedMinor: '0', payoutsMinor: '0', adjustmentsMinor: '0', otherMinor: '0', linesMinor: '0' },
      closingMinor: '0', debt: { openingMinor: '0', lines: [], closingMinor: '0' }, previousStatementSha256: null, closedAt: '2026-04-02T00:00:00.000Z',
    };
    expect(loadDocuments().validate('statement', old)).toEqual(old);
    const canonical = canonicalJson(old);
    await world.db.asOwner(insert(0, sha256Hex(canonical)), [canonical]);
    const { royalties, operator } = world;
    expect((await royalties.getStatement(operator.actor, old.statementId)).receipt.document).toEqual(old);
    expect(Buffer.from(await royalties.getStatementPdf(operator.actor, old.statementId, 'en')).subarray(0, 5).toString()).toBe('%PDF-');
    expect(await royalties.getStatementCsv(operator.actor, old.statementId)).toContain('Opening,');
    expect(await refusal(royalties.exportStatementEvents(operator.actor, old.statementId))).toBe('not_found');
    expect(await refusal(royalties.explainStatementLine(operator.actor, old.statementId, '1'))).toBe('not_found');
  });
});

describe('what a statement says', () => {
  it('leads from each line to the payment, the tier and the split', async () => {
    const [newest] = (await world.royalties.listStatements(world.owner.actor)).statements;
    const explain = (lineId: string) => world.royalties.explainStatementLine(world.owner.actor, newest!.statementId, lineId);
    const earning = await explain('1');
    const april = (await world.tx((tx) => world.billing.periodsBetween(tx, { cloneId: world.cloneId, fromDay: '2026-04-01', toDay: '2026-05-01' })))
      .find((period) => period.startDay === '2026-04-01');
    expect(earning).toMatchObject({
      amountMinor: '378', entries: [{ kind: 'royalties.pot_divided' }], next: null, pots: [{ basisPoints: 7_000, potMinor: '540', splitNumber: 1 }], sourceCount: 1,
      sources: [{ kind: 'billing.days_earned', periodId: april?.periodId, charge: april?.charge, tierName: 'friend', fromDay: '2026-04-01', throughDay: '2026-04-30' }],
    });
    expect((await explain('d1')).sources).toMatchObject([{ periodId, fromDay: '2026-03-01', throughDay: '2026-03-31' }]);
    expect((await explain('3')).sources.map((one) => one.kind)).toEqual(['royalties.payout_begun', 'royalties.payout_paid']);
    expect(await refusal(explain('9'))).toBe('not_found');
    expect(await refusal(world.royalties.explainStatementLine(world.owner.actor, newest!.statementId, '1', { after: 'nonsense' }))).toBe('request_invalid');
    expect(earning.sources.map((one) => one.fan)).toEqual([expect.stringMatching(/^fan_[0-9a-f]{24}$/)]);
  });

  it('is for the payee and operators; the platform\'s for operators', async () => {
    const stranger = await world.person('Stranger');
    const [own] = (await world.royalties.listStatements(world.owner.actor)).statements;
    const [platform] = (await world.royalties.listStatements(world.operator.actor, 'platform')).statements;
    expect(platform).toMatchObject({ payee: 'platform', number: 2 });
    for (const actor of [stranger.actor, world.agency.actor]) {
      expect(await refusal(world.royalties.getStatement(actor, own!.statementId))).toBe('not_found');
      expect(await refusal(world.royalties.getStatement(actor, platform!.statementId))).toBe('not_found');
      expect(await refusal(world.royalties.listStatements(actor, world.owner.accountId))).toBe('not_found');
    }
    expect((await world.royalties.listStatements(stranger.actor)).statements).toEqual([]);
  });

  it('prints to the same bytes each time', async () => {
    for (const payee of [world.owner.accountId, 'platform']) {
      const [newest] = (await world.royalties.listStatements(world.operator.actor, payee)).statements;
      const first = await world.royalties.getStatementPdf(world.operator.actor, newest!.statementId);
      const second = await world.royalties.getStatementPdf(world.operator.actor, newest!.statementId);
      expect(Buffer.from(first).subarray(0, 5).toString()).toBe('%PDF-');
      expect(Buffer.compare(first, second)).toBe(0);
    }
  });
});
