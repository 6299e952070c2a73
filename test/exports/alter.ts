import type { Json, JsonObject } from '../../src/kernel/canonical-json.ts';
import type { Random } from '../../src/kernel/random.ts';

/** Every value of a JSON document that is no object and no array, by its pointer; empty arrays too. */
export function leavesOf(value: Json, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [at];
  const members = Object.entries(value as Record<string, Json>);
  return members.length === 0 ? [at] : members.flatMap(([name, item]) => leavesOf(item, `${at}/${name}`));
}

/** With `*` in place of every index. */
export function pointerPattern(pointer: string): string {
  return pointer.replaceAll(/\/\d+(?=\/|$)/g, '/*');
}

/** A copy with another value at the pointer. */
export function withValue(document: JsonObject, pointer: string, value: unknown): JsonObject {
  const copy = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
  const names = pointer.split('/').slice(1);
  const last = names.pop() ?? '';
  let place: Record<string, unknown> = copy;
  for (const name of names) place = place[name] as Record<string, unknown>;
  place[last] = value;
  return copy as JsonObject;
}

function valueAt(document: Json, pointer: string): Json {
  return pointer.split('/').slice(1).reduce<Json>((value, name) => (value as Record<string, Json>)[name] ?? null, document);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** One character replaced by another of the same kind, so that the form still holds and only the meaning is another. */
function alteredText(text: string, random: Random): string {
  if (text === '') return 'x';
  // One second later: an instant with another digit may be none at all, and would be refused for that.
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) return new Date(Date.parse(text) + 1_000).toISOString();
  const from = (random.bytes(1)[0] ?? 0) % text.length;
  const at = text.slice(from).search(/[0-9A-Za-z]/);
  const place = at === -1 ? 0 : from + at;
  const is = text.charAt(place);
  const kin = /[0-9]/.test(is) ? '0123456789' : /[a-f]/.test(is) ? 'abcdef' : ALPHABET;
  const others = kin.replace(is, '');
  const other = others.charAt((random.bytes(1)[0] ?? 0) % others.length);
  return text.slice(0, place) + other + text.slice(place + 1);
}

/** A few copies of the document with this one value altered: by a character or one step, and by its kind. */
export function alterations(document: JsonObject, pointer: string, random: Random): JsonObject[] {
  const value = valueAt(document, pointer);
  const others: unknown[] = typeof value === 'string'
    ? [alteredText(value, random)]
    : typeof value === 'number' ? [value + 1] : typeof value === 'boolean' ? [!value] : value === null ? ['x', {}] : [['x']];
  return others.map((other) => withValue(document, pointer, other));
}
