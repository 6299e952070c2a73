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
