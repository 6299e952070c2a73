import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import { makeEstateWork } from './estates.ts';
import type { Gates } from './gates.ts';
import { openPaper, sealPaper } from './papers.ts';
import type { ConsentDeps, SignatureInput } from './service.ts';
import {
  type CaseMove, type DeathReportDocument, deathReport, isFrozen, type LifeDeclarationDocument, lifeDeclaration, movedCase, weighCase,
} from './succession.ts';
import { isHeir, succession } from './successions.ts';
import * as store from './succession-store.ts';

export type DeathRejection = 'paper_unreadable' | 'paper_forged' | 'person_differs' | 'person_alive' | 'heir_differs';
export type DeathReviewInput =
  | { verdict: 'approve'; text?: string | undefined }
  | { verdict: 'reject'; reasonCode: DeathRejection; text?: string | undefined };

export interface DeathCaseView {
  caseId: string;
  ownerAccountId: string;
  successionId: string;
  reportedBy: string;
  state: store.CaseRow['state'];
  document: DeathReportDocument;
  approvals: number;
  reportedAt: string;
  waitingUntil: string | null;
  holderAccountId: string | null;
  /** What the owner signs to undo it. */
  lifeDeclaration: LifeDeclarationDocument;
}

type Room = ConsentDeps & { gates: Gates };

const DAY_MS = 86_400_000;
/** Papers are kept this long after a report has ended: time for a complaint, no longer. */
export const PAPERS_KEPT_DAYS = 30;

async function view(deps: ConsentDeps, tx: Tx, row: store.CaseRow): Promise<DeathCaseView> {
  const signed = await deps.identity.signedDocument(tx, row.signedDocumentId);
  if (signed === null) throw new Error(`Death report ${row.caseId} has lost its document.`);
  const reviews = await store.reviewsOf(tx, row.caseId, row.round);
  const estate = await store.estateOf(tx, row.ownerAccountId);
  return {
    caseId: row.caseId, ownerAccountId: row.ownerAccountId, successionId: row.successionId, reportedBy: row.reportedBy, state: row.state,
    document: signed.document as unknown as DeathReportDocument, approvals: reviews.filter(({ verdict }) => verdict === 'approve').length,
    reportedAt: row.reportedAt.toISOString(), waitingUntil: row.waitingUntil?.toISOString() ?? null,
    holderAccountId: estate?.caseId === row.caseId ? estate.holderAccountId : null, lifeDeclaration: lifeDeclaration(row.caseId, row.ownerAccountId),
  };
}

async function theCase(tx: Tx, caseId: string): Promise<store.CaseRow & { named: store.SuccessionRow }> {
  const row = await store.findCase(tx, caseId);
  const named = row === null ? null : await store.findSuccession(tx, row.successionId);
  if (row === null || named === null) throw notFound();
  return { ...row, named };
}

/** Read again under the lock of everything about this person's succession. */
async function lockedCase(tx: Tx, caseId: string): Promise<store.CaseRow & { named: store.SuccessionRow }> {
  await store.lockSuccession(tx, (await theCase(tx, caseId)).ownerAccountId);
  return await theCase(tx, caseId);
}

/** The document that a reporter signs: over the papers that they have uploaded. */
async function prepare(tx: Tx, actor: Actor, successionId: string, diedOn: string): Promise<DeathReportDocument> {
  const row = await succession(tx, actor, successionId);
  if (!isHeir(row, actor.accountId)) throw notFound();
  if ((await store.successionOf(tx, row.ownerAccountId))?.successionId !== successionId) {
    throw new Refusal('succession_state', 'A later succession is in force.');
  }
  const papers = await store.papersOf(tx, successionId, actor.accountId);
  if (papers.length === 0) throw new Refusal('succession_invalid', 'Upload the death certificate first: nobody is reported dead without a paper.');
  return deathReport(row, actor.accountId, { diedOn, papers: [...new Set(papers.map(({ sha256 }) => sha256))] });
}

