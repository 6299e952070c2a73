import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Recordings } from '../demo/recording.ts';
import type { Person } from './person.ts';

/** A web site of which only one file matters; it keeps every line that was put there. */
export interface Site {
  origin: string;
  say(line: string): void;
  close(): void;
}

export async function openSite(): Promise<Site> {
  let text = '';
  const server = createServer((request, response) => {
    const found = request.url === '/.well-known/benren.txt';
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8' }).end(found ? text : '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    say(line) {
      text += `${line}\n`;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Claim { handle: string; subjectKind?: 'representative'; claimantName?: string }

/** Signs a claim to be, or to act for, this person. Answers the proof, open. */
export async function openClaim(person: Person, subjectName: string, claim: Claim): Promise<string> {
  const { document } = await person.client.call('draftOwnershipClaim', { body: { subjectName, locale: 'en', ...claim } });
  return (await person.client.call('openOwnershipProof', { body: { subjectName, signature: await person.sign('ownership_claim', document) } })).proofId;
}

/** Two reviewers take the case up, one after the other, and approve. */
export async function approveClaim(reviewers: readonly Person[], proofId: string): Promise<void> {
  const path = { proofId };
  for (const { client } of reviewers) {
    const { proof } = await client.call('claimReview', { path });
    await client.call('reviewOwnershipProof', { path, body: { verdict: 'approve', evidenceSha256: proof.evidenceSha256 ?? '' } });
  }
}

export interface Proven { proofId: string; voiceEvidenceId: string }

/** Proves by a site and a voice, before two reviewers, that a person is who they say. */
export async function proveByVoice(
  person: Person, by: { site: Pick<Site, 'origin' | 'say'>; reviewers: readonly Person[]; challenge: Recordings['challenge'] }, handle: string,
): Promise<Proven> {
  const proofId = await openClaim(person, person.name, { handle });
  const site = await person.client.call('addEvidence', { path: { proofId }, body: { kind: 'domain', site: by.site.origin } });
  by.site.say(site.domain?.line ?? '');
  await person.client.call('checkEvidence', { path: { proofId, evidenceId: site.evidenceId } });
  const voice = await person.client.call('addEvidence', { path: { proofId }, body: { kind: 'voice_challenge', language: 'en' } });
  await person.client.call('uploadEvidence', { path: { proofId, evidenceId: voice.evidenceId }, body: await by.challenge(voice.voice?.sentence ?? '') });
  await person.client.call('submitOwnershipProof', { path: { proofId } });
  await approveClaim(by.reviewers, proofId);
  return { proofId, voiceEvidenceId: voice.evidenceId };
}
