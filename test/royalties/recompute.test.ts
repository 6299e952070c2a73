import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { verifyFile } from '../../src/compose/verify.ts';
import { recomputeFiles } from '../../src/compose/recompute.ts';
import { returnedOf, sharesOf } from '../../src/royalties/model.ts';
import { returnedBy, sharesBy } from '../../src/royalties/recompute-math.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type Person, type RoyaltiesWorld } from './world.ts';

/** A clone over two months: two tiers, five fans, a split that changes to another base with a reserve, payouts, a refund after one. Everybody holds the files of their statements. */
type Proof = Awaited<ReturnType<RoyaltiesWorld['royalties']['getStatementProof']>>;
type Page = Awaited<ReturnType<RoyaltiesWorld['royalties']['exportStatementEvents']>>;
interface Held {
  payee: string;
  number: number;
  proof: Proof;
  pages: Page[];
}

let world: RoyaltiesWorld;
let held: Held[];
let keys: string[];

async function filesOf(person: Person, payee: string): Promise<Held[]> {
  const { royalties } = world;
  const files: Held[] = [];
  for (const { statementId, number } of (await royalties.listStatements(person.actor, payee)).statements) {
    const pages: Page[] = [];
    for (let after: string | undefined; ;) {
      const page = await royalties.exportStatementEvents(person.actor, statementId, { limit: 3, ...(after === undefined ? {} : { after }) });
      pages.push(page);
      if (page.next === null) break;
      after = page.next;
    }
    files.push({ payee, number, proof: await royalties.getStatementProof(person.actor, statementId), pages });
  }
  return files;
}

beforeAll(async () => {
  world = await openRoyalties();
  const { royalties, operator, owner, agency } = world;
  const [friend, work] = [await world.newTier(), await world.newTier('work', '3000')];
  await world.signedSplit();
  const periodId = await world.paid('mei', friend);
  for (const name of ['a', 'b', 'c']) await world.paid(name, friend);
  await world.paid('wu', work);
  await world.onboard(owner);
  await world.onboard(agency);
  await world.signedSplit([{ payee: owner.accountId, basisPoints: 6_667 }, { payee: agency.accountId, basisPoints: 2_222 }, { payee: 'platform', basisPoints: 1_111 }], '2026-03-18', 'platform', { base: 'gross', reserve: { basisPoints: 100, days: 7 } });
  const close = (throughDay: string): Promise<unknown> => royalties.closeStatements(operator.actor, world.key('closeStatements'), { throughDay });
  await world.moveTo(noon('2026-03-25'));
  await world.run('2026-03-25');
  await close('2026-03-25');
  await royalties.createPayouts(operator.actor, world.key('createPayouts'), {});
  await world.drain();
  await royalties.refundGoodwill(operator.actor, world.key('refundGoodwill'), { periodId, days: ['2026-03-04', '2026-03-20'], reason: 'Two bad days.' });
  await world.drain();
  await world.moveTo(noon('2026-04-02'));
  await world.run('2026-04-02');
  await close('2026-04-02');
  await world.transparency.sequence();
  held = [...await filesOf(owner, owner.accountId), ...await filesOf(agency, agency.accountId), ...await filesOf(operator, 'platform')];
  keys = [world.transparency.verifierKey, world.provenance.receiptsKey.publicKeyPem];
});
afterAll(async () => {
  await world.close();
});

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const work = (proof: unknown, pages: readonly unknown[]): ReturnType<typeof recomputeFiles> => recomputeFiles(bytes(proof), pages.map(bytes));

type Draft = { [key: string]: Draft } & Draft[] & string;
/** A deep copy, changed; typed loosely, since what is attacked is the form itself. */
function altered<T>(value: T, change: (draft: Draft) => void): T {
  const copy = structuredClone(value);
  change(copy as unknown as Draft);
  return copy;
}

/** Adds one to each amount in turn: every place in the document where a cent could be moved. */
function* moved(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && name.endsWith('Minor')) yield [...path, name];
    else yield* moved(inner, [...path, name]);
  }
}

