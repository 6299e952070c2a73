import { createECDH, createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { type CBORType, encodeCBOR } from '@levischuck/tiny-cbor';

import type { Random } from '../../src/kernel/random.ts';

/** What the creation options of a site must hold for this authenticator; the contract's type fits. */
export interface PasskeyCreation {
  challenge: string;
  rp: { id: string; name: string };
  user: { id: string };
  pubKeyCredParams: readonly { type: string; alg: number }[];
}

export interface PasskeyRequest {
  challenge: string;
  rpId: string;
  allowCredentials?: readonly { id: string }[];
}

/** What is deliberately wrong in an answer. Without one the answer is as an honest browser and authenticator give it. */
export interface Tampering {
  type?: string;
  challenge?: string;
  origin?: string;
  rpId?: string;
  crossOrigin?: boolean;
  topOrigin?: string;
  userPresent?: boolean;
  userVerified?: boolean;
  backupEligible?: boolean;
  backedUp?: boolean;
  counter?: number;
  /** Rewrites clientDataJSON before it is signed over. */
  clientData?: (text: string) => string | Uint8Array;
  /** Another attestation format than `none`. */
  attestationFormat?: string;
}

export interface RegistrationAnswer {
  id: string;
  rawId: string;
  type: 'public-key';
  authenticatorAttachment: 'platform';
  clientExtensionResults: Record<string, unknown>;
  response: { clientDataJSON: string; attestationObject: string; transports: string[] };
}

export interface AssertionAnswer {
  id: string;
  rawId: string;
  type: 'public-key';
  authenticatorAttachment: 'platform';
  clientExtensionResults: Record<string, unknown>;
  response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle: string };
}

export interface Passkey {
  /** navigator.credentials.create: makes a discoverable ES256 credential. */
  register(options: PasskeyCreation, wrong?: Tampering): RegistrationAnswer;
  /** navigator.credentials.get: signs with a credential of this site, of the list if there is one. */
  sign(options: PasskeyRequest, wrong?: Tampering): AssertionAnswer;
}

interface StoredKey {
  id: string;
  rpId: string;
  userHandle: string;
  privateKey: KeyObject;
  counter: number;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** A P-256 key from given randomness, so that a seeded run has the same keys every time. */
function makeKey(random: Random): { privateKey: KeyObject; x: Buffer; y: Buffer } {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(Buffer.from(random.bytes(32)));
  const point = ecdh.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33, 65)];
  // A private key with leading zeros comes back shorter than JWK wants it.
  const d = Buffer.concat([Buffer.alloc(32), ecdh.getPrivateKey()]).subarray(-32);
  const jwk = { kty: 'EC', crv: 'P-256', x: base64url(x), y: base64url(y), d: base64url(d) };
  return { privateKey: createPrivateKey({ key: jwk, format: 'jwk' }), x, y };
}

function clientDataBytes(type: string, challenge: string, origin: string, wrong: Tampering): Buffer {
  const text = JSON.stringify({
    type: wrong.type ?? type,
    challenge: wrong.challenge ?? challenge,
    origin: wrong.origin ?? origin,
    crossOrigin: wrong.crossOrigin ?? false,
    ...(wrong.topOrigin === undefined ? {} : { topOrigin: wrong.topOrigin }),
  });
  return Buffer.from(wrong.clientData?.(text) ?? text);
}

function authenticatorBytes(rpId: string, flags: number, counter: number, attested: Uint8Array = new Uint8Array()): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(counter);
  return Buffer.concat([createHash('sha256').update(rpId).digest(), Uint8Array.of(flags), count, attested]);
}

/** ES256 as COSE_Key: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}. */
function coseKey(x: Uint8Array, y: Uint8Array): Uint8Array {
  return encodeCBOR(new Map<string | number, number | Uint8Array>([
    [1, 2], [3, -7], [-1, 1], [-2, new Uint8Array(x)], [-3, new Uint8Array(y)],
  ]));
}

