import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { recomputeFiles } from '../../src/compose/recompute.ts';
import { chart } from '../../src/ledger/index.ts';
import type { Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** The room over HTTP, every answer held against the contract. The clone and its earnings are put there by hand: they are other tests' story. */
let server: TestServer;
let operator: Person;
let owner: Person;
let agency: Person;
let stranger: Person;
let cloneId: string;
const TIER = 'tir_http';
beforeAll(async () => {
  server = await startTestServer({ seed: 'royalties over http' });
  operator = await server.operator();
  owner = await server.person('Lin Ya · 林雅');
  agency = await server.invited(owner, 'payee', 'Morning Agency 晨光');
  stranger = await server.person('Stranger');
  cloneId = server.service.platform.ids.next('clone');
  const client = new pg.Client({ connectionString: server.database.superuserUrl });
  await client.connect();
  await client.query('SET session_replication_role = replica');
  await client.query(`INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at) VALUES ($1, $2, 'own_1', 'Lin Ya · 林雅', 'lin-ya', now())`,
    [cloneId, owner.accountId]);
  await client.query(`INSERT INTO tier (id, clone_id, name, kind, created_by, created_at) VALUES ($1, $2, 'friend', 'friend', $3, now())`, [TIER, cloneId, owner.accountId]);
  await client.query(`INSERT INTO tier_offer (clone_id, tier_id, kind, version, currency, price_minor, outputs_per_period, capabilities, instant_replies, created_by, created_at)
    VALUES ($2, $1, 'friend', 1, 'CNY', 600, 100, '{voice}', true, $3, now())`, [TIER, cloneId, owner.accountId]);
  await client.end();
});
afterAll(async () => {
  await server.close();
});

async function signedSplit(): Promise<string> {
  const legs = [{ payee: owner.accountId, basisPoints: 7_000 }, { payee: agency.accountId, basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 }];
  const { splitId, document } = await owner.client.call('draftSplit', { path: { cloneId }, body: { legs, effectiveFrom: '2026-02-01' } });
  for (const person of [owner, agency, operator]) {
    await person.client.call('signSplit', { path: { splitId }, body: { signature: await person.sign('split', document, 'zh-CN') } });
  }
  return splitId;
}

describe('owner money over HTTP', () => {
  it('goes from a split to a statement on paper and a payout', async () => {
    const splitId = await signedSplit();
    const split = await agency.client.call('getSplit', { path: { splitId } });
    expect(split).toMatchObject({ state: 'signed', missing: [] });
    expect((await owner.client.call('listSplits', { path: { cloneId } })).splits).toEqual([split]);
    const { platform, rooms } = server.service;
    await platform.database.runTx((tx) => rooms.ledger.post(tx, {
      key: 'earned', kind: 'billing.days_earned', effectiveDate: '2026-03-01', metadata: { cloneId, tierId: TIER, fromDay: '2026-03-01', throughDay: '2026-03-01' },
      legs: [{ account: chart.deferred(cloneId, 'CNY'), amountMinor: 1_001n }, { account: chart.earned(cloneId, TIER, 'CNY'), amountMinor: -1_001n }],
    }));
    expect((await operator.client.call('runRoyalties', { body: { cloneId, throughDay: '2026-03-02', dryRun: true } })).runId).toBeNull();
    const run = await operator.client.call('runRoyalties', { body: { cloneId, throughDay: '2026-03-02' } });
    expect(run.pots[0]?.legs.map((leg) => leg.amountMinor)).toEqual(['701', '200', '100']);
    expect(await operator.client.call('getRoyaltyRun', { path: { runId: run.runId ?? '' } })).toEqual(run);

    const closed = await operator.client.call('closeStatements', { body: { throughDay: '2026-03-02' } });
    expect(closed.statements).toHaveLength(3);
    const [own] = (await owner.client.call('listStatements', {})).statements;
    const path = { statementId: own?.statementId ?? '' };
    const { receipt } = await owner.client.call('getStatement', { path });
    expect(receipt.document).toMatchObject({ payeeName: 'Lin Ya · 林雅', closingMinor: '701' });
    expect((await owner.client.call('explainStatementLine', { path: { ...path, lineId: '1' } })).sources).toHaveLength(1);
    const pdf = (await owner.client.call('getStatementPdf', { path })) as unknown as Buffer;
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    expect((await operator.client.call('listStatements', { query: { payee: 'platform' } })).statements).toHaveLength(1);
    // What was printed first is given out for ever.
    const again = (await operator.client.call('getStatementPdf', { path })) as unknown as Buffer;
    expect([again.equals(pdf), pdf.includes('/SubFilter /ETSI.CAdES.detached')]).toEqual([true, true]);
    const table = await owner.client.call('getStatementCsv', { path, query: { language: 'en' } });
    expect(table.replace('\uFEFF', '').split('\r\n')[2]).toContain('Line,1,Earnings,0,2026-03-01,2026-03-01,Lin Ya · 林雅,friend,1,7.01,CNY');
    const events = await owner.client.call('exportStatementEvents', { path });
    expect(events).toMatchObject({ next: null, splits: [{ splitId }], entries: [{ amountMinor: '701' }], earned: [{ amountMinor: '1001', period: null }] });
    await rooms.transparency.sequence();
    const proof = await owner.client.call('getStatementProof', { path });
    expect(proof).toMatchObject({ receipt, previous: null });
    expect(recomputeFiles(Buffer.from(JSON.stringify(proof)), [Buffer.from(JSON.stringify(events))]).ok).toBe(true);

    expect((await agency.client.call('getPayoutAccount', {})).state).toBe('none');
    const { onboardingUrl } = await agency.client.call('onboardPayee', {});
    expect(new URL(onboardingUrl).pathname).toMatch(/^\/onboard\//);
    const begun = await operator.client.call('createPayouts', { body: {} });
    expect(begun).toMatchObject({ payouts: [], skipped: [{ reason: 'payee_not_onboarded' }, { reason: 'payee_not_onboarded' }] });
    expect(await owner.client.call('listPayouts', {})).toEqual({ payouts: [] });
  });

  it('is an operator\'s business where it moves money for others', async () => {
    const refused = [
      await owner.client.refused('runRoyalties', { body: { cloneId, throughDay: '2026-03-02' } }),
      await owner.client.refused('closeStatements', { body: { throughDay: '2026-03-02' } }),
      await owner.client.refused('createPayouts', { body: {} }),
      await owner.client.refused('refundGoodwill', { body: { periodId: 'per_1', days: ['2026-03-01'], reason: 'x' } }),
    ];
    expect(refused.map((one) => [one.status, one.code])).toEqual(refused.map(() => [403, 'role_missing']));
  });

  it('answers the same for what is somebody else\'s and what is not there, byte for byte', async () => {
    const [own] = (await owner.client.call('listStatements', {})).statements;
    const [split] = (await owner.client.call('listSplits', { path: { cloneId } })).splits;
    const pairs = [
      [await stranger.client.refused('getStatement', { path: { statementId: own?.statementId ?? '' } }), await stranger.client.refused('getStatement', { path: { statementId: 'stm_1' } })],
      [await stranger.client.refused('getStatementPdf', { path: { statementId: own?.statementId ?? '' } }), await stranger.client.refused('getStatementPdf', { path: { statementId: 'stm_1' } })],
      [await stranger.client.refused('getSplit', { path: { splitId: split?.splitId ?? '' } }), await stranger.client.refused('getSplit', { path: { splitId: 'spl_1' } })],
      [await stranger.client.refused('listSplits', { path: { cloneId } }), await stranger.client.refused('listSplits', { path: { cloneId: 'cln_1' } })],
      [await stranger.client.refused('listStatements', { query: { payee: owner.accountId } }), await stranger.client.refused('listPayouts', { query: { payee: 'acc_1' } })],
    ];
    for (const [foreign, unknown] of pairs) {
      expect(foreign?.status).toBe(404);
      expect(foreign?.bytes.equals(unknown?.bytes ?? Buffer.alloc(0))).toBe(true);
    }
  });

  it('refuses splits that do not divide the whole, and leaves no trace', async () => {
    const draft = (legs: { payee: string; basisPoints: number }[]) => owner.client.refused('draftSplit', { path: { cloneId }, body: { legs, effectiveFrom: '2026-04-01' } });
    for (const points of [8_999, 9_001]) {
      expect((await draft([{ payee: owner.accountId, basisPoints: points }, { payee: 'platform', basisPoints: 1_000 }])).code).toBe('split_invalid');
    }
    expect((await draft([{ payee: owner.accountId, basisPoints: 4_500 }, { payee: owner.accountId, basisPoints: 4_500 }, { payee: 'platform', basisPoints: 1_000 }])).code)
      .toBe('split_invalid');
    expect((await draft([{ payee: 'acc_nobody', basisPoints: 9_000 }, { payee: 'platform', basisPoints: 1_000 }])).code).toBe('payee_unknown');
    expect((await draft([{ payee: owner.accountId, basisPoints: 8_999.5 }, { payee: 'platform', basisPoints: 1_000.5 }])).status).toBe(400);
    expect((await owner.client.call('listSplits', { path: { cloneId } })).splits).toHaveLength(1);
  });
});

describe('what operators post by hand, over HTTP', () => {
  const goodwill = (payee: string, amount: number): { account: string; amountMinor: string }[] => [
    { account: 'platform_expense:goodwill:CNY', amountMinor: `${amount}` }, { account: `payable:${payee}:CNY`, amountMinor: `${-amount}` },
  ];
  const asked = (legs: { account: string; amountMinor: string }[], effectiveDate = '2026-02-20') => ({
    effectiveDate, reason: 'A fan was charged twice in February.', evidence: 'Ticket 4711, the processor\'s list of that day.', legs,
  });
  const unpaid = (payee: string): Promise<bigint> => server.service.platform.database.runTx((tx) => server.service.rooms.ledger.balance(tx, chart.payable(payee, 'CNY')));
  let second: Person;
  beforeAll(async () => {
    second = await server.invited(operator, 'operator', 'Second operator');
  });

  it('is proposed by one and booked by another, lands in the open period with its own day, and stands on the statement', async () => {
    const before = await unpaid(agency.accountId);
    const proposed = await operator.client.call('proposeAdjustment', { body: asked(goodwill(agency.accountId, 250)) });
    expect([proposed.state, await unpaid(agency.accountId)]).toEqual(['proposed', before]);
    const path = { adjustmentId: proposed.adjustmentId };
    expect((await operator.client.refused('approveAdjustment', { path })).code).toBe('two_people_needed');
    const booked = await second.client.call('approveAdjustment', { path, key: 'approve-1' });
    expect([booked.state, booked.decidedBy, await unpaid(agency.accountId)]).toEqual(['posted', second.accountId, before - 250n]);
    // Again, with the same key and with another, it is the same entry.
    for (const key of ['approve-1', 'approve-2']) expect(await second.client.call('approveAdjustment', { path, key })).toEqual(booked);
    expect([(await operator.client.refused('rejectAdjustment', { path, body: { note: 'too late' } })).code, await unpaid(agency.accountId)]).toEqual(['adjustment_state', before - 250n]);

    // February was closed by statements above; the ledger's own period is closed now.
    await operator.client.call('closeLedgerPeriod', { body: { throughDay: '2026-03-01' } });
    const late = await second.client.call('proposeAdjustment', { body: asked(goodwill(agency.accountId, 50)) });
    await operator.client.call('approveAdjustment', { path: { adjustmentId: late.adjustmentId } });
    await server.service.rooms.ledger.sequence();
    const { transfers } = await operator.client.call('listTransfers', { query: { account: `payable:${agency.accountId}:CNY` } });
    expect(transfers.filter((one) => one.kind === 'ledger.adjusted').map((one) => [one.effectiveDate, one.adjustment, one.metadata['approvedBy']]))
      .toEqual([['2026-02-20', false, second.accountId], ['2026-02-20', true, operator.accountId]]);

    server.clock.advance(2 * 86_400_000);
    for (const person of [operator, second, owner, agency]) await person.signIn();
    const { statements } = await operator.client.call('closeStatements', { body: { throughDay: '2026-03-04' } });
    const own = { statementId: statements.find((one) => one.payee === agency.accountId)?.statementId ?? '' };
    const { document } = (await agency.client.call('getStatement', { path: own })).receipt;
    expect(document.lines).toMatchObject([{ kind: 'adjustment', adjustment: true, transferKind: 'ledger.adjusted', entries: '2', amountMinor: '300' }]);
    const explained = await agency.client.call('explainStatementLine', { path: { ...own, lineId: '1' } });
    expect(explained.entries.map((one) => one.reason)).toEqual(Array.from({ length: 2 }, () => 'A fan was charged twice in February.'));
    expect((await operator.client.call('listAdjustments', {})).adjustments.map((one) => one.state)).toEqual(['posted', 'posted']);
  });

  it('refuses what is nobody\'s to adjust, and leaves the ledger as it was', async () => {
    const position = await server.service.rooms.ledger.sequence();
    const refused = async (legs: { account: string; amountMinor: string }[], day?: string): Promise<string> => (await operator.client.refused('proposeAdjustment', { body: asked(legs, day) })).code;
    const against = (account: string): { account: string; amountMinor: string }[] => [{ account: 'platform_expense:goodwill:CNY', amountMinor: '5' }, { account, amountMinor: '-5' }];
    for (const account of [
      'cash_in_transit:CNY', `earned:${cloneId}:${TIER}:CNY`, `deferred:${cloneId}:CNY`, `payee_reserve:${agency.accountId}:CNY`, `payout_pending:${agency.accountId}:CNY`,
      'coin_deferred:CNY', 'advance_unrecouped:adv_1:CNY', 'payable:acc_1:CNY', `payable:${agency.accountId}`, `payable:${agency.accountId}:XAU`, `payable:${agency.accountId}:COIN`,
      'payable:platform:more:CNY', 'payee_debt:platform:CNY', 'currency_position:CNY', '__proto__:CNY', 'nothing',
    ]) expect([account, await refused(against(account))]).toEqual([account, 'ledger_account_barred']);
    const nobody = server.service.platform.ids.next('account');
    expect([
      await refused(goodwill(nobody, 5)), await refused(goodwill(operator.accountId, 5)), await refused([...goodwill(agency.accountId, 5), ...goodwill(agency.accountId, 5)].slice(0, 3)),
      await refused([{ account: 'platform_expense:goodwill:CNY', amountMinor: '5' }, { account: 'payable:platform:USD', amountMinor: '-5' }]), await refused(goodwill(agency.accountId, 0)),
      await refused(goodwill(agency.accountId, 5), '2026-03-30'), await refused(goodwill(agency.accountId, 5), '1999-12-31'),
      await refused([{ account: 'platform_expense:goodwill:CNY', amountMinor: '9223372036854775808' }, { account: 'payable:platform:CNY', amountMinor: '-9223372036854775808' }]),
    ]).toEqual(['payee_unknown', 'review_party', 'ledger_unbalanced', 'ledger_unbalanced', 'ledger_transfer_invalid', 'request_invalid', 'request_invalid', 'money_out_of_range']);
    // More than there is: refused at the approval, and nothing is decided by it.
    const { adjustmentId } = await operator.client.call('proposeAdjustment', { body: asked(goodwill(agency.accountId, -1_000_000)) });
    expect((await second.client.refused('approveAdjustment', { path: { adjustmentId } })).code).toBe('ledger_insufficient_funds');
    expect((await second.client.call('rejectAdjustment', { path: { adjustmentId }, body: { note: 'She has less.' } })).state).toBe('rejected');
    expect((await second.client.refused('approveAdjustment', { path: { adjustmentId } })).code).toBe('adjustment_state');
    expect(await server.service.rooms.ledger.sequence()).toBe(position);
    // And PostgreSQL refuses the same.
    const mine = await operator.client.call('proposeAdjustment', { body: asked(goodwill(agency.accountId, 1)) });
    await expect(server.database.asApp(`INSERT INTO ledger_adjustment_decision (adjustment_id, verdict, decided_by, decided_at) VALUES ($1, 'approved', $2, now())`, [mine.adjustmentId, operator.accountId]))
      .rejects.toThrow('nobody approves');
    await expect(server.database.asOwner('UPDATE ledger_adjustment SET reason = reason')).rejects.toThrow();
  });

  it('brings opening balances in from a file: tried first, item by item, once', async () => {
    const item = (key: string, legs: { account: string; amountMinor: string }[]) => ({ key, effectiveDate: '2025-12-31', legs });
    const opening = (payee: string, amount: number) => [{ account: 'opening_balances:CNY', amountMinor: `${amount}` }, { account: `payable:${payee}:CNY`, amountMinor: `${-amount}` }];
    const transfers = [
      item('old-1', opening(agency.accountId, 700)), item('old-2', opening(agency.accountId, -9_999_999)), item('old-3', opening(owner.accountId, 300)),
      item('old-3', opening(owner.accountId, 300)), item('old-1', opening(agency.accountId, 701)), item('old-4', opening('acc_1', 1)), item('old-5', opening(operator.accountId, 1)),
      item('old-6', [{ account: 'opening_balances:CNY', amountMinor: '1' }, { account: 'payable:platform:CNY', amountMinor: '-2' }]),
    ];
    const before = [await unpaid(agency.accountId), await unpaid(owner.accountId), await server.service.rooms.ledger.sequence()];
    const checked = await operator.client.call('checkImport', { body: { transfers } });
    expect(checked.items.map((one) => [one.key, one.state, one.problem?.code ?? null])).toEqual([
      ['old-1', 'accepted', null], ['old-2', 'refused', 'ledger_insufficient_funds'], ['old-3', 'accepted', null], ['old-3', 'present', null], ['old-1', 'refused', 'ledger_key_reused'],
      ['old-4', 'refused', 'ledger_account_barred'], ['old-5', 'refused', 'review_party'], ['old-6', 'refused', 'ledger_unbalanced'],
    ]);
    expect([await unpaid(agency.accountId), await unpaid(owner.accountId), await server.service.rooms.ledger.sequence()]).toEqual(before);
    const path = { importId: checked.importId };
    expect((await operator.client.refused('postImport', { path })).code).toBe('two_people_needed');
    const posted = await second.client.call('postImport', { path });
    expect([posted.accepted, posted.present, posted.refused, posted.state]).toEqual([2, 1, 5, 'posted']);
    // The poisoned ones failed alone; once more, or from another file, changes nothing.
    expect((await second.client.call('postImport', { path })).items.map((one) => one.state)).toEqual(['present', 'refused', 'present', 'present', 'refused', 'refused', 'refused', 'refused']);
    expect((await second.client.call('checkImport', { body: { transfers: transfers.slice(0, 1) } })).items[0]?.state).toBe('present');
    expect([await unpaid(agency.accountId), await unpaid(owner.accountId)]).toEqual([(before[0] ?? 0n) - 700n, (before[1] ?? 0n) - 300n]);
    expect((await server.service.rooms.ledger.verify()).problems).toEqual([]);
  });

  it('answers 429 with Retry-After when too much waits to be written, and books it when asked again', async () => {
    const { rooms } = server.service;
    const { adjustmentId } = await operator.client.call('proposeAdjustment', { body: asked(goodwill(agency.accountId, 7)) });
    const before = await unpaid(agency.accountId);
    const blocker = new pg.Client({ connectionString: server.database.superuserUrl });
    await blocker.connect();
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE ledger_transfer IN EXCLUSIVE MODE');
    const fill = (round: string): Promise<unknown>[] => Array.from({ length: 2_000 }, (_, n) => rooms.ledger.submit({
      key: `fill/${round}/${n}`, kind: 'test.fill', effectiveDate: '2026-03-01', metadata: {},
      legs: [{ account: chart.platformExpense('fill', 'CNY'), amountMinor: 1n }, { account: chart.payable('platform', 'CNY'), amountMinor: -1n }],
    }).catch((error: unknown) => error));
    // A batch is taken out of what waits, and stands at the locked table; then what waits is filled up again.
    const waiting = fill('a');
    await new Promise((done) => setTimeout(done, 50));
    waiting.push(...fill('b'));
    const approve = (): Promise<Response> => fetch(`${second.client.origin}/v1/ledger/adjustments/${adjustmentId}/approve`, {
      method: 'POST', headers: { authorization: `Bearer ${second.token}`, 'idempotency-key': 'full-queue' },
    });
    const refused = await approve();     expect([refused.status, refused.headers.get('retry-after'), ((await refused.json()) as { code: string }).code]).toEqual([429, '1', 'overloaded']);
    await blocker.query('ROLLBACK');
    await blocker.end();
    await Promise.all(waiting);     expect(await unpaid(agency.accountId)).toBe(before);
    // Approved and not booked: it can still be withdrawn, by one, and is then never booked.
    const path = { adjustmentId: (await operator.client.call('proposeAdjustment', { body: asked(goodwill(agency.accountId, 8)) })).adjustmentId };
    expect((await operator.client.refused('withdrawAdjustment', { path, body: { note: 'nothing yet' } })).code).toBe('adjustment_state');
    await server.database.asApp(`INSERT INTO ledger_adjustment_decision (adjustment_id, verdict, decided_by, decided_at) VALUES ($1, 'approved', $2, now())`, [path.adjustmentId, second.accountId]);
    expect(await operator.client.call('withdrawAdjustment', { path, body: { note: 'The wrong month.' }, key: 'withdraw' })).toMatchObject({ state: 'withdrawn', note: 'The wrong month.', withdrawnBy: operator.accountId });
    expect((await second.client.refused('approveAdjustment', { path })).code).toBe('adjustment_state');
    expect((await operator.client.refused('withdrawAdjustment', { path, body: { note: 'again' } })).code).toBe('adjustment_state');
    expect(await unpaid(agency.accountId)).toBe(before);
    const booked = await approve();
    expect([booked.status, ((await booked.json()) as { state: string }).state, await unpaid(agency.accountId)]).toEqual([200, 'posted', before - 7n]);
    expect((await operator.client.refused('withdrawAdjustment', { path: { adjustmentId }, body: { note: 'too late' } })).code).toBe('adjustment_state');
  });
});
