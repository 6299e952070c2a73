import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, withRole, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Notices } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'draftNotice' | 'fileNotice' | 'listNotices' | 'getNotice' | 'claimNotice' | 'reviewNotice' | 'draftCounterNotice' | 'counterNotice'
  | 'showPendingCase' | 'concludeNotice' | 'listNoticeQueue' | 'getNoticeCounts'
>;

const LISTED = 50;
const TOKEN_HEADER = 'notice-token';

const askerOf = (context: RequestContext, headers: Readonly<Record<string, string | undefined>>) =>
  ({ actor: context.actor, token: headers[TOKEN_HEADER] ?? null });

export function makeNoticesHandlers(service: Notices): Mine {
  return {
    async draftNotice({ body }, context) {
      return { status: 200, body: await service.draftNotice(signedIn(context), body) };
    },
    async fileNotice({ body }, context) {
      return { status: 201, body: await service.fileNotice(context.actor, { network: context.network ?? null }, writeKey(context), body) };
    },
    async listNotices({ query }, context) {
      return { status: 200, body: await service.listNotices(signedIn(context), query.limit ?? LISTED) };
    },
    async getNotice({ path, headers }, context) {
      return { status: 200, body: await service.getNotice(askerOf(context, headers), path.noticeId) };
    },
    async claimNotice({ path }, context) {
      return { status: 200, body: await service.claimNotice(withRole(context, 'reviewer'), writeKey(context), path.noticeId) };
    },
    async reviewNotice({ path, body }, context) {
      return { status: 201, body: await service.reviewNotice(withRole(context, 'reviewer'), writeKey(context), path.noticeId, body) };
    },
    async draftCounterNotice({ path, body }, context) {
      return { status: 200, body: await service.draftCounterNotice(signedIn(context), path.noticeId, body) };
    },
    async counterNotice({ path, body }, context) {
      return { status: 200, body: await service.counterNotice(signedIn(context), writeKey(context), path.noticeId, body) };
    },
    async showPendingCase({ path, body, headers }, context) {
      return { status: 200, body: await service.showPendingCase(askerOf(context, headers), writeKey(context), path.noticeId, body) };
    },
    async concludeNotice({ path, body }, context) {
      return { status: 201, body: await service.concludeNotice(withRole(context, 'reviewer'), writeKey(context), path.noticeId, body) };
    },
    async listNoticeQueue({ query }, context) {
      return { status: 200, body: await service.listNoticeQueue(withRole(context, 'reviewer'), query.limit ?? LISTED) };
    },
    async getNoticeCounts() {
      return { status: 200, body: await service.getNoticeCounts() };
    },
  };
}
