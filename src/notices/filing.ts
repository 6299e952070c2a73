import { createHmac } from 'node:crypto';

import type { SignatureInput } from '../identity/index.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { NoticesDeps } from './deps.ts';
import {
  ABUSIVE, checkSigned, checkTypedName, digestOf, dueIn, type Elements, floodRefusal, LIMITS, noticeDocument, type NoticeDocument, OPEN_ON_TARGET,
  sameness, type Target,
} from './model.ts';
import type { NoticeKeys } from './store.ts';
import * as store from './store.ts';
import { type NoticeJson, noticeJson } from './views.ts';

export type Signed = { kind: 'typed'; name: string } | { kind: 'passkey'; signature: SignatureInput };

/** Where a request came from: an address, or its network. Only its keyed hash is kept. */
export interface Origin { network: string | null }

export interface FilingVerbs {
  draftNotice(actor: Actor, elements: Elements): Promise<{ document: NoticeDocument }>;
  /** Answers a token to somebody without an account; not again for a notice that was joined to an open one. */
  fileNotice(
    actor: Actor | null, origin: Origin, key: IdempotencyKey, input: Elements & { signed: Signed },
  ): Promise<{ notice: NoticeJson; joined: boolean; token: string | null }>;
}

export function tokenOf(secret: Uint8Array, noticeId: string): string {
  return `ntk_${createHmac('sha256', secret).update(`notice token ${noticeId}`).digest('base64url')}`;
}

interface Resolved { cloneId: string | null; outputId: string | null }

/** What a notice names, if it is here and public. What is not answers as what never was. Refuses `notice_target_unknown`. */
export async function resolveTarget(deps: Pick<NoticesDeps, 'clones' | 'gateway'>, tx: Tx, target: Target): Promise<Resolved> {
  if (target.kind === 'url') return { cloneId: null, outputId: null };
  if (target.kind === 'clone') {
    const clone = await deps.clones.clone(tx, target.value);
    if (clone !== null && await deps.clones.wasApproved(tx, clone.cloneId)) return { cloneId: clone.cloneId, outputId: null };
  } else {
    const output = await deps.gateway.releasedOutput(tx, target.kind === 'file' ? { fileSha256: target.value } : { outputId: target.value });
    if (output !== null) return output;
  }
  throw new Refusal('notice_target_unknown', 'There is no such clone, output or file of ours. Give its id, the SHA-256 of the exact file, or an address.');
}

async function enoughFrom(tx: Tx, keys: NoticeKeys, complainantId: string | null, now: Date): Promise<Date | null> {
  const since = (ms: number): Date => new Date(now.getTime() - ms);
  const abusive = await store.wasAbusive(tx, keys.contact, complainantId, since(ABUSIVE.forMs));
  const limits = abusive ? [...LIMITS, { by: 'contact' as const, count: ABUSIVE.count, withinMs: ABUSIVE.withinMs }] : LIMITS;
  let until: Date | null = null;
  for (const { by, count, withinMs } of limits) {
    const key = keys[by];
    if (key === null) continue;
    const last = await store.nthLast(tx, by, key, { count, since: since(withinMs), complainantId: by === 'contact' ? complainantId : null });
    if (last === null) continue;
    const free = new Date(last.getTime() + withinMs);
    if (until === null || free > until) until = free;
  }
  return until;
}

export function makeFiling(deps: NoticesDeps): FilingVerbs {
  const { runTx, clock, ids, secret } = deps;
  const keyed = (what: string, value: string): string => createHmac('sha256', secret).update(`${what}\n${value}`).digest('hex');

  function keysOf(document: NoticeDocument, resolved: Resolved, origin: Origin): NoticeKeys {
    const target = resolved.outputId ?? resolved.cloneId ?? document.target.value;
    return {
      network: origin.network === null ? null : keyed('network', origin.network), contact: keyed('contact', document.contact.toLowerCase()),
      target: keyed('target', target), same: keyed('same', sameness(document)),
    };
  }

  async function refuseFlood(tx: Tx, keys: NoticeKeys, complainantId: string | null, now: Date): Promise<void> {
    const until = await enoughFrom(tx, keys, complainantId, now);
    if (until !== null) throw floodRefusal(until, now);
    // Whoever was proven here is heard, however many strangers shout about the same thing.
    if (complainantId !== null && await deps.isProven(tx, complainantId, now)) return;
    const open = await store.openOnTarget(tx, keys.target, OPEN_ON_TARGET);
    if (open.length >= OPEN_ON_TARGET) throw floodRefusal(new Date(now.getTime() + 3_600_000), now);
  }

  async function signedBy(tx: Tx, actor: Actor | null, signed: Signed, document: NoticeDocument, now: Date): Promise<{ document: NoticeDocument; id: string | null }> {
    if (signed.kind === 'typed') {
      if (actor !== null) throw new Refusal('signature_mismatch', 'With an account you sign by passkey.');
      checkTypedName(signed.name, document.name);
      return { document, id: null };
    }
    if (actor === null) throw new Refusal('session_missing', 'A signature by passkey needs a session; without an account, sign with your typed name.');
    const made = await deps.identity.completeSignature(tx, actor, signed.signature, { documentType: 'notice' });
    return { document: checkSigned(made.document, document, now), id: made.id };
  }

  async function file(tx: Tx, actor: Actor | null, origin: Origin, { signed, ...elements }: Elements & { signed: Signed }): Promise<{ noticeId: string; joined: boolean }> {
    const now = clock.now();
    const complainantId = actor?.accountId ?? null;
    const drafted = noticeDocument({ ...elements, accountId: complainantId, at: now.toISOString() });
    const resolved = await resolveTarget(deps, tx, drafted.target);
    const keys = keysOf(drafted, resolved, origin);
    await store.lockKeys(tx, keys);
    const open = await store.openDuplicate(tx, keys.same);
    if (open !== null) return { noticeId: open.id, joined: true };
    await refuseFlood(tx, keys, complainantId, now);
    const { document, id: signedDocumentId } = await signedBy(tx, actor, signed, drafted, now);
    const id = ids.next('notice');
    const dueAt = dueIn('filed', now, deps.deadlines);
    await store.insertNotice(tx, {
      id, complainantId, tokenSha256: complainantId === null ? sha256Hex(tokenOf(secret, id)) : null, document, digest: digestOf(document), signedDocumentId,
      targetKind: document.target.kind, ...resolved, dueAt, filedAt: now,
    }, keys);
    if (dueAt !== null) await enqueue(tx, { topic: 'notices.deadline', payload: { noticeId: id }, runAt: dueAt, dedupeKey: `notices.deadline:${id}:${dueAt.getTime()}` });
    return { noticeId: id, joined: false };
  }

  return {
    draftNotice: async (actor, elements) => ({ document: noticeDocument({ ...elements, accountId: actor.accountId, at: clock.now().toISOString() }) }),
    async fileNotice(actor, origin, key, input) {
      const filed = await runTx((tx) => once(tx, key, async () => {
        const { noticeId, joined } = await file(tx, actor, origin, input);
        const row = await store.findNotice(tx, noticeId);
        if (row === null) throw new Error(`The notice ${noticeId} is gone.`);
        return { notice: await noticeJson(tx, row, 'complainant'), joined };
      }));
      // The token follows from the id, so that not even the kept answer holds it.
      return { ...filed, token: actor === null && !filed.joined ? tokenOf(secret, filed.notice.noticeId) : null };
    },
  };
}
