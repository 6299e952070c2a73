import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { addDays, type Day } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import type { Statement } from '../../src/royalties/statement-model.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

/** Two clones that share a payee, who is also the owner of what the second one is made from; and what happens to their money at one instant. */
let world: RoyaltiesWorld;
let made: string;
const periods = { first: '', made: '' };

async function advance(amountMinor: string): Promise<string> {
  const draft = await world.royalties.draftAdvance(world.operator.actor, world.key('draftAdvance'), {
    payee: world.agency.accountId, currency: 'CNY', amountMinor, base: 'pot', rateBasisPoints: 1_000, cloneIds: [made],
  });
  for (const person of [world.agency, world.operator]) {
    await world.royalties.signAdvance(person.actor, world.key('signAdvance'), draft.advanceId, { signature: await world.signature(person, draft.document, 'advance') });
  }
  await world.royalties.payAdvance(world.operator.actor, world.key('payAdvance'), draft.advanceId);
  return draft.advanceId;
}

beforeAll(async () => {
  world = await openRoyalties();
  const { agency, owner, royalties } = world;
  const song = await world.newClone(agency, 'song');
  made = await world.newClone(owner, 'lin-ya-sings');
  const term = await royalties.draftDerivativeTerm(owner.actor, world.key('draftDerivativeTerm'), made, {
    originalCloneId: song, upstreamBasisPoints: 1_500, ceilingBasisPoints: 2_000, effectiveFrom: '2026-03-01',
  });
  for (const person of [owner, agency]) {
    await royalties.signDerivativeTerm(person.actor, world.key('signDerivativeTerm'), term.derivativeId, { signature: await world.signature(person, term.document, 'derivative') });
  }
  await world.signedSplit();
  await world.signedSplit(undefined, '2026-03-01', 'platform', { reserve: { basisPoints: 1_000, days: 20 } }, made);
  await royalties.setTaxProfile(world.operator.actor, world.key('setTaxProfile'), {
    payee: agency.accountId, rateBasisPoints: 1_000, reference: 'Certificate 7', validFrom: '2026-03-01',
  });
  await world.onboard(agency);
  periods.first = await world.paid('mei', await world.newTier());
  periods.made = await world.paid('mei', await world.newTier('friend', '600', made), made);
});
afterAll(async () => {
  await world.close();
});

type Run = Awaited<ReturnType<RoyaltiesWorld['run']>>;
type Close = Awaited<ReturnType<RoyaltiesWorld['royalties']['closeStatements']>>;
const run = (cloneId: string, throughDay: Day): Promise<Run> =>
  world.royalties.runRoyalties(world.operator.actor, world.key('runRoyalties'), { cloneId, throughDay });
const close = (throughDay: Day): Promise<Close> => world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay });
const pay = (): ReturnType<RoyaltiesWorld['royalties']['createPayouts']> =>
  world.royalties.createPayouts(world.operator.actor, world.key('createPayouts'), { payees: [world.agency.accountId], minimumMinor: '1' });
const natural = async (account: { code: string }): Promise<bigint> => -(await world.tx((tx) => world.ledger.balance(tx, account)));
const unpaid = (): Promise<bigint> => natural(chart.payable(world.agency.accountId, 'CNY'));
const debt = (): Promise<bigint> => world.balance(chart.payeeDebt(world.agency.accountId, 'CNY'));
const withheld = (): Promise<bigint> => natural(chart.withholdingPayable('CNY'));

async function refund(periodId: string, from: Day, count: number): Promise<void> {
  const days = Array.from({ length: count }, (_none, index) => addDays(from, index));
  await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId, days, reason: 'Goodwill.' });
}

async function statement(list: Close, payee: string): Promise<Statement> {
  const listed = list.statements.find((one) => one.payee === payee);
  if (listed === undefined) throw new Error('no statement');
  const { document } = (await world.royalties.getStatement(world.operator.actor, listed.statementId)).receipt;
  if (document.schemaVersion !== 2) throw new Error('not of today\'s version');
  return document;
}
const linesOf = (document: Statement): [string, string][] => document.lines.map((line) => [line.kind, line.amountMinor]);

/** Whoever posts a kind waits, with its transaction open, until all are let go; `arrived` when so many wait. */
function waiting(kind: string, many: number): { arrived: Promise<void>; letGo: () => void } {
  const { ledger } = world;
  const { post } = ledger;
  let [arrive, open]: (() => void)[] = [() => undefined, () => undefined];
  const arrived = new Promise<void>((done) => {
    arrive = done;
  });
  const gate = new Promise<void>((done) => {
    open = done;
  });
  let came = 0;
  ledger.post = async (tx, draft) => {
    const posted = await post(tx, draft);
    if (draft.kind === kind) {
      came += 1;
      if (came === many) arrive?.();
      await gate;
    }
    return posted;
  };
  return {
    arrived,
    letGo() {
      ledger.post = post;
      open?.();
    },
  };
}

