import type { KeyObject } from 'node:crypto';

import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Ids } from '../kernel/ids.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import { completedNodes, inclusionRanges, leafHash, perfectNodes, rangeHash, rightEdge } from '../kernel/merkle.ts';
import type { LeafRange, NodeLookup, NodeRef } from '../kernel/merkle.ts';
import { documentDigest, entryBytes, parseEntry } from './model.ts';
import type { LeafEntry, LeafType } from './model.ts';
import { auditLog, type LogAudit } from './audit.ts';
import { checkpointText, formatProof, parseVerifierKey, signNote, verifierKey } from './note.ts';
import type { NoteSigner } from './note.ts';
import { BUNDLE_KIND } from './offline.ts';
import type { ProofBundle } from './offline.ts';
import * as store from './store.ts';

/** What a leaf is made of: the document itself, or its digest when the caller has signed canonical bytes already. */
export type AppendInput = { type: LeafType; subjectId: string; at: Date; evidenceSha256?: string } & (
  | { document: JsonObject }
  | { documentSha256: string }
);

/** A leaf as anybody may see it. `index` is null until the next run of the sequencer. */
export interface LogLeafView extends LeafEntry {
  index: string | null;
}

export interface LogProofView {
  kind: typeof BUNDLE_KIND;
  leaf: LeafEntry;
  index: string;
  /** The leaf's bytes, base64. */
  entry: string;
  /** `c2sp.org/tlog-proof@v1` text. */
  proof: string;
  vkey: string;
}

export interface Transparency {
  /** Adds a leaf in the caller's transaction: it is in the log if and only if that transaction commits. */
  append(tx: Tx, input: AppendInput): Promise<{ leafId: string }>;
  /** Gives every committed leaf its place and signs a new head. Safe to run anywhere, at any time, twice. */
  sequence(): Promise<{ sequenced: number; size: bigint }>;
  leavesOf(tx: Tx, subjectId: string): Promise<LogLeafView[]>;
  /** The root of the first `size` leaves, base64 as in a checkpoint; null when the log is shorter, or for no leaves. */
  rootAt(tx: Tx, size: bigint): Promise<string | null>;
  /** Holds the stored log against a checkpoint kept elsewhere; `vkey` is the key it was signed with, by default our own. */
  audit(tx: Tx, checkpoint: string, types: readonly LeafType[], key?: string): Promise<LogAudit>;
  /** A leaf's proof with the document beside it: the file that `benren verify` reads. */
  bundle(leafId: string, document?: JsonObject): Promise<ProofBundle>;
  /** The proofs of several leaves under one and the same head. */
  bundles(leafIds: readonly string[]): Promise<ProofBundle[]>;
  /** The line by which others verify this log's heads. */
  verifierKey: string;

  getCheckpoint(): Promise<string>;
  getLogProof(leafId: string): Promise<LogProofView>;
  listLeavesOfSubject(subjectId: string, page: { limit: number; after?: string }): Promise<{ leaves: LogLeafView[] }>;
}

/** Leaves placed in one transaction: bounds its locks and its memory, and thousands of leaves still take seconds. */
const BATCH = 500;
const SUBJECT_LEAVES_MAX = 1_000;

/** The leaf from its own bytes: the digests are kept nowhere else, so they cannot differ from what was hashed. */
function readEntry(row: store.LeafRow): LeafEntry {
  const entry = parseEntry(row.entry);
  if (entry === undefined) throw new Error(`The entry of leaf ${row.id} cannot be read.`);
  return entry;
}

function view(row: store.PlacedLeafRow): LogLeafView {
  return { ...readEntry(row), index: row.index?.toString() ?? null };
}

const keyOf = (node: NodeRef): string => `${node.level}/${node.index.toString()}`;

/** Loads what a few subtrees consist of, and answers from that. */
async function lookupFor(tx: Tx, refs: readonly NodeRef[]): Promise<NodeLookup> {
  const nodes = new Map((await store.loadNodes(tx, refs)).map((node) => [keyOf(node), node.hash]));
  return (ref) => {
    const hash = nodes.get(keyOf(ref));
    if (hash === undefined) throw new Error(`The log has no node ${keyOf(ref)}.`);
    return hash;
  };
}

async function hashesOf(tx: Tx, ranges: readonly LeafRange[]): Promise<Buffer[]> {
  const lookup = await lookupFor(tx, ranges.flatMap(perfectNodes));
  return ranges.map((range) => rangeHash(range, lookup));
}

