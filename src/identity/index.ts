/**
 * People (docs/promises.md promise 6). What is promised here:
 *
 * - An account is whoever holds its passkey; there are no passwords. User verification is required, always.
 * - A role (operator, reviewer, payee) comes from one invitation, used once by one account. Nobody can choose one, and
 *   the database knows no other way to get one.
 * - A signed document is canonical JSON (RFC 8785) that one person, shown one text, signed with one passkey by answering a
 *   challenge that could be used once, within five minutes. It is never changed, and its evidence verifies offline.
 *
 * `completeSignature` and `account` run in the caller's transaction; everything else opens its own.
 */
import type { IdentityService } from './service.ts';

/** What other rooms and the router may ask of this one. */
export type Identity = Pick<
  IdentityService,
  'authenticate' | 'account' | 'completeSignature' | 'signedDocument' | 'signatureEvidence' | 'operatorInvitation'
>;

export { makeIdentity, type IdentityService } from './service.ts';
export type { IdentityDeps } from './deps.ts';
export { makeIdentityHandlers } from './handlers.ts';
export { makeIdentityTicks } from './jobs.ts';
export { identityEntities } from './store.ts';
export { loadDocuments, makeDocuments, type Documents } from './documents.ts';
export { verifySignatureEvidence, type EvidenceVerdict, type SignatureEvidence } from './evidence.ts';
export { renderDocument } from './render.ts';
export type { SignatureInput, SignedDocument } from './signing.ts';
export type { Account, DocumentType, Locale, RelyingParty } from './model.ts';
