import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadDocuments } from '../../src/identity/index.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type Person, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
beforeAll(async () => {
  world = await openRoyalties();
  const tierId = await world.newTier();
  await world.signedSplit();
  await world.paid('mei', tierId);
  await world.onboard(world.agency);
});
afterAll(async () => {
  await world.close();
});

type Royalties = RoyaltiesWorld['royalties'];
type Advance = Awaited<ReturnType<Royalties['draftAdvance']>>;
const draft = (changes: Partial<Parameters<Royalties['draftAdvance']>[2]> = {}): Promise<Advance> => world.royalties.draftAdvance(
  world.operator.actor, world.key('draftAdvance'),
  { payee: world.agency.accountId, currency: 'CNY', amountMinor: '100', rateBasisPoints: 5_000, cloneIds: [world.cloneId], endsOn: '2026-05-15', ...changes },
);
const sign = async (person: Person, advance: Advance): Promise<Advance> => world.royalties.signAdvance(
  person.actor, world.key('signAdvance'), advance.advanceId, { signature: await world.signature(person, advance.document, 'advance') },
);
const payIt = (advanceId: string): Promise<Advance> => world.royalties.payAdvance(world.operator.actor, world.key('payAdvance'), advanceId);
const read = (advanceId: string): Promise<Advance> => world.royalties.getAdvance(world.agency.actor, advanceId);
const owed = async (payee: string): Promise<bigint> => -(await world.balance(chart.payable(payee, 'CNY')));

let advanceId: string;

