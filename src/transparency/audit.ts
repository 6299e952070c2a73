import type { Tx } from '../kernel/tx.ts';
import { EMPTY_ROOT, leafHash, nodeHash } from '../kernel/merkle.ts';
import { type LeafEntry, type LeafType, parseEntry } from './model.ts';
import { openCheckpoint, type NoteVerifier } from './note.ts';
import * as store from './store.ts';

/**
 * Holds the stored log against a checkpoint that somebody kept elsewhere: whoever can write this database can write its
 * checkpoints too, but not that one.
 */

export interface LogAudit {
  /** Leaves that the checkpoint speaks of. */
  size: bigint;
  problems: { code: 'checkpoint_malformed' | 'log_short' | 'log_differs'; id: string; detail: string }[];
  /** Those of the asked types that it proves, by leaf id; empty when anything is wrong. */
  leaves: Map<string, LeafEntry>;
}

const BATCH = 1_000;

/** The root of leaves that come one after the other: perfect subtrees, the largest first. */
function makeRoot(): { add: (hash: Buffer) => void; root: () => Buffer } {
  const trees: { level: number; hash: Buffer }[] = [];
  return {
    add(hash) {
      let tree = { level: 0, hash };
      for (let top = trees.at(-1); top?.level === tree.level; top = trees.at(-1)) {
        trees.pop();
        tree = { level: tree.level + 1, hash: nodeHash(top.hash, tree.hash) };
      }
      trees.push(tree);
    },
    root() {
      const last = trees.at(-1);
      if (last === undefined) return EMPTY_ROOT;
      return trees.slice(0, -1).reduceRight((right, { hash }) => nodeHash(hash, right), last.hash);
    },
  };
}

export async function auditLog(tx: Tx, note: string, verifier: NoteVerifier, types: readonly LeafType[]): Promise<LogAudit> {
  const checkpoint = openCheckpoint(note, verifier);
  if (checkpoint === undefined) {
    const detail = 'It is no checkpoint that this log has signed.';
    return { size: 0n, problems: [{ code: 'checkpoint_malformed', id: 'checkpoint', detail }], leaves: new Map() };
  }
  const { size } = checkpoint;
  const tree = makeRoot();
  const leaves = new Map<string, LeafEntry>();
  let next = 0n;
  for (let more = true; more && next < size;) {
    const rows = await store.entriesFrom(tx, next, size, BATCH);
    for (const { index, id, entry } of rows) {
      if (index !== next) break;
      tree.add(leafHash(entry));
      next += 1n;
      const read = parseEntry(entry);
      if (read !== undefined && types.includes(read.type)) leaves.set(id, read);
    }
    more = rows.length === BATCH;
  }
  if (next < size) {
    const detail = `The checkpoint speaks of ${size.toString()} leaves; the log ends or has a gap at ${next.toString()}.`;
    return { size, problems: [{ code: 'log_short', id: `leaf ${next.toString()}`, detail }], leaves: new Map() };
  }
  if (!tree.root().equals(checkpoint.root)) {
    const detail = `The first ${size.toString()} leaves are not those of the checkpoint.`;
    return { size, problems: [{ code: 'log_differs', id: 'log', detail }], leaves: new Map() };
  }
  return { size, problems: [], leaves };
}
