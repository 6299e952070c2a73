import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { addDays, dayOf } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import type { Statement } from '../../src/royalties/statement-model.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type Person, type RoyaltiesWorld } from './world.ts';

/** Two clones, one of them a derivative, with everything that moves a payee's money; then the sum of all statements is asked of the ledger. */
const SEED = 'sum of statements 1';
let world: RoyaltiesWorld;
let singer: Person;
let second: string;
const tiers: [string, string][] = [];
let crossed: string;
let onPots: string;

async function advance(payee: Person, terms: { amountMinor: string; base: 'share' | 'pot'; rateBasisPoints: number; cloneIds: string[]; crossCollateral: boolean; currency?: string }): Promise<string> {
  const draft = await world.royalties.draftAdvance(world.operator.actor, world.key('draftAdvance'), { payee: payee.accountId, currency: 'CNY', ...terms });
  for (const person of [payee, world.operator]) {
    await world.royalties.signAdvance(person.actor, world.key('signAdvance'), draft.advanceId, { signature: await world.signature(person, draft.document, 'advance') });
  }
  await world.royalties.payAdvance(world.operator.actor, world.key('payAdvance'), draft.advanceId);
  return draft.advanceId;
}

beforeAll(async () => {
  world = await openRoyalties();
  singer = await world.person('Singer 歌手');
  const song = await world.newClone(singer, 'singer');
  second = await world.newClone(world.owner, 'lin-ya-too');
  const term = await world.royalties.draftDerivativeTerm(world.owner.actor, world.key('draftDerivativeTerm'), world.cloneId, {
    originalCloneId: song, upstreamBasisPoints: 1_500, ceilingBasisPoints: 2_000, effectiveFrom: '2026-03-01',
  });
  for (const person of [world.owner, singer]) {
    await world.royalties.signDerivativeTerm(person.actor, world.key('signDerivativeTerm'), term.derivativeId, { signature: await world.signature(person, term.document, 'derivative') });
  }
  const shares = [{ payee: world.owner.accountId, basisPoints: 7_000 }, { payee: world.agency.accountId, basisPoints: 2_500 }, { payee: 'platform', basisPoints: 500 }];
  // The platform's twentieth is less than tax and fees, which the base leaves in; the agency bears the kept fees of refunds.
  await world.signedSplit(shares, '2026-03-01', world.agency.accountId, { base: 'gross', reserve: { basisPoints: 1_000, days: 20 } });
  await world.signedSplit(shares, '2026-03-01', 'platform', {}, second);
  for (const person of [world.owner, world.agency, singer]) await world.onboard(person);
  await world.royalties.setTaxProfile(world.operator.actor, world.key('setTaxProfile'), {
    payee: world.owner.accountId, rateBasisPoints: 2_000, reference: 'Certificate 7', validFrom: '2026-03-01',
  });
  for (const cloneId of [world.cloneId, second]) tiers.push([cloneId, await world.newTier('friend', '600', cloneId)]);
  for (const name of ['a', 'b', 'c', 'mei']) for (const [cloneId, tierId] of tiers) await world.paid(name, tierId, cloneId);
  await world.moveTo(noon('2026-03-10'));
  crossed = await advance(world.agency, { amountMinor: '500', base: 'share', rateBasisPoints: 5_000, cloneIds: [world.cloneId, second], crossCollateral: true });
  onPots = await advance(world.owner, { amountMinor: '900', base: 'pot', rateBasisPoints: 1_000, cloneIds: [world.cloneId], crossCollateral: false });
  await world.drain();
}, 120_000);
afterAll(async () => {
  await world.close();
});

const run = (cloneId: string): ReturnType<RoyaltiesWorld['run']> =>
  world.royalties.runRoyalties(world.operator.actor, world.key('runRoyalties'), { cloneId, throughDay: dayOf(world.clock.now()) });

