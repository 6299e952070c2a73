import type { SignedDocument } from '../identity/index.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { boundLicensees, makeAmendments } from './amendments.ts';
import type { Authority, Standing } from './authority.ts';
import { type Change, compareGrants, narrows } from './compare.ts';
import { amendmentDocument, checkedTerms, grantDocument, type RevocationDocument, revocationDocument, termsOf } from './draft.ts';
import { type DelegableVerb, type NeverVerb, onlyNarrowing } from './delegation.ts';
import { insertContract, loadContract } from './contract-store.ts';
import { type Amendment, CAPABILITIES, type FirstGrant, type GrantDocument, type GrantTerms, type Rendering, type Unrendered } from './grant.ts';
import { checkHeirsGrant, thawClone } from './heirs.ts';
import { insertOffer, offersOf } from './licence-store.ts';
import { recontain } from './licences.ts';
import type { ConsentDeps, SignatureInput } from './service.ts';
import * as store from './store.ts';
import type { Gates } from './gates.ts';

export interface GrantView {
  grantId: string;
  cloneId: string;
  state: store.GrantRowState;
  version: number;
  document: GrantDocument;
  canonical: string;
  digest: string;
  signedDocumentId: string | null;
  signedAt: string | null;
  revocationDocument: RevocationDocument | null;
}

export interface AmendmentView {
  grantId: string;
  version: number;
  change: Change;
  document: Amendment;
  canonical: string;
  digest: string;
}

export function documentOf(row: store.GrantRow): GrantDocument {
  return JSON.parse(row.canonical) as GrantDocument;
}

/** A signed grant whose term is over has expired, whether or not anybody wrote that down yet. */
export function stateAt(row: store.GrantRow, document: GrantDocument, at: Date): store.GrantRowState {
  return row.state === 'signed' && Date.parse(document.validUntil) <= at.getTime() ? 'expired' : row.state;
}

export function grantView(row: store.GrantRow, at: Date): GrantView {
  const document = documentOf(row);
  const state = stateAt(row, document, at);
  return {
    grantId: row.grantId, cloneId: row.cloneId, state, version: row.version, document, canonical: row.canonical,
    digest: row.digest, signedDocumentId: row.signedDocumentId, signedAt: row.signedAt?.toISOString() ?? null,
    revocationDocument: state === 'signed' ? revocationDocument(document, row.digest) : null,
  };
}

function sealed<Document extends GrantDocument>(document: Document): { document: Document; canonical: string; digest: string } {
  const canonical = canonicalJson(document);
  return { document, canonical, digest: sha256Hex(canonical) };
}

type Room = ConsentDeps & { gates: Gates; authority: Authority };
type Leaf = 'grant.signed' | 'grant.amended' | 'grant.revoked' | 'amendment.offered';
type Verb = Exclude<DelegableVerb, 'pauseClone' | 'resumeClone'> | Extract<NeverVerb, 'signGrant' | 'revokeGrant'>;

async function theGrant(tx: Tx, grantId: string): Promise<store.GrantRow> {
  const row = await store.loadGrant(tx, grantId);
  if (row === null) throw notFound();
  return row;
}

/** The grant, for its owner, for an agent whom she lets do this, and for her heir; `standing` says which of them it is. */
async function grantFor(room: Room, tx: Tx, actor: Actor, grantId: string, verb: Verb): Promise<{ row: store.GrantRow; standing: Standing }> {
  const row = await theGrant(tx, grantId);
  const standing = await room.authority.act(tx, { actor, cloneId: row.cloneId, verb, subjectId: grantId, at: room.clock.now() });
  return { row, standing };
}

/** The row again, after everybody else who writes about this clone's grants is done. */
async function lockedGrant(room: Room, tx: Tx, actor: Actor, grantId: string, verb: Verb): Promise<{ row: store.GrantRow; standing: Standing }> {
  const { row: { cloneId }, standing } = await grantFor(room, tx, actor, grantId, verb);
  await store.lockGrants(tx, cloneId);
  return { row: await theGrant(tx, grantId), standing };
}

