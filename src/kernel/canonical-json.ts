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

/** Deeper than any document of ours; without a bound a body of brackets would overflow the stack of every reader. */
const DEPTH_MAX = 64;

function canonicalMembers(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A Date or a Map would otherwise become `{}`: two different values, one digest.
  if (prototype !== Object.prototype && prototype !== null) throw malformed('An object is not a plain one.');
  // The default order of `<` on strings is by UTF-16 code units, which is what §3.2.3 asks for.
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, item]) => `${checkedString(key)}:${canonicalValue(item, depth)}`).join(',')}}`;
}

function canonicalValue(value: unknown, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return checkedString(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw malformed('A number is not finite.');
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') throw malformed(`A value of type ${typeof value} has no JSON form.`);
  if (depth === 0) throw malformed(`Arrays and objects are nested more than ${DEPTH_MAX} deep.`);
  // Array.from also visits holes, which `map` skips and which have no JSON form.
  if (Array.isArray(value)) return `[${Array.from(value, (item) => canonicalValue(item, depth - 1)).join(',')}]`;
  return canonicalMembers(value, depth - 1);
}

/**
 * RFC 8785 (JCS). Refuses what has no single form: NaN, infinities, `undefined`, lone surrogates, objects that are not
 * plain, nesting beyond 64. Unicode is not normalised here (§3.1): text that people signed stays as they saw it.
 */
export function canonicalJson(value: unknown): string {
  return canonicalValue(value, DEPTH_MAX);
}

/** Walks JSON text that `JSON.parse` already accepted, looking for repeated member names and for depth. */
function checkMembers(text: string): void {
  const stack: (Set<string> | null)[] = [];
  // The string pattern is unrolled: with an alternation inside the star a long string would exhaust the matcher.
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/gs;
  let pending = '""';
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{') stack.push(new Set());
    else if (token === '[') stack.push(null);
    else if (token === '}' || token === ']') stack.pop();
    else if (token === ':') {
      // Compared as text that was read: `"a"` and `"\u0061"` are one name.
      const name = JSON.parse(pending) as string;
      const members = stack.at(-1);
      if (members?.has(name) === true) throw malformed('A member name stands twice in one object.');
      members?.add(name);
    } else pending = token;
    if (stack.length > DEPTH_MAX) throw malformed(`Arrays and objects are nested more than ${DEPTH_MAX} deep.`);
  }
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
    throw malformed('This is not JSON.');
  }
  checkMembers(text);
  checkNumbers(value);
  canonicalJson(value);
  return value as Json;
}
