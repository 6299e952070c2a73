import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import type { Authority } from './authority.ts';
import { decideWith } from './decide.ts';
import type { Answer, DecisionRequest, DecisionState } from './decision.ts';
import type { Gates, GateState } from './gates.ts';
import { documentOf } from './grants.ts';
import type { ReadGrant } from './prepare.ts';
import type { ConsentDeps } from './service.ts';
import * as store from './store.ts';

/** Whether what was released still stands: a pause ends, a withdrawal does not. */
export type ReadStanding = 'stands' | 'paused' | 'withdrawn';

/** What was released, under which grant and which gates, and what its owner said of it since. */
export interface ReleasedWork {
  cloneId: string;
  capability: string;
  grantId: string;
  gateIds: readonly string[];
  output: DecisionState['output'];
}

export interface Reading {
  /** Those that the release names and that are there. */
  gates: GateState[];
  /** What `decide` says of reading it at an instant, on what was seen. Pure. */
  at(at: Date): Answer & { standing: ReadStanding };
}

/**
 * What a denial of reading means for the file. A pause is lifted and a proof that ran out is renewed, so the file comes back;
 * everything else is for good, and so is a proof that was taken away.
 */
export function standingOf(answer: Answer, proof: DecisionState['ownership']): ReadStanding {
  if (answer.allowed) return 'stands';
  const ranOut = proof !== null && proof.expiresAt !== null && (proof.state === 'expired' || proof.state === 'approved');
  const comesBack = answer.clauses.every((clause) => clause === 'stop.paused' || (ranOut && clause === 'ownership.unproven'));
  return comesBack ? 'paused' : 'withdrawn';
}

type Room = Pick<ConsentDeps, 'clones' | 'ownership'> & {
  gates: Pick<Gates, 'read'>;
  authority: Pick<Authority, 'rightsHolder'>;
  platform: DecisionState['platform'];
  readOnce: (grant: { digest: string; document: unknown } | null) => ReadGrant;
};

const requestOf = ({ cloneId, capability }: ReleasedWork, at: Date): DecisionRequest => ({
  act: 'read', cloneId, capability, medium: '', language: '', audience: 'fan', requester: '', licensee: 'platform', tierName: null, declaredCountry: null,
  billingCountry: null, ageBand: null, purpose: '', work: null, source: null, text: '', labels: { adult: false, political: false, endorsements: [] },
  explicitLabel: true, seconds: 0, sale: null, at,
});

/** The gates first, then what they guard, as in a decision: whoever narrows anything later raises an epoch that was seen. */
export function makeReading(room: Room) {
  return {
    /** Whether a released file may be given out. @throws Refusal `not_found` where the clone or its grant is gone */
    async reading(tx: Tx, work: ReleasedWork): Promise<Reading> {
      const gates = await room.gates.read(tx, work.gateIds.map((gateId) => ({ gateId })));
      const clone = await room.clones.clone(tx, work.cloneId);
      const row = await store.loadGrant(tx, work.grantId);
      if (clone === null || row === null) throw new Refusal('not_found', 'What this was made under is not there.');
      const proof = await room.ownership.proof(tx, clone.ownershipProofId);
      const grant = { grantId: row.grantId, digest: row.digest, status: row.state, document: { ...documentOf(row) } };
      const read = room.readOnce(grant);
      const state: DecisionState = {
        clone: { cloneId: clone.cloneId, name: clone.name, ownerAccountId: (await room.authority.rightsHolder(tx, work.cloneId)) ?? clone.ownerAccountId },
        ownership: proof === null ? null : { proofId: proof.proofId, state: proof.state, expiresAt: proof.expiresAt?.toISOString() ?? null },
        version: null, grant, gates: gates.map((gate) => ({ ...gate, epoch: gate.epoch.toString() })), usage: [], output: work.output,
        deceasedAt: null, windDownSince: null, platform: room.platform,
      };
      return {
        gates,
        at(at) {
          const answer = decideWith(read, state, requestOf(work, at));
          return { ...answer, standing: standingOf(answer, state.ownership) };
        },
      };
    },
  };
}
