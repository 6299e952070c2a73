import { setTimeout as rest } from 'node:timers/promises';

import { makeRecordings, type Recordings } from '../../demo/recording.ts';
import { grantTerms, PERSONA } from '../../demo/rights.ts';
import { openSite, proveByVoice, type Site } from '../../support/claims.ts';
import type { Person } from '../../support/person.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

/** One live clone with its grant, and everybody around it, on a real server; the tests say the rest over HTTP alone. */
export interface RightsWorld {
  server: TestServer;
  site: Site;
  recordings: Recordings;
  operators: [Person, Person];
  reviewers: [Person, Person, Person];
  owner: Person;
  game: Person;
  proofId: string;
  voiceEvidenceId: string;
  cloneId: string;
  grantId: string;
  /** A clone of hers with a grant and an enrolled voice, that nobody approved. */
  anotherClone(handle: string): Promise<{ cloneId: string; grantId: string }>;
  /** Moves business time; everybody signs in anew, since sessions end. */
  days(count: number): Promise<void>;
  close(): Promise<void>;
}

export const OWNER = 'Lin Ya · 林雅';
export const COUNTRY = 'SG';

async function signedGrant(server: TestServer, owner: Person, cloneId: string): Promise<string> {
  const terms = { ...grantTerms(server.clock.now()), sublicence: true };
  const draft = await owner.client.call('draftGrant', { path: { cloneId }, body: terms as never });
  await owner.client.call('signGrant', { path: { grantId: draft.grantId }, body: { signature: await owner.sign('grant', draft.document, 'zh-CN') } });
  return draft.grantId;
}

/** Hears what the version would sound like, as an owner has to before she approves it. */
async function approve(owner: Person, versionId: string): Promise<void> {
  const path = { versionId };
  const { outputs } = await owner.client.call('requestProbes', { path });
  for (const { outputId } of outputs) {
    await until(async () => (await owner.client.call('getOutput', { path: { outputId } })).release !== null, 60_000);
  }
  // All at once: each comes at the pace of listening.
  await Promise.all(outputs.map(({ outputId }) => owner.client.call('getOutputMedia', { path: { outputId } })));
  const version = await owner.client.call('getVersion', { path });
  await owner.client.call('approveVersion', { path, body: { signature: await owner.sign('version_approval', version.document, 'zh-CN') } });
}

export async function openRightsWorld(seed: string): Promise<RightsWorld> {
  let hasty = true;
  const server = await startTestServer({ seed, media: { sleep: async (milliseconds, signal) => {
    // Probes are heard at once; from then on media comes at its pace.
    if (!hasty) await rest(milliseconds, undefined, { signal }).catch(() => undefined);
  } } });
  const site = await openSite();
  try {
    const recordings = await makeRecordings(null, server.service.platform.inference);
    const operator = await server.operator();
    const operators: RightsWorld['operators'] = [operator, await server.invited(operator, 'operator', 'Operator two')];
    const reviewer = (name: string): Promise<Person> => server.invited(operator, 'reviewer', name);
    const reviewers: RightsWorld['reviewers'] = [await reviewer('One'), await reviewer('Two'), await reviewer('Three')];
    const [owner, game] = [await server.person(OWNER), await server.person('A game')];
    await game.client.call('updateMe', { body: { country: COUNTRY } });
    const { proofId, voiceEvidenceId } = await proveByVoice(owner, { site, reviewers: reviewers.slice(0, 2), challenge: recordings.challenge }, 'lin-ya');
    const enrolled = async (handle: string): Promise<string> => {
      const { cloneId } = await owner.client.call('createClone', { body: { ownershipProofId: proofId, name: OWNER, handle } });
      await owner.client.call('uploadEnrolmentVoice', { path: { cloneId }, body: recordings.enrolment });
      return cloneId;
    };
    const cloneId = await enrolled('lin-ya');
    await owner.client.call('setPersona', { path: { cloneId }, body: { text: PERSONA, languages: ['en', 'zh-CN'] } });
    const { versionId } = await owner.client.call('createVersion', { path: { cloneId } });
    const grantId = await signedGrant(server, owner, cloneId);
    await approve(owner, versionId);
    hasty = false;
    return {
      server, site, recordings, operators, reviewers, owner, game, proofId, voiceEvidenceId, cloneId, grantId,
      async anotherClone(handle) {
        const other = await enrolled(handle);
        return { cloneId: other, grantId: await signedGrant(server, owner, other) };
      },
      async days(count) {
        server.clock.advance(count * 86_400_000);
        for (const person of [...operators, ...reviewers, owner, game]) await person.signIn();
      },
      async close() {
        site.close();
        await server.close();
      },
    };
  } catch (error) {
    site.close();
    await server.close();
    throw error;
  }
}

/** An organisation's licence under the grant, offered and countersigned. */
export async function licensed(own: RightsWorld): Promise<string> {
  const { licenceId, document } = await own.owner.client.call('draftLicence', {
    path: { grantId: own.grantId }, body: { licenseeAccountId: own.game.accountId, exclusive: false, noticeDays: 14, terms: { languages: ['en'] } },
  });
  for (const person of [own.owner, own.game]) {
    await person.client.call('signLicence', { path: { licenceId }, body: { signature: await person.sign('licence', document) } });
  }
  return licenceId;
}

const LINES = 'Good evening. It rained all day here, and I kept thinking that somebody out there must be walking home without an umbrella. I hope it was not you. '
  + 'When you are home, put the kettle on, open a window, and listen to how quiet the street is once everybody has gone inside.';

/** What the game asks to be said under its licence. */
export function asking(own: RightsWorld, licenceId: string, script = LINES) {
  return {
    path: { cloneId: own.cloneId }, body: { capability: 'voice', language: 'en', script, purpose: 'companionship', licenceId },
  } as const;
}

/** An output of the game's that is released. */
export async function releasedOutput(own: RightsWorld, licenceId: string, script?: string): Promise<string> {
  const { outputId } = await own.game.client.call('requestOutput', asking(own, licenceId, script));
  await until(async () => (await own.game.client.call('getOutput', { path: { outputId } })).release !== null, 60_000);
  return outputId;
}

export interface Told { id: string; name: string; data: Record<string, unknown> }

/** Reads a stop's progress as a browser's EventSource would; hangs up once `enough` says so. */
export async function watchStop(own: RightsWorld, stopId: string, options: { after?: string; enough?: (told: readonly Told[]) => boolean } = {}): Promise<Told[]> {
  const gone = new AbortController();
  const response = await fetch(`${own.server.service.origin}/v1/stops/${stopId}/progress`, {
    headers: { authorization: `Bearer ${own.owner.token}`, ...(options.after === undefined ? {} : { 'last-event-id': options.after }) }, signal: gone.signal,
  });
  if (response.status !== 200 || !(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) throw new Error(`The progress answered ${response.status}.`);
  const told: Told[] = [];
  let rest = '';
  const read = (frame: string): void => {
    const found = /^id: (.+)\nevent: (.+)\ndata: (.+)$/.exec(frame);
    if (found !== null) told.push({ id: found[1] ?? '', name: found[2] ?? '', data: JSON.parse(found[3] ?? '') as Record<string, unknown> });
  };
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const frames = (rest + chunk).split('\n\n');
    rest = frames.pop() ?? '';
    while (frames.length > 0 && options.enough?.(told) !== true) read(frames.shift() ?? '');
    if (options.enough?.(told) === true) break;
  }
  gone.abort();
  return told;
}
