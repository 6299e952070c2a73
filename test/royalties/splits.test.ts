import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadDocuments } from '../../src/identity/index.ts';
import type { SplitInput, SplitLeg } from '../../src/royalties/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { openRoyalties, type Person, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let legs: SplitLeg[];
beforeAll(async () => {
  world = await openRoyalties();
  legs = [
    { payee: world.owner.accountId, basisPoints: 7_000 }, { payee: world.agency.accountId, basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 },
  ];
});
afterAll(async () => {
  await world.close();
});

type Draft = Awaited<ReturnType<RoyaltiesWorld['royalties']['draftSplit']>>;
const draft = (changes: Partial<SplitInput> = {}, person: Person = world.owner): Promise<Draft> =>
  world.royalties.draftSplit(person.actor, world.key('draftSplit'), world.cloneId, { legs, effectiveFrom: '2026-03-01', ...changes });
const sign = async (person: Person, split: Draft, document: object = split.document): Promise<Draft> =>
  world.royalties.signSplit(person.actor, world.key('signSplit'), split.splitId, { signature: await world.signature(person, document) });
const inForce = (day: string): Promise<string | null> => world.tx(async (tx) => (await world.royalties.splitInForce(tx, world.cloneId, day))?.splitId ?? null);

describe('a split', () => {
  it('is drafted by the owner alone, with payees that exist', async () => {
    expect(await refusal(draft({}, world.agency))).toBe('not_found');
    expect(await refusal(draft({ legs: [{ payee: 'acc_nobody', basisPoints: 9_000 }, { payee: 'platform', basisPoints: 1_000 }] }))).toBe('payee_unknown');
    for (const changes of [{ legs: legs.slice(0, 2) }, { base: 'net' },
      { legs: [{ payee: world.owner.accountId, basisPoints: 8_999 }, legs[2]!] }, { legs: [{ payee: world.owner.accountId, basisPoints: 9_001 }, legs[2]!] },
      { legs: [{ ...legs[0]!, role: 'agency' as const }, ...legs.slice(1)] }, { legs: [legs[0]!, { ...legs[1]!, role: 'owner' as const }, legs[2]!] },
      { reserve: { basisPoints: 5_001, days: 30 } }, { reserve: { basisPoints: 1_000, days: 0 } }, { refundFeeBearer: 'acc_nobody' }, { legs: [...legs, legs[0]!] }]) {
      expect(await refusal(draft(changes))).toBe('split_invalid');
    }
    expect(await world.db.asOwner('SELECT id FROM split')).toEqual([]);
  });

  it('is a document that all sign, and acts with the last signature', async () => {
    const split = await draft();
    expect(loadDocuments().validate('split', split.document)).toEqual(split.document);
    expect(split).toMatchObject({ number: 1, state: 'draft', missing: [world.owner.accountId, world.agency.accountId, 'platform'], record: null });
    const stranger = await world.person('Stranger');
    expect(await refusal(sign(stranger, split))).toBe('not_found');
    expect(await refusal(world.royalties.getSplit(stranger.actor, split.splitId))).toBe('not_found');
    expect(await refusal(world.royalties.getSplit(stranger.actor, 'spl_unknown'))).toBe('not_found');
    expect(await refusal(world.royalties.listSplits(stranger.actor, world.cloneId))).toBe('not_found');
    expect(await refusal(sign(world.owner, split, { ...split.document, effectiveFrom: '2026-03-02' }))).toBe('signature_mismatch');
    await sign(world.owner, split);
    expect(await refusal(sign(world.owner, split))).toBe('split_invalid');
    expect((await sign(world.agency, split)).state).toBe('draft');
    expect(await inForce('2026-03-01')).toBeNull();
    const signed = await sign(world.operator, split);
    expect(signed).toMatchObject({ state: 'signed', missing: [], record: { splitSha256: split.digest } });
    expect(signed.signatures.map((one) => one.signer).sort()).toEqual([world.owner.accountId, world.agency.accountId, 'platform'].sort());
    expect([await inForce('2026-02-28'), await inForce('2026-03-01')]).toEqual([null, split.splitId]);
    await world.transparency.sequence();
    const { leaves } = await world.transparency.listLeavesOfSubject(world.cloneId, { limit: 10 });
    expect(leaves.map((leaf) => [leaf.type, leaf.leafId])).toEqual([['split.signed', signed.leafId]]);
    for (const person of [world.owner, world.agency, world.operator]) {
      expect((await world.royalties.listSplits(person.actor, world.cloneId)).splits.map((one) => one.splitId)).toContain(split.splitId);
    }
  });

  it('says what each payee is paid for, what is divided and what is held', async () => {
    const split = await draft({ legs: [legs[0]!, { ...legs[1]!, role: 'agency' }, legs[2]!], base: 'gross', reserve: { basisPoints: 1_000, days: 30 } });
    expect(split.document).toMatchObject({ schemaVersion: 2, base: 'gross', reserve: { basisPoints: 1_000, days: 30 }, derivativeId: null });
    expect(split.document.legs.map((leg) => leg.role)).toEqual(['owner', 'agency', 'platform']);
    expect((await draft()).document).toMatchObject({ base: 'net_of_tax_and_fees', reserve: { basisPoints: 0, days: 0 } });
  });

  it('of the first version stays a document that is understood, and cannot say what it never said', async () => {
    const { reserve, derivativeId, ...document } = (await draft()).document;
    const first = { ...document, schemaVersion: 1, legs: document.legs.map(({ payee, payeeName, basisPoints }) => ({ payee, payeeName, basisPoints })) };
    expect(loadDocuments().validate('split', first)).toEqual(first);
    for (const wrong of [{ ...first, reserve }, { ...first, derivativeId }, { ...first, base: 'gross' }, { ...first, legs: document.legs }, document]) {
      expect(() => loadDocuments().validate('split', wrong)).toThrow();
    }
  });

  it('never acts without all its signatures, whoever writes', async () => {
    const split = await draft();
    await sign(world.owner, split);
    const text = `UPDATE split SET state = 'signed', signed_at = now(), record = '{}', leaf_id = 'lef_1' WHERE id = '${split.splitId}'`;
    await expect(world.db.asApp(text)).rejects.toThrow('lacks a share or a signature');
    await expect(world.db.asOwner(text)).rejects.toThrow('lacks a share or a signature');
    const [own] = await world.db.asOwner<{ signed_document_id: string }>('SELECT signed_document_id FROM split_signature LIMIT 1');
    await expect(world.db.asApp(`INSERT INTO split_signature VALUES ($1, $2, $3, now())`, [split.splitId, world.agency.accountId, own?.signed_document_id])).rejects.toThrow();
    for (const attack of ['DELETE FROM split_signature', 'UPDATE split_leg SET basis_points = 1', 'DELETE FROM split', 'TRUNCATE split_leg CASCADE']) {
      await expect(world.db.asApp(attack)).rejects.toThrow();
      await expect(world.db.asOwner(attack)).rejects.toThrow();
    }
  });

  it('of a newer version replaces the older one from its day; an older draft is not signed any more', async () => {
    const older = await draft({ effectiveFrom: '2026-03-05' });
    const newer = await draft({ effectiveFrom: '2026-03-15', legs: [legs[0]!, { payee: world.agency.accountId, basisPoints: 1_000 }, { payee: 'platform', basisPoints: 2_000 }] });
    for (const person of [world.owner, world.agency]) {
      await sign(person, older);
      await sign(person, newer);
    }
    await sign(world.operator, newer);
    expect(await refusal(sign(world.operator, older))).toBe('split_invalid');
    const segments = await world.tx((tx) => world.royalties.splitSegments(tx, world.cloneId, '2026-03-01', '2026-04-01'));
    expect(segments.map((one) => one.fromDay)).toEqual(['2026-03-01', '2026-03-15']);
    expect(segments[1]?.splitId).toBe(newer.splitId);
    // Those days were told which split applies: no later split may claim them.
    expect(await refusal(draft({ effectiveFrom: '2026-03-31' }))).toBe('split_invalid');
    expect((await draft({ effectiveFrom: '2026-04-01' })).state).toBe('draft');
  });

  it('drafted twice with one key is one draft', async () => {
    const key = world.key('draftSplit');
    const input = { legs, effectiveFrom: '2026-04-01' };
    const first = await world.royalties.draftSplit(world.owner.actor, key, world.cloneId, input);
    expect(await world.royalties.draftSplit(world.owner.actor, key, world.cloneId, input)).toEqual(first);
    expect(await refusal(world.royalties.draftSplit(world.owner.actor, { ...key, digest: 'other' }, world.cloneId, input))).toBe('idempotency_key_reused');
  });
});

