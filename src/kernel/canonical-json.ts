import { Refusal } from './refusals.ts';

/** A JSON value as RFC 8259 has it. Money and ids are strings: a number is only for small counts. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

function malformed(detail: string): Refusal {
  return new Refusal('json_malformed', detail);
}

/** A lone surrogate has no UTF-8 form, so two readers could hash it differently (RFC 8785 §3.2.2.2). */
function checkedString(text: string): string {
  if (!text.isWellFormed()) throw malformed('A string holds a lone surrogate.');
  return JSON.stringify(text);
}

/**
 * RFC 8785 (JCS). Refuses what has no single form: NaN, infinities, `undefined`, lone surrogates. Unicode is not
 * normalised here (§3.1): text that people signed stays as they saw it.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return checkedString(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw malformed('A number is not finite.');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object') {
    // Default sort order is by UTF-16 code units, which is what §3.2.3 asks for.
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([key, item]) => `${checkedString(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  throw malformed(`A value of type ${typeof value} has no JSON form.`);
}

/** Walks JSON text the way `JSON.parse` already accepted it, looking only for repeated member names. */
function findDuplicateKey(text: string): string | undefined {
  const stack: (Set<string> | null)[] = [];
  const strings = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;
  let pending: string | undefined;
  for (let match = strings.exec(text); match !== null; match = strings.exec(text)) {
    const token = match[0];
    if (token === '{') stack.push(new Set());
    else if (token === '[') stack.push(null);
    else if (token === '}' || token === ']') stack.pop();
    else if (token === ':') {
      const members = stack.at(-1);
      if (members instanceof Set && pending !== undefined) {
        if (members.has(pending)) return pending;
        members.add(pending);
      }
    } else pending = JSON.parse(token) as string;
  }
  return undefined;
}

function checkNumbers(value: unknown): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw malformed('A whole number beyond 2^53 loses digits; write it as a string.');
  }
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) checkNumbers(item);
}

/**
 * Parses I-JSON (RFC 7493): refuses repeated member names, whole numbers beyond 2^53 and lone surrogates, which
 * `JSON.parse` lets pass and which would let two readers of one signed document see two documents.
 */
export function parseStrictJson(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('The body is not JSON.');
  }
  const repeated = findDuplicateKey(text);
  if (repeated !== undefined) throw malformed('A member name stands twice in one object.');
  checkNumbers(value);
  canonicalJson(value);
  return value as Json;
}
