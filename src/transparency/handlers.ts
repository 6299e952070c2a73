import type { Handlers } from '../../contracts/generated/contract.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Transparency } from './service.ts';

type Mine = Pick<Handlers<RequestContext>, 'getCheckpoint' | 'getLogProof' | 'listLeavesOfSubject'>;

/** The log's public reading room: no account is needed for any of it. */
export function makeTransparencyHandlers(transparency: Transparency): Mine {
  return {
    async getCheckpoint() {
      return { status: 200, body: await transparency.getCheckpoint() };
    },
    async getLogProof(input) {
      return { status: 200, body: await transparency.getLogProof(input.path.leafId) };
    },
    async listLeavesOfSubject(input) {
      const { limit = 100, after } = input.query;
      const page = after === undefined ? { limit } : { limit, after };
      return { status: 200, body: await transparency.listLeavesOfSubject(input.path.subjectId, page) };
    },
  };
}
