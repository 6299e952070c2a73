import type { components } from '../../contracts/generated/api.ts';
import { type AnsweringVerbs, makeAnswering } from './answering.ts';
import { type ConcludingVerbs, makeConcluding } from './concluding.ts';
import { type DecidingVerbs, makeDeciding } from './deciding.ts';
import type { NoticesDeps } from './deps.ts';
import { type FilingVerbs, makeFiling } from './filing.ts';
import * as store from './store.ts';

type Counts = components['schemas']['NoticeCounts'];

export interface Notices extends FilingVerbs, AnsweringVerbs, DecidingVerbs, ConcludingVerbs {
  /** For everybody: how many notices came to what end, and why. */
  getNoticeCounts(): Promise<Counts>;
}

/** The room of notices. */
export function makeNotices(deps: NoticesDeps): Notices {
  if (deps.secret.byteLength < 32) throw new RangeError('notices need a secret of at least 32 bytes');
  return {
    ...makeFiling(deps),
    ...makeAnswering(deps),
    ...makeDeciding(deps),
    ...makeConcluding(deps),
    getNoticeCounts: () => deps.runTx(async (tx) => {
      const rows = (await store.counts(tx)).map((row) => ({ ...row, count: Number(row.count) }));
      return { notices: rows.reduce((sum, { count }) => sum + count, 0), counts: rows };
    }),
  };
}
