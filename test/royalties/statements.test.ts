import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { chart, type TransferDraft } from '../../src/ledger/index.ts';
import type { Statement } from '../../src/royalties/statement-model.ts';
import { amountText, percentText } from '../../src/royalties/paper-text.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let tierId: string;
beforeEach(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
  await world.signedSplit();
});
afterEach(async () => {
  await world.close();
});

type List = Awaited<ReturnType<RoyaltiesWorld['royalties']['closeStatements']>>;
const close = (throughDay: string): Promise<List> => world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay });
async function documentOf(list: List, payee: string): Promise<Statement> {
  const found = list.statements.find((one) => one.payee === payee);
  if (found === undefined) throw new Error('no statement');
  const { document } = (await world.royalties.getStatement(world.operator.actor, found.statementId)).receipt;
  if (document.schemaVersion !== 2) throw new Error('not of today\'s version');
  return document;
}

/** Something on a payee's account that no verb of the room makes: money owed for another reason. */
const owed = (key: string, amountMinor: bigint): TransferDraft => ({
  key, kind: 'royalties.adjusted', effectiveDate: '2026-03-20', metadata: {},
  legs: [{ account: chart.platformExpense('other', 'CNY'), amountMinor }, { account: chart.payable(world.agency.accountId, 'CNY'), amountMinor: -amountMinor }],
});

