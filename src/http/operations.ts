import { readFileSync } from 'node:fs';

import type { OperationId } from '../../contracts/generated/contract.ts';
import { type Role, ROLES } from '../kernel/request.ts';

/** An operation of the bundle as the router needs it; JSON pointers name the schemas inside the bundle. */
export interface Operation {
  id: OperationId;
  method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  /** Express form: `/v1/clones/:cloneId`. */
  path: string;
  public: boolean;
  roles: readonly Role[];
  idempotent: boolean;
  media: boolean;
  rawBody: boolean;
  body: { required: boolean; contentType: string; pointer: string; limitBytes: number } | null;
  parameters: readonly { name: string; in: 'path' | 'query' | 'header'; required: boolean; pointer: string; type: string }[];
  responses: Readonly<Record<string, { contentType: string | null; pointer: string | null }>>;
}

type Node = Record<string, unknown>;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
const JSON_LIMIT_BYTES = 256 * 1024;

function asNode(value: unknown): Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : {};
}

/** RFC 6901. */
export function pointer(...segments: string[]): string {
  return segments.map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export interface Bundle {
  document: Node;
  operations: readonly Operation[];
}

function resolved(document: Node, at: string, value: unknown): { node: Node; at: string } {
  const node = asNode(value);
  const reference = node['$ref'];
  if (typeof reference !== 'string') return { node, at };
  const target = reference
    .replace(/^#\//, '').split('/')
    .reduce<Node>((inner, segment) => asNode(inner[segment.replaceAll('~1', '/').replaceAll('~0', '~')]), document);
  return { node: target, at: reference.slice(1) };
}

function bodyOf(document: Node, at: string, operation: Node): Operation['body'] {
  if (operation['requestBody'] === undefined) return null;
  const body = resolved(document, `${at}/requestBody`, operation['requestBody']);
  const [contentType] = Object.keys(asNode(body.node['content']));
  if (contentType === undefined) return null;
  const schema = asNode(asNode(asNode(body.node['content'])[contentType])['schema']);
  const declared = schema['maxLength'];
  return {
    required: body.node['required'] !== false,
    contentType,
    pointer: body.at + pointer('content', contentType, 'schema'),
    limitBytes: typeof declared === 'number' ? declared : JSON_LIMIT_BYTES,
  };
}

/** A parameter without one plain type is text. */
function typeOf(schema: Node): string {
  return typeof schema['type'] === 'string' ? schema['type'] : 'string';
}

function parametersOf(document: Node, places: readonly [string, unknown][]): Operation['parameters'] {
  return places.flatMap(([at, list]) => (Array.isArray(list) ? list : []).map((raw: unknown, index) => {
    const parameter = resolved(document, `${at}/${index}`, raw);
    return {
      name: String(parameter.node['name']),
      in: parameter.node['in'] as 'path' | 'query' | 'header',
      required: parameter.node['required'] === true,
      pointer: `${parameter.at}/schema`,
      type: typeOf(resolved(document, '', asNode(parameter.node['schema'])).node),
    };
  }));
}

function responsesOf(document: Node, at: string, operation: Node): Operation['responses'] {
  const all: Record<string, { contentType: string | null; pointer: string | null }> = {};
  for (const [status, raw] of Object.entries(asNode(operation['responses']))) {
    const response = resolved(document, `${at}/responses/${status}`, raw);
    const [contentType] = Object.keys(asNode(response.node['content']));
    all[status] = {
      contentType: contentType ?? null,
      pointer: contentType === undefined ? null : response.at + pointer('content', contentType, 'schema'),
    };
  }
  return all;
}

function operationsOf(document: Node): Operation[] {
  const operations: Operation[] = [];
  for (const [path, rawItem] of Object.entries(asNode(document['paths']))) {
    const item = asNode(rawItem);
    for (const method of METHODS) {
      if (item[method] === undefined) continue;
      const operation = asNode(item[method]);
      const at = pointer('paths', path, method);
      const security = operation['security'];
      const roles = Array.isArray(operation['x-roles']) ? operation['x-roles'] : [];
      operations.push({
        id: String(operation['operationId']) as OperationId,
        method,
        path: path.replaceAll(/\{(\w+)\}/g, ':$1'),
        public: Array.isArray(security) && security.length === 0,
        roles: ROLES.filter((role) => roles.includes(role)),
        idempotent: method !== 'get' && operation['x-idempotency'] !== 'none',
        media: operation['x-media'] === true,
        rawBody: operation['x-raw-body'] === true,
        body: bodyOf(document, at, operation),
        parameters: parametersOf(document, [
          [pointer('paths', path, 'parameters'), item['parameters']], [`${at}/parameters`, operation['parameters']],
        ]),
        responses: responsesOf(document, at, operation),
      });
    }
  }
  return operations;
}

/** A bundle from an OpenAPI 3.1 document whose references are all local. */
export function makeBundle(document: Record<string, unknown>): Bundle {
  return { document, operations: operationsOf(document) };
}

let ours: Bundle | null = null;

/** The committed bundle: what is mounted is what was promised. Read once a process. */
export function loadBundle(): Bundle {
  if (ours === null) {
    const file = new URL('../../contracts/generated/openapi.json', import.meta.url);
    ours = makeBundle(asNode(JSON.parse(readFileSync(file, 'utf8'))));
  }
  return ours;
}

/** Names of operations that may send media: the list that promise 4 is tested on. */
export function mediaOperations(bundle: Bundle): OperationId[] {
  return bundle.operations.filter((operation) => operation.media).map((operation) => operation.id);
}