async function report(deps: Room, tx: Tx, actor: Actor, successionId: string, asked: { diedOn: string; signature: SignatureInput }): Promise<DeathCaseView> {
  const at = deps.clock.now();
  const { ownerAccountId } = await succession(tx, actor, successionId);
  await store.lockSuccession(tx, ownerAccountId);
  const expected = await prepare(tx, actor, successionId, asked.diedOn);
  if (asked.diedOn > at.toISOString().slice(0, 10)) throw new Refusal('succession_invalid', 'This day has not come yet.');
  if ((await store.openCaseOf(tx, ownerAccountId)) !== null) throw new Refusal('succession_state', 'This death was reported already.');
  const signed = await deps.identity.completeSignature(tx, actor, asked.signature, { documentType: 'death_report' });
  if (signed.digest !== sha256Hex(canonicalJson(expected))) throw new Refusal('signature_mismatch', 'What was signed is not this report.');
  const caseId = deps.ids.next('deathCase');
  await store.insertCase(tx, { caseId, ownerAccountId, successionId, reportedBy: actor.accountId, signedDocumentId: signed.id, reportedAt: at });
  return await view(deps, tx, await theCase(tx, caseId));
}

/** Writes a move down, with all that follows from it in the same transaction. */
async function apply(deps: Room, tx: Tx, row: store.CaseRow & { named: store.SuccessionRow }, move: CaseMove): Promise<void> {
  const at = deps.clock.now();
  const state = movedCase(row.state, move);
  const waitingUntil = state === 'waiting' ? new Date(at.getTime() + row.named.document.waitingDays * DAY_MS) : null;
  const round = move === 'freeze' || move === 'dissent' ? row.round + 1 : row.round;
  await store.moveCase(tx, row.caseId, { state, round, waitingUntil, at });
  const work = makeEstateWork(deps);
  if (move === 'freeze') await work.freeze(tx, row, at);
  if (waitingUntil !== null) {
    await enqueue(tx, {
      topic: 'consent.settleEstate', payload: { caseId: row.caseId }, runAt: waitingUntil,
      dedupeKey: `consent.settleEstate:${row.caseId}:${waitingUntil.toISOString()}`,
    });
  }
  if (state !== 'dismissed' && state !== 'undone') return;
  if (isFrozen(row.state)) await work.thaw(tx, row, state, at);
  await enqueue(tx, {
    topic: 'consent.destroyPapers', payload: { caseId: row.caseId }, runAt: new Date(at.getTime() + PAPERS_KEPT_DAYS * DAY_MS),
    dedupeKey: `consent.destroyPapers:${row.caseId}`,
  });
}

async function review(deps: Room, tx: Tx, actor: Actor, caseId: string, input: DeathReviewInput): Promise<DeathCaseView> {
  const row = await lockedCase(tx, caseId);
  const mine = { reviewer: actor.accountId, verdict: input.verdict };
  const interested = [row.ownerAccountId, row.reportedBy, ...row.named.document.heirs.map(({ accountId }) => accountId)];
  const move = weighCase({ state: row.state, interested }, await store.reviewsOf(tx, caseId, row.round), mine);
  await store.insertCaseReview(tx, {
    ...mine, caseId, round: row.round, reasonCode: input.verdict === 'reject' ? input.reasonCode : null, text: input.text ?? '', at: deps.clock.now(),
  });
  if (move !== null) await apply(deps, tx, row, move);
  return await view(deps, tx, await theCase(tx, caseId));
}

/** Another heir objects: the change of hands waits until people have looked again. */
async function dissent(deps: Room, tx: Tx, actor: Actor, caseId: string, text: string): Promise<DeathCaseView> {
  const row = await lockedCase(tx, caseId);
  if (!isHeir(row.named, actor.accountId)) throw notFound();
  if (row.reportedBy === actor.accountId) throw new Refusal('succession_state', 'You reported this yourself.');
  movedCase(row.state, 'dissent');
  if (!(await store.insertDissent(tx, { caseId, heir: actor.accountId, text, at: deps.clock.now() }))) {
    throw new Refusal('succession_state', 'Your objection was heard already.');
  }
  await apply(deps, tx, row, 'dissent');
  return await view(deps, tx, await theCase(tx, caseId));
}

