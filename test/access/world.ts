import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DELEGABLE_VERBS } from '../../src/consent/delegation.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import type { Who } from '../../tool/access.ts';
import { buyFriendTier, released, request } from '../demo/fan.ts';
import { earnAndPay, refundDay } from '../demo/money.ts';
import { onboard } from '../demo/pages.ts';
import type { Cast } from '../demo/people.ts';
import { makeRecordings, type Recordings } from '../demo/recording.ts';
import { claimAndEnrol, license, type Licence, PERSONA } from '../demo/rights.ts';
import { makeStory, type Story } from '../demo/story.ts';
import { openWorld, type World } from '../demo/world.ts';
import { approveClaim } from '../support/claims.ts';
import { openTestDatabase } from '../support/database.ts';
import { type Person, registerPerson } from '../support/person.ts';
import { askedToVouch, countersignedLicence, derivedFrom, enroller, noticeOn, proven, refusal, streamed, verifiedNotice } from './parties.ts';

/** Everything that can be named in a path, all of it the owner's (her fan's, her payee's), and everybody who may ask for it. */
export interface AccessWorld {
  world: World;
  people: Record<Exclude<Who, 'anonymous' | 'party'>, Person>;
  /** Whom it is about, by the name of the id that a path ends with; somebody whose enrolment is held where it is about nobody. */
  parties: Readonly<Record<string, Person>>;
  /** What a path or a body names, by the name that the contract gives it. */
  ids: Record<string, string>;
  /** What an operation names instead: another thing of the same kind, in the state that it is for. */
  named: Readonly<Record<string, Record<string, string>>>;
  /** Bodies that a sample by the schema cannot make. */
  bodies: Record<string, unknown>;
  /** Everybody signs in anew, since what was done may have signed them out. */
  signIn(): Promise<void>;
  close(): Promise<void>;
}

export async function makeCast(world: World): Promise<Cast> {
  const register = async (displayName: string, invitationToken?: string): Promise<Person> =>
    await registerPerson(world.client, systemRandom, { displayName, ...(invitationToken === undefined ? {} : { invitationToken }) });
  const operator = await register('Operator', await world.service.rooms.identity.operatorInvitation());
  const invited = async (by: Person, role: 'reviewer' | 'payee', displayName: string): Promise<Person> =>
    await register(displayName, (await by.client.call('createInvitation', { body: { role } })).token);
  const reviewers = [await invited(operator, 'reviewer', 'Reviewer one'), await invited(operator, 'reviewer', 'Reviewer two')] as const;
  const owner = await register('Lin Ya · 林雅');
  const agency = await invited(owner, 'payee', 'Agency');
  for (const payee of [owner, agency]) await onboard(world, payee);
  return { operator, reviewers, owner, agency, fans: [await register('Fan one'), await register('Fan two')] };
}

/** Somebody with a proof and a clone of his own: what he may do to those, he may not do to hers. */
async function otherOwner(world: World): Promise<Person> {
  const him = await registerPerson(world.client, systemRandom, { displayName: 'Zhou Wen · 周文' });
  const { document } = await him.client.call('draftOwnershipClaim', { body: { subjectName: him.name, handle: 'zhou-wen', locale: 'en' } });
  const { proofId } = await him.client.call('openOwnershipProof', { body: { subjectName: him.name, signature: await him.sign('ownership_claim', document) } });
  await him.client.call('createClone', { body: { ownershipProofId: proofId, name: him.name, handle: 'zhou-wen' } });
  return him;
}

/** She lets somebody do everything that can be delegated. */
async function delegated(world: World, owner: Person, delegate: Person, cloneId: string): Promise<string> {
  const now = world.clock.now().getTime();
  const { delegationId, document } = await owner.client.call('draftDelegation', { body: {
    agentAccountId: delegate.accountId, verbs: [...DELEGABLE_VERBS], cloneIds: [cloneId], actsPerDay: null,
    validFrom: new Date(now - 86_400_000).toISOString(), validUntil: new Date(now + 365 * 86_400_000).toISOString(),
  } });
  for (const person of [owner, delegate]) {
    await person.client.call('signDelegation', { path: { delegationId }, body: { signature: await person.sign('delegation', document) } });
  }
  return delegationId;
}

