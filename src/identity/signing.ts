import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { IdentityDeps } from './deps.ts';
import { evidenceDigest, type SignatureEvidence } from './evidence.ts';
import {
  CHALLENGE_MS, type DocumentType, type Locale, signingChallenge, type SigningContext, usableChallenge,
} from './model.ts';
import { requestOptions, type RequestOptions } from './options.ts';
import { acceptAssertion, recordUse, unknownChallenge } from './people.ts';
import { renderDocument } from './render.ts';
import * as challenges from './store-challenges.ts';
import * as store from './store.ts';
import { type AssertionCredential, VERIFYING_SOFTWARE } from './verification.ts';

/** The `signature` member of every operation that takes a signed document. */
export interface SignatureInput {
  challengeId: string;
  credential: AssertionCredential;
}

export interface SignedDocument {
  id: string;
  documentType: DocumentType;
  document: JsonObject;
  /** RFC 8785, the exact text that was signed. */
  canonical: string;
  /** SHA-256 of `canonical`, hex. */
  digest: string;
  /** The account that signed. */
  signedBy: string;
  credentialId: string;
  signedAt: Date;
  /** SHA-256 of the whole evidence: put it into the log leaf. */
  evidenceSha256: string;
}

export interface SigningChallengeView {
  challengeId: string;
  documentType: DocumentType;
  canonical: string;
  digest: string;
  renderedText: string;
  renderedTextSha256: string;
  nonce: string;
  context: SigningContext;
  expiresAt: string;
  publicKey: RequestOptions;
}

export interface SignedDocumentView {
  signedDocumentId: string;
  documentType: DocumentType;
  document: JsonObject;
  digest: string;
  signedBy: string;
  signedAt: string;
  evidence: SignatureEvidence;
}

function signedDocument(row: Omit<challenges.SignedDocumentRow, 'challenge'>): SignedDocument {
  const { id, documentType, canonical, digest, credentialId, signedAt, evidenceSha256 } = row;
  const document = JSON.parse(canonical) as JsonObject;
  return { id, documentType, document, canonical, digest, signedBy: row.accountId, credentialId, signedAt, evidenceSha256 };
}

type Unsealed = Omit<SignatureEvidence, 'evidenceSha256'>;

function evidenceOf(
  row: Omit<challenges.SignedDocumentRow, 'evidenceSha256'>, credential: store.CredentialRow,
): Unsealed {
  const text = (bytes: Buffer): string => bytes.toString('base64url');
  return {
    type: 'benren.signature_evidence',
    schemaVersion: 1,
    signedDocumentId: row.id,
    canonical: row.canonical,
    documentSha256: row.digest,
    renderedText: row.renderedText,
    context: JSON.parse(row.context) as SigningContext,
    nonce: text(row.nonce),
    challenge: text(row.challenge),
    assertion: {
      authenticatorData: text(row.authenticatorData), clientDataJSON: text(row.clientDataJSON), signature: text(row.signature),
    },
    credential: {
      credentialId: credential.id,
      publicKey: text(credential.publicKey),
      algorithm: credential.algorithm,
      aaguid: credential.aaguid,
      transports: credential.transports,
      attestationObject: text(credential.attestationObject),
      registrationClientDataJSON: text(credential.registrationClientData),
      registeredAt: credential.createdAt.toISOString(),
    },
    relyingParty: { id: row.rpId, origins: [row.origin] },
    signedAt: row.signedAt.toISOString(),
    software: row.software,
  };
}

/** The challenges that people sign documents with. */
export function makeSigningChallenges(deps: IdentityDeps) {
  const { runTx, clock, ids, random, relyingParty, documents } = deps;

  /** The key is chosen now, since it stands in the signed context: the one asked for, or the newest. */
  async function chooseCredential(tx: Tx, actor: Actor, credentialId: string | undefined): Promise<store.CredentialRow> {
    const own = await store.credentialsOf(tx, actor.accountId);
    const chosen = credentialId === undefined ? own[0] : own.find((row) => row.id === credentialId);
    if (chosen === undefined) throw new Refusal('credential_unknown', 'This is not a passkey of your account.');
    return chosen;
  }

  return {
    /** @throws Refusal `document_invalid`, `json_malformed`, `credential_unknown` */
    async createSigningChallenge(actor: Actor, key: IdempotencyKey, input: {
      documentType: DocumentType; document: unknown; locale: Locale; credentialId?: string;
    }): Promise<SigningChallengeView> {
      const { documentType, locale } = input;
      const document = documents.validate(documentType, input.document);
      const canonical = canonicalJson(document);
      const renderedText = renderDocument(documentType, document, locale);
      return await runTx(async (tx) => await once(tx, key, async () => {
        const credential = await chooseCredential(tx, actor, input.credentialId);
        const issuedAt = clock.now();
        const expiresAt = new Date(issuedAt.getTime() + CHALLENGE_MS);
        const context: SigningContext = {
          account: actor.accountId, credentialId: credential.id, documentType, origin: relyingParty.origin,
          renderedTextSha256: sha256Hex(renderedText), locale, issuedAt: issuedAt.toISOString(), expiresAt: expiresAt.toISOString(),
        };
        const nonce = Buffer.from(random.bytes(32));
        const challenge = signingChallenge(canonical, nonce, context);
        const id = ids.next('challenge');
        await challenges.insertChallenge(tx, { id, purpose: 'signing', challenge, accountId: actor.accountId, issuedAt, expiresAt });
        await challenges.insertSigningRequest(tx, id, {
          accountId: actor.accountId, credentialId: credential.id, documentType, canonical, nonce,
          context: canonicalJson(context), renderedText,
        });
        return {
          challengeId: id, documentType, canonical, digest: sha256Hex(canonical), renderedText,
          renderedTextSha256: context.renderedTextSha256, nonce: nonce.toString('base64url'), context,
          expiresAt: context.expiresAt, publicKey: requestOptions({ relyingParty, challenge, credentials: [credential] }),
        };
      }));
    },
  };
}

