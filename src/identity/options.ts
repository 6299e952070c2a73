import { ALGORITHMS } from './ceremony.ts';
import { CHALLENGE_MS, type RelyingParty } from './model.ts';

/** PublicKeyCredentialCreationOptionsJSON (WebAuthn L3 §5.1), as far as we set it. */
export interface CreationOptions {
  challenge: string;
  rp: { id: string; name: string };
  user: { id: string; name: string; displayName: string };
  pubKeyCredParams: { type: 'public-key'; alg: (typeof ALGORITHMS)[number] }[];
  timeout: number;
  authenticatorSelection: { residentKey: 'required'; requireResidentKey: true; userVerification: 'required' };
  attestation: 'none';
}

/** PublicKeyCredentialRequestOptionsJSON (WebAuthn L3 §5.1), as far as we set it. */
export interface RequestOptions {
  challenge: string;
  rpId: string;
  allowCredentials: { type: 'public-key'; id: string; transports: string[] }[];
  timeout: number;
  userVerification: 'required';
}

/**
 * A discoverable passkey (nobody types a name to sign in) that verifies its user. No attestation: who made the
 * authenticator is not asked, and asking would name the person's device.
 */
export function creationOptions(input: {
  relyingParty: RelyingParty; challenge: Buffer; accountId: string; displayName: string;
}): CreationOptions {
  return {
    challenge: input.challenge.toString('base64url'),
    rp: { id: input.relyingParty.id, name: input.relyingParty.name },
    user: {
      id: Buffer.from(input.accountId).toString('base64url'), name: input.displayName, displayName: input.displayName,
    },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
    timeout: CHALLENGE_MS,
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    attestation: 'none',
  };
}

/** With no credentials named, the passkey's own list of this site is shown to the person. */
export function requestOptions(input: {
  relyingParty: RelyingParty; challenge: Buffer; credentials: { id: string; transports: string[] }[];
}): RequestOptions {
  return {
    challenge: input.challenge.toString('base64url'),
    rpId: input.relyingParty.id,
    allowCredentials: input.credentials.map(({ id, transports }) => ({ type: 'public-key', id, transports })),
    timeout: CHALLENGE_MS,
    userVerification: 'required',
  };
}
