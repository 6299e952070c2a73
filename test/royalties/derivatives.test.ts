import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { recomputeFiles } from '../../src/compose/recompute.ts';
import { loadDocuments } from '../../src/identity/index.ts';
import { addDays } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type Person, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let singer: Person;
let writer: Person;
let song: string;
let text: string;
let tierId: string;
beforeAll(async () => {
  world = await openRoyalties();
  tierId = await world.newTier();
  await world.signedSplit();
  singer = await world.person('Singer 歌手');
  writer = await world.person('Writer 词作者');
  song = await world.newClone(singer, 'singer');
  text = await world.newClone(writer, 'writer');
  await world.paid('mei', tierId);
});
afterAll(async () => {
  await world.close();
});

type Term = Awaited<ReturnType<RoyaltiesWorld['royalties']['draftDerivativeTerm']>>;
const TERM = { upstreamBasisPoints: 1_500, ceilingBasisPoints: 2_000, effectiveFrom: '2026-04-01' };
const draft = (person: Person, cloneId: string, originalCloneId: string, changes: Partial<typeof TERM> = {}): Promise<Term> =>
  world.royalties.draftDerivativeTerm(person.actor, world.key('draftDerivativeTerm'), cloneId, { ...TERM, originalCloneId, ...changes });
const sign = async (person: Person, term: Term): Promise<Term> => world.royalties.signDerivativeTerm(
  person.actor, world.key('signDerivativeTerm'), term.derivativeId, { signature: await world.signature(person, term.document, 'derivative') },
);
const owed = async (person: Person): Promise<bigint> => -(await world.balance(chart.payable(person.accountId, 'CNY')));

describe('a derivative', () => {
  it('is drafted by its owner, out of somebody else\'s clone, within a ceiling, and never in a circle', async () => {
    expect(await refusal(draft(singer, world.cloneId, song))).toBe('not_found');
    expect(await refusal(draft(world.owner, world.cloneId, 'cln_unknown'))).toBe('derivative_invalid');
    expect(await refusal(draft(singer, song, song))).toBe('derivative_invalid');
    expect(await refusal(draft(world.owner, world.cloneId, song, { ceilingBasisPoints: 1_499 }))).toBe('derivative_invalid');
    expect(await world.db.asOwner('SELECT id FROM derivative_term')).toEqual([]);
  });

  it('has a term that both owners sign, and then waits for a split that names it', async () => {
    const term = await draft(world.owner, world.cloneId, song);
    expect(loadDocuments().validate('derivative', term.document)).toEqual(term.document);
    expect(await refusal(sign(world.agency, term))).toBe('not_found');
    await sign(world.owner, term);
    await expect(world.db.asApp(`UPDATE derivative_term SET state = 'signed', signed_at = now(), record = '{}', leaf_id = 'lef_1', after_split = 1`)).rejects.toThrow('lacks a signature');
    expect(await sign(singer, term)).toMatchObject({ state: 'signed', missing: [], record: { termSha256: term.digest } });
    expect(await refusal(draft(singer, song, world.cloneId))).toBe('derivative_invalid');
    expect((await world.royalties.listDerivativeTerms(singer.actor, world.cloneId)).terms).toHaveLength(1);
    expect(await refusal(world.royalties.listDerivativeTerms(world.agency.actor, world.cloneId))).toBe('not_found');

    await world.moveTo(noon('2026-04-16'));
    expect((await world.run('2026-04-01')).pots[0]?.legs.map((leg) => leg.amountMinor)).toEqual(['378', '108', '54']);
    expect(await refusal(world.run('2026-04-16'))).toBe('split_missing');
    // The fifteen days are booked and wait: a split that begins among them, or behind, would leave some of them undivided for ever.
    expect(await refusal(world.signedSplit(undefined, '2026-04-05'))).toBe('split_invalid');
    await world.signedSplit(undefined, '2026-04-01');
    expect((await world.run('2026-04-16', true)).pots).toMatchObject([{ firstDay: '2026-04-01', lastDay: '2026-04-15' }]);
    const { splits } = await world.royalties.listSplits(world.owner.actor, world.cloneId);
    expect(splits.map((one) => one.document.derivativeId ?? null)).toEqual([term.derivativeId, null]);
  });

  it('pays the original first, and its own split divides the rest', async () => {
    await world.moveTo(noon('2026-05-01'));
    const run = await world.run('2026-05-01');
    expect(run.pots[0]).toMatchObject({ amountMinor: '540' });
    expect(run.pots[0]?.legs.map((leg) => [leg.payee, leg.derivativeId !== null, leg.amountMinor])).toEqual([
      [singer.accountId, true, '81'], [world.owner.accountId, false, '321'], [world.agency.accountId, false, '92'], ['platform', false, '46'],
    ]);
    expect(await owed(singer)).toBe(81n);
    await world.checkBooks();
  });

  it('of a derivative pays every level, never more than the ceiling', async () => {
    const above = await draft(singer, song, text, { upstreamBasisPoints: 1_000, effectiveFrom: '2026-05-01' });
    await sign(singer, above);
    await sign(writer, above);
    expect(await refusal(draft(writer, text, world.cloneId))).toBe('derivative_invalid');
    await world.moveTo(noon('2026-06-01'));
    const run = await world.run('2026-06-01');
    // 15 % and 10 % under a ceiling of 20 %: the nearest is cut to what is left.
    expect(run.pots[0]?.legs.map((leg) => [leg.payee, leg.basisPoints, leg.amountMinor]).slice(0, 2)).toEqual([
      [singer.accountId, 1_000, '54'], [writer.accountId, 1_000, '54'],
    ]);
    expect(await owed(writer)).toBe(54n);
    await world.checkBooks();
  });

  it('returns the originals\' part of a refund too', async () => {
    const [period] = await world.tx((tx) => world.billing.periodsBetween(tx, { cloneId: world.cloneId, fromDay: '2026-05-02', toDay: '2026-05-20' }));
    const days = Array.from({ length: 31 }, (_none, index) => addDays('2026-05-01', index));
    await world.royalties.refundGoodwill(world.operator.actor, world.key('refundGoodwill'), { periodId: period?.periodId ?? '', days, reason: 'Goodwill.' });
    await world.drain();
    expect([await owed(writer), await owed(singer)]).toEqual([0n, 81n]);
    await world.checkBooks();
  });

  it('stands on the statements of both as a line of its own', async () => {
    await world.royalties.closeStatements(world.operator.actor, world.key('closeStatements'), { throughDay: '2026-06-01' });
    const [listed] = (await world.royalties.listStatements(singer.actor)).statements;
    const { receipt } = await world.royalties.getStatement(singer.actor, listed?.statementId ?? '');
    expect(JSON.stringify(receipt.document.lines)).toContain('"derivative"');
    expect(listed?.closingMinor).toBe('81');
    for (const person of [singer, writer, world.owner, world.agency]) {
      const [own] = (await world.royalties.listStatements(person.actor)).statements;
      const files = [await world.royalties.getStatement(person.actor, own?.statementId ?? ''), await world.royalties.exportStatementEvents(person.actor, own?.statementId ?? '')];
      const [statement, events] = files.map((file) => Buffer.from(JSON.stringify(file))) as [Buffer, Buffer];
      expect(recomputeFiles(statement, [events]).lines.filter((line) => !line.startsWith('same'))).toEqual([expect.stringMatching(/^All \d+ figures/)]);
    }
  });
});