describe('a close', () => {
  it('leaves a transaction that was open before it and committed after it to the next one, whole', async () => {
    await world.moveTo(noon('2026-04-01'));
    await world.tx((tx) => world.ledger.post(tx, owed('before', 5n)));
    let commit: () => void = () => undefined;
    const gate = new Promise<void>((done) => {
      commit = done;
    });
    let posted: () => void = () => undefined;
    const open = new Promise<void>((done) => {
      posted = done;
    });
    const late = world.tx(async (tx) => {
      await world.ledger.post(tx, owed('late', 7n));
      posted();
      await gate;
    });
    await open;
    await world.tx((tx) => world.ledger.post(tx, owed('after', 11n)));
    const first = await documentOf(await close('2026-03-31'), world.agency.accountId);
    commit();
    await late;
    const second = await documentOf(await close('2026-04-01'), world.agency.accountId);
    expect([first.lines.map((line) => [line.entries, line.amountMinor]), first.closingMinor]).toEqual([[['2', '16']], '16']);
    expect([second.openingMinor, second.lines.map((line) => line.amountMinor), second.closingMinor]).toEqual(['16', ['7'], '23']);
    expect((await world.royalties.getStatement(world.operator.actor, first.statementId)).receipt.document).toEqual(first);
    expect(await world.db.asOwner('SELECT transfer_id FROM statement_line GROUP BY transfer_id, leg HAVING count(*) > 1')).toEqual([]);
    expect((await close('2026-04-01').catch((error: unknown) => error)) instanceof Error).toBe(true);
  });

  it('is refused over a posting that no line is named for, and leaves nothing', async () => {
    await world.moveTo(noon('2026-04-01'));
    await world.tx((tx) => world.ledger.post(tx, { ...owed('odd', 5n), kind: 'test.nameless' }));
    expect(await refusal(close('2026-04-01'))).toBe('statement_line_unknown');
    expect(await world.db.asOwner('SELECT FROM statement_close')).toEqual([]);
  });

  it('shows earnings of closed days as adjustments, and asked for by many at once happens once', async () => {
    await world.paid('mei', tierId);
    await world.moveTo(noon('2026-03-11'));
    await world.run('2026-03-06');
    const closes = await Promise.allSettled(Array.from({ length: 5 }, () => close('2026-03-11')));
    expect(closes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    await world.run('2026-03-11');
    await world.moveTo(noon('2026-03-21'));
    await world.run('2026-03-21');
    const document = await documentOf(await close('2026-03-21'), world.owner.accountId);
    expect(document.lines.map((line) => [line.kind, line.adjustment, line.lastDay])).toEqual([['earnings', false, '2026-03-20'], ['earnings', true, '2026-03-10']]);
    const [inPeriod, early] = document.lines.map((line) => line.amountMinor);
    expect(document.totals).toEqual([{ kind: 'earnings', entries: '2', inPeriodMinor: inPeriod, adjustmentsMinor: early, totalMinor: `${Number(inPeriod) + Number(early)}` }]);
    expect(BigInt(document.openingMinor) + BigInt(document.totals[0]?.totalMinor ?? '0')).toBe(BigInt(document.closingMinor));
    await world.checkBooks();
  });

  it('of a pot below zero shows the loss on the platform\'s statement alone', async () => {
    const loss: TransferDraft = {
      key: 'fees', kind: 'billing.days_earned', effectiveDate: '2026-03-01', metadata: { cloneId: world.cloneId, tierId, fromDay: '2026-03-01', throughDay: '2026-03-01' },
      legs: [{ account: chart.earned(world.cloneId, tierId, 'CNY'), amountMinor: 4n }, { account: chart.deferredFees(world.cloneId, 'CNY'), amountMinor: -4n }],
    };
    await world.moveTo(noon('2026-03-02'));
    await world.tx((tx) => world.ledger.post(tx, loss));
    const run = await world.run('2026-03-02');
    expect(run.pots).toMatchObject([{ amountMinor: '-4', legs: [{ amountMinor: '0' }, { amountMinor: '0' }, { payee: 'platform', amountMinor: '-4' }] }]);
    const list = await close('2026-03-02');
    expect(list.statements.map((one) => [one.payee, one.closingMinor])).toEqual([['platform', '-4']]);
    expect((await documentOf(list, 'platform')).lines).toMatchObject([{ kind: 'earnings', amountMinor: '-4' }]);
  });
});

describe('runs', () => {
  it('asked for many times at once divide each entry once', async () => {
    for (const name of ['a', 'b', 'c']) await world.paid(name, tierId);
    await world.moveTo(noon('2026-03-11'));
    const runs = await Promise.all(Array.from({ length: 6 }, () => world.run('2026-03-11')));
    expect(runs.reduce((sum, run) => sum + run.entries, 0)).toBe(3);
    expect(runs.map((run) => run.number).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    const received = runs.flatMap((run) => run.pots.flatMap((pot) => pot.legs)).reduce((sum, leg) => sum + BigInt(leg.amountMinor), 0n);
    expect(received).toBe(3n * ((567n * 10n) / 31n - (27n * 10n) / 31n));
    const [again] = await world.db.asOwner<{ transfer_id: string; leg: number; run_id: string; pot_id: string; position: string }>('SELECT * FROM royalty_run_entry LIMIT 1');
    await expect(world.db.asApp('INSERT INTO royalty_run_entry (transfer_id, leg, run_id, pot_id, position, amount_minor) VALUES ($1, $2, $3, $4, $5, 1)',
      [again?.transfer_id, again?.leg, again?.run_id, again?.pot_id, again?.position])).rejects.toThrow('duplicate key');
    await world.checkBooks();
  });

  it('with the same key are one run', async () => {
    await world.paid('a', tierId);
    await world.moveTo(noon('2026-03-11'));
    const key = world.key('runRoyalties');
    const run = (): ReturnType<RoyaltiesWorld['royalties']['runRoyalties']> =>
      world.royalties.runRoyalties(world.operator.actor, key, { cloneId: world.cloneId, throughDay: '2026-03-11' });
    const first = await run();
    expect(await run()).toEqual(first);
    expect(await world.db.asOwner('SELECT id FROM royalty_run')).toHaveLength(1);
  });
});

describe('figures on paper', () => {
  it('are written as accountants do', () => {
    expect(['0', '5', '-5', '123456789', '-100000'].map((amount) => amountText(amount, 'CNY'))).toEqual(['0.00', '0.05', '−0.05', '1,234,567.89', '−1,000.00']);
    expect([amountText('1234567', 'JPY'), percentText(7_000), percentText(1)]).toEqual(['1,234,567', '70.00 %', '0.01 %']);
  });
});
