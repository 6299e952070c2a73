import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { randomUUID } from 'node:crypto';

import { systemRandom } from '../../src/kernel/random.ts';
import { request } from '../demo/fan.ts';
import type { Cast } from '../demo/people.ts';
import type { Recordings } from '../demo/recording.ts';
import type { Licence } from '../demo/rights.ts';
import type { World } from '../demo/world.ts';
import { openClaim, proveByVoice } from '../support/claims.ts';
import { type Person, registerPerson } from '../support/person.ts';

const HER = 'Mei Ting · 梅婷';

/** Somebody whom two reviewers saw prove who she is. */
export async function proven(world: World, reviewers: readonly Person[], recordings: Recordings): Promise<{ person: Person; proofId: string }> {
  const person = await registerPerson(world.client, systemRandom, { displayName: HER });
  const say = (line: string): void => void world.site.pages.set('/.well-known/benren.txt', `${line}\n`);
  const { proofId } = await proveByVoice(person, { site: { origin: world.site.origin, say }, reviewers, challenge: recordings.challenge }, 'mei-ting');
  return { person, proofId };
}

/** She says "none of me". */
export async function refusal(person: Person, proofId: string): Promise<string> {
  const { document } = await person.client.call('draftRefusal', { body: { proofId, locale: 'en' } });
  return (await person.client.call('registerRefusal', { body: { proofId, signature: await person.sign('refusal', document) } })).refusalId;
}

/** Somebody who enrols under her name: it is held. */
export async function enroller(world: World): Promise<{ person: Person; holdId: string }> {
  const person = await registerPerson(world.client, systemRandom, { displayName: 'Lu Bo · 陆波' });
  await openClaim(person, HER, { handle: 'mei-ting-sings' });
  const { holds: [hold] } = await person.client.call('listEnrolmentHolds', {});
  if (hold === undefined) throw new Error('What bears the name of somebody who refuses is not held.');
  return { person, holdId: hold.holdId };
}

/** A notice by nobody in particular: only reviewers know of it, and whoever holds its token. */
export async function noticeOn(world: World, kind: 'clone' | 'output', value: string): Promise<string> {
  const { notice } = await world.client.call('fileNotice', { body: {
    name: 'Somebody', contact: 'somebody@example.org', represented: null, target: { kind, value }, identification: 'The voice.',
    statement: 'It is mine.', goodFaith: true, authorityUnderPenaltyOfPerjury: true, signed: { kind: 'typed', name: 'Somebody' },
  } });
  return notice.noticeId;
}

/** A notice on an output that a reviewer verified: the output is held, and its owner is asked. */
export async function verifiedNotice(world: World, reviewer: Person, outputId: string): Promise<string> {
  const noticeId = await noticeOn(world, 'output', outputId);
  await reviewer.client.call('claimNotice', { path: { noticeId } });
  await reviewer.client.call('reviewNotice', { path: { noticeId }, body: {
    verdict: 'verify', reasonCode: 'identity_shown', text: 'Her passport, her songs.', actsOn: 'output', targetId: outputId,
  } });
  return noticeId;
}

/** A second claim of the owner's, in which somebody proven is asked to vouch for her. */
export async function askedToVouch(owner: Person, voucher: Person): Promise<{ proofId: string; evidenceId: string }> {
  const proofId = await openClaim(owner, owner.name, { handle: 'lin-ya-again' });
  const { evidenceId } = await owner.client.call('addEvidence', { path: { proofId }, body: { kind: 'vouching', voucherAccountId: voucher.accountId } });
  return { proofId, evidenceId };
}

/** What her fan listened to as it was made: an output of segments. */
export async function streamed(world: World, cast: Cast, licence: Licence): Promise<string> {
  const [fan] = cast.fans;
  const outputId = await request(fan, licence, 'en', 'Good night.', 'stream');
  const response = await fetch(`${world.client.origin}/v1/outputs/${outputId}/stream`, { headers: { authorization: `Bearer ${fan.token}`, 'idempotency-key': randomUUID() } });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`The stream answered ${response.status}.`);
  await world.settle();
  return outputId;
}

/** A licence that the owner gives and the organisation countersigns, under her grant once it allows any. */
export async function countersignedLicence(owner: Person, licensee: Person, grantId: string): Promise<string> {
  const { document } = await owner.client.call('draftAmendment', { path: { grantId }, body: { sublicence: true } });
  await owner.client.call('signAmendment', { path: { grantId }, body: { signature: await owner.sign('amendment', document) } });
  const licence = await owner.client.call('draftLicence', { path: { grantId }, body: {
    licenseeAccountId: licensee.accountId, exclusive: false, noticeDays: 30, terms: { adultContent: false },
  } });
  const path = { licenceId: licence.licenceId };
  for (const signer of [owner, licensee]) {
    await signer.client.call('signLicence', { path, body: { signature: await signer.sign('licence', licence.document) } });
  }
  return licence.licenceId;
}

/** A term of hers under which his clone is the original, put there past the rules: what is asked is only who may see and sign it. */
export async function derivedFrom(world: World, owner: Person, cloneId: string, him: Person): Promise<string> {
  const derivativeId = `drv_${'1'.repeat(26)}`;
  const originalCloneId = `cln_${'1'.repeat(26)}`;
  const canonical = canonicalJson({
    type: 'benren.derivative', schemaVersion: 1, derivativeId, number: '1', cloneId, cloneName: 'Hers', derivativeOwnerId: owner.accountId, derivativeOwnerName: owner.name,
    originalCloneId, originalName: 'His', originalOwnerId: him.accountId, originalOwnerName: him.name, upstreamBasisPoints: 1_000, ceilingBasisPoints: 2_000,
    effectiveFrom: '2030-01-01', at: '2026-01-01T00:00:00.000Z',
  });
  await world.ask(`
    SET session_replication_role = replica;
    INSERT INTO derivative_term (id, clone_id, number, derivative_owner_id, original_clone_id, original_owner_id, upstream_basis_points, ceiling_basis_points,
      effective_from, canonical, digest, drafted_at) VALUES ('${derivativeId}', '${cloneId}', 1, '${owner.accountId}', '${originalCloneId}', '${him.accountId}', 1000, 2000,
      '2030-01-01', '${canonical}', encode(sha256(convert_to('${canonical}', 'UTF8')), 'hex'), now());
    SET session_replication_role = DEFAULT`);
  return derivativeId;
}
