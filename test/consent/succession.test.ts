import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeBilling, type PaymentProvider } from '../../src/billing/index.ts';
import type { DeathCaseView } from '../../src/consent/deaths.ts';
import { makeConsentJobs } from '../../src/consent/index.ts';
import { postMortemOf } from '../../src/consent/heirs.ts';
import { movedCase, weighCase } from '../../src/consent/succession.ts';
import type { SuccessionView } from '../../src/consent/successions.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeRunner } from '../../src/platform/jobs/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { makeStop } from '../../src/stop/index.ts';
import { codeOf, type Person } from '../ownership/world.ts';
import { terms } from './samples.ts';
import { type ConsentWorld, openConsentWorld } from './world.ts';

const DAY_MS = 86_400_000;
const PAPER = Buffer.from('%PDF-1.7 a death certificate');
const SUNSET = '2029-06-01T00:00:00.000Z';
const POST_MORTEM = { allowed: true, until: '2029-01-01T00:00:00.000Z', holder: 'Her daughter', registerNotice: null };

let home: ConsentWorld;
let daughter: Person;
let lawyer: Person;
let reviewers: Person[];
let drain: () => Promise<void>;

const key = () => home.world.key();
const owner = () => home.owner;

beforeAll(async () => {
  home = await openConsentWorld('succession');
  [daughter, lawyer] = [await home.world.register('Daughter'), await home.world.register('Lawyer')];
  reviewers = [await home.world.reviewer('one'), await home.world.reviewer('two'), await home.world.reviewer('three')];
  const { runTx } = home.world.database;
  const runner = makeRunner({ runTx, clock: home.world.clock, handlers: makeConsentJobs(home.consent), log: makeLog({ level: 'silent' }) });
  drain = async () => {
    while (await runner.runNext());
    const failed = await home.world.database.asOwner(`SELECT topic, last_error FROM job WHERE topic LIKE 'consent.%' AND last_error IS NOT NULL`);
    expect(failed).toEqual([]);
  };
});
afterAll(async () => await home.close());

async function named(accepting: Person[] = [daughter, lawyer]): Promise<SuccessionView> {
  home.world.clock.advance(1_000);
  const draft = await home.consent.draftSuccession(owner().actor, key(), {
    heirs: [{ accountId: daughter.actor.accountId, role: 'heir' }, { accountId: lawyer.actor.accountId, role: 'executor' }],
    waitingDays: 30, sunset: SUNSET,
  });
  for (const person of [owner(), ...accepting]) {
    await home.consent.signSuccession(person.actor, key(), draft.successionId, await home.world.sign(person, 'succession', draft.document));
  }
  return await home.consent.getSuccession(owner().actor, draft.successionId);
}

async function reported({ successionId }: SuccessionView, by: Person = lawyer): Promise<DeathCaseView> {
  await home.consent.uploadDeathPaper(by.actor, key(), successionId, PAPER);
  const { document } = await home.consent.draftDeathReport(by.actor, successionId, '2026-02-20');
  const signature = await home.world.sign(by, 'death_report', document);
  return await home.consent.reportDeath(by.actor, key(), successionId, { diedOn: '2026-02-20', signature });
}

const approve = (reviewer: Person | undefined, caseId: string): Promise<DeathCaseView> =>
  home.consent.reviewDeathReport((reviewer as Person).actor, key(), caseId, { verdict: 'approve' });
const alive = async (caseId: string): Promise<DeathCaseView> => home.consent.declareAlive(owner().actor, key(), caseId,
  await home.world.sign(owner(), 'life_declaration', (await home.consent.getDeathReport(owner().actor, caseId)).lifeDeclaration));
const clauses = async (): Promise<string[]> => (await home.decide()).clauses;
const leaves = async (subject: string): Promise<string[]> =>
  (await home.world.database.runTx((tx) => home.world.log.leavesOf(tx, subject))).map(({ type }) => type);

