import pg from 'pg';

import { dayOf } from '../../src/kernel/time.ts';
import type { Person } from '../support/person.ts';
import { deniedOnForgery } from './forgery.ts';
import type { Cast } from './people.ts';
import type { Recordings } from './recording.ts';
import { must, type Story } from './story.ts';
import type { World } from './world.ts';

/** What the later steps speak of. */
export interface Licence {
  proofId: string;
  cloneId: string;
  versionId: string;
  grantId: string;
  grantDigest: string;
  splitId: string;
  tierId: string;
}

export const PERSONA = `Lin Ya is a singer who grew up beside a harbour and never quite left it. She speaks plainly, laughs at
herself before anybody else can, and asks more questions than she answers. She likes rain, night buses, old radios and
people who are late for good reasons. She never gives advice on medicine, money or law, never speaks about other
artists’ private lives, and when she does not know a thing she says so. 她说话慢，喜欢停顿，听的比说的多。`;

/** The day on which a grant that begins now ends. */
const TERM_DAYS = 365;

export async function openProof(world: Pick<World, 'site'>, owner: Person): Promise<string> {
  const { client, sign } = owner;
  const subjectName = 'Lin Ya · 林雅';
  const { document } = await client.call('draftOwnershipClaim', { body: { subjectName, handle: 'lin-ya', locale: 'zh-CN', subjectKind: 'public_figure' } });
  const proof = await client.call('openOwnershipProof', { body: { subjectName, signature: await sign('ownership_claim', document, 'zh-CN') } });
  const path = { proofId: proof.proofId };
  const evidence = await client.call('addEvidence', { path, body: { kind: 'domain', site: world.site.origin } });
  const where = { path: { ...path, evidenceId: evidence.evidenceId } };
  const early = await client.refused('checkEvidence', where);
  must(early.code === 'token_absent', 'the site does not prove anything before the line is there');
  world.site.pages.set('/.well-known/benren.txt', `${evidence.domain?.line ?? ''}\n`);
  const checked = await client.call('checkEvidence', where);
  must(checked.state === 'passed', 'the line was found on her site');
  return proof.proofId;
}

/** Steps 2 and 3: claim, evidence, material. Answers a version that nothing makes live yet. */
export async function claimAndEnrol(world: World, story: Story, cast: Cast, recordings: Recordings): Promise<{ proofId: string; cloneId: string; versionId: string }> {
  const { client } = cast.owner;
  let proofId = '';
  await story.tell('2a She claims “Lin Ya · 林雅” and proves control of her site', async ({ checked }) => {
    proofId = await openProof(world, cast.owner);
    checked('the claim is signed by her passkey; without the line on her site: token_absent; with it: passed');
    const inwards = await client.refused('addEvidence', { path: { proofId }, body: { kind: 'domain', site: 'http://169.254.169.254' } });
    must(inwards.code === 'url_refused', 'an address inside our own network is not fetched');
    checked('a site at a link-local address is refused with url_refused');
  });
  let cloneId = '';
  let versionId = '';
  await story.tell('3 She uploads her voice and writes the persona', async ({ checked, keep }) => {
    cloneId = (await client.call('createClone', { body: { ownershipProofId: proofId, name: 'Lin Ya · 林雅', handle: 'lin-ya' } })).cloneId;
    const path = { cloneId };
    const short = await client.refused('setPersona', { path, body: { text: 'A singer.', languages: ['en', 'zh-CN'] } });
    must(short.code === 'persona_too_short', 'nine characters are no persona');
    const voice = await client.call('uploadEnrolmentVoice', { path, body: recordings.enrolment });
    await client.call('setPersona', { path, body: { text: PERSONA, languages: ['en', 'zh-CN'] } });
    checked(`recording ${recordings.source}: ${voice.voicedSeconds.toFixed(1)} s of voice; speaker ${voice.speaker.slice(0, 2).map((number) => number.toFixed(2)).join(', ')} …`);
    versionId = (await client.call('createVersion', { path })).versionId;
    keep('enrolment.wav', recordings.enrolment);
    const challenge = await client.call('addEvidence', { path: { proofId }, body: { kind: 'voice_challenge', language: 'en' } });
    const recording = await recordings.challenge(challenge.voice?.sentence ?? '');
    await client.call('uploadEvidence', { path: { proofId, evidenceId: challenge.evidenceId }, body: recording });
    keep('challenge.wav', recording);
    await client.call('submitOwnershipProof', { path: { proofId } });
    checked(`${recordings.reads ? 'she read' : 'to read was (the file says something else, which reviewers hear)'}: “${challenge.voice?.sentence ?? ''}”`);
  });
  return { proofId, cloneId, versionId };
}

async function refusedBySql(url: string, versionId: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `UPDATE clone_version SET state = 'approved', approved_at = now(), signed_document_id = (SELECT id FROM signed_document LIMIT 1) WHERE id = $1`, [versionId]);
    return 'nothing';
  } catch (error) {
    const { code, constraint } = error as { code?: string; constraint?: string };
    return constraint ?? code ?? 'an error';
  } finally {
    await client.end();
  }
}