function mustBeInForce(row: store.GrantRow, at: Date): GrantDocument {
  const document = documentOf(row);
  const state = stateAt(row, document, at);
  if (state !== 'signed') throw new Refusal('grant_state', `This grant is ${state}; only a signed one can be changed or revoked.`);
  return document;
}

async function endExpired(tx: Tx, cloneId: string, at: Date): Promise<void> {
  const current = await store.loadGrantOfClone(tx, cloneId);
  if (current?.state !== 'signed') return;
  if (stateAt(current, documentOf(current), at) !== 'expired') {
    throw new Refusal('grant_state', 'A grant is in force already: amend it, or revoke it before you sign another.');
  }
  await store.setGrantState(tx, current.grantId, 'expired');
}

async function log(room: Room, tx: Tx, type: Leaf, grantId: string, signed: Pick<SignedDocument, 'document' | 'evidenceSha256'>): Promise<void> {
  const { document, evidenceSha256 } = signed;
  await room.transparency.append(tx, { type, subjectId: grantId, at: room.clock.now(), document, evidenceSha256 });
}

interface Ready<Document extends GrantDocument> {
  document: Document;
  canonical: string;
  digest: string;
  contract: Uint8Array;
}

/** The document with the digest of the contract that says the same in words. */
async function shown<Document extends GrantDocument>(room: Room, unshown: Unrendered<Document>): Promise<Ready<Document>> {
  const contract = await room.contract(unshown);
  const rendering: Rendering = { sha256: sha256Hex(contract), mediaType: 'application/pdf', locales: ['zh-CN', 'en'] };
  return { ...sealed({ ...unshown, rendering } as unknown as Document), contract };
}

async function keepDraft(tx: Tx, { contract, ...ready }: Ready<GrantDocument>, at: Date): Promise<void> {
  await store.insertDraft(tx, { ...ready, at });
  await insertContract(tx, { grantId: ready.document.grantId, digest: ready.digest, bytes: contract });
}

/** What is signed was shown, and is still there to be shown. PostgreSQL asks the same of every signature. */
async function mustBeShown(tx: Tx, grantId: string, digest: string, document: GrantDocument): Promise<void> {
  const contract = await loadContract(tx, grantId, digest);
  if (contract === null || sha256Hex(contract) !== document.rendering.sha256) {
    throw new Refusal('grant_document_mismatch', 'The contract of this draft is not there any more; draft it again.');
  }
}

async function draft(room: Room, tx: Tx, actor: Actor, cloneId: string, terms: GrantTerms): Promise<GrantView> {
  const at = room.clock.now();
  const grantId = room.ids.next('grant');
  const { ownerAccountId, estate } = await room.authority.act(tx, { actor, cloneId, verb: 'draftGrant', subjectId: grantId, at });
  const clone = await room.clones.clone(tx, cloneId);
  if (clone === null) throw notFound();
  const proof = await room.ownership.proof(tx, clone.ownershipProofId);
  if (proof === null) throw new Error(`Clone ${cloneId} has no ownership proof.`);
  const heir = estate === null ? null : await room.identity.account(tx, ownerAccountId);
  const owner = { accountId: ownerAccountId, name: heir?.displayName ?? proof.subjectName };
  const ready = await shown<FirstGrant>(room, grantDocument({ grantId, cloneId, owner }, checkedTerms(terms, at)));
  await store.insertGrant(tx, { grantId, cloneId, ownerAccountId, at });
  await keepDraft(tx, ready, at);
  await room.gates.ensure(tx, { cloneId, capabilities: CAPABILITIES, grantId, at, by: actor.accountId });
  return grantView(await theGrant(tx, grantId), at);
}

async function clonesOwner(room: Room, tx: Tx, cloneId: string): Promise<string> {
  const clone = await room.clones.clone(tx, cloneId);
  if (clone === null) throw notFound();
  return clone.ownerAccountId;
}

