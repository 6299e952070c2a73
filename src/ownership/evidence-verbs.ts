import type { Ids } from '../kernel/ids.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Clock } from '../kernel/time.ts';
import type { IdempotencyKey, RunTx, Tx } from '../kernel/tx.ts';
import { answered, once } from '../platform/postgres/index.ts';
import type { Answer, Case, EvidenceRequest, EvidenceTypes, EvidenceVerifier, Kind, Verifiers } from './kinds/kind.ts';
import { acceptedKind, type Policy } from './levels.ts';
import { checkEvidenceUsable } from './model.ts';
import type { EvidenceRow, Found, ProofRow, RowOf } from './store.ts';
import * as store from './store.ts';
import { evidenceJson, type OwnershipEvidenceJson } from './views.ts';

export interface EvidenceDeps {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  policy: Policy;
  verifiers: Verifiers;
}

export interface EvidenceVerbs {
  /** Says what the person has to do. Refuses `evidence_not_accepted`, `proof_state` and what the kind refuses. */
  addEvidence(actor: Actor, key: IdempotencyKey, proofId: string, request: EvidenceRequest): Promise<OwnershipEvidenceJson>;
  /** Looks now. `url` names the page for kinds that leave it to the person. */
  checkEvidence(
    actor: Actor, key: IdempotencyKey, proofId: string, evidenceId: string, input: { url?: string | undefined },
  ): Promise<OwnershipEvidenceJson>;
  uploadEvidence(actor: Actor, key: IdempotencyKey, proofId: string, evidenceId: string, bytes: Uint8Array): Promise<OwnershipEvidenceJson>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export function caseOf(proof: ProofRow, evidenceId: string): Case {
  const { id: proofId, accountId, subjectName, subjectKind, claimantName } = proof;
  return { proofId, evidenceId, accountId, subjectName, subjectKind, claimantName };
}

async function lockMine(tx: Tx, actor: Actor, proofId: string): Promise<ProofRow> {
  const proof = await store.lockProof(tx, proofId);
  if (proof?.accountId !== actor.accountId) throw notFound();
  return proof;
}

/** The caller's own proof and this evidence of it; anything else does not exist. */
async function mine(tx: Tx, actor: Actor, proofId: string, evidenceId: string): Promise<{ proof: ProofRow; evidence: EvidenceRow }> {
  const proof = await lockMine(tx, actor, proofId);
  const evidence = await store.findEvidence(tx, evidenceId);
  if (evidence?.proofId !== proofId) throw notFound();
  return { proof, evidence };
}

function checkOpen(proof: ProofRow): void {
  if (proof.state !== 'open') throw new Refusal('proof_state', 'Evidence is added while the proof is open.');
}

/** What an examination found, with the time that it counts for. */
export async function examineRow<K extends Kind>(
  deps: Pick<EvidenceDeps, 'policy' | 'clock'>, verifiers: { readonly [P in K]: EvidenceVerifier<P> }, row: RowOf<K>, answer: Answer, about: Case,
): Promise<Found> {
  const verifier = verifiers[row.kind];
  if (verifier.answered !== answer.way) throw new Refusal('evidence_state', 'This evidence is of another kind: it is not answered like this.');
  const { finding, blobDigest, validUntil } = await verifier.examine(row.terms, answer, about);
  return found(deps, row.kind, { state: verifier.examinedState, finding, blobDigest, ends: validUntil ?? null });
}

/** The finding as it is written: dated now, and counting for the policy's term or until it ends by itself. */
export function found(
  { policy, clock }: Pick<EvidenceDeps, 'policy' | 'clock'>, kind: Kind,
  { ends, ...rest }: { state: Found['state']; finding: object; blobDigest: string | null; ends: Date | null },
): Found {
  const passedAt = clock.now();
  const term = passedAt.getTime() + acceptedKind(policy, kind).validDays * DAY_MS;
  return { ...rest, passedAt, validUntil: new Date(Math.min(term, ends?.getTime() ?? term)) };
}

/** Adding evidence: what must be asked of others first is asked outside, then one transaction writes. */
function makeAdding(deps: EvidenceDeps): Pick<EvidenceVerbs, 'addEvidence'> {
  const { runTx, clock, ids, policy, verifiers } = deps;

  async function add<K extends Kind>(
    kind: K, request: EvidenceTypes[K]['request'], call: { actor: Actor; key: IdempotencyKey; proofId: string },
  ): Promise<OwnershipEvidenceJson> {
    const { actor, key, proofId } = call;
    const { answerWithinMinutes } = acceptedKind(policy, kind);
    const verifier: EvidenceVerifier<K> = verifiers[kind];
    const evidenceId = ids.next('evidence');
    let prepared: unknown = null;
    if (verifier.prepare !== undefined) {
      const { proof, kept } = await runTx(async (tx) => ({ proof: await lockMine(tx, actor, proofId), kept: await answered(tx, key) }));
      if (kept !== null) return kept.answer as OwnershipEvidenceJson;
      checkOpen(proof);
      prepared = await verifier.prepare(request, caseOf(proof, evidenceId), `${key.scope}:${key.key}`);
    }
    return await runTx((tx) => once(tx, key, async () => {
      const proof = await lockMine(tx, actor, proofId);
      checkOpen(proof);
      const terms = await verifier.issue(tx, request, caseOf(proof, evidenceId), prepared);
      const createdAt = clock.now();
      const row = {
        id: evidenceId, proofId, kind, terms, state: 'pending', finding: null, blobDigest: null, passedAt: null, validUntil: null, createdAt,
        expiresAt: new Date(createdAt.getTime() + answerWithinMinutes * MINUTE_MS),
      } as EvidenceRow;
      await store.insertEvidence(tx, row);
      return evidenceJson(row, { address: verifier.address?.(prepared) ?? null });
    }));
  }

  return {
    addEvidence: (actor, key, proofId, { kind, ...request }) => add(kind, request, { actor, key, proofId }),
  };
}

/** Adding and examining evidence. What goes outside runs between two transactions, never in one. */
export function makeEvidenceVerbs(deps: EvidenceDeps): EvidenceVerbs {
  const { runTx, clock } = deps;

  /** Examines between two transactions; the second looks at the state again before it writes. */
  async function examine(
    call: { actor: Actor; key: IdempotencyKey; proofId: string; evidenceId: string }, answer: Answer,
  ): Promise<OwnershipEvidenceJson> {
    const { actor, key, proofId, evidenceId } = call;
    const before = await runTx(async (tx) => {
      const { proof, evidence } = await mine(tx, actor, proofId, evidenceId);
      const kept = await answered(tx, key);
      // Nothing is fetched, measured or kept for evidence that is over, nor for a repeat of what succeeded.
      if (kept === null) checkEvidenceUsable(evidence, proof.state, clock.now());
      return kept ?? { evidence, about: caseOf(proof, evidenceId) };
    });
    if ('answer' in before) return before.answer as OwnershipEvidenceJson;
    const { evidence: seen, about } = before;
    // What was found is not looked for again; a recording may be replaced by a better one.
    const asFound = seen.state === 'passed' && answer.way === 'check';
    const news = asFound ? null : await examineRow(deps, deps.verifiers, seen, answer, about);
    return await runTx((tx) => once(tx, key, async () => {
      const { proof, evidence } = await mine(tx, actor, proofId, evidenceId);
      if (news === null) return evidenceJson(evidence);
      checkEvidenceUsable(evidence, proof.state, clock.now());
      await store.recordFinding(tx, evidenceId, news);
      return evidenceJson({ ...evidence, ...news } as EvidenceRow);
    }));
  }

  return {
    ...makeAdding(deps),
    checkEvidence: (actor, key, proofId, evidenceId, { url }) =>
      examine({ actor, key, proofId, evidenceId }, { way: 'check', url: url ?? null }),
    uploadEvidence: (actor, key, proofId, evidenceId, bytes) => examine({ actor, key, proofId, evidenceId }, { way: 'upload', bytes }),
  };
}
