import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { covers, delegationFor, isDelegable, type OwnerVerb } from './delegation.ts';
import * as delegations from './delegation-store.ts';
import type { ConsentDeps } from './service.ts';
import { isFrozen } from './succession.ts';
import * as successions from './succession-store.ts';

/** As what somebody acts: who holds the clone's rights, or that person's agent under one delegation. */
export interface Standing {
  /** The owner, or the heir to whom her estate has passed. */
  ownerAccountId: string;
  delegationId: string | null;
  /** Set when the rights are an heir's: until when anything may run. */
  estate: { sunset: Date } | null;
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
  /** As what the actor may do this; null for a stranger and for whatever is not theirs to do. Records nothing. */
  mayAct(tx: Tx, actor: Actor, ownerAccountId: string, verb: OwnerVerb, at: Date, cloneId: string): Promise<Standing | null>;
  /**
   * As what the actor does this, in the caller's transaction. An agent's act is kept beside what it did, and its
   * delegation cannot end before this commits.
   *
   * @throws Refusal `not_found` for strangers and unknown clones alike; `delegation_never`, `delegation_verb`,
   * `delegation_limit`, `delegation_state` for an agent; `estate_frozen`, `estate_limit` after a death
   */
  act(tx: Tx, act: Act): Promise<Standing>;
  /** Who holds the rights of a clone: its owner, or her heir; null for an unknown clone. */
  rightsHolder(tx: Tx, cloneId: string): Promise<string | null>;
}

/** What an heir can do with an estate: keep it, read it, take away, end it, and sign what the owner allowed. */
const HEIR_VERBS: readonly OwnerVerb[] = [
  'getGrant', 'draftGrant', 'signGrant', 'draftAmendment', 'signAmendment', 'revokeGrant', 'pauseClone', 'resumeClone', 'orderStop',
];
/** What somebody who was reported dead can still do before they have declared that they live: read, and take away. */
const UNDER_REPORT: readonly OwnerVerb[] = ['getGrant', 'pauseClone', 'revokeGrant', 'orderStop'];

/** Midnight of the business day, which is east of Greenwich. */
function startOfDay(at: Date): Date {
  return new Date(`${dayOf(at)}T00:00:00+08:00`);
}

async function actAsAgent(deps: Pick<ConsentDeps, 'ownership'>, tx: Tx, proofId: string, ownerAccountId: string, asked: Act): Promise<Standing> {
  const { actor, cloneId, verb, subjectId, at } = asked;
  const between = (): Promise<delegations.DelegationRow[]> => delegations.delegationsBetween(tx, ownerAccountId, actor.accountId);
  for (const { delegationId } of await between()) await delegations.lockDelegation(tx, delegationId);
  // Read under their locks: one that was taken back meanwhile is gone.
  const covering = (await between()).filter((one) => covers(one, cloneId, at));
  if (covering.length === 0) throw notFound();
  const { delegationId, document, verb: named } = delegationFor(covering, verb);
  const proof = await deps.ownership.proof(tx, proofId);
  if (proof?.state !== 'approved' || proof.expiresAt === null || at.getTime() >= proof.expiresAt.getTime()) {
    throw new Refusal('delegation_state', 'The owner’s proof has ended; nobody acts in their name until it is renewed.');
  }
  if (document.actsPerDay !== null && (await delegations.countActsSince(tx, delegationId, startOfDay(at))) >= document.actsPerDay) {
    throw new Refusal('delegation_limit', 'The delegation allows no further acts today.', {
      extra: { actsPerDay: document.actsPerDay, again: addDays(dayOf(at), 1) },
    });
  }
  await delegations.insertAct(tx, { delegationId, verb: named, cloneId, subjectId, actor: actor.accountId, at });
  return { ownerAccountId, delegationId, estate: null };
}

/** What a death has to say first: a standing, a refusal, or null when nobody has died. */
async function afterDeath(tx: Tx, ownerAccountId: string, accountId: string, verb: OwnerVerb): Promise<Standing | Refusal | null> {
  const [estate, report] = await Promise.all([successions.estateOf(tx, ownerAccountId), successions.openCaseOf(tx, ownerAccountId)]);
  if (estate !== null) {
    if (estate.holderAccountId !== accountId) return notFound();
    if (HEIR_VERBS.includes(verb)) return { ownerAccountId: accountId, delegationId: null, estate: { sunset: estate.sunset } };
    return new Refusal('estate_limit', 'An heir keeps, narrows and ends what the owner left, and signs what she allowed; this is none of it.', { extra: { verb } });
  }
  if (report === null || !isFrozen(report.state)) return null;
  if (accountId !== ownerAccountId) return notFound();
  if (UNDER_REPORT.includes(verb)) return null;
  return new Refusal('estate_frozen', 'Your death was reported. Declare with your passkey that you live, then go on.', { extra: { caseId: report.caseId } });
}

export function makeAuthority(deps: Pick<ConsentDeps, 'clones' | 'ownership'>): Authority {
  return {
    async mayAct(tx, actor, ownerAccountId, verb, at, cloneId) {
      const late = await afterDeath(tx, ownerAccountId, actor.accountId, verb);
      if (late !== null) return late instanceof Refusal ? null : late;
      if (actor.accountId === ownerAccountId) return { ownerAccountId, delegationId: null, estate: null };
      if (!isDelegable(verb)) return null;
      const found = (await delegations.delegationsBetween(tx, ownerAccountId, actor.accountId))
        .find((one) => covers(one, cloneId, at) && one.document.verbs.includes(verb));
      return found === undefined ? null : { ownerAccountId, delegationId: found.delegationId, estate: null };
    },
    async act(tx, asked) {
      const clone = await deps.clones.clone(tx, asked.cloneId);
      if (clone === null) throw notFound();
      const { ownerAccountId, ownershipProofId } = clone;
      const late = await afterDeath(tx, ownerAccountId, asked.actor.accountId, asked.verb);
      if (late instanceof Refusal) throw late;
      if (late !== null) return late;
      if (ownerAccountId === asked.actor.accountId) return { ownerAccountId, delegationId: null, estate: null };
      return await actAsAgent(deps, tx, ownershipProofId, ownerAccountId, asked);
    },
    async rightsHolder(tx, cloneId) {
      const clone = await deps.clones.clone(tx, cloneId);
      if (clone === null) return null;
      return (await successions.estateOf(tx, clone.ownerAccountId))?.holderAccountId ?? clone.ownerAccountId;
    },
  };
}
