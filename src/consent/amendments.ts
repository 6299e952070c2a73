import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { Authority } from './authority.ts';
import { type Change, compareGrants } from './compare.ts';
import { checkedTerms, termsOf } from './draft.ts';
import type { Gates } from './gates.ts';
import type { Amendment, GrantDocument } from './grant.ts';
import { licenceState } from './licence.ts';
import * as licences from './licence-store.ts';
import type { ConsentDeps, SignatureInput } from './service.ts';
import * as store from './store.ts';

/** An amendment that somebody signed and that does not act yet. */
export interface PendingAmendmentView {
  grantId: string;
  version: number;
  digest: string;
  state: 'awaiting_countersignature' | 'withdrawn' | 'superseded';
  document: Amendment;
  change: Change;
  signers: string[];
  missing: string[];
}

type Room = ConsentDeps & { gates: Gates; authority: Authority };
/** Puts a fully signed amendment in force; the grants' own work. */
type Enact = (tx: Tx, row: store.GrantRow, offer: { digest: string; ownersDocumentId: string; by: string }) => Promise<void>;

/** The organisations whose signature a widening needs: every licensee who is bound by the grant now. */
export async function boundLicensees(tx: Tx, grantId: string, at: Date): Promise<string[]> {
  const bound = (await licences.boundUnder(tx, grantId)).filter((row) => !['ended', 'expired', 'grant_ended'].includes(licenceState(row, at)));
  return [...new Set(bound.map(({ licenseeAccountId }) => licenseeAccountId))].sort();
}

function view(row: store.GrantRow, offer: licences.OfferRow, bound: readonly string[]): PendingAmendmentView {
  const document = JSON.parse(offer.canonical) as Amendment;
  const state = offer.withdrawnAt !== null ? 'withdrawn' : offer.supersedes === row.digest ? 'awaiting_countersignature' : 'superseded';
  return {
    grantId: row.grantId, version: offer.version, digest: offer.digest, state, document,
    change: compareGrants(termsOf(JSON.parse(row.canonical) as GrantDocument), termsOf(document)), signers: offer.signers,
    missing: state === 'awaiting_countersignature' ? bound.filter((account) => !offer.signers.includes(account)) : [],
  };
}

/** The grant, for its owner and for the organisations bound by it. */
async function concerned(tx: Tx, actor: Actor, grantId: string, at: Date): Promise<{ row: store.GrantRow; bound: string[] }> {
  const row = await store.loadGrant(tx, grantId);
  const bound = row === null ? [] : await boundLicensees(tx, grantId, at);
  if (row === null || (row.ownerAccountId !== actor.accountId && !bound.includes(actor.accountId))) throw notFound();
  return { row, bound };
}

async function pending(tx: Tx, row: store.GrantRow, digest: string): Promise<licences.OfferRow> {
  const offer = (await licences.offersOf(tx, row.grantId)).find((one) => one.digest === digest);
  if (offer === undefined) throw new Refusal('grant_document_mismatch', 'No amendment of this grant that waits has this digest.');
  if (offer.withdrawnAt !== null) throw new Refusal('amendment_state', 'This amendment was withdrawn.');
  if (offer.supersedes !== row.digest) throw new Refusal('amendment_state', 'The grant was amended meanwhile; this amendment is superseded.');
  if (row.state !== 'signed') throw new Refusal('amendment_state', `The grant is ${row.state}.`);
  return offer;
}

async function countersign(room: Room, enact: Enact, tx: Tx, actor: Actor, grantId: string, signature: SignatureInput): Promise<PendingAmendmentView> {
  const at = room.clock.now();
  const first = await concerned(tx, actor, grantId, at);
  await store.lockGrants(tx, first.row.cloneId);
  const { row, bound } = await concerned(tx, actor, grantId, at);
  if (!bound.includes(actor.accountId)) throw new Refusal('amendment_state', 'Your own signature is there; a licensee’s is missing.');
  const signed = await room.identity.completeSignature(tx, actor, signature, { documentType: 'amendment' });
  const offer = await pending(tx, row, signed.digest);
  if (offer.signers.includes(actor.accountId)) throw new Refusal('amendment_state', 'You have signed this already.');
  checkedTerms(termsOf(JSON.parse(offer.canonical) as GrantDocument), at);
  await licences.insertOffer(tx, { grantId, digest: offer.digest, accountId: actor.accountId, signedDocumentId: signed.id, at });
  const signers = [...offer.signers, actor.accountId].sort();
  const shown = view(row, { ...offer, signers }, bound);
  if (shown.missing.length === 0) await enact(tx, row, { digest: offer.digest, ownersDocumentId: offer.ownersDocumentId, by: actor.accountId });
  return shown;
}

async function withdraw(room: Room, tx: Tx, actor: Actor, grantId: string, digest: string): Promise<PendingAmendmentView> {
  const at = room.clock.now();
  const first = await concerned(tx, actor, grantId, at);
  await store.lockGrants(tx, first.row.cloneId);
  const { row, bound } = await concerned(tx, actor, grantId, at);
  const offer = await pending(tx, row, digest);
  await licences.insertAmendmentWithdrawal(tx, { grantId, digest, by: actor.accountId, at });
  return view(row, { ...offer, withdrawnAt: at }, bound);
}

/** Amendments that need two signatures: seen, countersigned, withdrawn by either side before they act. */
export function makeAmendments(room: Room, enact: Enact) {
  const { runTx, clock } = room;
  const write = async <T>(key: IdempotencyKey, work: (tx: Tx) => Promise<T>): Promise<T> =>
    await runTx(async (tx) => await once(tx, key, async () => await work(tx)));
  return {
    listAmendments: (actor: Actor, grantId: string) => runTx(async (tx) => {
      const { row, bound } = await concerned(tx, actor, grantId, clock.now());
      return { amendments: (await licences.offersOf(tx, grantId)).map((offer) => view(row, offer, bound)) };
    }),
    countersignAmendment: (actor: Actor, key: IdempotencyKey, grantId: string, signature: SignatureInput) =>
      write(key, (tx) => countersign(room, enact, tx, actor, grantId, signature)),
    withdrawAmendment: (actor: Actor, key: IdempotencyKey, grantId: string, digest: string) => write(key, (tx) => withdraw(room, tx, actor, grantId, digest)),
  };
}
