import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { answered, once } from '../platform/postgres/index.ts';
import { recordDecision } from './decisions.ts';
import type { OwnershipDeps } from './deps.ts';
import type { EvidenceVerifier, Kind, Verifiers } from './kinds/kind.ts';
import type { Policy } from './levels.ts';
import { moved, stateAt, type WithdrawalReason } from './model.ts';
import { found, type Reading } from './reading.ts';
import { graceOf, type Look } from './rechecks.ts';
import * as looks from './recheck-store.ts';
import type { EvidenceRow, ProofRow, RowOf } from './store.ts';
import * as store from './store.ts';
import type { OwnershipProofJson } from './views.ts';

/** How approvals end: at their term, when what they rest on is gone, or by an operator. */
export interface EndingVerbs {
  withdrawOwnershipProof(
    operator: Actor, key: IdempotencyKey, proofId: string, input: { reasonCode: WithdrawalReason; text: string },
  ): Promise<OwnershipProofJson>;
  /** The owner put it back: looks now instead of on the next due day. Refuses `evidence_state`, `not_found`. */
  recheckEvidence(actor: Actor, key: IdempotencyKey, proofId: string, evidenceId: string): Promise<OwnershipProofJson>;
  /** The job at an approval's end. Safe to run twice. */
  expireProof(proofId: string): Promise<void>;
  /** The job that looks again for what lives on the net, at its due time. Safe to run twice. */
  lookAgain(evidenceId: string, dueAt: Date): Promise<void>;
}

const DAY_MS = 86_400_000;
const EXPIRE = 'ownership.expireProof';
const LOOK = 'ownership.lookAgain';

const recheckOf = (policy: Policy, kind: Kind): { everyDays: number; graceDays: number } | undefined => policy.evidence[kind]?.recheck;

async function scheduleLook(tx: Tx, evidenceId: string, dueAt: Date): Promise<void> {
  const due = dueAt.toISOString();
  await enqueue(tx, { topic: LOOK, payload: { evidenceId, dueAt: due }, runAt: dueAt, dedupeKey: `${LOOK}:${evidenceId}:${due}` });
}

/** What follows from an approval: its end, and the first look at each live evidence that it rests on. */
export async function scheduleEnd(
  tx: Tx, policy: Policy, proofId: string, { approvedAt, expiresAt }: { approvedAt: Date; expiresAt: Date }, restsOn: readonly EvidenceRow[],
): Promise<void> {
  await enqueue(tx, { topic: EXPIRE, payload: { proofId }, runAt: expiresAt, dedupeKey: `${EXPIRE}:${proofId}` });
  for (const { id, kind } of restsOn) {
    const recheck = recheckOf(policy, kind);
    if (recheck !== undefined) await scheduleLook(tx, id, new Date(approvedAt.getTime() + recheck.everyDays * DAY_MS));
  }
}

/** Looks for it. What refuses is absent, for whichever reason; only an error of ours is none. */
async function lookFor<K extends Kind>(verifiers: { readonly [P in K]: EvidenceVerifier<P> }, row: RowOf<K>): Promise<Look['outcome']> {
  const verifier = verifiers[row.kind];
  if (verifier.again === undefined || row.finding === null) throw new Refusal('evidence_state', 'There is nothing to look for again.');
  try {
    await verifier.again(row.terms, row.finding);
    return 'found';
  } catch (error) {
    if (error instanceof Refusal) return error.code === 'url_unreachable' ? 'unreachable' : 'absent';
    throw error;
  }
}