describe('the state of a report', () => {
  it('moves only along its table', () => {
    expect(movedCase('reported', 'freeze')).toBe('frozen');
    expect(movedCase('waiting', 'settle')).toBe('settled');
    for (const [state, move] of [['reported', 'settle'], ['frozen', 'settle'], ['settled', 'undo'], ['dismissed', 'freeze'], ['waiting', 'accept']] as const) {
      expect(() => movedCase(state, move)).toThrow(expect.objectContaining({ code: 'succession_state' }));
    }
  });

  it('needs one look to freeze, two people on the papers, and nobody who gains by it', () => {
    const approval = (reviewer: string) => ({ reviewer, verdict: 'approve' as const });
    const frozen = { state: 'frozen' as const, interested: ['heir'] };
    expect(weighCase({ ...frozen, state: 'reported' }, [], approval('a'))).toBe('freeze');
    expect(weighCase(frozen, [], approval('a'))).toBeNull();
    expect(weighCase(frozen, [approval('a')], approval('b'))).toBe('accept');
    expect(weighCase(frozen, [approval('a')], { reviewer: 'b', verdict: 'reject' })).toBe('dismiss');
    expect(() => weighCase(frozen, [approval('a')], approval('a'))).toThrow(expect.objectContaining({ code: 'review_repeated' }));
    expect(() => weighCase(frozen, [], approval('heir'))).toThrow(expect.objectContaining({ code: 'review_self' }));
  });
});

describe('naming heirs', () => {
  it('is signed by the owner, accepted by those named, and superseded by the next', async () => {
    const first = await named();
    expect(first).toMatchObject({ state: 'in_force', document: { supersedes: null } });
    expect(first.accepted.sort()).toEqual([daughter.actor.accountId, lawyer.actor.accountId].sort());
    expect(await leaves(first.successionId)).toEqual(['succession.signed']);
    const second = await named();
    expect(second.document.supersedes).toBe(first.successionId);
    expect((await home.consent.getSuccession(daughter.actor, first.successionId)).state).toBe('superseded');
    expect(await codeOf(home.consent.getSuccession(home.fan.actor, first.successionId))).toBe('not_found');
    expect(await codeOf(home.consent.draftDeathReport(daughter.actor, first.successionId, '2026-02-20'))).toBe('succession_state');
  });

  it('refuses oneself, somebody twice, a sunset that is over, and a signature over another document', async () => {
    const draft = (accounts: string[], sunset = SUNSET) => home.consent.draftSuccession(owner().actor, key(), {
      heirs: accounts.map((accountId) => ({ accountId, role: 'heir' as const })), waitingDays: 30, sunset,
    });
    const heir = daughter.actor.accountId;
    expect(await codeOf(draft([owner().actor.accountId]))).toBe('succession_invalid');
    expect(await codeOf(draft([heir, heir]))).toBe('succession_invalid');
    expect(await codeOf(draft([heir], '2020-01-01T00:00:00Z'))).toBe('succession_invalid');
    expect(await codeOf(draft(['acc_nobody']))).toBe('account_unknown');
    const { successionId, document } = await draft([heir]);
    const other = await home.world.sign(owner(), 'succession', { ...document, waitingDays: 31 });
    expect(await codeOf(home.consent.signSuccession(owner().actor, key(), successionId, other))).toBe('signature_mismatch');
    expect(await codeOf(home.consent.getSuccession(daughter.actor, successionId))).toBe('not_found');
  });
});

