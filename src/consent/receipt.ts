import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { decide } from './decide.ts';
import type { Answer, ContentLabels, DecisionRequest, DecisionState, Usage } from './decision.ts';
import type { PlatformFacts } from './legal.ts';
import { isObject } from './shape.ts';

/** A request as a receipt holds it: the same, with its instant as text. */
export type RecordedRequest = Omit<DecisionRequest, 'at' | 'labels'> & { at: string; labels: ContentLabels & { endorsements: string[] } };

/** The state as a receipt holds it; there is none without a clone. */
export type RecordedState = Omit<DecisionState, 'clone' | 'gates' | 'grant' | 'licence' | 'usage' | 'platform'> & {
  clone: NonNullable<DecisionState['clone']>;
  grant: { grantId: string; digest: string; status: string; document: Record<string, unknown> } | null;
  licence?: { licenceId: string; digest: string; status: string; document: Record<string, unknown>; usage?: Usage[] };
  gates: DecisionState['gates'][number][];
  usage: Usage[];
  platform: PlatformFacts & { markingLayers: string[] };
};

/** `contracts/rights/decision-receipt.schema.json`. */
export interface DecisionReceiptDocument {
  type: 'benren.decision_receipt';
  schemaVersion: 2;
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
    type: 'benren.decision_receipt', schemaVersion: 2, decisionId, state,
    request: { ...request, labels: { ...request.labels, endorsements: [...request.labels.endorsements] }, at: request.at.toISOString() },
    stateDigest: sha256Hex(canonicalJson(state)), answer,
  };
}

export interface Replay {
  /** What the recorded inputs lead to today. */
  answer: Answer;
  /** Whether that, and the digest of the state, is what the receipt says. */
  same: boolean;
}

/** Whether the parts that `decide` reads have the kinds of values that it reads. */
function isReceipt(document: unknown): document is DecisionReceiptDocument {
  if (!isObject(document) || !isObject(document['request']) || !isObject(document['state']) || !isObject(document['answer'])) return false;
  const { request, state } = document;
  const { labels, sale } = request;
  const { gates, usage, platform, licence } = state;
  const ofLicence: unknown = isObject(licence) ? (licence['usage'] ?? []) : [];
  const texts = ['act', 'cloneId', 'capability', 'medium', 'language', 'audience', 'requester', 'licensee', 'purpose', 'text', 'at'];
  if (!texts.every((name) => typeof request[name] === 'string')) return false;
  if (!['clone', 'ownership', 'version', 'grant', 'output'].every((name) => state[name] === null || isObject(state[name]))) return false;
  if (!isObject(labels) || !Array.isArray(labels['endorsements'])) return false;
  if (sale !== null && !(isObject(sale) && typeof sale['priceMinor'] === 'string')) return false;
  if (!isObject(platform) || !Array.isArray(platform['markingLayers'])) return false;
  if (!['deceasedAt', 'windDownSince'].every((name) => state[name] === null || typeof state[name] === 'string')) return false;
  return Array.isArray(gates) && gates.every((gate: unknown) => isObject(gate) && typeof gate['epoch'] === 'string')
    && Array.isArray(usage) && usage.every(isObject) && Array.isArray(ofLicence) && ofLicence.every(isObject);
}

/**
 * Decides again from a receipt alone: no database, no network, no clock. The signature is checked apart, by
 * `verifyReceipt`. What is not a receipt replays to a denial, not to an error.
 */
export function replay(document: unknown): Replay {
  if (!isReceipt(document)) return { answer: { allowed: false, clauses: ['receipt.unreadable'] }, same: false };
  const answer = decide(document.state, { ...document.request, at: new Date(document.request.at) });
  const same = canonicalJson(answer) === canonicalJson(document.answer)
    && sha256Hex(canonicalJson(document.state)) === document.stateDigest;
  return { answer, same };
}