/** An heir whom she named has reported her dead; nobody has looked yet. */
async function reportedDead(owner: Person, heir: Person): Promise<{ successionId: string; caseId: string }> {
  const { successionId, document } = await owner.client.call('draftSuccession', { body: {
    heirs: [{ accountId: heir.accountId, role: 'heir' }], waitingDays: 30, sunset: '2060-01-01T00:00:00Z',
  } });
  const path = { successionId };
  for (const person of [owner, heir]) await person.client.call('signSuccession', { path, body: { signature: await person.sign('succession', document) } });
  await heir.client.call('uploadDeathPaper', { path, body: Buffer.from('%PDF-1.7 certificate') });
  const diedOn = '2026-01-01';
  const report = await heir.client.call('draftDeathReport', { path, body: { diedOn } });
  const { caseId } = await heir.client.call('reportDeath', { path, body: { diedOn, signature: await heir.sign('death_report', report.document) } });
  return { successionId, caseId };
}

async function one(world: World, text: string, params: unknown[] = []): Promise<string> {
  const [row] = await world.ask<{ id: string }>(text, params);
  if (row === undefined) throw new Error(`The matrix needs what is not there: ${text}`);
  return row.id;
}

/** A stop of hers to ask for, on a second clone: the first is still needed. */
async function stopOfAnother(world: World, owner: Person, ownershipProofId: string): Promise<string> {
  const { cloneId } = await owner.client.call('createClone', { body: { ownershipProofId, name: owner.name, handle: 'lin-ya-too' } });
  const { quoteId, order } = await owner.client.call('quoteStop', { path: { cloneId } });
  const { stopId } = await owner.client.call('orderStop', { path: { cloneId }, body: { quoteId, signature: await owner.sign('stop_order', order) } });
  await world.settle();
  return stopId;
}

/** Ids of everything, asked of PostgreSQL: nobody's answer decides what the matrix asks for. */
async function idsOf(world: World, cast: Cast, licence: Licence, outputId: string): Promise<Record<string, string>> {
  const agency = cast.agency.accountId;
  const signedDocumentId = await one(world, `SELECT id FROM signed_document WHERE account_id = $1 AND document_type = 'grant' LIMIT 1`, [cast.owner.accountId]);
  const statementId = await one(world, `SELECT id FROM statement WHERE payee = $1 ORDER BY number LIMIT 1`, [agency]);
  const { quoteId } = await cast.owner.client.call('quoteStop', { path: { cloneId: licence.cloneId } });
  const legs = [{ account: 'platform_expense:goodwill:CNY', amountMinor: '1' }, { account: 'payable:platform:CNY', amountMinor: '-1' }];
  const { adjustmentId } = await cast.operator.client.call('proposeAdjustment', { body: {
    effectiveDate: '2026-01-01', reason: 'Asked for by the matrix.', evidence: 'none', legs,
  } });
  // As if the bank had given it back: its owner's row alone, with nothing in the ledger.
  const owedId = await one(world, `INSERT INTO owed_refund (id, refund_id, stripe_charge, returned_refund, failure, currency, gross_minor, owed_at)
    SELECT id, id, 'ch_matrix', 're_matrix', 'expired_or_canceled_card', 'CNY', 1, requested_at FROM refund LIMIT 1 RETURNING id`);
  await cast.operator.client.call('proposeOwedSettlement', { path: { owedId }, body: { reference: 'Asked for by the matrix.' } });
  const { importId } = await cast.operator.client.call('checkImport', { body: { transfers: [{ key: 'matrix', effectiveDate: '2026-01-01', legs }] } });
  return {
    adjustmentId, importId, owedId,
    cloneId: licence.cloneId, proofId: licence.proofId, ownershipProofId: licence.proofId, versionId: licence.versionId, grantId: licence.grantId,
    splitId: licence.splitId, tierId: licence.tierId, outputId, statementId, quoteId, signedDocumentId, lineId: '1', sequence: '1', subjectId: licence.cloneId,
    evidenceId: await one(world, `SELECT id FROM ownership_evidence WHERE proof_id = $1 AND kind = 'voice_challenge'`, [licence.proofId]),
    decisionId: await one(world, 'SELECT decision_id AS id FROM output WHERE id = $1', [outputId]),
    leafId: await one(world, 'SELECT id FROM log_leaf WHERE subject_id = $1 LIMIT 1', [licence.cloneId]),
    subscriptionId: await one(world, 'SELECT id FROM subscription WHERE account_id = $1', [cast.fans[0].accountId]),
    periodId: await one(world, 'SELECT id FROM subscription_period WHERE account_id = $1 ORDER BY start_day LIMIT 1', [cast.fans[0].accountId]),
    payoutId: await one(world, 'SELECT id FROM payout WHERE account_id = $1', [agency]),
    runId: await one(world, 'SELECT id FROM royalty_run LIMIT 1'),
    refundId: await one(world, 'SELECT refund_id AS id FROM goodwill_refund LIMIT 1'),
    stopId: await stopOfAnother(world, cast.owner, licence.proofId),
    // Her own order: another operator would have to confirm it, so the house stays open.
    orderId: (await cast.operator.client.call('orderPlatform', { body: { action: 'pause', reason: 'Asked for by the matrix.' } })).orderId,
    distrustId: await one(world, `INSERT INTO database_distrust (id, what, remembered, seen, reported_by) VALUES ('dtr_matrix', 'stops', '2', '1', 'gwy_matrix') RETURNING id`),
    noticeId: await noticeOn(world, 'clone', licence.cloneId),
    payeeAccountId: agency, accountId: agency, payee: agency,
  };
}

