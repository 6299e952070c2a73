import type { JsonObject } from '../kernel/canonical-json.ts';
import { notFound } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { NoticesDeps } from './deps.ts';
import { dueIn, movedNotice, type NoticeMove } from './model.ts';
import type { NoticeRow } from './store.ts';
import * as store from './store.ts';
import { type NoticeJson, noticeJson } from './views.ts';

type Change = Parameters<typeof store.updateNotice>[2];

/** Moves a notice, with its next deadline and the job that keeps it. */
export async function move(tx: Tx, deps: Pick<NoticesDeps, 'deadlines'>, row: NoticeRow, how: NoticeMove, at: Date, change: Change = {}): Promise<void> {
  const state = movedNotice(row.state, how);
  const dueAt = dueIn(state, at, deps.deadlines);
  const ended = state === 'dismissed' || state === 'restored' || state === 'upheld' ? { endedAt: at } : {};
  await store.updateNotice(tx, row.id, { ...change, state, dueAt, ...ended });
  if (dueAt === null) return;
  await enqueue(tx, {
    topic: 'notices.deadline', payload: { noticeId: row.id }, runAt: dueAt, dedupeKey: `notices.deadline:${row.id}:${dueAt.getTime()}`,
  });
}

/** What a notice acts on, once verified. */
export type Acting = Pick<NoticeRow, 'id'> & ({ actsOn: 'clone'; cloneId: string; outputId: string | null } | { actsOn: 'output'; cloneId: string; outputId: string });

export function actingOf(row: NoticeRow): Acting {
  const { id, actsOn, cloneId, outputId } = row;
  if (actsOn === 'clone' && cloneId !== null) return { id, actsOn, cloneId, outputId };
  if (actsOn === 'output' && cloneId !== null && outputId !== null) return { id, actsOn, cloneId, outputId };
  throw new Error(`The notice ${id} acts on nothing.`);
}

const holderOf = (noticeId: string): string => `notice:${noticeId}`;

/** Holds the clone's gate, which its owner cannot lift, or the one output. */
export async function holdTarget(tx: Tx, deps: NoticesDeps, acting: Acting, by: string, at: Date): Promise<void> {
  const holder = holderOf(acting.id);
  if (acting.actsOn === 'output') {
    await deps.gateway.holdOutput(tx, acting.outputId, { holder, at, by });
    return;
  }
  await deps.stopByHouse(tx, { cloneId: acting.cloneId, kind: 'pause', holder, reason: 'notice.verified', by });
}

/** A single output stays held for ever; a clone is ended with everything that hangs on it. */
export async function endTarget(tx: Tx, deps: Pick<NoticesDeps, 'stopByHouse'>, acting: Acting, by: string): Promise<void> {
  if (acting.actsOn === 'output') return;
  await deps.stopByHouse(tx, { cloneId: acting.cloneId, kind: 'existence', holder: holderOf(acting.id), reason: 'notice.upheld', by });
}

export async function liftTarget(tx: Tx, deps: NoticesDeps, acting: Acting, by: string, at: Date): Promise<void> {
  const holder = holderOf(acting.id);
  if (acting.actsOn === 'output') {
    await deps.gateway.liftOutput(tx, acting.outputId, { holder, at });
    return;
  }
  const gate = await deps.gates.ofClone(tx, acting.cloneId);
  if (gate !== null) await deps.gates.lift(tx, gate.gateId, { holder, reason: 'notice.restored', at, by });
}

/** The outcome as the log knows it. It names reviews by their reason: who the reviewers are stays in the house. */
export async function recordOutcome(
  tx: Tx, deps: NoticesDeps, row: NoticeRow, acting: Acting, outcome: 'verified' | 'restored' | 'upheld', said: { reasonCode: string; at: Date },
): Promise<void> {
  const { reasonCode, at } = said;
  const document: JsonObject = {
    type: 'benren.notice_outcome', schemaVersion: 1, noticeId: row.id, noticeSha256: row.digest, outcome, actsOn: acting.actsOn, cloneId: acting.cloneId,
    outputId: acting.outputId, reasonCode, at: at.toISOString(),
  };
  const { leafId } = await deps.transparency.append(tx, { type: `notice.${outcome}`, subjectId: row.id, at, document });
  await store.insertOutcome(tx, row.id, { leafId, outcome, document, at });
}

export async function lockedNotice(tx: Tx, noticeId: string): Promise<NoticeRow> {
  const row = await store.lockNotice(tx, noticeId);
  if (row === null) throw notFound();
  return row;
}

export async function presentToReviewer(tx: Tx, noticeId: string): Promise<NoticeJson> {
  const row = await store.findNotice(tx, noticeId);
  if (row === null) throw notFound();
  return await noticeJson(tx, row, 'reviewer');
}

/** Who complained, and whose clone it is: neither decides. */
export async function partiesOf(tx: Tx, deps: Pick<NoticesDeps, 'clones'>, row: NoticeRow, cloneId: string | null): Promise<(string | null)[]> {
  return [row.complainantId, cloneId === null ? null : ((await deps.clones.clone(tx, cloneId))?.ownerAccountId ?? null)];
}
