import type { Tx } from '../kernel/tx.ts';
import type { StoredHold } from './hold-replay.ts';
import { holdHash } from './hold-model.ts';
import { accountHash, contentHash, type NamedLeg } from './model.ts';
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

/** A hold with its times as they stand in seals. */
export type SealedHold = StoredHold & { recordedMicros: bigint; resolvedMicros: bigint | null; endRecordedMicros: bigint | null };

type Report = (code: ProblemCode, id: string, detail: string) => void;
type Legs = StoredTransferRow['legs'];

const BATCH = 50;

/** Reads the seals one after the other, checks each, and holds against it what the replay reads. */
export class SealAudit {
  readonly proven: Proven = { position: 0n, holdFacts: 0 };
  readonly #tx: Tx;
  readonly #anchored: Anchored | null;
  readonly #accounts: ReadonlyMap<string, StoredAccount>;
  readonly #report: Report;
  readonly #hashes: ReadonlyMap<string, Buffer>;
  /** Anchored leaves whose seal has not come yet. */
  readonly #open: Set<string>;
  /** Sealed leaves of holds by `seq fact`, and those that were met. */
  readonly #facts = new Map<string, Buffer>();
  readonly #met = new Set<string>();
  #waiting: Seal[] = [];
  /** Null leaves: nothing can be held against this seal. */
  #current: { seal: Seal; leaves: Buffer[] | null } | null = null;
  #number = 0;
  #sealedTo = 0n;
  #unbroken: boolean;
  /** The next position that a seal speaks of and no transfer has met. */
  #next = 1n;

  constructor(tx: Tx, anchored: Anchored | null, accounts: ReadonlyMap<string, StoredAccount>, report: Report) {
    this.#tx = tx;
    this.#anchored = anchored;
    this.#accounts = accounts;
    this.#report = report;
    this.#hashes = new Map([...accounts].map(([id, account]) => [id, accountHash(account)]));
    this.#open = new Set(anchored?.keys());
    this.#unbroken = anchored !== null;
  }

  /** In the order of positions. */
  async transfer(row: StoredTransferRow, recordedMicros: bigint): Promise<void> {
    const { position, id } = row;
    if (position === null || id === null) return;
    await this.#missing(position);
    const current = await this.#sealOf(position);
    if (current === null) return;
    this.#next = position + 1n;
    const leaf = current.leaves?.[Number(position - current.seal.fromPosition) - 1];
    if (leaf === undefined) return;
    const found = transferLeaf({ position, recordedMicros, id, contentHash: contentHash({ ...row, legs: this.#named(row.legs) }), accountHashes: this.#accountHashes(row.legs) });
    if (!found.equals(leaf)) this.#report('leaf_wrong', id, `It is not what was sealed at position ${String(position)}.`);
  }

  /** After the last transfer: what is sealed and was not met is missing. */
  async end(): Promise<void> {
    await this.#missing(null);
    while (await this.#advance());
    for (const leafId of this.#open) this.#report('seal_missing', leafId, 'The public log speaks of a seal that is not there.');
  }

  /** After `end`, in any order. */
  hold(hold: SealedHold): void {
    const { id, recordedMicros, outcome, resolvedMicros, endRecordedMicros } = hold;
    const held = this.#fact(`${hold.seq.toString()} held`);
    const found = heldLeaf({ recordedMicros, contentHash: holdHash({ ...hold, legs: this.#named(hold.legs) }), id, accountHashes: this.#accountHashes(hold.legs) });
    if (held?.equals(found) === false) this.#report('leaf_wrong', id, 'It is not the hold that was sealed.');
    if (outcome === null || resolvedMicros === null || endRecordedMicros === null) return;
    const ended = this.#fact(`${hold.seq.toString()} ended`);
    const end = endedLeaf({ atMicros: resolvedMicros, recordedMicros: endRecordedMicros, id, outcome, transferId: hold.transfer?.id ?? null });
    if (ended?.equals(end) === false) this.#report('leaf_wrong', id, 'It did not end as was sealed.');
  }

  endHolds(): void {
    for (const name of this.#facts.keys()) {
      if (!this.#met.has(name)) this.#report('sealed_missing', `hold ${name}`, 'This was sealed of a hold and is not there.');
    }
  }

  #fact(name: string): Buffer | undefined {
    this.#met.add(name);
    return this.#facts.get(name);
  }

  #named(legs: Legs): NamedLeg[] {
    return legs.map(({ accountId, currency, amountMinor }) => ({ account: this.#accounts.get(accountId)?.code ?? '', currency, amountMinor }));
  }

  #accountHashes(legs: Legs): Buffer[] {
    return legs.map(({ accountId }) => this.#hashes.get(accountId) ?? Buffer.alloc(0));
  }

  async #sealOf(position: bigint): Promise<{ seal: Seal; leaves: Buffer[] | null } | null> {
    while (this.#current === null || position > this.#current.seal.toPosition) if (!(await this.#advance())) return null;
    return this.#current;
  }

  /** Reports positions of seals, up to one or all, that no transfer stands at. */
  async #missing(until: bigint | null): Promise<void> {
    for (; until === null || this.#next < until; this.#next += 1n) {
      const current = await this.#sealOf(this.#next);
      if (current === null) return;
      if (this.#next > current.seal.fromPosition) this.#report('sealed_missing', String(this.#next), 'A transfer was sealed at this position and is not there.');
    }
  }

  async #advance(): Promise<boolean> {
    if (this.#waiting.length === 0) this.#waiting = await sealsAfter(this.#tx, this.#number, BATCH);
    const seal = this.#waiting.shift();
    if (seal === undefined) return false;
    this.#current = { seal, leaves: this.#check(seal) };
    return true;
  }

  /** The seal's leaves, if they have its root; and whether that root is what the log says. */
  #check(seal: Seal): Buffer[] | null {
    const name = `seal ${seal.number} (positions ${String(seal.fromPosition + 1n)} to ${String(seal.toPosition)})`;
    if (seal.number !== this.#number + 1 || seal.fromPosition !== this.#sealedTo) this.#report('seal_wrong', name, 'It does not follow the one before it.');
    this.#number = seal.number;
    this.#sealedTo = seal.toPosition;
    const leaves = leavesOf(seal.leaves);
    const transfers = Number(seal.toPosition - seal.fromPosition);
    const fits = sealRoot(seal.leaves).equals(seal.root) && leaves.length === transfers + seal.holdSeqs.length;
    if (!fits) this.#report('seal_wrong', name, 'Its leaves do not have its root.');
    const digest = this.#anchored?.get(seal.leafId);
    this.#open.delete(seal.leafId);
    const told = digest === sealDigest(seal);
    if (digest !== undefined && !told) this.#report('seal_wrong', name, 'The public log says something else of it.');
    this.#unbroken &&= told && fits;
    if (this.#unbroken) {
      this.proven.position = seal.toPosition;
      this.proven.holdFacts += seal.holdSeqs.length;
    }
    if (!fits) return null;
    seal.holdSeqs.forEach((seq, index) => this.#facts.set(`${seq} ${seal.holdFacts[index] ?? ''}`, leaves[transfers + index] ?? Buffer.alloc(0)));
    return leaves;
  }
}
