import { cleanName } from '../identity/model.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import { isProvenAt, type Language, type ProofView } from '../ownership/model.ts';

/** Nouns and decisions of clones and their versions: pure. */

export { cleanName, isProvenAt };
export type { Language };
/** `suspended` is approved on a proof that ran out: it serves again as soon as the clone stands on an approved one. */
export type VersionState = 'draft' | 'approved' | 'suspended' | 'withdrawn';
export type VersionMove = 'approve' | 'withdraw';

const MOVES: Readonly<Record<VersionState, Partial<Record<VersionMove, VersionState>>>> = {
  draft: { approve: 'approved', withdraw: 'withdrawn' },
  approved: { withdraw: 'withdrawn' },
  suspended: { withdraw: 'withdrawn' },
  withdrawn: {},
};

/** The state after a move. Refuses `version_state`. */
export function movedVersion(state: VersionState, move: VersionMove): VersionState {
  const next = MOVES[state][move];
  if (next === undefined) throw new Refusal('version_state', `A version that is ${state} cannot be asked to ${move}.`);
  return next;
}

export const ENROLMENT_VOICED_SECONDS = 5;
export const PERSONA_MIN_CHARACTERS = 200;
export const PERSONA_MAX_CHARACTERS = 20_000;

export interface Persona {
  text: string;
  languages: Language[];
  /** Unicode characters (code points) of the text as kept. */
  characters: number;
  digest: string;
}

/** A persona as it is kept and frozen: NFC, trimmed, counted in Unicode characters. */
export function readPersona(input: { text: string; languages: readonly Language[] }): Persona {
  if (!input.text.isWellFormed()) throw new Refusal('request_invalid', 'The text holds a lone surrogate.');
  const text = input.text.normalize('NFC').trim();
  const characters = Array.from(text).length;
  if (characters < PERSONA_MIN_CHARACTERS) {
    throw new Refusal('persona_too_short', `A persona needs at least ${PERSONA_MIN_CHARACTERS} characters.`, {
      extra: { neededCharacters: PERSONA_MIN_CHARACTERS, characters },
    });
  }
  if (characters > PERSONA_MAX_CHARACTERS) {
    throw new Refusal('request_invalid', `A persona has at most ${PERSONA_MAX_CHARACTERS} characters.`);
  }
  const languages = [...new Set(input.languages)].sort();
  return { text, languages, characters, digest: sha256Hex(canonicalJson({ text, languages })) };
}

/** The models that speak, as the signed document names them. A model's digest identifies it; its measurements do not. */
export function voiceLineage(voice: { name: string; lineage: string; sampleRateHz: number }): Record<string, string> {
  return { voiceName: voice.name, voiceSha256: voice.lineage, voiceSampleRateHz: String(voice.sampleRateHz) };
}

/** The speaker as it stands in the signed document: eight decimals. What renders is read back from these. */
export function speakerTexts(speaker: readonly number[]): string[] {
  if (speaker.length !== 8 || speaker.some((value) => !Number.isFinite(value) || Math.abs(value) >= 10_000)) {
    throw new Error('A speaker is eight finite numbers.');
  }
  // Minus zero would be another text for the same voice.
  return speaker.map((value) => value.toFixed(6).replace(/^-(0\.0+)$/, '$1'));
}

export interface VersionApproval {
  type: 'benren.version_approval';
  schemaVersion: 1;
  versionId: string;
  cloneId: string;
  cloneName: string;
  accountId: string;
  number: string;
  materialDigest: string;
  personaDigest: string;
  policyDigest: string;
  lineage: Record<string, string>;
  languages: Language[];
  speaker: string[];
  at: string;
}

export function approvalDocument(version: Omit<VersionApproval, 'type' | 'schemaVersion' | 'number' | 'at'> & {
  number: number; at: Date;
}): VersionApproval {
  return {
    ...version, type: 'benren.version_approval', schemaVersion: 1, number: String(version.number), at: version.at.toISOString(),
  };
}

export function digestOf(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}

/**
 * Whether a version may be approved now. Refuses `version_state`, `ownership_unproven` and `lineage_changed`, in the
 * order in which the owner can do something about them.
 */
export function checkApprovable(facts: {
  state: VersionState;
  number: number;
  /** The highest number approved so far; 0 when none is. */
  servingNumber: number;
  proof: ProofView | null;
  now: Date;
  probesHeard: boolean;
  frozen: { lineage: JsonObject; policyDigest: string };
  current: { lineage: JsonObject; policyDigest: string };
}): void {
  movedVersion(facts.state, 'approve');
  if (facts.number < facts.servingNumber) {
    throw new Refusal('version_state', `Version ${facts.servingNumber} is approved already; an earlier one cannot follow it.`);
  }
  if (facts.proof === null || !isProvenAt(facts.proof, facts.now)) {
    throw new Refusal('ownership_unproven', 'The ownership proof of this clone is not approved, or no longer: no proof, no clone.');
  }
  const unchanged = canonicalJson(facts.frozen.lineage) === canonicalJson(facts.current.lineage)
    && facts.frozen.policyDigest === facts.current.policyDigest;
  if (!unchanged) {
    throw new Refusal('lineage_changed', 'The models or the house policy have changed since this version was frozen; make a new one.');
  }
  if (!facts.probesHeard) {
    throw new Refusal('version_state', 'Request the probe sentences of this version and hear them before you approve it.');
  }
}

/** The badge: the reviewers saw this very name, and their approval holds now. */
export function isVerified(clone: { name: string }, proof: ProofView | null, at: Date): boolean {
  return proof !== null && isProvenAt(proof, at) && proof.subjectName === clone.name;
}