/** Step 2, its end: nothing makes the clone live before two reviewers approved. */
export async function review(
  world: World, story: Story, cast: Cast, recordings: Recordings, made: { proofId: string; cloneId: string; versionId: string },
): Promise<void> {
  await story.tell('2b Nothing makes the clone live before two reviewers approve', async ({ checked }) => {
    const path = { proofId: made.proofId };
    const version = await cast.owner.client.call('getVersion', { path: { versionId: made.versionId } });
    const signature = await cast.owner.sign('version_approval', version.document);
    const refusal = await cast.owner.client.refused('approveVersion', { path: { versionId: made.versionId }, body: { signature } });
    must(refusal.code === 'ownership_unproven', 'the service does not approve a version without a proof');
    const app = await refusedBySql(world.postgres.appUrl('benren'), made.versionId);
    const owner = await refusedBySql(world.postgres.ownerUrl('benren'), made.versionId);
    must(app === 'clone_version_needs_proof' && owner === app, `PostgreSQL refuses raw SQL as either role: ${app}, ${owner}`);
    checked(`service: ownership_unproven; raw SQL as benren_app: ${app}; as benren_owner: ${owner}`);
    const clauses = await deniedOnForgery(world, recordings);
    checked(`in a throw-away database, the constraint dropped and the row forged, the gateway denies: ${clauses.join(', ')}`);
    const [first, second] = cast.reviewers;
    const waiting = await first.client.call('listReviews', {});
    const voice = waiting.proofs[0]?.evidence.find((evidence) => evidence.kind === 'voice_challenge')?.voice;
    await Promise.all([voice?.recording?.mediaPath, voice?.advice?.enrolment.mediaPath].map(async (mediaPath) => {
      const played = await fetch(new URL(mediaPath ?? '/', world.service.origin), { headers: { authorization: `Bearer ${first.token}` } });
      must(played.status === 200 && (await played.arrayBuffer()).byteLength > 10_000, `a reviewer plays ${mediaPath ?? 'the recording'}`);
    }));
    checked(`reviewer one plays both recordings; the measured distance is ${voice?.advice?.distance.toFixed(2) ?? '?'} (advice, no words recognised)`);
    const evidenceSha256 = waiting.proofs[0]?.evidenceSha256 ?? '';
    await first.client.call('claimReview', { path });
    const taken = await second.client.refused('claimReview', { path });
    must(taken.code === 'review_claimed', 'a case is one reviewer\'s at a time');
    const unseen = await first.client.refused('reviewOwnershipProof', { path, body: { verdict: 'approve', evidenceSha256: '0'.repeat(64) } });
    must(unseen.code === 'evidence_changed', 'a review names the evidence that it saw');
    const one = await first.client.call('reviewOwnershipProof', { path, body: { verdict: 'approve', evidenceSha256 } });
    must(one.state === 'submitted', 'one reviewer is not enough');
    const again = await first.client.refused('claimReview', { path });
    must(again.code === 'review_repeated', 'one reviewer does not count twice');
    await second.client.call('claimReview', { path });
    const two = await second.client.call('reviewOwnershipProof', { path, body: { verdict: 'approve', evidenceSha256, text: 'Same voice, her site.' } });
    must(two.state === 'approved', 'two different reviewers approved');
    checked('one approval: still submitted; the same reviewer again: review_repeated; a second reviewer: approved');
  });
}

export function grantTerms(now: Date): object {
  return {
    subject: { legalName: 'Lin Ya · 林雅', stageNames: ['Lin Ya'], dateOfBirth: null, isMinor: false, domicile: 'SG' },
    signer: { role: 'self', authorityDocumentSha256: null },
    courtApproval: null,
    representation: { kind: 'none', name: null, reference: null },
    termsInitialled: true,
    languageRead: 'zh-CN',
    governingLaw: 'SG',
    capabilities: { chat: false, voice: true, video: false, sing: false, story: false, work: false, moments: false },
    languages: ['zh-CN', 'en'],
    media: ['voice'],
    territories: ['CN', 'DE', 'JP', 'SG', 'US'],
    audiences: ['fan'],
    ageBands: ['adult', 'undeclared'],
    tiers: ['friend'],
    purposes: [{ name: 'companionship', intendedUses: 'Short spoken messages to single fans, by their own text, inside the friend tier.', works: ['Friend tier'] }],
    forbiddenTopics: [
      { name: 'politics', words: { zh: ['选举', '政府'], en: ['election', 'government'] } },
      { name: 'gambling', words: { zh: ['赌博', '彩票'], en: ['casino', 'lottery'] } },
    ],
    forbiddenPhrases: ['稳赚不赔'],
    adultContent: false,
    politicalContent: false,
    endorsementCategories: [],
    volumeCaps: [{ capability: 'voice', window: 'day', outputs: 1_000, seconds: null }],
    outputApproval: { mode: 'none', undoHours: 0 },
    training: { allowed: false, sources: [], derivedModels: false, deleteOnEnd: true },
    sublicence: false,
    separateConsent: {
      voice: true, face: false, persona: false, training: false, sensitivePersonalInformation: true, crossBorder: true,
      statement: 'I agree separately and expressly that my voice is cloned for the uses named here.',
    },
    compensation: { model: 'share', rateBasisPoints: 5_000, floorMinor: '100', currency: 'CNY', auditRight: true },
    withdrawal: { method: 'One signature in the app, at any time.', noticeDays: 30, effect: 'takedown_all' },
    survivalOfExistingWorks: false,
    postMortem: { allowed: false, until: null, holder: null, registerNotice: null },
    disclosureText: '本声音由人工智能合成。This voice is AI-generated.',
    explicitLabelWaiver: null,
    validFrom: now.toISOString(),
    validUntil: new Date(now.getTime() + TERM_DAYS * 86_400_000).toISOString(),
  };
}

