/**
 * Stripe's request bodies and queries: `application/x-www-form-urlencoded` with nested brackets
 * (`items[0][price]=…`, `expand[]=…`). Parameters are read by name and marked as read; what nobody read is
 * refused, so that a misspelt or unmodelled parameter is never silently ignored.
 */
import { invalid } from './fault.ts';

type Leaf = string;
type Branch = Map<string, Leaf | Branch>;

const PAIRS_MAX = 4_000;
const DEPTH_MAX = 12;

/** Parses a form. Refuses what is too deep, too long, or names one key both as a value and as a group. */
export function parseForm(text: string): Branch {
  const root: Branch = new Map();
  let pairs = 0;
  for (const [key, value] of new URLSearchParams(text)) {
    pairs += 1;
    if (pairs > PAIRS_MAX) throw invalid('The request has too many parameters.');
    place(root, segments(key), key, value);
  }
  return root;
}

function segments(key: string): string[] {
  const head = /^[^[\]]+/.exec(key)?.[0];
  const tail = head === undefined ? '' : key.slice(head.length);
  if (head === undefined || !/^(\[[^[\]]*\])*$/.test(tail)) throw invalid(`Invalid parameter name: ${key}`);
  const path = [head, ...[...tail.matchAll(/\[([^[\]]*)\]/g)].map((match) => match[1] ?? '')];
  if (path.length > DEPTH_MAX) throw invalid(`The parameter ${head} is nested too deeply.`);
  return path;
}

function place(root: Branch, path: string[], key: string, value: string): void {
  let branch = root;
  path.forEach((segment, i) => {
    const name = segment === '' ? String(branch.size) : segment;
    if (i === path.length - 1) {
      if (branch.has(name)) throw invalid(`Invalid parameter: ${key} was given twice.`, { param: key });
      branch.set(name, value);
      return;
    }
    const next = branch.get(name);
    if (typeof next === 'string') throw invalid(`Invalid parameter: ${key} is both a value and a group.`, { param: key });
    const child: Branch = next ?? new Map<string, Leaf | Branch>();
    branch.set(name, child);
    branch = child;
  });
}

/** A reading view over one level of a form. Every reader marks the name as known; `done` refuses the rest. */
export interface Params {
  readonly has: (name: string) => boolean;
  /** Given, and empty: how Stripe's forms say "unset this". */
  readonly cleared: (name: string) => boolean;
  readonly text: (name: string) => string | undefined;
  readonly need: (name: string) => string;
  readonly whole: (name: string, range?: { min?: number; max?: number }) => number | undefined;
  readonly flag: (name: string) => boolean | undefined;
  readonly oneOf: <T extends string>(name: string, allowed: readonly T[]) => T | undefined;
  readonly child: (name: string) => Params | undefined;
  readonly children: (name: string) => Params[];
  readonly texts: (name: string) => string[];
  /** A map of texts, such as `metadata`. An empty value asks for the key's removal. */
  readonly map: (name: string) => Map<string, string> | undefined;
  readonly done: () => void;
}

/** The raw look-ups of one level, each marking its name as known. */
function makeLevel(branch: Branch, prefix: string) {
  const known = new Set<string>();
  const full = (name: string): string => (prefix === '' ? name : `${prefix}[${name}]`);
  return {
    full,
    know: (name: string) => known.add(name),
    filled(name: string): string | undefined {
      known.add(name);
      const value = branch.get(name);
      if (value instanceof Map) throw invalid(`Invalid string: ${full(name)}`, { param: full(name) });
      return value === '' ? undefined : value;
    },
    group(name: string): Branch | undefined {
      known.add(name);
      const value = branch.get(name);
      if (value === undefined || value instanceof Map) return value;
      if (value === '') return undefined;
      throw invalid(`Invalid object: ${full(name)}`, { param: full(name) });
    },
    done(): void {
      for (const name of branch.keys()) {
        if (known.has(name)) continue;
        throw invalid(`Received unknown parameter: ${full(name)} (Stripe does not have it here, or the sandbox does not model it).`, {
          code: 'parameter_unknown', param: full(name),
        });
      }
    },
  };
}

export function makeParams(branch: Branch, prefix = ''): Params {
  const level = makeLevel(branch, prefix);
  const opened: Params[] = [];
  const open = (sub: Branch, name: string): Params => {
    const params = makeParams(sub, name);
    opened.push(params);
    return params;
  };
  return {
    has: (name) => branch.has(name),
    cleared(name) {
      if (branch.get(name) !== '') return false;
      level.know(name);
      return true;
    },
    text: (name) => level.filled(name),
    need(name) {
      const value = level.filled(name);
      if (value === undefined) throw invalid(`Missing required param: ${level.full(name)}.`, { code: 'parameter_missing', param: level.full(name) });
      return value;
    },
    whole: (name, range) => wholeOf(level.filled(name), level.full(name), range),
    flag(name) {
      const value = level.filled(name);
      if (value === undefined || value === 'true' || value === 'false') return value === undefined ? undefined : value === 'true';
      throw invalid(`Invalid boolean: ${value}`, { param: level.full(name) });
    },
    oneOf: (name, allowed) => oneOfThese(level.filled(name), allowed, level.full(name)),
    child(name) {
      const sub = level.group(name);
      return sub === undefined ? undefined : open(sub, level.full(name));
    },
    children(name) {
      return listed(level.group(name)).map(([index, value]) => {
        if (typeof value === 'string') throw invalid(`Invalid array: ${level.full(name)}`, { param: level.full(name) });
        return open(value, `${level.full(name)}[${index}]`);
      });
    },
    texts(name) {
      return listed(level.group(name)).map(([, value]) => {
        if (typeof value !== 'string') throw invalid(`Invalid array: ${level.full(name)}`, { param: level.full(name) });
        return value;
      });
    },
    map: (name) => textMap(level.group(name), level.full(name)),
    done() {
      level.done();
      for (const params of opened) params.done();
    },
  };
}

function wholeOf(text: string | undefined, name: string, range: { min?: number; max?: number } = {}): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^-?(0|[1-9][0-9]{0,14})$/.test(text) || !Number.isSafeInteger(value)) {
    throw invalid(`Invalid integer: ${text}`, { code: 'parameter_invalid_integer', param: name });
  }
  if (range.min !== undefined && value < range.min) {
    throw invalid(`This value must be greater than or equal to ${range.min}.`, { code: 'parameter_invalid_integer', param: name });
  }
  if (range.max !== undefined && value > range.max) {
    throw invalid(`This value must be no more than ${range.max}.`, { code: 'parameter_invalid_integer', param: name });
  }
  return value;
}

function oneOfThese<T extends string>(value: string | undefined, allowed: readonly T[], name: string): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw invalid(`Invalid ${name}: must be one of ${allowed.join(', ')}`, { param: name });
  return found;
}

function listed(group: Branch | undefined): [string, Leaf | Branch][] {
  return [...(group ?? [])].sort(([a], [b]) => Number(a) - Number(b));
}

function textMap(group: Branch | undefined, name: string): Map<string, string> | undefined {
  if (group === undefined) return undefined;
  const map = new Map<string, string>();
  for (const [key, value] of group) {
    if (typeof value !== 'string') throw invalid(`Invalid object: ${name}[${key}] is not a text.`, { param: name });
    map.set(key, value);
  }
  return map;
}
