import { generateKeyPairSync } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { documentDigest, LEAF_TYPES, makeTransparency, makeTransparencyTicks, verifyBundle } from '../../src/transparency/index.ts';
import type { Transparency } from '../../src/transparency/index.ts';
import { consistencyRanges, leafHash, rangeHash, verifyConsistency } from '../../src/kernel/merkle.ts';
import { openCheckpoint, parseVerifierKey } from '../../src/transparency/note.ts';
import { makeTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const clock = makeTestClock('2026-11-23T08:00:00Z');
const ids = makeIds(clock, seededRandom('log'));
const logKey = generateKeyPairSync('ed25519').privateKey;
let database: TestDatabase;
let log: Transparency;

const make = (name: TestDatabase): Transparency => makeTransparency({ runTx: name.runTx, clock, ids, logKey, origin: 'log.example/benren' });
beforeAll(async () => {
  database = await openTestDatabase();
  log = make(database);
});
afterAll(async () => {
  await database.close();
});

let subjects = 0;
const nextSubject = (): string => `grt_${(subjects += 1)}`;
const document = (subjectId: string) => ({ type: 'benren.grant', grantId: subjectId });
async function append(subjectId = nextSubject()): Promise<{ leafId: string; subjectId: string }> {
  const { leafId } = await database.runTx((tx) =>
    log.append(tx, { type: 'grant.signed', subjectId, at: clock.now(), document: document(subjectId) }));
  return { leafId, subjectId };
}
const verify = (bundle: unknown) => verifyBundle(JSON.stringify(bundle), { logPublicKey: log.verifierKey });

async function refusalCode(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(() => undefined, (error: unknown) => (error as { code?: string }).code);
}

describe('the log', () => {
  it('has a head when it is still empty, and says so before', async () => {
    const empty = await openTestDatabase();
    try {
      const fresh = make(empty);
      expect(await refusalCode(fresh.getCheckpoint())).toBe('unavailable');
      expect(await fresh.sequence()).toEqual({ sequenced: 0, size: 0n });
      const head = openCheckpoint(await fresh.getCheckpoint(), parseVerifierKey(fresh.verifierKey)!);
      expect(head).toMatchObject({ origin: 'log.example/benren', size: 0n });
    } finally {
      await empty.close();
    }
  });

  it('keeps a leaf exactly when its transaction commits', async () => {
    const subjectId = nextSubject();
    await expect(database.runTx(async (tx) => {
      await log.append(tx, { type: 'stop.ordered', subjectId, at: clock.now(), document: {} });
      throw new Error('the fact did not happen');
    })).rejects.toThrow('the fact did not happen');
    expect(await log.listLeavesOfSubject(subjectId, { limit: 10 })).toEqual({ leaves: [] });
  });

  it('proves a leaf offline, with its document', async () => {
    const { leafId, subjectId } = await append();
    expect(await refusalCode(log.getLogProof(leafId))).toBe('unavailable');
    expect((await database.runTx((tx) => log.leavesOf(tx, subjectId))).map((leaf) => leaf.index)).toEqual([null]);
    await log.sequence();
    const proof = await log.getLogProof(leafId);
    expect(verify(proof)).toMatchObject({ ok: true, entry: { leafId, subjectId, type: 'grant.signed' }, index: proof.index });
    expect(verify(await log.bundle(leafId, document(subjectId)))).toMatchObject({ ok: true, document: 'same' });
    expect(verify(await log.bundle(leafId, document('grt_other')))).toMatchObject({ ok: false, problems: ['document_differs'] });
    expect(proof.leaf.documentSha256).toBe(documentDigest(document(subjectId)));
    expect(await refusalCode(log.getLogProof('lef_nowhere'))).toBe('not_found');
  });

  it('takes the digest of what somebody signed, and refuses one that is none', async () => {
    const documentSha256 = documentDigest({ a: 1 });
    const { leafId } = await database.runTx((tx) =>
      log.append(tx, { type: 'split.signed', subjectId: 'spl_1', at: clock.now(), documentSha256 }));
    await log.sequence();
    expect(verify(await log.bundle(leafId, { a: 1 })).ok).toBe(true);
    await expect(database.runTx((tx) =>
      log.append(tx, { type: 'split.signed', subjectId: 'spl_1', at: clock.now(), documentSha256: 'x' }))).rejects.toThrow(TypeError);
  });

  it('grows in batches, every leaf provable under the newest head, every older head a prefix', async () => {
    const before = openCheckpoint(await log.getCheckpoint(), parseVerifierKey(log.verifierKey)!)!;
    const made: string[] = [];
    for (const count of [1, 2, 700]) {
      await database.runTx(async (tx) => {
        for (let i = 0; i < count; i += 1) {
          made.push((await log.append(tx, { type: 'release.committed', subjectId: 'out_many', at: clock.now(), document: { i } })).leafId);
        }
      });
      expect((await log.sequence()).sequenced).toBe(count);
    }
    for (const leafId of made.filter((_, i) => i % 97 === 0)) expect(verify(await log.getLogProof(leafId)).ok).toBe(true);
    const after = openCheckpoint(await log.getCheckpoint(), parseVerifierKey(log.verifierKey)!)!;
    const nodes = await database.asApp<{ level: number; index: string; hash: Buffer }>('SELECT level, index::text, hash FROM log_node');
    const hashes = new Map(nodes.map((node) => [`${node.level}/${node.index}`, node.hash]));
    const proof = consistencyRanges(before.size, after.size)
      .map((range) => rangeHash(range, (ref) => hashes.get(`${ref.level}/${ref.index.toString()}`)!));
    expect(verifyConsistency({ size1: before.size, size2: after.size, root1: before.root, root2: after.root, proof })).toBe(true);
    // A proof needs O(log² n) rows however long the log: no more nodes than two a leaf are ever kept.
    expect(BigInt(nodes.length)).toBeLessThan(2n * after.size);
  });

  it('pages a subject’s leaves without loss', async () => {
    const seen: string[] = [];
    let after: string | undefined;
    for (;;) {
      const { leaves } = await log.listLeavesOfSubject('out_many', after === undefined ? { limit: 200 } : { limit: 200, after });
      seen.push(...leaves.map((leaf) => leaf.leafId));
      after = leaves.at(-1)?.leafId;
      if (leaves.length < 200) break;
    }
    expect(new Set(seen).size).toBe(703);
    expect(seen).toHaveLength(703);
  });

  it('never skips a leaf whose transaction commits late', async () => {
    let commit: () => void = () => undefined;
    const gate = new Promise<void>((open) => (commit = open));
    let appended: (leafId: string) => void = () => undefined;
    const early = new Promise<string>((done) => (appended = done));
    const late = database.runTx(async (tx) => {
      appended((await log.append(tx, { type: 'gate.paused', subjectId: 'cln_late', at: clock.now(), document: {} })).leafId);
      await gate;
    });
    const lateLeaf = await early;
    const other = await append();
    await log.sequence();
    expect(verify(await log.getLogProof(other.leafId)).ok).toBe(true);
    expect(await refusalCode(log.getLogProof(lateLeaf))).toBe('not_found');
    commit();
    await late;
    await log.sequence();
    expect(verify(await log.getLogProof(lateLeaf)).ok).toBe(true);
  });

  it('sequences once, however many sequencers run', async () => {
    await Promise.all(Array.from({ length: 20 }, () => append()));
    const runs = await Promise.all(Array.from({ length: 6 }, () => log.sequence()));
    expect(runs.reduce((sum, run) => sum + run.sequenced, 0)).toBe(20);
    const [row] = await database.asApp<{ leaves: string; places: string; highest: string; waiting: string }>(`
      SELECT (SELECT count(*) FROM log_leaf) AS leaves, (SELECT count(*) FROM log_position) AS places,
        (SELECT max(index) + 1 FROM log_position) AS highest, (SELECT count(*) FROM log_waiting) AS waiting`);
    expect([row?.places, row?.highest, row?.waiting]).toEqual([row?.leaves, row?.leaves, '0']);
    expect(await log.sequence()).toMatchObject({ sequenced: 0 });
  });

  it('is driven by its tick', async () => {
    const { leafId } = await append();
    const tick = makeTransparencyTicks(log)['transparency.sequence'];
    expect(tick?.everyMs).toBeLessThanOrEqual(1_000);
    await tick?.run();
    expect(verify(await log.getLogProof(leafId)).ok).toBe(true);
  });
});

describe('PostgreSQL itself', () => {
  it.each(['log_leaf', 'log_position', 'log_node', 'log_checkpoint'])('refuses every change of %s, to the service and to the owner', async (table) => {
    const column = { log_leaf: 'subject_id', log_position: 'leaf_id', log_node: 'hash', log_checkpoint: 'note' }[table]!;
    for (const statement of [`UPDATE ${table} SET ${column} = ${column}`, `DELETE FROM ${table}`, `TRUNCATE ${table} CASCADE`]) {
      expect(await refusalCode(database.asApp(statement)), `service: ${statement}`).toBe('42501');
      expect(await refusalCode(database.asOwner(statement)), `owner: ${statement}`).toBe('23001');
    }
  });

  it('does not let the service hide a leaf from the sequencer', async () => {
    const { leafId } = await append();
    for (const statement of ['DELETE FROM log_waiting', 'TRUNCATE log_waiting', 'UPDATE log_waiting SET recorded_at = now()', `INSERT INTO log_waiting VALUES ('${leafId}')`]) {
      expect(await refusalCode(database.asApp(statement)), statement).toBe('42501');
    }
    await log.sequence();
    expect(verify(await log.getLogProof(leafId)).ok).toBe(true);
  });

  it('refuses a gap, a second place, a leaf with a wrong hash or an unknown type, a head beyond the tree', async () => {
    const { leafId } = await append();
    const insertLeaf = 'INSERT INTO log_leaf (id, type, subject_id, at, entry, leaf_hash) VALUES ($1, $2, $3, now(), $4, $5)';
    const entry = Buffer.from('x');
    expect(await refusalCode(database.asApp('INSERT INTO log_position (index, leaf_id) VALUES (1000000, $1)', [leafId]))).toBe('23503');
    await log.sequence();
    expect(await refusalCode(database.asApp('INSERT INTO log_position (index, leaf_id) SELECT max(index) + 1, $1 FROM log_position', [leafId]))).toBe('23505');
    expect(await refusalCode(database.asApp(insertLeaf, ['lef_a', 'stop.ordered', 's', entry, Buffer.alloc(32)]))).toBe('23514');
    expect(await refusalCode(database.asApp(insertLeaf, ['lef_a', 'unheard.of', 's', entry, leafHash(entry)]))).toBe('23503');
    expect(await refusalCode(database.asApp("INSERT INTO log_checkpoint (size, root, note, at) VALUES (1000000, sha256(''), 'x', now())"))).toBe('23503');
  });

  it('knows its types without locking one of them: every release would lock that row', async () => {
    for (const [table, column, types] of [['log_leaf', 'type', 'log_leaf_type'], ['signed_document', 'document_type', 'signed_document_type']] as const) {
      const keys = await database.asOwner(`SELECT conname FROM pg_constraint WHERE conrelid = '${table}'::regclass AND confrelid = '${types}'::regclass`);
      expect(keys, `${table} locks a row of ${types}`).toEqual([]);
      const checks = await database.asOwner(`SELECT tgname FROM pg_trigger WHERE tgrelid = '${table}'::regclass AND tgname = '${table}_type_known' AND tgenabled = 'O'`);
      expect(checks, column).toHaveLength(1);
    }
    expect(await refusalCode(database.asApp(`INSERT INTO signed_document (id, document_type) VALUES ('sgd_x', 'unheard_of')`))).toBe('23503');
  });

  it('knows the same leaf types as the code', async () => {
    for (const type of LEAF_TYPES) {
      await database.runTx((tx) => log.append(tx, { type, subjectId: 'all_types', at: clock.now(), document: {} }));
    }
    expect((await log.listLeavesOfSubject('all_types', { limit: 50 })).leaves.map((leaf) => leaf.type).sort()).toEqual([...LEAF_TYPES].sort());
  });
});
