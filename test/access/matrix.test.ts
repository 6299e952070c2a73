import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadBundle, type Operation } from '../../src/http/operations.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { type Access, accessTable, lets, PEOPLE, type Who } from '../../tool/access.ts';
import { makeSamples } from './sample.ts';
import type { Person } from '../support/person.ts';
import { type AccessWorld, openAccessWorld } from './world.ts';

/**
 * Every operation of the contract as everybody, over HTTP, with the owner's things named: each cell is let through or
 * refused exactly as `x-access` says. Let through means to the operation's own rules, which may still say no.
 */
const bundle = loadBundle();
const access = new Map(accessTable(bundle.document['paths'] as Record<string, unknown>).map(({ id, access: words }) => [id, words]));

/** These end what the others need, or the caller's own session. */
const LAST: readonly string[] = ['endLicence', 'withdrawVersion', 'withdrawOwnershipProof', 'orderStop', 'endDelegation', 'reviewDeathReport', 'withdrawRefusal', 'logout'];

function phase({ id, method }: Operation): number {
  if (LAST.includes(id)) return 2 + LAST.indexOf(id);
  return method === 'get' ? 0 : 1;
}

const operations = [...bundle.operations].sort((a, b) => phase(a) - phase(b));

interface Answer {
  status: number;
  code: string | null;
  bytes: string;
}

let own: AccessWorld;
let sample: (operation: Operation) => unknown;

beforeAll(async () => {
  own = await openAccessWorld();
  await own.signIn();
  sample = makeSamples(bundle.document, makeValidators(bundle), own.ids);
}, 240_000);
afterAll(async () => await own.close(), 60_000);

const lastNamed = ({ path }: Operation): string => [...path.matchAll(/:(\w+)/g)].at(-1)?.[1] ?? '';
const idsFor = ({ id }: Operation): Readonly<Record<string, string>> => ({ ...own.ids, ...own.named[id] });

function personOf(who: Exclude<Who, 'anonymous'>, operation: Operation): Person {
  if (who !== 'party') return own.people[who];
  const person = own.parties[lastNamed(operation)] ?? own.parties[''];
  if (person === undefined) throw new Error('test/access/world.ts knows nobody whom anything is about.');
  return person;
}

async function ask(operation: Operation, who: Who, ids: Readonly<Record<string, string>>): Promise<Answer> {
  const path = operation.path.replaceAll(/:(\w+)/g, (_all, name: string) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`test/access/world.ts knows no ${name}, which ${operation.id} needs.`);
    return id;
  });
  const headers: Record<string, string> = { 'idempotency-key': randomUUID() };
  if (who !== 'anonymous') headers['authorization'] = `Bearer ${personOf(who, operation).token}`;
  const init: RequestInit = { method: operation.method.toUpperCase(), headers, redirect: 'manual' };
  const body = own.bodies[operation.id] ?? sample(operation);
  if (operation.body !== null) {
    headers['content-type'] = operation.body.contentType;
    init.body = body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body);
  }
  const response = await fetch(own.world.client.origin + path, init);
  if (response.ok && !(response.headers.get('content-type') ?? '').startsWith('application/json')) {
    // Let through: media and events come at their own pace, and are not looked at here.
    await response.body?.cancel();
    return { status: response.status, code: null, bytes: '' };
  }
  const bytes = Buffer.from(await response.arrayBuffer()).toString('latin1');
  const problem = response.status >= 400 ? (JSON.parse(bytes) as { code: string }) : null;
  return { status: response.status, code: problem?.code ?? null, bytes };
}

/** Her agent is no stranger to her things and is told so, but these no delegation covers. */
const NEVER: readonly string[] = ['quoteStop', 'orderStop', 'signGrant', 'revokeGrant', 'draftDelegation', 'draftLicence'];

function refusalOf({ status, code }: Answer): string | null {
  if (status === 401) return '401';
  if (status === 403 && code === 'role_missing') return '403 role_missing';
  if (status === 404 && code === 'not_found') return '404 not_found';
  if (status === 403 && code === 'delegation_never') return '403 delegation_never';
  return null;
}

/** What the contract promises a cell: let through, or how it is refused. */
function promised(operation: Operation, words: readonly Access[], who: Who): string | null {
  if (lets(words, who)) return null;
  if (who === 'anonymous') return '401';
  if (who === 'delegate' && NEVER.includes(operation.id)) return '403 delegation_never';
  return operation.roles.length > 0 ? '403 role_missing' : '404 not_found';
}

/** The same ids with the last one of the path, which is nobody's. */
function unknownIds(operation: Operation): Record<string, string> | null {
  const name = lastNamed(operation);
  const ids = idsFor(operation);
  const id = ids[name];
  return id === undefined ? null : { ...ids, [name]: id.length < 5 ? '9876' : id.replace(/.{5}$/, '00000') };
}

describe('the matrix', () => {
  it('names what the contract names, in full', () => {
    expect(operations.map(({ id }) => id as string).sort()).toEqual([...access.keys()].sort());
  });

  it.each(operations.map((operation) => [operation.id, operation] as const))('%s', async (id, operation) => {
    const words = access.get(id) ?? [];
    const wanted = Object.fromEntries(PEOPLE.map((who) => [who, promised(operation, words, who)]));
    const found: Record<string, string | null> = {};
    const all: Record<string, string> = {};
    const askAs = async (who: Who): Promise<void> => {
      const answer = await ask(operation, who, idsFor(operation));
      found[who] = refusalOf(answer);
      all[who] = `${answer.status} ${answer.code ?? ''}`;
      expect(answer.status, `${who}: ${answer.bytes.slice(0, 300)}`).toBeLessThan(500);
      const nobodys = unknownIds(operation);
      // What is somebody else's and what does not exist are the same answer, to the byte.
      if (found[who] === '404 not_found' && nobodys !== null) expect((await ask(operation, who, nobodys)).bytes, who).toBe(answer.bytes);
    };
    // Who is refused asks first, so that they ask for what is still there; they change nothing, and ask together.
    await Promise.all(PEOPLE.filter((who) => !lets(words, who)).map(askAs));
    for (const who of PEOPLE.filter((one) => lets(words, one))) await askAs(who);
    expect(found, JSON.stringify(all)).toEqual(wanted);
    if (id === 'logout') await own.signIn();
  });

  it.each(['operator', 'reviewer'] as const)('only an operator invites a %s', async (role) => {
    for (const who of PEOPLE) {
      if (who === 'anonymous' || who === 'party' || who === 'operator') continue;
      const refused = await own.people[who].client.refused('createInvitation', { body: { role } });
      expect([who, refused.status, refused.code]).toEqual([who, 403, 'role_missing']);
    }
  });

  it.each(['listStatements', 'listPayouts'] as const)('%s of another payee is for operators', async (id) => {
    for (const who of PEOPLE) {
      if (who === 'anonymous' || who === 'party') continue;
      const asked = own.people[who].client.call(id, { query: { payee: own.ids['payee'] ?? '' } });
      if (who === 'payee' || who === 'operator') await asked;
      else await expect(asked, who).rejects.toMatchObject({ status: 404, code: 'not_found' });
    }
  });
});