describe('days without a split', () => {
  it('cannot be divided until a split covers them; a posting never spans two', async () => {
    const fresh = await openRoyalties();
    try {
      const tierId = await fresh.newTier();
      await fresh.paid('mei', tierId);
      await fresh.moveTo(noon('2026-03-11'));
      await fresh.tx((tx) => fresh.billing.recognise(tx, { cloneId: fresh.cloneId, throughDay: '2026-03-11' }));
      expect(await refusal(fresh.run('2026-03-11'))).toBe('split_missing');
      expect(await fresh.db.asOwner('SELECT id FROM royalty_run')).toEqual([]);
      const first = await fresh.signedSplit(undefined, '2026-03-01');
      const second = await fresh.signedSplit([{ payee: fresh.owner.accountId, basisPoints: 5_000 }, { payee: 'platform', basisPoints: 5_000 }], '2026-03-21');
      await fresh.moveTo(noon('2026-04-01'));
      const run = await fresh.run('2026-04-01');
      const parts = (k: bigint): bigint => (567n * k) / 31n - (27n * k) / 31n;
      expect(run.pots.map((pot) => [pot.splitId, pot.amountMinor, pot.firstDay, pot.lastDay])).toEqual([
        [first, `${parts(20n)}`, '2026-03-01', '2026-03-20'], [second, `${540n - parts(20n)}`, '2026-03-21', '2026-03-31'],
      ].sort(([a], [b]) => (a! < b! ? -1 : 1)));
      await fresh.checkBooks();
    } finally {
      await fresh.close();
    }
  });

  it('before the first split, or between two, are taken by one that begins on the first of them, and by no other', async () => {
    const fresh = await openRoyalties();
    try {
      const { owner } = fresh;
      const tierId = await fresh.newTier();
      await fresh.paid('mei', tierId);
      const half: SplitLeg[] = [{ payee: owner.accountId, basisPoints: 5_000 }, { payee: 'platform', basisPoints: 5_000 }];
      const later = await fresh.signedSplit(half, '2026-03-10');
      await fresh.moveTo(noon('2026-03-15'));
      // Nine days without a split, five with: all of them are booked, and none can be divided.
      expect(await refusal(fresh.run('2026-03-15'))).toBe('split_missing');
      const begin = (effectiveFrom: string): ReturnType<RoyaltiesWorld['royalties']['draftSplit']> =>
        fresh.royalties.draftSplit(owner.actor, fresh.key('draftSplit'), fresh.cloneId, { legs: half, effectiveFrom });
      for (const day of ['2026-02-28', '2026-03-02', '2026-03-09', '2026-03-10', '2026-03-14']) expect(`${day} ${await refusal(begin(day))}`).toBe(`${day} split_invalid`);
      await begin('2026-03-15');
      const first = await fresh.signedSplit(undefined, '2026-03-01');
      const run = await fresh.run('2026-03-15');
      const parts = (k: bigint): bigint => (567n * k) / 31n - (27n * k) / 31n;
      expect(run.pots.map((pot) => [pot.splitId, pot.amountMinor, pot.firstDay, pot.lastDay])).toEqual([
        [first, `${parts(9n)}`, '2026-03-01', '2026-03-09'], [later, `${parts(14n) - parts(9n)}`, '2026-03-10', '2026-03-14'],
      ].sort(([a], [b]) => (a! < b! ? -1 : 1)));
      // Taken, they are divided for good; a day keeps what it was booked under, and days from now on are the newest's.
      expect(await refusal(begin('2026-03-01'))).toBe('split_invalid');
      const inForceOn = (day: string): Promise<string | null> => fresh.tx(async (tx) => (await fresh.royalties.splitInForce(tx, fresh.cloneId, day))?.splitId ?? null);
      expect([await inForceOn('2026-03-09'), await inForceOn('2026-03-10'), await inForceOn('2026-03-14'), await inForceOn('2026-03-15')]).toEqual([first, later, later, first]);
      await fresh.checkBooks();
      for (const attack of [`UPDATE split_day SET split_id = '${first}' WHERE day = '2026-03-10'`, `UPDATE split_day SET split_id = NULL`, 'DELETE FROM split_day', 'TRUNCATE split_day',
        `INSERT INTO split_day VALUES ('${fresh.cloneId}', '2026-02-01', '${first}')`]) {
        await expect(fresh.db.asApp(attack)).rejects.toThrow();
        await expect(fresh.db.asOwner(attack)).rejects.toThrow();
      }
    } finally {
      await fresh.close();
    }
  });
});