async function sign(room: Room, tx: Tx, actor: Actor, grantId: string, signature: SignatureInput): Promise<GrantView> {
  const at = room.clock.now();
  const { row, standing } = await lockedGrant(room, tx, actor, grantId, 'signGrant');
  if (row.state !== 'draft') throw new Refusal('grant_state', `This grant is ${row.state} already.`);
  const signed = await room.identity.completeSignature(tx, actor, signature, { documentType: 'grant' });
  if (signed.digest !== row.digest || signed.signedBy !== row.ownerAccountId) {
    throw new Refusal('grant_document_mismatch', 'What was signed is not this draft.');
  }
  await mustBeShown(tx, grantId, row.digest, documentOf(row));
  checkedTerms(termsOf(documentOf(row)), at);
  await checkHeirsGrant(tx, row.cloneId, documentOf(row), standing);
  await endExpired(tx, row.cloneId, at);
  await store.insertSignature(tx, { grantId, version: row.version, digest: row.digest, signedDocumentId: signed.id, at });
  await store.setGrantState(tx, grantId, 'signed');
  if (standing.estate !== null) await thawClone(room, tx, row.cloneId, await clonesOwner(room, tx, row.cloneId), { at, by: actor.accountId });
  await log(room, tx, 'grant.signed', grantId, signed);
  return grantView(await theGrant(tx, grantId), at);
}

async function amend(room: Room, tx: Tx, actor: Actor, grantId: string, changes: Partial<GrantTerms>): Promise<AmendmentView> {
  const at = room.clock.now();
  const { row } = await grantFor(room, tx, actor, grantId, 'draftAmendment');
  const current = mustBeInForce(row, at);
  const terms = checkedTerms({ ...termsOf(current), ...changes }, at);
  const ready = await shown<Amendment>(room, amendmentDocument(current, row.digest, terms));
  await keepDraft(tx, ready, at);
  const { document, canonical, digest } = ready;
  return { grantId, version: document.version, change: compareGrants(current, document), document, canonical, digest };
}

/** What an agent or an heir signs in their own name narrows, and PostgreSQL says the same of it. */
async function refuseWidening(tx: Tx, current: GrantDocument, next: GrantDocument, standing: Standing): Promise<void> {
  if (standing.delegationId === null && standing.estate === null) return;
  if (onlyNarrowing(compareGrants(current, next)) && (await store.onlyNarrows(tx, current, next))) return;
  throw new Refusal(standing.estate === null ? 'delegation_never' : 'estate_limit', 'Only the owner adds to a grant; what you sign takes things out of it.');
}

/** Narrowing acts at once: the epoch rises, so nothing that was decided under the wider terms is released. */
async function signAmended(room: Room, tx: Tx, actor: Actor, grantId: string, signature: SignatureInput): Promise<GrantView> {
  const at = room.clock.now();
  const { row, standing } = await lockedGrant(room, tx, actor, grantId, 'signAmendment');
  const current = mustBeInForce(row, at);
  const signed = await room.identity.completeSignature(tx, actor, signature, { documentType: 'amendment' });
  const drafted = await store.loadDraft(tx, grantId, signed.digest);
  if (drafted === null) {
    throw new Refusal('grant_document_mismatch', 'What was signed is no draft of this grant.');
  }
  if (drafted.supersedes !== row.digest) {
    throw new Refusal('grant_state', 'The amendment was drafted against an earlier version; draft it again.');
  }
  const next = JSON.parse(drafted.canonical) as GrantDocument;
  await mustBeShown(tx, grantId, signed.digest, next);
  checkedTerms(termsOf(next), at);
  await refuseWidening(tx, current, next, standing);
  const alone = onlyNarrowing(compareGrants(current, next)) || (await boundLicensees(tx, grantId, at)).length === 0;
  if (alone) await enact(room, tx, row, signed, actor.accountId);
  else await offer(room, tx, row, signed, at);
  return grantView(await theGrant(tx, grantId), at);
}

type Signed = Awaited<ReturnType<ConsentDeps['identity']['completeSignature']>>;

/** It adds something while a licensee is bound: kept with the owner's signature until the licensee's is there too. */
async function offer(room: Room, tx: Tx, row: store.GrantRow, signed: Signed, at: Date): Promise<void> {
  const { grantId } = row;
  if ((await offersOf(tx, grantId)).some(({ digest }) => digest === signed.digest)) {
    throw new Refusal('amendment_state', 'This amendment was signed already, and waits or was withdrawn; draft another.');
  }
  await insertOffer(tx, { grantId, digest: signed.digest, accountId: signed.signedBy, signedDocumentId: signed.id, at });
  await log(room, tx, 'amendment.offered', grantId, signed);
}

