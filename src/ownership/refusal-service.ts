import type { components } from '../../contracts/generated/api.ts';
import type { Identity, SignatureInput } from '../identity/index.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import type { Ids } from '../kernel/ids.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Clock } from '../kernel/time.ts';
import type { IdempotencyKey, RunTx, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { Transparency } from '../transparency/index.ts';
import { CLAIM_WINDOW_MS, isProvenAt, type Language } from './model.ts';
import { makeHoldVerbs, type HoldVerbs, type Upheld } from './refusal-holds.ts';
import {
  checkSignedRefusal, digestOfDocument, refusalDocument, type RefusalDocument, type RefusedHandle, refusalLabels, withdrawalDocument,
} from './refusal-model.ts';
import { keysOf } from './refusal-names.ts';
import { makeComparison, makeScreening, type Screening } from './refusal-screening.ts';
import type { RefusalRow } from './refusal-store.ts';
import * as store from './refusal-store.ts';
import { findProof } from './store.ts';
import type { VoiceInstrument, VoiceProfile } from './voice.ts';

type Schemas = components['schemas'];
export type RefusalJson = Schemas['RefusalEntry'];

/** A clone as the sweep looks at it; clones, the room above, knows. */
export interface CloneEnrolment {
  cloneId: string;
  ownerAccountId: string;
  name: string;
  handle: string;
  /** Whether a version of it is approved now. */
  live: boolean;
  voice: { materialId: string; profile: VoiceProfile } | null;
}

export interface RefusalDeps {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  identity: Pick<Identity, 'completeSignature'>;
  log: Pick<Transparency, 'append'>;
  inference: Pick<VoiceInstrument, 'compare'>;
  /** Whether the account has a clone, in whatever state. */
  ownsClone: (tx: Tx, accountId: string) => Promise<boolean>;
  /** Clones by id after this one, their rows locked. */
  cloneEnrolments: (tx: Tx, after: string, limit: number) => Promise<CloneEnrolment[]>;
  /** Told in the same transaction when two reviewers said that a clone, or what stands on a proof, is of a person who refuses. */
  onEnrolmentUpheld?: (tx: Tx, upheld: Upheld) => Promise<void>;
}

export interface RefusalInput {
  proofId: string;
  names?: readonly string[] | undefined;
  handles?: readonly RefusedHandle[] | undefined;
  /** A voice challenge of that proof. */
  voiceEvidenceId?: string | undefined;
}

export interface SweepPlace { stage: 'proofs' | 'clones'; after: string }

export interface Refusals extends Screening, HoldVerbs {
  draftRefusal(actor: Actor, input: RefusalInput & { locale: Language }): Promise<{ document: RefusalDocument }>;
  registerRefusal(actor: Actor, key: IdempotencyKey, input: RefusalInput & { signature: SignatureInput }): Promise<RefusalJson>;
  listRefusals(actor: Actor): Promise<{ refusals: RefusalJson[] }>;
  getRefusal(actor: Actor, refusalId: string): Promise<RefusalJson>;
  withdrawRefusal(actor: Actor, key: IdempotencyKey, refusalId: string, input: { signature: SignatureInput }): Promise<RefusalJson>;
  /** Job: compares what was enrolled before the refusal; a part, and a job for the rest. Safe to run twice. */
  sweepRefusal(refusalId: string, place: SweepPlace): Promise<void>;
}

const BATCH = 200;
const BATCHES_A_JOB = 20;

function refusalJson(row: RefusalRow): RefusalJson {
  return {
    refusalId: row.id, proofId: row.proofId, document: row.document, digest: row.digest, signedDocumentId: row.signedDocumentId, leafId: row.leafId,
    registeredAt: row.registeredAt.toISOString(), withdrawnAt: row.withdrawnAt?.toISOString() ?? null,
    withdrawal: row.withdrawnAt === null ? withdrawalDocument(row) : null,
  };
}

async function mine(row: Promise<RefusalRow | null>, actor: Actor): Promise<RefusalRow> {
  const refusal = await row;
  if (refusal?.accountId !== actor.accountId) throw notFound();
  return refusal;
}

function makeRegistration(deps: RefusalDeps): Pick<Refusals, 'draftRefusal' | 'registerRefusal'> {
  const { runTx, clock, ids } = deps;

  /** The proven person behind a refusal, and the voice that is to be compared. Refuses what would keep it from being registered. */
  async function grounds(tx: Tx, actor: Actor, input: RefusalInput): Promise<{
    subjectName: string; voice: { evidenceId: string; recordingSha256: string; profile: VoiceProfile } | null;
  }> {
    const proof = await findProof(tx, input.proofId);
    if (proof?.accountId !== actor.accountId) throw notFound();
    if (!isProvenAt(proof, clock.now())) throw new Refusal('ownership_unproven', 'Only somebody whose ownership proof is approved says "none of me".');
    if (await deps.ownsClone(tx, actor.accountId)) throw new Refusal('refusal_clone_exists', 'You have a clone; stop it instead.');
    if ((await store.inForceOf(tx, actor.accountId)) !== null) {
      throw new Refusal('refusal_state', 'You have a refusal in force; withdraw it before you register another one.');
    }
    const evidenceId = input.voiceEvidenceId;
    if (evidenceId === undefined) return { subjectName: proof.subjectName, voice: null };
    const voice = await store.voiceOfEvidence(tx, proof.id, evidenceId);
    if (voice === null) throw notFound();
    if (voice.profile.f0MedianHz === null) throw new Refusal('recording_too_short', 'No pitch was found in this recording, so nothing could be compared with it.');
    return { subjectName: proof.subjectName, voice: { evidenceId, ...voice } };
  }

  function draft(actor: Actor, input: RefusalInput, found: Awaited<ReturnType<typeof grounds>>, locale: Language): RefusalDocument {
    const { subjectName, voice } = found;
    return refusalDocument({
      accountId: actor.accountId, proofId: input.proofId, subjectName, names: input.names ?? [], handles: input.handles ?? [],
      voice: voice === null ? null : { evidenceId: voice.evidenceId, recordingSha256: voice.recordingSha256 }, locale, at: clock.now(),
    });
  }

  return {
    draftRefusal: (actor, input) => runTx(async (tx) => ({ document: draft(actor, input, await grounds(tx, actor, input), input.locale) })),
    registerRefusal: (actor, key, input) => runTx((tx) => once(tx, key, async () => {
      await store.lockRegister(tx, 'alone');
      const found = await grounds(tx, actor, input);
      const signed = await deps.identity.completeSignature(tx, actor, input.signature, { documentType: 'refusal' });
      const at = clock.now();
      const drafts = (['en', 'zh-CN'] as const).map((locale) => draft(actor, input, found, locale));
      const document = checkSignedRefusal(signed.document, drafts, at, CLAIM_WINDOW_MS);
      const id = ids.next('refusal');
      const { leafId } = await deps.log.append(tx, { type: 'refusal.registered', subjectId: id, at, documentSha256: signed.digest });
      await store.insertRefusal(tx, {
        id, accountId: actor.accountId, proofId: input.proofId, signedDocumentId: signed.id, digest: signed.digest,
        voiceProfile: found.voice?.profile ?? null, leafId, registeredAt: at,
      }, keysOf(refusalLabels(document), 'refused'));
      await enqueue(tx, {
        topic: 'ownership.sweepRefusal', payload: { refusalId: id, stage: 'proofs', after: '' }, runAt: at, dedupeKey: `ownership.sweepRefusal:${id}`,
      });
      return refusalJson(await mine(store.findRefusal(tx, id), actor));
    })),
  };
}

function makeSweep(deps: RefusalDeps): Pick<Refusals, 'sweepRefusal'> {
  const { runTx, clock } = deps;
  const comparison = makeComparison(deps);

  async function sweepProofs(tx: Tx, refusal: RefusalRow, after: string): Promise<string | null> {
    const rows = await store.proofsAfter(tx, after, BATCH);
    for (const { proofId, accountId, approved, ...called } of rows) {
      const enrolment = { enrollerId: accountId, proofId, cloneId: null, materialId: null, at: clock.now() };
      const findings = comparison.labelFindings(refusal, called);
      await comparison.open(tx, refusal, enrolment, { kind: 'proof', effect: approved ? 'flags' : 'holds', findings });
    }
    return rows.length < BATCH ? null : (rows.at(-1)?.proofId ?? null);
  }

  async function sweepClones(tx: Tx, refusal: RefusalRow, after: string): Promise<string | null> {
    const rows = await deps.cloneEnrolments(tx, after, BATCH);
    for (const { cloneId, ownerAccountId, live, voice, ...called } of rows) {
      const effect = live ? 'flags' : 'holds';
      const enrolment = { enrollerId: ownerAccountId, proofId: null, cloneId, materialId: null, at: clock.now() };
      await comparison.open(tx, refusal, enrolment, { kind: 'clone', effect, findings: comparison.labelFindings(refusal, called) });
      if (voice === null) continue;
      const findings = comparison.voiceFindings(refusal, voice.profile);
      await comparison.open(tx, refusal, { ...enrolment, materialId: voice.materialId }, { kind: 'voice', effect, findings });
    }
    return rows.length < BATCH ? null : (rows.at(-1)?.cloneId ?? null);
  }

  /** One batch, in a transaction of its own; null when it was the last. */
  async function sweepBatch(refusalId: string, { stage, after }: SweepPlace): Promise<SweepPlace | null> {
    return await runTx(async (tx) => {
      const refusal = await store.findRefusal(tx, refusalId);
      if (refusal === null) throw new Error(`There is no refusal ${refusalId}.`);
      if (refusal.withdrawnAt !== null) return null;
      const last = await (stage === 'proofs' ? sweepProofs(tx, refusal, after) : sweepClones(tx, refusal, after));
      if (last !== null) return { stage, after: last };
      return stage === 'proofs' ? { stage: 'clones', after: '' } : null;
    });
  }

  return {
    async sweepRefusal(refusalId, from) {
      let place: SweepPlace | null = from;
      for (let batches = 0; batches < BATCHES_A_JOB && place !== null; batches += 1) place = await sweepBatch(refusalId, place);
      if (place === null) return;
      const payload = { refusalId, ...place };
      const dedupeKey = `ownership.sweepRefusal:${canonicalJson(payload)}`;
      await runTx((tx) => enqueue(tx, { topic: 'ownership.sweepRefusal', payload, runAt: clock.now(), dedupeKey }));
    },
  };
}

/** The registry of refusal: a proven person without a clone says "none of me", and what comes near waits for people. */
export function makeRefusals(deps: RefusalDeps): Refusals {
  const { runTx, clock } = deps;
  return {
    ...makeScreening(deps),
    ...makeHoldVerbs(deps),
    ...makeRegistration(deps),
    ...makeSweep(deps),
    listRefusals: (actor) => runTx(async (tx) => ({ refusals: (await store.refusalsOf(tx, actor.accountId)).map(refusalJson) })),
    getRefusal: (actor, refusalId) => runTx(async (tx) => refusalJson(await mine(store.findRefusal(tx, refusalId), actor))),
    withdrawRefusal: (actor, key, refusalId, { signature }) => runTx((tx) => once(tx, key, async () => {
      const refusal = await mine(store.lockRefusal(tx, refusalId), actor);
      if (refusal.withdrawnAt !== null) throw new Refusal('refusal_state', 'This refusal was withdrawn already.');
      const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'refusal_withdrawal' });
      if (signed.digest !== digestOfDocument({ ...withdrawalDocument(refusal) })) {
        throw new Refusal('signature_mismatch', 'What was signed is not the withdrawal of this refusal.');
      }
      const at = clock.now();
      await deps.log.append(tx, { type: 'refusal.withdrawn', subjectId: refusalId, at, documentSha256: signed.digest });
      await store.withdrawRefusal(tx, refusalId, { signedDocumentId: signed.id, at });
      return refusalJson({ ...refusal, withdrawnAt: at });
    })),
  };
}
