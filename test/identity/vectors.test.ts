import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { parseAuthenticatorData, decodeAttestationObject } from '@simplewebauthn/server/helpers';
import { describe, expect, it } from 'vitest';

import { signatureFits } from '../../src/identity/ceremony.ts';
import { verifyAssertion, verifyRegistration } from '../../src/identity/verification.ts';
import type { AssertionCredential, RegistrationCredential } from '../../src/identity/verification.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { codeOf } from './harness.ts';

/** The vectors of Web Authentication Level 3, section "Test Vectors". */
const file = new URL('../../../shared/vectors/webauthn/webauthn-l3-test-vectors.json', import.meta.url);

interface Ceremony {
  challenge: string;
  clientDataJSON: string;
}
interface Vector {
  id: string;
  title: string;
  rpId: string;
  origin: string;
  registration: Ceremony & { attestationObject: string; credential_id: string };
  authentication: Ceremony & { authenticatorData: string; signature: string };
}

const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

/**
 * What we answer to each credential, at registration and at authentication; the reasons are printed. `accepted` means
 * verified with every check of ours. The site behind the vectors does not ask for user verification; we do. We ask for no
 * attestation and take none by certificates, and offer ES256, RS256 and Ed25519.
 */
const UV = 'user_verification_missing';
const REFUSED = 'assertion_invalid';
const EXPECTED: Record<string, { registration: string; authentication: string }> = {
  'none-es256': { registration: UV, authentication: UV },
  'packed-self-es256': { registration: 'accepted', authentication: UV },
  'none-es256-crossOrigin': { registration: REFUSED, authentication: REFUSED },
  'none-es256-topOrigin': { registration: REFUSED, authentication: REFUSED },
  'none-es256-long-credential-id': { registration: UV, authentication: 'accepted' },
  'packed-es256': { registration: REFUSED, authentication: 'accepted' },
  'packed-es384': { registration: REFUSED, authentication: REFUSED },
  'packed-es512': { registration: REFUSED, authentication: UV },
  'packed-rs256': { registration: REFUSED, authentication: UV },
  'packed-eddsa': { registration: REFUSED, authentication: UV },
  'packed-ed448': { registration: REFUSED, authentication: REFUSED },
  'tpm-es256': { registration: REFUSED, authentication: 'accepted' },
  'android-key-es256': { registration: REFUSED, authentication: UV },
  'apple-es256': { registration: REFUSED, authentication: UV },
  'fido-u2f-es256': { registration: REFUSED, authentication: UV },
};

function load(): Vector[] {
  if (!existsSync(file)) {
    console.info('skipped: the WebAuthn vectors are not beside this checkout (../shared/vectors/webauthn)');
    return [];
  }
  const all = (JSON.parse(readFileSync(file, 'utf8')) as { vectors: Partial<Vector>[] }).vectors;
  for (const { id } of all.filter((vector) => vector.authentication === undefined)) {
    console.info(`not applicable: ${String(id)} (no credential: only the root certificate of the attestations)`);
  }
  return all.filter((vector): vector is Vector => vector.authentication !== undefined);
}

const vectors = load();
const short = (vector: Vector): string => vector.id.replace('sctn-test-vectors-', '');

/** The code of the answer; a refusal's reason is printed, so that the run tells what was not applicable and why. */
async function verdict(what: string, work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.info(`refused: ${what}: ${error.message}`);
    return error.code;
  }
  return 'accepted';
}

function madeBy(vector: Vector): ReturnType<typeof parseAuthenticatorData> {
  const attestation = decodeAttestationObject(new Uint8Array(bytes(vector.registration.attestationObject)));
  return parseAuthenticatorData(attestation.get('authData'));
}

describe.skipIf(vectors.length === 0)('WebAuthn Level 3 vectors', () => {
  it('are the 15 credentials that are judged here', () => {
    expect(vectors.map(short).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(vectors.map((vector) => [short(vector), vector] as const))('%s: registration', async (name, vector) => {
    const { registration, rpId, origin } = vector;
    const id = base64url(registration.credential_id);
    const credential: RegistrationCredential = {
      id, rawId: id, type: 'public-key', clientExtensionResults: {},
      response: { clientDataJSON: base64url(registration.clientDataJSON), attestationObject: base64url(registration.attestationObject) },
    };
    const made = verifyRegistration(credential, bytes(registration.challenge), { id: rpId, origin, name: 'vectors' });
    expect(await verdict(`registration of ${name}`, made)).toBe(EXPECTED[name]?.registration);
    if (EXPECTED[name]?.registration === 'accepted') {
      expect(await made).toMatchObject({ id, publicKey: Buffer.from(madeBy(vector).credentialPublicKey ?? []), algorithm: -7 });
    }
  });

  it.each(vectors.map((vector) => [short(vector), vector] as const))('%s: authentication', async (name, vector) => {
    const { authentication, rpId, origin } = vector;
    const made = madeBy(vector);
    const id = base64url(vector.registration.credential_id);
    const assertion: AssertionCredential = {
      id, rawId: id, type: 'public-key', clientExtensionResults: {},
      response: {
        clientDataJSON: base64url(authentication.clientDataJSON), authenticatorData: base64url(authentication.authenticatorData),
        signature: base64url(authentication.signature),
      },
    };
    const known = { id, publicKey: made.credentialPublicKey ?? new Uint8Array(), backupEligible: made.flags.be };
    const answer = (changed: AssertionCredential): Promise<string> =>
      verdict(`authentication by ${name}`, verifyAssertion(changed, bytes(authentication.challenge), known, { id: rpId, origin, name: 'vectors' }));
    expect(await answer(assertion)).toBe(EXPECTED[name]?.authentication);
    if (EXPECTED[name]?.authentication !== 'accepted') return;
    const broken = bytes(authentication.signature);
    broken[broken.length - 1] = (broken[broken.length - 1] ?? 0) ^ 1;
    expect(await answer({ ...assertion, response: { ...assertion.response, signature: broken.toString('base64url') } })).toBe(REFUSED);
  });

  it('the signatures of all three algorithms verify with our own reader of keys, and of no fourth', async () => {
    const verdicts = new Map<string, boolean | string>();
    for (const vector of vectors) {
      const { authentication } = vector;
      const signed = {
        authenticatorData: bytes(authentication.authenticatorData), clientDataJSON: bytes(authentication.clientDataJSON),
        signature: bytes(authentication.signature),
      };
      const check = async (assertion: typeof signed): Promise<boolean> =>
        signatureFits(madeBy(vector).credentialPublicKey ?? new Uint8Array(), assertion);
      const code = await codeOf(check(signed));
      verdicts.set(short(vector), code === 'accepted' ? await check(signed) : code);
      if (code === 'accepted') {
        const other = createHash('sha256').update(signed.clientDataJSON).digest();
        expect(await check({ ...signed, clientDataJSON: other })).toBe(false);
      }
    }
    const foreign = ['packed-es384', 'packed-es512', 'packed-ed448'];
    for (const [name, verdict] of verdicts) expect(verdict, name).toBe(foreign.includes(name) ? REFUSED : true);
  });
});
