import { createPublicKey, type KeyObject } from 'node:crypto';

// The pure files themselves, not the doors: whoever explains a receipt needs no database driver and no native library.
import { explained, replay } from '../consent/model.ts';
import { parseStrictJson } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { verifyReceipt } from '../provenance/receipts.ts';

export interface Explanation {
  ok: boolean;
  lines: string[];
}

function readKey(text: string): KeyObject | null {
  try {
    return createPublicKey(text);
  } catch {
    return null;
  }
}

/** What the signature is worth: only a key from elsewhere makes it worth anything. */
function signatureLine(receipt: unknown, key: string | null): { ok: boolean; line: string } {
  if (key === null) return { ok: true, line: '签名未核对：请用 --key 给出收据公钥。 / Signature not checked: give the receipts key with --key.' };
  const publicKey = readKey(key);
  const verdict = publicKey === null ? { ok: false as const, problem: 'key_unreadable' } : verifyReceipt(receipt, publicKey);
  if (verdict.ok) return { ok: true, line: '签名有效。 / The signature holds.' };
  return { ok: false, line: `签名无效。 / The signature does not hold (${verdict.problem}).` };
}

/**
 * Explains a decision's receipt offline: decides again on what it was decided on, and says each clause in words, in
 * Chinese and English. `key` is the receipts key in PEM; without it nothing is said of the signature.
 */
export function explainReceipt(bytes: Uint8Array, key: string | null): Explanation {
  let receipt: unknown;
  try {
    receipt = parseStrictJson(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, lines: ['不是收据。 / This is no receipt.'] };
    throw error;
  }
  const members = typeof receipt === 'object' && receipt !== null ? (receipt as Readonly<Record<string, unknown>>) : {};
  if (members['type'] !== 'decision_receipt') return { ok: false, lines: ['不是决定的收据。 / This is no decision’s receipt.'] };
  const signature = signatureLine(receipt, key);
  const { answer, same } = replay(members['document']);
  return {
    ok: signature.ok && same,
    lines: [
      answer.allowed ? '允许 / allowed' : '拒绝 / denied',
      ...explained(answer.clauses).map(({ clause, words }) => `  ${clause}: ${words['zh-CN']} / ${words.en}`),
      same ? '离线重演得出同样的答案。 / Replayed offline, the answer is the same.' : '重演得出的答案不同。 / Replayed, the answer differs from what the receipt says.',
      signature.line,
    ],
  };
}
