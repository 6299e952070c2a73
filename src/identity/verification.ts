import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { decodeAttestationObject } from '@simplewebauthn/server/helpers';

import { Refusal } from '../kernel/refusals.ts';
import { ALGORITHMS, checkAuthenticatorData, checkClientData, coseAlgorithm, fromBase64url, refused, signatureFits } from './ceremony.ts';
import type { Algorithm, AuthenticatorFacts } from './ceremony.ts';
import type { RelyingParty } from './model.ts';

/** What verified a kept signature when it was made; the record must not depend on it. */
export const VERIFYING_SOFTWARE = '@simplewebauthn/server@14.0.3';

interface Envelope {
  id: string;
  rawId: string;
  type: 'public-key';
  authenticatorAttachment?: 'platform' | 'cross-platform' | null;
  clientExtensionResults: Record<string, unknown>;
}

/** RegistrationResponseJSON of WebAuthn L3 §5.1. */
export interface RegistrationCredential extends Envelope {
  response: {
    clientDataJSON: string;
    attestationObject: string;
    authenticatorData?: string;
    transports?: string[];
    publicKeyAlgorithm?: number;
    publicKey?: string | null;
  };
}

/** AuthenticationResponseJSON of WebAuthn L3 §5.1. */
export interface AssertionCredential extends Envelope {
  response: {
    clientDataJSON: string;
    authenticatorData: string;
    signature: string;
    userHandle?: string | null;
  };
}

export interface NewCredential {
  id: string;
  publicKey: Buffer;
  algorithm: Algorithm;
  signCount: bigint;
  aaguid: string;
  transports: string[];
  backupEligible: boolean;
  backedUp: boolean;
  attestationObject: Buffer;
  registrationClientData: Buffer;
}

export interface KnownCredential {
  id: string;
  publicKey: Uint8Array;
  backupEligible: boolean;
}

export interface VerifiedAssertion extends AuthenticatorFacts {
  authenticatorData: Buffer;
  clientDataJSON: Buffer;
  signature: Buffer;
}

/**
 * We ask for no attestation, and then clients send none, or the key's own. Formats with a certificate chain are not
 * taken: nobody here would trust the chain, and checking some of them fetches addresses that the sender chose.
 */
function checkAttestationFormat(attestationObject: Buffer): Buffer {
  const decoded = decodeAttestationObject(new Uint8Array(attestationObject));
  const format = decoded.get('fmt');
  const ownKey = format === 'packed' && decoded.get('attStmt').get('x5c') === undefined;
  if (format !== 'none' && !ownKey) throw refused('The passkey sent an attestation that was not asked for.');
  return Buffer.from(decoded.get('authData'));
}

function checkEnvelope(credential: Envelope): void {
  if (fromBase64url(credential.id, 'The credential id').byteLength > 1023) throw refused('The credential id is too long.');
  if (credential.id !== credential.rawId) throw refused('The credential id stands there twice and differs.');
}

/** The library throws bare errors; whatever it stumbles over came from outside and is a refusal. */
async function asRefusal<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw refused('The answer of the passkey does not verify.', error);
  }
}

/**
 * Verifies a new passkey: user verification required, exact origin, no frames.
 *
 * @throws Refusal `assertion_invalid` or `user_verification_missing`
 */
export async function verifyRegistration(
  credential: RegistrationCredential, challenge: Uint8Array, relyingParty: RelyingParty,
): Promise<NewCredential> {
  return await asRefusal(async () => {
    checkEnvelope(credential);
    const { clientDataJSON, attestationObject, transports = [] } = credential.response;
    const clientData = fromBase64url(clientDataJSON, 'clientDataJSON');
    const attestation = fromBase64url(attestationObject, 'attestationObject');
    checkClientData(clientData, { type: 'webauthn.create', challenge, origin: relyingParty.origin });
    const facts = checkAuthenticatorData(checkAttestationFormat(attestation), relyingParty.id);
    const answer = await verifyRegistrationResponse({
      response: credential as RegistrationResponseJSON,
      expectedChallenge: Buffer.from(challenge).toString('base64url'),
      expectedOrigin: relyingParty.origin,
      expectedRPID: relyingParty.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: [...ALGORITHMS],
    });
    if (!answer.verified) throw refused('The attestation of the passkey does not verify.');
    const { credential: made, aaguid } = answer.registrationInfo;
    if (made.id !== credential.id) throw refused('The passkey made another credential than it says.');
    return {
      id: made.id,
      publicKey: Buffer.from(made.publicKey),
      algorithm: coseAlgorithm(made.publicKey),
      signCount: BigInt(facts.counter),
      aaguid,
      transports,
      backupEligible: facts.backupEligible,
      backedUp: facts.backedUp,
      attestationObject: attestation,
      registrationClientData: clientData,
    };
  });
}

/**
 * Verifies an answer to a challenge with the key that was stored at registration. The counter is the caller's business
 * (`counterAccepted`): the library would refuse synced passkeys for it.
 *
 * @throws Refusal `assertion_invalid` or `user_verification_missing`
 */
export async function verifyAssertion(
  assertion: AssertionCredential, challenge: Uint8Array, known: KnownCredential, relyingParty: RelyingParty,
): Promise<VerifiedAssertion> {
  return await asRefusal(async () => {
    checkEnvelope(assertion);
    const authenticatorData = fromBase64url(assertion.response.authenticatorData, 'authenticatorData');
    const clientDataJSON = fromBase64url(assertion.response.clientDataJSON, 'clientDataJSON');
    const signature = fromBase64url(assertion.response.signature, 'signature');
    checkClientData(clientDataJSON, { type: 'webauthn.get', challenge, origin: relyingParty.origin });
    const facts = checkAuthenticatorData(authenticatorData, relyingParty.id);
    if (facts.backupEligible !== known.backupEligible) throw refused('The passkey changed from synced to bound, or back.');
    const { verified } = await verifyAuthenticationResponse({
      response: assertion as AuthenticationResponseJSON,
      expectedChallenge: Buffer.from(challenge).toString('base64url'),
      expectedOrigin: relyingParty.origin,
      expectedRPID: relyingParty.id,
      requireUserVerification: true,
      credential: { id: known.id, publicKey: new Uint8Array(known.publicKey), counter: 0 },
    });
    // The second opinion is the one that will verify the record in ten years: it must agree today.
    const agreed = verified && signatureFits(known.publicKey, { authenticatorData, clientDataJSON, signature });
    if (!agreed) throw refused('The signature of the passkey does not verify.');
    return { ...facts, authenticatorData, clientDataJSON, signature };
  });
}
