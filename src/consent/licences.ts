import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { Authority } from './authority.ts';
import { checkedTerms, termsOf } from './draft.ts';
import type { Gates } from './gates.ts';
import type { GrantDocument, GrantTerms } from './grant.ts';
import { contains, type LicenceDocument, type LicenceState, licenceState, overlap, refuseOutside, runs } from './licence.ts';
import * as store from './licence-store.ts';
import type { ConsentDeps, SignatureInput } from './service.ts';
import * as grants from './store.ts';

export interface LicenceInput {
  licenseeAccountId: string;
  exclusive: boolean;
  noticeDays: number;
  /** What differs from the grant; the rest is as in the grant. */
  terms: Partial<GrantTerms>;
}

export interface LicenceView {
  licenceId: string;
  state: LicenceState;
  document: LicenceDocument;
  canonical: string;
  digest: string;
  signers: string[];
  noticeEndsAt: string | null;
  endedAt: string | null;
  endKind: string | null;
}

type Room = ConsentDeps & { gates: Gates; authority: Authority };
const DAY_MS = 86_400_000;
const CONTAINMENT = 'containment';

function view(row: store.LicenceRow, at: Date): LicenceView {
  return {
    licenceId: row.licenceId, state: licenceState(row, at), document: row.document, canonical: row.canonical, digest: row.digest,
    signers: [...row.signers].sort(), noticeEndsAt: row.noticeEndsAt?.toISOString() ?? null, endedAt: row.endedAt?.toISOString() ?? null,
    endKind: row.endKind,
  };
}

/** For its two parties; the organisation sees it once the owner has signed. */
async function party(tx: Tx, actor: Actor, licenceId: string): Promise<store.LicenceRow> {
  const row = await store.findLicence(tx, licenceId);
  const offered = row?.licenseeAccountId === actor.accountId && row.signers.includes(row.ownerAccountId);
  if (row === null || (row.ownerAccountId !== actor.accountId && !offered)) throw notFound();
  return row;
}

/** The row again, after everybody else who writes about this clone's grants is done. */
async function locked(tx: Tx, actor: Actor, licenceId: string): Promise<store.LicenceRow> {
  const { cloneId } = await party(tx, actor, licenceId);
  await grants.lockGrants(tx, cloneId);
  return await party(tx, actor, licenceId);
}

async function grantInForce(tx: Tx, grantId: string, at: Date): Promise<{ row: grants.GrantRow; document: GrantDocument; terms: GrantTerms }> {
  const row = await grants.loadGrant(tx, grantId);
  if (row === null) throw notFound();
  const document = JSON.parse(row.canonical) as GrantDocument;
  if (row.state !== 'signed' || Date.parse(document.validUntil) <= at.getTime()) {
    throw new Refusal('licence_state', 'A licence stands on a grant that is signed and not over.');
  }
  return { row, document, terms: termsOf(document) };
}

async function draft(room: Room, tx: Tx, actor: Actor, grantId: string, asked: LicenceInput): Promise<LicenceView> {
  const at = room.clock.now();
  const known = await grants.loadGrant(tx, grantId);
  if (known === null) throw notFound();
  await room.authority.act(tx, { actor, cloneId: known.cloneId, verb: 'signGrant', subjectId: grantId, at });
  const { row, document, terms } = await grantInForce(tx, grantId, at);
  if (!terms.sublicence) throw new Refusal('licence_outside_grant', 'The grant allows no licence under it.', { extra: { members: ['sublicence'] } });
  if (asked.licenseeAccountId === row.ownerAccountId) throw new Refusal('licence_state', 'Nobody licenses themselves.');
  const licensee = await room.identity.account(tx, asked.licenseeAccountId);
  if (licensee === null) throw new Refusal('account_unknown', 'The organisation is no account of this service.');
  const inner = checkedTerms({ ...terms, ...asked.terms }, at);
  refuseOutside(terms, inner);
  const ready: LicenceDocument = {
    type: 'benren.licence', schemaVersion: 1, licenceId: room.ids.next('licence'), cloneId: row.cloneId, grantId, grantDigest: row.digest,
    owner: document.owner, licensee: { accountId: licensee.accountId, name: licensee.displayName },
    exclusive: asked.exclusive, noticeDays: asked.noticeDays, terms: inner,
  };
  const canonical = canonicalJson(ready);
  await store.insertLicence(tx, { document: ready, canonical, digest: sha256Hex(canonical), at });
  return view(await party(tx, actor, ready.licenceId), at);
}