export async function signGrant(now: Date, owner: Person, cloneId: string): Promise<{ grantId: string; digest: string }> {
  const { client, sign } = owner;
  const draft = await client.call('draftGrant', { path: { cloneId }, body: grantTerms(now) as never });
  const signature = await sign('grant', draft.document, 'zh-CN');
  const signed = await client.call('signGrant', { path: { grantId: draft.grantId }, body: { signature } });
  must(signed.state === 'signed' && signed.digest === draft.digest, 'what she signed is what she read');
  return { grantId: draft.grantId, digest: draft.digest };
}

async function signSplit(cast: Cast, cloneId: string, effectiveFrom: string): Promise<string> {
  const draft = await cast.owner.client.call('draftSplit', {
    path: { cloneId },
    body: {
      effectiveFrom,
      legs: [
        { payee: cast.owner.accountId, basisPoints: 7_000 }, { payee: cast.agency.accountId, basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 },
      ],
    },
  });
  for (const signer of [cast.owner, cast.agency, cast.operator]) {
    const signature = await signer.sign('split', draft.document);
    await signer.client.call('signSplit', { path: { splitId: draft.splitId }, body: { signature } });
  }
  const split = await cast.owner.client.call('getSplit', { path: { splitId: draft.splitId } });
  must(split.state === 'signed', 'the split holds once everybody signed');
  return draft.splitId;
}

async function hearProbes(cast: Cast, versionId: string, keep: (name: string, bytes: Uint8Array) => string, settle: () => Promise<void>): Promise<number> {
  const { client } = cast.owner;
  const { outputs } = await client.call('requestProbes', { path: { versionId } });
  await settle();
  // All at once: each comes at the pace of listening.
  const files = await Promise.all(outputs.map(({ outputId }) => client.call('getOutputMedia', { path: { outputId } })));
  for (const [index, file] of files.entries()) keep(`probe-${index + 1}.wav`, file);
  return outputs.length;
}

/** Step 4: grant, split, probes, approval, and the tier that fans will buy. */
export async function license(world: World, story: Story, cast: Cast, made: { proofId: string; cloneId: string; versionId: string }): Promise<Licence> {
  const { client } = cast.owner;
  let licence: Licence | undefined;
  await story.tell('4 She signs grant and split, hears version 1 and approves it', async ({ checked, keep }) => {
    const grant = await signGrant(world.clock.now(), cast.owner, made.cloneId);
    checked(`grant signed, digest ${grant.digest.slice(0, 16)}…; voice yes, video no, two forbidden topics, until ${TERM_DAYS} days from now`);
    const splitId = await signSplit(cast, made.cloneId, dayOf(world.clock.now()));
    checked('split 70/20/10 signed by owner, agency and platform');
    const version = await client.call('getVersion', { path: { versionId: made.versionId } });
    const signature = await cast.owner.sign('version_approval', version.document, 'zh-CN');
    const deaf = await client.refused('approveVersion', { path: { versionId: made.versionId }, body: { signature } });
    must(deaf.code === 'version_state', 'a version is heard before it is approved');
    const probes = await hearProbes(cast, made.versionId, keep, world.settle);
    const approval = await cast.owner.sign('version_approval', version.document, 'zh-CN');
    const approved = await client.call('approveVersion', { path: { versionId: made.versionId }, body: { signature: approval } });
    must(approved.state === 'approved', 'version 1 is approved');
    checked(`approving it unheard is refused (${deaf.code}); ${probes} probe sentences heard; version 1 approved by signature`);
    const tier = await client.call('createTier', {
      path: { cloneId: made.cloneId }, body: { name: 'friend', priceMinor: '600', currency: 'CNY', period: 'month', voiceOutputsPerPeriod: 100 },
    });
    await world.settle();
    const [offered] = (await world.client.call('listTiers', { path: { cloneId: made.cloneId } })).tiers;
    must(offered?.state === 'ready' && offered.coins === '42', 'the tier is on offer for 6 CNY, 42 冰花');
    checked('tier “friend” on offer: 6.00 CNY a month, shown as 42 冰花, 100 voice outputs');
    licence = { ...made, grantId: grant.grantId, grantDigest: grant.digest, splitId, tierId: tier.tierId };
  });
  must(licence !== undefined, 'the licence is complete');
  return licence;
}