/**
 * The amendment takes the place of the version before, from this transaction's commit on. What it narrows is decided
 * again, and licences that it no longer holds inside are suspended in the same breath.
 */
async function enact(room: Room, tx: Tx, row: store.GrantRow, signed: Signed, by: string): Promise<void> {
  const at = room.clock.now();
  const { grantId } = row;
  const current = documentOf(row);
  const next = JSON.parse(signed.canonical) as GrantDocument;
  await store.insertSignature(tx, { grantId, version: next.version, digest: signed.digest, signedDocumentId: signed.id, at });
  if (narrows(compareGrants(termsOf(current), termsOf(next)))) {
    await room.gates.narrow(tx, await gateOf(room, tx, grantId), { reason: 'grant.amended', at, by });
  }
  await recontain(room, tx, grantId, { document: next, digest: signed.digest, at, by });
  await log(room, tx, 'grant.amended', grantId, signed);
}

async function gateOf(room: Room, tx: Tx, grantId: string): Promise<string> {
  const gate = await room.gates.ofGrant(tx, grantId);
  if (gate === null) throw new Error(`Grant ${grantId} has no gate.`);
  return gate.gateId;
}

async function revoke(room: Room, tx: Tx, actor: Actor, grantId: string, signature: SignatureInput): Promise<GrantView> {
  const at = room.clock.now();
  const { row } = await lockedGrant(room, tx, actor, grantId, 'revokeGrant');
  const current = mustBeInForce(row, at);
  const signed = await room.identity.completeSignature(tx, actor, signature, { documentType: 'revocation' });
  const expected = sha256Hex(canonicalJson(revocationDocument(current, row.digest)));
  if (signed.digest !== expected || signed.signedBy !== row.ownerAccountId) {
    throw new Refusal('grant_document_mismatch', 'What was signed does not revoke this version of the grant.');
  }
  await store.insertRevocation(tx, { grantId, signedDocumentId: signed.id, at });
  await store.setGrantState(tx, grantId, 'revoked');
  await room.gates.narrow(tx, await gateOf(room, tx, grantId), { state: 'stopped', reason: 'grant.revoked', at, by: actor.accountId });
  await log(room, tx, 'grant.revoked', grantId, signed);
  return grantView(await theGrant(tx, grantId), at);
}

/** The owner's verbs about grants, and what of them an agent may do: draft, sign, amend, revoke. */
export function makeGrants(room: Room) {
  const write = async <T>(key: IdempotencyKey, work: (tx: Tx) => Promise<T>): Promise<T> =>
    await room.runTx(async (tx) => await once(tx, key, async () => await work(tx)));

  return {
    draftGrant: (actor: Actor, key: IdempotencyKey, cloneId: string, terms: GrantTerms) =>
      write(key, (tx) => draft(room, tx, actor, cloneId, terms)),
    getGrant: (actor: Actor, grantId: string) =>
      room.runTx(async (tx) => grantView((await grantFor(room, tx, actor, grantId, 'getGrant')).row, room.clock.now())),
    signGrant: (actor: Actor, key: IdempotencyKey, grantId: string, signature: SignatureInput) =>
      write(key, (tx) => sign(room, tx, actor, grantId, signature)),
    draftAmendment: (actor: Actor, key: IdempotencyKey, grantId: string, changes: Partial<GrantTerms>) =>
      write(key, (tx) => amend(room, tx, actor, grantId, changes)),
    signAmendment: (actor: Actor, key: IdempotencyKey, grantId: string, signature: SignatureInput) =>
      write(key, (tx) => signAmended(room, tx, actor, grantId, signature)),
    revokeGrant: (actor: Actor, key: IdempotencyKey, grantId: string, signature: SignatureInput) =>
      write(key, (tx) => revoke(room, tx, actor, grantId, signature)),
    ...makeAmendments(room, async (tx, row, waiting) => {
      const signed = await room.identity.signedDocument(tx, waiting.ownersDocumentId);
      if (signed === null) throw new Error(`Amendment ${waiting.digest} has lost its signature.`);
      await enact(room, tx, row, signed, waiting.by);
    }),
  };
}
