import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { Authority } from './authority.ts';
import {
  checkedDelegation, type DelegableVerb, type DelegationDocument, type DelegationState, delegationState, type DelegationTerms, NEVER,
} from './delegation.ts';
import * as store from './delegation-store.ts';
import type { ConsentDeps, SignatureInput } from './service.ts';

export interface DelegationView {
  delegationId: string;
  state: DelegationState;
  document: DelegationDocument;
  canonical: string;
  digest: string;
  signatures: { signer: string; signedDocumentId: string; signedAt: string }[];
  endedAt: string | null;
  endedBy: string | null;
}

export interface DelegatedActView {
  verb: DelegableVerb;
  cloneId: string;
  subjectId: string;
  actor: string;
  at: string;
}

type Room = ConsentDeps & { authority: Authority };

async function view(tx: Tx, row: store.DelegationRow, at: Date): Promise<DelegationView> {
  const signatures = await store.delegationSignatures(tx, row.delegationId);
  return {
    delegationId: row.delegationId, state: delegationState(row, at), document: row.document, canonical: row.canonical, digest: row.digest,
    signatures: signatures.map((one) => ({ ...one, signedAt: one.signedAt.toISOString() })),
    endedAt: row.endedAt?.toISOString() ?? null, endedBy: row.endedBy,
  };
}

/** For its two parties; for everybody else it does not exist. */
async function party(tx: Tx, actor: Actor, delegationId: string): Promise<store.DelegationRow> {
  const row = await store.findDelegation(tx, delegationId);
  if (row === null || ![row.ownerAccountId, row.agentAccountId].includes(actor.accountId)) throw notFound();
  return row;
}

async function locked(tx: Tx, actor: Actor, delegationId: string): Promise<store.DelegationRow> {
  await party(tx, actor, delegationId);
  await store.lockDelegation(tx, delegationId);
  return await party(tx, actor, delegationId);
}

async function draft(room: Room, tx: Tx, actor: Actor, asked: DelegationTerms): Promise<DelegationView> {
  const at = room.clock.now();
  for (const cloneId of asked.cloneIds) await room.authority.act(tx, { actor, cloneId, verb: 'draftDelegation', subjectId: cloneId, at });
  const { agentAccountId, verbs, cloneIds, actsPerDay, validFrom, validUntil } = checkedDelegation(actor.accountId, asked, at);
  const owner = await room.identity.account(tx, actor.accountId);
  const agent = await room.identity.account(tx, agentAccountId);
  if (owner === null || agent === null) throw new Refusal('account_unknown', 'There is no account of this number to act for you.');
  const document: DelegationDocument = {
    type: 'benren.delegation', schemaVersion: 1, delegationId: room.ids.next('delegation'),
    owner: { accountId: owner.accountId, name: owner.displayName }, agent: { accountId: agent.accountId, name: agent.displayName },
    verbs, never: NEVER, cloneIds, actsPerDay, validFrom, validUntil,
  };
  const canonical = canonicalJson(document);
  await store.insertDelegation(tx, { document, canonical, digest: sha256Hex(canonical), at });
  return await view(tx, await party(tx, actor, document.delegationId), at);
}

/** Offered by the owner's signature, accepted by the agent's: in their own name, over the same bytes. */
async function sign(room: Room, tx: Tx, actor: Actor, delegationId: string, signature: SignatureInput): Promise<DelegationView> {
  const at = room.clock.now();
  const row = await locked(tx, actor, delegationId);
  const waitsFor: Partial<Record<DelegationState, string>> = { draft: row.ownerAccountId, offered: row.agentAccountId };
  const state = delegationState(row, at);
  if (waitsFor[state] !== actor.accountId) {
    throw new Refusal('delegation_state', `The delegation is ${state.replace('_', ' ')}; it does not wait for your signature.`);
  }
  const signed = await room.identity.completeSignature(tx, actor, signature, { documentType: 'delegation' });
  if (signed.digest !== row.digest) throw new Refusal('signature_mismatch', 'What was signed is not this delegation.');
  await store.insertDelegationSignature(tx, { delegationId, accountId: actor.accountId, signedDocumentId: signed.id, at });
  if (state === 'offered') {
    await room.transparency.append(tx, {
      type: 'delegation.signed', subjectId: delegationId, at, document: signed.document, evidenceSha256: signed.evidenceSha256,
    });
  }
  return await view(tx, await party(tx, actor, delegationId), at);
}

/** What the log holds of an end. */
export function delegationEnd(delegationId: string, digest: string, by: string, at: Date) {
  return { type: 'benren.delegation_end', schemaVersion: 1, delegationId, digest, by, at: at.toISOString() };
}

/** It only narrows, so it needs no passkey; it waits for an act under way, and none begins after it. */
async function end(room: Room, tx: Tx, actor: Actor, delegationId: string): Promise<DelegationView> {
  const row = await locked(tx, actor, delegationId);
  const at = room.clock.now();
  if (row.endedAt === null) {
    await store.insertDelegationEnd(tx, { delegationId, by: actor.accountId, at });
    await room.transparency.append(tx, {
      type: 'delegation.ended', subjectId: delegationId, at,
      document: delegationEnd(delegationId, row.digest, actor.accountId, at),
    });
  }
  return await view(tx, await party(tx, actor, delegationId), at);
}

/** Letting somebody act, accepting it, and taking it back. */
export function makeDelegations(room: Room) {
  const { runTx, clock } = room;
  const write = async <T>(key: IdempotencyKey, work: (tx: Tx) => Promise<T>): Promise<T> =>
    await runTx(async (tx) => await once(tx, key, async () => await work(tx)));

  return {
    draftDelegation: (actor: Actor, key: IdempotencyKey, terms: DelegationTerms) => write(key, (tx) => draft(room, tx, actor, terms)),
    getDelegation: (actor: Actor, delegationId: string) =>
      runTx(async (tx) => await view(tx, await party(tx, actor, delegationId), clock.now())),
    listDelegations: (actor: Actor) => runTx(async (tx) => {
      const delegations: DelegationView[] = [];
      for (const row of await store.delegationsOf(tx, actor.accountId)) delegations.push(await view(tx, row, clock.now()));
      return { delegations };
    }),
    signDelegation: (actor: Actor, key: IdempotencyKey, delegationId: string, signature: SignatureInput) =>
      write(key, (tx) => sign(room, tx, actor, delegationId, signature)),
    endDelegation: (actor: Actor, key: IdempotencyKey, delegationId: string) => write(key, (tx) => end(room, tx, actor, delegationId)),
    listDelegatedActs: (actor: Actor, delegationId: string, limit: number) => runTx(async (tx) => {
      await party(tx, actor, delegationId);
      const acts = await store.actsOf(tx, delegationId, limit);
      return { acts: acts.map((act): DelegatedActView => ({ ...act, at: act.at.toISOString() })) };
    }),
  };
}
