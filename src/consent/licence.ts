import { Refusal } from '../kernel/refusals.ts';
import { compareGrants } from './compare.ts';
import type { GrantTerms } from './grant.ts';

/** `contracts/rights/licence.schema.json`. */
export interface LicenceDocument {
  type: 'benren.licence';
  schemaVersion: 1;
  licenceId: string;
  cloneId: string;
  grantId: string;
  /** The version of the grant inside which the terms were proven when this was drafted. */
  grantDigest: string;
  owner: { accountId: string; name: string };
  licensee: { accountId: string; name: string };
  exclusive: boolean;
  noticeDays: number;
  terms: GrantTerms;
}

export type LicenceState =
  | 'draft' | 'offered' | 'in_force' | 'suspended' | 'under_notice' | 'ended' | 'expired' | 'grant_ended';

/** The facts that a licence's state follows from. */
export interface LicenceFacts {
  document: LicenceDocument;
  signers: readonly string[];
  /** When the owner's notice runs out. */
  noticeEndsAt: Date | null;
  endedAt: Date | null;
  /** Whether the grant, as it is now, still holds it inside. */
  contained: boolean;
  grantState: string;
}

export function licenceState(facts: LicenceFacts, at: Date): LicenceState {
  const { document, signers } = facts;
  const now = at.getTime();
  if (facts.endedAt !== null && facts.endedAt.getTime() <= now) return 'ended';
  if (facts.noticeEndsAt !== null && facts.noticeEndsAt.getTime() <= now) return 'ended';
  if (now >= Date.parse(document.terms.validUntil)) return 'expired';
  if (!signers.includes(document.owner.accountId)) return 'draft';
  if (!signers.includes(document.licensee.accountId)) return 'offered';
  if (facts.grantState !== 'signed') return 'grant_ended';
  if (!facts.contained) return 'suspended';
  return facts.noticeEndsAt === null ? 'in_force' : 'under_notice';
}

/** Whether something may be made under it. */
export function runs(state: LicenceState): boolean {
  return state === 'in_force' || state === 'under_notice';
}

/** The members of a licence's terms that reach beyond the grant; empty when it lies inside. Sound, as `compareGrants` is. */
export function outside(grant: GrantTerms, licence: GrantTerms): string[] {
  const inside = (terms: GrantTerms): boolean => ['same', 'narrower'].includes(compareGrants(grant, terms));
  if (inside(licence)) return [];
  const members = (Object.keys(grant) as (keyof GrantTerms)[]).filter((name) => !inside({ ...grant, [name]: licence[name] }));
  return members.length > 0 ? members : ['terms'];
}

export function contains(grant: GrantTerms, licence: GrantTerms): boolean {
  return outside(grant, licence).length === 0;
}

const meet = (a: readonly string[], b: readonly string[]): boolean => a.some((item) => b.includes(item));

/** Whether both speak of the same use somewhere, some time: an exclusive licence bears no other there. */
export function overlap(one: GrantTerms, other: GrantTerms): boolean {
  const can = ({ capabilities }: GrantTerms): string[] => Object.entries(capabilities).filter(([, yes]) => yes).map(([name]) => name);
  const names = ({ purposes }: GrantTerms): string[] => purposes.map(({ name }) => name);
  return meet(can(one), can(other)) && meet(one.territories, other.territories) && meet(names(one), names(other))
    && one.validFrom < other.validUntil && other.validFrom < one.validUntil;
}

/** Refuses `licence_outside_grant`, naming every member that reaches out. */
export function refuseOutside(grant: GrantTerms, licence: GrantTerms): void {
  const members = outside(grant, licence);
  if (members.length > 0) {
    throw new Refusal('licence_outside_grant', `A licence allows nothing that the grant does not: look at ${members.join(', ')}.`, { extra: { members } });
  }
}