describe('a payee with the files of their statement', () => {
  it('works every one of them out to the same cent, from events in several pages', () => {
    expect(held.map(({ payee, number }) => [payee, number])).toHaveLength(6);
    for (const { proof, pages } of held) {
      const worked = work(proof, pages);
      expect(worked.lines.filter((line) => !line.startsWith('same'))).toEqual([expect.stringMatching(/^All \d+ figures come out the same\.$/)]);
      expect(worked.ok).toBe(true);
    }
    expect(Math.max(...held.map(({ pages }) => pages.length))).toBeGreaterThan(3);
    const entries = held.flatMap(({ pages }) => pages.flatMap((page) => page.entries));
    expect(entries.some((entry) => (entry.returns ?? []).length > 0)).toBe(true);
    const kinds = new Set(entries.map((entry) => `${entry.account} ${entry.transferKind}`));
    for (const kind of ['balance royalties.pot_divided', 'balance royalties.payout_begun', 'balance royalties.reserve_held', 'reserve royalties.reserve_held', 'reserve royalties.days_refunded', 'debt royalties.days_refunded']) {
      expect([...kinds]).toContain(kind);
    }
    const bases = held.flatMap(({ proof }) => (proof.receipt.document.schemaVersion === 2 ? proof.receipt.document.pots.map((pot) => pot.base) : []));
    expect(new Set(bases)).toEqual(new Set(['net_of_tax_and_fees', 'gross']));
  });

  it('finds a cent that was moved anywhere in the statement', () => {
    const { proof, pages } = held.find((one) => one.number === 2) ?? expect.unreachable();
    const { document } = proof.receipt;
    if (document.schemaVersion !== 2) return expect.unreachable();
    const places = [...moved(document)];
    expect(places.length).toBeGreaterThan(30);
    const unseen = places.filter((path) => {
      const forged = altered(document, (draft) => {
        const last = path.at(-1) ?? '';
        const at = path.slice(0, -1).reduce<Draft>((inner, name) => inner[name as never] as Draft, draft);
        (at as Record<string, unknown>)[last] = (BigInt(at[last as never] as string) + 1n).toString();
      });
      return work(forged, pages).ok;
    });
    expect(unseen.map((path) => path.join('.'))).toEqual([]);
  });

  it('finds an event that was taken out, one put in twice, and a split that was altered', () => {
    for (const { proof, pages } of held) {
      for (const list of ['entries', 'earned'] as const) {
        const page = pages.findIndex((one) => one[list].length > 0);
        const without = altered(pages, (draft) => (draft[page]?.[list] as Draft).shift());
        expect(work(proof, without).ok).toBe(false);
        const twice = altered(pages, (draft) => (draft[page]?.[list] as Draft).push((draft[page]?.[list] as Draft)[0] as Draft));
        expect(work(proof, twice).lines).toContainEqual(expect.stringContaining('events that stand twice'));
        expect(work(proof, twice).ok).toBe(false);
      }
      const split = altered(pages, (draft) => {
        const legs = draft[0]?.['splits']?.[0]?.['document']?.['legs'] as unknown as { basisPoints: number }[];
        legs[0]!.basisPoints -= 1;
        legs[1]!.basisPoints += 1;
      });
      expect(work(proof, split).lines).toContainEqual(expect.stringMatching(/^DIFFERENT {2}pot \S+: the signed split/));
      expect(work(proof, []).ok).toBe(false);
    }
  });

  it('is told when the files are not what they should be', () => {
    const [first, second] = held as [Held, Held];
    expect(work(first.proof, second.pages).ok).toBe(false);
    expect(work(first.proof, [first.pages[0], second.pages[0]]).lines).toEqual([expect.stringContaining('different statements')]);
    for (const broken of [{}, [], 'x', { type: 'benren.statement', schemaVersion: 2 }, { type: 'benren.statement', schemaVersion: 1 }]) expect(work(broken, first.pages).ok).toBe(false);
    expect(work(altered(first.proof, (draft) => { draft['receipt']!['document']!['closingMinor'] = '1e3' as Draft; }), first.pages)).toEqual({ ok: false, lines: [expect.stringContaining('Cannot')] });
    expect(recomputeFiles(Buffer.from('not json'), first.pages.map(bytes)).ok).toBe(false);
  });

  it('verifies it offline: signed, adds up, in the log, and with the one before it under the same head', () => {
    for (const { proof, number } of held) {
      expect(verifyFile(bytes(proof), keys)).toMatchObject({ ok: true, kind: 'statement', problems: [] });
      expect(proof.previous === null).toBe(number === 1);
    }
    const { proof } = held.find((one) => one.number === 2) ?? expect.unreachable();
    const other = held.find((one) => one.number === 2 && one.proof !== proof) ?? expect.unreachable();
    const checks: [Proof, string][] = [
      [{ ...proof, previous: null }, 'previous_bundle_malformed'], [{ ...proof, previous: other.proof.previous }, 'previous_differs'], [{ ...proof, proof: other.proof.proof }, 'document_differs'],
      [altered(proof, (draft) => { draft['receipt']!['document']!['closingMinor'] = '1' as Draft; }), 'digest_differs'],
    ];
    for (const [forged, problem] of checks) expect(verifyFile(bytes(forged), keys)).toMatchObject({ ok: false, problems: expect.arrayContaining([problem]) as string[] });
    expect(verifyFile(bytes(proof), [])).toMatchObject({ ok: false, problems: ['key_needed'] });
  });

  it('is led from each line, page by page, to every posting behind it', async () => {
    const { owner, royalties } = world;
    const { proof } = held.find((one) => one.payee === owner.accountId && one.number === 2) ?? expect.unreachable();
    const { document } = proof.receipt;
    if (document.schemaVersion !== 2) return expect.unreachable();
    const shares = document.lines.filter((line) => line.potId !== null);
    expect(shares.length).toBeGreaterThan(1);
    for (const line of shares) {
      const sources = [];
      let expected = 0;
      for (let after: string | undefined; ;) {
        const page = await royalties.explainStatementLine(owner.actor, document.statementId, line.lineId, { limit: 2, ...(after === undefined ? {} : { after }) });
        sources.push(...page.sources);
        expected = page.sourceCount;
        if (page.next === null) break;
        after = page.next;
      }
      const pot = document.pots.find((one) => one.potId === line.potId);
      expect([sources.length, new Set(sources.map((one) => `${one.transferId}.${one.leg}`)).size]).toEqual([expected, expected]);
      expect(sources.reduce((sum, one) => sum + BigInt(one.amountMinor), 0n).toString()).toBe(pot?.earnedMinor);
      expect(sources.every((one) => one.charge !== null && one.tierName !== null && one.splitId === pot?.splitId && one.fan !== null)).toBe(true);
    }
    const refund = await royalties.explainStatementLine(owner.actor, document.statementId, 'd1');
    expect(refund.entries).toMatchObject([{ kind: 'royalties.days_refunded' }]);
    expect(refund.sources.length).toBeGreaterThan(0);
    expect(new Set(refund.sources.map((one) => one.fan)).size).toBe(1);
  });

  it('is not somebody else', async () => {
    const [statement] = (await world.royalties.listStatements(world.owner.actor)).statements;
    const { royalties, agency } = world;
    const id = statement?.statementId ?? '';
    expect(await refusal(royalties.exportStatementEvents(agency.actor, id))).toBe('not_found');
    expect(await refusal(royalties.getStatementProof(agency.actor, id))).toBe('not_found');
    expect(await refusal(royalties.getStatementCsv(agency.actor, id))).toBe('not_found');
  });

  it('reads of each fan by one name, which no other payee reads', () => {
    const fans = (payee: string): Set<string> => new Set(held.filter((one) => one.payee === payee).flatMap(({ pages }) => pages.flatMap((page) => page.earned.map((event) => event.fan ?? 'none'))));
    const [mine, theirs] = [fans(world.owner.accountId), fans(world.agency.accountId)];
    expect(mine.size).toBe(5);
    expect([...mine].every((fan) => /^fan_[0-9a-f]{24}$/.test(fan))).toBe(true);
    expect([...mine].filter((fan) => theirs.has(fan))).toEqual([]);
  });
});

describe('the divisions of the one who works out again', () => {
  it('are those of the one who posted, three hundred times', () => {
    const random = seededRandom('recompute');
    const some = (below: number): number => Math.floor((random.bytes(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32) * below);
    for (let turn = 0; turn < 300; turn += 1) {
      const legs = Array.from({ length: 2 + some(19) }, () => BigInt(some(turn % 2 === 0 ? 30 : 10_000_000)));
      const whole = legs.reduce((sum, leg) => sum + leg, 0n);
      const total = BigInt(some(Number(whole) + 1));
      expect([turn, returnedBy(total, legs)]).toEqual([turn, returnedOf(total, legs)]);
      const cut = 1 + some(9_998);
      expect(sharesBy(whole, [BigInt(cut), BigInt(10_000 - cut)])).toEqual(sharesOf(whole, [cut, 10_000 - cut]));
    }
  });
});