describe('an advance', () => {
  it('is drafted as it can be recouped, or not at all', async () => {
    for (const changes of [{ cloneIds: [world.cloneId, 'cln_other'] }, { cloneIds: [world.cloneId, world.cloneId], crossCollateral: true }, { cloneIds: [] }, { cloneIds: ['cln_unknown'] },
      { rateBasisPoints: 0 }, { rateBasisPoints: 10_001 }, { rateBasisPoints: 0.5 }, { endsOn: '2026-03-01' }]) {
      expect(await refusal(draft(changes))).toBe('advance_invalid');
    }
    for (const amountMinor of ['0', '-1', 'NaN', '1e3', '1.5', '9223372036854775808']) expect(await refusal(draft({ amountMinor }))).toMatch(/^money_/);
    expect(await refusal(draft({ currency: 'COIN' }))).toBe('money_malformed');
    expect(await refusal(draft({ payee: 'platform' }))).toBe('payee_unknown');
    expect(await refusal(draft({ payee: 'acc_nobody' }))).toBe('payee_unknown');
    expect(await world.db.asOwner('SELECT id FROM advance')).toEqual([]);
  });

  it('is a document that payee and platform sign, and nobody for both', async () => {
    const advance = await draft();
    advanceId = advance.advanceId;
    expect(loadDocuments().validate('advance', advance.document)).toEqual(advance.document);
    expect(() => loadDocuments().validate('advance', { ...advance.document, cloneIds: [world.cloneId, world.cloneId.replace(/.$/, '0')] })).toThrow();
    expect(await refusal(sign(world.owner, advance))).toBe('not_found');
    expect(await refusal(payIt(advanceId))).toBe('advance_state');
    await sign(world.operator, advance);
    expect(await refusal(sign(world.operator, advance))).toBe('advance_state');
    const attack = `UPDATE advance SET state = 'signed', signed_at = now(), record = '{}', leaf_id = 'lef_1' WHERE id = '${advanceId}'`;
    await expect(world.db.asApp(attack)).rejects.toThrow('lacks a signature');
    const signed = await sign(world.agency, advance);
    expect(signed).toMatchObject({ state: 'signed', missing: [], unrecoupedMinor: '0', record: { advanceSha256: advance.digest } });
    expect(await refusal(world.royalties.getAdvance(world.owner.actor, advanceId))).toBe('not_found');
  });

  it('does not end while nobody knows what became of its payout', async () => {
    const short = await draft({ endsOn: '2026-03-02' });
    await sign(world.operator, short);
    await sign(world.agency, short);
    await payIt(short.advanceId);
    world.clock.set(new Date(noon('2026-03-02')));
    await world.db.asOwner(`UPDATE payout_account SET stripe_account = 'acct_gone' WHERE account_id = $1`, [world.agency.accountId]);
    const end = (): Promise<Advance> => world.royalties.endAdvance(world.key('endAdvance'), short.advanceId);
    expect(await refusal(end())).toBe('advance_state');
    const [account] = await world.db.asOwner<{ id: string }>(`SELECT stripe_account AS id FROM payout WHERE advance_id = $1`, [short.advanceId]);
    await world.db.asOwner(`UPDATE payout SET stripe_account = 'acct_gone' WHERE advance_id = $1`, [short.advanceId]);
    await world.drain();
    expect(await end()).toMatchObject({ state: 'ended', unrecoupedMinor: '0' });
    expect(await world.balance(chart.platformExpense('unrecouped_advances', 'CNY'))).toBe(0n);
    await world.db.asOwner(`UPDATE payout_account SET stripe_account = $2 WHERE account_id = $1`, [world.agency.accountId, account?.id]);
    await world.checkBooks();
  });

  it('is paid once, with its tax withheld, and never out of the balance', async () => {
    await world.royalties.setTaxProfile(world.operator.actor, world.key('setTaxProfile'), {
      payee: world.agency.accountId, rateBasisPoints: 1_000, reference: 'Tax office letter 12', validFrom: '2026-03-02',
    });
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => payIt(advanceId)));
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    await world.moveTo(noon('2026-03-08'));
    const { payoutId } = await read(advanceId);
    expect(await world.royalties.getPayout(world.agency.actor, payoutId ?? '')).toMatchObject({
      state: 'paid', grossMinor: '100', withheldMinor: '10', amountMinor: '90', advanceId,
    });
    expect(await world.balance(chart.withholdingPayable('CNY'))).toBe(-10n);
    expect([(await read(advanceId)).unrecoupedMinor, await owed(world.agency.accountId)]).toEqual(['100', 0n]);
    await world.checkBooks();
  });

  it('that ended and whose money the processor takes back is no loss any more, and owed to nobody', async () => {
    const short = await draft({ endsOn: '2026-03-09' });
    await sign(world.operator, short);
    await sign(world.agency, short);
    const late = await draft({ endsOn: '2026-03-09' });
    await sign(world.operator, late);
    await sign(world.agency, late);
    // In the last minute; before the payee's bank has it.
    world.clock.set(new Date('2026-03-08T15:59:30Z'));
    await payIt(short.advanceId);
    await world.drain();
    world.clock.set(new Date('2026-03-08T16:00:30Z'));
    // Nothing is paid any more of which nothing would be recouped.
    expect(await refusal(payIt(late.advanceId))).toBe('advance_state');
    expect((await read(late.advanceId)).payoutId).toBeNull();
    const ended = await world.royalties.endAdvance(world.key('endAdvance'), short.advanceId);
    const loss = (): Promise<bigint> => world.balance(chart.platformExpense('unrecouped_advances', 'CNY'));
    expect([ended.state, await loss()]).toEqual(['ended', 100n]);
    const { stripeTransfer } = await world.royalties.getPayout(world.agency.actor, ended.payoutId ?? '');
    await world.port.sdk.transfers.createReversal(stripeTransfer ?? '', { amount: 45 }, world.port.withKey('half'));
    await world.drain();
    expect(await loss()).toBe(50n);
    await world.port.sdk.transfers.createReversal(stripeTransfer ?? '', {}, world.port.withKey('rest of it'));
    await world.drain();
    expect([await loss(), await owed(world.agency.accountId)]).toEqual([0n, 0n]);
    await world.checkBooks();
  });

  it('is recouped by each run from the payee\'s own share, at its rate', async () => {
    await world.moveTo(noon('2026-04-01'));
    const run = await world.run('2026-04-01');
    expect(run.recouped).toEqual([{ advanceId, payee: world.agency.accountId, currency: 'CNY', amountMinor: '54' }]);
    expect([(await read(advanceId)).unrecoupedMinor, await owed(world.agency.accountId), await owed(world.owner.accountId)]).toEqual(['46', 54n, 378n]);
    expect((await read(advanceId)).recoupments).toEqual([{ runId: run.runId, baseMinor: '108', amountMinor: '54', restoredMinor: '0' }]);
    await world.checkBooks();
  });

  it('is unrecouped again as far as the earnings that recouped it are given back, and nobody owes it', async () => {
    const [period] = await world.tx((tx) => world.billing.periodsBetween(tx, { cloneId: world.cloneId, fromDay: '2026-03-01', toDay: '2026-03-31' }));
    const refund = async (from: number, count: number): Promise<void> => {
      const days = Array.from({ length: count }, (_none, index) => `2026-03-${String(from + index).padStart(2, '0')}`);
      await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId: period?.periodId ?? '', days, reason: 'Goodwill.' });
      await world.drain();
    };
    const stands = async (): Promise<(bigint | string | undefined)[]> => {
      const { unrecoupedMinor, recoupments: [one] } = await read(advanceId);
      return [unrecoupedMinor, one?.restoredMinor, await owed(world.agency.accountId), await world.balance(chart.payeeDebt(world.agency.accountId, 'CNY'))];
    };
    await refund(1, 16);
    // Of 108 the agency gives 56 back; of the 52 that are left a run would have recouped 26.
    expect(await stands()).toEqual(['74', '28', 26n, 0n]);
    await refund(17, 15);
    expect(await stands()).toEqual(['100', '54', 0n, 0n]);
    await world.checkBooks();
    await expect(world.db.asApp(`INSERT INTO advance_restoration SELECT advance_id, run_id, 'more', 1, 'trf_x' FROM advance_recoupment`)).rejects.toThrow('would be restored');
    await world.moveTo(noon('2026-05-01'));
    await world.run('2026-05-01');
    expect(await stands()).toEqual(['46', '54', 54n, 0n]);
  });

  it('is not a debt: a payout is of the whole balance, less its own tax, and what is left at its end is the platform\'s loss', async () => {
    const { payouts } = await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { minimumMinor: '1' });
    expect(payouts).toMatchObject([{ grossMinor: '54', withheldMinor: '5', amountMinor: '49', advanceId: null }]);
    expect(await refusal(world.royalties.endAdvance(world.key('endAdvance'), advanceId))).toBe('advance_state');
    await world.moveTo(noon('2026-05-15'));
    const run = await world.run('2026-05-15');
    expect(run.recouped).toEqual([]);
    const ended = await world.royalties.endAdvance(world.key('endAdvance'), advanceId);
    expect(ended).toMatchObject({ state: 'ended', unrecoupedMinor: '0', endedOn: '2026-05-15' });
    expect(await world.balance(chart.platformExpense('unrecouped_advances', 'CNY'))).toBe(46n);
    expect(await refusal(world.royalties.endAdvance(world.key('endAdvance'), advanceId))).toBe('advance_state');
    // Given back after its end, what was recouped is the platform's loss too.
    const [april] = await world.tx((tx) => world.billing.periodsBetween(tx, { cloneId: world.cloneId, fromDay: '2026-04-02', toDay: '2026-04-30' }));
    const days = Array.from({ length: 30 }, (_none, index) => `2026-04-${String(1 + index).padStart(2, '0')}`);
    await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId: april?.periodId ?? '', days, reason: 'Goodwill.' });
    await world.drain();
    expect([await world.balance(chart.platformExpense('unrecouped_advances', 'CNY')), (await read(advanceId)).unrecoupedMinor]).toEqual([100n, '0']);
    await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-05-15' });
    expect((await world.royalties.listStatements(world.agency.actor)).statements).toHaveLength(1);
    await world.checkBooks();
  });
});