describe('a refund after a payout that was taxed', () => {
  it('is owed as it was earned, before the tax; the tax stays withheld, and statements say all three', async () => {
    await world.moveTo(noon('2026-04-01'));
    await run(world.cloneId, '2026-04-01');
    expect((await pay()).payouts).toMatchObject([{ grossMinor: '108', withheldMinor: '10', amountMinor: '98' }]);
    await world.drain();
    await refund(periods.first, '2026-03-01', 31);
    await world.drain();
    expect([await unpaid(), await debt(), await withheld()]).toEqual([0n, 108n, 10n]);
    const document = await statement(await close('2026-04-01'), world.agency.accountId);
    expect(linesOf(document)).toEqual([['earnings', '108'], ['withholding', '-10'], ['payout', '-98']]);
    expect(document.debt.lines.map((line) => [line.kind, line.amountMinor])).toEqual([['refunds', '108']]);
    expect([document.closingMinor, document.debt.closingMinor]).toEqual(['0', '108']);
    await world.checkBooks();
  });
});

describe('two clones divided at the same instant', () => {
  let advances: string[];
  let runs: [Run, Run];
  const recouped = async (): Promise<{ amountMinor: string; restoredMinor: string }[]> => Promise.all(advances.map(async (id) => {
    const { recoupments: [one] } = await world.royalties.getAdvance(world.agency.actor, id);
    return { amountMinor: one?.amountMinor ?? '', restoredMinor: one?.restoredMinor ?? '' };
  }));

  it('give a payee of both what both earned, and what is owed is netted once', async () => {
    await world.moveTo(noon('2026-04-10'));
    advances = [await advance('200'), await advance('150')];
    await world.moveTo(noon('2026-05-01'));
    // Both have posted their pots before either looks at what the payee owes.
    const gate = waiting('royalties.pot_divided', 2);
    const both = Promise.all([run(world.cloneId, '2026-05-01'), run(made, '2026-05-01')]);
    await gate.arrived;
    gate.letGo();
    runs = await both;
    const [plain, derived] = runs;
    expect([...plain.netted, ...derived.netted].reduce((sum, one) => sum + BigInt(one.amountMinor), 0n)).toBe(108n);
    expect(await debt()).toBe(0n);
    const received = runs.flatMap((one) => one.pots.flatMap((pot) => pot.legs)).filter((leg) => leg.payee === world.agency.accountId);
    // A month of the plain clone; of two months of the other 15 % as what it is made from, and a fifth of the rest.
    expect(received.map((leg) => leg.amountMinor)).toEqual(['108', '162', '183']);
    await world.checkBooks();
  });

  it('recoup each of two advances on the whole pot once, also from a payee who stands in it twice; and hold nothing of what a term gives', async () => {
    const [plain, derived] = runs;
    expect(plain.recouped).toEqual([]);
    // Both were signed in the same instant, so either may come first.
    expect(derived.recouped.map((one) => `${one.advanceId} ${one.amountMinor}`).sort()).toEqual(advances.map((id) => `${id} 108`).sort());
    const held = derived.held.filter((one) => one.payee === world.agency.accountId);
    // A tenth of 183, and nothing of the 162: no original's owner signed the derivative's split.
    expect(held.map((one) => [one.amountMinor, one.dueDay])).toEqual([['18', '2026-05-21']]);
    expect(await natural(chart.payeeReserve(world.agency.accountId, 'CNY'))).toBe(18n);
    expect(await unpaid()).toBe(108n + 162n + 183n - 108n - 216n - 18n);
  });

  it('and half of it refunded: both advances are unrecouped again as half a sale would have left them', async () => {
    await refund(periods.made, '2026-03-01', 31);
    await world.drain();
    const [row] = await world.db.asOwner<{ back: string }>(
      'SELECT sum(g.amount_minor)::bigint AS back FROM goodwill_pot g JOIN royalty_pot p ON p.id = g.pot_id WHERE p.clone_id = $1', [made]);
    const back = BigInt(row?.back ?? 0);
    expect(back).toBe(540n);
    const stays = (1_080n - back) / 10n;
    expect(await recouped()).toEqual(advances.map(() => ({ amountMinor: '108', restoredMinor: `${108n - stays}` })));
    expect([await debt(), await natural(chart.payeeReserve(world.agency.accountId, 'CNY'))]).toEqual([0n, 0n]);
    await world.checkBooks();
  });

  it('has taxed, once later earnings made good what was owed, what the payee kept and nothing else', async () => {
    await pay();
    await world.drain();
    const [paid] = await world.db.asOwner<{ gross: string; tax: string }>(
      `SELECT sum(amount_minor + withheld_minor)::bigint AS gross, sum(withheld_minor)::bigint AS tax FROM payout WHERE advance_id IS NULL AND state = 'paid'`);
    const [stays] = await world.db.asOwner<{ kept: string }>(
      `SELECT ((SELECT sum(amount_minor) FROM royalty_pot_leg WHERE payee = $1) - (SELECT coalesce(sum(amount_minor), 0) FROM goodwill_leg WHERE payee = $1)
         - (SELECT sum(amount_minor) FROM advance_recoupment) + (SELECT sum(amount_minor) FROM advance_restoration))::bigint AS kept`, [world.agency.accountId]);
    const [gross, tax, kept] = [BigInt(paid?.gross ?? 0), BigInt(paid?.tax ?? 0), BigInt(stays?.kept ?? 0)];
    expect(await unpaid()).toBe(0n);
    expect(gross).toBe(kept);
    // Each payment rounds down for itself: the payee never bears more than the rate of what they kept.
    expect([tax <= kept / 10n, tax >= kept / 10n - 1n]).toEqual([true, true]);
  });
});