/** An exclusive licence bears no other where both speak of the same use, and one organisation has one licence for a clone. */
async function refuseConflicts(tx: Tx, row: store.LicenceRow, at: Date): Promise<void> {
  for (const other of await store.boundUnder(tx, row.grantId)) {
    const state = licenceState(other, at);
    if (!runs(state) && state !== 'suspended') continue;
    const clash = (row.document.exclusive || other.document.exclusive) && overlap(row.document.terms, other.document.terms);
    if (clash) throw new Refusal('licence_conflict', 'An exclusive licence covers this use already, or this one would.', { extra: { licenceId: other.licenceId } });
    if (other.licenseeAccountId === row.licenseeAccountId) {
      throw new Refusal('licence_conflict', 'This organisation has a licence for this clone; end it before another begins.', { extra: { licenceId: other.licenceId } });
    }
  }
}

/** The owner offers; the organisation countersigns what lies inside the grant as it is at that moment. */
async function sign(room: Room, tx: Tx, actor: Actor, licenceId: string, signature: SignatureInput): Promise<LicenceView> {
  const at = room.clock.now();
  const row = await locked(tx, actor, licenceId);
  const state = licenceState(row, at);
  const waitsFor: Partial<Record<LicenceState, string>> = { draft: row.ownerAccountId, offered: row.licenseeAccountId };
  if (waitsFor[state] !== actor.accountId) throw new Refusal('licence_state', `The licence is ${state.replace('_', ' ')}; it does not wait for your signature.`);
  const grant = await grantInForce(tx, row.grantId, at);
  refuseOutside(grant.terms, row.document.terms);
  await refuseConflicts(tx, row, at);
  const signed = await room.identity.completeSignature(tx, actor, signature, { documentType: 'licence' });
  if (signed.digest !== row.digest) throw new Refusal('signature_mismatch', 'What was signed is not this licence.');
  await store.insertLicenceSignature(tx, { licenceId, accountId: actor.accountId, signedDocumentId: signed.id, at });
  if (state === 'offered') {
    await store.insertLicenceGate(tx, { gateId: room.ids.next('gate'), cloneId: row.cloneId, licenceId, by: actor.accountId, at });
    await store.insertContainment(tx, { licenceId, grantDigest: grant.row.digest, contained: true, at });
    await room.transparency.append(tx, { type: 'licence.signed', subjectId: licenceId, at, document: signed.document });
  }
  return view(await party(tx, actor, licenceId), at);
}

async function shut(room: Room, tx: Tx, row: store.LicenceRow, ended: { kind: 'notice' | 'cause' | 'laid_down' | 'withdrawn'; reason: string; by: string; at: Date }): Promise<void> {
  await store.insertLicenceEnd(tx, { licenceId: row.licenceId, ...ended });
  if (row.gateId !== null) {
    await room.gates.narrow(tx, row.gateId, { state: 'stopped', reason: `licence.${ended.kind}`, at: ended.at, by: ended.by });
  }
  await room.transparency.append(tx, {
    type: 'licence.ended', subjectId: row.licenceId, at: ended.at,
    document: { type: 'benren.licence_end', schemaVersion: 1, licenceId: row.licenceId, digest: row.digest, kind: ended.kind, by: ended.by, at: ended.at.toISOString() },
  });
}

export type LicenceEnding = { kind: 'notice' } | { kind: 'cause'; reason: string };

/**
 * The owner gives notice, after which it runs out its days, or ends it for cause, at once; the organisation lays it
 * down at once. Either withdraws what is not countersigned. It only narrows, so it needs no passkey.
 */
async function end(room: Room, tx: Tx, actor: Actor, licenceId: string, asked: LicenceEnding): Promise<LicenceView> {
  const row = await locked(tx, actor, licenceId);
  const at = room.clock.now();
  const by = actor.accountId;
  const state = licenceState(row, at);
  if (state === 'draft' || state === 'offered') await shut(room, tx, row, { kind: 'withdrawn', reason: '', by, at });
  else if (state === 'ended' || state === 'expired') throw new Refusal('licence_state', `The licence is ${state} already.`);
  else if (by === row.licenseeAccountId) await shut(room, tx, row, { kind: 'laid_down', reason: '', by, at });
  else if (asked.kind === 'cause') await shut(room, tx, row, { kind: 'cause', reason: asked.reason, by, at });
  else if (row.noticeEndsAt === null) {
    const endsAt = new Date(at.getTime() + row.document.noticeDays * DAY_MS);
    await store.insertNotice(tx, { licenceId, by, at, endsAt });
    // What was decided before the notice does not know when it ends.
    if (row.gateId !== null) await room.gates.narrow(tx, row.gateId, { reason: 'licence.notice', at, by });
    await enqueue(tx, { topic: 'consent.endLicence', payload: { licenceId }, runAt: endsAt, dedupeKey: `consent.endLicence:${licenceId}` });
  }
  return view(await party(tx, actor, licenceId), at);
}

