/** Which handler answers which request, and what it is given. Handlers are synchronous: read, check, then act. */
import { invalid, missing, StripeFault } from './fault.ts';
import type { Params } from './form.ts';
import { list, type Kind, type Kinds, type List } from './objects.ts';
import type { World } from './world.ts';

export interface Call {
  /** The account acted on: the platform's, or the one named by `Stripe-Account`. */
  owner: string;
  params: Params;
  /** The path's ids, in order. */
  ids: readonly string[];
  path: string;
}

export type Handler = (world: World, call: Call) => object;
export type Method = 'DELETE' | 'GET' | 'POST';
export type Route = readonly [method: Method, pattern: string, handler: Handler];

export interface Router {
  readonly match: (method: string, path: string) => { handler: Handler; ids: string[] };
}

export function makeRouter(routes: readonly Route[]): Router {
  const compiled = routes.map(([method, pattern, handler]) => ({
    method,
    handler,
    regex: new RegExp(`^/v1/${pattern.replaceAll(':id', '([^/]+)')}$`),
  }));
  return {
    match(method, path) {
      for (const route of compiled) {
        if (route.method !== method) continue;
        const found = route.regex.exec(path);
        if (found !== null) return { handler: route.handler, ids: found.slice(1).map(decode) };
      }
      throw new StripeFault(404, {
        type: 'invalid_request_error',
        message: `Unrecognized request URL (${method}: ${path}). The sandbox models the part of Stripe that the service uses.`,
      });
    },
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw missing('resource', segment);
  }
}

/** The nth id of the path. A route without it is a mistake of ours. */
export function pathId(call: Call, index = 0): string {
  const id = call.ids[index];
  if (id === undefined) throw new Error(`${call.path} has no id at ${index}`);
  return id;
}

/** `metadata` after an update: given keys are set, empty ones removed, `metadata=` clears all. */
export function mergeMetadata(current: Record<string, string>, params: Params): Record<string, string> {
  if (params.cleared('metadata')) return {};
  const merged = new Map(Object.entries(current));
  for (const [key, value] of params.map('metadata') ?? []) {
    if (key.length > 40 || value.length > 500) {
      throw invalid('Metadata keys have at most 40 characters and values at most 500.', { param: `metadata[${key}]` });
    }
    if (value === '') merged.delete(key);
    else merged.set(key, value);
  }
  if (merged.size > 50) throw invalid('You may have at most 50 keys of metadata.', { param: 'metadata' });
  return Object.fromEntries(merged);
}

/** The handler of `GET /v1/<kind>s/:id`. */
export function retrieve(kind: Kind): Handler {
  return (world, call) => {
    call.params.done();
    return world.find(kind, pathId(call), call.owner).object;
  };
}

/** One filter: the request's parameter, and the text of the object that must equal it. */
export type Filters<K extends Kind> = Readonly<Record<string, (object: Kinds[K]) => string | null | undefined>>;

/** A list handler: newest first, `limit`, `starting_after`, `ending_before`, `created[gt|gte|lt|lte]`, and equality filters. */
export function lister<K extends Kind>(kind: K, filters: Filters<K> = {}, base?: (object: Kinds[K], call: Call) => boolean): Handler {
  return (world, call) => {
    const wanted = Object.entries(filters).flatMap(([name, read]) => {
      const value = call.params.text(name);
      return value === undefined ? [] : [(object: Kinds[K]) => read(object) === value];
    });
    const within = createdRange(call.params);
    const window = pageWindow(call.params);
    const all: Kinds[K][] = [];
    for (const row of world.rows(kind)) {
      const { object } = row;
      if (row.owner === call.owner && wanted.every((test) => test(object)) && within(object) && (base?.(object, call) ?? true)) all.push(object);
    }
    return page(all.reverse(), window, call.path, kind);
  };
}

interface Window { limit: number; after: string | undefined; before: string | undefined }

/** Reads the pagination parameters. */
export function pageWindow(params: Params): Window {
  const window = {
    limit: params.whole('limit', { min: 1, max: 100 }) ?? 10, after: params.text('starting_after'), before: params.text('ending_before'),
  };
  params.done();
  return window;
}

/** One page of what is listed newest first. */
export function page<T extends object>(all: T[], { limit, after, before }: Window, url: string, noun: string): List<T> {
  const index = (id: string, param: string): number => {
    const found = all.findIndex((one) => 'id' in one && one.id === id);
    if (found < 0) throw missing(noun, id, param);
    return found;
  };
  if (before !== undefined) {
    const end = index(before, 'ending_before');
    const start = Math.max(0, end - limit);
    return list(url, all.slice(start, end), start > 0);
  }
  const start = after === undefined ? 0 : index(after, 'starting_after') + 1;
  return list(url, all.slice(start, start + limit), all.length > start + limit);
}

function createdRange(params: Params): (object: object) => boolean {
  const range = params.child('created');
  if (range === undefined) return () => true;
  const [gt, gte, lt, lte] = [range.whole('gt'), range.whole('gte'), range.whole('lt'), range.whole('lte')];
  return (object) => {
    const created = 'created' in object && typeof object.created === 'number' ? object.created : 0;
    return (
      (gt === undefined || created > gt) && (gte === undefined || created >= gte) &&
      (lt === undefined || created < lt) && (lte === undefined || created <= lte)
    );
  };
}