function makeLooking(deps: OwnershipDeps, verifiers: Verifiers, reading: Reading): Pick<EndingVerbs, 'recheckEvidence' | 'lookAgain'> {
  const { runTx, clock, log, policy: { policy } } = deps;

  /** Keeps what was seen and draws the conclusion: the next look, or the end of the approval. */
  async function conclude(tx: Tx, proof: ProofRow, row: EvidenceRow, look: { dueAt: Date | null; outcome: Look['outcome'] }): Promise<void> {
    const recheck = recheckOf(policy, row.kind);
    if (recheck === undefined || stateAt(proof, clock.now()) !== 'approved') return;
    const at = clock.now();
    if (!(await looks.insertLook(tx, { evidenceId: row.id, ...look, at }))) return;
    const grace = graceOf(await looks.looksOf(tx, row.id), recheck.graceDays);
    if (grace !== null && at.getTime() >= grace.until.getTime()) {
      await recordDecision(tx, log, proof, { decision: 'expired', cause: 'evidence_gone', evidenceId: row.id }, at);
      await deps.onProofEnded?.(tx, { proofId: proof.id, how: 'expired', at });
      return;
    }
    // The looks that are due follow each other; one that was asked for comes between two of them.
    if (look.dueAt === null) return;
    const next = grace === null
      ? at.getTime() + recheck.everyDays * DAY_MS
      : Math.min(at.getTime() + DAY_MS, grace.until.getTime());
    await scheduleLook(tx, row.id, new Date(next));
  }

  async function lock(tx: Tx, evidenceId: string): Promise<{ proof: ProofRow; row: EvidenceRow }> {
    const seen = await store.findEvidence(tx, evidenceId);
    if (seen === null) throw notFound();
    const proof = await found(store.lockProof(tx, seen.proofId));
    return { proof, row: seen };
  }

  return {
    async lookAgain(evidenceId, dueAt) {
      const { proof, row } = await runTx((tx) => lock(tx, evidenceId));
      if (stateAt(proof, clock.now()) !== 'approved' || recheckOf(policy, row.kind) === undefined) return;
      const outcome = await lookFor(verifiers, row);
      await runTx(async (tx) => await conclude(tx, (await lock(tx, evidenceId)).proof, row, { dueAt, outcome }));
    },
    async recheckEvidence(actor, key, proofId, evidenceId) {
      const before = await runTx(async (tx) => {
        const { proof, row } = await lock(tx, evidenceId);
        if (proof.id !== proofId || proof.accountId !== actor.accountId) throw notFound();
        if (stateAt(proof, clock.now()) !== 'approved') throw new Refusal('evidence_state', 'Only what an approval rests on is looked for again.');
        return { row, kept: await answered(tx, key) };
      });
      if (before.kept !== null) return before.kept.answer as OwnershipProofJson;
      const outcome = await lookFor(verifiers, before.row);
      return await runTx((tx) => once(tx, key, async () => {
        const { proof, row } = await lock(tx, evidenceId);
        await conclude(tx, proof, row, { dueAt: null, outcome });
        return await reading.present(tx, await found(store.findProof(tx, proofId)), false);
      }));
    },
  };
}

export function makeEndingVerbs(deps: OwnershipDeps, verifiers: Verifiers, reading: Reading): EndingVerbs {
  const { runTx, clock, log } = deps;
  return {
    ...makeLooking(deps, verifiers, reading),
    withdrawOwnershipProof: (operator, key, proofId, input) => runTx((tx) => once(tx, key, async () => {
      const proof = await found(store.lockProof(tx, proofId));
      const at = clock.now();
      moved(stateAt(proof, at), 'withdraw');
      await recordDecision(tx, log, proof, {
        decision: 'withdrawn', reasonCode: input.reasonCode, text: input.text, by: operator.accountId,
      }, at);
      await deps.onProofEnded?.(tx, { proofId, how: 'withdrawn', at });
      return await reading.present(tx, await found(store.findProof(tx, proofId)), true);
    })),
    expireProof: (proofId) => runTx(async (tx) => {
      const proof = await found(store.lockProof(tx, proofId));
      const at = clock.now();
      if (proof.state !== 'approved') return;
      if (stateAt(proof, at) !== 'expired') throw new Error(`The proof ${proofId} has not run out yet.`);
      await recordDecision(tx, log, proof, { decision: 'expired', cause: 'term' }, at);
      await deps.onProofEnded?.(tx, { proofId, how: 'expired', at });
    }),
  };
}