/** One batch: places, subtree hashes, head, all or nothing. */
async function sequenceBatch(tx: Tx, signer: NoteSigner, at: Date): Promise<{ sequenced: number; size: bigint }> {
  await store.lockSequencer(tx);
  const waiting = await store.waitingLeaves(tx, BATCH);
  const before = await store.treeSize(tx);
  const head = await store.latestCheckpoint(tx);
  if (waiting.length === 0 && head !== null) return { sequenced: 0, size: before };
  const size = before + BigInt(waiting.length);
  const edge = await lookupFor(tx, rightEdge(before));
  const nodes = completedNodes(before, waiting.map((leaf) => leaf.leafHash), edge);
  await store.insertPositions(tx, before, waiting.map((leaf) => leaf.id));
  await store.insertNodes(tx, nodes);
  const root = rangeHash({ from: 0n, to: size }, await lookupFor(tx, rightEdge(size)));
  const note = signNote(checkpointText({ origin: signer.name, size, root }), signer);
  await store.insertCheckpoint(tx, { size, root, note, at });
  return { sequenced: waiting.length, size };
}

async function proofOf(tx: Tx, leafId: string, vkey: string, under?: store.CheckpointRow | null): Promise<LogProofView> {
  const leaf = await store.findLeaf(tx, leafId);
  if (leaf === null) throw notFound();
  const head = under ?? await store.latestCheckpoint(tx);
  if (leaf.index === null || head === null || head.size <= leaf.index) {
    throw new Refusal('unavailable', 'The leaf is written but has no place in the tree yet; ask again in a second.');
  }
  const hashes = await hashesOf(tx, inclusionRanges(leaf.index, head.size));
  return {
    kind: BUNDLE_KIND,
    leaf: readEntry(leaf),
    index: leaf.index.toString(),
    entry: leaf.entry.toString('base64'),
    proof: formatProof({ index: leaf.index, hashes, checkpoint: head.note }),
    vkey,
  };
}

async function rootAt(tx: Tx, size: bigint): Promise<string | null> {
  if (size < 1n || size > (await store.treeSize(tx))) return null;
  const [root] = await hashesOf(tx, [{ from: 0n, to: size }]);
  return root?.toString('base64') ?? null;
}

/** `origin` names the log and its key in every head (tlog-checkpoint): it never changes in the life of a log. */
export function makeTransparency(deps: {
  runTx: RunTx;
  clock: Pick<Clock, 'now'>;
  ids: Ids;
  logKey: KeyObject;
  origin: string;
}): Transparency {
  const { runTx, clock, ids } = deps;
  const signer: NoteSigner = { name: deps.origin, privateKey: deps.logKey };
  const vkey = verifierKey(signer);

  return {
    verifierKey: vkey,

    async append(tx, input) {
      const documentSha256 = 'document' in input ? documentDigest(input.document) : input.documentSha256;
      const { type, subjectId, at, evidenceSha256 } = input;
      if (![documentSha256, evidenceSha256 ?? documentSha256].every((digest) => /^[0-9a-f]{64}$/.test(digest))) {
        throw new TypeError('a leaf names document and evidence by a SHA-256 in hex');
      }
      const leafId = ids.next('leaf');
      const evidence = evidenceSha256 === undefined ? {} : { evidenceSha256 };
      const entry = entryBytes({ leafId, type, subjectId, at: at.toISOString(), documentSha256, ...evidence });
      await store.insertLeaf(tx, { id: leafId, type, subjectId, at, entry, leafHash: leafHash(entry) });
      return { leafId };
    },

    async sequence() {
      let sequenced = 0;
      for (;;) {
        const batch = await runTx((tx) => sequenceBatch(tx, signer, clock.now()), { isolation: 'READ COMMITTED' });
        sequenced += batch.sequenced;
        if (batch.sequenced < BATCH) return { sequenced, size: batch.size };
      }
    },

    rootAt,

    async audit(tx, checkpoint, types, key = vkey) {
      const verifier = parseVerifierKey(key.trim());
      if (verifier === undefined) throw new Refusal('request_invalid', 'This is no verifier key of a log.');
      return await auditLog(tx, checkpoint, verifier, types);
    },

    async leavesOf(tx, subjectId) {
      return (await store.leavesOfSubject(tx, subjectId, { limit: SUBJECT_LEAVES_MAX })).map(view);
    },

    async bundle(leafId, document) {
      const { entry, proof } = await runTx((tx) => proofOf(tx, leafId, vkey));
      return { kind: BUNDLE_KIND, entry, proof, vkey, ...(document === undefined ? {} : { document }) };
    },

    bundles: (leafIds) => runTx(async (tx) => {
      const head = await store.latestCheckpoint(tx);
      const all: ProofBundle[] = [];
      for (const leafId of leafIds) {
        const { entry, proof } = await proofOf(tx, leafId, vkey, head);
        all.push({ kind: BUNDLE_KIND, entry, proof, vkey });
      }
      return all;
    }),

    async getCheckpoint() {
      const head = await runTx((tx) => store.latestCheckpoint(tx));
      if (head === null) throw new Refusal('unavailable', 'The log has no signed head yet; ask again in a second.');
      return head.note;
    },

    async getLogProof(leafId) {
      return await runTx((tx) => proofOf(tx, leafId, vkey));
    },

    async listLeavesOfSubject(subjectId, page) {
      const rows = await runTx((tx) => store.leavesOfSubject(tx, subjectId, page));
      return { leaves: rows.map(view) };
    },
  };
}