describe('a tax profile', () => {
  const set = (changes: Partial<Parameters<Royalties['setTaxProfile']>[2]>): ReturnType<Royalties['setTaxProfile']> => world.royalties.setTaxProfile(
    world.operator.actor, world.key('setTaxProfile'),
    { payee: world.owner.accountId, rateBasisPoints: 2_000, reference: 'Certificate 7', validFrom: '2026-06-01', ...changes },
  );

  it('is set by an operator for somebody else, from today on, with the paper that it stands on', async () => {
    expect(await refusal(set({ validFrom: '2026-05-14' }))).toBe('request_invalid');
    expect(await refusal(set({ payee: world.operator.accountId }))).toBe('request_invalid');
    expect(await refusal(set({ payee: 'acc_nobody' }))).toBe('payee_unknown');
    await set({});
    expect((await world.royalties.listTaxProfiles(world.owner.actor)).taxProfiles).toMatchObject([{ rateBasisPoints: 2_000, reference: 'Certificate 7' }]);
    expect(await refusal(world.royalties.listTaxProfiles(world.agency.actor, world.owner.accountId))).toBe('not_found');
    for (const attack of ['UPDATE tax_profile SET rate_basis_points = 0', 'DELETE FROM tax_profile']) await expect(world.db.asApp(attack)).rejects.toThrow();
  });

  it('taxes what is paid from its day on', async () => {
    await world.onboard(world.owner);
    const balance = await owed(world.owner.accountId);
    const pay = async (): Promise<{ grossMinor: string; withheldMinor: string }[]> =>
      (await world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [world.owner.accountId] })).payouts;
    expect(await pay()).toMatchObject([{ grossMinor: `${balance}`, withheldMinor: '0' }]);
    await world.moveTo(noon('2026-06-01'));
    await world.run('2026-06-01');
    const later = await owed(world.owner.accountId);
    expect(await pay()).toMatchObject([{ grossMinor: `${later}`, withheldMinor: `${later / 5n}` }]);
    await world.drain();
    await world.checkBooks();
  });

  it('is undone with the payout that it taxed', async () => {
    const [paid] = (await world.royalties.listPayouts(world.owner.actor)).payouts;
    const before = await world.balance(chart.withholdingPayable('CNY'));
    const [gross, withheld, sent] = [BigInt(paid?.grossMinor ?? 0), BigInt(paid?.withheldMinor ?? 0), Number(paid?.amountMinor)];
    await world.port.sdk.transfers.createReversal(paid?.stripeTransfer ?? '', { amount: Math.floor(sent / 3) }, world.port.withKey('third'));
    await world.drain();
    expect(await world.balance(chart.withholdingPayable('CNY'))).toBe(before + (withheld * BigInt(Math.floor(sent / 3))) / BigInt(sent));
    await world.port.sdk.transfers.createReversal(paid?.stripeTransfer ?? '', {}, world.port.withKey('rest'));
    await world.drain();
    expect([await owed(world.owner.accountId), await world.balance(chart.withholdingPayable('CNY'))]).toEqual([gross, before + withheld]);
    await world.checkBooks();
  });
});
