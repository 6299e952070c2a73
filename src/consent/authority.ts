import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { covers, delegationFor, isDelegable, type OwnerVerb } from './delegation.ts';
import * as store from './delegation-store.ts';
import type { ConsentDeps } from './service.ts';

/** As what somebody acts: the owner, or the owner's agent under one delegation. */
export interface Standing {
  ownerAccountId: string;
  delegationId: string | null;
}

/** One act upon a clone: `subjectId` is what it is about (the clone itself, a grant, an output). */
export interface Act {
  actor: Actor;
  cloneId: string;
  verb: OwnerVerb;
  subjectId: string;
  at: Date;
}

/** The one place that says who may act for a clone's owner. */
export interface Authority {
  /** As what the actor may do this; null for a stranger and for whatever no delegation names. Records nothing. */
  mayAct(tx: Tx, actor: Actor, ownerAccountId: string, verb: OwnerVerb, at: Date, cloneId: string): Promise<Standing | null>;
  /**
   * As what the actor does this, in the caller's transaction. An agent's act is kept beside what it did, and its
   * delegation cannot end before this commits.
   *
   * @throws Refusal `not_found` for strangers and unknown clones alike; `delegation_never`, `delegation_verb`,
   * `delegation_limit`, `delegation_state` for an agent
   */
  act(tx: Tx, act: Act): Promise<Standing>;
}

/** Midnight of the business day, which is east of Greenwich. */
function startOfDay(at: Date): Date {
  const day = dayOf(at);
  return new Date(`${day}T00:00:00+08:00`);
}

async function actAsAgent(deps: Pick<ConsentDeps, 'ownership'>, tx: Tx, proofId: string, ownerAccountId: string, asked: Act): Promise<Standing> {
  const { actor, cloneId, verb, subjectId, at } = asked;
  for (const { delegationId } of await store.delegationsBetween(tx, ownerAccountId, actor.accountId)) await store.lockDelegation(tx, delegationId);
  // Read under their locks: one that was taken back meanwhile is gone.
  const covering = (await store.delegationsBetween(tx, ownerAccountId, actor.accountId)).filter((one) => covers(one, cloneId, at));
  if (covering.length === 0) throw notFound();
  const { delegationId, document, verb: named } = delegationFor(covering, verb);
  const proof = await deps.ownership.proof(tx, proofId);
  if (proof?.state !== 'approved' || proof.expiresAt === null || at.getTime() >= proof.expiresAt.getTime()) {
    throw new Refusal('delegation_state', 'The owner’s proof has ended; nobody acts in their name until it is renewed.');
  }
  if (document.actsPerDay !== null && (await store.countActsSince(tx, delegationId, startOfDay(at))) >= document.actsPerDay) {
    throw new Refusal('delegation_limit', 'The delegation allows no further acts today.', {
      extra: { actsPerDay: document.actsPerDay, again: addDays(dayOf(at), 1) },
    });
  }
  await store.insertAct(tx, { delegationId, verb: named, cloneId, subjectId, actor: actor.accountId, at });
  return { ownerAccountId, delegationId };
}

export function makeAuthority(deps: Pick<ConsentDeps, 'clones' | 'ownership'>): Authority {
  return {
    async mayAct(tx, actor, ownerAccountId, verb, at, cloneId) {
      if (actor.accountId === ownerAccountId) return { ownerAccountId, delegationId: null };
      if (!isDelegable(verb)) return null;
      const found = (await store.delegationsBetween(tx, ownerAccountId, actor.accountId))
        .find((one) => covers(one, cloneId, at) && one.document.verbs.includes(verb));
      return found === undefined ? null : { ownerAccountId, delegationId: found.delegationId };
    },
    async act(tx, asked) {
      const clone = await deps.clones.clone(tx, asked.cloneId);
      if (clone === null) throw notFound();
      if (clone.ownerAccountId === asked.actor.accountId) return { ownerAccountId: clone.ownerAccountId, delegationId: null };
      return await actAsAgent(deps, tx, clone.ownershipProofId, clone.ownerAccountId, asked);
    },
  };
}
