import type { RefusalCode } from '../kernel/refusals.ts';
import { Refusal } from '../kernel/refusals.ts';

/** The one place where a refusal becomes HTTP. RFC 9457; `type` is a URN because it names, and locates nothing. */
const TABLE: Record<RefusalCode, readonly [status: number, title: string]> = {
  json_malformed: [400, 'The body cannot be read'],
  request_invalid: [400, 'The request does not match the contract'],
  request_too_large: [413, 'The request is too large'],
  media_type_unsupported: [415, 'This media type is not accepted here'],
  method_not_allowed: [405, 'This method is not offered here'],
  not_found: [404, 'Nothing here'],
  rate_limited: [429, 'Too many requests'],
  idempotency_key_missing: [400, 'An idempotency key is missing'],
  idempotency_key_invalid: [400, 'The idempotency key is malformed'],
  idempotency_key_reused: [409, 'The idempotency key stands for another request'],
  idempotency_in_progress: [409, 'The same request is still running'],
  money_malformed: [400, 'The amount is malformed'],
  money_out_of_range: [400, 'The amount is out of range'],
  ledger_unbalanced: [409, 'The transfer does not balance'],
  ledger_insufficient_funds: [409, 'Not enough funds'],
  ledger_account_closed: [409, 'The account is closed'],
  ledger_key_reused: [409, 'The transfer key stands for another transfer'],
  ledger_transfer_invalid: [400, 'The transfer is not valid'],
  ledger_reversal_too_large: [409, 'The reversal is larger than what is left'],
  ledger_capture_too_large: [409, 'The capture is larger than its hold'],
  ledger_period_closed: [409, 'The period is closed'],
  ledger_period_open: [409, 'The period is not over'],
  ledger_account_barred: [422, 'This account is not adjusted by hand'],
  adjustment_state: [409, 'The adjusting entry does not allow this now'],
  settlement_differs: [409, 'It was said to be paid otherwise'],
  session_missing: [401, 'Not signed in'],
  session_invalid: [401, 'The session has ended'],
  role_missing: [403, 'A role is missing'],
  challenge_unknown: [400, 'The challenge is unknown'],
  challenge_expired: [400, 'The challenge has expired'],
  challenge_used: [409, 'The challenge was already used'],
  assertion_invalid: [400, 'The passkey’s answer is not valid'],
  user_verification_missing: [400, 'The passkey did not verify its user'],
  credential_unknown: [400, 'The passkey is unknown'],
  credential_exists: [409, 'The passkey is already registered'],
  invitation_invalid: [403, 'The invitation is not valid'],
  document_invalid: [422, 'The document is not valid'],
  signature_mismatch: [422, 'The signature is over something else'],
  country_unknown: [422, 'The country is unknown'],
  proof_state: [409, 'The ownership proof does not allow this now'],
  proof_incomplete: [409, 'The ownership proof lacks evidence'],
  evidence_state: [409, 'The evidence does not allow this now'],
  evidence_not_accepted: [422, 'This evidence is not accepted here'],
  url_refused: [422, 'The address is refused'],
  url_unreachable: [422, 'The address could not be read'],
  token_absent: [422, 'The token was not found'],
  review_self: [403, 'Nobody reviews their own proof'],
  review_repeated: [409, 'This reviewer has already decided'],
  vouch_refused: [409, 'This word does not count'],
  paper_unreadable: [422, 'The paper cannot be read'],
  identity_unverified: [422, 'The identity is not verified'],
  identity_differs: [422, 'The identity is another person\'s'],
  video_refused: [422, 'The video is refused'],
  review_claimed: [409, 'Another reviewer has taken up this case'],
  review_unclaimed: [409, 'The case is not taken up'],
  evidence_changed: [409, 'The evidence is not the one that was seen'],
  recording_invalid: [422, 'The recording cannot be read'],
  recording_too_short: [422, 'The recording holds too little speech'],
  notice_state: [409, 'The notice does not allow this now'],
  notice_deadline: [409, 'The time for this has passed'],
  notice_target_unknown: [422, 'What the notice names is unknown'],
  notice_unseen: [404, 'No notice that you may see'],
  refusal_state: [409, 'The refusal does not allow this now'],
  refusal_clone_exists: [409, 'There is a clone already'],
  refusal_in_force: [409, 'A refusal is in force'],
  enrolment_held: [409, 'The enrolment is held'],
  enrolment_hold_state: [409, 'The held enrolment does not allow this now'],
  review_party: [403, 'A party does not decide its own case'],
  ownership_unproven: [409, 'The ownership is not proven'],
  persona_too_short: [422, 'The persona is too short'],
  material_missing: [409, 'Enrolment material is missing'],
  version_state: [409, 'The version does not allow this now'],
  lineage_changed: [409, 'The models have changed'],
  handle_taken: [409, 'The handle is taken'],
  grant_state: [409, 'The grant does not allow this now'],
  grant_term_invalid: [422, 'The term of the grant is not valid'],
  grant_document_mismatch: [422, 'The signed grant differs from its draft'],
  grant_missing: [409, 'There is no grant in force'],
  amendment_widens: [409, 'The amendment widens the grant'],
  denied: [403, 'Denied by the owner’s terms'],
  delegation_invalid: [422, 'The delegation is not valid'],
  delegation_state: [409, 'The delegation does not allow this now'],
  delegation_verb: [403, 'The delegation does not name this act'],
  delegation_limit: [403, 'The delegation’s limit is reached'],
  delegation_never: [403, 'This is never delegated'],
  account_unknown: [422, 'The account is unknown'],
  succession_invalid: [422, 'The succession is not valid'],
  succession_state: [409, 'The succession does not allow this now'],
  estate_frozen: [409, 'A death was reported'],
  estate_limit: [403, 'This is not an heir’s to do'],
  licence_outside_grant: [422, 'The licence lies outside the grant'],
  licence_state: [409, 'The licence does not allow this now'],
  licence_conflict: [409, 'The licence conflicts with another'],
  amendment_state: [409, 'The amendment does not allow this now'],
  tier_outside_grant: [422, 'The tier lies outside the grant'],
  tier_exists: [409, 'The clone has a tier of this name already'],
  tier_unknown: [409, 'The tier is not on offer'],
  subscription_exists: [409, 'There is a subscription already'],
  subscription_state: [409, 'The subscription does not allow this now'],
  quota_exhausted: [403, 'The quota is used up'],
  pack_unknown: [422, 'There is no such pack of coins'],
  coins_insufficient: [402, 'There are not enough coins'],
  debt_open: [409, 'Something is owed first'],
  coins_not_returnable: [409, 'These coins cannot be returned'],
  capability_not_in_tier: [403, 'The tier does not include this'],
  payment_failed: [402, 'The payment failed'],
  payment_disputed: [409, 'The payment is disputed'],
  webhook_signature_invalid: [400, 'The webhook’s signature is not valid'],
  refund_too_large: [422, 'The refund is too large'],
  refund_bearers_differ: [422, 'The days name different bearers of the fee'],
  hold_state: [409, 'The hold has already ended'],
  split_invalid: [422, 'The split is not valid'],
  split_unsigned: [409, 'The split lacks signatures'],
  split_missing: [409, 'There is no split in force'],
  payee_unknown: [422, 'The payee is unknown'],
  payee_not_onboarded: [409, 'The payee has not finished onboarding'],
  statement_open: [409, 'The statement’s period is still open'],
  statement_closed: [409, 'The statement’s period is closed already'],
  statement_line_unknown: [409, 'A posting has no line on a statement'],
  payout_state: [409, 'The payout does not allow this now'],
  payout_below_minimum: [409, 'The balance is below the minimum payout'],
  advance_invalid: [422, 'The advance is not valid'],
  advance_state: [409, 'The advance does not allow this now'],
  derivative_invalid: [422, 'The derivative term is not valid'],
  derivative_state: [409, 'The derivative term does not allow this now'],
  run_range: [422, 'The range of the run is not valid'],
  output_state: [409, 'The output does not allow this now'],
  output_withdrawn: [410, 'The output was withdrawn'],
  stopped: [403, 'The clone is stopped'],
  gate_changed: [409, 'A gate changed meanwhile'],
  render_failed: [500, 'The rendering failed'],
  text_unspeakable: [422, 'The text cannot be spoken'],
  stop_state: [409, 'The stop does not allow this now'],
  quote_stale: [409, 'The quote is out of date'],
  file_unreadable: [422, 'The file cannot be read'],
  range_unsatisfiable: [416, 'The range cannot be had'],
  overloaded: [429, 'Too much at once'],
  unavailable: [503, 'Not available just now'],
  two_people_needed: [403, 'Two people are needed'],
  log_mismatch: [409, 'The log does not hold this checkpoint'],
  database_untrusted: [503, 'The database is not the one that was known'],
};

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  [member: string]: unknown;
}

