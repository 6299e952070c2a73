import type { Operation } from '../../src/http/operations.ts';
import type { Validators } from '../../src/http/validation.ts';

type Schema = Record<string, unknown>;

/** Strings for the patterns and formats that the contract uses. */
const TEXTS: readonly [test: (schema: Schema) => boolean, text: string][] = [
  [({ format }) => format === 'date', '2026-03-02'],
  [({ format }) => format === 'date-time', '2026-03-02T02:00:00Z'],
  [({ format }) => format === 'uri', 'https://example.com/'],
  [({ pattern }) => /0-9a-f\]\{64\}/.test(String(pattern)), '0'.repeat(64)],
  [({ pattern }) => String(pattern).startsWith('^[A-Z]{2}'), 'CN'],
  [({ pattern }) => String(pattern) === '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', '2026-03-02'],
  [({ pattern }) => /\{43\}=\$$/.test(String(pattern)), `${'A'.repeat(43)}=`],
];
/** Tried one after the other for any other pattern. */
const GUESSES = ['1', 'aaa', 'x', 'a-b', 'AAAA', '0', 'key:1'];

/**
 * The smallest body that fits an operation's schema: what is required and nothing else, names of ids filled with those of
 * the world. Deterministic; throws, saying what to do, when its guess does not fit.
 */
export function makeSamples(document: Schema, validators: Validators, ids: Readonly<Record<string, string>>): (operation: Operation) => unknown {
  const at = (pointer: string): Schema => pointer.split('/').slice(1)
    .reduce<Schema>((node, part) => node[part.replaceAll('~1', '/').replaceAll('~0', '~')] as Schema, document);

  function text(schema: Schema): string {
    // An id of a kind that the world does not name: nobody's.
    const prefix = /^\^([a-z]+_)\[0-9a-hjkmnp-tv-z\]\{26\}\$$/.exec(String(schema['pattern']))?.[1];
    if (prefix !== undefined) return prefix + '0'.repeat(26);
    const fitting = TEXTS.find(([test]) => test(schema))?.[1];
    if (fitting !== undefined) return fitting;
    if (typeof schema['pattern'] === 'string') {
      const pattern = new RegExp(schema['pattern'], 'u');
      const found = GUESSES.find((guess) => pattern.test(guess) && guess.length >= Number(schema['minLength'] ?? 0));
      if (found !== undefined) return found;
    }
    return 'x'.repeat(Math.max(1, Number(schema['minLength'] ?? 1)));
  }

  function sample(raw: unknown, name: string): unknown {
    const schema = (raw ?? {}) as Schema;
    if (typeof schema['$ref'] === 'string') return sample(at(schema['$ref'].slice(1)), name);
    const parts = schema['allOf'] as unknown[] | undefined;
    if (parts !== undefined) return Object.assign({}, ...parts.map((part) => sample(part, name)));
    const choices = (schema['oneOf'] ?? schema['anyOf']) as unknown[] | undefined;
    if (choices !== undefined && schema['properties'] === undefined) return sample(choices[0], name);
    if ('const' in schema) return schema['const'];
    if (Array.isArray(schema['enum'])) return schema['enum'][0];
    const type = Array.isArray(schema['type']) ? (schema['type'] as unknown[])[0] : schema['type'];
    if (type === 'string') return ids[name] ?? text(schema);
    if (type === 'integer' || type === 'number') return Number(schema['minimum'] ?? 1);
    if (type === 'boolean') return false;
    if (type === 'null') return null;
    if (type === 'array') return Array.from({ length: Number(schema['minItems'] ?? 0) }, () => sample(schema['items'], name.replace(/s$/, '')));
    const required = (schema['required'] ?? []) as string[];
    const properties = (schema['properties'] ?? {}) as Schema;
    const chosen = required.length > 0 ? required : Object.keys(properties).slice(0, Number(schema['minProperties'] ?? 0));
    return Object.fromEntries(chosen.map((member) => [member, sample(properties[member], member)]));
  }

  return ({ id, body }) => {
    if (body === null) return undefined;
    if (body.contentType !== 'application/json') return Buffer.from('RIFF');
    const made = sample(at(body.pointer), id);
    const validate = validators.at(body.pointer);
    if (!validate(made)) {
      throw new Error(`No sample for ${id}: ${JSON.stringify(validate.errors?.slice(0, 2))}. Give test/access/world.ts a body for it: ${JSON.stringify(made)}`);
    }
    return made;
  };
}
