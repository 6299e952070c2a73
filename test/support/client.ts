import { randomUUID } from 'node:crypto';

import type { Input, OperationId, Output } from '../../contracts/generated/contract.ts';
import { loadBundle, type Operation } from '../../src/http/operations.ts';
import { until } from './until.ts';

/** What a caller gets instead of an answer. */
export class ProblemError extends Error {
  constructor(readonly status: number, readonly problem: { code: string; detail?: string; [member: string]: unknown }, readonly bytes: Buffer) {
    super(`${status} ${problem.code}: ${problem.detail ?? ''}`);
    this.name = 'ProblemError';
  }

  get code(): string {
    return this.problem.code;
  }
}

type OptionalWhenEmpty<Name extends string, T> = [keyof T] extends [never] ? Partial<Record<Name, T>> : Record<Name, T>;

/** What an operation takes; parts that it does not have are left out. */
export type CallInput<Id extends OperationId> =
  & OptionalWhenEmpty<'path', Input<Id>['path']>
  & { query?: Input<Id>['query']; key?: string; headers?: Record<string, string> }
  & (undefined extends Input<Id>['body'] ? { body?: Input<Id>['body'] } : { body: Input<Id>['body'] });

type BodyOf<T> = T extends { body: infer Body } ? Body : T extends { media: unknown } ? Buffer : T extends { events: unknown } ? string : undefined;

/** A caller over real HTTP, typed by the contract. */
export interface Client {
  readonly origin: string;
  /** The answer's body: parsed JSON, or bytes for media and files. @throws ProblemError */
  call<Id extends OperationId>(id: Id, input: CallInput<Id>): Promise<BodyOf<Output<Id>>>;
  /** The problem that a call is refused with; an error when it is not refused. */
  refused<Id extends OperationId>(id: Id, input: CallInput<Id>): Promise<ProblemError>;
  /** The same caller with another session. */
  as(token: string | null): Client;
}

const operations = new Map<string, Operation>(loadBundle().operations.map((operation) => [operation.id, operation]));

interface Loose {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  key?: string;
  headers?: Record<string, string>;
}

function requestOf(operation: Operation, origin: string, token: string | null, input: Loose): { url: URL; init: RequestInit } {
  const path = operation.path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(String(input.path?.[name])));
  const url = new URL(path, origin);
  for (const [name, value] of Object.entries(input.query ?? {})) if (value !== undefined) url.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  const headers: Record<string, string> = { ...input.headers };
  if (token !== null) headers['authorization'] = `Bearer ${token}`;
  if (operation.idempotent) headers['idempotency-key'] = input.key ?? randomUUID();
  const init: RequestInit = { method: operation.method.toUpperCase(), headers, redirect: 'error' };
  if (input.body !== undefined && operation.body !== null) {
    headers['content-type'] ??= operation.body.contentType;
    init.body = input.body instanceof Uint8Array ? Buffer.from(input.body) : JSON.stringify(input.body);
  }
  return { url, init };
}

async function answer(response: Response): Promise<unknown> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok) throw new ProblemError(response.status, JSON.parse(bytes.toString('utf8')) as { code: string }, bytes);
  if (type.startsWith('application/json')) return JSON.parse(bytes.toString('utf8'));
  return type.startsWith('text/') ? bytes.toString('utf8') : bytes;
}

export function makeClient(origin: string, token: string | null = null): Client {
  async function call(id: OperationId, input: Loose): Promise<unknown> {
    const operation = operations.get(id);
    if (operation === undefined) throw new Error(`The contract has no operation ${id}.`);
    const { url, init } = requestOf(operation, origin, token, input);
    return await answer(await fetch(url, init));
  }
  return {
    origin,
    // One table of operations serves every type that the contract gives them.
    call: call as Client['call'],
    async refused(id, input) {
      try {
        await call(id, input);
      } catch (error) {
        if (error instanceof ProblemError) return error;
        throw error;
      }
      throw new Error(`${id} was not refused.`);
    },
    as: (other) => makeClient(origin, other),
  };
}

/** Asks for what the log proves. A leaf gets its place in the tree within about a second; until then the answer is `unavailable`, to ask again. */
export async function whenLogged<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const answers: Answer[] = [];
  await until(async () => {
    try {
      answers.push(await ask());
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'unavailable')) throw error;
    }
    return answers.length > 0;
  });
  return answers[0] as Answer;
}
