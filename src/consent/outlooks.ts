import { notFound } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import type { Answer, DecisionRequest, DecisionState } from './decision.ts';
import { explained, type ExplainedClause } from './explain.ts';
import type { GrantDocument } from './grant.ts';
import { documentOf } from './grants.ts';
import { type LegalReport, legalReport } from './legal.ts';
import { asRequest, type Cell, matrixOf, type Question } from './outlook.ts';
import { readGrant } from './prepare.ts';
import type { ConsentDeps } from './service.ts';
import * as store from './store.ts';

export interface DryRun {
  allowed: boolean;
  clauses: ExplainedClause[];
  asked: { capability: string; language: string; country: string | null; tierName: string | null; ageBand: string | null; purpose: string };
}

/** What an owner sees of her grant before anybody asks: nothing of it is kept. */
export interface Outlooks {
  /** What a fan could have at this moment, by `decide` itself. The clone's owner only. */
  dryRunDecision(actor: Actor, cloneId: string, question: Question): Promise<DryRun>;
  /** What a grant, drafted or signed, lets fans have. Its owner only. */
  getGrantMatrix(actor: Actor, grantId: string): Promise<{ grantId: string; digest: string; at: string; cells: Cell[] }>;
  /** What each legal regime finds missing in a grant, drafted or signed. Its owner only. */
  getLegalReport(actor: Actor, grantId: string): Promise<LegalReport & { grantId: string; digest: string; at: string }>;
  /**
   * Why a fan in this country could have nothing of what a tier sells, however long they waited: the clauses of the dry run
   * that do not pass by themselves. Empty when it may be sold. Takes no lock.
   */
  deniedSale(tx: Tx, sale: { cloneId: string; tierName: string; country: string; at: Date }): Promise<string[]>;
}

/** What a tier sells, and how old a fan is who was not asked. */
const SOLD = { capability: 'voice', ageBand: 'undeclared' };
/** Pauses, used-up caps and a version that is not there yet pass; the law and the grant's own words do not. */
const LASTING = /^(legal|territory|tier|consent|age|capability|medium|audience)\./;

type Room = Pick<ConsentDeps, 'runTx' | 'clock' | 'clones'> & {
  facts: DecisionState['platform'];
  /** The answer to a request on the present state, which is not kept. With nothing counted it denies under a cap. */
  answer: (tx: Tx, request: DecisionRequest, counted?: boolean) => Promise<Answer>;
};

export function makeOutlooks({ runTx, clock, clones, facts, answer }: Room): Outlooks {
  /** The version in force, or the latest draft, for its owner. */
  async function shown(actor: Actor, grantId: string): Promise<{ document: GrantDocument; digest: string; at: Date }> {
    const row = await runTx((tx) => store.loadGrant(tx, grantId));
    if (row?.ownerAccountId !== actor.accountId) throw notFound();
    return { document: documentOf(row), digest: row.digest, at: clock.now() };
  }

  return {
    dryRunDecision: (actor, cloneId, question) => runTx(async (tx) => {
      if ((await clones.clone(tx, cloneId))?.ownerAccountId !== actor.accountId) throw notFound();
      const row = await store.loadGrantOfClone(tx, cloneId);
      const request = asRequest(cloneId, readGrant(row === null ? null : documentOf(row)).terms, question, clock.now());
      const { allowed, clauses } = await answer(tx, request);
      const { capability, language, declaredCountry: country, tierName, ageBand, purpose } = request;
      return { allowed, clauses: explained(clauses), asked: { capability, language, country, tierName, ageBand, purpose } };
    }),
    async deniedSale(tx, { cloneId, at, ...where }) {
      const row = await store.loadGrantOfClone(tx, cloneId);
      const request = asRequest(cloneId, readGrant(row === null ? null : documentOf(row)).terms, { ...SOLD, ...where }, at);
      const { allowed, clauses } = await answer(tx, request, false);
      return allowed ? [] : clauses.filter((clause) => LASTING.test(clause));
    },
    async getGrantMatrix(actor, grantId) {
      const { document, digest, at } = await shown(actor, grantId);
      return { grantId, digest, at: at.toISOString(), cells: matrixOf(document, digest, facts, at) };
    },
    async getLegalReport(actor, grantId) {
      const { document, digest, at } = await shown(actor, grantId);
      return { grantId, digest, at: at.toISOString(), ...legalReport(readGrant(document).terms, facts, at) };
    },
  };
}