async function alive(deps: Room, tx: Tx, actor: Actor, caseId: string, signature: SignatureInput): Promise<DeathCaseView> {
  const row = await lockedCase(tx, caseId);
  if (row.ownerAccountId !== actor.accountId) throw notFound();
  movedCase(row.state, 'undo');
  const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'life_declaration' });
  if (signed.digest !== sha256Hex(canonicalJson(lifeDeclaration(caseId, actor.accountId)))) {
    throw new Refusal('signature_mismatch', 'What was signed is not the declaration for this report.');
  }
  await store.insertLife(tx, { caseId, signedDocumentId: signed.id, at: deps.clock.now() });
  await apply(deps, tx, row, 'undo');
  return await view(deps, tx, await theCase(tx, caseId));
}

/** A paper is read by reviewers alone, each reading on record before the answer. */
async function readPapers(deps: Room, tx: Tx, reviewer: Actor, caseId: string): Promise<{ papers: { paperId: string; sha256: string; base64: string }[] }> {
  const row = await theCase(tx, caseId);
  const document = (await view(deps, tx, row)).document;
  const papers: { paperId: string; sha256: string; base64: string }[] = [];
  for (const paper of await store.papersOf(tx, row.successionId, row.reportedBy)) {
    if (!document.papers.includes(paper.sha256)) continue;
    await store.insertPaperView(tx, { paperId: paper.paperId, viewer: reviewer.accountId, at: deps.clock.now() });
    papers.push({ paperId: paper.paperId, sha256: paper.sha256, base64: openPaper(paper).toString('base64') });
  }
  return { papers };
}

/** Reporting a death, looking at it, objecting to it, and outliving it. */
export function makeDeaths(deps: Room) {
  const { runTx } = deps;
  const write = async <T>(key: IdempotencyKey, work: (tx: Tx) => Promise<T>): Promise<T> =>
    await runTx(async (tx) => await once(tx, key, async () => await work(tx)));
  return {
    uploadDeathPaper: (actor: Actor, key: IdempotencyKey, successionId: string, bytes: Uint8Array) => write(key, async (tx) => {
      const row = await succession(tx, actor, successionId);
      if (!isHeir(row, actor.accountId)) throw notFound();
      const paper = sealPaper(deps.ids.next('deathPaper'), bytes, deps.random);
      await store.insertPaper(tx, { ...paper, successionId, uploadedBy: actor.accountId, at: deps.clock.now() });
      return { paperId: paper.paperId, sha256: paper.sha256 };
    }),
    draftDeathReport: (actor: Actor, successionId: string, diedOn: string) =>
      runTx(async (tx) => ({ document: await prepare(tx, actor, successionId, diedOn) })),
    reportDeath: (actor: Actor, key: IdempotencyKey, successionId: string, asked: { diedOn: string; signature: SignatureInput }) =>
      write(key, (tx) => report(deps, tx, actor, successionId, asked)),
    getDeathReport: (actor: Actor, caseId: string) => runTx(async (tx) => {
      const row = await theCase(tx, caseId);
      const concerned = row.ownerAccountId === actor.accountId || isHeir(row.named, actor.accountId) || actor.roles.includes('reviewer');
      if (!concerned) throw notFound();
      return await view(deps, tx, row);
    }),
    listDeathReports: (reviewer: Actor, limit: number) => runTx(async (tx) => {
      const reports: DeathCaseView[] = [];
      for (const row of await store.casesToReview(tx, reviewer.accountId, limit)) reports.push(await view(deps, tx, row));
      return { reports };
    }),
    readDeathPapers: (reviewer: Actor, key: IdempotencyKey, caseId: string) => write(key, (tx) => readPapers(deps, tx, reviewer, caseId)),
    reviewDeathReport: (reviewer: Actor, key: IdempotencyKey, caseId: string, input: DeathReviewInput) =>
      write(key, (tx) => review(deps, tx, reviewer, caseId, input)),
    dissentFromReport: (actor: Actor, key: IdempotencyKey, caseId: string, text: string) => write(key, (tx) => dissent(deps, tx, actor, caseId, text)),
    declareAlive: (actor: Actor, key: IdempotencyKey, caseId: string, signature: SignatureInput) =>
      write(key, (tx) => alive(deps, tx, actor, caseId, signature)),
    /** Jobs; each may run twice. */
    estates: makeEstateWork(deps),
  };
}

