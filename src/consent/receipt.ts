import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { type Answer, decide, type DecisionRequest, type DecisionState } from './decide.ts';

/** A request as a receipt holds it: the same, with its instant as text. */
export type RecordedRequest = Omit<DecisionRequest, 'at'> & { at: string };

/** The state as a receipt holds it; there is none without a clone. */
export type RecordedState = Omit<DecisionState, 'clone' | 'gates' | 'grant'> & {
  clone: NonNullable<DecisionState['clone']>;
  grant: { grantId: string; digest: string; status: string; document: Record<string, unknown> } | null;
  gates: DecisionState['gates'][number][];
};

/** `contracts/rights/decision-receipt.schema.json`. */
export interface DecisionReceiptDocument {
  type: 'benren.decision_receipt';
  schemaVersion: 1;
  decisionId: string;
  request: RecordedRequest;
  state: RecordedState;
  /** SHA-256 of the state's canonical form. */
  stateDigest: string;
  answer: Answer;
}

export function recordDecision(
  decisionId: string, state: RecordedState, request: DecisionRequest, answer: Answer,
): DecisionReceiptDocument {
  return {
    type: 'benren.decision_receipt', schemaVersion: 1, decisionId, request: { ...request, at: request.at.toISOString() },
    state, stateDigest: sha256Hex(canonicalJson(state)), answer,
  };
}

export interface Replay {
  /** What the recorded inputs lead to today. */
  answer: Answer;
  /** Whether that, and the digest of the state, is what the receipt says. */
  same: boolean;
}

/**
 * Decides again from a receipt alone: no database, no network, no clock. The signature is checked apart, by
 * `verifyReceipt`. A document that is not a receipt replays to a denial, not to an error.
 */
export function replay(document: DecisionReceiptDocument): Replay {
  const answer = decide(document.state as DecisionState & { grant: { document: Json } | null }, {
    ...document.request, at: new Date(document.request.at),
  });
  const same = canonicalJson(answer) === canonicalJson(document.answer)
    && sha256Hex(canonicalJson(document.state)) === document.stateDigest;
  return { answer, same };
}
