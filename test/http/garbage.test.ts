import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadBundle, type Operation } from '../../src/http/operations.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** Every operation of the contract, asked with what fits its schema in form and nothing else: never an error of ours. */
const bundle = loadBundle();
const random = seededRandom('garbage');
const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;

type Schema = Record<string, unknown>;

const TEXTS = [
  'x', '', ' ', '__proto__', 'constructor', 'toString', '\u0001', '\ufffe', '\u202eabc', '\ud83d\ude00'.repeat(40), '林雅'.repeat(60), 'e\u0301', '%', '$1',
  `'; DROP TABLE account; --`, '{}', 'null', 'NaN', '-0', '1e999', 'A'.repeat(300), '\u{e0100}', 'ß'.repeat(50), '0000-00-00', '../../etc/passwd',
];
const FITTING: Record<string, readonly string[]> = {
  '^-?(0|[1-9][0-9]{0,18})$': ['0', '-1', '9999999999999999999', '9223372036854775807', '-9223372036854775808', '1'],
  '^[0-9a-f]{64}$': ['0'.repeat(64)],
  '^[A-Z]{2}$': ['CN', 'XX', 'ZZ'],
};
const FORMATS: Record<string, readonly string[]> = {
  date: ['2026-03-02', '0000-01-01', '9999-12-31', '2024-02-29', '0001-01-01'],
  'date-time': ['2026-03-02T02:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '2016-12-31T23:59:60Z', '2026-03-02T02:00:00+23:59'],
  uri: ['http://a', 'javascript:alert(1)'],
};

function resolve(schema: unknown): Schema {
  const node = (schema ?? {}) as Schema;
  const reference = node['$ref'];
  if (typeof reference !== 'string') return node;
  return resolve(reference.slice(2).split('/').reduce<Schema>((at, part) => at[part.replaceAll('~1', '/')] as Schema, bundle.document));
}

function text(schema: Schema): string {
  const fitting = FITTING[String(schema['pattern'])] ?? FORMATS[String(schema['format'])];
  if (fitting !== undefined) return pick(fitting);
  const longest = typeof schema['maxLength'] === 'number' ? schema['maxLength'] : 400;
  const chosen = Array.from(pick(TEXTS)).slice(0, longest).join('');
  return chosen === '' && schema['minLength'] !== undefined ? 'y'.repeat(Number(schema['minLength'])) : chosen;
}

function member(schema: Schema, depth: number): Record<string, unknown> {
  const required = (schema['required'] ?? []) as string[];
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, unknown>);
  return Object.fromEntries(properties
    .filter(([name]) => required.includes(name) || random.below(2) === 0)
    .map(([name, inner]) => [name, sample(inner, depth + 1, name)]));
}

function sample(raw: unknown, depth = 0, name = ''): unknown {
  const schema = resolve(raw);
  const choices = (schema['oneOf'] ?? schema['anyOf']) as unknown[] | undefined;
  if (choices !== undefined) return sample(pick(choices), depth, name);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return pick(schema['enum'] as unknown[]);
  if (ids[name] !== undefined && random.below(3) > 0) return ids[name];
  const type = Array.isArray(schema['type']) ? pick(schema['type'] as unknown[]) : schema['type'];
  switch (type) {
    case 'string': return text(schema);
    case 'integer': case 'number': return pick([Number(schema['minimum'] ?? 0), Number(schema['maximum'] ?? 2_147_483_648), 1, -1]);
    case 'boolean': return pick([true, false]);
    case 'null': return null;
    case 'array': return Array.from({ length: Math.max(Number(schema['minItems'] ?? 0), random.below(3)) }, () => sample(schema['items'], depth + 1));
    default: return depth > 6 ? {} : member(schema, depth);
  }
}

const ids: Record<string, string> = {};
let server: TestServer;
let everybody: Person;

beforeAll(async () => {
  server = await startTestServer({ seed: 'garbage' });
  const operator = await server.operator();
  const { token } = await operator.client.call('createInvitation', { body: { role: 'reviewer' } });
  await operator.client.call('acceptInvitation', { body: { token } });
  everybody = operator;
  const { document } = await operator.client.call('draftOwnershipClaim', { body: { subjectName: 'Operator', handle: 'operator', locale: 'en' } });
  const signature = await operator.sign('ownership_claim', document);
  const proof = await operator.client.call('openOwnershipProof', { body: { subjectName: 'Operator', signature } });
  const clone = await operator.client.call('createClone', { body: { ownershipProofId: proof.proofId, name: 'Operator', handle: 'operator' } });
  const evidence = await operator.client.call('addEvidence', { path: { proofId: proof.proofId }, body: { kind: 'voice_challenge', language: 'en' } });
  Object.assign(ids, { proofId: proof.proofId, ownershipProofId: proof.proofId, cloneId: clone.cloneId, evidenceId: evidence.evidenceId, payeeAccountId: operator.accountId });
});
afterAll(async () => await server.close());

const PATHS = ['x', '__proto__', 'constructor', '%00', '%F0%9F%98%80', '%E6%9E%97', '%2e%2e%2f', '%ff', 'A'.repeat(64), 'A'.repeat(65), '%EF%BF%BE', `cln_${'0'.repeat(26)}`];

async function ask(operation: Operation): Promise<{ status: number; sent: string; answer: string }> {
  const path = operation.path.replaceAll(/:(\w+)/g, (_all, name: string) => (ids[name] !== undefined && random.below(3) > 0 ? ids[name] : pick(PATHS)));
  const url = new URL(path, server.client.origin);
  for (const parameter of operation.parameters.filter((one) => one.in === 'query' && random.below(2) === 0)) {
    const schema = resolve(parameter.pointer.slice(1).split('/').reduce<Schema>((at, part) => at[part.replaceAll('~1', '/')] as Schema, bundle.document));
    url.searchParams.set(parameter.name, String(sample(schema)));
  }
  const headers: Record<string, string> = { authorization: `Bearer ${everybody.token}`, 'idempotency-key': randomUUID() };
  const init: RequestInit = { method: operation.method.toUpperCase(), headers, redirect: 'manual' };
  if (operation.body !== null) {
    headers['content-type'] = operation.body.contentType;
    const schema = operation.body.pointer.slice(1).split('/').reduce<Schema>((at, part) => at[part.replaceAll('~1', '/')] as Schema, bundle.document);
    init.body = operation.body.contentType === 'application/json' ? JSON.stringify(sample(schema)) : pick(['', 'RIFF', '\u0000'.repeat(100)]);
  }
  const response = await fetch(url, init);
  return { status: response.status, sent: `${operation.id} ${url.pathname}${url.search} ${typeof init.body === 'string' ? init.body.slice(0, 600) : ''}`, answer: (await response.text()).slice(0, 300) };
}

describe('whatever fits the contract in form', () => {
  // The session stays, so that everything else is asked by somebody.
  const operations = bundle.operations.filter(({ id }) => id !== 'logout');

  it.each(operations.map((operation) => [operation.id, operation] as const))('%s answers or refuses', async (_id, operation) => {
    for (let round = 0; round < 5; round += 1) {
      // What is sent is drawn before anything is: the same every time, whoever answers first.
      const answers = await Promise.all(Array.from({ length: 5 }, () => ask(operation)));
      for (const { status, sent, answer } of answers) expect(status, `${sent}\n${answer}`).toBeLessThan(500);
    }
  });
});
