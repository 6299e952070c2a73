import { readFileSync } from 'node:fs';

import { Ajv2020 } from 'ajv/dist/2020.js';

import { canonicalJson, parseStrictJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { type Policy, policyProblems } from './levels.ts';

/** A policy as it is in force, with the digest by which a decision names it. */
export interface LoadedPolicy {
  policy: Policy;
  sha256: string;
}

const schema = JSON.parse(readFileSync(new URL('policy.schema.json', import.meta.url), 'utf8')) as object;
const validate = new Ajv2020({ allErrors: true, strict: true }).compile<Policy>(schema);

/** Reads a policy from its JSON text. @throws Error naming everything that is wrong: a service does not start with it */
export function readPolicy(text: string): LoadedPolicy {
  const value = parseStrictJson(text);
  const problems = validate(value)
    ? policyProblems(value)
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? 'is wrong'}`);
  if (problems.length > 0) throw new Error(`The ownership policy is refused:\n${problems.map((line) => `  ${line}`).join('\n')}`);
  return { policy: value as unknown as Policy, sha256: sha256Hex(canonicalJson(value)) };
}

/** The policy of a file; with none, the house's own. */
export function loadPolicy(path: string | null = null): LoadedPolicy {
  return readPolicy(readFileSync(path ?? new URL('policy.json', import.meta.url), 'utf8'));
}