async function tellAll(world: World, story: Story, recordings: Recordings): Promise<{ cast: Cast; licence: Licence; outputId: string }> {
  const cast = await makeCast(world);
  const made = await claimAndEnrol(world, story, cast, recordings);
  await approveClaim(cast.reviewers, made.proofId);
  const licence = await license(world, story, cast, made);
  const subscriptionId = await buyFriendTier(world, cast.fans[0], licence, 'SG', false);
  const outputId = await request(cast.fans[0], licence, 'en', 'Good evening.');
  await released(cast.fans[0], outputId);
  const delivered = { english: outputId, mandarin: outputId, subscriptionId, secondSubscriptionId: subscriptionId, millisecondsPerCharacter: 1 };
  await earnAndPay(world, story, cast, licence, delivered);
  await refundDay(world, story, cast, delivered);
  return { cast, licence, outputId };
}

export async function openAccessWorld(): Promise<AccessWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'benren-access-'));
  const database = await openTestDatabase([], 1);
  const world = await openWorld(folder, database);
  const close = async (): Promise<void> => {
    await world.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const recordings = await makeRecordings(null, world.service.platform.inference);
    const { cast, licence, outputId } = await tellAll(world, makeStory(folder, () => undefined), recordings);
    const stranger = await registerPerson(world.client, systemRandom, { displayName: 'Stranger' });
    const delegate = await registerPerson(world.client, systemRandom, { displayName: 'Delegate' });
    const people = {
      stranger, delegate, fan: cast.fans[0], 'other owner': await otherOwner(world), owner: cast.owner, payee: cast.agency,
      reviewer: cast.reviewers[0], operator: cast.operator, licensee: await registerPerson(world.client, systemRandom, { displayName: 'A game' }),
    };
    const delegationId = await delegated(world, cast.owner, delegate, licence.cloneId);
    const licenceId = await countersignedLicence(cast.owner, people.licensee, licence.grantId);
    const her = await proven(world, cast.reviewers, recordings);
    const refusalId = await refusal(her.person, her.proofId);
    const him = await enroller(world);
    const vouch = await askedToVouch(cast.owner, her.person);
    const segment = { outputId: await streamed(world, cast, licence) };
    const { advanceId } = await cast.operator.client.call('draftAdvance', { body: {
      payee: cast.agency.accountId, currency: 'CNY', amountMinor: '100', rateBasisPoints: 1_000, cloneIds: [licence.cloneId],
    } });
    const death = await reportedDead(cast.owner, her.person);
    const counter = { noticeId: await verifiedNotice(world, cast.reviewers[1], segment.outputId) };
    return {
      world, people,
      parties: { '': him.person, holdId: him.person, derivativeId: him.person, refusalId: her.person, evidenceId: her.person, successionId: her.person, caseId: her.person },
      ids: {
        ...await idsOf(world, cast, licence, outputId), ...death, licenceId, refusalId, holdId: him.holdId, licenseeAccountId: people.licensee.accountId, delegationId,
        agentAccountId: delegate.accountId, advanceId,
        derivativeId: await derivedFrom(world, cast.owner, licence.cloneId, him.person),
      },
      named: { getSegmentReceipt: segment, draftVouch: vouch, vouchForProof: vouch, draftCounterNotice: counter, counterNotice: counter },
      bodies: {
        createInvitation: { role: 'payee' },
        uploadDeathPaper: Buffer.from('%PDF-1.7 another'),
        uploadEnrolmentVoice: recordings.enrolment, uploadEvidence: recordings.enrolment, setPersona: { text: PERSONA, languages: ['en'] },
      },
      async signIn() {
        for (const person of [...Object.values(people), her.person, him.person]) await person.signIn();
      },
      close,
    };
  } catch (error) {
    // A world that could not be told to its end leaves no server behind.
    await close();
    throw error;
  }
}
