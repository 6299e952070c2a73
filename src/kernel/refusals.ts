/**
 * Everything the service says no with. One closed list: a code is a promise to callers (contracts/api names
 * them), so a new one is added here and in `http/problems.ts` or nothing compiles. No HTTP word in here.
 */
export const REFUSAL_CODES = [
  // requests
  'json_malformed', 'request_invalid', 'request_too_large', 'media_type_unsupported', 'method_not_allowed', 'not_found', 'rate_limited',
  'idempotency_key_missing', 'idempotency_key_invalid', 'idempotency_key_reused', 'idempotency_in_progress',
  // money
  'money_malformed', 'money_out_of_range', 'ledger_unbalanced', 'ledger_insufficient_funds', 'ledger_account_closed',
  'ledger_key_reused', 'ledger_transfer_invalid', 'ledger_reversal_too_large',
  'ledger_capture_too_large', 'ledger_period_closed', 'ledger_period_open', 'ledger_account_barred', 'adjustment_state', 'settlement_differs',
  // identity
  'session_missing', 'session_invalid', 'role_missing', 'challenge_unknown', 'challenge_expired', 'challenge_used',
  'assertion_invalid', 'user_verification_missing', 'credential_unknown', 'credential_exists', 'invitation_invalid',
  'document_invalid', 'signature_mismatch', 'country_unknown',
  // ownership
  'proof_state', 'proof_incomplete', 'evidence_state', 'evidence_not_accepted', 'url_refused', 'url_unreachable', 'token_absent',
  'review_self', 'review_repeated', 'review_claimed', 'review_unclaimed', 'vouch_refused', 'paper_unreadable', 'evidence_changed', 'identity_unverified', 'identity_differs', 'video_refused', 'recording_invalid', 'recording_too_short',
  // notices
  'notice_state', 'notice_deadline', 'notice_target_unknown', 'notice_unseen',
  // the registry of refusal
  'refusal_state', 'refusal_clone_exists', 'refusal_in_force', 'enrolment_held', 'enrolment_hold_state', 'review_party',
  // clones
  'ownership_unproven', 'persona_too_short', 'material_missing', 'version_state', 'lineage_changed', 'handle_taken',
  // consent
  'grant_state', 'grant_term_invalid', 'grant_document_mismatch', 'grant_missing', 'amendment_widens', 'denied',
  'delegation_invalid', 'delegation_state', 'delegation_verb', 'delegation_limit', 'delegation_never', 'account_unknown',
  'succession_invalid', 'succession_state', 'estate_frozen', 'estate_limit',
  'licence_outside_grant', 'licence_state', 'licence_conflict', 'amendment_state',
  // billing
  'tier_outside_grant', 'tier_exists', 'tier_unknown', 'subscription_exists', 'subscription_state', 'quota_exhausted', 'capability_not_in_tier', 'payment_failed', 'payment_disputed',
  'pack_unknown', 'coins_insufficient', 'coins_not_returnable', 'debt_open',
  'webhook_signature_invalid', 'refund_too_large', 'refund_bearers_differ', 'hold_state',
  // royalties
  'split_invalid', 'split_unsigned', 'split_missing', 'payee_unknown', 'payee_not_onboarded', 'statement_open', 'statement_closed',
  'statement_line_unknown',
  'payout_state', 'payout_below_minimum', 'run_range', 'advance_invalid', 'advance_state', 'derivative_invalid', 'derivative_state',
  // gateway and stop
  'output_state', 'output_withdrawn', 'stopped', 'gate_changed', 'render_failed', 'text_unspeakable', 'stop_state', 'quote_stale',
  'file_unreadable', 'range_unsatisfiable', 'overloaded', 'unavailable', 'database_untrusted', 'two_people_needed', 'log_mismatch',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** A no with a reason that the caller may read. What only we may read goes into `cause`. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  /** Further members of the problem document (RFC 9457 §3.2), such as the clauses of a denial. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: RefusalCode, detail: string, options: { extra?: Record<string, unknown>; cause?: unknown } = {}) {
    super(detail, { cause: options.cause });
    this.name = 'Refusal';
    this.code = code;
    this.extra = options.extra ?? {};
  }
}

/** The same answer for an id that does not exist and one that is somebody else's. */
export function notFound(): Refusal {
  return new Refusal('not_found', 'There is nothing here under this id, or it is not yours to see.');
}
