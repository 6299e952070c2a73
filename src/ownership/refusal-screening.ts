import type { Ids } from '../kernel/ids.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { type EnrolmentFinding, enrolmentLabels, type HoldKind, nearByLabels, PITCH_REACH_SEMITONES, VOICE_NEAR } from './refusal-model.ts';
import { keysOf } from './refusal-names.ts';
import type { RefusalRow } from './refusal-store.ts';
import * as store from './refusal-store.ts';
import type { VoiceInstrument, VoiceProfile } from './voice.ts';

/** Who or what is being enrolled, as the registry is asked about it. */
export interface Enrolment {
  enrollerId: string;
  proofId: string | null;
  cloneId: string | null;
  materialId: string | null;
  at: Date;
}

/** For the rooms in whose transactions something is enrolled. */
export interface Screening {
  /** A claim was opened under this name and handle. */
  screenProof(tx: Tx, claim: { proofId: string; accountId: string; name: string; handle: string; at: Date }): Promise<void>;
  /** A clone was made under this name and handle. */
  screenClone(tx: Tx, clone: { cloneId: string; accountId: string; name: string; handle: string; at: Date }): Promise<void>;
  /** A voice was enrolled. */
  screenVoice(tx: Tx, voice: { cloneId: string; materialId: string; accountId: string; profile: VoiceProfile; at: Date }): Promise<void>;
  /** Refuses `enrolment_held` while people have not cleared what comes near to a refusal. */
  checkProofNotHeld(tx: Tx, proofId: string): Promise<void>;
  checkCloneNotHeld(tx: Tx, cloneId: string, proofId: string): Promise<void>;
  /** Whether the account has an approved proof of anybody now. */
  isProvenPerson(tx: Tx, accountId: string, at: Date): Promise<boolean>;
  /** Refuses `refusal_in_force` for an account that said "none of me". */
  checkNotRefused(tx: Tx, accountId: string): Promise<void>;
}

const held = (): Refusal => new Refusal(
  'enrolment_held', 'This comes near to a person who wants no clone. It waits until two reviewers have looked at it; listEnrolmentHolds says more.');

/** Compares, and opens what people have to look at. A match with oneself is none. */
export function makeComparison(deps: { ids: Ids; inference: Pick<VoiceInstrument, 'compare'> }) {
  const { ids, inference } = deps;

  function voiceFindings(refusal: Pick<RefusalRow, 'voiceProfile'>, profile: VoiceProfile): EnrolmentFinding[] {
    if (refusal.voiceProfile === null) return [];
    const { distance } = inference.compare(refusal.voiceProfile, profile);
    return distance <= VOICE_NEAR ? [{ what: 'voice', distance: Math.round(distance * 1_000) / 1_000 }] : [];
  }

  function labelFindings(refusal: RefusalRow, called: { name: string; handle: string }): EnrolmentFinding[] {
    return nearByLabels({ ...refusal.document, provenName: refusal.provenName }, enrolmentLabels(called));
  }

  async function open(
    tx: Tx, refusal: Pick<RefusalRow, 'id' | 'accountId'>, enrolment: Enrolment,
    found: { kind: HoldKind; effect: 'holds' | 'flags'; findings: EnrolmentFinding[] },
  ): Promise<void> {
    if (found.findings.length === 0 || enrolment.enrollerId === refusal.accountId) return;
    const { enrollerId, proofId, cloneId, materialId, at } = enrolment;
    await store.insertHold(tx, {
      id: ids.next('enrolmentHold'), refusalId: refusal.id, registrantId: refusal.accountId, enrollerId, proofId, cloneId, materialId, ...found,
      openedAt: at,
    });
  }

  return { voiceFindings, labelFindings, open };
}

export function makeScreening(deps: { ids: Ids; inference: Pick<VoiceInstrument, 'compare'> }): Screening {
  const comparison = makeComparison(deps);

  async function screenLabels(tx: Tx, kind: 'proof' | 'clone', enrolment: Enrolment, called: { name: string; handle: string }): Promise<void> {
    await store.lockRegister(tx, 'read');
    const keys = keysOf(enrolmentLabels(called), 'enrolled');
    for (const refusal of await store.refusalsByKeys(tx, keys, enrolment.enrollerId)) {
      await comparison.open(tx, refusal, enrolment, { kind, effect: 'holds', findings: comparison.labelFindings(refusal, called) });
    }
  }

  return {
    screenProof: (tx, { proofId, accountId, at, ...called }) =>
      screenLabels(tx, 'proof', { enrollerId: accountId, proofId, cloneId: null, materialId: null, at }, called),
    screenClone: (tx, { cloneId, accountId, at, ...called }) =>
      screenLabels(tx, 'clone', { enrollerId: accountId, proofId: null, cloneId, materialId: null, at }, called),
    async screenVoice(tx, { cloneId, materialId, accountId, profile, at }) {
      await store.lockRegister(tx, 'read');
      const pitch = profile.f0MedianHz;
      if (pitch === null) return;
      const reach = 2 ** (PITCH_REACH_SEMITONES / 12);
      for (const refusal of await store.refusalsByPitch(tx, { lowHz: pitch / reach, highHz: pitch * reach }, accountId)) {
        const enrolment = { enrollerId: accountId, proofId: null, cloneId, materialId, at };
        await comparison.open(tx, refusal, enrolment, { kind: 'voice', effect: 'holds', findings: comparison.voiceFindings(refusal, profile) });
      }
    },
    async checkProofNotHeld(tx, proofId) {
      if (await store.isProofBlocked(tx, proofId)) throw held();
    },
    async checkCloneNotHeld(tx, cloneId, proofId) {
      if (await store.isCloneBlocked(tx, cloneId, proofId)) throw held();
    },
    isProvenPerson: (tx, accountId, at) => store.hasApprovedProof(tx, accountId, at),
    async checkNotRefused(tx, accountId) {
      if ((await store.inForceOf(tx, accountId)) !== null) {
        throw new Refusal('refusal_in_force', 'You want no clone of yourself, and that is in force; withdraw it before you make one.');
      }
    },
  };
}
