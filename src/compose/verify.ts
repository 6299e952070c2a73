import { createPublicKey, type KeyObject } from 'node:crypto';

// The pure files themselves, not the doors: whoever checks a file needs no database driver and no native library.
import { replay } from '../consent/model.ts';
import { verifySignatureEvidence } from '../identity/evidence.ts';
import { parseStrictJson } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { verifyReceipt } from '../provenance/receipts.ts';
import { verifyBundle } from '../transparency/offline.ts';
import { verifyEvidence } from './verify-evidence.ts';

export interface FileVerdict {
  ok: boolean;
  /** What the file is. */
  kind: 'log proof' | 'receipt' | 'statement' | 'evidence bundle' | 'signed document' | 'unknown';
  problems: string[];
  /** What was checked and found. */
  found: Record<string, unknown>;
}

function readPublicKey(text: string | null): KeyObject | null {
  if (text === null) return null;
  try {
    return createPublicKey(text);
  } catch {
    return null;
  }
}

/** Given keys by what they are for: a log's verifier key is one line, the receipts key is PEM. */
function sortedKeys(keys: readonly string[]): { log: string | null; receipts: string | null } {
  const pem = keys.find((key) => key.includes('-----BEGIN'));
  return { log: keys.find((key) => key !== pem)?.trim() ?? null, receipts: pem ?? null };
}

function verifyProof(text: string, key: string | null): FileVerdict {
  if (key === null) {
    // The proof carries a key, and so would a forger's.
    return { ok: false, kind: 'log proof', problems: ['key_needed'], found: { hint: 'Give logVerifierKey of GET /v1/service with --key.' } };
  }
  const { ok, problems, entry, index, checkpoint, document } = verifyBundle(text, { logPublicKey: key.trim() });
  return { ok, kind: 'log proof', problems: [...problems], found: { entry, index, checkpoint, document } };
}

interface Lines {
  openingMinor: string;
  closingMinor: string;
  lines: readonly { lineId: string; amountMinor: string }[];
}

/** Adds a signed statement up again: balance, debt and reserve, each opening + lines = closing. */
function addedUp(document: unknown): FileVerdict {
  // Statements of the first version had no reserve.
  const statement = document as Lines & { currency: string; debt: Lines; reserve?: Lines };
  const sum = ({ openingMinor, lines }: Lines): bigint => lines.reduce((total, line) => total + BigInt(line.amountMinor), BigInt(openingMinor));
  const problems = [
    ...(sum(statement) === BigInt(statement.closingMinor) ? [] : ['lines_differ']),
    ...(sum(statement.debt) === BigInt(statement.debt.closingMinor) ? [] : ['debt_differs']),
    ...(statement.reserve === undefined || sum(statement.reserve) === BigInt(statement.reserve.closingMinor) ? [] : ['reserve_differs']),
  ];
  const { currency, openingMinor, closingMinor } = statement;
  const found = { type: 'statement', currency, openingMinor, lines: statement.lines.length, closingMinor, debtMinor: statement.debt.closingMinor };
  return { ok: problems.length === 0, kind: 'receipt', problems, found };
}

function verifySignedReceipt(value: { type: unknown; document: unknown }, key: string | null): FileVerdict {
  const publicKey = readPublicKey(key);
  if (publicKey === null) {
    return { ok: false, kind: 'receipt', problems: ['key_needed'], found: { hint: 'Give the receipts key of GET /v1/service with --key.' } };
  }
  const verdict = verifyReceipt(value, publicKey);
  if (!verdict.ok) return { ok: false, kind: 'receipt', problems: [verdict.problem], found: {} };
  if (value.type === 'statement') return addedUp(value.document);
  if (value.type !== 'decision_receipt') return { ok: true, kind: 'receipt', problems: [], found: { type: value.type } };
  // A decision must not only be signed: deciding again on what it was decided on must give the same answer.
  const again = replay(value.document);
  return { ok: again.same, kind: 'receipt', problems: again.same ? [] : ['replay_differs'], found: { type: value.type, replay: again } };
}