/**
 * The problem document of a refusal. It holds nothing that differs between an unknown id and a foreign one: the
 * request's id travels in a header.
 */
export function problemOf(refusal: Refusal): Problem {
  const [status, title] = TABLE[refusal.code];
  return { ...refusal.extra, type: `urn:benren:problem:${refusal.code}`, title, status, code: refusal.code, detail: refusal.message };
}

/** What the caller learns of an error that is ours: nothing but that it is. */
export const INTERNAL_PROBLEM: Problem = {
  type: 'urn:benren:problem:internal',
  title: 'An error of ours',
  status: 500,
  code: 'internal',
  detail: 'This is not your mistake. The request was logged under the id in X-Request-Id; nothing was kept of it.',
};

const DATABASE_GONE = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', '57P01', '57P02', '57P03', '53300', '08000', '08003', '08006', '3D000',
]);

function codesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const driver = 'driverError' in error ? codesOf(error.driverError) : [];
  const causes = 'errors' in error && Array.isArray(error.errors) ? error.errors.flatMap((inner) => codesOf(inner)) : [];
  return [...own, ...driver, ...causes];
}

function typeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : '';
}

/** Recognises what Express and the body reader throw, and a database that is away; `null` is an error of ours. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof URIError) return new Refusal('request_invalid', 'The path holds a malformed escape.');
  switch (typeOf(error)) {
    case 'entity.too.large':
      return new Refusal('request_too_large', 'The body is larger than this operation takes; its limit is in the contract.');
    case 'request.aborted':
    case 'request.size.invalid':
      return new Refusal('request_invalid', 'The body did not arrive in the announced length.');
    case 'encoding.unsupported':
      return new Refusal('media_type_unsupported', 'Send the body without Content-Encoding.');
    default:
  }
  // The driver gives no code when a connection dies under a query or cannot be had in time.
  const dropped = error instanceof Error && /^Connection terminated|^timeout exceeded when trying to connect/.test(error.message);
  if (dropped || codesOf(error).some((code) => DATABASE_GONE.has(code))) {
    return new Refusal('unavailable', 'The database does not answer; nothing was changed. Try again shortly.', { cause: error });
  }
  return null;
}