describe('a close while something is still open', () => {
  /** What a close holds of one payee's accounts, by transfer. */
  const onStatement = async (statementId: string): Promise<string[]> => (await world.db.asOwner<{ id: string }>(
    'SELECT transfer_id AS id FROM statement_line WHERE statement_id = $1', [statementId])).map((one) => one.id);
  const standing = (kind: string): Promise<{ id: string; statements: string[] }[]> => world.db.asOwner(
    `SELECT t.id, array_agg(DISTINCT l.statement_id) AS statements FROM ledger_transfer t LEFT JOIN statement_line l ON l.transfer_id = t.id AND l.statement_id IN
       (SELECT id FROM statement WHERE payee = $2) WHERE t.kind = $1 GROUP BY t.seq, t.id ORDER BY t.seq DESC LIMIT 1`, [kind, world.agency.accountId]);

  /** Begins something, closes before it commits, lets it commit, and closes again: its line is on the second, whole, and on no other. */
  async function late(kind: string, line: string, days: [Day, Day], begin: () => Promise<unknown>): Promise<void> {
    await world.moveTo(noon(days[0]));
    const gate = waiting(kind, 1);
    const begun = begin();
    await gate.arrived;
    const first = await close(days[0]);
    gate.letGo();
    await begun;
    const [posted] = await standing(kind);
    expect(posted?.statements).toEqual([null]);
    await world.moveTo(noon(days[1]));
    const second = await statement(await close(days[1]), world.agency.accountId);
    expect(await standing(kind)).toEqual([{ id: posted?.id, statements: [second.statementId] }]);
    expect(await onStatement(second.statementId)).toContain(posted?.id);
    expect([...second.lines, ...second.debt.lines].map((one) => one.kind)).toContain(line);
    // What was closed before says what it said.
    for (const one of first.statements) {
      expect((await world.royalties.getStatement(world.operator.actor, one.statementId)).receipt.digest).toBe(one.digest);
    }
    const sum = second.lines.reduce((total, one) => total + BigInt(one.amountMinor), BigInt(second.openingMinor));
    expect([`${sum}`, second.closingMinor]).toEqual([second.closingMinor, `${await natural(chart.payable(world.agency.accountId, 'CNY'))}`]);
  }

  it('leaves a royalty run to the next one', async () => {
    await late('royalties.pot_divided', 'earnings', ['2026-05-10', '2026-05-11'], () => run(world.cloneId, '2026-05-10'));
  });

  it('leaves a payout to the next one', async () => {
    await late('royalties.payout_begun', 'payout', ['2026-05-12', '2026-05-13'], pay);
    await world.drain();
  });

  it('leaves a refund to the next one', async () => {
    const found = await world.tx((tx) => world.billing.periodsBetween(tx, { cloneId: world.cloneId, fromDay: '2026-04-02', toDay: '2026-04-30' }));
    await late('royalties.days_refunded', 'refunds', ['2026-05-14', '2026-05-15'], async () => {
      await refund(found[0]?.periodId ?? '', '2026-04-02', 2);
      await world.drain();
    });
    await world.checkBooks();
  });

  it('has each entry of the payee on exactly one statement', async () => {
    expect(await world.db.asOwner('SELECT transfer_id FROM statement_line GROUP BY transfer_id, leg HAVING count(*) > 1')).toEqual([]);
  });
});