interface StatementProof {
  receipt: { type?: unknown; digest?: unknown; document?: { previousStatementSha256?: unknown } };
  proof: unknown;
  previous: unknown;
}

/** A statement with its proof: signed, adds up, stands in the log, and so does the one before it, under the same signed head. */
function verifyStatementProof(value: StatementProof, keys: readonly string[]): FileVerdict {
  const { log, receipts } = sortedKeys(keys);
  if (log === null || receipts === null) {
    return { ok: false, kind: 'statement', problems: ['key_needed'], found: { hint: 'Give logVerifierKey and the receipts key of GET /v1/service, each with --key.' } };
  }
  const { receipt } = value;
  const signed = verifySignedReceipt({ ...receipt, type: 'statement', document: receipt.document }, receipts);
  const own = verifyBundle(JSON.stringify(value.proof), { logPublicKey: log });
  const problems = [
    ...(receipt.type === 'statement' ? [] : ['receipt_malformed']), ...signed.problems, ...own.problems,
    ...(own.entry?.documentSha256 === receipt.digest ? [] : ['document_differs']),
  ];
  const before = receipt.document?.previousStatementSha256 ?? null;
  if (before !== null) {
    const previous = verifyBundle(JSON.stringify(value.previous), { logPublicKey: log });
    problems.push(...previous.problems.map((problem) => `previous_${problem}`));
    if (previous.entry?.documentSha256 !== before) problems.push('previous_differs');
    if (JSON.stringify(previous.checkpoint) !== JSON.stringify(own.checkpoint)) problems.push('heads_differ');
  }
  const found = { ...signed.found, index: own.index, checkpoint: own.checkpoint, previous: before };
  return { ok: problems.length === 0, kind: 'statement', problems, found };
}

function verifyEvidenceBundle(receipt: { document: unknown }, keys: readonly string[]): FileVerdict {
  const { log, receipts } = sortedKeys(keys);
  const { problems, found } = verifyEvidence(receipt, { log, receipts: readPublicKey(receipts) });
  return { ok: problems.length === 0, kind: 'evidence bundle', problems, found };
}

/**
 * Checks a file that Benren gave out, with no network and no database. What it is follows from its `kind` or `type`.
 * `keys` are the log's verifier key and the receipts key in PEM, or the one that the file needs; a signed document carries
 * the key of its signer.
 */
export function verifyFile(bytes: Uint8Array, keys: readonly string[]): FileVerdict {
  const [key = null] = keys;
  const text = Buffer.from(bytes).toString('utf8');
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, kind: 'unknown', problems: ['not_json'], found: { hint: 'A sound file is checked by POST /v1/file-checks or any C2PA reader.' } };
    throw error;
  }
  const members = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  if (members['kind'] === 'benren-proof') return verifyProof(text, sortedKeys(keys).log ?? key);
  const { receipt } = members;
  if (members['kind'] === 'benren-statement-proof' && typeof receipt === 'object' && receipt !== null) {
    return verifyStatementProof({ receipt, proof: members['proof'], previous: members['previous'] }, keys);
  }
  if (members['kind'] === 'benren-receipt' && members['type'] === 'evidence_bundle') {
    return verifyEvidenceBundle({ ...members, document: members['document'] }, keys);
  }
  if (members['kind'] === 'benren-receipt') return verifySignedReceipt({ ...members, type: members['type'], document: members['document'] }, sortedKeys(keys).receipts ?? key);
  // What getSignedDocument answers carries its evidence inside.
  const evidence = members['evidence'] ?? value;
  if ((evidence as { type?: unknown } | null)?.type === 'benren.signature_evidence') {
    const verdict = verifySignatureEvidence(evidence);
    return { ok: verdict.ok, kind: 'signed document', problems: [...verdict.problems], found: {} };
  }
  return { ok: false, kind: 'unknown', problems: ['kind_unknown'], found: { hint: 'Log proofs, receipts, statements, evidence bundles and signed documents are checked here.' } };
}
