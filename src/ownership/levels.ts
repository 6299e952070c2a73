import { Refusal } from '../kernel/refusals.ts';

/** Who is verified by what: pure. The table itself is configuration (`policy.json`); nothing here names a set. */

export const SUBJECT_KINDS = ['public_figure', 'private_person', 'representative', 'heir', 'guardian'] as const;
/** Who the claimant is: the person themself (the first two), or somebody who acts for the person. */
export type SubjectKind = (typeof SUBJECT_KINDS)[number];
export type ActingKind = Extract<SubjectKind, 'representative' | 'heir' | 'guardian'>;
export const ACTING_KINDS: readonly SubjectKind[] = ['representative', 'heir', 'guardian'];

/** The kind, when it acts for somebody else; null when it claims for itself. */
export function actingKind(kind: SubjectKind): ActingKind | null {
  return kind === 'representative' || kind === 'heir' || kind === 'guardian' ? kind : null;
}

export const EVIDENCE_KINDS = [
  'domain', 'public_account', 'voice_challenge', 'video_challenge', 'document', 'identity_provider', 'vouching', 'representation',
] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/**
 * What a kind shows. Papers can be stolen, bought and painted, an identity card with a selfie as well as any other: a set
 * of nothing but papers verifies nobody, whatever the policy says.
 */
export const SHOWS: Readonly<Record<EvidenceKind, 'control' | 'presence' | 'papers' | 'word'>> = {
  domain: 'control',
  public_account: 'control',
  voice_challenge: 'presence',
  video_challenge: 'presence',
  document: 'papers',
  identity_provider: 'papers',
  representation: 'papers',
  vouching: 'word',
};

export interface EvidencePolicy {
  strength: number;
  answerWithinMinutes: number;
  validDays: number;
  recheck?: { everyDays: number; graceDays: number };
}

export interface LevelPolicy {
  validDays: number;
  leastStrength: number;
  anyOf: readonly (readonly EvidenceKind[])[];
}

export interface Policy {
  schemaVersion: 1;
  evidence: Readonly<Partial<Record<EvidenceKind, EvidencePolicy>>>;
  levels: Readonly<Partial<Record<SubjectKind, LevelPolicy>>>;
  review: { leaseMinutes: number; appealWithinDays: number; figuresOverDays: number };
  documents: { destroyDaysAfterDecision: number; destroyDaysUndecided: number };
}

const isEvidenceKind = (text: string): text is EvidenceKind => (EVIDENCE_KINDS as readonly string[]).includes(text);

/** What is wrong with a policy beyond its form: a level that evidence could not reach, or that papers alone would. */
export function policyProblems(policy: Policy): string[] {
  const problems: string[] = [];
  for (const [subject, level] of Object.entries(policy.levels)) {
    for (const set of level.anyOf) {
      const name = `levels.${subject}: [${set.join(', ')}]`;
      const unknown = set.filter((kind) => !isEvidenceKind(kind) || policy.evidence[kind] === undefined);
      if (unknown.length > 0) {
        problems.push(`${name}: no such evidence: ${unknown.join(', ')}`);
        continue;
      }
      if (set.every((kind) => SHOWS[kind] === 'papers')) problems.push(`${name}: papers alone never verify anybody`);
      const sum = set.reduce((total, kind) => total + (policy.evidence[kind]?.strength ?? 0), 0);
      if (sum < level.leastStrength) problems.push(`${name}: strength ${sum} of ${level.leastStrength}`);
      const acting = (ACTING_KINDS as readonly string[]).includes(subject);
      if (acting && !set.includes('representation')) problems.push(`${name}: who acts for another shows their authority`);
    }
  }
  for (const kind of ['document', 'voice_challenge', 'video_challenge', 'identity_provider', 'vouching', 'representation'] as const) {
    if (policy.evidence[kind]?.recheck !== undefined) problems.push(`evidence.${kind}: there is nothing to look for again`);
  }
  return problems;
}

/** A kind's terms in the policy. Refuses `evidence_not_accepted` for a kind that the policy does not name. */
export function acceptedKind(policy: Policy, kind: EvidenceKind): EvidencePolicy {
  const found = policy.evidence[kind];
  if (found === undefined) throw new Refusal('evidence_not_accepted', 'This kind of evidence is not accepted here.');
  return found;
}

export interface Reached {
  set: readonly EvidenceKind[];
  validDays: number;
}

/**
 * The first set of the subject's level that these kinds fill. Refuses `proof_incomplete` with what is missing of the
 * nearest set, and with all sets; with none when the policy has no row for such a subject.
 */
export function reach(policy: Policy, subjectKind: SubjectKind, counting: readonly EvidenceKind[]): Reached {
  const level = policy.levels[subjectKind];
  const sets = level?.anyOf ?? [];
  const gaps = sets.map((set) => ({ set, missing: set.filter((kind) => !counting.includes(kind)) }));
  const [nearest] = gaps.toSorted((a, b) => a.missing.length - b.missing.length);
  if (level === undefined || nearest === undefined) {
    throw new Refusal('proof_incomplete', 'Nobody of this kind is verified here.', { extra: { missing: [], anyOf: [] } });
  }
  if (nearest.missing.length === 0) return { set: nearest.set, validDays: level.validDays };
  throw new Refusal('proof_incomplete', 'More evidence is needed first: what is missing is listed.', {
    extra: { missing: nearest.missing, anyOf: sets },
  });
}
