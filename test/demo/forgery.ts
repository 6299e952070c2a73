import { join } from 'node:path';
import pg from 'pg';

import { compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { makeClient } from '../support/client.ts';
import { type Person, registerPerson } from '../support/person.ts';
import type { Recordings } from './recording.ts';
import { openProof, PERSONA, signGrant } from './rights.ts';
import { must } from './story.ts';
import type { World } from './world.ts';

const DATABASE = 'throwaway';

/** A clone whose proof nobody has approved, with everything else in place. */
async function unprovenClone(world: World, owner: Person, recordings: Recordings): Promise<{ cloneId: string; versionId: string }> {
  const proofId = await openProof(world, owner);
  const { cloneId } = await owner.client.call('createClone', { body: { ownershipProofId: proofId, name: 'Lin Ya · 林雅', handle: 'lin-ya' } });
  const path = { cloneId };
  await owner.client.call('uploadEnrolmentVoice', { path, body: recordings.enrolment });
  await owner.client.call('setPersona', { path, body: { text: PERSONA, languages: ['en', 'zh-CN'] } });
  const { versionId } = await owner.client.call('createVersion', { path });
  await signGrant(world.clock.now(), owner, cloneId);
  return { cloneId, versionId };
}

/** What only the owner of the tables could do: take the constraint away and write the approval by hand. */
async function forge(ownerUrl: string, versionId: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('ALTER TABLE clone_version DROP CONSTRAINT clone_version_needs_proof, DROP CONSTRAINT clone_version_signed_as_it_is');
    await client.query(
      `UPDATE clone_version SET state = 'approved', approved_at = now(), signed_document_id = (SELECT id FROM signed_document LIMIT 1) WHERE id = $1`, [versionId]);
  } finally {
    await client.end();
  }
}

/** The third layer of “no proof, no clone”: the gateway asks for the proof itself. Answers the denying clauses. */
export async function deniedOnForgery(world: World, recordings: Recordings): Promise<string[]> {
  const { postgres, clock } = world;
  await postgres.createDatabase(DATABASE);
  const config = loadConfig({ BENREN_DATA: join(world.service.platform.config.dataFolder, DATABASE), PORT: '0', LOG_LEVEL: 'silent' });
  const service = await compose(config, 'start', {
    clock, allowLoopback: true, log: makeLog({ level: 'silent' }),
    databaseUrls: { owner: postgres.ownerUrl(DATABASE), app: postgres.appUrl(DATABASE) },
  });
  try {
    const client = makeClient(service.origin);
    const owner = await registerPerson(client, systemRandom, { displayName: 'Lin Ya · 林雅' });
    const { cloneId, versionId } = await unprovenClone(world, owner, recordings);
    await forge(postgres.ownerUrl(DATABASE), versionId);
    const fan = await registerPerson(client, systemRandom, { displayName: 'Fan' });
    const denied = await fan.client.refused('requestOutput', {
      path: { cloneId }, body: { capability: 'voice', language: 'en', script: 'Hello.', purpose: 'companionship' },
    });
    const clauses = denied.problem['clauses'] as string[];
    must(denied.code === 'denied' && clauses.includes('ownership.unproven'), `the gateway denies for want of a proof: ${clauses.join(', ')}`);
    must(!clauses.includes('version.unapproved'), 'the forged approval was believed, and did not help');
    return clauses;
  } finally {
    await service.close();
    await postgres.dropDatabase(DATABASE);
  }
}
