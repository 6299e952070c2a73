import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { ConsentDeps, SignatureInput } from './service.ts';
import { checkedSuccession, type Heir, type SuccessionDocument, type SuccessionTerms } from './succession.ts';
import * as store from './succession-store.ts';

export interface SuccessionView {
  successionId: string;
  state: 'draft' | 'in_force' | 'superseded';
  document: SuccessionDocument;
  canonical: string;
  digest: string;
  signedAt: string | null;
  accepted: string[];
}

async function view(tx: Tx, row: store.SuccessionRow): Promise<SuccessionView> {
  const current = await store.successionOf(tx, row.ownerAccountId);
  const state = row.signedAt === null ? 'draft' : current?.successionId === row.successionId ? 'in_force' : 'superseded';
  return {
    successionId: row.successionId, state, document: row.document, canonical: row.canonical, digest: row.digest,
    signedAt: row.signedAt?.toISOString() ?? null, accepted: row.accepted,
  };
}

export function isHeir(row: Pick<store.SuccessionRow, 'document'>, accountId: string): boolean {
  return row.document.heirs.some((heir) => heir.accountId === accountId);
}

/** For its owner, and once it is signed for those it names; for everybody else it does not exist. */
export async function succession(tx: Tx, actor: Actor, successionId: string): Promise<store.SuccessionRow> {
  const row = await store.findSuccession(tx, successionId);
  const named = row !== null && row.signedAt !== null && isHeir(row, actor.accountId);
  if (row === null || (row.ownerAccountId !== actor.accountId && !named)) throw notFound();
  return row;
}

async function heirsOf(deps: ConsentDeps, tx: Tx, named: SuccessionTerms['heirs']): Promise<Heir[]> {
  const heirs: Heir[] = [];
  for (const { accountId, role } of named) {
    const account = await deps.identity.account(tx, accountId);
    if (account === null) throw new Refusal('account_unknown', 'An heir is no account of this service.', { extra: { accountId } });
    heirs.push({ accountId, name: account.displayName, role });
  }
  return heirs;
}

/** While a report of the owner's death is open, nothing about the heirs changes: it would be the reporter's word against hers. */
async function refuseUnderReport(tx: Tx, ownerAccountId: string): Promise<void> {
  const open = await store.openCaseOf(tx, ownerAccountId);
  if (open !== null) throw new Refusal('succession_state', `A report of a death is ${open.state}; declare that you live before you name heirs.`);
}

async function draft(deps: ConsentDeps, tx: Tx, actor: Actor, asked: SuccessionTerms): Promise<SuccessionView> {
  const at = deps.clock.now();
  const { heirs, waitingDays, sunset } = checkedSuccession(actor.accountId, asked, at);
  const owner = await deps.identity.account(tx, actor.accountId);
  if (owner === null) throw notFound();
  const document: SuccessionDocument = {
    type: 'benren.succession', schemaVersion: 1, successionId: deps.ids.next('succession'),
    owner: { accountId: owner.accountId, name: owner.displayName }, heirs: await heirsOf(deps, tx, heirs), waitingDays, sunset,
    supersedes: (await store.successionOf(tx, actor.accountId))?.successionId ?? null, at: at.toISOString(),
  };
  const canonical = canonicalJson(document);
  await store.insertSuccession(tx, { document, canonical, digest: sha256Hex(canonical), at });
  return await view(tx, await succession(tx, actor, document.successionId));
}

/** The owner names, an heir accepts; an owner's signature takes the place of the succession before. */
async function sign(deps: ConsentDeps, tx: Tx, actor: Actor, successionId: string, signature: SignatureInput): Promise<SuccessionView> {
  const at = deps.clock.now();
  const { ownerAccountId } = await succession(tx, actor, successionId);
  await store.lockSuccession(tx, ownerAccountId);
  const row = await succession(tx, actor, successionId);
  const mine = actor.accountId === ownerAccountId;
  const current = await store.successionOf(tx, ownerAccountId);
  if (mine) await refuseUnderReport(tx, ownerAccountId);
  if (mine ? row.signedAt !== null || row.document.supersedes !== (current?.successionId ?? null) : current?.successionId !== successionId) {
    throw new Refusal('succession_state', 'Another succession was signed meanwhile; this one is not open for signature.');
  }
  if (row.accepted.includes(actor.accountId)) throw new Refusal('succession_state', 'You have accepted this already.');
  const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'succession' });
  if (signed.digest !== row.digest) throw new Refusal('signature_mismatch', 'What was signed is not this succession.');
  await store.insertSuccessionSignature(tx, { successionId, accountId: actor.accountId, signedDocumentId: signed.id, at });
  if (mine) await deps.transparency.append(tx, { type: 'succession.signed', subjectId: successionId, at, document: signed.document });
  else await settleWhenAccepted(tx, ownerAccountId, at);
  return await view(tx, await succession(tx, actor, successionId));
}

/** A waiting period that ran out before any heir accepted ends with the first who does. */
async function settleWhenAccepted(tx: Tx, ownerAccountId: string, at: Date): Promise<void> {
  const open = await store.openCaseOf(tx, ownerAccountId);
  if (open?.state !== 'waiting' || open.waitingUntil === null || open.waitingUntil > at) return;
  await enqueue(tx, {
    topic: 'consent.settleEstate', payload: { caseId: open.caseId }, runAt: at, dedupeKey: `consent.settleEstate:${open.caseId}:${at.toISOString()}`,
  });
}

/** Naming heirs while one lives, and accepting. */
export function makeSuccessions(deps: ConsentDeps) {
  const { runTx } = deps;
  const write = async <T>(key: IdempotencyKey, work: (tx: Tx) => Promise<T>): Promise<T> =>
    await runTx(async (tx) => await once(tx, key, async () => await work(tx)));
  return {
    draftSuccession: (actor: Actor, key: IdempotencyKey, terms: SuccessionTerms) => write(key, (tx) => draft(deps, tx, actor, terms)),
    getSuccession: (actor: Actor, successionId: string) => runTx(async (tx) => await view(tx, await succession(tx, actor, successionId))),
    listSuccessions: (actor: Actor) => runTx(async (tx) => {
      const successions: SuccessionView[] = [];
      for (const row of await store.successionsAbout(tx, actor.accountId)) successions.push(await view(tx, row));
      return { successions };
    }),
    signSuccession: (actor: Actor, key: IdempotencyKey, successionId: string, signature: SignatureInput) =>
      write(key, (tx) => sign(deps, tx, actor, successionId, signature)),
  };
}
