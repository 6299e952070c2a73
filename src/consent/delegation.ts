import { Refusal } from '../kernel/refusals.ts';
import type { Change } from './compare.ts';

/** What an owner may let somebody do, by the names of the operations. Whatever is not here cannot be delegated. */
export const DELEGABLE_VERBS = ['getGrant', 'draftGrant', 'draftAmendment', 'signAmendment', 'pauseClone', 'resumeClone'] as const;
export type DelegableVerb = (typeof DELEGABLE_VERBS)[number];

/** What an agent is told apart from a stranger about, and refused all the same: it stays with the owner. */
export const NEVER_VERBS = [
  'orderStop', 'signGrant', 'revokeGrant', 'widenGrant', 'draftDelegation', 'signDelegation', 'draftSuccession', 'signSuccession',
] as const;
export type NeverVerb = (typeof NEVER_VERBS)[number];
export type OwnerVerb = DelegableVerb | NeverVerb;

/** As it stands in the document, so that both read it before they sign. */
export type Never = ['existence_stop', 'signing_or_revoking_a_grant', 'widening', 'delegating', 'naming_heirs'];
export const NEVER: Never = ['existence_stop', 'signing_or_revoking_a_grant', 'widening', 'delegating', 'naming_heirs'];

export interface DelegationTerms {
  agentAccountId: string;
  verbs: DelegableVerb[];
  cloneIds: string[];
  /** Acts on one calendar day; null sets no limit. */
  actsPerDay: number | null;
  /** Instants; from inclusive, until exclusive. */
  validFrom: string;
  validUntil: string;
}

/** `contracts/rights/delegation.schema.json`. */
export interface DelegationDocument extends Omit<DelegationTerms, 'agentAccountId'> {
  type: 'benren.delegation';
  schemaVersion: 1;
  delegationId: string;
  owner: { accountId: string; name: string };
  agent: { accountId: string; name: string };
  never: Never;
}

export type DelegationState = 'draft' | 'offered' | 'in_force' | 'ended' | 'expired';

/** The facts that a delegation's state follows from. */
export interface DelegationFacts {
  document: DelegationDocument;
  signers: readonly string[];
  endedAt: Date | null;
}

const LONGEST_YEARS = 3;

/** Refuses `delegation_invalid`. Instants come out in UTC with milliseconds. */
export function checkedDelegation(ownerAccountId: string, terms: DelegationTerms, now: Date): DelegationTerms {
  const [from, until] = [new Date(terms.validFrom), new Date(terms.validUntil)];
  const invalid = (detail: string): Refusal => new Refusal('delegation_invalid', detail);
  if (Number.isNaN(from.getTime()) || Number.isNaN(until.getTime())) throw invalid('The term is not made of instants.');
  const longest = new Date(from);
  longest.setUTCFullYear(longest.getUTCFullYear() + LONGEST_YEARS);
  if (until <= from || until <= now) throw invalid('The delegation would be over before it starts.');
  if (until > longest) throw invalid(`A delegation runs for at most ${LONGEST_YEARS} years.`);
  if (terms.agentAccountId === ownerAccountId) throw invalid('Nobody is their own agent.');
  return { ...terms, validFrom: from.toISOString(), validUntil: until.toISOString() };
}

/** Signed by the owner it is offered, accepted by the agent it is in force, within its term, until it is ended. */
export function delegationState({ document, signers, endedAt }: DelegationFacts, at: Date): DelegationState {
  if (endedAt !== null && endedAt.getTime() <= at.getTime()) return 'ended';
  if (at.getTime() >= Date.parse(document.validUntil)) return 'expired';
  if (!signers.includes(document.owner.accountId)) return 'draft';
  return signers.includes(document.agent.accountId) ? 'in_force' : 'offered';
}

/** Whether it covers a clone at an instant, whatever the verb. */
export function covers(facts: DelegationFacts, cloneId: string, at: Date): boolean {
  const { document } = facts;
  return delegationState(facts, at) === 'in_force' && at.getTime() >= Date.parse(document.validFrom) && document.cloneIds.includes(cloneId);
}

export function isDelegable(verb: string): verb is DelegableVerb {
  return (DELEGABLE_VERBS as readonly string[]).includes(verb);
}

/** Whether an amendment is one that an agent may sign. */
export function onlyNarrowing(change: Change): boolean {
  return change === 'narrower' || change === 'same';
}

/** The verb's own answer for an agent: their delegation, or a refusal that says why not. */
export function delegationFor<Facts extends DelegationFacts>(covering: readonly Facts[], verb: OwnerVerb): Facts & { verb: DelegableVerb } {
  if (!isDelegable(verb)) {
    throw new Refusal('delegation_never', 'This stays with the owner: no delegation covers it, whatever it says.', { extra: { verb } });
  }
  const found = covering.find(({ document }) => document.verbs.includes(verb));
  if (found === undefined) throw new Refusal('delegation_verb', 'Your delegation does not name this act.', { extra: { verb } });
  return { ...found, verb };
}