describe('a report of a death', () => {
  it('needs a named heir, a paper, and a signature over exactly it', async () => {
    const { successionId } = await named();
    expect(await codeOf(home.consent.draftDeathReport(daughter.actor, successionId, '2026-02-20'))).toBe('succession_invalid');
    expect(await codeOf(home.consent.uploadDeathPaper(daughter.actor, key(), successionId, Buffer.from('not a paper')))).toBe('succession_invalid');
    expect(await codeOf(home.consent.uploadDeathPaper(home.fan.actor, key(), successionId, PAPER))).toBe('not_found');
    expect(await codeOf(home.consent.uploadDeathPaper(owner().actor, key(), successionId, PAPER))).toBe('not_found');
    await home.consent.uploadDeathPaper(daughter.actor, key(), successionId, PAPER);
    const { document } = await home.consent.draftDeathReport(daughter.actor, successionId, '2026-02-20');
    const ask = async (diedOn: string, signed: unknown): Promise<string> => codeOf(home.consent.reportDeath(daughter.actor, key(), successionId, {
      diedOn, signature: await home.world.sign(daughter, 'death_report', signed),
    }));
    expect(await ask('2026-02-20', { ...document, papers: ['0'.repeat(64)] })).toBe('signature_mismatch');
    expect(await ask('2026-02-21', document)).toBe('signature_mismatch');
    expect(await ask('2027-02-21', { ...document, diedOn: '2027-02-21' })).toBe('succession_invalid');
  });

  it('freezes after one look, stands before the owner\'s own word, and leaves the papers readable to reviewers alone, on record', async () => {
    await home.granted({ postMortem: POST_MORTEM });
    expect((await home.decide()).allowed).toBe(true);
    const { caseId, state } = await reported(await named());
    expect(state).toBe('reported');
    expect((await home.decide()).allowed).toBe(true);
    expect(await codeOf(home.consent.reviewDeathReport(lawyer.actor, key(), caseId, { verdict: 'approve' }))).toBe('review_self');
    const { papers } = await home.consent.readDeathPapers((reviewers[0] as Person).actor, key(), caseId);
    expect(papers.map(({ base64 }) => Buffer.from(base64, 'base64').toString())).toEqual([PAPER.toString()]);
    const views = await home.world.database.asOwner('SELECT viewer FROM death_paper_view WHERE paper_id = $1', [papers[0]?.paperId]);
    expect(views).toEqual([{ viewer: reviewers[0]?.actor.accountId }]);
    const sealed = await home.world.database.asOwner<{ sealed: Buffer }>('SELECT sealed FROM death_paper');
    expect(sealed.every((row) => !row.sealed.includes('certificate'))).toBe(true);

    expect((await home.consent.listDeathReports((reviewers[0] as Person).actor, 10)).reports.map((one) => one.caseId)).toContain(caseId);
    expect((await approve(reviewers[0], caseId)).state).toBe('frozen');
    expect(await clauses()).toContain('stop.paused');
    expect(await codeOf(home.consent.draftGrant(owner().actor, key(), home.cloneId, terms()))).toBe('estate_frozen');
    expect(await codeOf(home.consent.draftSuccession(owner().actor, key(), {
      heirs: [{ accountId: lawyer.actor.accountId, role: 'heir' }], waitingDays: 14, sunset: SUNSET,
    }).then(async ({ successionId, document }) => home.consent.signSuccession(
      owner().actor, key(), successionId, await home.world.sign(owner(), 'succession', document))))).toBe('succession_state');

    expect(await codeOf(home.consent.declareAlive(daughter.actor, key(), caseId, await home.world.sign(daughter, 'life_declaration', {
      ...(await home.consent.getDeathReport(daughter.actor, caseId)).lifeDeclaration,
    })))).toBe('not_found');
    expect((await alive(caseId)).state).toBe('undone');
    expect((await home.decide()).allowed).toBe(true);
    expect((await leaves(caseId)).sort()).toEqual(['estate.frozen', 'estate.undone']);

    home.world.clock.advance(31 * DAY_MS);
    await drain();
    const after = await home.consent.readDeathPapers((reviewers[0] as Person).actor, key(), caseId);
    expect(after.papers).toEqual([]);
    const destroyed = await home.world.database.asOwner(`
      SELECT (SELECT count(*)::int FROM death_paper_key WHERE paper_id = $1) AS keys,
        (SELECT count(*)::int FROM death_paper_destruction WHERE paper_id = $1) AS records`, [papers[0]?.paperId]);
    expect(destroyed).toEqual([{ keys: 0, records: 1 }]);
  });

  it('ends with a rejection, which lifts the freeze', async () => {
    const { caseId } = await reported(await named());
    await approve(reviewers[0], caseId);
    expect(await clauses()).toContain('stop.paused');
    const ended = await home.consent.reviewDeathReport((reviewers[1] as Person).actor, key(), caseId, { verdict: 'reject', reasonCode: 'paper_forged' });
    expect(ended.state).toBe('dismissed');
    expect((await home.decide()).allowed).toBe(true);
    expect(await codeOf(approve(reviewers[2], caseId))).toBe('succession_state');
  });
});

