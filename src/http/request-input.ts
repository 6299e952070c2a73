import type { NextFunction, Request, Response } from 'express';
import express from 'express';

import { canonicalJson, parseStrictJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey } from '../kernel/tx.ts';
import type { Operation } from './operations.ts';
import { requestInvalid, type Validators } from './validation.ts';

/** What a handler is given, not yet typed: the contract's types are put on it where it is handed over. */
export interface RawInput {
  path: Record<string, unknown>;
  query: Record<string, unknown>;
  headers: Record<string, string | undefined>;
  body: unknown;
}

/** Reads the body as bytes, up to the operation's limit, without decompression (a small bomb unpacks to a large one). */
export function bodyReader(operation: Operation): (request: Request, response: Response, next: NextFunction) => void {
  return express.raw({ type: () => true, limit: operation.body?.limitBytes ?? 0, inflate: false });
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal('json_malformed', 'The body is not UTF-8.');
  }
}

/** PostgreSQL has no NUL in text, so no text of ours may hold one. */
function refuseNul(value: unknown): void {
  if (typeof value === 'string' && value.includes('\0')) throw new Refusal('request_invalid', 'A text holds the character U+0000.');
  if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
    for (const [key, item] of Object.entries(value)) {
      refuseNul(key);
      refuseNul(item);
    }
  }
}

function readBody(request: Request, operation: Operation, validators: Validators): unknown {
  const { body } = operation;
  if (body === null) return undefined;
  // Whoever went away before the body was read would otherwise count as having sent none.
  if (!request.complete) throw new Refusal('request_invalid', 'The body did not arrive in the announced length.');
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  if (bytes.length === 0 && !body.required) return undefined;
  const sent = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (sent !== body.contentType) {
    throw new Refusal('media_type_unsupported', `Send the body as ${body.contentType}.`);
  }
  if (operation.rawBody || body.contentType !== 'application/json') return bytes;
  const value = parseStrictJson(textOf(bytes));
  const validate = validators.at(body.pointer);
  if (!validate(value)) throw requestInvalid('/body', validate.errors);
  return value;
}

function readParameters(
  request: Request, operation: Operation, validators: Validators, place: 'path' | 'query',
): Record<string, unknown> {
  const source: Record<string, unknown> = place === 'path' ? { ...request.params } : { ...(request.query as object) };
  const known = operation.parameters.filter((parameter) => parameter.in === place);
  for (const name of Object.keys(source)) {
    if (!known.some((parameter) => parameter.name === name)) throw new Refusal('request_invalid', `There is no parameter ${name.slice(0, 40)}.`);
  }
  const result: Record<string, unknown> = {};
  for (const parameter of known) {
    const value = source[parameter.name];
    if (value === undefined) {
      if (parameter.required) throw new Refusal('request_invalid', `The parameter ${parameter.name} is missing.`);
      continue;
    }
    const validate = validators.at(parameter.pointer);
    const read = coerce(parameter.type, value);
    // A repeated query parameter arrives as a list: refused, since no operation takes one twice.
    if (typeof value !== 'string' || !validate(read)) throw requestInvalid(`/${place}/${parameter.name}`, validate.errors);
    result[parameter.name] = read;
  }
  return result;
}

/** Parameters are text; where the contract says number or boolean, the text is read as one or left to be refused. */
function coerce(type: string, value: unknown): unknown {
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  if (type === 'integer') return typeof value === 'string' && /^-?(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value;
  return value;
}

function readHeaders(request: Request): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** @throws Refusal naming what differs from the contract. */
export function readInput(request: Request, operation: Operation, validators: Validators): RawInput {
  const input: RawInput = {
    path: readParameters(request, operation, validators, 'path'),
    query: readParameters(request, operation, validators, 'query'),
    headers: readHeaders(request),
    body: readBody(request, operation, validators),
  };
  refuseNul(input.path);
  refuseNul(input.query);
  refuseNul(input.body);
  return input;
}

/** Binds the caller's key to caller, operation and request. */
export function readIdempotencyKey(
  operation: Operation, input: RawInput, actor: Actor | null, validators: Validators,
): IdempotencyKey | null {
  if (!operation.idempotent) return null;
  const key = input.headers['idempotency-key'];
  if (key === undefined || key === '') {
    throw new Refusal('idempotency_key_missing', 'Send an Idempotency-Key header: a fresh random value for each new write.');
  }
  const parameter = operation.parameters.find((candidate) => candidate.name === 'Idempotency-Key');
  if (parameter !== undefined && !validators.at(parameter.pointer)(key)) {
    throw new Refusal('idempotency_key_invalid', 'An idempotency key is 8 to 255 visible ASCII characters.');
  }
  const body = Buffer.isBuffer(input.body) ? { sha256: sha256Hex(input.body) } : (input.body ?? null);
  return {
    scope: `${actor?.accountId ?? 'anyone'}:${operation.id}`,
    key,
    digest: sha256Hex(canonicalJson({ path: input.path, query: input.query, body })),
  };
}