describe('two clones', () => {
  it('recoup one advance where that was signed, and another from its own alone', async () => {
    await world.moveTo(noon('2026-04-01'));
    const [first, other] = [await run(world.cloneId), await run(second)];
    const of = (made: typeof first, advanceId: string): string[] => made.recouped.filter((one) => one.advanceId === advanceId).map((one) => one.amountMinor);
    const received = (made: typeof first, payee: string): bigint => made.pots[0]?.legs.filter((leg) => leg.payee === payee).reduce((sum, leg) => sum + BigInt(leg.amountMinor), 0n) ?? 0n;
    // Half of what the agency received, from both clones, as far as there is something left of 500.
    const [fromFirst, fromOther] = [received(first, world.agency.accountId) / 2n, received(other, world.agency.accountId) / 2n];
    expect([of(first, crossed), of(other, crossed)]).toEqual([[`${fromFirst}`], [`${fromOther < 500n - fromFirst ? fromOther : 500n - fromFirst}`]]);
    // A tenth of the whole pot, not of the owner's share of it; and nothing from the clone that it does not name.
    expect([of(first, onPots), of(other, onPots)]).toEqual([[`${BigInt(first.pots[0]?.amountMinor ?? 0) / 10n}`], []]);
    expect(first.pots[0]?.legs.find((leg) => leg.payee === 'platform')).toMatchObject({ amountMinor: expect.stringMatching(/^-/) as string });
    await world.checkBooks();
  });
});

type Close = Awaited<ReturnType<RoyaltiesWorld['royalties']['closeStatements']>>;
let newest = new Map<string, Statement>();
const seen = new Map<string, number>();

/** Everything that a close must satisfy, over every payee that the ledger knows. */
async function holds(list: Close): Promise<void> {
  const before = newest;
  newest = new Map(before);
  for (const { statementId } of list.statements) {
    const { document } = (await world.royalties.getStatement(world.operator.actor, statementId)).receipt;
    if (document.schemaVersion !== 2) throw new Error('not of today\'s version');
    const last = before.get(`${document.payee}:${document.currency}`);
    for (const [stated, opened] of [[document, last?.closingMinor], [document.debt, last?.debt.closingMinor], [document.reserve, last?.reserve.closingMinor]] as const) {
      expect(stated.openingMinor, statementId).toBe(opened ?? '0');
      expect(stated.lines.reduce((sum, line) => sum + BigInt(line.amountMinor), BigInt(stated.openingMinor)).toString(), statementId).toBe(stated.closingMinor);
      for (const line of stated.lines) seen.set(line.kind, (seen.get(line.kind) ?? 0) + 1);
    }
    newest.set(`${document.payee}:${document.currency}`, document);
  }
  const toPosition = BigInt([...newest.values()].reduce((most, one) => (BigInt(one.toPosition) > BigInt(most) ? one.toPosition : most), '0'));
  await world.tx(async (tx) => {
    for (const [prefix, sign, stated] of [
      ['payable:', -1n, (one: Statement) => one.closingMinor], ['payee_debt:', 1n, (one: Statement) => one.debt.closingMinor], ['payee_reserve:', -1n, (one: Statement) => one.reserve.closingMinor],
    ] as const) {
      let [ledgers, sheets] = [0n, 0n];
      for (const { code } of await world.ledger.accountsAfter(tx, prefix, '', 1_000)) {
        const balance = sign * await world.ledger.balanceAsOf(tx, { code }, { position: toPosition });
        const sheet = newest.get(code.slice(prefix.length));
        // An account whose every posting came after the close has no statement yet.
        expect([code, BigInt(sheet === undefined ? 0n : stated(sheet))], SEED).toEqual([code, balance]);
        ledgers += balance;
        sheets += BigInt(sheet === undefined ? 0n : stated(sheet));
      }
      expect(sheets).toBe(ledgers);
    }
  });
  // Each entry up to here stands on one statement, and none behind.
  const off = await world.db.asOwner(`
    SELECT t.id FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id JOIN ledger_transfer t ON t.seq = e.transfer_seq
      JOIN ledger_position p ON p.transfer_seq = t.seq LEFT JOIN statement_line l ON l.transfer_id = t.id AND l.leg = e.leg
    WHERE (a.code LIKE 'payable:%' OR a.code LIKE 'payee\\_debt:%' OR a.code LIKE 'payee\\_reserve:%') AND (l.transfer_id IS NULL) = (p.position <= $1)`, [toPosition.toString()]);
  expect(off, SEED).toEqual([]);
}

