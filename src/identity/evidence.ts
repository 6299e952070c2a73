import { decodeAttestationObject, convertAAGUIDToString, parseAuthenticatorData } from '@simplewebauthn/server/helpers';

import { canonicalJson, type JsonObject, parseStrictJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import {
  type Algorithm, checkAuthenticatorData, checkClientData, coseAlgorithm, fromBase64url, signatureFits,
} from './ceremony.ts';
import { signingChallenge, type SigningContext } from './model.ts';

/**
 * A signature with everything that is needed to verify it without us, without the network and without the person's
 * authenticator, in ten years (contracts/rights/signature-evidence.schema.json).
 *
 * The passkey's signature binds the document, the nonce, the context and through it the rendered text. What an
 * authenticator cannot sign (when the answer arrived, how the key was registered, which software checked it) is bound by
 * `evidenceSha256`, which stands in the transparency log beside the document's digest.
 */
export interface SignatureEvidence {
  type: 'benren.signature_evidence';
  schemaVersion: 1;
  signedDocumentId: string;
  /** The exact text that was signed, RFC 8785; UTF-8. */
  canonical: string;
  documentSha256: string;
  /** What the person was shown. */
  renderedText: string;
  context: SigningContext;
  /** base64url, 32 bytes. */
  nonce: string;
  /** base64url, 32 bytes: `signingChallenge(canonical, nonce, context)`. */
  challenge: string;
  /** base64url, the raw bytes as they came. */
  assertion: { authenticatorData: string; clientDataJSON: string; signature: string };
  credential: {
    credentialId: string;
    /** base64url, COSE_Key. */
    publicKey: string;
    algorithm: Algorithm;
    aaguid: string;
    transports: string[];
    attestationObject: string;
    registrationClientDataJSON: string;
    registeredAt: string;
  };
  relyingParty: { id: string; origins: string[] };
  signedAt: string;
  software: string[];
  /** SHA-256 of this object without this member, RFC 8785, hex. */
  evidenceSha256: string;
}

export interface EvidenceVerdict {
  ok: boolean;
  problems: string[];
}

/** The digest under which the evidence stands in the log. */
export function evidenceDigest(evidence: Omit<SignatureEvidence, 'evidenceSha256'>): string {
  return sha256Hex(canonicalJson(evidence));
}

/** Runs one check; anything that is thrown on the way, by any reader of hostile bytes, is that check's failure. */
function failing(what: string, check: () => boolean): string[] {
  try {
    return check() ? [] : [what];
  } catch (error) {
    return [error instanceof Refusal ? `${what}: ${error.message}` : what];
  }
}

function documentProblems(evidence: SignatureEvidence): string[] {
  const { canonical, context } = evidence;
  return [
    ...failing('the document is not in canonical form', () => canonicalJson(parseStrictJson(canonical)) === canonical),
    ...failing('the document has another digest', () => sha256Hex(canonical) === evidence.documentSha256),
    ...failing('the text that was shown has another digest', () => sha256Hex(evidence.renderedText) === context.renderedTextSha256),
    ...failing('the document is of another type', () => {
      const { type } = parseStrictJson(canonical) as JsonObject;
      return type === `benren.${context.documentType}`;
    }),
  ];
}

function challengeProblems(evidence: SignatureEvidence): string[] {
  const { context } = evidence;
  const signedAt = Date.parse(evidence.signedAt);
  return [
    ...failing('the challenge does not bind this document, nonce and context', () => {
      const nonce = fromBase64url(evidence.nonce, 'nonce');
      return signingChallenge(evidence.canonical, nonce, context).equals(fromBase64url(evidence.challenge, 'challenge'));
    }),
    ...failing('the signature was given too early or too late', () =>
      Date.parse(context.issuedAt) <= signedAt && signedAt < Date.parse(context.expiresAt)),
    ...failing('the context names another key', () => context.credentialId === evidence.credential.credentialId),
    ...failing('the context names another site', () => evidence.relyingParty.origins.includes(context.origin)),
  ];
}

function assertionProblems(evidence: SignatureEvidence): string[] {
  const { credential } = evidence;
  return [
    ...failing('the passkey answered something else', () => {
      const clientData = fromBase64url(evidence.assertion.clientDataJSON, 'clientDataJSON');
      const challenge = fromBase64url(evidence.challenge, 'challenge');
      checkClientData(clientData, { type: 'webauthn.get', challenge, origin: evidence.context.origin });
      return true;
    }),
    ...failing('the authenticator does not vouch for it', () => {
      checkAuthenticatorData(fromBase64url(evidence.assertion.authenticatorData, 'authenticatorData'), evidence.relyingParty.id);
      return true;
    }),
    ...failing('the signature does not verify', () => signatureFits(fromBase64url(credential.publicKey, 'publicKey'), {
      authenticatorData: fromBase64url(evidence.assertion.authenticatorData, 'authenticatorData'),
      clientDataJSON: fromBase64url(evidence.assertion.clientDataJSON, 'clientDataJSON'),
      signature: fromBase64url(evidence.assertion.signature, 'signature'),
    })),
  ];
}

function registrationProblems(evidence: SignatureEvidence): string[] {
  const { credential } = evidence;
  return [
    ...failing('the key was registered otherwise', () => {
      const attestation = decodeAttestationObject(new Uint8Array(fromBase64url(credential.attestationObject, 'attestationObject')));
      const made = parseAuthenticatorData(attestation.get('authData'));
      checkAuthenticatorData(attestation.get('authData'), evidence.relyingParty.id);
      const publicKey = fromBase64url(credential.publicKey, 'publicKey');
      return made.credentialID !== undefined && made.credentialPublicKey !== undefined && made.aaguid !== undefined
        && Buffer.from(made.credentialID).toString('base64url') === credential.credentialId
        && publicKey.equals(made.credentialPublicKey)
        && convertAAGUIDToString(made.aaguid) === credential.aaguid
        && coseAlgorithm(publicKey) === credential.algorithm;
    }),
    ...failing('the registration of the key cannot be read', () => {
      const clientData = fromBase64url(credential.registrationClientDataJSON, 'registrationClientDataJSON');
      checkClientData(clientData, { type: 'webauthn.create', challenge: null, origin: null });
      return true;
    }),
    ...failing('the key was registered after it signed', () => Date.parse(credential.registeredAt) <= Date.parse(evidence.signedAt)),
  ];
}

/**
 * Verifies a signature from its evidence alone: pure, offline, by Node's own cryptography and not by the library that
 * verified it first. Takes whatever it is given; what cannot be read is a problem like any other.
 *
 * What it cannot know: that `evidenceSha256` is the one in the log (compare it), and that the key was this person's
 * (that is the ownership proof).
 */
export function verifySignatureEvidence(evidence: unknown): EvidenceVerdict {
  const given = evidence as SignatureEvidence;
  const problems = [
    ...failing('this is no signature evidence of a known version', () =>
      (given.type as string) === 'benren.signature_evidence' && (given.schemaVersion as number) === 1),
    ...failing('the evidence was changed after it was sealed', () => {
      const { evidenceSha256, ...rest } = given;
      return evidenceDigest(rest) === evidenceSha256;
    }),
    ...failing('the document cannot be read', () => typeof given.canonical === 'string' && typeof given.context === 'object'),
  ];
  if (problems.length === 0) {
    problems.push(...documentProblems(given), ...challengeProblems(given), ...assertionProblems(given), ...registrationProblems(given));
  }
  return { ok: problems.length === 0, problems };
}