/** Whether each licence still lies inside the grant's new version: one that does not is suspended, one that does again goes on. */
export async function recontain(
  deps: { gates: Gates }, tx: Tx, grantId: string, next: { document: GrantDocument; digest: string; at: Date; by: string },
): Promise<void> {
  const terms = termsOf(next.document);
  for (const row of await store.boundUnder(tx, grantId)) {
    const contained = contains(terms, row.document.terms);
    await store.insertContainment(tx, { licenceId: row.licenceId, grantDigest: next.digest, contained, at: next.at });
    if (contained === row.contained || row.gateId === null) continue;
    const change = { holder: CONTAINMENT, at: next.at, by: next.by };
    if (contained) await deps.gates.lift(tx, row.gateId, { ...change, reason: 'licence.contained' });
    else await deps.gates.hold(tx, row.gateId, { ...change, reason: 'licence.outside_grant' });
  }
}

/** A licence with its state at an instant. */
export type LicenceNow = store.LicenceRow & { state: LicenceState };

/** The licence under which an organisation may ask for a clone now, or the one that was last, so that a denial can say why. */
export async function licenceFor(tx: Tx, cloneId: string, licenseeAccountId: string, at: Date): Promise<LicenceNow | null> {
  const all = (await store.licencesFor(tx, cloneId, licenseeAccountId)).map((row) => ({ ...row, state: licenceState(row, at) }));
  return all.find(({ state }) => runs(state)) ?? all[0] ?? null;
}

/**
 * The licence that an organisation names, when it is its own and the one that a decision would be made under. One that has ended or
 * is suspended is answered too: the decision denies it, with its receipt. Refuses `not_found` for everybody else, `licence_state`.
 */
async function licensed(tx: Tx, asked: { licenceId: string; accountId: string; cloneId: string; at: Date }): Promise<LicenceNow> {
  const row = await store.findLicence(tx, asked.licenceId);
  const theirs = row?.licenseeAccountId === asked.accountId && row.signers.includes(row.ownerAccountId);
  if (row?.cloneId !== asked.cloneId || !theirs) throw notFound();
  const now = await licenceFor(tx, asked.cloneId, asked.accountId, asked.at);
  if (now?.licenceId !== row.licenceId) {
    throw new Refusal('licence_state', `The licence is ${licenceState(row, asked.at).replace('_', ' ')}; nothing is made under it.`);
  }
  return now;
}

/** Licences to organisations. */
export function makeLicences(room: Room) {
  const { runTx, clock } = room;
  const write = async <T>(key: IdempotencyKey, work: (tx: Tx) => Promise<T>): Promise<T> =>
    await runTx(async (tx) => await once(tx, key, async () => await work(tx)));
  return {
    licensed,
    /** Days of notice that the licence itself gives; null for an unknown one. */
    licenceNoticeDays: async (tx: Tx, licenceId: string) => (await store.findLicence(tx, licenceId))?.document.noticeDays ?? null,
    draftLicence: (actor: Actor, key: IdempotencyKey, grantId: string, asked: LicenceInput) => write(key, (tx) => draft(room, tx, actor, grantId, asked)),
    getLicence: (actor: Actor, licenceId: string) => runTx(async (tx) => view(await party(tx, actor, licenceId), clock.now())),
    listLicences: (actor: Actor) => runTx(async (tx) => ({
      licences: (await store.licencesOf(tx, actor.accountId))
        .filter((row) => row.ownerAccountId === actor.accountId || row.signers.includes(row.ownerAccountId)).map((row) => view(row, clock.now())),
    })),
    signLicence: (actor: Actor, key: IdempotencyKey, licenceId: string, signature: SignatureInput) => write(key, (tx) => sign(room, tx, actor, licenceId, signature)),
    endLicence: (actor: Actor, key: IdempotencyKey, licenceId: string, asked: LicenceEnding) => write(key, (tx) => end(room, tx, actor, licenceId, asked)),
    /** Job at the end of a notice; again, or after another ending: nothing. */
    endNoticed: (licenceId: string) => runTx(async (tx) => {
      const seen = await store.findLicence(tx, licenceId);
      if (seen === null) throw new Error(`There is no licence ${licenceId}.`);
      await grants.lockGrants(tx, seen.cloneId);
      const row = await store.findLicence(tx, licenceId);
      const at = clock.now();
      if (row === null || row.endedAt !== null || row.noticeEndsAt === null || row.noticeEndsAt > at) return;
      await shut(room, tx, row, { kind: 'notice', reason: '', by: row.ownerAccountId, at });
    }),
  };
}