/** Signed documents: made in another room's transaction, kept here, never changed. */
export function makeSignatures(deps: IdentityDeps) {
  const { runTx, clock, ids, relyingParty } = deps;

  /** The passkey named in the context, and no other: neither a second one of the signer nor anybody else's. */
  function credentialFor(request: challenges.SigningRequestRow, known: store.CredentialRow | null): store.CredentialRow {
    if (known?.accountId !== request.accountId) throw new Refusal('credential_unknown', 'This is not a passkey of your account.');
    if (known.id !== request.credentialId) {
      throw new Refusal('signature_mismatch', 'The challenge was made for another of your passkeys.');
    }
    return known;
  }

  async function loadEvidence(tx: Tx, row: challenges.SignedDocumentRow): Promise<SignatureEvidence> {
    const credential = await store.findCredential(tx, row.credentialId);
    if (credential === null) throw new Error(`The key of ${row.id} is gone.`);
    return { ...evidenceOf(row, credential), evidenceSha256: row.evidenceSha256 };
  }

  return {
    /**
     * Turns an answered challenge into a signed document, in the caller's transaction: the fact that it proves and the
     * proof are committed together. The caller then compares `document` with what it expects.
     *
     * @throws Refusal `challenge_unknown|used|expired`, `credential_unknown`, `signature_mismatch`, `assertion_invalid`,
     * `user_verification_missing`; nothing is written then
     */
    async completeSignature(
      tx: Tx, actor: Actor, input: SignatureInput, expected: { documentType: DocumentType },
    ): Promise<SignedDocument> {
      const signedAt = clock.now();
      const [challenge, request, known] = await Promise.all([
        challenges.lockChallenge(tx, input.challengeId, 'signing'), challenges.findSigningRequest(tx, input.challengeId),
        store.lockCredential(tx, input.credential.id),
      ]);
      if (challenge?.accountId !== actor.accountId || request === null) throw unknownChallenge();
      usableChallenge(challenge, signedAt);
      if (request.documentType !== expected.documentType) {
        throw new Refusal('signature_mismatch', `This challenge is for another kind of document than ${expected.documentType}.`);
      }
      const credential = credentialFor(request, known);
      const verified = await acceptAssertion(deps, credential, input.credential, challenge.challenge);
      const { authenticatorData, clientDataJSON, signature } = verified;
      const row = {
        ...request, id: ids.next('signedDocument'), digest: sha256Hex(request.canonical), challenge: challenge.challenge,
        authenticatorData, clientDataJSON, signature, rpId: relyingParty.id, origin: relyingParty.origin,
        issuedAt: challenge.issuedAt, expiresAt: challenge.expiresAt, signedAt,
        software: [VERIFYING_SOFTWARE, `node@${process.versions.node}`],
      };
      const sealed = { ...row, evidenceSha256: evidenceDigest(evidenceOf(row, credential)) };
      await Promise.all([recordUse(tx, credential, verified, { challengeId: challenge.id, at: signedAt }), challenges.insertSignedDocument(tx, sealed)]);
      return signedDocument(sealed);
    },

    async signedDocument(tx: Tx, id: string): Promise<SignedDocument | null> {
      const row = await challenges.findSignedDocument(tx, id);
      return row === null ? null : signedDocument(row);
    },

    /** @throws Refusal `not_found` */
    async signatureEvidence(tx: Tx, id: string): Promise<SignatureEvidence> {
      const row = await challenges.findSignedDocument(tx, id);
      if (row === null) throw notFound();
      return await loadEvidence(tx, row);
    },

    /** @throws Refusal `not_found`, also for what somebody else signed: operators alone may see that */
    async getSignedDocument(actor: Actor, id: string): Promise<SignedDocumentView> {
      return await runTx(async (tx) => {
        const row = await challenges.findSignedDocument(tx, id);
        if (row === null || (row.accountId !== actor.accountId && !actor.roles.includes('operator'))) throw notFound();
        const { documentType, document, digest, signedBy, signedAt } = signedDocument(row);
        return {
          signedDocumentId: id, documentType, document, digest, signedBy, signedAt: signedAt.toISOString(),
          evidence: await loadEvidence(tx, row),
        };
      });
    },
  };
}