function attestedData(key: { id: Uint8Array; x: Uint8Array; y: Uint8Array }): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(key.id.byteLength);
  // AAGUID zero: what a browser reports when no attestation was asked for.
  return Buffer.concat([Buffer.alloc(16), length, key.id, coseKey(key.x, key.y)]);
}

/** WebAuthn L3 §5.1.3 step 8: a site may only use its own domain or one above it. A test that lies says so. */
function checkScope(origin: string, rpId: string, wrong: Tampering): void {
  const { hostname } = new URL(origin);
  if (wrong.rpId === undefined && hostname !== rpId && !hostname.endsWith(`.${rpId}`)) {
    throw new Error(`SecurityError: ${rpId} is no site of ${origin}`);
  }
}

/**
 * A software authenticator with the browser around it: real ES256, real CBOR, attestation `none`. By default it is a
 * synced passkey (counter 0); `deviceBound` makes one that counts.
 */
export function makePasskey(settings: { random: Random; origin: string; deviceBound?: boolean }): Passkey {
  const { random, origin, deviceBound = false } = settings;
  const keys: StoredKey[] = [];

  function flags(wrong: Tampering, attested: boolean): number {
    const bit = (on: boolean, position: number): number => (on ? 1 << position : 0);
    return bit(wrong.userPresent ?? true, 0) | bit(wrong.userVerified ?? true, 2)
      | bit(wrong.backupEligible ?? !deviceBound, 3) | bit(wrong.backedUp ?? !deviceBound, 4) | bit(attested, 6);
  }

  return {
    register(options, wrong = {}) {
      if (!options.pubKeyCredParams.some(({ alg }) => alg === -7)) throw new Error('NotSupportedError: only ES256');
      checkScope(origin, options.rp.id, wrong);
      const id = Buffer.from(random.bytes(32));
      const { privateKey, x, y } = makeKey(random);
      keys.push({ id: base64url(id), rpId: options.rp.id, userHandle: options.user.id, privateKey, counter: 0 });
      const authData = authenticatorBytes(
        wrong.rpId ?? options.rp.id, flags(wrong, true), wrong.counter ?? 0, attestedData({ id, x, y }),
      );
      const attestation = encodeCBOR(new Map<string | number, CBORType>([
        ['fmt', wrong.attestationFormat ?? 'none'], ['attStmt', new Map<string | number, CBORType>()], ['authData', new Uint8Array(authData)],
      ]));
      return {
        id: base64url(id), rawId: base64url(id), type: 'public-key', authenticatorAttachment: 'platform',
        clientExtensionResults: { credProps: { rk: true } },
        response: {
          clientDataJSON: base64url(clientDataBytes('webauthn.create', options.challenge, origin, wrong)),
          attestationObject: base64url(attestation),
          transports: ['internal', ...(deviceBound ? [] : ['hybrid'])],
        },
      };
    },

    sign(options, wrong = {}) {
      checkScope(origin, options.rpId, wrong);
      const listed = options.allowCredentials ?? [];
      // The newest of the site: what a person would pick from the list on the screen.
      const key = keys.findLast((candidate) =>
        candidate.rpId === options.rpId && (listed.length === 0 || listed.some(({ id }) => id === candidate.id)));
      if (key === undefined) throw new Error('NotAllowedError: no passkey for this');
      if (deviceBound) key.counter += 1;
      const authenticatorData = authenticatorBytes(wrong.rpId ?? options.rpId, flags(wrong, false), wrong.counter ?? key.counter);
      const clientDataJSON = clientDataBytes('webauthn.get', options.challenge, origin, wrong);
      const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientDataJSON).digest()]);
      return {
        id: key.id, rawId: key.id, type: 'public-key', authenticatorAttachment: 'platform', clientExtensionResults: {},
        response: {
          clientDataJSON: base64url(clientDataJSON),
          authenticatorData: base64url(authenticatorData),
          // ECDSA in DER, as WebAuthn has it.
          signature: base64url(sign('sha256', signed, key.privateKey)),
          userHandle: key.userHandle,
        },
      };
    },
  };
}
