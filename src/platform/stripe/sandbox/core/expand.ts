/**
 * `expand[]`: replaces an id on the way out by the object that it names, down the given path, and adds the lists
 * that Stripe leaves out unless asked (`refunds` of a charge, `payments` of an invoice, `line_items` of a session, `verified_outputs` of a
 * verification session).
 */
import { invalid } from './fault.ts';
import { KINDS, type Kind } from './objects.ts';
import type { World } from './world.ts';

/** Adds what is left out by default (`null`: it is not there yet); `undefined` where the object has no such member. */
export type Include = (world: World, object: Readonly<Record<string, unknown>>, key: string) => object | null | undefined;

const DEPTH_MAX = 4;

const kindByPrefix = new Map<string, Kind>(
  Object.entries(KINDS).flatMap(([kind, { prefixes }]) => prefixes.map((prefix): [string, Kind] => [prefix, kind as Kind])),
);

/** A copy of the answer with every path expanded. */
export function expand(world: World, answer: object, paths: readonly string[], include: Include): object {
  const copy = structuredClone(answer);
  for (const path of paths) {
    const segments = path.split('.');
    if (segments.length > DEPTH_MAX + 1) throw invalid(`You cannot expand more than ${DEPTH_MAX} levels of a property: ${path}`);
    walk(world, copy, segments, path, include);
  }
  return copy;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function walk(world: World, at: unknown, segments: readonly string[], path: string, include: Include): void {
  if (Array.isArray(at)) {
    for (const one of at) walk(world, one, segments, path, include);
    return;
  }
  const [segment, ...rest] = segments;
  if (segment === undefined || !isRecord(at)) return;
  let value = at[segment];
  if (typeof value === 'string') {
    value = named(world, value);
    if (value === undefined) throw notExpandable(segment);
  } else if (value === undefined) {
    const included = include(world, at, segment);
    if (included === undefined) throw notExpandable(segment);
    // What is kept must not be expanded with what is answered.
    value = structuredClone(included);
  }
  at[segment] = value;
  walk(world, value, rest, path, include);
}

function notExpandable(segment: string): Error {
  return invalid(`This property cannot be expanded (${segment}).`, { param: 'expand' });
}

function named(world: World, id: string): object | undefined {
  const kind = kindByPrefix.get(id.slice(0, id.indexOf('_')));
  const row = kind === undefined ? undefined : world.peek(kind, id);
  return row === undefined ? undefined : structuredClone(row.object);
}
