import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { evidenceDigest, verifySignatureEvidence, type SignatureEvidence } from '../../src/identity/evidence.ts';
import { VERIFYING_SOFTWARE } from '../../src/identity/verification.ts';
import { openHarness, REAL, type Harness } from './harness.ts';

let harness: Harness;
let evidence: SignatureEvidence;
let second: SignatureEvidence;
beforeAll(async () => {
  harness = await openHarness('evidence');
  const owner = await harness.register('Lin Ya · 林雅');
  const other = await harness.register('Other');
  const [one, two] = [await harness.sign(owner, '同意 yes\nline two'), await harness.sign(other, 'no')];
  [evidence, second] = await harness.database.runTx(async (tx) => [
    await harness.identity.signatureEvidence(tx, one.id), await harness.identity.signatureEvidence(tx, two.id),
  ]);
  expect(one.evidenceSha256).toBe(evidence.evidenceSha256);
});
afterAll(async () => await harness.database.close());

type Path = (string | number)[];

/** Every leaf of the evidence: its path and its value. */
function leaves(value: unknown, path: Path = []): [Path, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, item]) => leaves(item, [...path, name]));
}

function changed(path: Path, value: unknown): SignatureEvidence {
  const copy = structuredClone(evidence) as unknown as Record<string, unknown>;
  let at = copy;
  for (const name of path.slice(0, -1)) at = at[name] as Record<string, unknown>;
  at[String(path.at(-1))] = value;
  return copy as unknown as SignatureEvidence;
}

/** As a forger would: the seal is made anew over what was changed. */
function resealed(forged: SignatureEvidence): SignatureEvidence {
  const { evidenceSha256, ...rest } = forged;
  const seal = evidenceDigest(rest);
  expect(seal).not.toBe(evidenceSha256);
  return { ...rest, evidenceSha256: seal };
}

describe('signature evidence', () => {
  it('verifies offline, from its JSON alone, and fits its schema', () => {
    const file = JSON.parse(JSON.stringify(evidence)) as unknown;
    expect(verifySignatureEvidence(file)).toEqual({ ok: true, problems: [] });
    expect(REAL.validate('signature_evidence', file)).toEqual(file);
  });

  it('names the version of the library that checked it first', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> };
    expect(VERIFYING_SOFTWARE).toBe(`@simplewebauthn/server@${manifest.dependencies['@simplewebauthn/server'] ?? ''}`);
    expect(evidence.software).toEqual([VERIFYING_SOFTWARE, `node@${process.versions.node}`]);
  });

  it('fails when any character of any member is another', () => {
    const places = leaves(evidence);
    expect(places.length).toBeGreaterThan(25);
    for (const [path, value] of places) {
      const variants = typeof value === 'number'
        ? [value + 1, String(value)]
        : Array.from(String(value).slice(0, 400).split('').keys()).map((at) => {
          const text = String(value);
          return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
        });
      expect(variants.length, path.join('.')).toBeGreaterThan(0);
      for (const variant of variants) expect(verifySignatureEvidence(changed(path, variant)).ok, path.join('.')).toBe(false);
    }
  });

  it('fails when a member is missing or one more is there', () => {
    for (const name of Object.keys(evidence)) {
      const rest = Object.fromEntries(Object.entries(evidence).filter(([member]) => member !== name));
      expect(verifySignatureEvidence(rest).ok, name).toBe(false);
    }
    expect(verifySignatureEvidence({ ...evidence, more: 1 }).ok).toBe(false);
  });

  it('fails by the signature itself when the seal is made anew, for all that the signature binds', () => {
    const bound: Path[] = [
      ['canonical'], ['documentSha256'], ['renderedText'], ['nonce'], ['challenge'],
      ...Object.keys(evidence.context).map((member): Path => ['context', member]),
      ['assertion', 'authenticatorData'], ['assertion', 'clientDataJSON'], ['assertion', 'signature'],
      ['credential', 'credentialId'], ['credential', 'publicKey'], ['credential', 'aaguid'], ['credential', 'attestationObject'],
      ['relyingParty', 'id'], ['relyingParty', 'origins', 0],
    ];
    for (const path of bound) {
      const value = String(leaves(evidence).find(([place]) => place.join() === path.join())?.[1]);
      const middle = Math.floor(value.length / 2);
      const forged = value.slice(0, middle) + (value[middle] === 'A' ? 'B' : 'A') + value.slice(middle + 1);
      const verdict = verifySignatureEvidence(resealed(changed(path, forged)));
      expect(verdict.ok, path.join('.')).toBe(false);
      expect(verdict.problems, path.join('.')).not.toContain('the evidence was changed after it was sealed');
    }
    expect(verifySignatureEvidence(resealed(changed(['credential', 'algorithm'], -8))).ok).toBe(false);
    // Without attestation no key signs the registration's client data: the seal binds it, and it must still be one.
    expect(verifySignatureEvidence(resealed(changed(['credential', 'registrationClientDataJSON'], 'e30'))).ok).toBe(false);
    expect(verifySignatureEvidence(resealed(changed(['signedAt'], '2026-03-01T02:05:00.000Z'))).ok).toBe(false);
    expect(verifySignatureEvidence(resealed(changed(['signedAt'], '2026-03-01T01:59:59.999Z'))).ok).toBe(false);
    expect(verifySignatureEvidence(resealed(changed(['credential', 'registeredAt'], '2027-01-01T00:00:00Z'))).ok).toBe(false);
  });

  it('fails when parts of two signatures are put together', () => {
    expect(verifySignatureEvidence(second).ok).toBe(true);
    for (const member of ['canonical', 'context', 'nonce', 'challenge', 'assertion', 'credential', 'renderedText'] as const) {
      expect(verifySignatureEvidence(resealed({ ...evidence, [member]: second[member] })).ok, member).toBe(false);
    }
  });

  it('has a problem, and no exception, with anything else', () => {
    for (const thing of [null, undefined, 1, 'text', [], {}, { type: 'benren.signature_evidence' }, { ...evidence, context: null },
      resealed(changed(['credential', 'publicKey'], '')), resealed(changed(['credential', 'publicKey'], 'gQ')),
      resealed(changed(['canonical'], '{"a":1,"a":2}')), resealed(changed(['canonical'], 'null')),
      resealed({ ...evidence, assertion: null as unknown as SignatureEvidence['assertion'] })]) {
      const verdict = verifySignatureEvidence(thing);
      expect(verdict.ok).toBe(false);
      expect(verdict.problems.length).toBeGreaterThan(0);
    }
  });
});
