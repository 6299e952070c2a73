import type { components } from '../../contracts/generated/api.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { type Day, dayOf } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once, savepoint } from '../platform/postgres/index.ts';
import { type OpeningInput, openingDraft } from './adjust-model.ts';
import { type AdjustDeps, checkParties } from './adjustments.ts';
import * as store from './import-store.ts';
import type { TransferDraft } from './model.ts';
import type { Posted } from './posting.ts';

export type ImportJson = components['schemas']['LedgerImport'];
type ItemJson = ImportJson['items'][number];

/** Balances brought in from older books, from a file of transfers: tried first, then posted by another operator. */
export interface Imports {
  /** The dry run: every item is posted in a transaction that is rolled back. The file is kept, and nothing of it is booked. */
  checkImport: (actor: Actor, key: IdempotencyKey, input: { transfers: readonly OpeningInput[] }) => Promise<ImportJson>;
  /**
   * Posts what was checked, through the ledger's writer. An item that is refused fails alone, one that stands already changes nothing.
   * Refuses `two_people_needed`; `overloaded` when too much waits to be written, and then the same call posts the rest.
   */
  postImport: (actor: Actor, key: IdempotencyKey, importId: string) => Promise<ImportJson>;
}

/** Items that wait in the writer at once: a file never fills the queue by itself. */
const AT_ONCE = 200;

class RolledBack extends Error {}

const plain = ({ key, effectiveDate, legs }: OpeningInput): JsonObject => ({ key, effectiveDate, legs: legs.map((leg) => ({ ...leg })) });

function refusedItem(key: string, error: unknown): ItemJson {
  if (!(error instanceof Refusal) || error.code === 'overloaded') throw error;
  return { key, state: 'refused', transferId: null, problem: { code: error.code, detail: error.message } };
}

async function itemOf(key: string, posting: () => Promise<Posted>): Promise<ItemJson> {
  try {
    const { transferId, created } = await posting();
    return { key, state: created ? 'accepted' : 'present', transferId, problem: null };
  } catch (error) {
    return refusedItem(key, error);
  }
}

/** As it would be posted. Refuses whatever can be said without posting it. */
async function checkedDraft(tx: Tx, deps: AdjustDeps, operators: readonly string[], input: OpeningInput, today: Day): Promise<TransferDraft> {
  const draft = openingDraft(input, today);
  await checkParties(tx, deps, operators, draft);
  return draft;
}

/** Posts each in a part of the transaction that is then undone. */
async function tried(tx: Tx, deps: AdjustDeps, actor: Actor, transfers: readonly OpeningInput[], today: Day): Promise<ItemJson[]> {
  const items: ItemJson[] = [];
  try {
    await savepoint(tx, async () => {
      for (const input of transfers) {
        const item = await itemOf(input.key, async () => {
          const draft = await checkedDraft(tx, deps, [actor.accountId], input, today);
          return await savepoint(tx, () => deps.ledger.post(tx, draft));
        });
        // What is rolled back has no name.
        items.push(item.state === 'accepted' ? { ...item, transferId: null } : item);
      }
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return items;
}

type Drafted = { key: string; draft: TransferDraft } | { key: string; refused: unknown };

async function draftsOf(tx: Tx, deps: AdjustDeps, operators: readonly string[], inputs: readonly OpeningInput[], today: Day): Promise<Drafted[]> {
  const drafts: Drafted[] = [];
  for (const input of inputs) {
    try {
      drafts.push({ key: input.key, draft: await checkedDraft(tx, deps, operators, input, today) });
    } catch (refused) {
      drafts.push({ key: input.key, refused });
    }
  }
  return drafts;
}

async function posted(deps: AdjustDeps, actor: Actor, { transfers, checkedAt, checkedBy }: store.ImportRow): Promise<ItemJson[]> {
  const items: ItemJson[] = [];
  for (let from = 0; from < transfers.length; from += AT_ONCE) {
    const some = transfers.slice(from, from + AT_ONCE);
    const drafts = await deps.runTx((tx) => draftsOf(tx, deps, [actor.accountId, checkedBy], some, dayOf(checkedAt)));
    items.push(...await Promise.all(drafts.map(async (one) => (
      'draft' in one ? await itemOf(one.key, () => deps.ledger.submit(one.draft)) : refusedItem(one.key, one.refused)
    ))));
  }
  return items;
}

function viewOf(row: store.ImportRow, items: ItemJson[]): ImportJson {
  const count = (state: ItemJson['state']): number => items.filter((item) => item.state === state).length;
  return {
    importId: row.id, state: row.postedBy === null ? 'checked' : 'posted', digest: row.digest, checkedBy: row.checkedBy, checkedAt: row.checkedAt.toISOString(),
    postedBy: row.postedBy, postedAt: row.postedAt?.toISOString() ?? null, accepted: count('accepted'), present: count('present'), refused: count('refused'), items,
  };
}

export function makeImports(deps: AdjustDeps): Imports {
  const { runTx, clock, ids } = deps;

  async function allowed(tx: Tx, actor: Actor, importId: string): Promise<store.ImportRow> {
    const row = await store.lockImport(tx, importId);
    if (row === null) throw notFound();
    if (row.checkedBy === actor.accountId) throw new Refusal('two_people_needed', 'Another operator must post what you checked.');
    if (row.postedBy !== null) return row;
    const posting = { postedBy: actor.accountId, postedAt: clock.now() };
    await store.insertPosting(tx, { importId, ...posting });
    return { ...row, ...posting };
  }

  return {
    checkImport: (actor, key, { transfers }) => runTx((tx) => once(tx, key, async () => {
      const row: store.ImportRow = {
        id: ids.next('openingImport'), transfers: [...transfers], digest: sha256Hex(canonicalJson(transfers.map(plain))), checkedBy: actor.accountId,
        checkedAt: clock.now(), postedBy: null, postedAt: null,
      };
      await store.insertImport(tx, row);
      return viewOf(row, await tried(tx, deps, actor, transfers, dayOf(row.checkedAt)));
    })),

    async postImport(actor, key, importId) {
      await runTx((tx) => once(tx, key, async () => ({ importId: (await allowed(tx, actor, importId)).id })));
      const row = await runTx((tx) => allowed(tx, actor, importId));
      return viewOf(row, await posted(deps, actor, row));
    },
  };
}
