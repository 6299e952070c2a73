import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import * as approvals from './approval-store.ts';
import type { GatewayDeps } from './deps.ts';
import { ENDED } from './model.ts';
import { endOutputIn } from './ending.ts';
import { readable } from './standing.ts';
import * as store from './store.ts';

export interface ApprovalJson {
  outputId: string;
  mode: 'before' | 'after';
  verdict: 'approved' | 'rejected' | null;
  decidedAt: string | null;
  /** Until when a released output may be taken back. */
  undoUntil: string | null;
}

/** The owner as the keeper of the gate: a word on each output, where the grant asks for one. */
export interface Approvals {
  getOutputApproval(actor: Actor, outputId: string): Promise<ApprovalJson>;
  /** Lets a waiting output go. Refuses `output_state`. */
  approveOutput(actor: Actor, key: IdempotencyKey, outputId: string): Promise<ApprovalJson>;
  /** Ends a waiting output, or takes back a released one while the grant lets her. Refuses `output_state`. */
  rejectOutput(actor: Actor, key: IdempotencyKey, outputId: string): Promise<ApprovalJson>;
}

async function view(tx: Tx, row: approvals.ApprovalRow): Promise<ApprovalJson> {
  const release = row.mode === 'after' ? await store.releaseOf(tx, row.outputId) : null;
  const until = release === null ? null : new Date(release.releasedAt.getTime() + row.undoHours * 3_600_000);
  return {
    outputId: row.outputId, mode: row.mode, verdict: row.verdict, decidedAt: row.decidedAt?.toISOString() ?? null,
    undoUntil: until?.toISOString() ?? null,
  };
}

function none(): Refusal {
  return new Refusal('output_state', 'The grant does not ask the owner about this output.');
}

export function makeApprovals(deps: GatewayDeps): Approvals {
  async function owned(tx: Tx, actor: Actor, outputId: string): Promise<store.OutputRow> {
    const row = await readable(deps, tx, actor, outputId);
    if ((await deps.clones.clone(tx, row.cloneId))?.ownerAccountId !== actor.accountId) throw notFound();
    return row;
  }

  async function judged(tx: Tx, actor: Actor, outputId: string, verdict: 'approved' | 'rejected'): Promise<approvals.ApprovalRow> {
    await owned(tx, actor, outputId);
    const row = await approvals.lock(tx, outputId);
    if (row === null) throw none();
    if (row.verdict !== null) throw new Refusal('output_state', `This output is ${row.verdict} already.`);
    const at = deps.clock.now();
    await approvals.setVerdict(tx, outputId, { verdict, by: actor.accountId, at });
    return { ...row, verdict, decidedAt: at };
  }

  async function approve(tx: Tx, actor: Actor, outputId: string): Promise<ApprovalJson> {
    const row = await judged(tx, actor, outputId, 'approved');
    if (row.mode !== 'before') throw none();
    await enqueue(tx, { topic: 'gateway.render', payload: { outputId }, runAt: deps.clock.now(), dedupeKey: `gateway.render:${outputId}:approved` });
    return await view(tx, row);
  }

  async function reject(tx: Tx, actor: Actor, outputId: string): Promise<ApprovalJson> {
    const output = await owned(tx, actor, outputId);
    const row = await judged(tx, actor, outputId, 'rejected');
    if (row.mode === 'before') {
      if (ENDED.includes(output.state)) throw new Refusal('output_state', `The output is ${output.state}.`);
      await endOutputIn(deps, tx, outputId, { state: 'voided', reason: 'consent_ended' });
      return await view(tx, row);
    }
    const shown = await view(tx, row);
    const now = deps.clock.now().toISOString();
    if (shown.undoUntil === null || now >= shown.undoUntil) throw new Refusal('output_state', 'It is not released, or too late to take it back.');
    return shown;
  }

  return {
    getOutputApproval: (actor, outputId) => deps.runTx(async (tx) => {
      await owned(tx, actor, outputId);
      const row = await approvals.find(tx, outputId);
      if (row === null) throw none();
      return await view(tx, row);
    }),
    approveOutput: (actor, key, outputId) => deps.runTx((tx) => once(tx, key, () => approve(tx, actor, outputId))),
    rejectOutput: (actor, key, outputId) => deps.runTx((tx) => once(tx, key, () => reject(tx, actor, outputId))),
  };
}