describe('the sum of all statements', () => {
  it('is the ledger, while reserves, advances, withheld tax, conversions, debts, disputes, originals and adjustments move', async () => {
    const random = seededRandom(SEED);
    const below = (n: number): number => Buffer.from(random.bytes(4)).readUInt32BE() % n;
    const open: string[] = [];
    const periods = (cloneIds: readonly string[]): Promise<{ id: string; charge: string; start: string }[]> => world.db.asOwner(
      `SELECT id, stripe_charge AS charge, start_day::text AS start FROM subscription_period p WHERE stripe_charge IS NOT NULL AND clone_id = ANY ($1::text[])
         AND EXISTS (SELECT FROM royalty_run_entry e WHERE e.period_id = p.id) ORDER BY id`, [cloneIds]);
    const one = async (...cloneIds: string[]): Promise<{ id: string; charge: string; start: string }> => {
      const all = await periods(cloneIds.length > 0 ? cloneIds : [world.cloneId, second]);
      return all[below(all.length)]!;
    };
    const operator = world.operator.actor;
    async function refund(of: { id: string; start: string }): Promise<unknown> {
      const from = addDays(of.start, below(12));
      return await world.royalties.refundGoodwill(operator, world.key('refundGoodwill'), { periodId: of.id, days: [from, addDays(from, 1)], reason: 'Goodwill.' });
    }
    async function decide(outcome: 'won' | 'lost'): Promise<void> {
      const id = open.pop();
      if (id !== undefined) await world.sandbox.control.closeDispute(id, outcome);
    }
    const doing: Record<string, () => Promise<unknown>> = {
      runFirst: () => run(world.cloneId),
      runSecond: () => run(second),
      refund: async () => await refund(await one()),
      // Its kept fee is charged on to the agency.
      refundFirst: async () => await refund(await one(world.cloneId)),
      // No reserve is held there: what was paid out is owed back.
      refundSecond: async () => await refund(await one(second)),
      dispute: async () => {
        const { charge } = await one();
        open.push(await world.sandbox.control.openDispute(charge));
      },
      decide: () => decide(below(2) === 0 ? 'won' : 'lost'),
      lose: () => decide('lost'),
      pay: () => world.royalties.createPayouts(operator, world.key('createPayouts'), { minimumMinor: '1' }),
      takeBack: async () => {
        const [paid] = (await world.royalties.listPayouts(world.owner.actor)).payouts.filter((payout) => payout.state === 'paid' && payout.advanceId === null);
        if (paid !== undefined) await world.port.sdk.transfers.createReversal(paid.stripeTransfer ?? '', { amount: 1 + below(Number(paid.amountMinor)) }, world.port.withKey(`back ${paid.payoutId} ${below(1e9)}`));
      },
      release: () => world.royalties.work.releaseDue(),
      adjust: async () => await world.tx((tx) => world.ledger.post(tx, {
        key: `adjust/${below(1e9)}`, kind: 'royalties.adjusted', effectiveDate: addDays(dayOf(world.clock.now()), -below(40)), metadata: { reason: 'Put right by hand.' },
        legs: [{ account: chart.platformExpense('goodwill', 'CNY'), amountMinor: 9n }, { account: chart.payable(world.agency.accountId, 'CNY'), amountMinor: -9n }],
      })),
      convert: async () => await world.tx((tx) => world.ledger.post(tx, {
        key: `sold/${below(1e9)}`, kind: 'royalties.adjusted', effectiveDate: '2026-03-01', metadata: {},
        legs: [
          { account: chart.openingBalances('CNY'), amountMinor: 70n }, { account: chart.conversionPosition('CNY'), amountMinor: -70n },
          { account: chart.conversionPosition('USD'), amountMinor: 10n }, { account: chart.payable(singer.accountId, 'USD'), amountMinor: -10n },
        ],
      })),
    };
    const names = Object.keys(doing);
    const scripted = [
      ['convert', 'pay', 'takeBack'], ['refundSecond', 'runSecond', 'dispute'], ['lose', 'adjust', 'pay'], ['refundSecond', 'refundFirst', 'release'], ['dispute', 'runFirst', 'decide'],
    ];
    for (let day = '2026-04-08', round = 0; round < 9; day = addDays(day, 9), round += 1) {
      await world.moveTo(noon(day));
      for (const name of scripted[round] ?? [names[below(names.length)]!, names[below(names.length)]!, names[below(names.length)]!]) {
        // What cannot be is refused whole: a day that was returned already, more than there is.
        await doing[name]!().catch((error: unknown) => {
          if (!(error instanceof Refusal) && !(error as { type?: string }).type?.startsWith('Stripe')) throw error;
        });
        await world.drain();
      }
      await holds(await world.royalties.closeStatements(operator, world.key('closeStatements'), { throughDay: day }));
    }
    expect([...seen.keys()].sort(), SEED).toEqual([
      'adjustment', 'debt', 'derivative', 'disputes', 'earnings', 'fees', 'payout', 'payout_returned', 'recoupment', 'refunds', 'reserve_held', 'reserve_released', 'withholding',
    ]);
    expect((await world.ledger.verify()).problems).toEqual([]);
  }, 120_000);
});
