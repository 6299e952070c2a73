import { createHash, createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { decodeCredentialPublicKey, isoCBOR, parseAuthenticatorData } from '@simplewebauthn/server/helpers';

import { parseStrictJson } from '../kernel/canonical-json.ts';
import { sha256 } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';

/**
 * The checks of a WebAuthn ceremony that need no library, no database and no clock. They run when a passkey answers and
 * again, years later, when a kept signature is verified offline.
 */

/** -7 ES256, -8 Ed25519, -257 RS256: what people's authenticators have, and nothing weaker. */
export const ALGORITHMS = [-7, -8, -257] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export function refused(detail: string, cause?: unknown): Refusal {
  return new Refusal('assertion_invalid', detail, { cause });
}

/** Decodes base64url without padding; refuses every second spelling of the same bytes. */
export function fromBase64url(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (text === '' || bytes.toString('base64url') !== text) throw refused(`${what} is not base64url.`);
  return bytes;
}

/**
 * Checks clientDataJSON as it was received (never re-serialised). Unknown members are tolerated (WebAuthn L3 §5.8.1.2);
 * repeated ones and text that is not UTF-8 are not: two readers would see two documents. What is expected as null is not
 * compared: a kept registration answered a challenge that nobody kept, perhaps on a site that has moved since.
 */
export function checkClientData(
  raw: Uint8Array,
  expected: { type: 'webauthn.create' | 'webauthn.get'; challenge: Uint8Array | null; origin: string | null },
): void {
  let data: unknown;
  try {
    data = parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw));
  } catch (error) {
    throw refused('clientDataJSON cannot be read.', error);
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw refused('clientDataJSON is not an object.');
  const { type, challenge, origin, crossOrigin, topOrigin } = data as Record<string, unknown>;
  if (type !== expected.type) throw refused('The passkey did something else than was asked of it.');
  if (expected.challenge !== null && challenge !== Buffer.from(expected.challenge).toString('base64url')) {
    throw refused('The passkey answered another challenge.');
  }
  if (typeof origin !== 'string' || (expected.origin !== null && origin !== expected.origin)) throw refused('The passkey was used on another site.');
  // A page inside somebody else's page: what the person saw around it is not ours to answer for.
  if (crossOrigin !== undefined && crossOrigin !== false) throw refused('The passkey was used in a page inside another page.');
  if (topOrigin !== undefined) throw refused('The passkey was used in a page inside another page.');
}

export interface AuthenticatorFacts {
  counter: number;
  backupEligible: boolean;
  backedUp: boolean;
}

/** Checks authenticatorData: our site, somebody present, and that somebody verified. */
export function checkAuthenticatorData(raw: Uint8Array, rpId: string): AuthenticatorFacts {
  let parsed: ReturnType<typeof parseAuthenticatorData>;
  try {
    parsed = parseAuthenticatorData(new Uint8Array(raw));
  } catch (error) {
    throw refused('authenticatorData cannot be read.', error);
  }
  const { flags } = parsed;
  if (!sha256(rpId).equals(parsed.rpIdHash)) throw refused('The passkey belongs to another site.');
  if (!flags.up) throw refused('The passkey answered with nobody present.');
  if (!flags.uv) {
    throw new Refusal('user_verification_missing', 'The passkey did not ask for a PIN, a finger or a face; use one that does.');
  }
  if (flags.bs && !flags.be) throw refused('The passkey says that it is backed up and that it cannot be.');
  return { counter: parsed.counter, backupEligible: flags.be, backedUp: flags.bs };
}

const KTY = 1;
const ALG = 3;

const RSA_BITS_MIN = 2_048;

/** The encodings of Ed25519 points of small order, as libsodium lists them, without the sign of x. */
const SMALL_ORDER = new Set([
  `00${'00'.repeat(31)}`, `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`, `ed${'ff'.repeat(30)}7f`, `ee${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/**
 * Refuses a key with which anybody could sign: its holder would register it on purpose, to deny later what they signed.
 * A short or degenerate RSA key; an Ed25519 point of small order, under which one signature fits every text.
 */
function checkStrength(algorithm: Algorithm, key: KeyObject, point: string | undefined): void {
  const details = key.asymmetricKeyDetails;
  const weakRsa = algorithm === -257 && ((details?.modulusLength ?? 0) < RSA_BITS_MIN || (details?.publicExponent ?? 0n) < 3n);
  const encoded = Buffer.from(point ?? '', 'base64url');
  if (algorithm === -8) encoded.writeUInt8(encoded.readUInt8(31) & 0x7f, 31);
  if (weakRsa || (algorithm === -8 && SMALL_ORDER.has(encoded.toString('hex')))) throw refused('The public key is too weak to sign with.');
}

/** A COSE key (RFC 9053) as Node takes it. Only the three algorithms, each with its one key type and curve. */
function readCoseKey(cose: Uint8Array): { algorithm: Algorithm; key: KeyObject } {
  const map = decodeCredentialPublicKey(new Uint8Array(cose)) as unknown as Map<number, unknown>;
  // Bytes behind the key, or a second way of writing it, would make two keys of one.
  if (!(map instanceof Map) || !Buffer.from(isoCBOR.encode(map as never)).equals(cose)) throw refused('The public key is not COSE.');
  const bytes = (label: number): string => {
    const value = map.get(label);
    if (!(value instanceof Uint8Array)) throw refused('The public key lacks a part.');
    return Buffer.from(value).toString('base64url');
  };
  const algorithm = ALGORITHMS.find((known) => known === map.get(ALG));
  // Algorithm, key type, curve (an RSA key has its modulus in that place): only these three go together.
  const shape = `${String(algorithm)}/${String(map.get(KTY))}/${map.get(-1) instanceof Uint8Array ? 'n' : String(map.get(-1))}`;
  let jwk: JsonWebKey;
  if (algorithm === undefined) throw refused('The public key is of a kind that is not taken here.');
  if (shape === '-7/2/1') jwk = { kty: 'EC', crv: 'P-256', x: bytes(-2), y: bytes(-3) };
  else if (shape === '-8/1/6') jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes(-2) };
  else if (shape === '-257/3/n') jwk = { kty: 'RSA', n: bytes(-1), e: bytes(-2) };
  else throw refused('The public key is of a kind that is not taken here.');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  checkStrength(algorithm, key, jwk.x);
  return { algorithm, key };
}

/** The COSE algorithm number of a key. */
export function coseAlgorithm(cose: Uint8Array): Algorithm {
  return readCoseKey(cose).algorithm;
}

/** Whether `signature` is this key's over authenticatorData ‖ SHA-256(clientDataJSON) (WebAuthn L3 §7.2). */
export function signatureFits(
  cose: Uint8Array,
  assertion: { authenticatorData: Uint8Array; clientDataJSON: Uint8Array; signature: Uint8Array },
): boolean {
  const { algorithm, key } = readCoseKey(cose);
  const clientDataHash = createHash('sha256').update(assertion.clientDataJSON).digest();
  const signed = Buffer.concat([assertion.authenticatorData, clientDataHash]);
  return verify(algorithm === -8 ? null : 'sha256', signed, key, assertion.signature);
}
