import { timingSafeEqual } from 'node:crypto';

import type { SignatureInput } from '../identity/index.ts';
import { sha256 } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { move } from './acting.ts';
import type { NoticesDeps } from './deps.ts';
import { checkSigned, counterDocument, type CounterNoticeDocument } from './model.ts';
import type { NoticeRow } from './store.ts';
import * as store from './store.ts';
import { type NoticeJson, noticeJson, type Viewer } from './views.ts';

/** Who asks: an account, or whoever has the token that filing gave. */
export interface Asker { actor: Actor | null; token: string | null }

export interface AnsweringVerbs {
  getNotice(asker: Asker, noticeId: string): Promise<NoticeJson>;
  /** What the caller filed, and the verified ones about the caller's clones. */
  listNotices(actor: Actor, limit: number): Promise<{ filed: NoticeJson[]; received: NoticeJson[] }>;
  draftCounterNotice(actor: Actor, noticeId: string, input: { statement: string }): Promise<{ document: CounterNoticeDocument }>;
  counterNotice(actor: Actor, key: IdempotencyKey, noticeId: string, input: { statement: string; signature: SignatureInput }): Promise<NoticeJson>;
  showPendingCase(
    asker: Asker, key: IdempotencyKey, noticeId: string, input: { court: string; caseNumber: string; text: string },
  ): Promise<NoticeJson>;
}

const unseen = (): Refusal => new Refusal('notice_unseen', 'There is no notice under this id that your session or token opens.');

function holdsToken(row: NoticeRow, token: string | null): boolean {
  if (row.tokenSha256 === null || token === null) return false;
  return timingSafeEqual(sha256(token), Buffer.from(row.tokenSha256, 'hex'));
}

export function makeAnswering(deps: NoticesDeps): AnsweringVerbs {
  const { runTx, clock } = deps;

  const isComplainant = (row: NoticeRow, { actor, token }: Asker): boolean =>
    holdsToken(row, token) || (actor !== null && row.complainantId === actor.accountId);

  async function isOwner(tx: Tx, row: NoticeRow, actor: Actor | null): Promise<boolean> {
    if (actor === null || row.cloneId === null || row.verifiedAt === null) return false;
    return (await deps.clones.clone(tx, row.cloneId))?.ownerAccountId === actor.accountId;
  }

  /** The notice of the caller's own clone; for anybody else there is none. */
  async function received(tx: Tx, actor: Actor, row: Promise<NoticeRow | null>): Promise<NoticeRow> {
    const notice = await row;
    if (notice === null || !(await isOwner(tx, notice, actor))) throw notFound();
    return notice;
  }

  function checkAnswerable(row: NoticeRow): void {
    if (row.state !== 'held') throw new Refusal('notice_state', `A notice that is ${row.state} is not answered any more.`);
    if (row.dueAt === null || clock.now() >= row.dueAt) throw new Refusal('notice_deadline', 'The time for a counter-notice has passed.');
  }

  const draft = (actor: Actor, row: NoticeRow, statement: string): CounterNoticeDocument => counterDocument({
    accountId: actor.accountId, noticeId: row.id, noticeSha256: row.digest, statement, at: clock.now().toISOString(),
  });

  return {
    getNotice: (asker, noticeId) => runTx(async (tx) => {
      const row = await store.findNotice(tx, noticeId);
      if (row === null) throw unseen();
      const viewer: Viewer | null = isComplainant(row, asker) ? 'complainant'
        : await isOwner(tx, row, asker.actor) ? 'owner' : asker.actor?.roles.includes('reviewer') === true ? 'reviewer' : null;
      if (viewer === null) throw unseen();
      return await noticeJson(tx, row, viewer);
    }),
    listNotices: (actor, limit) => runTx(async (tx) => {
      const [filed, about]: NoticeJson[][] = [[], []];
      for (const row of await store.noticesOfComplainant(tx, actor.accountId, limit)) filed?.push(await noticeJson(tx, row, 'complainant'));
      for (const row of await store.noticesOfOwner(tx, actor.accountId, limit)) about?.push(await noticeJson(tx, row, 'owner'));
      return { filed: filed ?? [], received: about ?? [] };
    }),
    draftCounterNotice: (actor, noticeId, { statement }) => runTx(async (tx) => {
      const row = await received(tx, actor, store.findNotice(tx, noticeId));
      checkAnswerable(row);
      return { document: draft(actor, row, statement) };
    }),
    counterNotice: (actor, key, noticeId, { statement, signature }) => runTx((tx) => once(tx, key, async () => {
      const row = await received(tx, actor, store.lockNotice(tx, noticeId));
      checkAnswerable(row);
      const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'counter_notice' });
      const at = clock.now();
      const document = checkSigned(signed.document, draft(actor, row, statement), at);
      await store.insertCounter(tx, noticeId, { accountId: actor.accountId, signedDocumentId: signed.id, statement: document.statement, at });
      await move(tx, deps, row, 'counter', at);
      return await noticeJson(tx, await received(tx, actor, store.findNotice(tx, noticeId)), 'owner');
    })),
    showPendingCase: (asker, key, noticeId, input) => runTx((tx) => once(tx, key, async () => {
      const row = await store.lockNotice(tx, noticeId);
      if (row === null || !isComplainant(row, asker)) throw unseen();
      if (row.state !== 'countered') throw new Refusal('notice_state', `A notice that is ${row.state} waits for no case.`);
      const at = clock.now();
      if (row.dueAt === null || at >= row.dueAt) throw new Refusal('notice_deadline', 'The time to show that a case is pending has passed.');
      await store.insertCase(tx, noticeId, { ...input, at });
      await move(tx, deps, row, 'show_case', at);
      const after = await store.findNotice(tx, noticeId);
      return await noticeJson(tx, after ?? row, 'complainant');
    })),
  };
}
