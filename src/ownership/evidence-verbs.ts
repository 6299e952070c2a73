import type { Ids } from '../kernel/ids.ts';
import type { Random } from '../kernel/random.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Clock } from '../kernel/time.ts';
import type { IdempotencyKey, RunTx, Tx } from '../kernel/tx.ts';
import type { Blobs } from '../platform/blobs/index.ts';
import type { SafeFetch } from '../platform/fetch/index.ts';
import { answered, once } from '../platform/postgres/index.ts';
import { type DomainFinding, makeDomainVerifier, makeVoiceVerifier, type VoiceFinding } from './evidence.ts';
import { checkEvidenceUsable, type Language } from './model.ts';
import type { EvidenceRow, ProofRow } from './store.ts';
import * as store from './store.ts';
import { evidenceJson, type OwnershipEvidenceJson } from './views.ts';
import type { VoiceInstrument } from './voice.ts';

interface EvidenceDeps {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  random: Random;
  fetcher: SafeFetch;
  blobs: Blobs;
  inference: VoiceInstrument;
}

export interface EvidenceVerbs {
  addDomainEvidence(actor: Actor, key: IdempotencyKey, proofId: string, input: { site: string }): Promise<OwnershipEvidenceJson>;
  checkDomainEvidence(actor: Actor, key: IdempotencyKey, proofId: string, evidenceId: string): Promise<OwnershipEvidenceJson>;
  addVoiceChallenge(actor: Actor, key: IdempotencyKey, proofId: string, input: { language: Language }): Promise<OwnershipEvidenceJson>;
  uploadVoiceChallenge(
    actor: Actor, key: IdempotencyKey, proofId: string, evidenceId: string, recording: Uint8Array,
  ): Promise<OwnershipEvidenceJson>;
}

/** The caller's own proof and this evidence of it; anything else does not exist. */
async function mine(tx: Tx, actor: Actor, proofId: string, evidenceId: string): Promise<{ proof: ProofRow; evidence: EvidenceRow }> {
  const proof = await store.lockProof(tx, proofId);
  const evidence = await store.findEvidence(tx, evidenceId);
  if (proof?.accountId !== actor.accountId || evidence?.proofId !== proofId) throw notFound();
  return { proof, evidence };
}

interface Found {
  state: 'passed' | 'uploaded';
  finding: DomainFinding | VoiceFinding;
  blobDigest: string | null;
}

const otherKind = (): Refusal => new Refusal('evidence_state', 'This evidence is of another kind.');

/** Adding and examining evidence. What goes outside runs between two transactions, never in one. */
export function makeEvidenceVerbs(deps: EvidenceDeps): EvidenceVerbs {
  const { runTx, clock, ids } = deps;
  const domain = makeDomainVerifier(deps);
  const voice = makeVoiceVerifier({ ...deps, instrument: deps.inference });

  async function add(tx: Tx, actor: Actor, proofId: string, ttlMs: number, make: (base: {
    id: string; proofId: string; state: 'pending'; finding: null; blobDigest: null; passedAt: null; createdAt: Date; expiresAt: Date;
  }) => EvidenceRow): Promise<OwnershipEvidenceJson> {
    const proof = await store.lockProof(tx, proofId);
    if (proof?.accountId !== actor.accountId) throw notFound();
    if (proof.state !== 'open') throw new Refusal('proof_state', 'Evidence is added while the proof is open.');
    const createdAt = clock.now();
    const row = make({
      id: ids.next('evidence'), proofId, state: 'pending', finding: null, blobDigest: null, passedAt: null, createdAt,
      expiresAt: new Date(createdAt.getTime() + ttlMs),
    });
    await store.insertEvidence(tx, row);
    return evidenceJson(row);
  }

  /** Examines between two transactions; the second looks at the state again before it writes. */
  async function examine(
    call: { actor: Actor; key: IdempotencyKey; proofId: string; evidenceId: string },
    look: (row: EvidenceRow) => Promise<Found>,
  ): Promise<OwnershipEvidenceJson> {
    const { actor, key, proofId, evidenceId } = call;
    const before = await runTx(async (tx) => {
      const { proof, evidence } = await mine(tx, actor, proofId, evidenceId);
      const kept = await answered(tx, key);
      // Nothing is fetched, measured or kept for evidence that is over, nor for a repeat of what succeeded.
      if (kept === null) checkEvidenceUsable(evidence, proof.state, clock.now());
      return kept ?? { evidence };
    });
    if ('answer' in before) return before.answer as OwnershipEvidenceJson;
    const found = await look(before.evidence);
    return await runTx((tx) => once(tx, key, async () => {
      const { proof, evidence } = await mine(tx, actor, proofId, evidenceId);
      const passedAt = clock.now();
      checkEvidenceUsable(evidence, proof.state, passedAt);
      await store.recordFinding(tx, evidenceId, { ...found, passedAt });
      return evidenceJson({ ...evidence, ...found, passedAt } as EvidenceRow);
    }));
  }

  return {
    addDomainEvidence: (actor, key, proofId, input) => runTx((tx) => once(tx, key, () =>
      add(tx, actor, proofId, domain.ttlMs, (base) => ({ ...base, kind: 'domain', terms: domain.issue(input) })))),
    addVoiceChallenge: (actor, key, proofId, input) => runTx((tx) => once(tx, key, () =>
      add(tx, actor, proofId, voice.ttlMs, (base) => ({ ...base, kind: 'voice_challenge', terms: voice.issue(input) })))),
    checkDomainEvidence: (actor, key, proofId, evidenceId) => examine({ actor, key, proofId, evidenceId }, async (row) => {
      if (row.kind !== 'domain') throw otherKind();
      // A line that was found is not looked for again.
      if (row.state === 'passed' && row.finding !== null) return { state: 'passed', finding: row.finding, blobDigest: null };
      return { state: domain.examinedState, ...(await domain.examine(row.terms, undefined)) };
    }),
    uploadVoiceChallenge: (actor, key, proofId, evidenceId, recording) => examine({ actor, key, proofId, evidenceId }, async (row) => {
      if (row.kind !== 'voice_challenge') throw otherKind();
      return { state: voice.examinedState, ...(await voice.examine(row.terms, recording)) };
    }),
  };
}
