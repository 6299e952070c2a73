import type { Tx } from '../kernel/tx.ts';
import type { StoredHold } from './hold-replay.ts';
import { holdHash } from './hold-model.ts';
import { accountHash, contentHash } from './model.ts';
import type { ProblemCode, StoredAccount, StoredTransferRow } from './replay.ts';
import { endedLeaf, heldLeaf, leavesOf, type Seal, sealDigest, sealRoot, transferLeaf } from './seal-model.ts';
import { sealsAfter } from './seal-store.ts';

/** Leaves of the public log that a checkpoint held elsewhere proves: digest by leaf id. */
export type Anchored = ReadonlyMap<string, string>;

export interface Proven {
  /** Everything up to this position is what a checkpoint held elsewhere speaks of. */
  position: bigint;
  /** Facts of holds that it speaks of. */
  holdFacts: number;
}

type Report = (code: ProblemCode, id: string, detail: string) => void;

const BATCH = 50;

/** Reads the seals one after the other, checks each, and hands out the leaf that a position must have. */
export async function openSeals(tx: Tx, anchored: Anchored | null, accounts: ReadonlyMap<string, StoredAccount>, report: Report): Promise<{
  transfer: (row: StoredTransferRow, recordedMicros: bigint) => Promise<void>;
  /** Call after the last transfer: what is sealed and was not met is missing. */
  end: () => Promise<void>;
  hold: (hold: StoredHold & { recordedMicros: bigint; resolvedMicros: bigint | null; endRecordedMicros: bigint | null }) => void;
  endHolds: () => void;
  proven: Proven;
}> {
  const hashes = new Map([...accounts].map(([id, account]) => [id, accountHash(account)]));
  const proven: Proven = { position: 0n, holdFacts: 0 };
  const facts = new Map<string, Buffer>();
  const met = new Set<string>();
  const open = new Set(anchored?.keys());
  let waiting: Seal[] = [];
  let current: { seal: Seal; leaves: Buffer[] | null } | null = null;
  let number = 0;
  let last = 0n;
  let unbroken = anchored !== null;

  /** Whether what the seal says is what the log says; null leaves mean that nothing can be held against it. */
  function check(seal: Seal): Buffer[] | null {
    const name = `seal ${seal.number} (positions ${String(seal.fromPosition + 1n)} to ${String(seal.toPosition)})`;
    if (seal.number !== number + 1 || seal.fromPosition !== last) report('seal_wrong', name, 'It does not follow the one before it.');
    number = seal.number;
    last = seal.toPosition;
    const fits = sealRoot(seal.leaves).equals(seal.root) && BigInt(leavesOf(seal.leaves).length) === seal.toPosition - seal.fromPosition + BigInt(seal.holdSeqs.length);
    if (!fits) report('seal_wrong', name, 'Its leaves do not have its root.');
    const digest = anchored?.get(seal.leafId);
    open.delete(seal.leafId);
    if (digest !== undefined && digest !== sealDigest(seal)) report('seal_wrong', name, 'The public log says something else of it.');
    const anchoredWell = digest !== undefined && digest === sealDigest(seal) && fits;
    if (anchoredWell && unbroken) {
      proven.position = seal.toPosition;
      proven.holdFacts += seal.holdSeqs.length;
    } else unbroken = false;
    if (!fits) return null;
    const leaves = leavesOf(seal.leaves);
    const first = Number(seal.toPosition - seal.fromPosition);
    seal.holdSeqs.forEach((seq, index) => {
      const leaf = leaves[first + index];
      if (leaf !== undefined) facts.set(`${seq} ${seal.holdFacts[index] ?? ''}`, leaf);
    });
    return leaves;
  }

  async function advance(): Promise<boolean> {
    if (waiting.length === 0) waiting = await sealsAfter(tx, number, BATCH);
    const seal = waiting.shift();
    if (seal === undefined) return false;
    current = { seal, leaves: check(seal) };
    return true;
  }

  /** Positions of seals up to this one that no transfer stands at. */
  let next = 1n;
  async function missing(until: bigint | null): Promise<void> {
    for (;;) {
      while (current === null || next > current.seal.toPosition) if (!(await advance())) return;
      if (until !== null && next >= until) return;
      if (next > current.seal.fromPosition) report('sealed_missing', String(next), 'A transfer was sealed at this position and is not there.');
      next += 1n;
    }
  }

  return {
    proven,
    async transfer(row, recordedMicros) {
      if (row.position === null || row.id === null) return;
      await missing(row.position);
      while (current === null || row.position > current.seal.toPosition) if (!(await advance())) return;
      next = row.position + 1n;
      const leaf = current.leaves?.[Number(row.position - current.seal.fromPosition) - 1];
      if (leaf === undefined) return;
      const legs = row.legs.map((leg) => ({ account: accounts.get(leg.accountId)?.code ?? '', currency: leg.currency, amountMinor: leg.amountMinor }));
      const found = transferLeaf({
        position: row.position, recordedMicros, id: row.id, contentHash: contentHash({ ...row, legs }),
        accountHashes: row.legs.map((leg) => hashes.get(leg.accountId) ?? Buffer.alloc(0)),
      });
      if (!found.equals(leaf)) report('leaf_wrong', row.id, `It is not what was sealed at position ${String(row.position)}.`);
    },
    async end() {
      await missing(null);
      while (await advance());
      for (const leafId of open) report('seal_missing', leafId, 'The public log speaks of a seal that is not there.');
    },
    hold(hold) {
      const legs = hold.legs.map((leg) => ({ account: accounts.get(leg.accountId)?.code ?? '', currency: leg.currency, amountMinor: leg.amountMinor }));
      const held = facts.get(`${hold.seq.toString()} held`);
      met.add(`${hold.seq.toString()} held`);
      if (held !== undefined && !held.equals(heldLeaf({
        recordedMicros: hold.recordedMicros, contentHash: holdHash({ ...hold, legs }), id: hold.id,
        accountHashes: hold.legs.map((leg) => hashes.get(leg.accountId) ?? Buffer.alloc(0)),
      }))) report('leaf_wrong', hold.id, 'It is not the hold that was sealed.');
      if (hold.outcome === null || hold.resolvedMicros === null || hold.endRecordedMicros === null) return;
      const ended = facts.get(`${hold.seq.toString()} ended`);
      met.add(`${hold.seq.toString()} ended`);
      if (ended !== undefined && !ended.equals(endedLeaf({
        atMicros: hold.resolvedMicros, recordedMicros: hold.endRecordedMicros, id: hold.id, outcome: hold.outcome, transferId: hold.transfer?.id ?? null,
      }))) report('leaf_wrong', hold.id, 'It did not end as was sealed.');
    },
    endHolds() {
      for (const name of facts.keys()) if (!met.has(name)) report('sealed_missing', `hold ${name}`, 'This was sealed of a hold and is not there.');
    },
  };
}
