import { canonicalJson } from '../kernel/canonical-json.ts';
import { isCountry } from '../kernel/countries.ts';
import { sha256 } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Role } from '../kernel/request.ts';

export const LOCALES = ['zh-CN', 'en'] as const;
/** BCP 47: a language in which we show people what they sign. */
export type Locale = (typeof LOCALES)[number];

/** Every kind of document that people sign here. Each has its JSON Schema in contracts/rights and a row in `signed_document_type`. */
export const DOCUMENT_TYPES = [
  'refusal', 'refusal_withdrawal', 'vouch', 'representation', 'notice', 'counter_notice',
  'ownership_claim', 'grant', 'amendment', 'revocation', 'split', 'version_approval', 'stop_order', 'delegation',
  'succession', 'death_report', 'life_declaration', 'licence', 'advance', 'derivative',
] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Long enough to find one's key, too short to be worth stealing. */
export const CHALLENGE_MS = 5 * MINUTE_MS;
export const SESSION_MS = 30 * DAY_MS;
export const INVITATION_MS = 14 * DAY_MS;
/** A dead challenge is kept this long, so that a late answer is told what went wrong. */
export const CHALLENGE_KEPT_MS = DAY_MS;

/** Who may be where: the passkeys' scope, and the one origin on which they may be used. */
export interface RelyingParty {
  id: string;
  name: string;
  origin: string;
}

export interface Account {
  accountId: string;
  displayName: string;
  /** ISO 3166-1 alpha-2, as the person declared it. */
  country: string | null;
  locale: Locale;
  roles: readonly Role[];
  createdAt: Date;
}

/** What the signed challenge binds beside the document: who, with which key, where, what was shown, and when. */
export interface SigningContext {
  account: string;
  credentialId: string;
  documentType: DocumentType;
  origin: string;
  renderedTextSha256: string;
  locale: Locale;
  issuedAt: string;
  expiresAt: string;
}

const SIGNATURE_LABEL = 'benren/consent-signature/v1';

/**
 * What a passkey signs in place of the document:
 * SHA-256(label ‖ 0x00 ‖ SHA-256(document) ‖ nonce ‖ SHA-256(JCS(context))). The nonce makes it unpredictable, as WebAuthn
 * wants of a challenge; the two digests bind it to one document shown in one way to one person.
 *
 * @param canonical the document in RFC 8785 form
 * @param nonce 32 random bytes
 */
export function signingChallenge(canonical: string, nonce: Uint8Array, context: SigningContext): Buffer {
  if (nonce.byteLength !== 32) throw new RangeError('the nonce of a signature has 32 bytes');
  return sha256(SIGNATURE_LABEL, Uint8Array.of(0), sha256(canonical), nonce, sha256(canonicalJson(context)));
}

/** Controls, directions and separators, and the letters and marks that fonts draw as nothing. Variation selectors belong to names. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0]/u;
const SEEN = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** A name as it will be shown and signed: NFC, nothing invisible, 1 to 80 characters. */
export function cleanName(text: string): string {
  const name = text.normalize('NFC').trim();
  const { length } = Array.from(name);
  if (length < 1 || length > 80 || !name.isWellFormed() || INVISIBLE.test(name) || !SEEN.test(name)) {
    throw new Refusal('request_invalid', 'A name has 1 to 80 characters and no invisible ones.');
  }
  return name;
}

/** A declared country, from the closed list. */
export function knownCountry(code: string): string {
  if (!isCountry(code)) throw new Refusal('country_unknown', 'A country is two capital letters of ISO 3166-1.');
  return code;
}

/** Who may invite whom: anybody a payee to a split; reviewers and operators come from operators only. */
export function mayInvite(inviter: readonly Role[], invited: Role): boolean {
  return invited === 'payee' || inviter.includes('operator');
}

/** Single use and a short life are checked here for every challenge, whatever it was issued for. */
export function usableChallenge<T extends { usedAt: Date | null; expiresAt: Date }>(challenge: T, now: Date): T {
  if (challenge.usedAt !== null) throw new Refusal('challenge_used', 'This challenge was answered already; ask for a new one.');
  if (now >= challenge.expiresAt) throw new Refusal('challenge_expired', 'This challenge is too old; ask for a new one.');
  return challenge;
}

/**
 * A signature counter that did not grow hints at a copied key. Synced passkeys live on several devices and send 0 or
 * numbers that do not agree, so for them it says nothing; for a key that cannot leave its device it is refused.
 */
export function counterAccepted(stored: bigint, sent: number, backupEligible: boolean): boolean {
  if (stored === 0n && sent === 0) return true;
  return backupEligible || BigInt(sent) > stored;
}