describe('an estate', () => {
  let settled: DeathCaseView;

  it('changes hands after papers, waiting, and a dissent that makes people look again', async () => {
    const { caseId } = await reported(await named());
    expect(await codeOf(reported(await home.consent.getSuccession(owner().actor, (await home.consent.getDeathReport(owner().actor, caseId)).successionId)))).toBe('succession_state');
    await approve(reviewers[0], caseId);
    expect((await approve(reviewers[0], caseId)).state).toBe('frozen');
    expect(await codeOf(approve(reviewers[0], caseId))).toBe('review_repeated');
    const waiting = await approve(reviewers[1], caseId);
    expect(waiting).toMatchObject({ state: 'waiting', waitingUntil: new Date(home.world.clock.now().getTime() + 30 * DAY_MS).toISOString() });

    home.world.clock.advance(29 * DAY_MS);
    await drain();
    expect(await codeOf(home.consent.dissentFromReport(lawyer.actor, key(), caseId, 'I reported it.'))).toBe('succession_state');
    expect((await home.consent.dissentFromReport(daughter.actor, key(), caseId, 'She only travels.')).state).toBe('disputed');
    home.world.clock.advance(2 * DAY_MS);
    await drain();
    expect((await home.consent.getDeathReport(daughter.actor, caseId)).state).toBe('disputed');
    await approve(reviewers[1], caseId);
    await approve(reviewers[2], caseId);
    home.world.clock.advance(30 * DAY_MS - 1_000);
    await drain();
    expect((await home.consent.getDeathReport(daughter.actor, caseId)).state).toBe('waiting');
    home.world.clock.advance(1_000);
    await drain();
    settled = await home.consent.getDeathReport(daughter.actor, caseId);
    expect(settled).toMatchObject({ state: 'settled', holderAccountId: daughter.actor.accountId });
    expect(await leaves(caseId)).toContain('estate.settled');
    await home.consent.estates.settleEstate(caseId);
    expect(await home.world.database.asOwner('SELECT count(*)::int AS estates FROM estate')).toEqual([{ estates: 1 }]);
    expect(await codeOf(alive(caseId))).toBe('succession_state');
  });

  it('ends what the dead owner signed, and is her heir\'s and nobody else\'s', async () => {
    expect(await clauses()).toEqual(expect.arrayContaining(['stop.paused', 'grant.expired', 'grant.foreign']));
    const holder = await home.world.database.runTx((tx) => home.consent.rightsHolder(tx, home.cloneId));
    expect(holder).toBe(daughter.actor.accountId);
    for (const person of [owner(), lawyer, home.fan]) expect(await codeOf(home.consent.draftGrant(person.actor, key(), home.cloneId, terms()))).toBe('not_found');
    const delegating = home.consent.draftDelegation(daughter.actor, key(), {
      agentAccountId: lawyer.actor.accountId, verbs: ['pauseClone'], cloneIds: [home.cloneId], actsPerDay: null,
      validFrom: '2026-01-01T00:00:00Z', validUntil: '2027-01-01T00:00:00Z',
    });
    expect(await codeOf(delegating)).toBe('estate_limit');
  });

  it('speaks again only by the heir\'s signature, as far as the owner allowed it', async () => {
    expect(postMortemOf({ postMortem: { ...POST_MORTEM, allowed: false } }).allowed).toBe(false);
    expect([null, {}, { postMortem: null }, { postMortem: { allowed: true, until: null } }].map((one) => postMortemOf(one).allowed)).toEqual([false, false, false, false]);
    const signer = { role: 'rights_holder' as const, authorityDocumentSha256: 'a'.repeat(64) };
    const attempt = async (validUntil: string): Promise<string> => {
      const draft = await home.consent.draftGrant(daughter.actor, key(), home.cloneId, terms({ signer, postMortem: POST_MORTEM, validUntil }));
      expect(draft.document.owner).toEqual({ accountId: daughter.actor.accountId, name: 'Daughter' });
      const signature = await home.world.sign(daughter, 'grant', draft.document);
      return (await home.consent.signGrant(daughter.actor, key(), draft.grantId, signature)).grantId;
    };
    expect(await codeOf(attempt('2029-01-01T00:00:01.000Z'))).toBe('estate_limit');
    expect((await home.decide()).allowed).toBe(false);
    const grantId = await attempt('2028-12-31T00:00:00.000Z');
    const answer = await home.decide();
    expect([answer.allowed, answer.clauses.includes('death.allowed')]).toEqual([true, true]);
    expect(answer.grantId).toBe(grantId);
    const { document } = await home.consent.draftAmendment(daughter.actor, key(), grantId, { territories: ['CN', 'SG', 'JP'] });
    const signature = await home.world.sign(daughter, 'amendment', document);
    expect(await codeOf(home.consent.signAmendment(daughter.actor, key(), grantId, signature))).toBe('estate_limit');
  });

  it('stands still for good at the owner\'s sunset', async () => {
    home.world.clock.advance(Date.parse(SUNSET) - home.world.clock.now().getTime());
    await drain();
    const gate = await home.world.database.runTx(async (tx) => {
      const found = await home.consent.gates.ofClone(tx, home.cloneId);
      return await home.consent.gates.holds(tx, found?.gateId ?? '');
    });
    expect(gate.map(({ holder }) => holder).sort()).toEqual([`sunset:${settled.caseId}`]);
  });

  it('is ended for good by the heir\'s own passkey, and by nobody else\'s', async () => {
    const { database, log, clock, identity } = home.world;
    const { runTx } = database;
    const ids = makeIds(clock, seededRandom('the heir\'s stop'));
    const nobody = async (): Promise<never> => await Promise.reject(new Error('Nothing was sold.'));
    const billing = makeBilling({
      runTx, clock, ids, provider: new Proxy({}, { get: () => nobody }) as PaymentProvider, ledger: makeLedger({ runTx, ids }),
      readEvent: () => { throw new Error('No webhook comes here.'); }, serves: async () => true, cloneOwner: async () => null,
      accountCountry: async () => null, grantInForce: async () => null, settings: { taxRateBasisPoints: 600 },
    });
    const stop = makeStop({
      runTx, clock: { ...systemClock, now: () => clock.now() }, ids, identity, billing, transparency: log, gates: home.consent.gates, authority: home.consent,
      cloneOwner: (tx, cloneId) => home.consent.rightsHolder(tx, cloneId), noticeDays: async () => null, countReleases: async () => 0n,
      countOpenOutputs: async () => 0,
    });
    for (const person of [owner(), lawyer, home.fan]) expect(await codeOf(stop.quoteStop(person.actor, home.cloneId))).toBe('not_found');
    const quote = await stop.quoteStop(daughter.actor, home.cloneId);
    expect(quote.order).toMatchObject({ kind: 'existence', ownerAccountId: daughter.actor.accountId });
    const other = await home.world.sign(daughter, 'stop_order', { ...quote.order, quoteDigest: 'a'.repeat(64) });
    expect(await codeOf(stop.orderStop(daughter.actor, key(), home.cloneId, { quoteId: quote.quoteId, signature: other }))).toBe('signature_mismatch');
    const signature = await home.world.sign(daughter, 'stop_order', quote.order);
    const ordered = await stop.orderStop(daughter.actor, key(), home.cloneId, { quoteId: quote.quoteId, signature }, 5_000);
    await stop.idle();
    expect((await stop.getStop(daughter.actor, ordered.stopId)).acknowledgedAt).not.toBeNull();
    expect(await codeOf(stop.getStop(owner().actor, ordered.stopId))).toBe('not_found');
    expect((await runTx((tx) => home.consent.gates.ofClone(tx, home.cloneId)))?.state).toBe('stopped');
    expect(await clauses()).toContain('stop.stopped');
  });

  it('is refused by PostgreSQL to whoever the facts do not name', async () => {
    const attack = async (text: string, params: unknown[]): Promise<string> => {
      try {
        await home.world.database.asApp(text, params);
        return 'accepted';
      } catch (error) {
        return (error as { constraint?: string }).constraint ?? 'refused';
      }
    };
    const at = home.world.clock.now();
    expect(await attack('INSERT INTO estate (owner_account_id, holder_account_id, case_id, sunset, since) VALUES ($1, $2, $3, $4, $5)',
      [home.fan.actor.accountId, lawyer.actor.accountId, settled.caseId, SUNSET, at])).toBe('estate_fits');
    expect(await attack(`UPDATE death_case SET state = 'undone' WHERE id = $1`, [settled.caseId])).toBe('death_case_moves');
    expect(await attack(`INSERT INTO consent_grant (id, clone_id, owner_account_id, licensee, drafted_at) VALUES ('grt_x', $1, $2, 'platform', $3)`,
      [home.cloneId, owner().actor.accountId, at])).toBe('consent_grant_is_the_holders');
    expect(await attack('INSERT INTO death_review (case_id, round, reviewer, verdict, text, at) VALUES ($1, 2, $2, $3, $4, $5)',
      [settled.caseId, lawyer.actor.accountId, 'approve', '', at])).toBe('death_review_fits');
  });
});
