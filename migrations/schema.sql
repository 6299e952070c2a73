-- The schema that the migrations make, printed from the catalogue by `npm run schema`. Never edited.

-- Tables and columns

account.id text NOT NULL
account.display_name text NOT NULL
account.country text
account.locale text NOT NULL
account.created_at timestamp with time zone NOT NULL
account.recorded_at timestamp with time zone NOT NULL DEFAULT now()
account_role.account_id text NOT NULL
account_role.role text NOT NULL
account_role.invitation_id text NOT NULL
account_role.granted_at timestamp with time zone NOT NULL
account_role.recorded_at timestamp with time zone NOT NULL DEFAULT now()
advance.id text NOT NULL
advance.payee text NOT NULL
advance.currency text NOT NULL
advance.amount_minor bigint NOT NULL
advance.base text NOT NULL
advance.rate_basis_points integer NOT NULL
advance.ends_on date
advance.canonical text NOT NULL
advance.digest text NOT NULL
advance.state text NOT NULL DEFAULT 'draft'::text
advance.signed_at timestamp with time zone
advance.record text
advance.leaf_id text
advance.payout_id text
advance.ended_on date
advance.drafted_by text NOT NULL
advance.drafted_at timestamp with time zone NOT NULL
advance.recorded_at timestamp with time zone NOT NULL DEFAULT now()
advance.written_off_minor bigint NOT NULL DEFAULT 0
advance_clone.advance_id text NOT NULL
advance_clone.clone_id text NOT NULL
advance_recoupment.advance_id text NOT NULL
advance_recoupment.run_id text NOT NULL
advance_recoupment.base_minor bigint NOT NULL
advance_recoupment.amount_minor bigint NOT NULL
advance_recoupment.transfer_id text NOT NULL
advance_recoupment.recorded_at timestamp with time zone NOT NULL DEFAULT now()
advance_restoration.advance_id text NOT NULL
advance_restoration.run_id text NOT NULL
advance_restoration.cause_id text NOT NULL
advance_restoration.amount_minor bigint NOT NULL
advance_restoration.transfer_id text NOT NULL
advance_restoration.recorded_at timestamp with time zone NOT NULL DEFAULT now()
advance_signature.advance_id text NOT NULL
advance_signature.signer text NOT NULL
advance_signature.signed_document_id text NOT NULL
advance_signature.signed_at timestamp with time zone NOT NULL
advance_signature.recorded_at timestamp with time zone NOT NULL DEFAULT now()
amendment_offer.grant_id text NOT NULL
amendment_offer.digest text NOT NULL
amendment_offer.account_id text NOT NULL
amendment_offer.signed_document_id text NOT NULL
amendment_offer.signed_at timestamp with time zone NOT NULL
amendment_offer.recorded_at timestamp with time zone NOT NULL DEFAULT now()
amendment_withdrawal.grant_id text NOT NULL
amendment_withdrawal.digest text NOT NULL
amendment_withdrawal.withdrawn_by text NOT NULL
amendment_withdrawal.withdrawn_at timestamp with time zone NOT NULL
amendment_withdrawal.recorded_at timestamp with time zone NOT NULL DEFAULT now()
any_hold.id text
any_hold.output_id text
any_hold.state text
any_hold.release_id text
bank_payout.stripe_payout text NOT NULL
bank_payout.stripe_account text NOT NULL
bank_payout.destination text
bank_payout.currency text NOT NULL
bank_payout.amount_minor bigint NOT NULL
bank_payout.sent_at timestamp with time zone NOT NULL
bank_payout.failure text
bank_payout.seen_at timestamp with time zone NOT NULL
bank_payout.taken_at timestamp with time zone
bank_payout.recorded_at timestamp with time zone NOT NULL DEFAULT now()
bank_take_back.stripe_payout text NOT NULL
bank_take_back.payout_id text NOT NULL
bank_take_back.stripe_transfer text NOT NULL
bank_take_back.amount_minor bigint NOT NULL
bank_take_back.recorded_at timestamp with time zone NOT NULL DEFAULT now()
bank_take_back_try.stripe_payout text NOT NULL
bank_take_back_try.payout_id text NOT NULL
bank_take_back_try.refusals integer NOT NULL DEFAULT 0
bank_take_back_try.done_at timestamp with time zone
billing_customer.account_id text NOT NULL
billing_customer.stripe_customer text NOT NULL
billing_customer.recorded_at timestamp with time zone NOT NULL DEFAULT now()
billing_grace.clone_id text NOT NULL
billing_grace.since timestamp with time zone NOT NULL
billing_grace.recorded_at timestamp with time zone NOT NULL DEFAULT now()
billing_sales_end.stop_id text NOT NULL
billing_sales_end.clone_id text NOT NULL
billing_sales_end.tier_ids text[]
billing_sales_end.at timestamp with time zone NOT NULL
billing_sales_end.recorded_at timestamp with time zone NOT NULL DEFAULT now()
billing_stop.stop_id text NOT NULL
billing_stop.clone_id text NOT NULL
billing_stop.at timestamp with time zone NOT NULL
billing_stop.day date NOT NULL
billing_stop.recorded_at timestamp with time zone NOT NULL DEFAULT now()
billing_stop.tier_ids text[]
billing_stop.final boolean NOT NULL DEFAULT true
billing_stop.reason text NOT NULL DEFAULT 'stop'::text
capability_pause.id bigint NOT NULL
capability_pause.clone_id text NOT NULL
capability_pause.capability text NOT NULL
capability_pause.from_at timestamp with time zone NOT NULL
capability_pause.to_at timestamp with time zone
capability_pause.recorded_at timestamp with time zone NOT NULL DEFAULT now()
capability_stop.stop_id text NOT NULL
capability_stop.clone_id text NOT NULL
capability_stop.capability text NOT NULL
capability_stop.closes_at timestamp with time zone NOT NULL
capability_stop.recorded_at timestamp with time zone NOT NULL DEFAULT now()
challenge.id text NOT NULL
challenge.purpose text NOT NULL
challenge.challenge bytea NOT NULL
challenge.account_id text
challenge.issued_at timestamp with time zone NOT NULL
challenge.expires_at timestamp with time zone NOT NULL
challenge.used_at timestamp with time zone
challenge.recorded_at timestamp with time zone NOT NULL DEFAULT now()
clone.id text NOT NULL
clone.owner_account_id text NOT NULL
clone.ownership_proof_id text NOT NULL
clone.name text NOT NULL
clone.handle text NOT NULL
clone.created_at timestamp with time zone NOT NULL
clone.recorded_at timestamp with time zone NOT NULL DEFAULT now()
clone_material.id text NOT NULL
clone_material.clone_id text NOT NULL
clone_material.kind text NOT NULL
clone_material.number integer NOT NULL
clone_material.digest text NOT NULL
clone_material.details jsonb NOT NULL
clone_material.created_at timestamp with time zone NOT NULL
clone_material.recorded_at timestamp with time zone NOT NULL DEFAULT now()
clone_pause.id bigint NOT NULL
clone_pause.clone_id text NOT NULL
clone_pause.from_at timestamp with time zone NOT NULL
clone_pause.to_at timestamp with time zone
clone_pause.recorded_at timestamp with time zone NOT NULL DEFAULT now()
clone_version.id text NOT NULL
clone_version.clone_id text NOT NULL
clone_version.ownership_proof_id text NOT NULL
clone_version.number integer NOT NULL
clone_version.state text NOT NULL
clone_version.voice_material_id text NOT NULL
clone_version.persona_material_id text NOT NULL
clone_version.material_digest text NOT NULL
clone_version.persona_digest text NOT NULL
clone_version.policy_digest text NOT NULL
clone_version.lineage jsonb NOT NULL
clone_version.languages text[] NOT NULL
clone_version.speaker double precision[] NOT NULL
clone_version.document json NOT NULL
clone_version.document_digest text NOT NULL
clone_version.created_at timestamp with time zone NOT NULL
clone_version.approved_at timestamp with time zone
clone_version.withdrawn_at timestamp with time zone
clone_version.signed_document_id text
clone_version.leaf_id text
clone_version.recorded_at timestamp with time zone NOT NULL DEFAULT now()
clone_version.needed_proof_state text GENERATED ALWAYS AS (
CASE
    WHEN (state = 'approved'::text) THEN 'approved'::text
    ELSE NULL::text
END) STORED
clone_version.suspended_at timestamp with time zone
coin_loss.dispute_id text NOT NULL
coin_loss.spend_id text NOT NULL
coin_loss.lot_id text NOT NULL
coin_loss.coins_lost int8multirange NOT NULL
coin_loss.recorded_at timestamp with time zone NOT NULL DEFAULT now()
coin_lot.id text NOT NULL
coin_lot.account_id text NOT NULL
coin_lot.purchase_id text NOT NULL
coin_lot.stripe_charge text NOT NULL
coin_lot.coins bigint NOT NULL
coin_lot.currency text NOT NULL
coin_lot.net_minor bigint NOT NULL
coin_lot.tax_minor bigint NOT NULL
coin_lot.fee_minor bigint NOT NULL
coin_lot.settled_currency text NOT NULL
coin_lot.settled_net_minor bigint NOT NULL
coin_lot.billing_country text
coin_lot.bought_at timestamp with time zone NOT NULL
coin_lot.state text NOT NULL DEFAULT 'open'::text
coin_lot.free int8multirange NOT NULL
coin_lot.left_coins bigint NOT NULL
coin_lot.left_net_minor bigint NOT NULL
coin_lot.left_tax_minor bigint NOT NULL
coin_lot.left_fee_minor bigint NOT NULL
coin_lot.recorded_at timestamp with time zone NOT NULL DEFAULT now()
coin_purchase.id text NOT NULL
coin_purchase.account_id text NOT NULL
coin_purchase.pack text NOT NULL
coin_purchase.coins bigint NOT NULL
coin_purchase.price_minor bigint NOT NULL
coin_purchase.currency text NOT NULL
coin_purchase.state text NOT NULL DEFAULT 'opening'::text
coin_purchase.checkout_url text
coin_purchase.stripe_session text
coin_purchase.created_at timestamp with time zone NOT NULL
coin_purchase.recorded_at timestamp with time zone NOT NULL DEFAULT now()
coin_restore.spend_id text NOT NULL
coin_restore.lot_id text NOT NULL
coin_restore.refund_id text NOT NULL
coin_restore.coins_given int8multirange NOT NULL
coin_restore.transfer_id text NOT NULL
coin_restore.recorded_at timestamp with time zone NOT NULL DEFAULT now()
coin_return.id text NOT NULL
coin_return.account_id text NOT NULL
coin_return.spend_id text NOT NULL
coin_return.lot_id text NOT NULL
coin_return.stripe_charge text NOT NULL
coin_return.gross_minor bigint NOT NULL
coin_return.state text NOT NULL DEFAULT 'pending'::text
coin_return.stripe_refund text
coin_return.failure text
coin_return.settled_currency text
coin_return.settled_minor bigint
coin_return.requested_at timestamp with time zone NOT NULL
coin_return.settled_at timestamp with time zone
coin_return.recorded_at timestamp with time zone NOT NULL DEFAULT now()
coin_spend.id text NOT NULL
coin_spend.account_id text NOT NULL
coin_spend.purpose text NOT NULL
coin_spend.coins bigint NOT NULL
coin_spend.net_minor bigint NOT NULL
coin_spend.tax_minor bigint NOT NULL
coin_spend.fee_minor bigint NOT NULL
coin_spend.clone_id text
coin_spend.tier_id text
coin_spend.output_id text
coin_spend.state text NOT NULL DEFAULT 'held'::text
coin_spend.captured_for text
coin_spend.void_reason text
coin_spend.held_transfer text NOT NULL
coin_spend.settled_transfer text
coin_spend.held_at timestamp with time zone NOT NULL
coin_spend.settled_at timestamp with time zone
coin_spend.recorded_at timestamp with time zone NOT NULL DEFAULT now()
coin_spend_part.spend_id text NOT NULL
coin_spend_part.lot_id text NOT NULL
coin_spend_part.taken int8multirange NOT NULL
coin_spend_part.given int8multirange NOT NULL DEFAULT '{}'::int8multirange
coin_spend_part.coins bigint NOT NULL
coin_spend_part.net_minor bigint NOT NULL
coin_spend_part.tax_minor bigint NOT NULL
coin_spend_part.fee_minor bigint NOT NULL
coin_spend_part.lost int8multirange NOT NULL DEFAULT '{}'::int8multirange
consent_contract.grant_id text NOT NULL
consent_contract.digest text NOT NULL
consent_contract.sha256 text NOT NULL
consent_contract.bytes bytea NOT NULL
consent_contract.recorded_at timestamp with time zone NOT NULL DEFAULT now()
consent_grant.id text NOT NULL
consent_grant.clone_id text NOT NULL
consent_grant.owner_account_id text NOT NULL
consent_grant.licensee text NOT NULL
consent_grant.state text NOT NULL DEFAULT 'draft'::text
consent_grant.drafted_at timestamp with time zone NOT NULL
consent_grant.recorded_at timestamp with time zone NOT NULL DEFAULT now()
consent_grant_draft.grant_id text NOT NULL
consent_grant_draft.digest text NOT NULL
consent_grant_draft.version integer NOT NULL
consent_grant_draft.supersedes text
consent_grant_draft.canonical text NOT NULL
consent_grant_draft.drafted_at timestamp with time zone NOT NULL
consent_grant_draft.recorded_at timestamp with time zone NOT NULL DEFAULT now()
consent_grant_revocation.grant_id text NOT NULL
consent_grant_revocation.signed_document_id text NOT NULL
consent_grant_revocation.revoked_at timestamp with time zone NOT NULL
consent_grant_revocation.recorded_at timestamp with time zone NOT NULL DEFAULT now()
consent_grant_signature.grant_id text NOT NULL
consent_grant_signature.version integer NOT NULL
consent_grant_signature.previous integer GENERATED ALWAYS AS (
CASE
    WHEN (version = 1) THEN NULL::integer
    ELSE (version - 1)
END) STORED
consent_grant_signature.digest text NOT NULL
consent_grant_signature.signed_document_id text NOT NULL
consent_grant_signature.signed_at timestamp with time zone NOT NULL
consent_grant_signature.recorded_at timestamp with time zone NOT NULL DEFAULT now()
consent_volume_use.subject_id text NOT NULL
consent_volume_use.grant_id text NOT NULL
consent_volume_use.capability text NOT NULL
consent_volume_use.day date NOT NULL
consent_volume_use.milliseconds bigint NOT NULL
consent_volume_use.state text NOT NULL DEFAULT 'taken'::text
consent_volume_use.taken_at timestamp with time zone NOT NULL
consent_volume_use.recorded_at timestamp with time zone NOT NULL DEFAULT now()
consent_volume_use.licence_id text
counter_notice.notice_id text NOT NULL
counter_notice.account_id text NOT NULL
counter_notice.signed_document_id text NOT NULL
counter_notice.statement text NOT NULL
counter_notice.at timestamp with time zone NOT NULL
counter_notice.recorded_at timestamp with time zone NOT NULL DEFAULT now()
credential.id text NOT NULL
credential.account_id text NOT NULL
credential.public_key bytea NOT NULL
credential.algorithm integer NOT NULL
credential.sign_count bigint NOT NULL
credential.aaguid text NOT NULL
credential.transports text[] NOT NULL
credential.backup_eligible boolean NOT NULL
credential.backed_up boolean NOT NULL
credential.attestation_object bytea NOT NULL
credential.registration_client_data bytea NOT NULL
credential.created_at timestamp with time zone NOT NULL
credential.last_used_at timestamp with time zone NOT NULL
credential.recorded_at timestamp with time zone NOT NULL DEFAULT now()
currency.code text NOT NULL
currency.exponent smallint NOT NULL
currency_carried.position bigint NOT NULL
currency_carried.claim text NOT NULL
currency_carried.settled text NOT NULL
currency_carried.claim_minor bigint NOT NULL
currency_carried.worth_minor bigint NOT NULL
currency_carried.recorded_at timestamp with time zone NOT NULL DEFAULT now()
currency_conversion.id text NOT NULL
currency_conversion.payout_id text NOT NULL
currency_conversion.from_currency text NOT NULL
currency_conversion.from_minor bigint NOT NULL
currency_conversion.to_currency text NOT NULL
currency_conversion.to_minor bigint NOT NULL
currency_conversion.rate text NOT NULL
currency_conversion.source text NOT NULL
currency_conversion.quoted_at timestamp with time zone NOT NULL
currency_conversion.recorded_at timestamp with time zone NOT NULL DEFAULT now()
database_confirmation.distrust_id text NOT NULL
database_confirmation.account_id text NOT NULL
database_confirmation.log_size bigint NOT NULL
database_confirmation.log_root_hash text NOT NULL
database_confirmation.at timestamp with time zone NOT NULL
database_confirmation.recorded_at timestamp with time zone NOT NULL DEFAULT now()
database_distrust.id text NOT NULL
database_distrust.what text NOT NULL
database_distrust.remembered text NOT NULL
database_distrust.seen text NOT NULL
database_distrust.reported_by text NOT NULL
database_distrust.recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
database_timeline.system_identifier text NOT NULL
database_timeline.timeline integer NOT NULL
database_timeline.first_seen_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
death_case.id text NOT NULL
death_case.owner_account_id text NOT NULL
death_case.succession_id text NOT NULL
death_case.reported_by text NOT NULL
death_case.signed_document_id text NOT NULL
death_case.state text NOT NULL DEFAULT 'reported'::text
death_case.round integer NOT NULL DEFAULT 0
death_case.waiting_until timestamp with time zone
death_case.reported_at timestamp with time zone NOT NULL
death_case.changed_at timestamp with time zone NOT NULL
death_case.recorded_at timestamp with time zone NOT NULL DEFAULT now()
death_dissent.case_id text NOT NULL
death_dissent.heir text NOT NULL
death_dissent.text text NOT NULL
death_dissent.at timestamp with time zone NOT NULL
death_dissent.recorded_at timestamp with time zone NOT NULL DEFAULT now()
death_end.case_id text NOT NULL
death_end.life_document_id text NOT NULL
death_end.at timestamp with time zone NOT NULL
death_end.recorded_at timestamp with time zone NOT NULL DEFAULT now()
death_paper.id text NOT NULL
death_paper.succession_id text NOT NULL
death_paper.uploaded_by text NOT NULL
death_paper.sha256 text NOT NULL
death_paper.sealed bytea NOT NULL
death_paper.nonce bytea NOT NULL
death_paper.tag bytea NOT NULL
death_paper.uploaded_at timestamp with time zone NOT NULL
death_paper.recorded_at timestamp with time zone NOT NULL DEFAULT now()
death_paper_destruction.paper_id text NOT NULL
death_paper_destruction.at timestamp with time zone NOT NULL
death_paper_destruction.recorded_at timestamp with time zone NOT NULL DEFAULT now()
death_paper_key.paper_id text NOT NULL
death_paper_key.key bytea NOT NULL
death_paper_view.id bigint NOT NULL
death_paper_view.paper_id text NOT NULL
death_paper_view.viewer text NOT NULL
death_paper_view.at timestamp with time zone NOT NULL
death_paper_view.recorded_at timestamp with time zone NOT NULL DEFAULT now()
death_review.case_id text NOT NULL
death_review.round integer NOT NULL
death_review.reviewer text NOT NULL
death_review.verdict text NOT NULL
death_review.reason_code text
death_review.text text NOT NULL
death_review.at timestamp with time zone NOT NULL
death_review.recorded_at timestamp with time zone NOT NULL DEFAULT now()
decision.id text NOT NULL
decision.clone_id text NOT NULL
decision.requester text NOT NULL
decision.allowed boolean NOT NULL
decision.clauses text[] NOT NULL
decision.grant_id text
decision.grant_digest text
decision.version_id text
decision.at timestamp with time zone NOT NULL
decision.receipt json NOT NULL
decision.recorded_at timestamp with time zone NOT NULL DEFAULT now()
delegated_act.id bigint NOT NULL
delegated_act.delegation_id text NOT NULL
delegated_act.verb text NOT NULL
delegated_act.clone_id text NOT NULL
delegated_act.subject_id text NOT NULL
delegated_act.actor text NOT NULL
delegated_act.at timestamp with time zone NOT NULL
delegated_act.recorded_at timestamp with time zone NOT NULL DEFAULT now()
delegation.id text NOT NULL
delegation.owner_account_id text NOT NULL
delegation.agent_account_id text NOT NULL
delegation.canonical text NOT NULL
delegation.digest text NOT NULL
delegation.drafted_at timestamp with time zone NOT NULL
delegation.recorded_at timestamp with time zone NOT NULL DEFAULT now()
delegation_end.delegation_id text NOT NULL
delegation_end.ended_by text NOT NULL
delegation_end.ended_at timestamp with time zone NOT NULL
delegation_end.recorded_at timestamp with time zone NOT NULL DEFAULT now()
delegation_signature.delegation_id text NOT NULL
delegation_signature.account_id text NOT NULL
delegation_signature.signed_document_id text NOT NULL
delegation_signature.signed_at timestamp with time zone NOT NULL
delegation_signature.recorded_at timestamp with time zone NOT NULL DEFAULT now()
derivative_signature.derivative_id text NOT NULL
derivative_signature.signer text NOT NULL
derivative_signature.signed_document_id text NOT NULL
derivative_signature.signed_at timestamp with time zone NOT NULL
derivative_signature.recorded_at timestamp with time zone NOT NULL DEFAULT now()
derivative_term.id text NOT NULL
derivative_term.clone_id text NOT NULL
derivative_term.number integer NOT NULL
derivative_term.derivative_owner_id text NOT NULL
derivative_term.original_clone_id text NOT NULL
derivative_term.original_owner_id text NOT NULL
derivative_term.upstream_basis_points integer NOT NULL
derivative_term.ceiling_basis_points integer NOT NULL
derivative_term.effective_from date NOT NULL
derivative_term.canonical text NOT NULL
derivative_term.digest text NOT NULL
derivative_term.state text NOT NULL DEFAULT 'draft'::text
derivative_term.signed_at timestamp with time zone
derivative_term.record text
derivative_term.leaf_id text
derivative_term.after_split integer
derivative_term.drafted_at timestamp with time zone NOT NULL
derivative_term.recorded_at timestamp with time zone NOT NULL DEFAULT now()
dispute.id text NOT NULL
dispute.stripe_charge text NOT NULL
dispute.account_id text NOT NULL
dispute.lot_id text
dispute.currency text NOT NULL
dispute.amount_minor bigint NOT NULL
dispute.claim_minor bigint NOT NULL
dispute.reason text NOT NULL
dispute.state text NOT NULL DEFAULT 'open'::text
dispute.opened_at timestamp with time zone NOT NULL
dispute.closed_at timestamp with time zone
dispute.recorded_at timestamp with time zone NOT NULL DEFAULT now()
enrolment_hold.id text NOT NULL
enrolment_hold.refusal_id text NOT NULL
enrolment_hold.registrant_id text NOT NULL
enrolment_hold.enroller_id text NOT NULL
enrolment_hold.kind text NOT NULL
enrolment_hold.proof_id text
enrolment_hold.clone_id text
enrolment_hold.material_id text
enrolment_hold.subject_id text NOT NULL GENERATED ALWAYS AS (COALESCE(material_id, clone_id, proof_id)) STORED
enrolment_hold.effect text NOT NULL
enrolment_hold.findings json NOT NULL
enrolment_hold.state text NOT NULL DEFAULT 'open'::text
enrolment_hold.opened_at timestamp with time zone NOT NULL
enrolment_hold.decided_at timestamp with time zone
enrolment_hold.contest text
enrolment_hold.contested_at timestamp with time zone
enrolment_hold.recorded_at timestamp with time zone NOT NULL DEFAULT now()
enrolment_hold_review.hold_id text NOT NULL
enrolment_hold_review.reviewer_id text NOT NULL
enrolment_hold_review.reviewer_role text GENERATED ALWAYS AS ('reviewer'::text) STORED
enrolment_hold_review.verdict text NOT NULL
enrolment_hold_review.reason_code text NOT NULL
enrolment_hold_review.text text NOT NULL
enrolment_hold_review.at timestamp with time zone NOT NULL
enrolment_hold_review.recorded_at timestamp with time zone NOT NULL DEFAULT now()
estate.owner_account_id text NOT NULL
estate.holder_account_id text NOT NULL
estate.case_id text NOT NULL
estate.sunset timestamp with time zone NOT NULL
estate.since timestamp with time zone NOT NULL
estate.recorded_at timestamp with time zone NOT NULL DEFAULT now()
free_quota.clone_id text NOT NULL
free_quota.account_id text NOT NULL
free_quota.tier_id text NOT NULL
free_quota.offer_version integer NOT NULL
free_quota.granted integer
free_quota.held integer NOT NULL DEFAULT 0
free_quota.captured integer NOT NULL DEFAULT 0
free_quota.recorded_at timestamp with time zone NOT NULL DEFAULT now()
gate.id text NOT NULL
gate.kind text NOT NULL
gate.clone_id text
gate.capability text
gate.grant_id text
gate.licence_id text
gate.state text NOT NULL DEFAULT 'open'::text
gate.epoch bigint NOT NULL DEFAULT 1
gate.lock_key bigint NOT NULL GENERATED ALWAYS AS (hashtextextended(id, (6237)::bigint)) STORED
gate.reason text NOT NULL
gate.changed_by text NOT NULL
gate.changed_at timestamp with time zone NOT NULL
gate.recorded_at timestamp with time zone NOT NULL DEFAULT now()
gate_change.gate_id text NOT NULL
gate_change.epoch bigint NOT NULL
gate_change.state text NOT NULL
gate_change.reason text NOT NULL
gate_change.changed_by text NOT NULL
gate_change.changed_at timestamp with time zone NOT NULL
gate_change.recorded_at timestamp with time zone NOT NULL DEFAULT now()
gate_hold.gate_id text NOT NULL
gate_hold.position bigint NOT NULL
gate_hold.holder text NOT NULL
gate_hold.fact text NOT NULL
gate_hold.reason text NOT NULL
gate_hold.by_whom text NOT NULL
gate_hold.at timestamp with time zone NOT NULL
gate_hold.recorded_at timestamp with time zone NOT NULL DEFAULT now()
gate_stop.id text NOT NULL
gate_stop.number bigint NOT NULL
gate_stop.kind text NOT NULL
gate_stop.scope text NOT NULL
gate_stop.clone_id text
gate_stop.gate_id text NOT NULL
gate_stop.epoch bigint NOT NULL
gate_stop.releases bigint NOT NULL
gate_stop.reason text NOT NULL
gate_stop.ordered_by text NOT NULL
gate_stop.ordered_at timestamp with time zone NOT NULL
gate_stop.recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
gate_stop_confirmation.stop_id text NOT NULL
gate_stop_confirmation.gateway_id text NOT NULL
gate_stop_confirmation.streams json NOT NULL
gate_stop_confirmation.bytes bigint NOT NULL
gate_stop_confirmation.recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
gate_stop_open.stop_id text NOT NULL
gateway_lease.id text NOT NULL
gateway_lease.process text NOT NULL
gateway_lease.state text NOT NULL DEFAULT 'serving'::text
gateway_lease.renewals bigint NOT NULL DEFAULT 0
gateway_lease.renewed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
gateway_lease.recorded_at timestamp with time zone NOT NULL DEFAULT now()
goodwill_day.period_id text NOT NULL
goodwill_day.day date NOT NULL
goodwill_day.refund_id text NOT NULL
goodwill_day.failed boolean NOT NULL DEFAULT false
goodwill_leg.refund_id text NOT NULL
goodwill_leg.pot_id text NOT NULL
goodwill_leg.leg smallint NOT NULL
goodwill_leg.payee text NOT NULL
goodwill_leg.amount_minor bigint NOT NULL
goodwill_leg.share_minor bigint
goodwill_payee.refund_id text NOT NULL
goodwill_payee.payee text NOT NULL
goodwill_payee.unpaid_minor bigint NOT NULL
goodwill_payee.debt_minor bigint NOT NULL
goodwill_payee.reserve_minor bigint NOT NULL DEFAULT 0
goodwill_pot.refund_id text NOT NULL
goodwill_pot.pot_id text NOT NULL
goodwill_pot.period_id text NOT NULL
goodwill_pot.amount_minor bigint NOT NULL
goodwill_pot.booked bigint NOT NULL
goodwill_pot.net_minor bigint NOT NULL
goodwill_pot.tax_minor bigint NOT NULL
goodwill_pot.fee_minor bigint NOT NULL
goodwill_pot.base_minor bigint NOT NULL
goodwill_refund.refund_id text NOT NULL
goodwill_refund.clone_id text NOT NULL
goodwill_refund.period_id text NOT NULL
goodwill_refund.state text NOT NULL DEFAULT 'pending'::text
goodwill_refund.undivided_minor bigint NOT NULL DEFAULT 0
goodwill_refund.expense_minor bigint NOT NULL DEFAULT 0
goodwill_refund.transfer_id text
goodwill_refund.requested_by text NOT NULL
goodwill_refund.recorded_at timestamp with time zone NOT NULL DEFAULT now()
idempotency.scope text NOT NULL
idempotency.key text NOT NULL
idempotency.digest text NOT NULL
idempotency.answer json NOT NULL
idempotency.recorded_at timestamp with time zone NOT NULL DEFAULT now()
invitation.id text NOT NULL
invitation.role text NOT NULL
invitation.token_hash bytea NOT NULL
invitation.invited_by text
invitation.inviter_role text GENERATED ALWAYS AS (
CASE
    WHEN (role = 'payee'::text) THEN NULL::text
    ELSE 'operator'::text
END) STORED
invitation.note text
invitation.created_at timestamp with time zone NOT NULL
invitation.expires_at timestamp with time zone NOT NULL
invitation.accepted_by text
invitation.accepted_at timestamp with time zone
invitation.withdrawn_at timestamp with time zone
invitation.recorded_at timestamp with time zone NOT NULL DEFAULT now()
job.id text NOT NULL
job.topic text NOT NULL
job.payload jsonb NOT NULL
job.dedupe_key text
job.run_at timestamp with time zone NOT NULL
job.state text NOT NULL DEFAULT 'waiting'::text
job.attempts integer NOT NULL DEFAULT 0
job.claimed_until timestamp with time zone
job.last_error text
job.recorded_at timestamp with time zone NOT NULL DEFAULT now()
job.turn_at timestamp with time zone NOT NULL
ledger_account.id bigint NOT NULL
ledger_account.floor_minor bigint NOT NULL
ledger_account.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_account.guarded boolean NOT NULL
ledger_account.class text NOT NULL
ledger_account.currency text NOT NULL
ledger_account.code text NOT NULL
ledger_account.content_hash bytea NOT NULL
ledger_adjustment.id text NOT NULL
ledger_adjustment.effective_date date NOT NULL
ledger_adjustment.reason text NOT NULL
ledger_adjustment.evidence text NOT NULL
ledger_adjustment.legs jsonb NOT NULL
ledger_adjustment.proposed_by text NOT NULL
ledger_adjustment.proposed_at timestamp with time zone NOT NULL
ledger_adjustment.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_adjustment_decision.adjustment_id text NOT NULL
ledger_adjustment_decision.verdict text NOT NULL
ledger_adjustment_decision.note text
ledger_adjustment_decision.decided_by text NOT NULL
ledger_adjustment_decision.decided_at timestamp with time zone NOT NULL
ledger_adjustment_decision.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_adjustment_withdrawal.adjustment_id text NOT NULL
ledger_adjustment_withdrawal.note text NOT NULL
ledger_adjustment_withdrawal.withdrawn_by text NOT NULL
ledger_adjustment_withdrawal.withdrawn_at timestamp with time zone NOT NULL
ledger_adjustment_withdrawal.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_balance_day.account_id bigint NOT NULL
ledger_balance_day.place integer NOT NULL
ledger_balance_day.days date[] NOT NULL
ledger_balance_day.sums_minor numeric[] NOT NULL
ledger_balance_snapshot.account_id bigint NOT NULL
ledger_balance_snapshot.position bigint NOT NULL
ledger_balance_snapshot.balance_minor bigint NOT NULL
ledger_balance_snapshot.settled_seq bigint NOT NULL
ledger_balance_snapshot.high_seq bigint NOT NULL
ledger_balance_snapshot.place integer NOT NULL
ledger_balance_snapshot.since integer NOT NULL
ledger_close.number integer NOT NULL
ledger_close.through_day date NOT NULL
ledger_close.position bigint NOT NULL
ledger_close.closed_by text NOT NULL
ledger_close.closed_at timestamp with time zone NOT NULL
ledger_close.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_close_total.number integer NOT NULL
ledger_close_total.currency text NOT NULL
ledger_close_total.class text NOT NULL
ledger_close_total.movement_minor numeric NOT NULL
ledger_close_total.adjustments_minor numeric NOT NULL
ledger_close_total.balance_minor numeric NOT NULL
ledger_entry.transfer_seq bigint NOT NULL
ledger_entry.account_id bigint NOT NULL
ledger_entry.amount_minor bigint NOT NULL
ledger_entry.leg smallint NOT NULL
ledger_entry.currency text NOT NULL
ledger_hold.seq bigint NOT NULL
ledger_hold.created_xid xid8 NOT NULL
ledger_hold.recorded_at timestamp with time zone NOT NULL
ledger_hold.expires_at timestamp with time zone
ledger_hold.leg_count smallint NOT NULL
ledger_hold.id text NOT NULL
ledger_hold.key text NOT NULL
ledger_hold.kind text NOT NULL
ledger_hold.content_hash bytea NOT NULL
ledger_hold.metadata jsonb NOT NULL
ledger_hold_claim.account_id bigint NOT NULL
ledger_hold_claim.hold_seq bigint NOT NULL
ledger_hold_claim.amount_minor numeric NOT NULL
ledger_hold_leg.hold_seq bigint NOT NULL
ledger_hold_leg.account_id bigint NOT NULL
ledger_hold_leg.amount_minor bigint NOT NULL
ledger_hold_leg.leg smallint NOT NULL
ledger_hold_leg.currency text NOT NULL
ledger_hold_open.hold_seq bigint NOT NULL
ledger_hold_open.expires_at timestamp with time zone
ledger_hold_resolution.hold_seq bigint NOT NULL
ledger_hold_resolution.transfer_seq bigint
ledger_hold_resolution.at timestamp with time zone NOT NULL
ledger_hold_resolution.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_hold_resolution.outcome text NOT NULL
ledger_hold_unsealed.hold_seq bigint NOT NULL
ledger_hold_unsealed.fact text NOT NULL
ledger_import.id text NOT NULL
ledger_import.transfers jsonb NOT NULL
ledger_import.digest text NOT NULL
ledger_import.checked_by text NOT NULL
ledger_import.checked_at timestamp with time zone NOT NULL
ledger_import.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_import_posting.import_id text NOT NULL
ledger_import_posting.posted_by text NOT NULL
ledger_import_posting.posted_at timestamp with time zone NOT NULL
ledger_import_posting.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_position.position bigint NOT NULL
ledger_position.transfer_seq bigint NOT NULL
ledger_roll_up.position bigint NOT NULL
ledger_roll_up.settled_seq bigint NOT NULL
ledger_roll_up.high_seq bigint NOT NULL
ledger_roll_up.seen_seq bigint NOT NULL
ledger_roll_up.seen_xid xid8 NOT NULL
ledger_roll_up.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_seal.number integer NOT NULL
ledger_seal.from_position bigint NOT NULL
ledger_seal.to_position bigint NOT NULL
ledger_seal.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ledger_seal.hold_seqs bigint[] NOT NULL
ledger_seal.hold_facts text[] NOT NULL
ledger_seal.leaves bytea NOT NULL
ledger_seal.root bytea NOT NULL
ledger_seal.leaf_id text NOT NULL
ledger_transfer.seq bigint NOT NULL
ledger_transfer.created_xid xid8 NOT NULL
ledger_transfer.reverses bigint
ledger_transfer.recorded_at timestamp with time zone NOT NULL
ledger_transfer.effective_date date NOT NULL
ledger_transfer.leg_count smallint NOT NULL
ledger_transfer.id text NOT NULL
ledger_transfer.key text NOT NULL
ledger_transfer.kind text NOT NULL
ledger_transfer.content_hash bytea NOT NULL
ledger_transfer.metadata jsonb NOT NULL
ledger_transfer.captures bigint
licence.id text NOT NULL
licence.clone_id text NOT NULL
licence.grant_id text NOT NULL
licence.owner_account_id text NOT NULL
licence.licensee_account_id text NOT NULL
licence.exclusive boolean NOT NULL
licence.canonical text NOT NULL
licence.digest text NOT NULL
licence.drafted_at timestamp with time zone NOT NULL
licence.recorded_at timestamp with time zone NOT NULL DEFAULT now()
licence_containment.id bigint NOT NULL
licence_containment.licence_id text NOT NULL
licence_containment.grant_digest text NOT NULL
licence_containment.contained boolean NOT NULL
licence_containment.at timestamp with time zone NOT NULL
licence_containment.recorded_at timestamp with time zone NOT NULL DEFAULT now()
licence_end.licence_id text NOT NULL
licence_end.kind text NOT NULL
licence_end.reason text NOT NULL
licence_end.ended_by text NOT NULL
licence_end.ended_at timestamp with time zone NOT NULL
licence_end.recorded_at timestamp with time zone NOT NULL DEFAULT now()
licence_notice.licence_id text NOT NULL
licence_notice.given_by text NOT NULL
licence_notice.given_at timestamp with time zone NOT NULL
licence_notice.ends_at timestamp with time zone NOT NULL
licence_notice.recorded_at timestamp with time zone NOT NULL DEFAULT now()
licence_signature.licence_id text NOT NULL
licence_signature.account_id text NOT NULL
licence_signature.signed_document_id text NOT NULL
licence_signature.signed_at timestamp with time zone NOT NULL
licence_signature.recorded_at timestamp with time zone NOT NULL DEFAULT now()
log_checkpoint.size bigint NOT NULL
log_checkpoint.last bigint GENERATED ALWAYS AS (
CASE
    WHEN (size = 0) THEN NULL::bigint
    ELSE (size - 1)
END) STORED
log_checkpoint.root bytea NOT NULL
log_checkpoint.note text NOT NULL
log_checkpoint.at timestamp with time zone NOT NULL
log_checkpoint.recorded_at timestamp with time zone NOT NULL DEFAULT now()
log_leaf.id text NOT NULL
log_leaf.type text NOT NULL
log_leaf.subject_id text NOT NULL
log_leaf.at timestamp with time zone NOT NULL
log_leaf.entry bytea NOT NULL
log_leaf.leaf_hash bytea NOT NULL
log_leaf.recorded_at timestamp with time zone NOT NULL DEFAULT now()
log_leaf_type.name text NOT NULL
log_node.level smallint NOT NULL
log_node.index bigint NOT NULL
log_node.hash bytea NOT NULL
log_position.index bigint NOT NULL
log_position.previous bigint GENERATED ALWAYS AS (
CASE
    WHEN (index = 0) THEN NULL::bigint
    ELSE (index - 1)
END) STORED
log_position.leaf_id text NOT NULL
log_position.recorded_at timestamp with time zone NOT NULL DEFAULT now()
log_waiting.leaf_id text NOT NULL
log_waiting.recorded_at timestamp with time zone NOT NULL DEFAULT now()
media_read.id bigint NOT NULL
media_read.kind text NOT NULL
media_read.subject_id text NOT NULL
media_read.account_id text NOT NULL
media_read.sha256 text NOT NULL
media_read.at timestamp with time zone NOT NULL
media_read.recorded_at timestamp with time zone NOT NULL DEFAULT now()
media_read.purpose text NOT NULL DEFAULT 'delivery'::text
migration.id integer NOT NULL DEFAULT nextval('migration_id_seq'::regclass)
migration.timestamp bigint NOT NULL
migration.name character varying NOT NULL
notice.id text NOT NULL
notice.complainant_id text
notice.token_sha256 text
notice.document json NOT NULL
notice.digest text NOT NULL
notice.signed_document_id text
notice.target_kind text NOT NULL
notice.network_key text
notice.contact_key text NOT NULL
notice.target_key text NOT NULL
notice.same_key text NOT NULL
notice.state text NOT NULL DEFAULT 'filed'::text
notice.acts_on text
notice.clone_id text
notice.output_id text
notice.claimed_by text
notice.reason_code text
notice.due_at timestamp with time zone
notice.overdue_at timestamp with time zone
notice.filed_at timestamp with time zone NOT NULL
notice.verified_at timestamp with time zone
notice.ended_at timestamp with time zone
notice.recorded_at timestamp with time zone NOT NULL DEFAULT now()
notice_outcome.leaf_id text NOT NULL
notice_outcome.notice_id text NOT NULL
notice_outcome.outcome text NOT NULL
notice_outcome.document json NOT NULL
notice_outcome.at timestamp with time zone NOT NULL
notice_outcome.recorded_at timestamp with time zone NOT NULL DEFAULT now()
notice_pending_case.notice_id text NOT NULL
notice_pending_case.court text NOT NULL
notice_pending_case.case_number text NOT NULL
notice_pending_case.text text NOT NULL
notice_pending_case.at timestamp with time zone NOT NULL
notice_pending_case.recorded_at timestamp with time zone NOT NULL DEFAULT now()
notice_review.notice_id text NOT NULL
notice_review.stage text NOT NULL
notice_review.reviewer_id text NOT NULL
notice_review.reviewer_role text GENERATED ALWAYS AS ('reviewer'::text) STORED
notice_review.verdict text NOT NULL
notice_review.reason_code text NOT NULL
notice_review.text text NOT NULL
notice_review.acts_on text
notice_review.target_id text
notice_review.at timestamp with time zone NOT NULL
notice_review.recorded_at timestamp with time zone NOT NULL DEFAULT now()
output.id text NOT NULL
output.clone_id text NOT NULL
output.requester text NOT NULL
output.audience text NOT NULL
output.capability text NOT NULL
output.language text NOT NULL
output.purpose text NOT NULL
output.script text NOT NULL
output.territory text
output.decision_id text NOT NULL
output.version_id text
output.grant_id text
output.grant_digest text
output.gates json NOT NULL
output.expires_at timestamp with time zone
output.hold_id text
output.probe text
output.state text NOT NULL
output.reason text
output.file json
output.requested_at timestamp with time zone NOT NULL
output.changed_at timestamp with time zone NOT NULL
output.recorded_at timestamp with time zone NOT NULL DEFAULT now()
output.delivery text NOT NULL DEFAULT 'file'::text
output.alive_until timestamp with time zone
output.licence_id text
output_approval.output_id text NOT NULL
output_approval.clone_id text NOT NULL
output_approval.mode text NOT NULL
output_approval.undo_hours integer NOT NULL
output_approval.verdict text
output_approval.decided_by text
output_approval.decided_at timestamp with time zone
output_approval.recorded_at timestamp with time zone NOT NULL DEFAULT now()
output_hold.output_id text NOT NULL
output_hold.holder text NOT NULL
output_hold.held_at timestamp with time zone NOT NULL
output_hold.lifted_at timestamp with time zone
output_hold.recorded_at timestamp with time zone NOT NULL DEFAULT now()
output_price.id bigint NOT NULL
output_price.clone_id text NOT NULL
output_price.tier_id text NOT NULL
output_price.capability text NOT NULL
output_price.coins bigint NOT NULL
output_price.without_subscription boolean NOT NULL
output_price.priced_by text NOT NULL
output_price.priced_at timestamp with time zone NOT NULL
output_price.recorded_at timestamp with time zone NOT NULL DEFAULT now()
owed_refund.id text NOT NULL
owed_refund.refund_id text NOT NULL
owed_refund.stripe_charge text NOT NULL
owed_refund.returned_refund text NOT NULL
owed_refund.failure text NOT NULL
owed_refund.currency text NOT NULL
owed_refund.gross_minor bigint NOT NULL
owed_refund.state text NOT NULL DEFAULT 'owed'::text
owed_refund.stripe_refund text
owed_refund.settled_currency text
owed_refund.settled_minor bigint
owed_refund.owed_at timestamp with time zone NOT NULL
owed_refund.settled_at timestamp with time zone
owed_refund.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_case_key.proof_id text NOT NULL
ownership_case_key.wrapped bytea
ownership_case_key.created_at timestamp with time zone NOT NULL
ownership_case_key.destroyed_at timestamp with time zone
ownership_case_key.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_decision.leaf_id text NOT NULL
ownership_decision.proof_id text NOT NULL
ownership_decision.decision text NOT NULL
ownership_decision.document json NOT NULL
ownership_decision.note text
ownership_decision.at timestamp with time zone NOT NULL
ownership_decision.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_decision.round integer NOT NULL DEFAULT 1
ownership_destruction.proof_id text NOT NULL
ownership_destruction.leaf_id text NOT NULL
ownership_destruction.document json NOT NULL
ownership_destruction.at timestamp with time zone NOT NULL
ownership_destruction.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_evidence.id text NOT NULL
ownership_evidence.proof_id text NOT NULL
ownership_evidence.kind text NOT NULL
ownership_evidence.state text NOT NULL
ownership_evidence.terms jsonb NOT NULL
ownership_evidence.finding jsonb
ownership_evidence.blob_digest text
ownership_evidence.created_at timestamp with time zone NOT NULL
ownership_evidence.expires_at timestamp with time zone NOT NULL
ownership_evidence.passed_at timestamp with time zone
ownership_evidence.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_evidence.valid_until timestamp with time zone
ownership_lease.id text NOT NULL
ownership_lease.proof_id text NOT NULL
ownership_lease.reviewer_id text NOT NULL
ownership_lease.reviewer_role text GENERATED ALWAYS AS ('reviewer'::text) STORED
ownership_lease.claimed_at timestamp with time zone NOT NULL
ownership_lease.expires_at timestamp with time zone NOT NULL
ownership_lease.ended_at timestamp with time zone
ownership_lease.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_look.id bigint NOT NULL
ownership_look.evidence_id text NOT NULL
ownership_look.due_at timestamp with time zone
ownership_look.at timestamp with time zone NOT NULL
ownership_look.outcome text NOT NULL
ownership_look.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_paper_view.id bigint NOT NULL
ownership_paper_view.evidence_id text NOT NULL
ownership_paper_view.lease_id text NOT NULL
ownership_paper_view.viewer_id text NOT NULL
ownership_paper_view.reason text NOT NULL
ownership_paper_view.at timestamp with time zone NOT NULL
ownership_paper_view.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_proof.id text NOT NULL
ownership_proof.account_id text NOT NULL
ownership_proof.subject_name text NOT NULL
ownership_proof.handle text NOT NULL
ownership_proof.statement text NOT NULL
ownership_proof.claim_document_id text NOT NULL
ownership_proof.state text NOT NULL
ownership_proof.opened_at timestamp with time zone NOT NULL
ownership_proof.submitted_at timestamp with time zone
ownership_proof.approved_at timestamp with time zone
ownership_proof.expires_at timestamp with time zone
ownership_proof.ended_at timestamp with time zone
ownership_proof.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_proof.subject_kind text NOT NULL DEFAULT 'private_person'::text
ownership_proof.claimant_name text
ownership_proof.renews_proof_id text
ownership_proof.round integer NOT NULL DEFAULT 1
ownership_proof.appealed_at timestamp with time zone
ownership_proof.appeal_text text
ownership_proof.policy_sha256 text
ownership_proof.evidence_sha256 text
ownership_review.id text NOT NULL
ownership_review.proof_id text NOT NULL
ownership_review.reviewer_id text NOT NULL
ownership_review.reviewer_role text GENERATED ALWAYS AS ('reviewer'::text) STORED
ownership_review.verdict text NOT NULL
ownership_review.reason_code text
ownership_review.text text NOT NULL
ownership_review.advice jsonb
ownership_review.at timestamp with time zone NOT NULL
ownership_review.recorded_at timestamp with time zone NOT NULL DEFAULT now()
ownership_review.round integer NOT NULL DEFAULT 1
ownership_review.evidence_sha256 text NOT NULL
ownership_sealed.digest text NOT NULL
ownership_sealed.proof_id text NOT NULL
ownership_sealed.evidence_id text NOT NULL
ownership_sealed.sealed_at timestamp with time zone NOT NULL
ownership_sealed.recorded_at timestamp with time zone NOT NULL DEFAULT now()
payment_problem.stripe_invoice text NOT NULL
payment_problem.clone_id text NOT NULL
payment_problem.subscription_id text NOT NULL
payment_problem.failed_at timestamp with time zone NOT NULL
payment_problem.grace_until date NOT NULL
payment_problem.attempts integer NOT NULL
payment_problem.next_attempt_at timestamp with time zone
payment_problem.resolved_at timestamp with time zone
payment_problem.recorded_at timestamp with time zone NOT NULL DEFAULT now()
payout.id text NOT NULL
payout.account_id text NOT NULL
payout.currency text NOT NULL
payout.amount_minor bigint NOT NULL
payout.stripe_account text NOT NULL
payout.state text NOT NULL DEFAULT 'pending'::text
payout.transfer_id text NOT NULL
payout.stripe_transfer text
payout.reversed_minor bigint NOT NULL DEFAULT 0
payout.tries integer NOT NULL DEFAULT 0
payout.refusals integer NOT NULL DEFAULT 0
payout.problem text
payout.created_by text NOT NULL
payout.created_at timestamp with time zone NOT NULL
payout.settled_at timestamp with time zone
payout.recorded_at timestamp with time zone NOT NULL DEFAULT now()
payout.withheld_minor bigint NOT NULL DEFAULT 0
payout.tax_profile_id text
payout.tax_transfer_id text
payout.advance_id text
payout.needs_person boolean NOT NULL DEFAULT false
payout_account.account_id text NOT NULL
payout_account.stripe_account text
payout_account.details_submitted boolean NOT NULL DEFAULT false
payout_account.transfers_active boolean NOT NULL DEFAULT false
payout_account.payouts_enabled boolean NOT NULL DEFAULT false
payout_account.bank_failure text
payout_account.created_at timestamp with time zone NOT NULL
payout_account.synced_at timestamp with time zone
payout_account.recorded_at timestamp with time zone NOT NULL DEFAULT now()
payout_reminder.account_id text NOT NULL
payout_reminder.number integer NOT NULL
payout_reminder.waiting jsonb NOT NULL
payout_reminder.reminded_at timestamp with time zone NOT NULL
payout_reminder.recorded_at timestamp with time zone NOT NULL DEFAULT now()
payout_setting.account_id text NOT NULL
payout_setting.currency text NOT NULL
payout_setting.minimum_minor bigint NOT NULL
payout_setting.schedule text NOT NULL
payout_setting.set_at timestamp with time zone NOT NULL
plan_change.id text NOT NULL
plan_change.clone_id text NOT NULL
plan_change.account_id text NOT NULL
plan_change.subscription_id text NOT NULL
plan_change.tier_id text NOT NULL
plan_change.offer_version integer NOT NULL
plan_change.interval text NOT NULL
plan_change.effect text NOT NULL
plan_change.asked_at timestamp with time zone NOT NULL
plan_change.day date NOT NULL
plan_change.price_minor bigint NOT NULL
plan_change.credit_minor bigint NOT NULL
plan_change.refund_minor bigint NOT NULL
plan_change.state text NOT NULL DEFAULT 'asked'::text
plan_change.stripe_invoice text
plan_change.failure text
plan_change.settled_at timestamp with time zone
plan_change.recorded_at timestamp with time zone NOT NULL DEFAULT now()
platform_order.id text NOT NULL
platform_order.action text NOT NULL
platform_order.reason text NOT NULL
platform_order.ordered_by text NOT NULL
platform_order.ordered_at timestamp with time zone NOT NULL
platform_order.expires_at timestamp with time zone NOT NULL
platform_order.recorded_at timestamp with time zone NOT NULL DEFAULT now()
platform_order_confirmation.order_id text NOT NULL
platform_order_confirmation.stop_id text
platform_order_confirmation.confirmed_by text NOT NULL
platform_order_confirmation.confirmed_at timestamp with time zone NOT NULL
platform_order_confirmation.recorded_at timestamp with time zone NOT NULL DEFAULT now()
platform_pause.id bigint NOT NULL
platform_pause.from_at timestamp with time zone NOT NULL
platform_pause.to_at timestamp with time zone
platform_pause.recorded_at timestamp with time zone NOT NULL DEFAULT now()
quota_hold.id text NOT NULL
quota_hold.clone_id text NOT NULL
quota_hold.period_id text
quota_hold.output_id text NOT NULL
quota_hold.state text NOT NULL DEFAULT 'held'::text
quota_hold.release_id text
quota_hold.void_reason text
quota_hold.held_at timestamp with time zone NOT NULL
quota_hold.settled_at timestamp with time zone
quota_hold.recorded_at timestamp with time zone NOT NULL DEFAULT now()
quota_hold.free_account_id text
reconciliation.id text NOT NULL
reconciliation.since timestamp with time zone NOT NULL
reconciliation.started_at timestamp with time zone NOT NULL
reconciliation.compared integer NOT NULL
reconciliation.mended jsonb NOT NULL
reconciliation.differences jsonb NOT NULL
reconciliation.recorded_at timestamp with time zone NOT NULL DEFAULT now()
refund.id text NOT NULL
refund.clone_id text NOT NULL
refund.period_id text NOT NULL
refund.key text NOT NULL
refund.kind text NOT NULL
refund.reason text NOT NULL
refund.currency text NOT NULL
refund.gross_minor bigint NOT NULL
refund.net_minor bigint NOT NULL
refund.tax_minor bigint NOT NULL
refund.fee_minor bigint NOT NULL
refund.fee_bearer text NOT NULL
refund.state text NOT NULL DEFAULT 'pending'::text
refund.stripe_refund text
refund.failure text
refund.settled_currency text
refund.settled_minor bigint
refund.settled_topic text
refund.requested_at timestamp with time zone NOT NULL
refund.settled_at timestamp with time zone
refund.recorded_at timestamp with time zone NOT NULL DEFAULT now()
refund_paid_otherwise.owed_id text NOT NULL
refund_paid_otherwise.reference text NOT NULL
refund_paid_otherwise.recorded_by text NOT NULL
refund_paid_otherwise.paid_at timestamp with time zone NOT NULL
refund_paid_otherwise.transfer_id text NOT NULL
refund_paid_otherwise.recorded_at timestamp with time zone NOT NULL DEFAULT now()
refund_settlement_proposal.owed_id text NOT NULL
refund_settlement_proposal.number integer NOT NULL
refund_settlement_proposal.reference text NOT NULL
refund_settlement_proposal.proposed_by text NOT NULL
refund_settlement_proposal.proposed_at timestamp with time zone NOT NULL
refund_settlement_proposal.recorded_at timestamp with time zone NOT NULL DEFAULT now()
refusal.id text NOT NULL
refusal.account_id text NOT NULL
refusal.proof_id text NOT NULL
refusal.signed_document_id text NOT NULL
refusal.digest text NOT NULL
refusal.voice_profile jsonb
refusal.voice_pitch_hz double precision
refusal.leaf_id text NOT NULL
refusal.registered_at timestamp with time zone NOT NULL
refusal.withdrawn_at timestamp with time zone
refusal.withdrawal_document_id text
refusal.recorded_at timestamp with time zone NOT NULL DEFAULT now()
refusal_key.refusal_id text NOT NULL
refusal_key.key text NOT NULL
registration_request.challenge_id text NOT NULL
registration_request.display_name text NOT NULL
registration_request.locale text NOT NULL
registration_request.invitation_id text
registration_request.recorded_at timestamp with time zone NOT NULL DEFAULT now()
release.id text NOT NULL
release.clone_id text NOT NULL
release.output_id text NOT NULL
release.gate_ids text[] NOT NULL
release.epochs bigint[] NOT NULL
release.file_sha256 text NOT NULL
release.file_bytes bigint NOT NULL
release.samples_sha256 text NOT NULL
release.leaf_id text NOT NULL
release.receipt json NOT NULL
release.released_at timestamp with time zone NOT NULL
release.recorded_at timestamp with time zone NOT NULL DEFAULT now()
release_segment.id text NOT NULL
release_segment.clone_id text NOT NULL
release_segment.output_id text NOT NULL
release_segment.sequence integer NOT NULL
release_segment.last boolean NOT NULL
release_segment.gate_ids text[] NOT NULL
release_segment.epochs bigint[] NOT NULL
release_segment.file_sha256 text NOT NULL
release_segment.file_bytes bigint NOT NULL
release_segment.samples_sha256 text NOT NULL
release_segment.speech_sha256 text NOT NULL
release_segment.seconds double precision NOT NULL
release_segment.leaf_id text NOT NULL
release_segment.receipt json NOT NULL
release_segment.released_at timestamp with time zone NOT NULL
release_segment.recorded_at timestamp with time zone NOT NULL DEFAULT now()
remains_answer.stop_id text NOT NULL
remains_answer.subscription_id text NOT NULL
remains_answer.accepted boolean NOT NULL
remains_answer.answered_at timestamp with time zone NOT NULL
remains_answer.recorded_at timestamp with time zone NOT NULL DEFAULT now()
royalty_pot.id text NOT NULL
royalty_pot.run_id text NOT NULL
royalty_pot.clone_id text NOT NULL
royalty_pot.tier_id text NOT NULL
royalty_pot.currency text NOT NULL
royalty_pot.split_id text NOT NULL
royalty_pot.first_day date NOT NULL
royalty_pot.last_day date NOT NULL
royalty_pot.amount_minor bigint NOT NULL
royalty_pot.transfer_id text
royalty_pot.gross_minor bigint
royalty_pot.fee_minor bigint
royalty_pot.tax_minor bigint
royalty_pot_leg.pot_id text NOT NULL
royalty_pot_leg.leg smallint NOT NULL
royalty_pot_leg.payee text NOT NULL
royalty_pot_leg.basis_points integer NOT NULL
royalty_pot_leg.amount_minor bigint NOT NULL
royalty_pot_leg.share_minor bigint
royalty_pot_leg.derivative_id text
royalty_reserve.id text NOT NULL
royalty_reserve.payee text NOT NULL
royalty_reserve.currency text NOT NULL
royalty_reserve.clone_id text NOT NULL
royalty_reserve.cause_id text NOT NULL
royalty_reserve.amount_minor bigint NOT NULL
royalty_reserve.left_minor bigint NOT NULL
royalty_reserve.held_on date NOT NULL
royalty_reserve.due_day date
royalty_reserve.transfer_id text NOT NULL
royalty_reserve.recorded_at timestamp with time zone NOT NULL DEFAULT now()
royalty_reserve.source_id text
royalty_reserve.run_id text
royalty_reserve_use.reserve_id text NOT NULL
royalty_reserve_use.cause_id text NOT NULL
royalty_reserve_use.amount_minor bigint NOT NULL
royalty_reserve_use.recorded_at timestamp with time zone NOT NULL DEFAULT now()
royalty_run.id text NOT NULL
royalty_run.clone_id text NOT NULL
royalty_run.number integer NOT NULL
royalty_run.from_position bigint NOT NULL
royalty_run.to_position bigint NOT NULL
royalty_run.through_day date NOT NULL
royalty_run.netted jsonb NOT NULL
royalty_run.run_by text NOT NULL
royalty_run.run_at timestamp with time zone NOT NULL
royalty_run.recorded_at timestamp with time zone NOT NULL DEFAULT now()
royalty_run.held jsonb NOT NULL DEFAULT '[]'::jsonb
royalty_run.recouped jsonb NOT NULL DEFAULT '[]'::jsonb
royalty_run_entry.transfer_id text NOT NULL
royalty_run_entry.leg smallint NOT NULL
royalty_run_entry.run_id text NOT NULL
royalty_run_entry.pot_id text NOT NULL
royalty_run_entry.position bigint NOT NULL
royalty_run_entry.period_id text
royalty_run_entry.amount_minor bigint NOT NULL
royalty_run_entry.fee_minor bigint NOT NULL DEFAULT 0
royalty_run_entry.tax_minor bigint NOT NULL DEFAULT 0
session.id text NOT NULL
session.account_id text NOT NULL
session.credential_id text NOT NULL
session.token_hash bytea NOT NULL
session.created_at timestamp with time zone NOT NULL
session.expires_at timestamp with time zone NOT NULL
session.ended_at timestamp with time zone
session.recorded_at timestamp with time zone NOT NULL DEFAULT now()
signed_document.id text NOT NULL
signed_document.document_type text NOT NULL
signed_document.account_id text NOT NULL
signed_document.credential_id text NOT NULL
signed_document.canonical text NOT NULL
signed_document.digest text NOT NULL
signed_document.nonce bytea NOT NULL
signed_document.context text NOT NULL
signed_document.challenge bytea NOT NULL
signed_document.rendered_text text NOT NULL
signed_document.authenticator_data bytea NOT NULL
signed_document.client_data_json bytea NOT NULL
signed_document.signature bytea NOT NULL
signed_document.rp_id text NOT NULL
signed_document.origin text NOT NULL
signed_document.issued_at timestamp with time zone NOT NULL
signed_document.expires_at timestamp with time zone NOT NULL
signed_document.signed_at timestamp with time zone NOT NULL
signed_document.software text[] NOT NULL
signed_document.evidence_sha256 text NOT NULL
signed_document.recorded_at timestamp with time zone NOT NULL DEFAULT now()
signed_document_type.name text NOT NULL
signing_request.challenge_id text NOT NULL
signing_request.account_id text NOT NULL
signing_request.credential_id text NOT NULL
signing_request.document_type text NOT NULL
signing_request.canonical text NOT NULL
signing_request.nonce bytea NOT NULL
signing_request.context text NOT NULL
signing_request.rendered_text text NOT NULL
signing_request.recorded_at timestamp with time zone NOT NULL DEFAULT now()
split.id text NOT NULL
split.clone_id text NOT NULL
split.number integer NOT NULL
split.owner_account_id text NOT NULL
split.base text NOT NULL
split.refund_fee_bearer text NOT NULL
split.effective_from date NOT NULL
split.canonical text NOT NULL
split.digest text NOT NULL
split.state text NOT NULL DEFAULT 'draft'::text
split.signed_at timestamp with time zone
split.record text
split.leaf_id text
split.drafted_at timestamp with time zone NOT NULL
split.recorded_at timestamp with time zone NOT NULL DEFAULT now()
split.reserve_basis_points integer NOT NULL DEFAULT 0
split.reserve_days integer NOT NULL DEFAULT 0
split.derivative_id text
split_day.clone_id text NOT NULL
split_day.day date NOT NULL
split_day.split_id text
split_leg.split_id text NOT NULL
split_leg.leg smallint NOT NULL
split_leg.payee text NOT NULL
split_leg.account_id text GENERATED ALWAYS AS (NULLIF(payee, 'platform'::text)) STORED
split_leg.basis_points integer NOT NULL
split_leg.role text
split_signature.split_id text NOT NULL
split_signature.signer text NOT NULL
split_signature.signed_document_id text NOT NULL
split_signature.signed_at timestamp with time zone NOT NULL
split_signature.recorded_at timestamp with time zone NOT NULL DEFAULT now()
statement.id text NOT NULL
statement.close_number integer NOT NULL
statement.payee text NOT NULL
statement.account_id text GENERATED ALWAYS AS (NULLIF(payee, 'platform'::text)) STORED
statement.payee_name text NOT NULL
statement.currency text NOT NULL
statement.number integer NOT NULL
statement.opening_minor bigint NOT NULL
statement.closing_minor bigint NOT NULL
statement.debt_opening_minor bigint NOT NULL
statement.debt_closing_minor bigint NOT NULL
statement.canonical text NOT NULL
statement.digest text NOT NULL
statement.key_id text NOT NULL
statement.signature text NOT NULL
statement.leaf_id text NOT NULL
statement.closed_at timestamp with time zone NOT NULL
statement.recorded_at timestamp with time zone NOT NULL DEFAULT now()
statement.reserve_opening_minor bigint NOT NULL DEFAULT 0
statement.reserve_closing_minor bigint NOT NULL DEFAULT 0
statement_close.number integer NOT NULL
statement_close.from_position bigint NOT NULL
statement_close.to_position bigint NOT NULL
statement_close.from_day date NOT NULL
statement_close.through_day date NOT NULL
statement_close.closed_by text NOT NULL
statement_close.closed_at timestamp with time zone NOT NULL
statement_close.recorded_at timestamp with time zone NOT NULL DEFAULT now()
statement_line.statement_id text NOT NULL
statement_line.line_id text NOT NULL
statement_line.transfer_id text NOT NULL
statement_line.leg smallint NOT NULL
statement_line.amount_minor bigint NOT NULL
statement_paper.statement_id text NOT NULL
statement_paper.language text NOT NULL
statement_paper.pdf bytea NOT NULL
statement_paper.printed_at timestamp with time zone NOT NULL
statement_paper.recorded_at timestamp with time zone NOT NULL DEFAULT now()
stop_acknowledgement.stop_id text NOT NULL
stop_acknowledgement.acknowledged_at timestamp with time zone NOT NULL
stop_acknowledgement.nanoseconds bigint
stop_acknowledgement.recorded_at timestamp with time zone NOT NULL DEFAULT now()
stop_acknowledgement.gateways json NOT NULL DEFAULT '[]'::json
stop_acknowledgement.streams integer NOT NULL DEFAULT 0
stop_acknowledgement.bytes bigint NOT NULL DEFAULT 0
stop_acknowledgement.waited_nanoseconds bigint
stop_order.id text NOT NULL
stop_order.clone_id text NOT NULL
stop_order.ordered_by text NOT NULL
stop_order.quote_id text NOT NULL
stop_order.signed_document_id text NOT NULL
stop_order.epoch bigint NOT NULL
stop_order.releases bigint NOT NULL
stop_order.leaf_id text NOT NULL
stop_order.ordered_at timestamp with time zone NOT NULL
stop_order.recorded_at timestamp with time zone NOT NULL DEFAULT now()
stop_quote.id text NOT NULL
stop_quote.clone_id text NOT NULL
stop_quote.owner_account_id text NOT NULL
stop_quote.canonical text NOT NULL
stop_quote.digest text NOT NULL
stop_quote.lines json NOT NULL
stop_quote.expires_at timestamp with time zone NOT NULL
stop_quote.recorded_at timestamp with time zone NOT NULL DEFAULT now()
stripe_event.id text NOT NULL
stripe_event.type text NOT NULL
stripe_event.object_id text NOT NULL
stripe_event.connected_account text
stripe_event.created_at timestamp with time zone NOT NULL
stripe_event.received_at timestamp with time zone NOT NULL
stripe_event.body_sha256 text NOT NULL
stripe_event.recorded_at timestamp with time zone NOT NULL DEFAULT now()
stripe_event_applied.event_id text NOT NULL
stripe_event_applied.outcome text NOT NULL
stripe_event_applied.applied_at timestamp with time zone NOT NULL
stripe_event_applied.recorded_at timestamp with time zone NOT NULL DEFAULT now()
subscription.id text NOT NULL
subscription.clone_id text NOT NULL
subscription.account_id text NOT NULL
subscription.tier_id text NOT NULL
subscription.state text NOT NULL DEFAULT 'opening'::text
subscription.declared_country text NOT NULL
subscription.billing_country text
subscription.checkout_url text
subscription.stripe_session text
subscription.stripe_subscription text
subscription.revision integer NOT NULL DEFAULT 0
subscription.created_at timestamp with time zone NOT NULL
subscription.ended_at timestamp with time zone
subscription.recorded_at timestamp with time zone NOT NULL DEFAULT now()
subscription.offer_version integer NOT NULL DEFAULT 1
subscription.interval text NOT NULL DEFAULT 'month'::text
subscription.agreed_at timestamp with time zone
subscription.cancel_at_period_end boolean NOT NULL DEFAULT false
subscription_period.id text NOT NULL
subscription_period.clone_id text NOT NULL
subscription_period.subscription_id text NOT NULL
subscription_period.account_id text NOT NULL
subscription_period.tier_id text NOT NULL
subscription_period.stripe_invoice text NOT NULL
subscription_period.stripe_charge text NOT NULL
subscription_period.start_day date NOT NULL
subscription_period.end_day date NOT NULL
subscription_period.days integer NOT NULL
subscription_period.currency text NOT NULL
subscription_period.gross_minor bigint NOT NULL
subscription_period.tax_minor bigint NOT NULL
subscription_period.tax_rate_basis_points integer NOT NULL
subscription_period.fee_minor bigint NOT NULL
subscription_period.settled_currency text NOT NULL
subscription_period.settled_net_minor bigint NOT NULL
subscription_period.recognised_days integer NOT NULL DEFAULT 0
subscription_period.ended_on date
subscription_period.refunded_minor bigint NOT NULL DEFAULT 0
subscription_period.granted integer NOT NULL
subscription_period.held integer NOT NULL DEFAULT 0
subscription_period.captured integer NOT NULL DEFAULT 0
subscription_period.paid_at timestamp with time zone NOT NULL
subscription_period.recorded_at timestamp with time zone NOT NULL DEFAULT now()
subscription_period.offer_version integer NOT NULL DEFAULT 1
subscription_period.agreed_at timestamp with time zone
subscription_period.credited_from text
subscription_period.credited_minor bigint NOT NULL DEFAULT 0
succession.id text NOT NULL
succession.owner_account_id text NOT NULL
succession.canonical text NOT NULL
succession.digest text NOT NULL
succession.drafted_at timestamp with time zone NOT NULL
succession.recorded_at timestamp with time zone NOT NULL DEFAULT now()
succession_signature.succession_id text NOT NULL
succession_signature.account_id text NOT NULL
succession_signature.signed_document_id text NOT NULL
succession_signature.signed_at timestamp with time zone NOT NULL
succession_signature.recorded_at timestamp with time zone NOT NULL DEFAULT now()
tax_profile.id text NOT NULL
tax_profile.payee text NOT NULL
tax_profile.rate_basis_points integer NOT NULL
tax_profile.reference text NOT NULL
tax_profile.valid_from date NOT NULL
tax_profile.set_by text NOT NULL
tax_profile.set_at timestamp with time zone NOT NULL
tax_profile.recorded_at timestamp with time zone NOT NULL DEFAULT now()
tier.id text NOT NULL
tier.clone_id text NOT NULL
tier.name text NOT NULL
tier.stripe_product text
tier.created_by text NOT NULL
tier.created_at timestamp with time zone NOT NULL
tier.recorded_at timestamp with time zone NOT NULL DEFAULT now()
tier.kind text NOT NULL
tier.removed_at timestamp with time zone
tier.withdrawn_below integer NOT NULL DEFAULT 1
tier_offer.clone_id text NOT NULL
tier_offer.tier_id text NOT NULL
tier_offer.kind text NOT NULL
tier_offer.version integer NOT NULL
tier_offer.currency text NOT NULL
tier_offer.price_minor bigint NOT NULL
tier_offer.year_price_minor bigint
tier_offer.outputs_per_period integer
tier_offer.capabilities text[] NOT NULL
tier_offer.instant_replies boolean NOT NULL
tier_offer.created_by text NOT NULL
tier_offer.created_at timestamp with time zone NOT NULL
tier_offer.recorded_at timestamp with time zone NOT NULL DEFAULT now()
tier_offer_price.tier_id text NOT NULL
tier_offer_price.version integer NOT NULL
tier_offer_price.interval text NOT NULL
tier_offer_price.stripe_price text NOT NULL
tier_offer_price.recorded_at timestamp with time zone NOT NULL DEFAULT now()
undivided_return.transfer_id text NOT NULL
undivided_return.clone_id text NOT NULL
undivided_return.recorded_at timestamp with time zone NOT NULL DEFAULT now()
wind_down.stop_id text NOT NULL
wind_down.clone_id text NOT NULL
wind_down.scope text NOT NULL
wind_down.gate_id text NOT NULL
wind_down.quote_id text NOT NULL
wind_down.signed_document_id text NOT NULL
wind_down.leaf_id text NOT NULL
wind_down.ordered_by text NOT NULL
wind_down.ordered_at timestamp with time zone NOT NULL
wind_down.ends_at timestamp with time zone NOT NULL
wind_down.recorded_at timestamp with time zone NOT NULL DEFAULT now()

-- Constraints

account: account_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
account: account_display_name_check CHECK (((length(display_name) >= 1) AND (length(display_name) <= 80)))
account: account_locale_check CHECK ((locale = ANY (ARRAY['zh-CN'::text, 'en'::text])))
account: account_pkey PRIMARY KEY (id)
account_role: account_role_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
account_role: account_role_invitation_id_key UNIQUE (invitation_id)
account_role: account_role_invitation_id_role_account_id_fkey FOREIGN KEY (invitation_id, role, account_id) REFERENCES invitation(id, role, accepted_by)
account_role: account_role_pkey PRIMARY KEY (account_id, role)
account_role: account_role_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'reviewer'::text, 'payee'::text])))
advance: advance_amount_minor_check CHECK ((amount_minor > 0))
advance: advance_base_check CHECK ((base = ANY (ARRAY['pot'::text, 'share'::text])))
advance: advance_check CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
advance: advance_check1 CHECK (((state = 'draft'::text) = ((signed_at IS NULL) AND (record IS NULL) AND (leaf_id IS NULL))))
advance: advance_check2 CHECK (((state = 'ended'::text) = (ended_on IS NOT NULL)))
advance: advance_check3 CHECK (((payout_id IS NULL) OR (state <> 'draft'::text)))
advance: advance_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
advance: advance_id_check CHECK ((id ~ '^adv_'::text))
advance: advance_payee_fkey FOREIGN KEY (payee) REFERENCES account(id)
advance: advance_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id)
advance: advance_pkey PRIMARY KEY (id)
advance: advance_rate_basis_points_check CHECK (((rate_basis_points >= 1) AND (rate_basis_points <= 10000)))
advance: advance_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'signed'::text, 'ended'::text])))
advance: advance_written_off_minor_check CHECK ((written_off_minor >= 0))
advance_clone: advance_clone_advance_id_fkey FOREIGN KEY (advance_id) REFERENCES advance(id)
advance_clone: advance_clone_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
advance_clone: advance_clone_pkey PRIMARY KEY (advance_id, clone_id)
advance_recoupment: advance_recoupment_advance_id_fkey FOREIGN KEY (advance_id) REFERENCES advance(id)
advance_recoupment: advance_recoupment_amount_minor_check CHECK ((amount_minor > 0))
advance_recoupment: advance_recoupment_base_minor_check CHECK ((base_minor > 0))
advance_recoupment: advance_recoupment_pkey PRIMARY KEY (advance_id, run_id)
advance_recoupment: advance_recoupment_run_id_fkey FOREIGN KEY (run_id) REFERENCES royalty_run(id) DEFERRABLE INITIALLY DEFERRED
advance_recoupment: advance_recoupment_transfer_id_key UNIQUE (transfer_id)
advance_restoration: advance_restoration_advance_id_run_id_fkey FOREIGN KEY (advance_id, run_id) REFERENCES advance_recoupment(advance_id, run_id)
advance_restoration: advance_restoration_amount_minor_check CHECK ((amount_minor > 0))
advance_restoration: advance_restoration_pkey PRIMARY KEY (advance_id, run_id, cause_id)
advance_restoration: advance_restoration_transfer_id_key UNIQUE (transfer_id)
advance_signature: advance_signature_advance_id_fkey FOREIGN KEY (advance_id) REFERENCES advance(id)
advance_signature: advance_signature_pkey PRIMARY KEY (advance_id, signer)
advance_signature: advance_signature_signed_document_id_fkey FOREIGN KEY (signed_document_id) REFERENCES signed_document(id)
advance_signature: advance_signature_signed_document_id_key UNIQUE (signed_document_id)
amendment_offer: amendment_offer_grant_id_digest_fkey FOREIGN KEY (grant_id, digest) REFERENCES consent_grant_draft(grant_id, digest)
amendment_offer: amendment_offer_pkey PRIMARY KEY (grant_id, digest, account_id)
amendment_offer: amendment_offer_signed_document_id_account_id_fkey FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document(id, account_id)
amendment_offer: amendment_offer_signed_document_id_digest_fkey FOREIGN KEY (signed_document_id, digest) REFERENCES signed_document(id, digest)
amendment_offer: amendment_offer_signed_document_id_key UNIQUE (signed_document_id)
amendment_withdrawal: amendment_withdrawal_grant_id_digest_fkey FOREIGN KEY (grant_id, digest) REFERENCES consent_grant_draft(grant_id, digest)
amendment_withdrawal: amendment_withdrawal_pkey PRIMARY KEY (grant_id, digest)
amendment_withdrawal: amendment_withdrawal_withdrawn_by_fkey FOREIGN KEY (withdrawn_by) REFERENCES account(id)
bank_payout: bank_payout_amount_minor_check CHECK ((amount_minor > 0))
bank_payout: bank_payout_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
bank_payout: bank_payout_failure_check CHECK ((failure <> ''::text))
bank_payout: bank_payout_pkey PRIMARY KEY (stripe_payout)
bank_payout: bank_payout_stripe_account_fkey FOREIGN KEY (stripe_account) REFERENCES payout_account(stripe_account)
bank_take_back: bank_take_back_amount_minor_check CHECK ((amount_minor > 0))
bank_take_back: bank_take_back_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id)
bank_take_back: bank_take_back_pkey PRIMARY KEY (stripe_payout, payout_id)
bank_take_back: bank_take_back_stripe_payout_fkey FOREIGN KEY (stripe_payout) REFERENCES bank_payout(stripe_payout)
bank_take_back_try: bank_take_back_try_pkey PRIMARY KEY (stripe_payout, payout_id)
bank_take_back_try: bank_take_back_try_stripe_payout_payout_id_fkey FOREIGN KEY (stripe_payout, payout_id) REFERENCES bank_take_back(stripe_payout, payout_id)
billing_customer: billing_customer_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
billing_customer: billing_customer_pkey PRIMARY KEY (account_id)
billing_customer: billing_customer_stripe_customer_key UNIQUE (stripe_customer)
billing_grace: billing_grace_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
billing_grace: billing_grace_pkey PRIMARY KEY (clone_id)
billing_sales_end: billing_sales_end_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
billing_sales_end: billing_sales_end_pkey PRIMARY KEY (stop_id)
billing_stop: billing_stop_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
billing_stop: billing_stop_pkey PRIMARY KEY (stop_id)
billing_stop: billing_stop_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 100)))
capability_pause: capability_pause_check CHECK ((to_at >= from_at))
capability_pause: capability_pause_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
capability_pause: capability_pause_pkey PRIMARY KEY (id)
capability_stop: capability_stop_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
capability_stop: capability_stop_pkey PRIMARY KEY (stop_id)
capability_stop: capability_stop_stop_id_fkey FOREIGN KEY (stop_id) REFERENCES billing_stop(stop_id)
challenge: challenge_challenge_check CHECK ((octet_length(challenge) = 32))
challenge: challenge_challenge_key UNIQUE (challenge)
challenge: challenge_check CHECK (((account_id IS NULL) = (purpose = 'login'::text)))
challenge: challenge_check1 CHECK ((expires_at > issued_at))
challenge: challenge_check2 CHECK ((used_at < expires_at))
challenge: challenge_pkey PRIMARY KEY (id)
challenge: challenge_purpose_check CHECK ((purpose = ANY (ARRAY['registration'::text, 'login'::text, 'signing'::text])))
clone: clone_handle_check CHECK ((handle ~ '^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$'::text))
clone: clone_handle_key UNIQUE (handle)
clone: clone_id_ownership_proof_id_key UNIQUE (id, ownership_proof_id)
clone: clone_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80)))
clone: clone_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
clone: clone_pkey PRIMARY KEY (id)
clone: clone_stands_on_own_proof FOREIGN KEY (ownership_proof_id, owner_account_id) REFERENCES ownership_proof(id, account_id)
clone_material: clone_material_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
clone_material: clone_material_clone_id_id_key UNIQUE (clone_id, id)
clone_material: clone_material_clone_id_kind_number_key UNIQUE (clone_id, kind, number)
clone_material: clone_material_digest_check CHECK ((digest ~ '^[0-9a-f]{64}$'::text))
clone_material: clone_material_kind_check CHECK ((kind = ANY (ARRAY['voice'::text, 'persona'::text])))
clone_material: clone_material_number_check CHECK ((number > 0))
clone_material: clone_material_pkey PRIMARY KEY (id)
clone_pause: clone_pause_check CHECK ((to_at >= from_at))
clone_pause: clone_pause_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
clone_pause: clone_pause_pkey PRIMARY KEY (id)
clone_version: clone_version_check CHECK (((state <> 'approved'::text) OR ((approved_at IS NOT NULL) AND (signed_document_id IS NOT NULL))))
clone_version: clone_version_check1 CHECK (((state <> 'withdrawn'::text) OR (withdrawn_at IS NOT NULL)))
clone_version: clone_version_clone_id_number_key UNIQUE (clone_id, number)
clone_version: clone_version_clone_id_ownership_proof_id_fkey FOREIGN KEY (clone_id, ownership_proof_id) REFERENCES clone(id, ownership_proof_id) ON UPDATE CASCADE
clone_version: clone_version_clone_id_persona_material_id_fkey FOREIGN KEY (clone_id, persona_material_id) REFERENCES clone_material(clone_id, id)
clone_version: clone_version_clone_id_voice_material_id_fkey FOREIGN KEY (clone_id, voice_material_id) REFERENCES clone_material(clone_id, id)
clone_version: clone_version_document_digest_check CHECK ((document_digest ~ '^[0-9a-f]{64}$'::text))
clone_version: clone_version_languages_check CHECK ((cardinality(languages) > 0))
clone_version: clone_version_needs_proof FOREIGN KEY (ownership_proof_id, needed_proof_state) REFERENCES ownership_proof(id, state)
clone_version: clone_version_number_check CHECK ((number > 0))
clone_version: clone_version_pkey PRIMARY KEY (id)
clone_version: clone_version_signed_as_it_is FOREIGN KEY (signed_document_id, document_digest) REFERENCES signed_document(id, digest)
clone_version: clone_version_signed_document_id_key UNIQUE (signed_document_id)
clone_version: clone_version_speaker_check CHECK ((cardinality(speaker) = 8))
clone_version: clone_version_state_known CHECK ((state = ANY (ARRAY['draft'::text, 'approved'::text, 'suspended'::text, 'withdrawn'::text])))
clone_version: clone_version_suspended_after_approval CHECK (((state <> 'suspended'::text) OR ((suspended_at IS NOT NULL) AND (approved_at IS NOT NULL) AND (signed_document_id IS NOT NULL))))
coin_loss: coin_loss_coins_lost_check CHECK ((NOT isempty(coins_lost)))
coin_loss: coin_loss_dispute_id_fkey FOREIGN KEY (dispute_id) REFERENCES dispute(id)
coin_loss: coin_loss_pkey PRIMARY KEY (dispute_id, spend_id, lot_id)
coin_loss: coin_loss_spend_id_lot_id_fkey FOREIGN KEY (spend_id, lot_id) REFERENCES coin_spend_part(spend_id, lot_id)
coin_lot: coin_lot_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
coin_lot: coin_lot_account_id_id_key UNIQUE (account_id, id)
coin_lot: coin_lot_adds_up CHECK (((free <@ int8multirange(int8range((0)::bigint, coins))) AND (left_coins = coin_count(free)) AND (left_net_minor = coin_share(net_minor, coins, free)) AND (left_tax_minor = coin_share(tax_minor, coins, free)) AND (left_fee_minor = coin_share(fee_minor, coins, free))))
coin_lot: coin_lot_basis CHECK ((net_minor >= coins))
coin_lot: coin_lot_billing_country_check CHECK ((billing_country ~ '^[A-Z]{2}$'::text))
coin_lot: coin_lot_coins_check CHECK (((coins >= 1) AND (coins <= 100000000)))
coin_lot: coin_lot_currency_check CHECK ((currency = 'CNY'::text))
coin_lot: coin_lot_empty_has_no_basis CHECK (((left_coins > 0) OR ((left_net_minor = 0) AND (left_tax_minor = 0) AND (left_fee_minor = 0))))
coin_lot: coin_lot_fee_minor_check CHECK ((fee_minor >= 0))
coin_lot: coin_lot_has_twin TRIGGER DEFERRABLE INITIALLY DEFERRED
coin_lot: coin_lot_id_check CHECK ((id ~ '^lot_'::text))
coin_lot: coin_lot_not_below_zero CHECK (((left_coins >= 0) AND (left_net_minor >= 0) AND (left_tax_minor >= 0) AND (left_fee_minor >= 0)))
coin_lot: coin_lot_pkey PRIMARY KEY (id)
coin_lot: coin_lot_purchase_id_fkey FOREIGN KEY (purchase_id) REFERENCES coin_purchase(id)
coin_lot: coin_lot_purchase_id_key UNIQUE (purchase_id)
coin_lot: coin_lot_state_check CHECK ((state = ANY (ARRAY['open'::text, 'disputed'::text, 'lost'::text])))
coin_lot: coin_lot_stripe_charge_key UNIQUE (stripe_charge)
coin_lot: coin_lot_tax_minor_check CHECK ((tax_minor >= 0))
coin_purchase: coin_purchase_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
coin_purchase: coin_purchase_check CHECK (((coins * 100) = (price_minor * 7)))
coin_purchase: coin_purchase_check1 CHECK (((state <> 'checkout'::text) OR ((stripe_session IS NOT NULL) AND (checkout_url IS NOT NULL))))
coin_purchase: coin_purchase_coins_check CHECK (((coins >= 1) AND (coins <= 100000000)))
coin_purchase: coin_purchase_currency_check CHECK ((currency = 'CNY'::text))
coin_purchase: coin_purchase_id_check CHECK ((id ~ '^cpu_'::text))
coin_purchase: coin_purchase_pkey PRIMARY KEY (id)
coin_purchase: coin_purchase_price_minor_check CHECK (((price_minor >= 1) AND (price_minor <= 99999999)))
coin_purchase: coin_purchase_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'checkout'::text, 'paid'::text, 'expired'::text])))
coin_purchase: coin_purchase_stripe_session_key UNIQUE (stripe_session)
coin_restore: coin_restore_coins_given_check CHECK ((NOT isempty(coins_given)))
coin_restore: coin_restore_pkey PRIMARY KEY (refund_id, spend_id, lot_id)
coin_restore: coin_restore_spend_id_lot_id_fkey FOREIGN KEY (spend_id, lot_id) REFERENCES coin_spend_part(spend_id, lot_id)
coin_restore: coin_restore_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES ledger_transfer(id)
coin_return: coin_return_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
coin_return: coin_return_check CHECK (((state = 'pending'::text) = (settled_at IS NULL)))
coin_return: coin_return_check1 CHECK (((state = 'failed'::text) = (failure IS NOT NULL)))
coin_return: coin_return_check2 CHECK (((state <> 'succeeded'::text) OR ((stripe_refund IS NOT NULL) AND (settled_currency IS NOT NULL) AND (settled_minor IS NOT NULL))))
coin_return: coin_return_gross_minor_check CHECK ((gross_minor > 0))
coin_return: coin_return_id_check CHECK ((id ~ '^rfd_'::text))
coin_return: coin_return_lot_id_fkey FOREIGN KEY (lot_id) REFERENCES coin_lot(id)
coin_return: coin_return_pkey PRIMARY KEY (id)
coin_return: coin_return_spend_id_fkey FOREIGN KEY (spend_id) REFERENCES coin_spend(id)
coin_return: coin_return_spend_id_key UNIQUE (spend_id)
coin_return: coin_return_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text])))
coin_return: coin_return_stripe_refund_key UNIQUE (stripe_refund)
coin_spend: coin_spend_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
coin_spend: coin_spend_check CHECK ((net_minor >= coins))
coin_spend: coin_spend_check1 CHECK (((purpose = ANY (ARRAY['output'::text, 'month'::text])) = ((clone_id IS NOT NULL) AND (tier_id IS NOT NULL))))
coin_spend: coin_spend_check2 CHECK (((purpose = 'output'::text) = (output_id IS NOT NULL)))
coin_spend: coin_spend_check3 CHECK (((state = 'captured'::text) = (captured_for IS NOT NULL)))
coin_spend: coin_spend_check4 CHECK (((state = 'voided'::text) = (void_reason IS NOT NULL)))
coin_spend: coin_spend_check5 CHECK (((state = 'held'::text) = ((settled_at IS NULL) AND (settled_transfer IS NULL))))
coin_spend: coin_spend_clone_id_tier_id_fkey FOREIGN KEY (clone_id, tier_id) REFERENCES tier(clone_id, id)
coin_spend: coin_spend_coins_check CHECK ((coins > 0))
coin_spend: coin_spend_fee_minor_check CHECK ((fee_minor >= 0))
coin_spend: coin_spend_has_twin TRIGGER DEFERRABLE INITIALLY DEFERRED
coin_spend: coin_spend_held_transfer_fkey FOREIGN KEY (held_transfer) REFERENCES ledger_transfer(id)
coin_spend: coin_spend_held_transfer_key UNIQUE (held_transfer)
coin_spend: coin_spend_id_check CHECK ((id ~ '^hld_'::text))
coin_spend: coin_spend_output_id_key UNIQUE (output_id)
coin_spend: coin_spend_pkey PRIMARY KEY (id)
coin_spend: coin_spend_purpose_check CHECK ((purpose = ANY (ARRAY['output'::text, 'month'::text, 'return'::text, 'dispute'::text])))
coin_spend: coin_spend_settled_transfer_fkey FOREIGN KEY (settled_transfer) REFERENCES ledger_transfer(id)
coin_spend: coin_spend_settled_transfer_key UNIQUE (settled_transfer)
coin_spend: coin_spend_state_check CHECK ((state = ANY (ARRAY['held'::text, 'captured'::text, 'voided'::text])))
coin_spend: coin_spend_tax_minor_check CHECK ((tax_minor >= 0))
coin_spend_part: coin_lost_was_taken CHECK (((lost <@ taken) AND (NOT (lost && given))))
coin_spend_part: coin_spend_part_check CHECK ((given <@ taken))
coin_spend_part: coin_spend_part_lot_id_fkey FOREIGN KEY (lot_id) REFERENCES coin_lot(id)
coin_spend_part: coin_spend_part_pkey PRIMARY KEY (spend_id, lot_id)
coin_spend_part: coin_spend_part_spend_id_fkey FOREIGN KEY (spend_id) REFERENCES coin_spend(id)
coin_spend_part: coin_spend_part_taken_check CHECK ((NOT isempty(taken)))
consent_contract: consent_contract_bytes_check CHECK (((octet_length(bytes) >= 1) AND (octet_length(bytes) <= 16777216)))
consent_contract: consent_contract_grant_id_digest_fkey FOREIGN KEY (grant_id, digest) REFERENCES consent_grant_draft(grant_id, digest)
consent_contract: consent_contract_is_its_digest CHECK ((sha256 = encode(sha256(bytes), 'hex'::text)))
consent_contract: consent_contract_pkey PRIMARY KEY (grant_id, digest)
consent_grant: consent_grant_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
consent_grant: consent_grant_clone_id_id_key UNIQUE (clone_id, id)
consent_grant: consent_grant_id_check CHECK ((id ~ '^grt_'::text))
consent_grant: consent_grant_licensee_check CHECK ((licensee = 'platform'::text))
consent_grant: consent_grant_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
consent_grant: consent_grant_pkey PRIMARY KEY (id)
consent_grant: consent_grant_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'signed'::text, 'revoked'::text, 'expired'::text])))
consent_grant_draft: consent_grant_draft_check CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
consent_grant_draft: consent_grant_draft_check1 CHECK (((version = 1) = (supersedes IS NULL)))
consent_grant_draft: consent_grant_draft_grant_id_digest_version_key UNIQUE (grant_id, digest, version)
consent_grant_draft: consent_grant_draft_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES consent_grant(id)
consent_grant_draft: consent_grant_draft_is_the_document CHECK (((((canonical)::jsonb ->> 'grantId'::text) = grant_id) AND (((canonical)::jsonb -> 'version'::text) = to_jsonb(version)) AND (NOT (((canonical)::jsonb ->> 'supersedes'::text) IS DISTINCT FROM supersedes))))
consent_grant_draft: consent_grant_draft_pkey PRIMARY KEY (grant_id, digest)
consent_grant_draft: consent_grant_draft_version_check CHECK ((version >= 1))
consent_grant_revocation: consent_grant_revocation_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES consent_grant(id)
consent_grant_revocation: consent_grant_revocation_pkey PRIMARY KEY (grant_id)
consent_grant_revocation: consent_grant_revocation_signed_document_id_fkey FOREIGN KEY (signed_document_id) REFERENCES signed_document(id)
consent_grant_revocation: consent_grant_revocation_signed_document_id_key UNIQUE (signed_document_id)
consent_grant_signature: consent_grant_signature_grant_id_digest_version_fkey FOREIGN KEY (grant_id, digest, version) REFERENCES consent_grant_draft(grant_id, digest, version)
consent_grant_signature: consent_grant_signature_grant_id_previous_fkey FOREIGN KEY (grant_id, previous) REFERENCES consent_grant_signature(grant_id, version)
consent_grant_signature: consent_grant_signature_pkey PRIMARY KEY (grant_id, version)
consent_grant_signature: consent_grant_signature_signed_document_id_fkey FOREIGN KEY (signed_document_id) REFERENCES signed_document(id)
consent_grant_signature: consent_grant_signature_signed_document_id_key UNIQUE (signed_document_id)
consent_volume_use: consent_volume_use_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES consent_grant(id)
consent_volume_use: consent_volume_use_licence_id_fkey FOREIGN KEY (licence_id) REFERENCES licence(id)
consent_volume_use: consent_volume_use_milliseconds_check CHECK ((milliseconds >= 0))
consent_volume_use: consent_volume_use_pkey PRIMARY KEY (subject_id)
consent_volume_use: consent_volume_use_state_check CHECK ((state = ANY (ARRAY['taken'::text, 'given_back'::text])))
counter_notice: counter_notice_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES notice(id)
counter_notice: counter_notice_pkey PRIMARY KEY (notice_id)
counter_notice: counter_notice_signed_by_its_account FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document(id, account_id)
counter_notice: counter_notice_signed_document_id_key UNIQUE (signed_document_id)
credential: credential_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
credential: credential_algorithm_check CHECK ((algorithm = ANY (ARRAY['-7'::integer, '-8'::integer, '-257'::integer])))
credential: credential_check CHECK ((backup_eligible OR (NOT backed_up)))
credential: credential_id_account_id_key UNIQUE (id, account_id)
credential: credential_id_check CHECK (((id ~ '^[A-Za-z0-9_-]+$'::text) AND (length(id) <= 1364)))
credential: credential_pkey PRIMARY KEY (id)
credential: credential_sign_count_check CHECK (((sign_count >= 0) AND (sign_count <= '4294967295'::bigint)))
currency: currency_code_check CHECK ((code ~ '^[A-Z]{3,4}$'::text))
currency: currency_exponent_check CHECK (((exponent >= 0) AND (exponent <= 4)))
currency: currency_pkey PRIMARY KEY (code)
currency_carried: currency_carried_check CHECK ((settled <> claim))
currency_carried: currency_carried_check1 CHECK (((claim_minor <> 0) OR (worth_minor = 0)))
currency_carried: currency_carried_claim_fkey FOREIGN KEY (claim) REFERENCES currency(code)
currency_carried: currency_carried_pkey PRIMARY KEY ("position", claim, settled)
currency_carried: currency_carried_position_check CHECK (("position" > 0))
currency_carried: currency_carried_settled_fkey FOREIGN KEY (settled) REFERENCES currency(code)
currency_conversion: currency_conversion_check CHECK ((to_currency <> from_currency))
currency_conversion: currency_conversion_from_currency_fkey FOREIGN KEY (from_currency) REFERENCES currency(code)
currency_conversion: currency_conversion_from_minor_check CHECK ((from_minor > 0))
currency_conversion: currency_conversion_id_check CHECK ((id ~ '^cnv_'::text))
currency_conversion: currency_conversion_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id)
currency_conversion: currency_conversion_payout_id_key UNIQUE (payout_id)
currency_conversion: currency_conversion_pkey PRIMARY KEY (id)
currency_conversion: currency_conversion_rate_check CHECK ((rate ~ '^[0-9]+([.][0-9]+)?$'::text))
currency_conversion: currency_conversion_to_currency_fkey FOREIGN KEY (to_currency) REFERENCES currency(code)
currency_conversion: currency_conversion_to_minor_check CHECK ((to_minor > 0))
database_confirmation: database_confirmation_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
database_confirmation: database_confirmation_distrust_id_fkey FOREIGN KEY (distrust_id) REFERENCES database_distrust(id)
database_confirmation: database_confirmation_log_size_check CHECK ((log_size >= 0))
database_confirmation: database_confirmation_pkey PRIMARY KEY (distrust_id, account_id)
database_distrust: database_distrust_id_check CHECK ((id ~ '^dtr_'::text))
database_distrust: database_distrust_pkey PRIMARY KEY (id)
database_distrust: database_distrust_what_check CHECK ((what = ANY (ARRAY['system'::text, 'timeline'::text, 'epoch'::text, 'stops'::text])))
database_timeline: database_timeline_pkey PRIMARY KEY (system_identifier, timeline)
database_timeline: database_timeline_timeline_check CHECK ((timeline >= 1))
death_case: death_case_check CHECK (((waiting_until IS NOT NULL) = (state = ANY (ARRAY['waiting'::text, 'settled'::text]))))
death_case: death_case_id_check CHECK ((id ~ '^dth_'::text))
death_case: death_case_pkey PRIMARY KEY (id)
death_case: death_case_reported_by_fkey FOREIGN KEY (reported_by) REFERENCES account(id)
death_case: death_case_round_check CHECK ((round >= 0))
death_case: death_case_signed_document_id_key UNIQUE (signed_document_id)
death_case: death_case_signed_document_id_reported_by_fkey FOREIGN KEY (signed_document_id, reported_by) REFERENCES signed_document(id, account_id)
death_case: death_case_state_check CHECK ((state = ANY (ARRAY['reported'::text, 'frozen'::text, 'waiting'::text, 'disputed'::text, 'settled'::text, 'dismissed'::text, 'undone'::text])))
death_case: death_case_succession_id_owner_account_id_fkey FOREIGN KEY (succession_id, owner_account_id) REFERENCES succession(id, owner_account_id)
death_dissent: death_dissent_case_id_fkey FOREIGN KEY (case_id) REFERENCES death_case(id)
death_dissent: death_dissent_heir_fkey FOREIGN KEY (heir) REFERENCES account(id)
death_dissent: death_dissent_pkey PRIMARY KEY (case_id, heir)
death_dissent: death_dissent_text_check CHECK (((length(text) >= 1) AND (length(text) <= 2000)))
death_end: death_end_case_id_fkey FOREIGN KEY (case_id) REFERENCES death_case(id)
death_end: death_end_life_document_id_fkey FOREIGN KEY (life_document_id) REFERENCES signed_document(id)
death_end: death_end_life_document_id_key UNIQUE (life_document_id)
death_end: death_end_pkey PRIMARY KEY (case_id)
death_paper: death_paper_id_check CHECK ((id ~ '^dpp_'::text))
death_paper: death_paper_nonce_check CHECK ((octet_length(nonce) = 12))
death_paper: death_paper_nonce_key UNIQUE (nonce)
death_paper: death_paper_pkey PRIMARY KEY (id)
death_paper: death_paper_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
death_paper: death_paper_succession_id_fkey FOREIGN KEY (succession_id) REFERENCES succession(id)
death_paper: death_paper_tag_check CHECK ((octet_length(tag) = 16))
death_paper: death_paper_uploaded_by_fkey FOREIGN KEY (uploaded_by) REFERENCES account(id)
death_paper_destruction: death_paper_destruction_paper_id_fkey FOREIGN KEY (paper_id) REFERENCES death_paper(id)
death_paper_destruction: death_paper_destruction_pkey PRIMARY KEY (paper_id)
death_paper_key: death_paper_key_key_check CHECK ((octet_length(key) = 32))
death_paper_key: death_paper_key_paper_id_fkey FOREIGN KEY (paper_id) REFERENCES death_paper(id)
death_paper_key: death_paper_key_pkey PRIMARY KEY (paper_id)
death_paper_view: death_paper_view_paper_id_fkey FOREIGN KEY (paper_id) REFERENCES death_paper(id)
death_paper_view: death_paper_view_pkey PRIMARY KEY (id)
death_paper_view: death_paper_view_viewer_fkey FOREIGN KEY (viewer) REFERENCES account(id)
death_review: death_review_case_id_fkey FOREIGN KEY (case_id) REFERENCES death_case(id)
death_review: death_review_check CHECK (((verdict = 'reject'::text) = (reason_code IS NOT NULL)))
death_review: death_review_pkey PRIMARY KEY (case_id, round, reviewer)
death_review: death_review_reason_code_check CHECK ((reason_code = ANY (ARRAY['paper_unreadable'::text, 'paper_forged'::text, 'person_differs'::text, 'person_alive'::text, 'heir_differs'::text])))
death_review: death_review_reviewer_fkey FOREIGN KEY (reviewer) REFERENCES account(id)
death_review: death_review_text_check CHECK ((length(text) <= 2000))
death_review: death_review_verdict_check CHECK ((verdict = ANY (ARRAY['approve'::text, 'reject'::text])))
decision: decision_clauses_check CHECK ((cardinality(clauses) >= 1))
decision: decision_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
decision: decision_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES consent_grant(id)
decision: decision_id_check CHECK ((id ~ '^dec_'::text))
decision: decision_pkey PRIMARY KEY (id)
decision: decision_requester_fkey FOREIGN KEY (requester) REFERENCES account(id)
delegated_act: delegated_act_actor_fkey FOREIGN KEY (actor) REFERENCES account(id)
delegated_act: delegated_act_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
delegated_act: delegated_act_delegation_id_fkey FOREIGN KEY (delegation_id) REFERENCES delegation(id)
delegated_act: delegated_act_pkey PRIMARY KEY (id)
delegated_act: delegated_act_subject_id_check CHECK ((subject_id <> ''::text))
delegation: delegation_agent_account_id_fkey FOREIGN KEY (agent_account_id) REFERENCES account(id)
delegation: delegation_check CHECK ((agent_account_id <> owner_account_id))
delegation: delegation_check1 CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
delegation: delegation_id_check CHECK ((id ~ '^dlg_'::text))
delegation: delegation_is_the_document CHECK (((((canonical)::jsonb ->> 'delegationId'::text) = id) AND (((canonical)::jsonb #>> '{owner,accountId}'::text[]) = owner_account_id) AND (((canonical)::jsonb #>> '{agent,accountId}'::text[]) = agent_account_id)))
delegation: delegation_never CHECK ((NOT (((canonical)::jsonb -> 'verbs'::text) ?| ARRAY['orderStop'::text, 'signGrant'::text, 'revokeGrant'::text, 'draftDelegation'::text, 'signDelegation'::text, 'endDelegation'::text, 'draftSuccession'::text, 'signSuccession'::text])))
delegation: delegation_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
delegation: delegation_pkey PRIMARY KEY (id)
delegation_end: delegation_end_delegation_id_fkey FOREIGN KEY (delegation_id) REFERENCES delegation(id)
delegation_end: delegation_end_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES account(id)
delegation_end: delegation_end_pkey PRIMARY KEY (delegation_id)
delegation_signature: delegation_signature_delegation_id_fkey FOREIGN KEY (delegation_id) REFERENCES delegation(id)
delegation_signature: delegation_signature_pkey PRIMARY KEY (delegation_id, account_id)
delegation_signature: delegation_signature_signed_document_id_account_id_fkey FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document(id, account_id)
delegation_signature: delegation_signature_signed_document_id_key UNIQUE (signed_document_id)
derivative_signature: derivative_signature_derivative_id_fkey FOREIGN KEY (derivative_id) REFERENCES derivative_term(id)
derivative_signature: derivative_signature_pkey PRIMARY KEY (derivative_id, signer)
derivative_signature: derivative_signature_signed_document_id_fkey FOREIGN KEY (signed_document_id) REFERENCES signed_document(id)
derivative_signature: derivative_signature_signed_document_id_key UNIQUE (signed_document_id)
derivative_signature: derivative_signature_signer_fkey FOREIGN KEY (signer) REFERENCES account(id)
derivative_term: derivative_term_check CHECK ((original_clone_id <> clone_id))
derivative_term: derivative_term_check1 CHECK ((original_owner_id <> derivative_owner_id))
derivative_term: derivative_term_check2 CHECK (((ceiling_basis_points >= upstream_basis_points) AND (ceiling_basis_points <= 9000)))
derivative_term: derivative_term_check3 CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
derivative_term: derivative_term_check4 CHECK (((state = 'signed'::text) = ((signed_at IS NOT NULL) AND (record IS NOT NULL) AND (leaf_id IS NOT NULL) AND (after_split IS NOT NULL))))
derivative_term: derivative_term_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
derivative_term: derivative_term_clone_id_number_key UNIQUE (clone_id, number)
derivative_term: derivative_term_derivative_owner_id_fkey FOREIGN KEY (derivative_owner_id) REFERENCES account(id)
derivative_term: derivative_term_id_check CHECK ((id ~ '^drv_'::text))
derivative_term: derivative_term_number_check CHECK ((number >= 1))
derivative_term: derivative_term_original_clone_id_fkey FOREIGN KEY (original_clone_id) REFERENCES clone(id)
derivative_term: derivative_term_original_owner_id_fkey FOREIGN KEY (original_owner_id) REFERENCES account(id)
derivative_term: derivative_term_pkey PRIMARY KEY (id)
derivative_term: derivative_term_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'signed'::text])))
derivative_term: derivative_term_upstream_basis_points_check CHECK (((upstream_basis_points >= 1) AND (upstream_basis_points <= 9000)))
dispute: dispute_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
dispute: dispute_amount_minor_check CHECK ((amount_minor > 0))
dispute: dispute_check CHECK (((claim_minor >= 0) AND (claim_minor <= amount_minor)))
dispute: dispute_check1 CHECK (((state = 'open'::text) = (closed_at IS NULL)))
dispute: dispute_currency_check CHECK ((currency = 'CNY'::text))
dispute: dispute_id_check CHECK (((length(id) >= 3) AND (length(id) <= 255)))
dispute: dispute_lot_id_fkey FOREIGN KEY (lot_id) REFERENCES coin_lot(id)
dispute: dispute_pkey PRIMARY KEY (id)
dispute: dispute_state_check CHECK ((state = ANY (ARRAY['open'::text, 'won'::text, 'lost'::text])))
enrolment_hold: enrolment_hold_check CHECK ((decided_at >= opened_at))
enrolment_hold: enrolment_hold_check1 CHECK (((kind = 'proof'::text) = (proof_id IS NOT NULL)))
enrolment_hold: enrolment_hold_check2 CHECK (((kind = 'proof'::text) = (clone_id IS NULL)))
enrolment_hold: enrolment_hold_check3 CHECK (((kind = 'voice'::text) = (material_id IS NOT NULL)))
enrolment_hold: enrolment_hold_check4 CHECK (((state = 'open'::text) = (decided_at IS NULL)))
enrolment_hold: enrolment_hold_check5 CHECK (((contest IS NULL) = (contested_at IS NULL)))
enrolment_hold: enrolment_hold_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
enrolment_hold: enrolment_hold_contest_check CHECK (((char_length(contest) >= 1) AND (char_length(contest) <= 2000)))
enrolment_hold: enrolment_hold_effect_check CHECK ((effect = ANY (ARRAY['holds'::text, 'flags'::text])))
enrolment_hold: enrolment_hold_enroller_id_fkey FOREIGN KEY (enroller_id) REFERENCES account(id)
enrolment_hold: enrolment_hold_id_check CHECK ((id ~ '^enh_'::text))
enrolment_hold: enrolment_hold_kind_check CHECK ((kind = ANY (ARRAY['proof'::text, 'clone'::text, 'voice'::text])))
enrolment_hold: enrolment_hold_material_id_fkey FOREIGN KEY (material_id) REFERENCES clone_material(id)
enrolment_hold: enrolment_hold_not_of_oneself CHECK ((enroller_id <> registrant_id))
enrolment_hold: enrolment_hold_pkey PRIMARY KEY (id)
enrolment_hold: enrolment_hold_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_proof(id)
enrolment_hold: enrolment_hold_refusal_id_kind_subject_id_key UNIQUE (refusal_id, kind, subject_id)
enrolment_hold: enrolment_hold_refusal_id_registrant_id_fkey FOREIGN KEY (refusal_id, registrant_id) REFERENCES refusal(id, account_id)
enrolment_hold: enrolment_hold_state_check CHECK ((state = ANY (ARRAY['open'::text, 'cleared'::text, 'upheld'::text, 'lapsed'::text])))
enrolment_hold_review: enrolment_hold_review_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role) REFERENCES account_role(account_id, role)
enrolment_hold_review: enrolment_hold_review_check CHECK ((reason_code = ANY (
CASE verdict
    WHEN 'clear'::text THEN ARRAY['different_person'::text, 'same_person'::text, 'registrant_consents'::text]
    ELSE ARRAY['impersonation'::text, 'consent_missing'::text]
END)))
enrolment_hold_review: enrolment_hold_review_hold_id_fkey FOREIGN KEY (hold_id) REFERENCES enrolment_hold(id)
enrolment_hold_review: enrolment_hold_review_pkey PRIMARY KEY (hold_id, reviewer_id)
enrolment_hold_review: enrolment_hold_review_text_check CHECK (((char_length(text) >= 1) AND (char_length(text) <= 2000)))
enrolment_hold_review: enrolment_hold_review_verdict_check CHECK ((verdict = ANY (ARRAY['clear'::text, 'uphold'::text])))
estate: estate_case_id_fkey FOREIGN KEY (case_id) REFERENCES death_case(id)
estate: estate_case_id_key UNIQUE (case_id)
estate: estate_check CHECK ((holder_account_id <> owner_account_id))
estate: estate_holder_account_id_fkey FOREIGN KEY (holder_account_id) REFERENCES account(id)
estate: estate_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
estate: estate_pkey PRIMARY KEY (owner_account_id)
free_quota: free_quota_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
free_quota: free_quota_captured_check CHECK ((captured >= 0))
free_quota: free_quota_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
free_quota: free_quota_clone_id_tier_id_offer_version_fkey FOREIGN KEY (clone_id, tier_id, offer_version) REFERENCES tier_offer(clone_id, tier_id, version)
free_quota: free_quota_granted_check CHECK ((granted >= 0))
free_quota: free_quota_held_check CHECK ((held >= 0))
free_quota: free_quota_limit CHECK (((held + captured) <= granted))
free_quota: free_quota_pkey PRIMARY KEY (clone_id, account_id)
gate: gate_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
gate: gate_epoch_check CHECK ((epoch >= 1))
gate: gate_id_check CHECK ((id ~ '^gat_'::text))
gate: gate_kind_check CHECK ((kind = ANY (ARRAY['platform'::text, 'clone'::text, 'capability'::text, 'grant'::text, 'licence'::text])))
gate: gate_of_grant FOREIGN KEY (clone_id, grant_id) REFERENCES consent_grant(clone_id, id)
gate: gate_of_licence FOREIGN KEY (clone_id, licence_id) REFERENCES licence(clone_id, id)
gate: gate_once UNIQUE NULLS NOT DISTINCT (clone_id, kind, capability, grant_id, licence_id)
gate: gate_pkey PRIMARY KEY (id)
gate: gate_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500)))
gate: gate_shape CHECK (
CASE kind
    WHEN 'platform'::text THEN (num_nonnulls(clone_id, capability, grant_id, licence_id) = 0)
    WHEN 'clone'::text THEN ((clone_id IS NOT NULL) AND (num_nonnulls(capability, grant_id, licence_id) = 0))
    WHEN 'capability'::text THEN ((num_nonnulls(clone_id, capability) = 2) AND (num_nonnulls(grant_id, licence_id) = 0))
    WHEN 'grant'::text THEN ((num_nonnulls(clone_id, grant_id) = 2) AND (num_nonnulls(capability, licence_id) = 0))
    WHEN 'licence'::text THEN ((num_nonnulls(clone_id, licence_id) = 2) AND (num_nonnulls(capability, grant_id) = 0))
    ELSE NULL::boolean
END)
gate: gate_state_check CHECK ((state = ANY (ARRAY['open'::text, 'paused'::text, 'stopped'::text])))
gate_change: gate_change_gate_id_fkey FOREIGN KEY (gate_id) REFERENCES gate(id)
gate_change: gate_change_pkey PRIMARY KEY (gate_id, epoch)
gate_hold: gate_hold_fact_check CHECK ((fact = ANY (ARRAY['placed'::text, 'lifted'::text])))
gate_hold: gate_hold_gate_id_fkey FOREIGN KEY (gate_id) REFERENCES gate(id)
gate_hold: gate_hold_holder_check CHECK (((holder ~ '^[a-z][a-z_]*(:[A-Za-z0-9_]+)?$'::text) AND (length(holder) <= 100)))
gate_hold: gate_hold_pkey PRIMARY KEY (gate_id, "position")
gate_hold: gate_hold_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500)))
gate_stop: gate_stop_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
gate_stop: gate_stop_gate_id_epoch_key UNIQUE (gate_id, epoch)
gate_stop: gate_stop_gate_id_fkey FOREIGN KEY (gate_id) REFERENCES gate(id)
gate_stop: gate_stop_id_check CHECK ((id ~ '^stp_'::text))
gate_stop: gate_stop_kind_check CHECK ((kind = ANY (ARRAY['pause'::text, 'wind_down'::text, 'existence'::text])))
gate_stop: gate_stop_number_check CHECK ((number >= 1))
gate_stop: gate_stop_number_key UNIQUE (number)
gate_stop: gate_stop_pkey PRIMARY KEY (id)
gate_stop: gate_stop_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500)))
gate_stop: gate_stop_releases_check CHECK ((releases >= 0))
gate_stop: gate_stop_scope CHECK (((scope = 'platform'::text) = (clone_id IS NULL)))
gate_stop: gate_stop_scope_check CHECK ((scope = ANY (ARRAY['platform'::text, 'clone'::text, 'capability'::text, 'grant'::text, 'licence'::text])))
gate_stop_confirmation: gate_stop_confirmation_bytes_check CHECK ((bytes >= 0))
gate_stop_confirmation: gate_stop_confirmation_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES gateway_lease(id)
gate_stop_confirmation: gate_stop_confirmation_pkey PRIMARY KEY (stop_id, gateway_id)
gate_stop_confirmation: gate_stop_confirmation_stop_id_fkey FOREIGN KEY (stop_id) REFERENCES gate_stop(id)
gate_stop_open: gate_stop_open_pkey PRIMARY KEY (stop_id)
gate_stop_open: gate_stop_open_stop_id_fkey FOREIGN KEY (stop_id) REFERENCES gate_stop(id)
gateway_lease: gateway_lease_id_check CHECK ((id ~ '^gwy_'::text))
gateway_lease: gateway_lease_pkey PRIMARY KEY (id)
gateway_lease: gateway_lease_process_check CHECK (((length(process) >= 1) AND (length(process) <= 200)))
gateway_lease: gateway_lease_state_check CHECK ((state = ANY (ARRAY['serving'::text, 'left'::text, 'expired'::text])))
goodwill_day: goodwill_day_pkey PRIMARY KEY (refund_id, day)
goodwill_day: goodwill_day_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES goodwill_refund(refund_id)
goodwill_leg: goodwill_leg_amount_natural CHECK (((amount_minor >= 0) OR (payee = 'platform'::text)))
goodwill_leg: goodwill_leg_pkey PRIMARY KEY (refund_id, pot_id, leg)
goodwill_leg: goodwill_leg_pot_id_leg_fkey FOREIGN KEY (pot_id, leg) REFERENCES royalty_pot_leg(pot_id, leg)
goodwill_leg: goodwill_leg_refund_id_pot_id_fkey FOREIGN KEY (refund_id, pot_id) REFERENCES goodwill_pot(refund_id, pot_id)
goodwill_leg: goodwill_leg_share_minor_check CHECK ((share_minor >= 0))
goodwill_payee: goodwill_payee_debt_minor_check CHECK ((debt_minor >= 0))
goodwill_payee: goodwill_payee_pkey PRIMARY KEY (refund_id, payee)
goodwill_payee: goodwill_payee_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES goodwill_refund(refund_id)
goodwill_payee: goodwill_payee_reserve_minor_check CHECK ((reserve_minor >= 0))
goodwill_payee: goodwill_payee_unpaid_natural CHECK (((unpaid_minor >= 0) OR (payee = 'platform'::text)))
goodwill_pot: goodwill_pot_natural CHECK (((net_minor >= 0) AND (tax_minor >= 0) AND (fee_minor >= 0) AND (base_minor >= 0)))
goodwill_pot: goodwill_pot_pkey PRIMARY KEY (refund_id, pot_id)
goodwill_pot: goodwill_pot_pot_id_fkey FOREIGN KEY (pot_id) REFERENCES royalty_pot(id)
goodwill_refund: goodwill_refund_check CHECK (((state = 'booked'::text) = (transfer_id IS NOT NULL)))
goodwill_refund: goodwill_refund_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
goodwill_refund: goodwill_refund_expense_minor_check CHECK ((expense_minor >= 0))
goodwill_refund: goodwill_refund_period_id_fkey FOREIGN KEY (period_id) REFERENCES subscription_period(id)
goodwill_refund: goodwill_refund_pkey PRIMARY KEY (refund_id)
goodwill_refund: goodwill_refund_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES refund(id)
goodwill_refund: goodwill_refund_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'booked'::text, 'failed'::text])))
goodwill_refund: goodwill_refund_transfer_id_key UNIQUE (transfer_id)
idempotency: idempotency_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
idempotency: idempotency_pkey PRIMARY KEY (scope, key)
invitation: invitation_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES account(id)
invitation: invitation_check CHECK ((expires_at > created_at))
invitation: invitation_check1 CHECK (((invited_by IS NOT NULL) OR (role = 'operator'::text)))
invitation: invitation_check2 CHECK (((accepted_by IS NULL) = (accepted_at IS NULL)))
invitation: invitation_check3 CHECK (((accepted_at IS NULL) OR ((withdrawn_at IS NULL) AND (accepted_at < expires_at))))
invitation: invitation_from_an_operator FOREIGN KEY (invited_by, inviter_role) REFERENCES account_role(account_id, role)
invitation: invitation_id_role_accepted_by_key UNIQUE (id, role, accepted_by)
invitation: invitation_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES account(id)
invitation: invitation_note_check CHECK ((length(note) <= 200))
invitation: invitation_pkey PRIMARY KEY (id)
invitation: invitation_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'reviewer'::text, 'payee'::text])))
invitation: invitation_token_hash_check CHECK ((octet_length(token_hash) = 32))
invitation: invitation_token_hash_key UNIQUE (token_hash)
job: job_attempts_check CHECK ((attempts >= 0))
job: job_dedupe_key_key UNIQUE (dedupe_key)
job: job_pkey PRIMARY KEY (id)
job: job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text])))
ledger_account: ledger_account_class_check CHECK ((class = ANY (ARRAY['asset'::text, 'liability'::text, 'income'::text, 'expense'::text])))
ledger_account: ledger_account_code_check CHECK ((code ~ '^[A-Za-z0-9_.:-]{1,200}$'::text))
ledger_account: ledger_account_code_key UNIQUE (code)
ledger_account: ledger_account_content_hash_check CHECK ((octet_length(content_hash) = 32))
ledger_account: ledger_account_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
ledger_account: ledger_account_floor_minor_check CHECK ((floor_minor <= 0))
ledger_account: ledger_account_floor_needs_guard CHECK ((guarded OR (floor_minor = 0)))
ledger_account: ledger_account_id_currency_key UNIQUE (id, currency)
ledger_account: ledger_account_pkey PRIMARY KEY (id)
ledger_adjustment: ledger_adjustment_effective_date_check CHECK (((effective_date >= '2000-01-01'::date) AND (effective_date <= '2199-12-31'::date)))
ledger_adjustment: ledger_adjustment_evidence_check CHECK (((length(evidence) >= 3) AND (length(evidence) <= 2000)))
ledger_adjustment: ledger_adjustment_legs_check CHECK (((jsonb_typeof(legs) = 'array'::text) AND ((jsonb_array_length(legs) >= 2) AND (jsonb_array_length(legs) <= 20))))
ledger_adjustment: ledger_adjustment_pkey PRIMARY KEY (id)
ledger_adjustment: ledger_adjustment_proposed_by_check CHECK ((proposed_by <> ''::text))
ledger_adjustment: ledger_adjustment_reason_check CHECK (((length(reason) >= 10) AND (length(reason) <= 500)))
ledger_adjustment_decision: ledger_adjustment_decision_adjustment_id_fkey FOREIGN KEY (adjustment_id) REFERENCES ledger_adjustment(id)
ledger_adjustment_decision: ledger_adjustment_decision_decided_by_check CHECK ((decided_by <> ''::text))
ledger_adjustment_decision: ledger_adjustment_decision_pkey PRIMARY KEY (adjustment_id)
ledger_adjustment_decision: ledger_adjustment_decision_verdict_check CHECK ((verdict = ANY (ARRAY['approved'::text, 'rejected'::text])))
ledger_adjustment_withdrawal: ledger_adjustment_withdrawal_adjustment_id_fkey FOREIGN KEY (adjustment_id) REFERENCES ledger_adjustment_decision(adjustment_id)
ledger_adjustment_withdrawal: ledger_adjustment_withdrawal_note_check CHECK (((length(note) >= 1) AND (length(note) <= 500)))
ledger_adjustment_withdrawal: ledger_adjustment_withdrawal_pkey PRIMARY KEY (adjustment_id)
ledger_adjustment_withdrawal: ledger_adjustment_withdrawal_withdrawn_by_check CHECK ((withdrawn_by <> ''::text))
ledger_balance_day: ledger_balance_day_check CHECK ((cardinality(sums_minor) = cardinality(days)))
ledger_balance_day: ledger_balance_day_pkey PRIMARY KEY (account_id, place)
ledger_balance_day: ledger_balance_day_place_check CHECK ((place >= 1))
ledger_balance_snapshot: ledger_balance_snapshot_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger_account(id)
ledger_balance_snapshot: ledger_balance_snapshot_pkey PRIMARY KEY (account_id, "position")
ledger_balance_snapshot: ledger_balance_snapshot_place_check CHECK ((place >= 0))
ledger_balance_snapshot: ledger_balance_snapshot_position_fkey FOREIGN KEY ("position") REFERENCES ledger_roll_up("position")
ledger_balance_snapshot: ledger_balance_snapshot_since_check CHECK ((since >= 0))
ledger_close: ledger_close_closed_by_check CHECK ((closed_by <> ''::text))
ledger_close: ledger_close_number_check CHECK ((number >= 1))
ledger_close: ledger_close_pkey PRIMARY KEY (number)
ledger_close: ledger_close_position_check CHECK (("position" >= 0))
ledger_close: ledger_close_through_day_check CHECK (((through_day >= '2000-01-02'::date) AND (through_day <= '2199-12-31'::date)))
ledger_close: ledger_close_through_day_key UNIQUE (through_day)
ledger_close_total: ledger_close_total_class_check CHECK ((class = ANY (ARRAY['asset'::text, 'liability'::text, 'income'::text, 'expense'::text])))
ledger_close_total: ledger_close_total_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
ledger_close_total: ledger_close_total_number_fkey FOREIGN KEY (number) REFERENCES ledger_close(number)
ledger_close_total: ledger_close_total_pkey PRIMARY KEY (number, currency, class)
ledger_hold: ledger_hold_content_hash_check CHECK ((octet_length(content_hash) = 32))
ledger_hold: ledger_hold_id_check CHECK ((id ~ '^lhd_[0-9a-hjkmnp-tv-z]{26}$'::text))
ledger_hold: ledger_hold_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
ledger_hold: ledger_hold_key_key UNIQUE (key)
ledger_hold: ledger_hold_kind_check CHECK ((kind ~ '^[a-z][a-z0-9_.]{0,63}$'::text))
ledger_hold: ledger_hold_leg_count_check CHECK (((leg_count >= 2) AND (leg_count <= 1000)))
ledger_hold: ledger_hold_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text))
ledger_hold: ledger_hold_pkey PRIMARY KEY (id)
ledger_hold: ledger_hold_seq_key UNIQUE (seq)
ledger_hold_claim: ledger_hold_claim_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger_account(id)
ledger_hold_claim: ledger_hold_claim_amount_minor_check CHECK ((amount_minor > (0)::numeric))
ledger_hold_claim: ledger_hold_claim_hold_seq_fkey FOREIGN KEY (hold_seq) REFERENCES ledger_hold_open(hold_seq)
ledger_hold_claim: ledger_hold_claim_pkey PRIMARY KEY (account_id, hold_seq)
ledger_hold_leg: ledger_hold_leg_amount_minor_check CHECK (((amount_minor <> 0) AND (amount_minor > '-9223372036854775808'::bigint)))
ledger_hold_leg: ledger_hold_leg_currency_of_account FOREIGN KEY (account_id, currency) REFERENCES ledger_account(id, currency)
ledger_hold_leg: ledger_hold_leg_hold_seq_fkey FOREIGN KEY (hold_seq) REFERENCES ledger_hold(seq)
ledger_hold_leg: ledger_hold_leg_leg_check CHECK ((leg >= 1))
ledger_hold_leg: ledger_hold_leg_pkey PRIMARY KEY (hold_seq, leg)
ledger_hold_open: ledger_hold_open_hold_seq_fkey FOREIGN KEY (hold_seq) REFERENCES ledger_hold(seq)
ledger_hold_open: ledger_hold_open_pkey PRIMARY KEY (hold_seq)
ledger_hold_resolution: ledger_hold_capture_moved TRIGGER DEFERRABLE INITIALLY DEFERRED
ledger_hold_resolution: ledger_hold_captured_by_transfer CHECK (((outcome = 'captured'::text) = (transfer_seq IS NOT NULL)))
ledger_hold_resolution: ledger_hold_resolution_hold_seq_fkey FOREIGN KEY (hold_seq) REFERENCES ledger_hold(seq)
ledger_hold_resolution: ledger_hold_resolution_outcome_check CHECK ((outcome = ANY (ARRAY['captured'::text, 'voided'::text, 'expired'::text])))
ledger_hold_resolution: ledger_hold_resolution_pkey PRIMARY KEY (hold_seq)
ledger_hold_resolution: ledger_hold_resolution_transfer_seq_fkey FOREIGN KEY (transfer_seq) REFERENCES ledger_transfer(seq)
ledger_hold_resolution: ledger_hold_resolution_transfer_seq_key UNIQUE (transfer_seq)
ledger_hold_unsealed: ledger_hold_unsealed_fact_check CHECK ((fact = ANY (ARRAY['held'::text, 'ended'::text])))
ledger_hold_unsealed: ledger_hold_unsealed_hold_seq_fkey FOREIGN KEY (hold_seq) REFERENCES ledger_hold(seq)
ledger_hold_unsealed: ledger_hold_unsealed_pkey PRIMARY KEY (hold_seq, fact)
ledger_import: ledger_import_checked_by_check CHECK ((checked_by <> ''::text))
ledger_import: ledger_import_digest_check CHECK ((digest ~ '^[0-9a-f]{64}$'::text))
ledger_import: ledger_import_pkey PRIMARY KEY (id)
ledger_import: ledger_import_transfers_check CHECK (((jsonb_typeof(transfers) = 'array'::text) AND ((jsonb_array_length(transfers) >= 1) AND (jsonb_array_length(transfers) <= 1000))))
ledger_import_posting: ledger_import_posting_import_id_fkey FOREIGN KEY (import_id) REFERENCES ledger_import(id)
ledger_import_posting: ledger_import_posting_pkey PRIMARY KEY (import_id)
ledger_import_posting: ledger_import_posting_posted_by_check CHECK ((posted_by <> ''::text))
ledger_position: ledger_position_pkey PRIMARY KEY ("position")
ledger_position: ledger_position_position_check CHECK (("position" >= 1))
ledger_position: ledger_position_transfer_seq_key UNIQUE (transfer_seq)
ledger_roll_up: ledger_roll_up_pkey PRIMARY KEY ("position")
ledger_roll_up: ledger_roll_up_position_fkey FOREIGN KEY ("position") REFERENCES ledger_position("position")
ledger_roll_up: ledger_roll_up_settled_seq_check CHECK ((settled_seq >= 0))
ledger_seal: ledger_seal_check CHECK ((to_position >= from_position))
ledger_seal: ledger_seal_check1 CHECK ((cardinality(hold_facts) = cardinality(hold_seqs)))
ledger_seal: ledger_seal_from_position_check CHECK ((from_position >= 0))
ledger_seal: ledger_seal_leaf_id_check CHECK ((leaf_id ~ '^lef_[0-9a-hjkmnp-tv-z]{26}$'::text))
ledger_seal: ledger_seal_leaf_id_key UNIQUE (leaf_id)
ledger_seal: ledger_seal_number_check CHECK ((number >= 1))
ledger_seal: ledger_seal_pkey PRIMARY KEY (number)
ledger_seal: ledger_seal_root_check CHECK ((octet_length(root) = 32))
ledger_seal: ledger_seal_whole CHECK (((octet_length(leaves) > 0) AND (octet_length(leaves) = (32 * ((to_position - from_position) + cardinality(hold_seqs))))))
ledger_transfer: ledger_adjusted_is_approved TRIGGER DEFERRABLE INITIALLY DEFERRED
ledger_transfer: ledger_by_hand_is_approved TRIGGER DEFERRABLE INITIALLY DEFERRED
ledger_transfer: ledger_transfer_captures_fkey FOREIGN KEY (captures) REFERENCES ledger_hold(seq)
ledger_transfer: ledger_transfer_key_key UNIQUE (key)
ledger_transfer: ledger_transfer_pkey PRIMARY KEY (id)
ledger_transfer: ledger_transfer_reverses_fkey FOREIGN KEY (reverses) REFERENCES ledger_transfer(seq)
ledger_transfer: ledger_transfer_seq_key UNIQUE (seq)
licence: licence_check CHECK ((licensee_account_id <> owner_account_id))
licence: licence_check1 CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
licence: licence_clone_id_grant_id_fkey FOREIGN KEY (clone_id, grant_id) REFERENCES consent_grant(clone_id, id)
licence: licence_clone_id_id_key UNIQUE (clone_id, id)
licence: licence_id_check CHECK ((id ~ '^lic_'::text))
licence: licence_is_the_document CHECK (((((canonical)::jsonb ->> 'licenceId'::text) = id) AND (((canonical)::jsonb ->> 'cloneId'::text) = clone_id) AND (((canonical)::jsonb ->> 'grantId'::text) = grant_id) AND (((canonical)::jsonb #>> '{owner,accountId}'::text[]) = owner_account_id) AND (((canonical)::jsonb #>> '{licensee,accountId}'::text[]) = licensee_account_id) AND (((canonical)::jsonb -> 'exclusive'::text) = to_jsonb(exclusive))))
licence: licence_licensee_account_id_fkey FOREIGN KEY (licensee_account_id) REFERENCES account(id)
licence: licence_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
licence: licence_pkey PRIMARY KEY (id)
licence_containment: licence_containment_licence_id_fkey FOREIGN KEY (licence_id) REFERENCES licence(id)
licence_containment: licence_containment_pkey PRIMARY KEY (id)
licence_end: licence_end_check CHECK (((length(reason) <= 2000) AND ((kind <> 'cause'::text) OR (length(reason) >= 20))))
licence_end: licence_end_kind_check CHECK ((kind = ANY (ARRAY['notice'::text, 'cause'::text, 'laid_down'::text, 'withdrawn'::text])))
licence_end: licence_end_licence_id_fkey FOREIGN KEY (licence_id) REFERENCES licence(id)
licence_end: licence_end_pkey PRIMARY KEY (licence_id)
licence_notice: licence_notice_check CHECK ((ends_at >= given_at))
licence_notice: licence_notice_given_by_fkey FOREIGN KEY (given_by) REFERENCES account(id)
licence_notice: licence_notice_licence_id_fkey FOREIGN KEY (licence_id) REFERENCES licence(id)
licence_notice: licence_notice_pkey PRIMARY KEY (licence_id)
licence_signature: licence_signature_licence_id_fkey FOREIGN KEY (licence_id) REFERENCES licence(id)
licence_signature: licence_signature_pkey PRIMARY KEY (licence_id, account_id)
licence_signature: licence_signature_signed_document_id_account_id_fkey FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document(id, account_id)
licence_signature: licence_signature_signed_document_id_key UNIQUE (signed_document_id)
log_checkpoint: log_checkpoint_last_fkey FOREIGN KEY (last) REFERENCES log_position(index)
log_checkpoint: log_checkpoint_pkey PRIMARY KEY (size)
log_checkpoint: log_checkpoint_root_check CHECK ((octet_length(root) = 32))
log_checkpoint: log_checkpoint_size_check CHECK ((size >= 0))
log_leaf: log_leaf_check CHECK ((leaf_hash = sha256(('\x00'::bytea || entry))))
log_leaf: log_leaf_entry_check CHECK (((octet_length(entry) >= 1) AND (octet_length(entry) <= 65535)))
log_leaf: log_leaf_pkey PRIMARY KEY (id)
log_leaf: log_leaf_subject_id_check CHECK ((subject_id <> ''::text))
log_leaf_type: log_leaf_type_name_check CHECK ((name ~ '^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$'::text))
log_leaf_type: log_leaf_type_pkey PRIMARY KEY (name)
log_node: log_node_hash_check CHECK ((octet_length(hash) = 32))
log_node: log_node_index_check CHECK ((index >= 0))
log_node: log_node_level_check CHECK (((level >= 0) AND (level <= 62)))
log_node: log_node_pkey PRIMARY KEY (level, index)
log_position: log_position_index_check CHECK ((index >= 0))
log_position: log_position_leaf_id_fkey FOREIGN KEY (leaf_id) REFERENCES log_leaf(id)
log_position: log_position_leaf_id_key UNIQUE (leaf_id)
log_position: log_position_pkey PRIMARY KEY (index)
log_position: log_position_previous_fkey FOREIGN KEY (previous) REFERENCES log_position(index)
log_waiting: log_waiting_leaf_id_fkey FOREIGN KEY (leaf_id) REFERENCES log_leaf(id)
log_waiting: log_waiting_pkey PRIMARY KEY (leaf_id)
media_read: media_read_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
media_read: media_read_kind_check CHECK ((kind = ANY (ARRAY['output'::text, 'stream'::text, 'evidence'::text, 'enrolment'::text])))
media_read: media_read_pkey PRIMARY KEY (id)
media_read: media_read_purpose_check CHECK ((purpose = ANY (ARRAY['delivery'::text, 'preview'::text, 'review'::text, 'own'::text])))
media_read: media_read_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
migration: PK_3043fc6b8af7c99b8b98830094f PRIMARY KEY (id)
notice: notice_acts_on_check CHECK ((acts_on = ANY (ARRAY['clone'::text, 'output'::text])))
notice: notice_check CHECK (((complainant_id IS NULL) = (token_sha256 IS NOT NULL)))
notice: notice_check1 CHECK (((complainant_id IS NULL) = (signed_document_id IS NULL)))
notice: notice_check2 CHECK (((state = ANY (ARRAY['dismissed'::text, 'restored'::text, 'upheld'::text])) = (ended_at IS NOT NULL)))
notice: notice_check3 CHECK (((state = ANY (ARRAY['filed'::text, 'claimed'::text, 'dismissed'::text])) = (verified_at IS NULL)))
notice: notice_check4 CHECK (((state = ANY (ARRAY['filed'::text, 'claimed'::text, 'dismissed'::text])) OR ((acts_on IS NOT NULL) AND (clone_id IS NOT NULL))))
notice: notice_check5 CHECK (((acts_on IS DISTINCT FROM 'output'::text) OR (output_id IS NOT NULL)))
notice: notice_check6 CHECK (((state = ANY (ARRAY['filed'::text, 'claimed'::text, 'held'::text, 'countered'::text])) OR (due_at IS NULL)))
notice: notice_claimed_by_fkey FOREIGN KEY (claimed_by) REFERENCES account(id)
notice: notice_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
notice: notice_complainant_id_fkey FOREIGN KEY (complainant_id) REFERENCES account(id)
notice: notice_digest_check CHECK ((digest ~ '^[0-9a-f]{64}$'::text))
notice: notice_id_check CHECK ((id ~ '^ntc_'::text))
notice: notice_output_id_fkey FOREIGN KEY (output_id) REFERENCES output(id)
notice: notice_pkey PRIMARY KEY (id)
notice: notice_signed_by_its_complainant FOREIGN KEY (signed_document_id, complainant_id) REFERENCES signed_document(id, account_id)
notice: notice_signed_document_id_key UNIQUE (signed_document_id)
notice: notice_state_check CHECK ((state = ANY (ARRAY['filed'::text, 'claimed'::text, 'dismissed'::text, 'held'::text, 'countered'::text, 'case_pending'::text, 'unanswered'::text, 'restored'::text, 'upheld'::text])))
notice: notice_target_kind_check CHECK ((target_kind = ANY (ARRAY['clone'::text, 'output'::text, 'file'::text, 'url'::text])))
notice: notice_token_sha256_check CHECK ((token_sha256 ~ '^[0-9a-f]{64}$'::text))
notice: notice_token_sha256_key UNIQUE (token_sha256)
notice_outcome: notice_outcome_leaf_id_fkey FOREIGN KEY (leaf_id) REFERENCES log_leaf(id)
notice_outcome: notice_outcome_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES notice(id)
notice_outcome: notice_outcome_notice_id_outcome_key UNIQUE (notice_id, outcome)
notice_outcome: notice_outcome_outcome_check CHECK ((outcome = ANY (ARRAY['verified'::text, 'restored'::text, 'upheld'::text])))
notice_outcome: notice_outcome_pkey PRIMARY KEY (leaf_id)
notice_pending_case: notice_pending_case_case_number_check CHECK (((char_length(case_number) >= 1) AND (char_length(case_number) <= 100)))
notice_pending_case: notice_pending_case_court_check CHECK (((char_length(court) >= 1) AND (char_length(court) <= 200)))
notice_pending_case: notice_pending_case_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES notice(id)
notice_pending_case: notice_pending_case_pkey PRIMARY KEY (notice_id)
notice_pending_case: notice_pending_case_text_check CHECK (((char_length(text) >= 1) AND (char_length(text) <= 2000)))
notice_review: notice_review_acts_on_check CHECK ((acts_on = ANY (ARRAY['clone'::text, 'output'::text])))
notice_review: notice_review_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role) REFERENCES account_role(account_id, role)
notice_review: notice_review_check CHECK ((verdict = ANY (
CASE stage
    WHEN 'triage'::text THEN ARRAY['verify'::text, 'dismiss'::text]
    ELSE ARRAY['uphold'::text, 'restore'::text]
END)))
notice_review: notice_review_check1 CHECK (((verdict = 'verify'::text) = ((acts_on IS NOT NULL) AND (target_id IS NOT NULL))))
notice_review: notice_review_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES notice(id)
notice_review: notice_review_pkey PRIMARY KEY (notice_id, stage, reviewer_id)
notice_review: notice_review_stage_check CHECK ((stage = ANY (ARRAY['triage'::text, 'conclusion'::text])))
notice_review: notice_review_text_check CHECK (((char_length(text) >= 1) AND (char_length(text) <= 2000)))
output: output_audience_check CHECK ((audience = ANY (ARRAY['fan'::text, 'owner'::text])))
output: output_capability_check CHECK ((capability = ANY (ARRAY['chat'::text, 'voice'::text, 'video'::text, 'sing'::text, 'story'::text, 'work'::text, 'moments'::text])))
output: output_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
output: output_clone_id_id_key UNIQUE (clone_id, id)
output: output_decision_id_fkey FOREIGN KEY (decision_id) REFERENCES decision(id)
output: output_decision_id_key UNIQUE (decision_id)
output: output_delivery_check CHECK ((delivery = ANY (ARRAY['file'::text, 'stream'::text])))
output: output_gives_back TRIGGER DEFERRABLE INITIALLY DEFERRED
output: output_grant_digest_check CHECK ((grant_digest ~ '^[0-9a-f]{64}$'::text))
output: output_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES consent_grant(id)
output: output_hold_id_key UNIQUE (hold_id)
output: output_id_check CHECK ((id ~ '^out_'::text))
output: output_is_decided CHECK (((state = 'denied'::text) OR (num_nulls(version_id, grant_id, grant_digest, expires_at) = 0)))
output: output_is_held CHECK (((hold_id IS NOT NULL) = ((audience = 'fan'::text) AND (state <> 'denied'::text) AND (licence_id IS NULL))))
output: output_language_check CHECK ((language = ANY (ARRAY['en'::text, 'zh-CN'::text])))
output: output_of_licence FOREIGN KEY (clone_id, licence_id) REFERENCES licence(clone_id, id)
output: output_of_licence_is_no_probe CHECK (((licence_id IS NULL) OR (audience = 'fan'::text)))
output: output_pkey PRIMARY KEY (id)
output: output_probe_is_no_stream CHECK (((delivery = 'file'::text) OR (audience = 'fan'::text)))
output: output_probe_is_the_owners CHECK (((probe IS NOT NULL) = (audience = 'owner'::text)))
output: output_reason_check CHECK ((reason = ANY (ARRAY['stopped'::text, 'paused'::text, 'gate_changed'::text, 'consent_ended'::text, 'text_unspeakable'::text, 'too_long'::text, 'render_failed'::text, 'disconnected'::text, 'interrupted'::text, 'not_fetched'::text, 'payment_lost'::text])))
output: output_requester_fkey FOREIGN KEY (requester) REFERENCES account(id)
output: output_says_why CHECK (((state = ANY (ARRAY['voided'::text, 'failed'::text, 'cut'::text])) = (reason IS NOT NULL)))
output: output_script_check CHECK (((char_length(script) >= 1) AND (char_length(script) <= 5000)))
output: output_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'streaming'::text, 'rendering'::text, 'signing'::text, 'released'::text, 'cut'::text, 'voided'::text, 'failed'::text, 'denied'::text])))
output: output_streams_alive CHECK (((state <> 'streaming'::text) OR ((delivery = 'stream'::text) AND (alive_until IS NOT NULL))))
output: output_territory_check CHECK ((territory ~ '^[A-Z]{2}$'::text))
output: output_version_id_fkey FOREIGN KEY (version_id) REFERENCES clone_version(id)
output_approval: output_approval_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
output_approval: output_approval_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES account(id)
output_approval: output_approval_is_whole CHECK ((num_nonnulls(verdict, decided_by, decided_at) = ANY (ARRAY[0, 3])))
output_approval: output_approval_mode_check CHECK ((mode = ANY (ARRAY['before'::text, 'after'::text])))
output_approval: output_approval_output_id_fkey FOREIGN KEY (output_id) REFERENCES output(id)
output_approval: output_approval_pkey PRIMARY KEY (output_id)
output_approval: output_approval_undo_hours_check CHECK ((undo_hours >= 0))
output_approval: output_approval_verdict_check CHECK ((verdict = ANY (ARRAY['approved'::text, 'rejected'::text])))
output_hold: output_hold_check CHECK ((lifted_at >= held_at))
output_hold: output_hold_holder_check CHECK ((holder ~ '^[a-z][a-z_]*:[A-Za-z0-9_]+$'::text))
output_hold: output_hold_output_id_fkey FOREIGN KEY (output_id) REFERENCES output(id)
output_hold: output_hold_pkey PRIMARY KEY (output_id, holder)
output_price: output_price_capability_check CHECK ((capability = 'voice'::text))
output_price: output_price_clone_id_tier_id_fkey FOREIGN KEY (clone_id, tier_id) REFERENCES tier(clone_id, id)
output_price: output_price_coins_check CHECK (((coins >= 0) AND (coins <= 1000000)))
output_price: output_price_pkey PRIMARY KEY (id)
output_price: output_price_priced_by_fkey FOREIGN KEY (priced_by) REFERENCES account(id)
owed_refund: owed_refund_check CHECK (((state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'paid_otherwise'::text, 'taken_by_bank'::text])) = (settled_at IS NOT NULL)))
owed_refund: owed_refund_check1 CHECK (((state <> 'succeeded'::text) OR ((stripe_refund IS NOT NULL) AND (settled_currency IS NOT NULL) AND (settled_minor IS NOT NULL))))
owed_refund: owed_refund_currency_check CHECK ((currency = 'CNY'::text))
owed_refund: owed_refund_gross_minor_check CHECK ((gross_minor > 0))
owed_refund: owed_refund_id_check CHECK ((id ~ '^rfd_'::text))
owed_refund: owed_refund_pkey PRIMARY KEY (id)
owed_refund: owed_refund_returned_refund_key UNIQUE (returned_refund)
owed_refund: owed_refund_state_check CHECK ((state = ANY (ARRAY['owed'::text, 'pending'::text, 'succeeded'::text, 'failed'::text, 'paid_otherwise'::text, 'taken_by_bank'::text])))
owed_refund: owed_refund_stripe_refund_key UNIQUE (stripe_refund)
ownership_case_key: ownership_case_key_check CHECK (((wrapped IS NULL) = (destroyed_at IS NOT NULL)))
ownership_case_key: ownership_case_key_pkey PRIMARY KEY (proof_id)
ownership_case_key: ownership_case_key_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_proof(id)
ownership_decision: ownership_decision_decision_check CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text, 'expired'::text, 'withdrawn'::text])))
ownership_decision: ownership_decision_once UNIQUE (proof_id, decision, round)
ownership_decision: ownership_decision_pkey PRIMARY KEY (leaf_id)
ownership_decision: ownership_decision_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_proof(id)
ownership_destruction: ownership_destruction_leaf_id_key UNIQUE (leaf_id)
ownership_destruction: ownership_destruction_pkey PRIMARY KEY (proof_id)
ownership_destruction: ownership_destruction_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_case_key(proof_id)
ownership_evidence: ownership_evidence_blob_digest_check CHECK ((blob_digest ~ '^[0-9a-f]{64}$'::text))
ownership_evidence: ownership_evidence_check CHECK ((expires_at > created_at))
ownership_evidence: ownership_evidence_check1 CHECK (((state <> ALL (ARRAY['passed'::text, 'uploaded'::text])) OR ((finding IS NOT NULL) AND (passed_at IS NOT NULL))))
ownership_evidence: ownership_evidence_counts_until CHECK (((state <> ALL (ARRAY['passed'::text, 'uploaded'::text])) OR (valid_until > passed_at)))
ownership_evidence: ownership_evidence_identity_is_bare CHECK (((kind <> 'identity_provider'::text) OR ((terms ? 'sessionId'::text) AND ((terms - 'sessionId'::text) = '{}'::jsonb) AND ((finding IS NULL) OR (finding = '{"status": "verified", "nameMatches": true}'::jsonb)))))
ownership_evidence: ownership_evidence_kind_known CHECK ((kind = ANY (ARRAY['domain'::text, 'public_account'::text, 'voice_challenge'::text, 'video_challenge'::text, 'document'::text, 'identity_provider'::text, 'vouching'::text, 'representation'::text])))
ownership_evidence: ownership_evidence_passes_by_kind CHECK (((state <> 'passed'::text) OR (kind = ANY (ARRAY['domain'::text, 'public_account'::text, 'identity_provider'::text, 'vouching'::text]))))
ownership_evidence: ownership_evidence_pkey PRIMARY KEY (id)
ownership_evidence: ownership_evidence_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_proof(id)
ownership_evidence: ownership_evidence_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'passed'::text, 'uploaded'::text, 'superseded'::text])))
ownership_evidence: ownership_evidence_uploads_by_kind CHECK (((state <> 'uploaded'::text) OR ((kind = ANY (ARRAY['voice_challenge'::text, 'video_challenge'::text, 'document'::text, 'representation'::text])) AND (blob_digest IS NOT NULL))))
ownership_evidence: ownership_evidence_video_is_read CHECK (((kind <> 'video_challenge'::text) OR (((terms ->> 'sentence'::text) IS NOT NULL) AND ((terms ->> 'gesture'::text) IS NOT NULL) AND ((finding IS NULL) OR (COALESCE(((finding ->> 'contentType'::text) = ANY (ARRAY['video/mp4'::text, 'video/webm'::text])), false) AND COALESCE(((((finding ->> 'seconds'::text))::numeric >= (2)::numeric) AND (((finding ->> 'seconds'::text))::numeric <= (60)::numeric)), false) AND COALESCE((((finding ->> 'byteLength'::text))::numeric > (0)::numeric), false))))))
ownership_lease: ownership_lease_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role) REFERENCES account_role(account_id, role)
ownership_lease: ownership_lease_check CHECK ((expires_at > claimed_at))
ownership_lease: ownership_lease_check1 CHECK ((ended_at >= claimed_at))
ownership_lease: ownership_lease_pkey PRIMARY KEY (id)
ownership_lease: ownership_lease_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_proof(id)
ownership_look: ownership_look_evidence_id_due_at_key UNIQUE (evidence_id, due_at)
ownership_look: ownership_look_evidence_id_fkey FOREIGN KEY (evidence_id) REFERENCES ownership_evidence(id)
ownership_look: ownership_look_outcome_check CHECK ((outcome = ANY (ARRAY['found'::text, 'absent'::text, 'unreachable'::text])))
ownership_look: ownership_look_pkey PRIMARY KEY (id)
ownership_paper_view: ownership_paper_view_evidence_id_fkey FOREIGN KEY (evidence_id) REFERENCES ownership_evidence(id)
ownership_paper_view: ownership_paper_view_lease_id_fkey FOREIGN KEY (lease_id) REFERENCES ownership_lease(id)
ownership_paper_view: ownership_paper_view_pkey PRIMARY KEY (id)
ownership_paper_view: ownership_paper_view_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 500)))
ownership_paper_view: ownership_paper_view_viewer_id_fkey FOREIGN KEY (viewer_id) REFERENCES account(id)
ownership_proof: ownership_proof_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
ownership_proof: ownership_proof_appealed_once CHECK ((((round = 2) = (appealed_at IS NOT NULL)) AND ((round = 2) = (appeal_text IS NOT NULL))))
ownership_proof: ownership_proof_check CHECK (((state = 'open'::text) OR (submitted_at IS NOT NULL)))
ownership_proof: ownership_proof_check1 CHECK (((state <> ALL (ARRAY['approved'::text, 'expired'::text, 'withdrawn'::text])) OR ((approved_at IS NOT NULL) AND (expires_at > approved_at))))
ownership_proof: ownership_proof_check2 CHECK (((state <> ALL (ARRAY['expired'::text, 'withdrawn'::text])) OR (ended_at IS NOT NULL)))
ownership_proof: ownership_proof_claim_document_id_key UNIQUE (claim_document_id)
ownership_proof: ownership_proof_claimant_name_check CHECK (((char_length(claimant_name) >= 1) AND (char_length(claimant_name) <= 80)))
ownership_proof: ownership_proof_claimed_by_its_account FOREIGN KEY (claim_document_id, account_id) REFERENCES signed_document(id, account_id)
ownership_proof: ownership_proof_closes_evidence CHECK (((state = 'open'::text) = (evidence_sha256 IS NULL)))
ownership_proof: ownership_proof_handle_check CHECK ((handle ~ '^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$'::text))
ownership_proof: ownership_proof_id_account_id_key UNIQUE (id, account_id)
ownership_proof: ownership_proof_id_state_key UNIQUE (id, state)
ownership_proof: ownership_proof_names_claimant CHECK (((subject_kind = ANY (ARRAY['representative'::text, 'heir'::text, 'guardian'::text])) = (claimant_name IS NOT NULL)))
ownership_proof: ownership_proof_pkey PRIMARY KEY (id)
ownership_proof: ownership_proof_policy_sha256_check CHECK ((policy_sha256 ~ '^[0-9a-f]{64}$'::text))
ownership_proof: ownership_proof_renews_own FOREIGN KEY (renews_proof_id, account_id) REFERENCES ownership_proof(id, account_id)
ownership_proof: ownership_proof_round_check CHECK ((round = ANY (ARRAY[1, 2])))
ownership_proof: ownership_proof_state_check CHECK ((state = ANY (ARRAY['open'::text, 'submitted'::text, 'approved'::text, 'rejected'::text, 'expired'::text, 'withdrawn'::text])))
ownership_proof: ownership_proof_subject_kind_check CHECK ((subject_kind = ANY (ARRAY['public_figure'::text, 'private_person'::text, 'representative'::text, 'heir'::text, 'guardian'::text])))
ownership_proof: ownership_proof_subject_name_check CHECK (((char_length(subject_name) >= 1) AND (char_length(subject_name) <= 80)))
ownership_review: ownership_review_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role) REFERENCES account_role(account_id, role)
ownership_review: ownership_review_check CHECK (((verdict = 'reject'::text) = (reason_code IS NOT NULL)))
ownership_review: ownership_review_pkey PRIMARY KEY (id)
ownership_review: ownership_review_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_proof(id)
ownership_review: ownership_review_proof_id_reviewer_id_key UNIQUE (proof_id, reviewer_id)
ownership_review: ownership_review_reason_known CHECK ((reason_code = ANY (ARRAY['voice_differs'::text, 'face_differs'::text, 'site_unrelated'::text, 'account_unrelated'::text, 'document_unreadable'::text, 'document_doubtful'::text, 'authority_insufficient'::text, 'voucher_doubtful'::text, 'evidence_unclear'::text, 'impersonation'::text, 'subject_objects'::text])))
ownership_review: ownership_review_verdict_check CHECK ((verdict = ANY (ARRAY['approve'::text, 'reject'::text])))
ownership_sealed: ownership_sealed_digest_check CHECK ((digest ~ '^[0-9a-f]{64}$'::text))
ownership_sealed: ownership_sealed_evidence_id_fkey FOREIGN KEY (evidence_id) REFERENCES ownership_evidence(id)
ownership_sealed: ownership_sealed_pkey PRIMARY KEY (digest)
ownership_sealed: ownership_sealed_proof_id_fkey FOREIGN KEY (proof_id) REFERENCES ownership_case_key(proof_id)
payment_problem: payment_problem_attempts_check CHECK ((attempts >= 1))
payment_problem: payment_problem_pkey PRIMARY KEY (stripe_invoice)
payment_problem: payment_problem_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription(id)
payout: payout_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
payout: payout_advance_id_fkey FOREIGN KEY (advance_id) REFERENCES advance(id)
payout: payout_amount_minor_check CHECK ((amount_minor > 0))
payout: payout_check1 CHECK (((state = 'pending'::text) = (settled_at IS NULL)))
payout: payout_check2 CHECK (((state <> 'paid'::text) OR (stripe_transfer IS NOT NULL)))
payout: payout_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
payout: payout_id_check CHECK ((id ~ '^pay_'::text))
payout: payout_pkey PRIMARY KEY (id)
payout: payout_reversed_natural CHECK ((reversed_minor >= 0))
payout: payout_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'paid'::text, 'returned'::text])))
payout: payout_stripe_transfer_key UNIQUE (stripe_transfer)
payout: payout_tax_profile_id_fkey FOREIGN KEY (tax_profile_id) REFERENCES tax_profile(id)
payout: payout_tax_transfer_id_key UNIQUE (tax_transfer_id)
payout: payout_taxed CHECK (((withheld_minor = 0) OR (tax_profile_id IS NOT NULL)))
payout: payout_transfer_id_key UNIQUE (transfer_id)
payout: payout_withheld_minor_check CHECK ((withheld_minor >= 0))
payout_account: payout_account_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
payout_account: payout_account_pkey PRIMARY KEY (account_id)
payout_account: payout_account_stripe_account_key UNIQUE (stripe_account)
payout_reminder: payout_reminder_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
payout_reminder: payout_reminder_number_check CHECK ((number > 0))
payout_reminder: payout_reminder_pkey PRIMARY KEY (account_id, number)
payout_reminder: payout_reminder_waiting_check CHECK (((jsonb_typeof(waiting) = 'array'::text) AND (jsonb_array_length(waiting) > 0)))
payout_setting: payout_setting_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
payout_setting: payout_setting_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
payout_setting: payout_setting_minimum_minor_check CHECK ((minimum_minor > 0))
payout_setting: payout_setting_pkey PRIMARY KEY (account_id, currency)
payout_setting: payout_setting_schedule_check CHECK ((schedule = ANY (ARRAY['manual'::text, 'weekly'::text, 'monthly'::text])))
plan_change: plan_change_check CHECK (((credit_minor >= 0) AND (credit_minor <= price_minor)))
plan_change: plan_change_check1 CHECK (((state = 'asked'::text) = (settled_at IS NULL)))
plan_change: plan_change_check2 CHECK (((state = 'failed'::text) = (failure IS NOT NULL)))
plan_change: plan_change_check3 CHECK (((effect = 'now'::text) OR ((credit_minor + refund_minor) = 0)))
plan_change: plan_change_clone_id_account_id_subscription_id_fkey FOREIGN KEY (clone_id, account_id, subscription_id) REFERENCES subscription(clone_id, account_id, id)
plan_change: plan_change_effect_check CHECK ((effect = ANY (ARRAY['now'::text, 'period_end'::text])))
plan_change: plan_change_interval_check CHECK (("interval" = ANY (ARRAY['month'::text, 'year'::text])))
plan_change: plan_change_pkey PRIMARY KEY (id)
plan_change: plan_change_price_minor_check CHECK ((price_minor > 0))
plan_change: plan_change_refund_minor_check CHECK ((refund_minor >= 0))
plan_change: plan_change_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'applied'::text, 'failed'::text, 'withdrawn'::text])))
plan_change: plan_change_stripe_invoice_key UNIQUE (stripe_invoice)
plan_change: plan_change_tier_id_offer_version_fkey FOREIGN KEY (tier_id, offer_version) REFERENCES tier_offer(tier_id, version)
platform_order: platform_order_action_check CHECK ((action = ANY (ARRAY['pause'::text, 'resume'::text])))
platform_order: platform_order_id_check CHECK ((id ~ '^por_'::text))
platform_order: platform_order_ordered_by_fkey FOREIGN KEY (ordered_by) REFERENCES account(id)
platform_order: platform_order_pkey PRIMARY KEY (id)
platform_order: platform_order_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500)))
platform_order_confirmation: platform_order_confirmation_confirmed_by_fkey FOREIGN KEY (confirmed_by) REFERENCES account(id)
platform_order_confirmation: platform_order_confirmation_order_id_fkey FOREIGN KEY (order_id) REFERENCES platform_order(id)
platform_order_confirmation: platform_order_confirmation_pkey PRIMARY KEY (order_id)
platform_order_confirmation: platform_order_confirmation_stop_id_fkey FOREIGN KEY (stop_id) REFERENCES gate_stop(id)
platform_pause: platform_pause_check CHECK ((to_at >= from_at))
platform_pause: platform_pause_pkey PRIMARY KEY (id)
quota_hold: quota_hold_check CHECK (((state = 'captured'::text) = (release_id IS NOT NULL)))
quota_hold: quota_hold_check1 CHECK (((state = 'voided'::text) = (void_reason IS NOT NULL)))
quota_hold: quota_hold_check2 CHECK (((state = 'held'::text) = (settled_at IS NULL)))
quota_hold: quota_hold_clone_id_period_id_fkey FOREIGN KEY (clone_id, period_id) REFERENCES subscription_period(clone_id, id)
quota_hold: quota_hold_free_account_id_fkey FOREIGN KEY (free_account_id) REFERENCES account(id)
quota_hold: quota_hold_output_id_key UNIQUE (output_id)
quota_hold: quota_hold_pkey PRIMARY KEY (id)
quota_hold: quota_hold_source CHECK (((period_id IS NULL) = (free_account_id IS NOT NULL)))
quota_hold: quota_hold_state_check CHECK ((state = ANY (ARRAY['held'::text, 'captured'::text, 'voided'::text])))
reconciliation: reconciliation_compared_check CHECK ((compared >= 0))
reconciliation: reconciliation_differences_check CHECK ((jsonb_typeof(differences) = 'array'::text))
reconciliation: reconciliation_id_check CHECK ((id ~ '^rcn_'::text))
reconciliation: reconciliation_mended_check CHECK ((jsonb_typeof(mended) = 'array'::text))
reconciliation: reconciliation_pkey PRIMARY KEY (id)
refund: refund_check CHECK ((gross_minor = (net_minor + tax_minor)))
refund: refund_check1 CHECK (((state = 'pending'::text) = (settled_at IS NULL)))
refund: refund_check2 CHECK (((state = 'failed'::text) = (failure IS NOT NULL)))
refund: refund_check3 CHECK (((state <> 'succeeded'::text) OR ((stripe_refund IS NOT NULL) AND (settled_currency IS NOT NULL) AND (settled_minor IS NOT NULL))))
refund: refund_clone_id_period_id_fkey FOREIGN KEY (clone_id, period_id) REFERENCES subscription_period(clone_id, id)
refund: refund_currency_check CHECK ((currency = 'CNY'::text))
refund: refund_fee_minor_check CHECK ((fee_minor >= 0))
refund: refund_gross_minor_check CHECK ((gross_minor > 0))
refund: refund_key_key UNIQUE (key)
refund: refund_kind_check CHECK ((kind = ANY (ARRAY['stop'::text, 'goodwill'::text, 'dispute'::text])))
refund: refund_net_minor_check CHECK ((net_minor >= 0))
refund: refund_pkey PRIMARY KEY (id)
refund: refund_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text])))
refund: refund_stripe_refund_key UNIQUE (stripe_refund)
refund: refund_tax_minor_check CHECK ((tax_minor >= 0))
refund_paid_otherwise: refund_paid_otherwise_owed_id_check CHECK ((owed_id ~ '^rfd_'::text))
refund_paid_otherwise: refund_paid_otherwise_pkey PRIMARY KEY (owed_id)
refund_paid_otherwise: refund_paid_otherwise_recorded_by_fkey FOREIGN KEY (recorded_by) REFERENCES account(id)
refund_paid_otherwise: refund_paid_otherwise_reference_check CHECK (((length(reference) >= 3) AND (length(reference) <= 200)))
refund_paid_otherwise: refund_paid_otherwise_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES ledger_transfer(id)
refund_settlement_proposal: refund_settlement_proposal_number_check CHECK ((number > 0))
refund_settlement_proposal: refund_settlement_proposal_owed_id_check CHECK ((owed_id ~ '^rfd_'::text))
refund_settlement_proposal: refund_settlement_proposal_pkey PRIMARY KEY (owed_id, number)
refund_settlement_proposal: refund_settlement_proposal_proposed_by_fkey FOREIGN KEY (proposed_by) REFERENCES account(id)
refund_settlement_proposal: refund_settlement_proposal_reference_check CHECK (((length(reference) >= 3) AND (length(reference) <= 200)))
refusal: refusal_by_the_proven FOREIGN KEY (proof_id, account_id) REFERENCES ownership_proof(id, account_id)
refusal: refusal_check CHECK ((withdrawn_at >= registered_at))
refusal: refusal_check1 CHECK (((withdrawn_at IS NULL) = (withdrawal_document_id IS NULL)))
refusal: refusal_check2 CHECK (((voice_pitch_hz IS NULL) OR (voice_profile IS NOT NULL)))
refusal: refusal_id_account_id_key UNIQUE (id, account_id)
refusal: refusal_id_check CHECK ((id ~ '^ref_'::text))
refusal: refusal_leaf_id_fkey FOREIGN KEY (leaf_id) REFERENCES log_leaf(id)
refusal: refusal_pkey PRIMARY KEY (id)
refusal: refusal_signed_as_it_is FOREIGN KEY (signed_document_id, digest) REFERENCES signed_document(id, digest)
refusal: refusal_signed_by_its_account FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document(id, account_id)
refusal: refusal_signed_document_id_key UNIQUE (signed_document_id)
refusal: refusal_voice_pitch_hz_check CHECK ((voice_pitch_hz > (0)::double precision))
refusal: refusal_withdrawal_document_id_key UNIQUE (withdrawal_document_id)
refusal: refusal_withdrawn_by_its_account FOREIGN KEY (withdrawal_document_id, account_id) REFERENCES signed_document(id, account_id)
refusal_key: refusal_key_key_check CHECK ((key ~ '^[hls]:'::text))
refusal_key: refusal_key_pkey PRIMARY KEY (key, refusal_id)
refusal_key: refusal_key_refusal_id_fkey FOREIGN KEY (refusal_id) REFERENCES refusal(id)
registration_request: registration_request_challenge_id_fkey FOREIGN KEY (challenge_id) REFERENCES challenge(id) ON DELETE CASCADE
registration_request: registration_request_invitation_id_fkey FOREIGN KEY (invitation_id) REFERENCES invitation(id)
registration_request: registration_request_locale_check CHECK ((locale = ANY (ARRAY['zh-CN'::text, 'en'::text])))
registration_request: registration_request_pkey PRIMARY KEY (challenge_id)
release: release_clone_id_output_id_fkey FOREIGN KEY (clone_id, output_id) REFERENCES output(clone_id, id)
release: release_file_bytes_check CHECK ((file_bytes > 0))
release: release_file_sha256_check CHECK ((file_sha256 ~ '^[0-9a-f]{64}$'::text))
release: release_file_sha256_key UNIQUE (file_sha256)
release: release_id_check CHECK ((id ~ '^rel_'::text))
release: release_is_whole TRIGGER DEFERRABLE INITIALLY DEFERRED
release: release_output_id_key UNIQUE (output_id)
release: release_pkey PRIMARY KEY (id)
release: release_samples_sha256_check CHECK ((samples_sha256 ~ '^[0-9a-f]{64}$'::text))
release_segment: release_segment_clone_id_output_id_fkey FOREIGN KEY (clone_id, output_id) REFERENCES output(clone_id, id)
release_segment: release_segment_file_bytes_check CHECK ((file_bytes > 0))
release_segment: release_segment_file_sha256_check CHECK ((file_sha256 ~ '^[0-9a-f]{64}$'::text))
release_segment: release_segment_file_sha256_key UNIQUE (file_sha256)
release_segment: release_segment_id_check CHECK ((id ~ '^seg_'::text))
release_segment: release_segment_is_whole TRIGGER DEFERRABLE INITIALLY DEFERRED
release_segment: release_segment_output_id_sequence_key UNIQUE (output_id, sequence)
release_segment: release_segment_pkey PRIMARY KEY (id)
release_segment: release_segment_samples_sha256_check CHECK ((samples_sha256 ~ '^[0-9a-f]{64}$'::text))
release_segment: release_segment_seconds_check CHECK ((seconds > (0)::double precision))
release_segment: release_segment_sequence_check CHECK ((sequence >= 1))
release_segment: release_segment_speech_sha256_check CHECK ((speech_sha256 ~ '^[0-9a-f]{64}$'::text))
remains_answer: remains_answer_pkey PRIMARY KEY (stop_id, subscription_id)
remains_answer: remains_answer_stop_id_fkey FOREIGN KEY (stop_id) REFERENCES capability_stop(stop_id)
remains_answer: remains_answer_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription(id)
royalty_pot: royalty_pot_adds_up CHECK ((((gross_minor - tax_minor) - fee_minor) = amount_minor))
royalty_pot: royalty_pot_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
royalty_pot: royalty_pot_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
royalty_pot: royalty_pot_id_check CHECK ((id ~ '^pot_'::text))
royalty_pot: royalty_pot_pkey PRIMARY KEY (id)
royalty_pot: royalty_pot_posts CHECK (((amount_minor = 0) OR (transfer_id IS NOT NULL)))
royalty_pot: royalty_pot_run_id_fkey FOREIGN KEY (run_id) REFERENCES royalty_run(id)
royalty_pot: royalty_pot_run_id_tier_id_currency_split_id_key UNIQUE (run_id, tier_id, currency, split_id)
royalty_pot: royalty_pot_split_id_fkey FOREIGN KEY (split_id) REFERENCES split(id)
royalty_pot: royalty_pot_tier_id_fkey FOREIGN KEY (tier_id) REFERENCES tier(id)
royalty_pot: royalty_pot_transfer_id_key UNIQUE (transfer_id)
royalty_pot_leg: royalty_pot_leg_check CHECK (((amount_minor >= 0) OR (payee = 'platform'::text)))
royalty_pot_leg: royalty_pot_leg_derivative_id_fkey FOREIGN KEY (derivative_id) REFERENCES derivative_term(id)
royalty_pot_leg: royalty_pot_leg_pkey PRIMARY KEY (pot_id, leg)
royalty_pot_leg: royalty_pot_leg_pot_id_fkey FOREIGN KEY (pot_id) REFERENCES royalty_pot(id)
royalty_pot_leg: royalty_pot_leg_share CHECK (((payee = 'platform'::text) OR (share_minor = amount_minor)))
royalty_pot_leg: royalty_pot_leg_share_minor_check CHECK ((share_minor >= 0))
royalty_reserve: royalty_reserve_amount_minor_check CHECK ((amount_minor > 0))
royalty_reserve: royalty_reserve_check CHECK (((left_minor >= 0) AND (left_minor <= amount_minor)))
royalty_reserve: royalty_reserve_check1 CHECK ((due_day >= held_on))
royalty_reserve: royalty_reserve_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
royalty_reserve: royalty_reserve_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
royalty_reserve: royalty_reserve_id_check CHECK ((id ~ '^rsv_'::text))
royalty_reserve: royalty_reserve_of_run_waits CHECK (((run_id IS NULL) OR (due_day IS NULL)))
royalty_reserve: royalty_reserve_payee_fkey FOREIGN KEY (payee) REFERENCES account(id)
royalty_reserve: royalty_reserve_pkey PRIMARY KEY (id)
royalty_reserve: royalty_reserve_transfer_id_key UNIQUE (transfer_id)
royalty_reserve: royalty_reserve_waits CHECK (((source_id IS NULL) OR (due_day IS NULL)))
royalty_reserve_use: royalty_reserve_use_amount_minor_check CHECK ((amount_minor > 0))
royalty_reserve_use: royalty_reserve_use_pkey PRIMARY KEY (reserve_id, cause_id)
royalty_reserve_use: royalty_reserve_use_reserve_id_fkey FOREIGN KEY (reserve_id) REFERENCES royalty_reserve(id)
royalty_run: royalty_run_check CHECK ((to_position >= from_position))
royalty_run: royalty_run_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
royalty_run: royalty_run_clone_id_number_key UNIQUE (clone_id, number)
royalty_run: royalty_run_from_position_check CHECK ((from_position >= 0))
royalty_run: royalty_run_id_check CHECK ((id ~ '^run_'::text))
royalty_run: royalty_run_number_check CHECK ((number >= 1))
royalty_run: royalty_run_pkey PRIMARY KEY (id)
royalty_run_entry: royalty_run_entry_pkey PRIMARY KEY (transfer_id, leg)
royalty_run_entry: royalty_run_entry_pot_id_fkey FOREIGN KEY (pot_id) REFERENCES royalty_pot(id) DEFERRABLE INITIALLY DEFERRED
royalty_run_entry: royalty_run_entry_run_id_fkey FOREIGN KEY (run_id) REFERENCES royalty_run(id) DEFERRABLE INITIALLY DEFERRED
session: session_check CHECK ((expires_at > created_at))
session: session_credential_id_account_id_fkey FOREIGN KEY (credential_id, account_id) REFERENCES credential(id, account_id)
session: session_pkey PRIMARY KEY (id)
session: session_token_hash_check CHECK ((octet_length(token_hash) = 32))
session: session_token_hash_key UNIQUE (token_hash)
signed_document: signed_document_challenge_key UNIQUE (challenge)
signed_document: signed_document_check CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
signed_document: signed_document_check1 CHECK ((challenge = sha256(((((convert_to('benren/consent-signature/v1'::text, 'UTF8'::name) || '\x00'::bytea) || sha256(convert_to(canonical, 'UTF8'::name))) || nonce) || sha256(convert_to(context, 'UTF8'::name))))))
signed_document: signed_document_check2 CHECK (((signed_at >= issued_at) AND (signed_at < expires_at)))
signed_document: signed_document_credential_id_account_id_fkey FOREIGN KEY (credential_id, account_id) REFERENCES credential(id, account_id)
signed_document: signed_document_evidence_sha256_check CHECK ((evidence_sha256 ~ '^[0-9a-f]{64}$'::text))
signed_document: signed_document_id_account_id_key UNIQUE (id, account_id)
signed_document: signed_document_id_digest_key UNIQUE (id, digest)
signed_document: signed_document_nonce_check CHECK ((octet_length(nonce) = 32))
signed_document: signed_document_nonce_key UNIQUE (nonce)
signed_document: signed_document_pkey PRIMARY KEY (id)
signed_document_type: signed_document_type_name_check CHECK ((name ~ '^[a-z]+(_[a-z]+)*$'::text))
signed_document_type: signed_document_type_pkey PRIMARY KEY (name)
signing_request: signing_request_challenge_id_fkey FOREIGN KEY (challenge_id) REFERENCES challenge(id) ON DELETE CASCADE
signing_request: signing_request_credential_id_account_id_fkey FOREIGN KEY (credential_id, account_id) REFERENCES credential(id, account_id)
signing_request: signing_request_nonce_check CHECK ((octet_length(nonce) = 32))
signing_request: signing_request_nonce_key UNIQUE (nonce)
signing_request: signing_request_pkey PRIMARY KEY (challenge_id)
split: split_base_known CHECK ((base = ANY (ARRAY['gross'::text, 'net_of_tax'::text, 'net_of_tax_and_fees'::text])))
split: split_check CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
split: split_check1 CHECK (((state = 'signed'::text) = ((signed_at IS NOT NULL) AND (record IS NOT NULL) AND (leaf_id IS NOT NULL))))
split: split_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
split: split_clone_id_number_key UNIQUE (clone_id, number)
split: split_derivative_id_fkey FOREIGN KEY (derivative_id) REFERENCES derivative_term(id)
split: split_id_check CHECK ((id ~ '^spl_'::text))
split: split_number_check CHECK ((number >= 1))
split: split_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
split: split_pkey PRIMARY KEY (id)
split: split_reserve_basis_points_check CHECK (((reserve_basis_points >= 0) AND (reserve_basis_points <= 5000)))
split: split_reserve_days_check CHECK (((reserve_days >= 0) AND (reserve_days <= 365)))
split: split_reserve_whole CHECK (((reserve_basis_points = 0) = (reserve_days = 0)))
split: split_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'signed'::text])))
split_day: split_day_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
split_day: split_day_pkey PRIMARY KEY (clone_id, day)
split_day: split_day_split_id_fkey FOREIGN KEY (split_id) REFERENCES split(id)
split_leg: split_leg_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
split_leg: split_leg_basis_points_check CHECK (((basis_points >= 1) AND (basis_points <= 9999)))
split_leg: split_leg_leg_check CHECK (((leg >= 1) AND (leg <= 20)))
split_leg: split_leg_pkey PRIMARY KEY (split_id, leg)
split_leg: split_leg_platform CHECK (((role IS NULL) OR ((role = 'platform'::text) = (payee = 'platform'::text))))
split_leg: split_leg_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'platform'::text, 'agency'::text, 'co_writer'::text, 'charity'::text, 'payee'::text])))
split_leg: split_leg_split_id_fkey FOREIGN KEY (split_id) REFERENCES split(id)
split_leg: split_leg_split_id_payee_key UNIQUE (split_id, payee)
split_signature: split_signature_pkey PRIMARY KEY (split_id, signer)
split_signature: split_signature_signed_document_id_fkey FOREIGN KEY (signed_document_id) REFERENCES signed_document(id)
split_signature: split_signature_signed_document_id_key UNIQUE (signed_document_id)
split_signature: split_signature_split_id_fkey FOREIGN KEY (split_id) REFERENCES split(id)
statement: statement_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
statement: statement_adds_up TRIGGER DEFERRABLE INITIALLY DEFERRED
statement: statement_check CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
statement: statement_close_number_fkey FOREIGN KEY (close_number) REFERENCES statement_close(number)
statement: statement_currency_fkey FOREIGN KEY (currency) REFERENCES currency(code)
statement: statement_digest_key UNIQUE (digest)
statement: statement_id_check CHECK ((id ~ '^stm_'::text))
statement: statement_number_check CHECK ((number >= 1))
statement: statement_payee_currency_close_number_key UNIQUE (payee, currency, close_number)
statement: statement_payee_currency_number_key UNIQUE (payee, currency, number)
statement: statement_pkey PRIMARY KEY (id)
statement_close: statement_close_check CHECK ((to_position >= from_position))
statement_close: statement_close_check1 CHECK ((through_day > from_day))
statement_close: statement_close_from_position_check CHECK ((from_position >= 0))
statement_close: statement_close_number_check CHECK ((number >= 1))
statement_close: statement_close_pkey PRIMARY KEY (number)
statement_line: statement_line_amount_minor_check CHECK ((amount_minor <> 0))
statement_line: statement_line_line_id_check CHECK ((line_id ~ '^[dr]?[1-9][0-9]{0,8}$'::text))
statement_line: statement_line_once PRIMARY KEY (transfer_id, leg)
statement_line: statement_line_statement_id_fkey FOREIGN KEY (statement_id) REFERENCES statement(id)
statement_paper: statement_paper_language_check CHECK ((language = ANY (ARRAY['zh-CN'::text, 'en'::text])))
statement_paper: statement_paper_pkey PRIMARY KEY (statement_id, language)
statement_paper: statement_paper_statement_id_fkey FOREIGN KEY (statement_id) REFERENCES statement(id)
stop_acknowledgement: stop_acknowledgement_bytes_check CHECK ((bytes >= 0))
stop_acknowledgement: stop_acknowledgement_nanoseconds_check CHECK ((nanoseconds >= 0))
stop_acknowledgement: stop_acknowledgement_pkey PRIMARY KEY (stop_id)
stop_acknowledgement: stop_acknowledgement_stop_id_fkey FOREIGN KEY (stop_id) REFERENCES gate_stop(id)
stop_acknowledgement: stop_acknowledgement_streams_check CHECK ((streams >= 0))
stop_acknowledgement: stop_acknowledgement_waited_nanoseconds_check CHECK ((waited_nanoseconds >= 0))
stop_order: stop_order_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
stop_order: stop_order_id_check CHECK ((id ~ '^stp_'::text))
stop_order: stop_order_ordered_by_fkey FOREIGN KEY (ordered_by) REFERENCES account(id)
stop_order: stop_order_pkey PRIMARY KEY (id)
stop_order: stop_order_quote_id_fkey FOREIGN KEY (quote_id) REFERENCES stop_quote(id)
stop_order: stop_order_releases_check CHECK ((releases >= 0))
stop_order: stop_order_signed_document_id_fkey FOREIGN KEY (signed_document_id) REFERENCES signed_document(id)
stop_order: stop_order_signed_document_id_key UNIQUE (signed_document_id)
stop_quote: stop_quote_check CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
stop_quote: stop_quote_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
stop_quote: stop_quote_id_check CHECK ((id ~ '^quo_'::text))
stop_quote: stop_quote_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
stop_quote: stop_quote_pkey PRIMARY KEY (id)
stripe_event: stripe_event_body_sha256_check CHECK ((body_sha256 ~ '^[0-9a-f]{64}$'::text))
stripe_event: stripe_event_pkey PRIMARY KEY (id)
stripe_event_applied: stripe_event_applied_event_id_fkey FOREIGN KEY (event_id) REFERENCES stripe_event(id)
stripe_event_applied: stripe_event_applied_outcome_check CHECK ((outcome = ANY (ARRAY['applied'::text, 'not_ours'::text, 'handed_on'::text])))
stripe_event_applied: stripe_event_applied_pkey PRIMARY KEY (event_id)
subscription: subscription_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id)
subscription: subscription_billing_country_check CHECK ((billing_country ~ '^[A-Z]{2}$'::text))
subscription: subscription_check CHECK (((state = ANY (ARRAY['canceled'::text, 'expired'::text])) = (ended_at IS NOT NULL)))
subscription: subscription_check1 CHECK (((state <> 'checkout'::text) OR ((stripe_session IS NOT NULL) AND (checkout_url IS NOT NULL))))
subscription: subscription_clone_id_account_id_id_key UNIQUE (clone_id, account_id, id)
subscription: subscription_clone_id_tier_id_fkey FOREIGN KEY (clone_id, tier_id) REFERENCES tier(clone_id, id)
subscription: subscription_declared_country_check CHECK ((declared_country ~ '^[A-Z]{2}$'::text))
subscription: subscription_interval_check CHECK (("interval" = ANY (ARRAY['month'::text, 'year'::text])))
subscription: subscription_pkey PRIMARY KEY (id)
subscription: subscription_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'checkout'::text, 'active'::text, 'past_due'::text, 'canceled'::text, 'expired'::text])))
subscription: subscription_stripe_session_key UNIQUE (stripe_session)
subscription: subscription_stripe_subscription_key UNIQUE (stripe_subscription)
subscription: subscription_tier_id_offer_version_fkey FOREIGN KEY (tier_id, offer_version) REFERENCES tier_offer(tier_id, version)
subscription_period: subscription_period_captured_check CHECK ((captured >= 0))
subscription_period: subscription_period_check CHECK ((((days >= 1) AND (days <= 400)) AND (days = (end_day - start_day))))
subscription_period: subscription_period_check1 CHECK (((tax_minor >= 0) AND (tax_minor <= gross_minor)))
subscription_period: subscription_period_check2 CHECK (((recognised_days >= 0) AND (recognised_days <= days)))
subscription_period: subscription_period_clone_id_account_id_subscription_id_fkey FOREIGN KEY (clone_id, account_id, subscription_id) REFERENCES subscription(clone_id, account_id, id)
subscription_period: subscription_period_clone_id_credited_from_fkey FOREIGN KEY (clone_id, credited_from) REFERENCES subscription_period(clone_id, id)
subscription_period: subscription_period_clone_id_id_key UNIQUE (clone_id, id)
subscription_period: subscription_period_clone_id_tier_id_fkey FOREIGN KEY (clone_id, tier_id) REFERENCES tier(clone_id, id)
subscription_period: subscription_period_credited_minor_check CHECK ((credited_minor >= 0))
subscription_period: subscription_period_currency_check CHECK ((currency = 'CNY'::text))
subscription_period: subscription_period_fee_minor_check CHECK ((fee_minor >= 0))
subscription_period: subscription_period_granted_check CHECK ((granted >= 0))
subscription_period: subscription_period_gross_minor_check CHECK ((gross_minor > 0))
subscription_period: subscription_period_held_check CHECK ((held >= 0))
subscription_period: subscription_period_pkey PRIMARY KEY (id)
subscription_period: subscription_period_quota CHECK (((held + captured) <= granted))
subscription_period: subscription_period_refunds CHECK (((refunded_minor >= 0) AND ((refunded_minor + credited_minor) <= gross_minor)))
subscription_period: subscription_period_tax_rate_basis_points_check CHECK (((tax_rate_basis_points >= 0) AND (tax_rate_basis_points <= 10000)))
subscription_period: subscription_period_tier_id_offer_version_fkey FOREIGN KEY (tier_id, offer_version) REFERENCES tier_offer(tier_id, version)
succession: succession_check CHECK ((digest = encode(sha256(convert_to(canonical, 'UTF8'::name)), 'hex'::text)))
succession: succession_id_check CHECK ((id ~ '^suc_'::text))
succession: succession_id_owner_account_id_key UNIQUE (id, owner_account_id)
succession: succession_is_the_document CHECK (((((canonical)::jsonb ->> 'successionId'::text) = id) AND (((canonical)::jsonb #>> '{owner,accountId}'::text[]) = owner_account_id)))
succession: succession_owner_account_id_fkey FOREIGN KEY (owner_account_id) REFERENCES account(id)
succession: succession_pkey PRIMARY KEY (id)
succession_signature: succession_signature_pkey PRIMARY KEY (succession_id, account_id)
succession_signature: succession_signature_signed_document_id_account_id_fkey FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document(id, account_id)
succession_signature: succession_signature_signed_document_id_key UNIQUE (signed_document_id)
succession_signature: succession_signature_succession_id_fkey FOREIGN KEY (succession_id) REFERENCES succession(id)
tax_profile: tax_profile_check CHECK ((set_by <> payee))
tax_profile: tax_profile_id_check CHECK ((id ~ '^txp_'::text))
tax_profile: tax_profile_payee_fkey FOREIGN KEY (payee) REFERENCES account(id)
tax_profile: tax_profile_pkey PRIMARY KEY (id)
tax_profile: tax_profile_rate_basis_points_check CHECK (((rate_basis_points >= 0) AND (rate_basis_points <= 5000)))
tax_profile: tax_profile_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 300)))
tax_profile: tax_profile_set_by_fkey FOREIGN KEY (set_by) REFERENCES account(id)
tier: tier_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
tier: tier_clone_id_id_key UNIQUE (clone_id, id)
tier: tier_clone_id_id_kind_key UNIQUE (clone_id, id, kind)
tier: tier_created_by_fkey FOREIGN KEY (created_by) REFERENCES account(id)
tier: tier_kind_check CHECK ((kind = ANY (ARRAY['free'::text, 'friend'::text, 'work'::text])))
tier: tier_name_check CHECK (((length(name) >= 1) AND (length(name) <= 64)))
tier: tier_pkey PRIMARY KEY (id)
tier_offer: tier_offer_check CHECK (((kind = 'free'::text) = (price_minor = 0)))
tier_offer: tier_offer_check1 CHECK (((kind <> 'free'::text) OR (year_price_minor IS NULL)))
tier_offer: tier_offer_check2 CHECK (((kind = 'free'::text) OR (outputs_per_period IS NOT NULL)))
tier_offer: tier_offer_clone_id_tier_id_kind_fkey FOREIGN KEY (clone_id, tier_id, kind) REFERENCES tier(clone_id, id, kind)
tier_offer: tier_offer_clone_id_tier_id_version_key UNIQUE (clone_id, tier_id, version)
tier_offer: tier_offer_created_by_fkey FOREIGN KEY (created_by) REFERENCES account(id)
tier_offer: tier_offer_currency_check CHECK ((currency = 'CNY'::text))
tier_offer: tier_offer_outputs_per_period_check CHECK (((outputs_per_period >= 0) AND (outputs_per_period <= 1000000)))
tier_offer: tier_offer_pkey PRIMARY KEY (tier_id, version)
tier_offer: tier_offer_price_minor_check CHECK (((price_minor >= 0) AND (price_minor <= 99999999)))
tier_offer: tier_offer_version_check CHECK ((version >= 1))
tier_offer: tier_offer_year_price_minor_check CHECK (((year_price_minor >= 1) AND (year_price_minor <= 99999999)))
tier_offer_price: tier_offer_price_interval_check CHECK (("interval" = ANY (ARRAY['month'::text, 'year'::text])))
tier_offer_price: tier_offer_price_pkey PRIMARY KEY (tier_id, version, "interval")
tier_offer_price: tier_offer_price_stripe_price_key UNIQUE (stripe_price)
tier_offer_price: tier_offer_price_tier_id_version_fkey FOREIGN KEY (tier_id, version) REFERENCES tier_offer(tier_id, version)
undivided_return: undivided_return_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
undivided_return: undivided_return_pkey PRIMARY KEY (transfer_id)
wind_down: wind_down_check CHECK ((ends_at >= ordered_at))
wind_down: wind_down_clone_id_fkey FOREIGN KEY (clone_id) REFERENCES clone(id)
wind_down: wind_down_gate_id_fkey FOREIGN KEY (gate_id) REFERENCES gate(id)
wind_down: wind_down_gate_id_key UNIQUE (gate_id)
wind_down: wind_down_ordered_by_fkey FOREIGN KEY (ordered_by) REFERENCES account(id)
wind_down: wind_down_pkey PRIMARY KEY (stop_id)
wind_down: wind_down_quote_id_fkey FOREIGN KEY (quote_id) REFERENCES stop_quote(id)
wind_down: wind_down_scope_check CHECK ((scope = ANY (ARRAY['clone'::text, 'capability'::text, 'grant'::text, 'licence'::text])))
wind_down: wind_down_signed_document_id_fkey FOREIGN KEY (signed_document_id) REFERENCES signed_document(id)
wind_down: wind_down_signed_document_id_key UNIQUE (signed_document_id)
wind_down: wind_down_stop_id_check CHECK ((stop_id ~ '^stp_'::text))

-- Indexes

CREATE UNIQUE INDEX account_pkey ON public.account USING btree (id)
CREATE UNIQUE INDEX account_role_invitation_id_key ON public.account_role USING btree (invitation_id)
CREATE UNIQUE INDEX account_role_pkey ON public.account_role USING btree (account_id, role)
CREATE INDEX advance_of_payee ON public.advance USING btree (payee, currency)
CREATE UNIQUE INDEX advance_pkey ON public.advance USING btree (id)
CREATE INDEX advance_clone_of_clone ON public.advance_clone USING btree (clone_id)
CREATE UNIQUE INDEX advance_clone_pkey ON public.advance_clone USING btree (advance_id, clone_id)
CREATE UNIQUE INDEX advance_recoupment_pkey ON public.advance_recoupment USING btree (advance_id, run_id)
CREATE UNIQUE INDEX advance_recoupment_transfer_id_key ON public.advance_recoupment USING btree (transfer_id)
CREATE UNIQUE INDEX advance_restoration_pkey ON public.advance_restoration USING btree (advance_id, run_id, cause_id)
CREATE UNIQUE INDEX advance_restoration_transfer_id_key ON public.advance_restoration USING btree (transfer_id)
CREATE UNIQUE INDEX advance_signature_pkey ON public.advance_signature USING btree (advance_id, signer)
CREATE UNIQUE INDEX advance_signature_signed_document_id_key ON public.advance_signature USING btree (signed_document_id)
CREATE UNIQUE INDEX amendment_offer_pkey ON public.amendment_offer USING btree (grant_id, digest, account_id)
CREATE UNIQUE INDEX amendment_offer_signed_document_id_key ON public.amendment_offer USING btree (signed_document_id)
CREATE UNIQUE INDEX amendment_withdrawal_pkey ON public.amendment_withdrawal USING btree (grant_id, digest)
CREATE INDEX bank_payout_newest ON public.bank_payout USING btree (stripe_account, sent_at DESC, stripe_payout DESC)
CREATE UNIQUE INDEX bank_payout_pkey ON public.bank_payout USING btree (stripe_payout)
CREATE UNIQUE INDEX bank_take_back_pkey ON public.bank_take_back USING btree (stripe_payout, payout_id)
CREATE UNIQUE INDEX bank_take_back_try_pkey ON public.bank_take_back_try USING btree (stripe_payout, payout_id)
CREATE UNIQUE INDEX billing_customer_pkey ON public.billing_customer USING btree (account_id)
CREATE UNIQUE INDEX billing_customer_stripe_customer_key ON public.billing_customer USING btree (stripe_customer)
CREATE UNIQUE INDEX billing_grace_pkey ON public.billing_grace USING btree (clone_id)
CREATE INDEX billing_sales_end_of_clone ON public.billing_sales_end USING btree (clone_id)
CREATE UNIQUE INDEX billing_sales_end_pkey ON public.billing_sales_end USING btree (stop_id)
CREATE INDEX billing_stop_of_clone ON public.billing_stop USING btree (clone_id, at)
CREATE UNIQUE INDEX billing_stop_pkey ON public.billing_stop USING btree (stop_id)
CREATE INDEX capability_pause_of_clone ON public.capability_pause USING btree (clone_id, from_at)
CREATE UNIQUE INDEX capability_pause_one_open ON public.capability_pause USING btree (clone_id, capability) WHERE (to_at IS NULL)
CREATE UNIQUE INDEX capability_pause_pkey ON public.capability_pause USING btree (id)
CREATE INDEX capability_stop_of_clone ON public.capability_stop USING btree (clone_id, capability)
CREATE UNIQUE INDEX capability_stop_pkey ON public.capability_stop USING btree (stop_id)
CREATE UNIQUE INDEX challenge_challenge_key ON public.challenge USING btree (challenge)
CREATE INDEX challenge_expired ON public.challenge USING btree (expires_at)
CREATE UNIQUE INDEX challenge_pkey ON public.challenge USING btree (id)
CREATE UNIQUE INDEX clone_handle_key ON public.clone USING btree (handle)
CREATE UNIQUE INDEX clone_id_ownership_proof_id_key ON public.clone USING btree (id, ownership_proof_id)
CREATE INDEX clone_of_owner ON public.clone USING btree (owner_account_id)
CREATE INDEX clone_of_proof ON public.clone USING btree (ownership_proof_id)
CREATE UNIQUE INDEX clone_pkey ON public.clone USING btree (id)
CREATE UNIQUE INDEX clone_material_clone_id_id_key ON public.clone_material USING btree (clone_id, id)
CREATE UNIQUE INDEX clone_material_clone_id_kind_number_key ON public.clone_material USING btree (clone_id, kind, number)
CREATE UNIQUE INDEX clone_material_pkey ON public.clone_material USING btree (id)
CREATE INDEX clone_pause_of_clone ON public.clone_pause USING btree (clone_id, from_at)
CREATE UNIQUE INDEX clone_pause_one_open ON public.clone_pause USING btree (clone_id) WHERE (to_at IS NULL)
CREATE UNIQUE INDEX clone_pause_pkey ON public.clone_pause USING btree (id)
CREATE UNIQUE INDEX clone_version_clone_id_number_key ON public.clone_version USING btree (clone_id, number)
CREATE INDEX clone_version_of_proof ON public.clone_version USING btree (ownership_proof_id, needed_proof_state)
CREATE UNIQUE INDEX clone_version_pkey ON public.clone_version USING btree (id)
CREATE INDEX clone_version_serving ON public.clone_version USING btree (clone_id, number DESC) WHERE (state = 'approved'::text)
CREATE UNIQUE INDEX clone_version_signed_document_id_key ON public.clone_version USING btree (signed_document_id)
CREATE UNIQUE INDEX coin_loss_pkey ON public.coin_loss USING btree (dispute_id, spend_id, lot_id)
CREATE UNIQUE INDEX coin_lot_account_id_id_key ON public.coin_lot USING btree (account_id, id)
CREATE INDEX coin_lot_of_fan ON public.coin_lot USING btree (account_id, bought_at, id) WHERE (left_coins > 0)
CREATE UNIQUE INDEX coin_lot_pkey ON public.coin_lot USING btree (id)
CREATE UNIQUE INDEX coin_lot_purchase_id_key ON public.coin_lot USING btree (purchase_id)
CREATE UNIQUE INDEX coin_lot_stripe_charge_key ON public.coin_lot USING btree (stripe_charge)
CREATE INDEX coin_purchase_of_fan ON public.coin_purchase USING btree (account_id, id)
CREATE UNIQUE INDEX coin_purchase_pkey ON public.coin_purchase USING btree (id)
CREATE UNIQUE INDEX coin_purchase_stripe_session_key ON public.coin_purchase USING btree (stripe_session)
CREATE UNIQUE INDEX coin_restore_pkey ON public.coin_restore USING btree (refund_id, spend_id, lot_id)
CREATE INDEX coin_return_of_fan ON public.coin_return USING btree (account_id, id)
CREATE INDEX coin_return_of_lot ON public.coin_return USING btree (lot_id)
CREATE UNIQUE INDEX coin_return_pkey ON public.coin_return USING btree (id)
CREATE UNIQUE INDEX coin_return_spend_id_key ON public.coin_return USING btree (spend_id)
CREATE UNIQUE INDEX coin_return_stripe_refund_key ON public.coin_return USING btree (stripe_refund)
CREATE UNIQUE INDEX coin_spend_held_transfer_key ON public.coin_spend USING btree (held_transfer)
CREATE INDEX coin_spend_of_fan ON public.coin_spend USING btree (account_id, id)
CREATE INDEX coin_spend_open ON public.coin_spend USING btree (clone_id) WHERE (state = 'held'::text)
CREATE UNIQUE INDEX coin_spend_output_id_key ON public.coin_spend USING btree (output_id)
CREATE UNIQUE INDEX coin_spend_pkey ON public.coin_spend USING btree (id)
CREATE UNIQUE INDEX coin_spend_settled_transfer_key ON public.coin_spend USING btree (settled_transfer)
CREATE INDEX coin_spend_part_of_lot ON public.coin_spend_part USING btree (lot_id)
CREATE UNIQUE INDEX coin_spend_part_pkey ON public.coin_spend_part USING btree (spend_id, lot_id)
CREATE UNIQUE INDEX consent_contract_pkey ON public.consent_contract USING btree (grant_id, digest)
CREATE UNIQUE INDEX consent_grant_clone_id_id_key ON public.consent_grant USING btree (clone_id, id)
CREATE INDEX consent_grant_of_clone ON public.consent_grant USING btree (clone_id, state, id)
CREATE UNIQUE INDEX consent_grant_one_in_force ON public.consent_grant USING btree (clone_id, licensee) WHERE (state = 'signed'::text)
CREATE UNIQUE INDEX consent_grant_pkey ON public.consent_grant USING btree (id)
CREATE UNIQUE INDEX consent_grant_draft_grant_id_digest_version_key ON public.consent_grant_draft USING btree (grant_id, digest, version)
CREATE UNIQUE INDEX consent_grant_draft_pkey ON public.consent_grant_draft USING btree (grant_id, digest)
CREATE UNIQUE INDEX consent_grant_revocation_pkey ON public.consent_grant_revocation USING btree (grant_id)
CREATE UNIQUE INDEX consent_grant_revocation_signed_document_id_key ON public.consent_grant_revocation USING btree (signed_document_id)
CREATE UNIQUE INDEX consent_grant_signature_pkey ON public.consent_grant_signature USING btree (grant_id, version)
CREATE UNIQUE INDEX consent_grant_signature_signed_document_id_key ON public.consent_grant_signature USING btree (signed_document_id)
CREATE INDEX consent_volume_use_of_day ON public.consent_volume_use USING btree (grant_id, day) WHERE (state = 'taken'::text)
CREATE INDEX consent_volume_use_of_licence ON public.consent_volume_use USING btree (licence_id, day) WHERE ((state = 'taken'::text) AND (licence_id IS NOT NULL))
CREATE UNIQUE INDEX consent_volume_use_pkey ON public.consent_volume_use USING btree (subject_id)
CREATE UNIQUE INDEX counter_notice_pkey ON public.counter_notice USING btree (notice_id)
CREATE UNIQUE INDEX counter_notice_signed_document_id_key ON public.counter_notice USING btree (signed_document_id)
CREATE UNIQUE INDEX credential_id_account_id_key ON public.credential USING btree (id, account_id)
CREATE INDEX credential_of_account ON public.credential USING btree (account_id, created_at DESC, id)
CREATE UNIQUE INDEX credential_pkey ON public.credential USING btree (id)
CREATE UNIQUE INDEX currency_pkey ON public.currency USING btree (code)
CREATE UNIQUE INDEX currency_carried_pkey ON public.currency_carried USING btree ("position", claim, settled)
CREATE UNIQUE INDEX currency_conversion_payout_id_key ON public.currency_conversion USING btree (payout_id)
CREATE UNIQUE INDEX currency_conversion_pkey ON public.currency_conversion USING btree (id)
CREATE UNIQUE INDEX database_confirmation_pkey ON public.database_confirmation USING btree (distrust_id, account_id)
CREATE UNIQUE INDEX database_distrust_pkey ON public.database_distrust USING btree (id)
CREATE UNIQUE INDEX database_timeline_pkey ON public.database_timeline USING btree (system_identifier, timeline)
CREATE UNIQUE INDEX death_case_one ON public.death_case USING btree (owner_account_id) WHERE (state <> ALL (ARRAY['dismissed'::text, 'undone'::text]))
CREATE UNIQUE INDEX death_case_pkey ON public.death_case USING btree (id)
CREATE UNIQUE INDEX death_case_signed_document_id_key ON public.death_case USING btree (signed_document_id)
CREATE UNIQUE INDEX death_dissent_pkey ON public.death_dissent USING btree (case_id, heir)
CREATE UNIQUE INDEX death_end_life_document_id_key ON public.death_end USING btree (life_document_id)
CREATE UNIQUE INDEX death_end_pkey ON public.death_end USING btree (case_id)
CREATE UNIQUE INDEX death_paper_nonce_key ON public.death_paper USING btree (nonce)
CREATE INDEX death_paper_of_succession ON public.death_paper USING btree (succession_id, uploaded_by, sha256)
CREATE UNIQUE INDEX death_paper_pkey ON public.death_paper USING btree (id)
CREATE UNIQUE INDEX death_paper_destruction_pkey ON public.death_paper_destruction USING btree (paper_id)
CREATE UNIQUE INDEX death_paper_key_pkey ON public.death_paper_key USING btree (paper_id)
CREATE UNIQUE INDEX death_paper_view_pkey ON public.death_paper_view USING btree (id)
CREATE UNIQUE INDEX death_review_pkey ON public.death_review USING btree (case_id, round, reviewer)
CREATE INDEX decision_of_clone ON public.decision USING btree (clone_id, at, id)
CREATE INDEX decision_of_requester ON public.decision USING btree (requester, at, id)
CREATE UNIQUE INDEX decision_pkey ON public.decision USING btree (id)
CREATE INDEX delegated_act_of_delegation ON public.delegated_act USING btree (delegation_id, at, id)
CREATE UNIQUE INDEX delegated_act_pkey ON public.delegated_act USING btree (id)
CREATE INDEX delegation_of_agent ON public.delegation USING btree (agent_account_id, id)
CREATE INDEX delegation_of_owner ON public.delegation USING btree (owner_account_id, id)
CREATE UNIQUE INDEX delegation_pkey ON public.delegation USING btree (id)
CREATE UNIQUE INDEX delegation_end_pkey ON public.delegation_end USING btree (delegation_id)
CREATE UNIQUE INDEX delegation_signature_pkey ON public.delegation_signature USING btree (delegation_id, account_id)
CREATE UNIQUE INDEX delegation_signature_signed_document_id_key ON public.delegation_signature USING btree (signed_document_id)
CREATE UNIQUE INDEX derivative_signature_pkey ON public.derivative_signature USING btree (derivative_id, signer)
CREATE UNIQUE INDEX derivative_signature_signed_document_id_key ON public.derivative_signature USING btree (signed_document_id)
CREATE UNIQUE INDEX derivative_term_clone_id_number_key ON public.derivative_term USING btree (clone_id, number)
CREATE INDEX derivative_term_in_force ON public.derivative_term USING btree (clone_id, effective_from) WHERE (state = 'signed'::text)
CREATE UNIQUE INDEX derivative_term_pkey ON public.derivative_term USING btree (id)
CREATE INDEX dispute_of_charge ON public.dispute USING btree (stripe_charge)
CREATE INDEX dispute_open ON public.dispute USING btree (opened_at) WHERE (state = 'open'::text)
CREATE UNIQUE INDEX dispute_pkey ON public.dispute USING btree (id)
CREATE INDEX enrolment_hold_of_clone ON public.enrolment_hold USING btree (clone_id) WHERE (clone_id IS NOT NULL)
CREATE INDEX enrolment_hold_of_enroller ON public.enrolment_hold USING btree (enroller_id, opened_at)
CREATE INDEX enrolment_hold_of_proof ON public.enrolment_hold USING btree (proof_id) WHERE (proof_id IS NOT NULL)
CREATE UNIQUE INDEX enrolment_hold_pkey ON public.enrolment_hold USING btree (id)
CREATE UNIQUE INDEX enrolment_hold_refusal_id_kind_subject_id_key ON public.enrolment_hold USING btree (refusal_id, kind, subject_id)
CREATE INDEX enrolment_hold_waiting ON public.enrolment_hold USING btree (opened_at, id) WHERE (state = 'open'::text)
CREATE UNIQUE INDEX enrolment_hold_review_pkey ON public.enrolment_hold_review USING btree (hold_id, reviewer_id)
CREATE UNIQUE INDEX estate_case_id_key ON public.estate USING btree (case_id)
CREATE INDEX estate_of_holder ON public.estate USING btree (holder_account_id)
CREATE UNIQUE INDEX estate_pkey ON public.estate USING btree (owner_account_id)
CREATE UNIQUE INDEX free_quota_pkey ON public.free_quota USING btree (clone_id, account_id)
CREATE UNIQUE INDEX gate_once ON public.gate USING btree (clone_id, kind, capability, grant_id, licence_id) NULLS NOT DISTINCT
CREATE UNIQUE INDEX gate_pkey ON public.gate USING btree (id)
CREATE UNIQUE INDEX gate_change_pkey ON public.gate_change USING btree (gate_id, epoch)
CREATE INDEX gate_hold_of_holder ON public.gate_hold USING btree (gate_id, holder, "position" DESC)
CREATE UNIQUE INDEX gate_hold_pkey ON public.gate_hold USING btree (gate_id, "position")
CREATE UNIQUE INDEX gate_stop_gate_id_epoch_key ON public.gate_stop USING btree (gate_id, epoch)
CREATE UNIQUE INDEX gate_stop_number_key ON public.gate_stop USING btree (number)
CREATE INDEX gate_stop_of_clone ON public.gate_stop USING btree (clone_id, number)
CREATE UNIQUE INDEX gate_stop_pkey ON public.gate_stop USING btree (id)
CREATE UNIQUE INDEX gate_stop_confirmation_pkey ON public.gate_stop_confirmation USING btree (stop_id, gateway_id)
CREATE UNIQUE INDEX gate_stop_open_pkey ON public.gate_stop_open USING btree (stop_id)
CREATE UNIQUE INDEX gateway_lease_pkey ON public.gateway_lease USING btree (id)
CREATE INDEX gateway_lease_serving ON public.gateway_lease USING btree (id) WHERE (state = 'serving'::text)
CREATE UNIQUE INDEX goodwill_day_once ON public.goodwill_day USING btree (period_id, day) WHERE (NOT failed)
CREATE UNIQUE INDEX goodwill_day_pkey ON public.goodwill_day USING btree (refund_id, day)
CREATE INDEX goodwill_leg_of_pot ON public.goodwill_leg USING btree (pot_id, leg)
CREATE UNIQUE INDEX goodwill_leg_pkey ON public.goodwill_leg USING btree (refund_id, pot_id, leg)
CREATE UNIQUE INDEX goodwill_payee_pkey ON public.goodwill_payee USING btree (refund_id, payee)
CREATE INDEX goodwill_pot_of_pot ON public.goodwill_pot USING btree (pot_id)
CREATE UNIQUE INDEX goodwill_pot_pkey ON public.goodwill_pot USING btree (refund_id, pot_id)
CREATE INDEX goodwill_refund_of_period ON public.goodwill_refund USING btree (period_id)
CREATE UNIQUE INDEX goodwill_refund_pkey ON public.goodwill_refund USING btree (refund_id)
CREATE UNIQUE INDEX goodwill_refund_transfer_id_key ON public.goodwill_refund USING btree (transfer_id)
CREATE UNIQUE INDEX idempotency_pkey ON public.idempotency USING btree (scope, key)
CREATE UNIQUE INDEX invitation_id_role_accepted_by_key ON public.invitation USING btree (id, role, accepted_by)
CREATE INDEX invitation_of_inviter ON public.invitation USING btree (invited_by, created_at)
CREATE UNIQUE INDEX invitation_one_first ON public.invitation USING btree ((true)) WHERE ((invited_by IS NULL) AND (accepted_at IS NULL) AND (withdrawn_at IS NULL))
CREATE UNIQUE INDEX invitation_pkey ON public.invitation USING btree (id)
CREATE UNIQUE INDEX invitation_token_hash_key ON public.invitation USING btree (token_hash)
CREATE UNIQUE INDEX job_dedupe_key_key ON public.job USING btree (dedupe_key)
CREATE INDEX job_due ON public.job USING btree (turn_at, id) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text]))
CREATE UNIQUE INDEX job_pkey ON public.job USING btree (id)
CREATE UNIQUE INDEX ledger_account_code_key ON public.ledger_account USING btree (code)
CREATE UNIQUE INDEX ledger_account_id_currency_key ON public.ledger_account USING btree (id, currency)
CREATE UNIQUE INDEX ledger_account_pkey ON public.ledger_account USING btree (id)
CREATE INDEX ledger_adjustment_newest ON public.ledger_adjustment USING btree (proposed_at DESC, id DESC)
CREATE UNIQUE INDEX ledger_adjustment_pkey ON public.ledger_adjustment USING btree (id)
CREATE UNIQUE INDEX ledger_adjustment_decision_pkey ON public.ledger_adjustment_decision USING btree (adjustment_id)
CREATE UNIQUE INDEX ledger_adjustment_withdrawal_pkey ON public.ledger_adjustment_withdrawal USING btree (adjustment_id)
CREATE UNIQUE INDEX ledger_balance_day_pkey ON public.ledger_balance_day USING btree (account_id, place)
CREATE UNIQUE INDEX ledger_balance_snapshot_pkey ON public.ledger_balance_snapshot USING btree (account_id, "position")
CREATE UNIQUE INDEX ledger_close_pkey ON public.ledger_close USING btree (number)
CREATE UNIQUE INDEX ledger_close_through_day_key ON public.ledger_close USING btree (through_day)
CREATE UNIQUE INDEX ledger_close_total_pkey ON public.ledger_close_total USING btree (number, currency, class)
CREATE INDEX ledger_entry_of_account ON public.ledger_entry USING btree (account_id, transfer_seq) INCLUDE (amount_minor)
CREATE UNIQUE INDEX ledger_entry_of_transfer ON public.ledger_entry USING btree (transfer_seq, leg)
CREATE UNIQUE INDEX ledger_hold_key_key ON public.ledger_hold USING btree (key)
CREATE UNIQUE INDEX ledger_hold_pkey ON public.ledger_hold USING btree (id)
CREATE UNIQUE INDEX ledger_hold_seq_key ON public.ledger_hold USING btree (seq)
CREATE INDEX ledger_hold_claim_of_hold ON public.ledger_hold_claim USING btree (hold_seq)
CREATE UNIQUE INDEX ledger_hold_claim_pkey ON public.ledger_hold_claim USING btree (account_id, hold_seq)
CREATE UNIQUE INDEX ledger_hold_leg_pkey ON public.ledger_hold_leg USING btree (hold_seq, leg)
CREATE INDEX ledger_hold_open_by_expiry ON public.ledger_hold_open USING btree (expires_at) WHERE (expires_at IS NOT NULL)
CREATE UNIQUE INDEX ledger_hold_open_pkey ON public.ledger_hold_open USING btree (hold_seq)
CREATE UNIQUE INDEX ledger_hold_resolution_pkey ON public.ledger_hold_resolution USING btree (hold_seq)
CREATE UNIQUE INDEX ledger_hold_resolution_transfer_seq_key ON public.ledger_hold_resolution USING btree (transfer_seq)
CREATE UNIQUE INDEX ledger_hold_unsealed_pkey ON public.ledger_hold_unsealed USING btree (hold_seq, fact)
CREATE INDEX ledger_import_items ON public.ledger_import USING gin (transfers jsonb_path_ops)
CREATE UNIQUE INDEX ledger_import_pkey ON public.ledger_import USING btree (id)
CREATE UNIQUE INDEX ledger_import_posting_pkey ON public.ledger_import_posting USING btree (import_id)
CREATE UNIQUE INDEX ledger_position_pkey ON public.ledger_position USING btree ("position")
CREATE UNIQUE INDEX ledger_position_transfer_seq_key ON public.ledger_position USING btree (transfer_seq)
CREATE UNIQUE INDEX ledger_roll_up_pkey ON public.ledger_roll_up USING btree ("position")
CREATE UNIQUE INDEX ledger_seal_leaf_id_key ON public.ledger_seal USING btree (leaf_id)
CREATE UNIQUE INDEX ledger_seal_pkey ON public.ledger_seal USING btree (number)
CREATE INDEX ledger_transfer_by_charge ON public.ledger_transfer USING hash (((metadata ->> 'charge'::text))) WHERE ((metadata ->> 'charge'::text) IS NOT NULL)
CREATE INDEX ledger_transfer_by_output_id ON public.ledger_transfer USING hash (((metadata ->> 'outputId'::text))) WHERE ((metadata ->> 'outputId'::text) IS NOT NULL)
CREATE INDEX ledger_transfer_by_payout_id ON public.ledger_transfer USING hash (((metadata ->> 'payoutId'::text))) WHERE ((metadata ->> 'payoutId'::text) IS NOT NULL)
CREATE INDEX ledger_transfer_by_period_id ON public.ledger_transfer USING hash (((metadata ->> 'periodId'::text))) WHERE ((metadata ->> 'periodId'::text) IS NOT NULL)
CREATE INDEX ledger_transfer_by_run_id ON public.ledger_transfer USING hash (((metadata ->> 'runId'::text))) WHERE ((metadata ->> 'runId'::text) IS NOT NULL)
CREATE INDEX ledger_transfer_by_subscription_id ON public.ledger_transfer USING hash (((metadata ->> 'subscriptionId'::text))) WHERE ((metadata ->> 'subscriptionId'::text) IS NOT NULL)
CREATE UNIQUE INDEX ledger_transfer_key_key ON public.ledger_transfer USING btree (key)
CREATE UNIQUE INDEX ledger_transfer_pkey ON public.ledger_transfer USING btree (id)
CREATE INDEX ledger_transfer_reverses ON public.ledger_transfer USING btree (reverses) WHERE (reverses IS NOT NULL)
CREATE UNIQUE INDEX ledger_transfer_seq_key ON public.ledger_transfer USING btree (seq)
CREATE UNIQUE INDEX licence_clone_id_id_key ON public.licence USING btree (clone_id, id)
CREATE INDEX licence_of_grant ON public.licence USING btree (grant_id, id)
CREATE INDEX licence_of_licensee ON public.licence USING btree (licensee_account_id, id)
CREATE UNIQUE INDEX licence_pkey ON public.licence USING btree (id)
CREATE INDEX licence_containment_of ON public.licence_containment USING btree (licence_id, id DESC)
CREATE UNIQUE INDEX licence_containment_pkey ON public.licence_containment USING btree (id)
CREATE UNIQUE INDEX licence_end_pkey ON public.licence_end USING btree (licence_id)
CREATE UNIQUE INDEX licence_notice_pkey ON public.licence_notice USING btree (licence_id)
CREATE UNIQUE INDEX licence_signature_pkey ON public.licence_signature USING btree (licence_id, account_id)
CREATE UNIQUE INDEX licence_signature_signed_document_id_key ON public.licence_signature USING btree (signed_document_id)
CREATE UNIQUE INDEX log_checkpoint_pkey ON public.log_checkpoint USING btree (size)
CREATE INDEX log_leaf_of_subject ON public.log_leaf USING btree (subject_id, at, id)
CREATE UNIQUE INDEX log_leaf_pkey ON public.log_leaf USING btree (id)
CREATE UNIQUE INDEX log_leaf_type_pkey ON public.log_leaf_type USING btree (name)
CREATE UNIQUE INDEX log_node_pkey ON public.log_node USING btree (level, index)
CREATE UNIQUE INDEX log_position_leaf_id_key ON public.log_position USING btree (leaf_id)
CREATE UNIQUE INDEX log_position_pkey ON public.log_position USING btree (index)
CREATE INDEX log_waiting_order ON public.log_waiting USING btree (recorded_at, leaf_id)
CREATE UNIQUE INDEX log_waiting_pkey ON public.log_waiting USING btree (leaf_id)
CREATE INDEX media_read_of_subject ON public.media_read USING btree (subject_id, account_id)
CREATE UNIQUE INDEX media_read_pkey ON public.media_read USING btree (id)
CREATE UNIQUE INDEX "PK_3043fc6b8af7c99b8b98830094f" ON public.migration USING btree (id)
CREATE INDEX notice_of_clone ON public.notice USING btree (clone_id, filed_at) WHERE (verified_at IS NOT NULL)
CREATE INDEX notice_of_complainant ON public.notice USING btree (complainant_id, filed_at) WHERE (complainant_id IS NOT NULL)
CREATE INDEX notice_of_contact ON public.notice USING btree (contact_key, filed_at)
CREATE INDEX notice_of_network ON public.notice USING btree (network_key, filed_at) WHERE (network_key IS NOT NULL)
CREATE INDEX notice_of_target ON public.notice USING btree (target_key, filed_at) WHERE (ended_at IS NULL)
CREATE UNIQUE INDEX notice_once_while_open ON public.notice USING btree (same_key) WHERE (ended_at IS NULL)
CREATE UNIQUE INDEX notice_pkey ON public.notice USING btree (id)
CREATE UNIQUE INDEX notice_signed_document_id_key ON public.notice USING btree (signed_document_id)
CREATE UNIQUE INDEX notice_token_sha256_key ON public.notice USING btree (token_sha256)
CREATE INDEX notice_waiting ON public.notice USING btree (overdue_at, due_at, id) WHERE (state = ANY (ARRAY['filed'::text, 'claimed'::text, 'case_pending'::text, 'unanswered'::text]))
CREATE UNIQUE INDEX notice_outcome_notice_id_outcome_key ON public.notice_outcome USING btree (notice_id, outcome)
CREATE UNIQUE INDEX notice_outcome_pkey ON public.notice_outcome USING btree (leaf_id)
CREATE UNIQUE INDEX notice_pending_case_pkey ON public.notice_pending_case USING btree (notice_id)
CREATE UNIQUE INDEX notice_review_pkey ON public.notice_review USING btree (notice_id, stage, reviewer_id)
CREATE UNIQUE INDEX output_clone_id_id_key ON public.output USING btree (clone_id, id)
CREATE UNIQUE INDEX output_decision_id_key ON public.output USING btree (decision_id)
CREATE UNIQUE INDEX output_hold_id_key ON public.output USING btree (hold_id)
CREATE INDEX output_of_clone ON public.output USING btree (clone_id, id DESC)
CREATE INDEX output_of_requester ON public.output USING btree (requester, id DESC)
CREATE UNIQUE INDEX output_one_probe ON public.output USING btree (version_id, probe) WHERE ((audience = 'owner'::text) AND (state = ANY (ARRAY['queued'::text, 'rendering'::text, 'signing'::text, 'released'::text])))
CREATE UNIQUE INDEX output_pkey ON public.output USING btree (id)
CREATE INDEX output_under_licence ON public.output USING btree (licence_id, id) WHERE (licence_id IS NOT NULL)
CREATE UNIQUE INDEX output_approval_pkey ON public.output_approval USING btree (output_id)
CREATE UNIQUE INDEX output_hold_pkey ON public.output_hold USING btree (output_id, holder)
CREATE INDEX output_price_of_clone ON public.output_price USING btree (clone_id, tier_id, capability, id)
CREATE UNIQUE INDEX output_price_pkey ON public.output_price USING btree (id)
CREATE INDEX owed_refund_open ON public.owed_refund USING btree (owed_at) WHERE (state = ANY (ARRAY['owed'::text, 'pending'::text]))
CREATE UNIQUE INDEX owed_refund_pkey ON public.owed_refund USING btree (id)
CREATE UNIQUE INDEX owed_refund_returned_refund_key ON public.owed_refund USING btree (returned_refund)
CREATE UNIQUE INDEX owed_refund_stripe_refund_key ON public.owed_refund USING btree (stripe_refund)
CREATE UNIQUE INDEX ownership_case_key_pkey ON public.ownership_case_key USING btree (proof_id)
CREATE UNIQUE INDEX ownership_decision_once ON public.ownership_decision USING btree (proof_id, decision, round)
CREATE UNIQUE INDEX ownership_decision_pkey ON public.ownership_decision USING btree (leaf_id)
CREATE UNIQUE INDEX ownership_destruction_leaf_id_key ON public.ownership_destruction USING btree (leaf_id)
CREATE UNIQUE INDEX ownership_destruction_pkey ON public.ownership_destruction USING btree (proof_id)
CREATE UNIQUE INDEX ownership_evidence_asked_once ON public.ownership_evidence USING btree (((terms ->> 'sentence'::text))) WHERE (kind = 'video_challenge'::text)
CREATE UNIQUE INDEX ownership_evidence_current ON public.ownership_evidence USING btree (proof_id, kind) WHERE (state <> 'superseded'::text)
CREATE UNIQUE INDEX ownership_evidence_identity_once ON public.ownership_evidence USING btree (((terms ->> 'sessionId'::text))) WHERE (kind = 'identity_provider'::text)
CREATE UNIQUE INDEX ownership_evidence_pkey ON public.ownership_evidence USING btree (id)
CREATE INDEX ownership_lease_of_proof ON public.ownership_lease USING btree (proof_id, claimed_at)
CREATE UNIQUE INDEX ownership_lease_pkey ON public.ownership_lease USING btree (id)
CREATE UNIQUE INDEX ownership_look_evidence_id_due_at_key ON public.ownership_look USING btree (evidence_id, due_at)
CREATE UNIQUE INDEX ownership_look_pkey ON public.ownership_look USING btree (id)
CREATE INDEX ownership_paper_view_of_evidence ON public.ownership_paper_view USING btree (evidence_id, at)
CREATE UNIQUE INDEX ownership_paper_view_pkey ON public.ownership_paper_view USING btree (id)
CREATE UNIQUE INDEX ownership_proof_claim_document_id_key ON public.ownership_proof USING btree (claim_document_id)
CREATE UNIQUE INDEX ownership_proof_id_account_id_key ON public.ownership_proof USING btree (id, account_id)
CREATE UNIQUE INDEX ownership_proof_id_state_key ON public.ownership_proof USING btree (id, state)
CREATE INDEX ownership_proof_of_account ON public.ownership_proof USING btree (account_id, opened_at)
CREATE UNIQUE INDEX ownership_proof_pkey ON public.ownership_proof USING btree (id)
CREATE INDEX ownership_proof_renewing ON public.ownership_proof USING btree (renews_proof_id) WHERE (renews_proof_id IS NOT NULL)
CREATE INDEX ownership_proof_waiting ON public.ownership_proof USING btree (submitted_at, id) WHERE (state = 'submitted'::text)
CREATE UNIQUE INDEX ownership_review_pkey ON public.ownership_review USING btree (id)
CREATE UNIQUE INDEX ownership_review_proof_id_reviewer_id_key ON public.ownership_review USING btree (proof_id, reviewer_id)
CREATE INDEX ownership_sealed_of_proof ON public.ownership_sealed USING btree (proof_id)
CREATE UNIQUE INDEX ownership_sealed_pkey ON public.ownership_sealed USING btree (digest)
CREATE INDEX payment_problem_of_subscription ON public.payment_problem USING btree (subscription_id)
CREATE INDEX payment_problem_open ON public.payment_problem USING btree (subscription_id) WHERE (resolved_at IS NULL)
CREATE UNIQUE INDEX payment_problem_pkey ON public.payment_problem USING btree (stripe_invoice)
CREATE INDEX payout_of_account ON public.payout USING btree (account_id, created_at)
CREATE INDEX payout_pending ON public.payout USING btree (created_at) WHERE (state = 'pending'::text)
CREATE UNIQUE INDEX payout_pkey ON public.payout USING btree (id)
CREATE UNIQUE INDEX payout_stripe_transfer_key ON public.payout USING btree (stripe_transfer)
CREATE UNIQUE INDEX payout_tax_transfer_id_key ON public.payout USING btree (tax_transfer_id)
CREATE UNIQUE INDEX payout_transfer_id_key ON public.payout USING btree (transfer_id)
CREATE UNIQUE INDEX payout_account_pkey ON public.payout_account USING btree (account_id)
CREATE UNIQUE INDEX payout_account_stripe_account_key ON public.payout_account USING btree (stripe_account)
CREATE UNIQUE INDEX payout_reminder_pkey ON public.payout_reminder USING btree (account_id, number)
CREATE UNIQUE INDEX payout_setting_pkey ON public.payout_setting USING btree (account_id, currency)
CREATE UNIQUE INDEX plan_change_one_open ON public.plan_change USING btree (subscription_id) WHERE (state = 'asked'::text)
CREATE INDEX plan_change_open_of_clone ON public.plan_change USING btree (clone_id) WHERE (state = 'asked'::text)
CREATE UNIQUE INDEX plan_change_pkey ON public.plan_change USING btree (id)
CREATE UNIQUE INDEX plan_change_stripe_invoice_key ON public.plan_change USING btree (stripe_invoice)
CREATE UNIQUE INDEX platform_order_pkey ON public.platform_order USING btree (id)
CREATE UNIQUE INDEX platform_order_confirmation_pkey ON public.platform_order_confirmation USING btree (order_id)
CREATE UNIQUE INDEX platform_pause_one_open ON public.platform_pause USING btree ((true)) WHERE (to_at IS NULL)
CREATE UNIQUE INDEX platform_pause_pkey ON public.platform_pause USING btree (id)
CREATE INDEX quota_hold_free_open ON public.quota_hold USING btree (clone_id, free_account_id) WHERE ((state = 'held'::text) AND (free_account_id IS NOT NULL))
CREATE INDEX quota_hold_open ON public.quota_hold USING btree (clone_id, period_id) WHERE (state = 'held'::text)
CREATE UNIQUE INDEX quota_hold_output_id_key ON public.quota_hold USING btree (output_id)
CREATE UNIQUE INDEX quota_hold_pkey ON public.quota_hold USING btree (id)
CREATE INDEX reconciliation_newest ON public.reconciliation USING btree (started_at DESC, id DESC)
CREATE UNIQUE INDEX reconciliation_pkey ON public.reconciliation USING btree (id)
CREATE UNIQUE INDEX refund_key_key ON public.refund USING btree (key)
CREATE INDEX refund_of_clone ON public.refund USING btree (clone_id, state)
CREATE INDEX refund_of_period ON public.refund USING btree (period_id)
CREATE UNIQUE INDEX refund_pkey ON public.refund USING btree (id)
CREATE UNIQUE INDEX refund_stripe_refund_key ON public.refund USING btree (stripe_refund)
CREATE UNIQUE INDEX refund_paid_otherwise_pkey ON public.refund_paid_otherwise USING btree (owed_id)
CREATE UNIQUE INDEX refund_settlement_proposal_pkey ON public.refund_settlement_proposal USING btree (owed_id, number)
CREATE UNIQUE INDEX refusal_id_account_id_key ON public.refusal USING btree (id, account_id)
CREATE INDEX refusal_of_pitch ON public.refusal USING btree (voice_pitch_hz) WHERE ((withdrawn_at IS NULL) AND (voice_pitch_hz IS NOT NULL))
CREATE UNIQUE INDEX refusal_one_in_force ON public.refusal USING btree (account_id) WHERE (withdrawn_at IS NULL)
CREATE UNIQUE INDEX refusal_pkey ON public.refusal USING btree (id)
CREATE UNIQUE INDEX refusal_signed_document_id_key ON public.refusal USING btree (signed_document_id)
CREATE UNIQUE INDEX refusal_withdrawal_document_id_key ON public.refusal USING btree (withdrawal_document_id)
CREATE UNIQUE INDEX refusal_key_pkey ON public.refusal_key USING btree (key, refusal_id)
CREATE UNIQUE INDEX registration_request_pkey ON public.registration_request USING btree (challenge_id)
CREATE UNIQUE INDEX release_file_sha256_key ON public.release USING btree (file_sha256)
CREATE INDEX release_of_clone ON public.release USING btree (clone_id, id)
CREATE INDEX release_of_samples ON public.release USING btree (samples_sha256)
CREATE UNIQUE INDEX release_output_id_key ON public.release USING btree (output_id)
CREATE UNIQUE INDEX release_pkey ON public.release USING btree (id)
CREATE UNIQUE INDEX release_segment_file_sha256_key ON public.release_segment USING btree (file_sha256)
CREATE INDEX release_segment_of_clone ON public.release_segment USING btree (clone_id, id)
CREATE INDEX release_segment_of_samples ON public.release_segment USING btree (samples_sha256)
CREATE UNIQUE INDEX release_segment_output_id_sequence_key ON public.release_segment USING btree (output_id, sequence)
CREATE UNIQUE INDEX release_segment_pkey ON public.release_segment USING btree (id)
CREATE INDEX remains_answer_of_subscription ON public.remains_answer USING btree (subscription_id)
CREATE UNIQUE INDEX remains_answer_pkey ON public.remains_answer USING btree (stop_id, subscription_id)
CREATE INDEX royalty_pot_of_clone ON public.royalty_pot USING btree (clone_id)
CREATE UNIQUE INDEX royalty_pot_pkey ON public.royalty_pot USING btree (id)
CREATE UNIQUE INDEX royalty_pot_run_id_tier_id_currency_split_id_key ON public.royalty_pot USING btree (run_id, tier_id, currency, split_id)
CREATE UNIQUE INDEX royalty_pot_transfer_id_key ON public.royalty_pot USING btree (transfer_id)
CREATE INDEX royalty_pot_leg_of_payee ON public.royalty_pot_leg USING btree (payee)
CREATE UNIQUE INDEX royalty_pot_leg_pkey ON public.royalty_pot_leg USING btree (pot_id, leg)
CREATE INDEX royalty_reserve_due ON public.royalty_reserve USING btree (due_day, id) WHERE (left_minor > 0)
CREATE INDEX royalty_reserve_of_dispute ON public.royalty_reserve USING btree (cause_id) WHERE (due_day IS NULL)
CREATE INDEX royalty_reserve_of_payee ON public.royalty_reserve USING btree (payee, currency, clone_id)
CREATE INDEX royalty_reserve_of_run ON public.royalty_reserve USING btree (run_id) WHERE (run_id IS NOT NULL)
CREATE UNIQUE INDEX royalty_reserve_once ON public.royalty_reserve USING btree (cause_id, payee, currency, due_day) WHERE (due_day IS NOT NULL)
CREATE UNIQUE INDEX royalty_reserve_pkey ON public.royalty_reserve USING btree (id)
CREATE UNIQUE INDEX royalty_reserve_transfer_id_key ON public.royalty_reserve USING btree (transfer_id)
CREATE UNIQUE INDEX royalty_reserve_use_pkey ON public.royalty_reserve_use USING btree (reserve_id, cause_id)
CREATE UNIQUE INDEX royalty_run_clone_id_number_key ON public.royalty_run USING btree (clone_id, number)
CREATE UNIQUE INDEX royalty_run_pkey ON public.royalty_run USING btree (id)
CREATE INDEX royalty_run_entry_of_period ON public.royalty_run_entry USING btree (period_id) WHERE (period_id IS NOT NULL)
CREATE INDEX royalty_run_entry_of_pot ON public.royalty_run_entry USING btree (pot_id, "position")
CREATE UNIQUE INDEX royalty_run_entry_pkey ON public.royalty_run_entry USING btree (transfer_id, leg)
CREATE INDEX session_of_account ON public.session USING btree (account_id, created_at)
CREATE UNIQUE INDEX session_pkey ON public.session USING btree (id)
CREATE UNIQUE INDEX session_token_hash_key ON public.session USING btree (token_hash)
CREATE UNIQUE INDEX signed_document_challenge_key ON public.signed_document USING btree (challenge)
CREATE UNIQUE INDEX signed_document_id_account_id_key ON public.signed_document USING btree (id, account_id)
CREATE UNIQUE INDEX signed_document_id_digest_key ON public.signed_document USING btree (id, digest)
CREATE UNIQUE INDEX signed_document_nonce_key ON public.signed_document USING btree (nonce)
CREATE INDEX signed_document_of_account ON public.signed_document USING btree (account_id, signed_at)
CREATE UNIQUE INDEX signed_document_pkey ON public.signed_document USING btree (id)
CREATE UNIQUE INDEX signed_document_type_pkey ON public.signed_document_type USING btree (name)
CREATE UNIQUE INDEX signing_request_nonce_key ON public.signing_request USING btree (nonce)
CREATE UNIQUE INDEX signing_request_pkey ON public.signing_request USING btree (challenge_id)
CREATE UNIQUE INDEX split_clone_id_number_key ON public.split USING btree (clone_id, number)
CREATE INDEX split_in_force ON public.split USING btree (clone_id, effective_from) WHERE (state = 'signed'::text)
CREATE UNIQUE INDEX split_pkey ON public.split USING btree (id)
CREATE INDEX split_day_open ON public.split_day USING btree (clone_id, day) WHERE (split_id IS NULL)
CREATE UNIQUE INDEX split_day_pkey ON public.split_day USING btree (clone_id, day)
CREATE INDEX split_leg_of_payee ON public.split_leg USING btree (payee)
CREATE UNIQUE INDEX split_leg_pkey ON public.split_leg USING btree (split_id, leg)
CREATE UNIQUE INDEX split_leg_split_id_payee_key ON public.split_leg USING btree (split_id, payee)
CREATE UNIQUE INDEX split_signature_pkey ON public.split_signature USING btree (split_id, signer)
CREATE UNIQUE INDEX split_signature_signed_document_id_key ON public.split_signature USING btree (signed_document_id)
CREATE UNIQUE INDEX statement_digest_key ON public.statement USING btree (digest)
CREATE UNIQUE INDEX statement_payee_currency_close_number_key ON public.statement USING btree (payee, currency, close_number)
CREATE UNIQUE INDEX statement_payee_currency_number_key ON public.statement USING btree (payee, currency, number)
CREATE UNIQUE INDEX statement_pkey ON public.statement USING btree (id)
CREATE UNIQUE INDEX statement_close_pkey ON public.statement_close USING btree (number)
CREATE INDEX statement_line_of_statement ON public.statement_line USING btree (statement_id, line_id, transfer_id, leg)
CREATE UNIQUE INDEX statement_line_once ON public.statement_line USING btree (transfer_id, leg)
CREATE UNIQUE INDEX statement_paper_pkey ON public.statement_paper USING btree (statement_id, language)
CREATE UNIQUE INDEX stop_acknowledgement_pkey ON public.stop_acknowledgement USING btree (stop_id)
CREATE INDEX stop_order_of_clone ON public.stop_order USING btree (clone_id, ordered_at)
CREATE UNIQUE INDEX stop_order_pkey ON public.stop_order USING btree (id)
CREATE UNIQUE INDEX stop_order_signed_document_id_key ON public.stop_order USING btree (signed_document_id)
CREATE INDEX stop_quote_of_clone ON public.stop_quote USING btree (clone_id, id)
CREATE UNIQUE INDEX stop_quote_pkey ON public.stop_quote USING btree (id)
CREATE UNIQUE INDEX stripe_event_pkey ON public.stripe_event USING btree (id)
CREATE UNIQUE INDEX stripe_event_applied_pkey ON public.stripe_event_applied USING btree (event_id)
CREATE UNIQUE INDEX subscription_clone_id_account_id_id_key ON public.subscription USING btree (clone_id, account_id, id)
CREATE INDEX subscription_live ON public.subscription USING btree (clone_id, id) WHERE (state = ANY (ARRAY['opening'::text, 'checkout'::text, 'active'::text, 'past_due'::text]))
CREATE UNIQUE INDEX subscription_one_live ON public.subscription USING btree (clone_id, account_id) WHERE (state = ANY (ARRAY['opening'::text, 'checkout'::text, 'active'::text, 'past_due'::text]))
CREATE UNIQUE INDEX subscription_pkey ON public.subscription USING btree (id)
CREATE UNIQUE INDEX subscription_stripe_session_key ON public.subscription USING btree (stripe_session)
CREATE UNIQUE INDEX subscription_stripe_subscription_key ON public.subscription USING btree (stripe_subscription)
CREATE UNIQUE INDEX subscription_period_clone_id_id_key ON public.subscription_period USING btree (clone_id, id)
CREATE UNIQUE INDEX subscription_period_credit ON public.subscription_period USING btree (credited_from)
CREATE UNIQUE INDEX subscription_period_invoice ON public.subscription_period USING btree (stripe_invoice) WHERE (credited_from IS NULL)
CREATE INDEX subscription_period_of_charge ON public.subscription_period USING btree (stripe_charge)
CREATE INDEX subscription_period_of_clone ON public.subscription_period USING btree (clone_id, end_day)
CREATE INDEX subscription_period_of_fan ON public.subscription_period USING btree (clone_id, account_id, start_day)
CREATE INDEX subscription_period_of_subscription ON public.subscription_period USING btree (subscription_id, start_day)
CREATE UNIQUE INDEX subscription_period_pkey ON public.subscription_period USING btree (id)
CREATE INDEX subscription_period_unearned ON public.subscription_period USING btree (clone_id, id) WHERE ((recognised_days < days) AND (ended_on IS NULL))
CREATE UNIQUE INDEX succession_id_owner_account_id_key ON public.succession USING btree (id, owner_account_id)
CREATE INDEX succession_of_owner ON public.succession USING btree (owner_account_id, id)
CREATE UNIQUE INDEX succession_pkey ON public.succession USING btree (id)
CREATE UNIQUE INDEX succession_signature_pkey ON public.succession_signature USING btree (succession_id, account_id)
CREATE UNIQUE INDEX succession_signature_signed_document_id_key ON public.succession_signature USING btree (signed_document_id)
CREATE INDEX tax_profile_of_payee ON public.tax_profile USING btree (payee, valid_from)
CREATE UNIQUE INDEX tax_profile_pkey ON public.tax_profile USING btree (id)
CREATE UNIQUE INDEX tier_clone_id_id_key ON public.tier USING btree (clone_id, id)
CREATE UNIQUE INDEX tier_clone_id_id_kind_key ON public.tier USING btree (clone_id, id, kind)
CREATE UNIQUE INDEX tier_name ON public.tier USING btree (clone_id, name) WHERE (removed_at IS NULL)
CREATE UNIQUE INDEX tier_one_free ON public.tier USING btree (clone_id) WHERE ((kind = 'free'::text) AND (removed_at IS NULL))
CREATE UNIQUE INDEX tier_pkey ON public.tier USING btree (id)
CREATE UNIQUE INDEX tier_offer_clone_id_tier_id_version_key ON public.tier_offer USING btree (clone_id, tier_id, version)
CREATE UNIQUE INDEX tier_offer_pkey ON public.tier_offer USING btree (tier_id, version)
CREATE UNIQUE INDEX tier_offer_price_pkey ON public.tier_offer_price USING btree (tier_id, version, "interval")
CREATE UNIQUE INDEX tier_offer_price_stripe_price_key ON public.tier_offer_price USING btree (stripe_price)
CREATE INDEX undivided_return_of_clone ON public.undivided_return USING btree (clone_id)
CREATE UNIQUE INDEX undivided_return_pkey ON public.undivided_return USING btree (transfer_id)
CREATE UNIQUE INDEX wind_down_gate_id_key ON public.wind_down USING btree (gate_id)
CREATE UNIQUE INDEX wind_down_pkey ON public.wind_down USING btree (stop_id)
CREATE UNIQUE INDEX wind_down_signed_document_id_key ON public.wind_down USING btree (signed_document_id)

-- Views

any_hold:  SELECT quota_hold.id,
    quota_hold.output_id,
    quota_hold.state,
    quota_hold.release_id
   FROM quota_hold
UNION ALL
 SELECT coin_spend.id,
    coin_spend.output_id,
    coin_spend.state,
    coin_spend.captured_for AS release_id
   FROM coin_spend
  WHERE (coin_spend.purpose = 'output'::text);

-- Triggers

account_role: CREATE TRIGGER account_role_never_changes BEFORE DELETE OR UPDATE ON public.account_role FOR EACH ROW EXECUTE FUNCTION refuse_change()
account_role: CREATE TRIGGER account_role_never_truncated BEFORE TRUNCATE ON public.account_role FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
advance: CREATE TRIGGER advance_moves_on BEFORE INSERT OR UPDATE ON public.advance FOR EACH ROW EXECUTE FUNCTION advance_moves_on()
advance: CREATE TRIGGER advance_stays BEFORE DELETE ON public.advance FOR EACH ROW EXECUTE FUNCTION refuse_change()
advance_clone: CREATE TRIGGER advance_clone_never_changes BEFORE DELETE OR UPDATE ON public.advance_clone FOR EACH ROW EXECUTE FUNCTION refuse_change()
advance_clone: CREATE TRIGGER advance_clone_never_truncated BEFORE TRUNCATE ON public.advance_clone FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
advance_recoupment: CREATE TRIGGER advance_recoupment_never_changes BEFORE DELETE OR UPDATE ON public.advance_recoupment FOR EACH ROW EXECUTE FUNCTION refuse_change()
advance_recoupment: CREATE TRIGGER advance_recoupment_never_truncated BEFORE TRUNCATE ON public.advance_recoupment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
advance_restoration: CREATE TRIGGER advance_restoration_bounded AFTER INSERT ON public.advance_restoration FOR EACH ROW EXECUTE FUNCTION advance_restoration_bounded()
advance_restoration: CREATE TRIGGER advance_restoration_never_changes BEFORE DELETE OR UPDATE ON public.advance_restoration FOR EACH ROW EXECUTE FUNCTION refuse_change()
advance_restoration: CREATE TRIGGER advance_restoration_never_truncated BEFORE TRUNCATE ON public.advance_restoration FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
advance_signature: CREATE TRIGGER advance_signature_holds BEFORE INSERT ON public.advance_signature FOR EACH ROW EXECUTE FUNCTION advance_signature_holds()
advance_signature: CREATE TRIGGER advance_signature_never_changes BEFORE DELETE OR UPDATE ON public.advance_signature FOR EACH ROW EXECUTE FUNCTION refuse_change()
advance_signature: CREATE TRIGGER advance_signature_never_truncated BEFORE TRUNCATE ON public.advance_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
amendment_offer: CREATE TRIGGER amendment_offer_never_changes BEFORE DELETE OR UPDATE ON public.amendment_offer FOR EACH ROW EXECUTE FUNCTION refuse_change()
amendment_offer: CREATE TRIGGER amendment_offer_never_truncated BEFORE TRUNCATE ON public.amendment_offer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
amendment_withdrawal: CREATE TRIGGER amendment_withdrawal_never_changes BEFORE DELETE OR UPDATE ON public.amendment_withdrawal FOR EACH ROW EXECUTE FUNCTION refuse_change()
amendment_withdrawal: CREATE TRIGGER amendment_withdrawal_never_truncated BEFORE TRUNCATE ON public.amendment_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
bank_take_back: CREATE TRIGGER bank_take_back_never_changes BEFORE DELETE OR UPDATE ON public.bank_take_back FOR EACH ROW EXECUTE FUNCTION refuse_change()
bank_take_back: CREATE TRIGGER bank_take_back_never_truncated BEFORE TRUNCATE ON public.bank_take_back FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
billing_customer: CREATE TRIGGER billing_customer_never_changes BEFORE DELETE OR UPDATE ON public.billing_customer FOR EACH ROW EXECUTE FUNCTION refuse_change()
billing_customer: CREATE TRIGGER billing_customer_never_truncated BEFORE TRUNCATE ON public.billing_customer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
billing_sales_end: CREATE TRIGGER billing_sales_end_never_changes BEFORE DELETE OR UPDATE ON public.billing_sales_end FOR EACH ROW EXECUTE FUNCTION refuse_change()
billing_sales_end: CREATE TRIGGER billing_sales_end_never_truncated BEFORE TRUNCATE ON public.billing_sales_end FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
billing_stop: CREATE TRIGGER billing_stop_never_changes BEFORE DELETE OR UPDATE ON public.billing_stop FOR EACH ROW EXECUTE FUNCTION refuse_change()
billing_stop: CREATE TRIGGER billing_stop_never_truncated BEFORE TRUNCATE ON public.billing_stop FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
capability_pause: CREATE TRIGGER capability_pause_ends_once BEFORE UPDATE ON public.capability_pause FOR EACH ROW EXECUTE FUNCTION capability_pause_ends_once()
capability_stop: CREATE TRIGGER capability_stop_never_changes BEFORE DELETE OR UPDATE ON public.capability_stop FOR EACH ROW EXECUTE FUNCTION refuse_change()
capability_stop: CREATE TRIGGER capability_stop_never_truncated BEFORE TRUNCATE ON public.capability_stop FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
challenge: CREATE TRIGGER challenge_used_once BEFORE UPDATE ON public.challenge FOR EACH ROW WHEN ((old.used_at IS NOT NULL)) EXECUTE FUNCTION challenge_used_once()
clone: CREATE TRIGGER clone_not_of_refuser BEFORE INSERT ON public.clone FOR EACH ROW EXECUTE FUNCTION clone_not_of_refuser()
clone_pause: CREATE TRIGGER clone_pause_ends_once BEFORE UPDATE ON public.clone_pause FOR EACH ROW EXECUTE FUNCTION clone_pause_ends_once()
clone_version: CREATE TRIGGER clone_gate_narrows AFTER UPDATE OF state ON public.clone_version FOR EACH ROW WHEN (((old.state = 'approved'::text) AND (new.state <> 'approved'::text))) EXECUTE FUNCTION clone_gate_narrows()
clone_version: CREATE TRIGGER clone_version_is_frozen BEFORE UPDATE ON public.clone_version FOR EACH ROW EXECUTE FUNCTION clone_version_is_frozen()
clone_version: CREATE TRIGGER clone_version_not_held BEFORE INSERT OR UPDATE OF state ON public.clone_version FOR EACH ROW WHEN ((new.state = 'approved'::text)) EXECUTE FUNCTION clone_version_not_held()
coin_loss: CREATE TRIGGER coin_loss_never_changes BEFORE DELETE OR UPDATE ON public.coin_loss FOR EACH ROW EXECUTE FUNCTION refuse_change()
coin_loss: CREATE TRIGGER coin_loss_never_truncated BEFORE TRUNCATE ON public.coin_loss FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
coin_loss: CREATE TRIGGER coin_loss_takes AFTER INSERT ON public.coin_loss FOR EACH ROW EXECUTE FUNCTION coin_loss_takes()
coin_lot: CREATE TRIGGER coin_lot_begins_whole BEFORE INSERT ON public.coin_lot FOR EACH ROW EXECUTE FUNCTION coin_lot_begins_whole()
coin_lot: CREATE CONSTRAINT TRIGGER coin_lot_has_twin AFTER INSERT ON public.coin_lot DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION coin_lot_has_twin()
coin_lot: CREATE TRIGGER coin_lot_keeps BEFORE UPDATE ON public.coin_lot FOR EACH ROW EXECUTE FUNCTION coin_lot_keeps()
coin_lot: CREATE TRIGGER coin_lot_stays BEFORE DELETE ON public.coin_lot FOR EACH ROW EXECUTE FUNCTION refuse_change()
coin_purchase: CREATE TRIGGER coin_purchase_moves_on BEFORE UPDATE ON public.coin_purchase FOR EACH ROW EXECUTE FUNCTION coin_purchase_moves_on()
coin_restore: CREATE TRIGGER coin_restore_gives AFTER INSERT ON public.coin_restore FOR EACH ROW EXECUTE FUNCTION coin_restore_gives()
coin_restore: CREATE TRIGGER coin_restore_never_changes BEFORE DELETE OR UPDATE ON public.coin_restore FOR EACH ROW EXECUTE FUNCTION refuse_change()
coin_restore: CREATE TRIGGER coin_restore_never_truncated BEFORE TRUNCATE ON public.coin_restore FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
coin_return: CREATE TRIGGER coin_return_ends_once BEFORE UPDATE ON public.coin_return FOR EACH ROW EXECUTE FUNCTION coin_return_ends_once()
coin_return: CREATE TRIGGER coin_return_stays BEFORE DELETE ON public.coin_return FOR EACH ROW EXECUTE FUNCTION refuse_change()
coin_spend: CREATE CONSTRAINT TRIGGER coin_spend_has_twin AFTER INSERT OR UPDATE ON public.coin_spend DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION coin_spend_has_twin()
coin_spend: CREATE TRIGGER coin_spend_moves_on AFTER UPDATE ON public.coin_spend FOR EACH ROW EXECUTE FUNCTION coin_spend_moves_on()
coin_spend: CREATE TRIGGER coin_spend_stays BEFORE DELETE ON public.coin_spend FOR EACH ROW EXECUTE FUNCTION refuse_change()
coin_spend_part: CREATE TRIGGER coin_spend_part_stays BEFORE DELETE ON public.coin_spend_part FOR EACH ROW EXECUTE FUNCTION refuse_change()
coin_spend_part: CREATE TRIGGER coin_spend_part_takes AFTER INSERT ON public.coin_spend_part FOR EACH ROW EXECUTE FUNCTION coin_spend_part_takes()
consent_contract: CREATE TRIGGER consent_contract_named BEFORE INSERT ON public.consent_contract FOR EACH ROW EXECUTE FUNCTION consent_contract_named()
consent_contract: CREATE TRIGGER consent_contract_never_changes BEFORE DELETE OR UPDATE ON public.consent_contract FOR EACH ROW EXECUTE FUNCTION refuse_change()
consent_contract: CREATE TRIGGER consent_contract_never_truncated BEFORE TRUNCATE ON public.consent_contract FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
consent_grant: CREATE TRIGGER consent_grant_guard BEFORE INSERT OR UPDATE ON public.consent_grant FOR EACH ROW EXECUTE FUNCTION consent_grant_guard()
consent_grant: CREATE TRIGGER consent_grant_is_the_holders BEFORE INSERT ON public.consent_grant FOR EACH ROW EXECUTE FUNCTION consent_grant_is_the_holders()
consent_grant: CREATE TRIGGER consent_grant_never_deleted BEFORE DELETE ON public.consent_grant FOR EACH ROW EXECUTE FUNCTION refuse_change()
consent_grant_draft: CREATE TRIGGER consent_grant_draft_never_changes BEFORE DELETE OR UPDATE ON public.consent_grant_draft FOR EACH ROW EXECUTE FUNCTION refuse_change()
consent_grant_draft: CREATE TRIGGER consent_grant_draft_never_truncated BEFORE TRUNCATE ON public.consent_grant_draft FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
consent_grant_revocation: CREATE TRIGGER consent_grant_revocation_never_changes BEFORE DELETE OR UPDATE ON public.consent_grant_revocation FOR EACH ROW EXECUTE FUNCTION refuse_change()
consent_grant_revocation: CREATE TRIGGER consent_grant_revocation_never_truncated BEFORE TRUNCATE ON public.consent_grant_revocation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
consent_grant_revocation: CREATE TRIGGER consent_signature_fits BEFORE INSERT ON public.consent_grant_revocation FOR EACH ROW EXECUTE FUNCTION consent_signature_fits()
consent_grant_signature: CREATE TRIGGER amendment_is_countersigned BEFORE INSERT ON public.consent_grant_signature FOR EACH ROW EXECUTE FUNCTION amendment_is_countersigned()
consent_grant_signature: CREATE TRIGGER consent_grant_signature_never_changes BEFORE DELETE OR UPDATE ON public.consent_grant_signature FOR EACH ROW EXECUTE FUNCTION refuse_change()
consent_grant_signature: CREATE TRIGGER consent_grant_signature_never_truncated BEFORE TRUNCATE ON public.consent_grant_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
consent_grant_signature: CREATE TRIGGER consent_signature_before_sunset BEFORE INSERT ON public.consent_grant_signature FOR EACH ROW EXECUTE FUNCTION consent_signature_before_sunset()
consent_grant_signature: CREATE TRIGGER consent_signature_fits BEFORE INSERT ON public.consent_grant_signature FOR EACH ROW EXECUTE FUNCTION consent_signature_fits()
consent_grant_signature: CREATE TRIGGER consent_signature_shown BEFORE INSERT ON public.consent_grant_signature FOR EACH ROW EXECUTE FUNCTION consent_signature_shown()
consent_volume_use: CREATE TRIGGER consent_volume_keeps_licence BEFORE UPDATE ON public.consent_volume_use FOR EACH ROW EXECUTE FUNCTION consent_volume_keeps_licence()
consent_volume_use: CREATE TRIGGER consent_volume_use_guard BEFORE UPDATE ON public.consent_volume_use FOR EACH ROW EXECUTE FUNCTION consent_volume_use_guard()
consent_volume_use: CREATE TRIGGER consent_volume_use_never_deleted BEFORE DELETE ON public.consent_volume_use FOR EACH ROW EXECUTE FUNCTION refuse_change()
consent_volume_use: CREATE TRIGGER consent_volume_within_caps AFTER INSERT OR UPDATE ON public.consent_volume_use FOR EACH ROW EXECUTE FUNCTION consent_volume_within_caps()
counter_notice: CREATE TRIGGER counter_notice_by_the_owner BEFORE INSERT ON public.counter_notice FOR EACH ROW EXECUTE FUNCTION counter_notice_by_the_owner()
counter_notice: CREATE TRIGGER counter_notice_never_changes BEFORE DELETE OR UPDATE ON public.counter_notice FOR EACH ROW EXECUTE FUNCTION refuse_change()
counter_notice: CREATE TRIGGER counter_notice_never_truncated BEFORE TRUNCATE ON public.counter_notice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
credential: CREATE TRIGGER credential_never_deleted BEFORE DELETE ON public.credential FOR EACH ROW EXECUTE FUNCTION refuse_change()
credential: CREATE TRIGGER credential_never_exchanged BEFORE UPDATE OF id, account_id, public_key, algorithm, aaguid, transports, backup_eligible, attestation_object, registration_client_data, created_at ON public.credential FOR EACH ROW EXECUTE FUNCTION refuse_change()
credential: CREATE TRIGGER credential_never_truncated BEFORE TRUNCATE ON public.credential FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
currency: CREATE TRIGGER currency_never_changes BEFORE DELETE OR UPDATE ON public.currency FOR EACH ROW EXECUTE FUNCTION refuse_change()
currency: CREATE TRIGGER currency_never_truncated BEFORE TRUNCATE ON public.currency FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
currency_carried: CREATE TRIGGER currency_carried_never_changes BEFORE DELETE OR UPDATE ON public.currency_carried FOR EACH ROW EXECUTE FUNCTION refuse_change()
currency_carried: CREATE TRIGGER currency_carried_never_truncated BEFORE TRUNCATE ON public.currency_carried FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
currency_conversion: CREATE TRIGGER currency_conversion_never_changes BEFORE DELETE OR UPDATE ON public.currency_conversion FOR EACH ROW EXECUTE FUNCTION refuse_change()
currency_conversion: CREATE TRIGGER currency_conversion_never_truncated BEFORE TRUNCATE ON public.currency_conversion FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
database_confirmation: CREATE TRIGGER database_confirmation_never_changes BEFORE DELETE OR UPDATE ON public.database_confirmation FOR EACH ROW EXECUTE FUNCTION refuse_change()
database_confirmation: CREATE TRIGGER database_confirmation_never_truncated BEFORE TRUNCATE ON public.database_confirmation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
database_distrust: CREATE TRIGGER database_distrust_never_changes BEFORE DELETE OR UPDATE ON public.database_distrust FOR EACH ROW EXECUTE FUNCTION refuse_change()
database_distrust: CREATE TRIGGER database_distrust_never_truncated BEFORE TRUNCATE ON public.database_distrust FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
database_timeline: CREATE TRIGGER database_timeline_never_changes BEFORE DELETE OR UPDATE ON public.database_timeline FOR EACH ROW EXECUTE FUNCTION refuse_change()
database_timeline: CREATE TRIGGER database_timeline_never_truncated BEFORE TRUNCATE ON public.database_timeline FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
death_case: CREATE TRIGGER death_case_moves BEFORE INSERT OR UPDATE ON public.death_case FOR EACH ROW EXECUTE FUNCTION death_case_moves()
death_case: CREATE TRIGGER death_case_never_deleted BEFORE DELETE ON public.death_case FOR EACH ROW EXECUTE FUNCTION refuse_change()
death_case: CREATE TRIGGER death_case_never_truncated BEFORE TRUNCATE ON public.death_case FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
death_dissent: CREATE TRIGGER death_dissent_never_changes BEFORE DELETE OR UPDATE ON public.death_dissent FOR EACH ROW EXECUTE FUNCTION refuse_change()
death_dissent: CREATE TRIGGER death_dissent_never_truncated BEFORE TRUNCATE ON public.death_dissent FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
death_end: CREATE TRIGGER death_end_never_changes BEFORE DELETE OR UPDATE ON public.death_end FOR EACH ROW EXECUTE FUNCTION refuse_change()
death_end: CREATE TRIGGER death_end_never_truncated BEFORE TRUNCATE ON public.death_end FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
death_paper: CREATE TRIGGER death_paper_never_changes BEFORE DELETE OR UPDATE ON public.death_paper FOR EACH ROW EXECUTE FUNCTION refuse_change()
death_paper: CREATE TRIGGER death_paper_never_truncated BEFORE TRUNCATE ON public.death_paper FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
death_paper_destruction: CREATE TRIGGER death_paper_destruction_never_changes BEFORE DELETE OR UPDATE ON public.death_paper_destruction FOR EACH ROW EXECUTE FUNCTION refuse_change()
death_paper_destruction: CREATE TRIGGER death_paper_destruction_never_truncated BEFORE TRUNCATE ON public.death_paper_destruction FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
death_paper_view: CREATE TRIGGER death_paper_view_never_changes BEFORE DELETE OR UPDATE ON public.death_paper_view FOR EACH ROW EXECUTE FUNCTION refuse_change()
death_paper_view: CREATE TRIGGER death_paper_view_never_truncated BEFORE TRUNCATE ON public.death_paper_view FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
death_review: CREATE TRIGGER death_review_fits BEFORE INSERT ON public.death_review FOR EACH ROW EXECUTE FUNCTION death_review_fits()
death_review: CREATE TRIGGER death_review_never_changes BEFORE DELETE OR UPDATE ON public.death_review FOR EACH ROW EXECUTE FUNCTION refuse_change()
death_review: CREATE TRIGGER death_review_never_truncated BEFORE TRUNCATE ON public.death_review FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
decision: CREATE TRIGGER decision_names_its_licence BEFORE INSERT ON public.decision FOR EACH ROW EXECUTE FUNCTION decision_names_its_licence()
decision: CREATE TRIGGER decision_never_changes BEFORE DELETE OR UPDATE ON public.decision FOR EACH ROW EXECUTE FUNCTION refuse_change()
decision: CREATE TRIGGER decision_never_truncated BEFORE TRUNCATE ON public.decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
delegated_act: CREATE TRIGGER delegated_act_fits BEFORE INSERT ON public.delegated_act FOR EACH ROW EXECUTE FUNCTION delegated_act_fits()
delegated_act: CREATE TRIGGER delegated_act_never_changes BEFORE DELETE OR UPDATE ON public.delegated_act FOR EACH ROW EXECUTE FUNCTION refuse_change()
delegated_act: CREATE TRIGGER delegated_act_never_truncated BEFORE TRUNCATE ON public.delegated_act FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
delegation: CREATE TRIGGER delegation_never_changes BEFORE DELETE OR UPDATE ON public.delegation FOR EACH ROW EXECUTE FUNCTION refuse_change()
delegation: CREATE TRIGGER delegation_never_truncated BEFORE TRUNCATE ON public.delegation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
delegation_end: CREATE TRIGGER delegation_end_fits BEFORE INSERT ON public.delegation_end FOR EACH ROW EXECUTE FUNCTION delegation_end_fits()
delegation_end: CREATE TRIGGER delegation_end_never_changes BEFORE DELETE OR UPDATE ON public.delegation_end FOR EACH ROW EXECUTE FUNCTION refuse_change()
delegation_end: CREATE TRIGGER delegation_end_never_truncated BEFORE TRUNCATE ON public.delegation_end FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
delegation_signature: CREATE TRIGGER delegation_signature_fits BEFORE INSERT ON public.delegation_signature FOR EACH ROW EXECUTE FUNCTION delegation_signature_fits()
delegation_signature: CREATE TRIGGER delegation_signature_never_changes BEFORE DELETE OR UPDATE ON public.delegation_signature FOR EACH ROW EXECUTE FUNCTION refuse_change()
delegation_signature: CREATE TRIGGER delegation_signature_never_truncated BEFORE TRUNCATE ON public.delegation_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
derivative_signature: CREATE TRIGGER derivative_signature_holds BEFORE INSERT ON public.derivative_signature FOR EACH ROW EXECUTE FUNCTION derivative_signature_holds()
derivative_signature: CREATE TRIGGER derivative_signature_never_changes BEFORE DELETE OR UPDATE ON public.derivative_signature FOR EACH ROW EXECUTE FUNCTION refuse_change()
derivative_signature: CREATE TRIGGER derivative_signature_never_truncated BEFORE TRUNCATE ON public.derivative_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
derivative_term: CREATE TRIGGER derivative_term_is_complete BEFORE INSERT OR UPDATE ON public.derivative_term FOR EACH ROW EXECUTE FUNCTION derivative_term_is_complete()
derivative_term: CREATE TRIGGER derivative_term_stays BEFORE DELETE ON public.derivative_term FOR EACH ROW EXECUTE FUNCTION refuse_change()
dispute: CREATE TRIGGER dispute_ends_once BEFORE UPDATE ON public.dispute FOR EACH ROW EXECUTE FUNCTION dispute_ends_once()
dispute: CREATE TRIGGER dispute_stays BEFORE DELETE ON public.dispute FOR EACH ROW EXECUTE FUNCTION refuse_change()
enrolment_hold: CREATE TRIGGER enrolment_hold_guard BEFORE INSERT OR UPDATE ON public.enrolment_hold FOR EACH ROW EXECUTE FUNCTION enrolment_hold_guard()
enrolment_hold: CREATE TRIGGER enrolment_hold_never_deleted BEFORE DELETE ON public.enrolment_hold FOR EACH ROW EXECUTE FUNCTION refuse_change()
enrolment_hold: CREATE TRIGGER enrolment_hold_never_truncated BEFORE TRUNCATE ON public.enrolment_hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
enrolment_hold_review: CREATE TRIGGER enrolment_hold_review_never_changes BEFORE DELETE OR UPDATE ON public.enrolment_hold_review FOR EACH ROW EXECUTE FUNCTION refuse_change()
enrolment_hold_review: CREATE TRIGGER enrolment_hold_review_never_truncated BEFORE TRUNCATE ON public.enrolment_hold_review FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
enrolment_hold_review: CREATE TRIGGER enrolment_hold_review_not_of_party BEFORE INSERT ON public.enrolment_hold_review FOR EACH ROW EXECUTE FUNCTION enrolment_hold_review_not_of_party()
estate: CREATE TRIGGER estate_fits BEFORE INSERT ON public.estate FOR EACH ROW EXECUTE FUNCTION estate_fits()
estate: CREATE TRIGGER estate_never_changes BEFORE DELETE OR UPDATE ON public.estate FOR EACH ROW EXECUTE FUNCTION refuse_change()
estate: CREATE TRIGGER estate_never_truncated BEFORE TRUNCATE ON public.estate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
gate: CREATE TRIGGER gate_guard BEFORE INSERT OR UPDATE ON public.gate FOR EACH ROW EXECUTE FUNCTION gate_guard()
gate: CREATE TRIGGER gate_never_deleted BEFORE DELETE ON public.gate FOR EACH ROW EXECUTE FUNCTION refuse_change()
gate: CREATE TRIGGER gate_never_truncated BEFORE TRUNCATE ON public.gate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
gate: CREATE TRIGGER gate_remembered AFTER INSERT OR UPDATE ON public.gate FOR EACH ROW EXECUTE FUNCTION gate_remembered()
gate: CREATE TRIGGER gate_tells AFTER UPDATE ON public.gate FOR EACH ROW WHEN (((new.epoch > old.epoch) AND (NOT ((old.state = 'paused'::text) AND (new.state = 'open'::text))))) EXECUTE FUNCTION gate_tells()
gate_change: CREATE TRIGGER gate_change_never_changes BEFORE DELETE OR UPDATE ON public.gate_change FOR EACH ROW EXECUTE FUNCTION refuse_change()
gate_change: CREATE TRIGGER gate_change_never_truncated BEFORE TRUNCATE ON public.gate_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
gate_hold: CREATE TRIGGER gate_hold_fits BEFORE INSERT ON public.gate_hold FOR EACH ROW EXECUTE FUNCTION gate_hold_fits()
gate_hold: CREATE TRIGGER gate_hold_moves_gate AFTER INSERT ON public.gate_hold FOR EACH ROW EXECUTE FUNCTION gate_hold_moves_gate()
gate_hold: CREATE TRIGGER gate_hold_never_changes BEFORE DELETE OR UPDATE ON public.gate_hold FOR EACH ROW EXECUTE FUNCTION refuse_change()
gate_hold: CREATE TRIGGER gate_hold_never_truncated BEFORE TRUNCATE ON public.gate_hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
gate_stop: CREATE TRIGGER gate_stop_fits BEFORE INSERT ON public.gate_stop FOR EACH ROW EXECUTE FUNCTION gate_stop_fits()
gate_stop: CREATE TRIGGER gate_stop_never_changes BEFORE DELETE OR UPDATE ON public.gate_stop FOR EACH ROW EXECUTE FUNCTION refuse_change()
gate_stop: CREATE TRIGGER gate_stop_never_truncated BEFORE TRUNCATE ON public.gate_stop FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
gate_stop: CREATE TRIGGER gate_stop_opens AFTER INSERT ON public.gate_stop FOR EACH ROW EXECUTE FUNCTION gate_stop_opens()
gate_stop_confirmation: CREATE TRIGGER gate_stop_confirmation_never_changes BEFORE DELETE OR UPDATE ON public.gate_stop_confirmation FOR EACH ROW EXECUTE FUNCTION refuse_change()
gate_stop_confirmation: CREATE TRIGGER gate_stop_confirmation_never_truncated BEFORE TRUNCATE ON public.gate_stop_confirmation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
gateway_lease: CREATE TRIGGER gateway_lease_guard BEFORE UPDATE ON public.gateway_lease FOR EACH ROW EXECUTE FUNCTION gateway_lease_guard()
gateway_lease: CREATE TRIGGER gateway_lease_never_deleted BEFORE DELETE ON public.gateway_lease FOR EACH ROW EXECUTE FUNCTION refuse_change()
gateway_lease: CREATE TRIGGER gateway_lease_never_truncated BEFORE TRUNCATE ON public.gateway_lease FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
goodwill_leg: CREATE TRIGGER goodwill_leg_bounded AFTER INSERT ON public.goodwill_leg FOR EACH ROW EXECUTE FUNCTION goodwill_leg_bounded()
goodwill_leg: CREATE TRIGGER goodwill_leg_never_changes BEFORE DELETE OR UPDATE ON public.goodwill_leg FOR EACH ROW EXECUTE FUNCTION refuse_change()
goodwill_leg: CREATE TRIGGER goodwill_leg_never_truncated BEFORE TRUNCATE ON public.goodwill_leg FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
goodwill_payee: CREATE TRIGGER goodwill_payee_never_changes BEFORE DELETE OR UPDATE ON public.goodwill_payee FOR EACH ROW EXECUTE FUNCTION refuse_change()
goodwill_payee: CREATE TRIGGER goodwill_payee_never_truncated BEFORE TRUNCATE ON public.goodwill_payee FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
goodwill_pot: CREATE TRIGGER goodwill_pot_never_changes BEFORE DELETE OR UPDATE ON public.goodwill_pot FOR EACH ROW EXECUTE FUNCTION refuse_change()
goodwill_pot: CREATE TRIGGER goodwill_pot_never_truncated BEFORE TRUNCATE ON public.goodwill_pot FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
goodwill_refund: CREATE TRIGGER goodwill_refund_ends_once BEFORE UPDATE ON public.goodwill_refund FOR EACH ROW EXECUTE FUNCTION goodwill_refund_ends_once()
goodwill_refund: CREATE TRIGGER goodwill_refund_stays BEFORE DELETE ON public.goodwill_refund FOR EACH ROW EXECUTE FUNCTION refuse_change()
invitation: CREATE TRIGGER invitation_only_first_is_uninvited BEFORE INSERT ON public.invitation FOR EACH ROW EXECUTE FUNCTION invitation_only_first_is_uninvited()
ledger_account: CREATE TRIGGER ledger_account_never_changes BEFORE DELETE OR UPDATE ON public.ledger_account FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_account: CREATE TRIGGER ledger_account_never_truncated BEFORE TRUNCATE ON public.ledger_account FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_adjustment: CREATE TRIGGER ledger_adjustment_never_changes BEFORE DELETE OR UPDATE ON public.ledger_adjustment FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_adjustment: CREATE TRIGGER ledger_adjustment_never_truncated BEFORE TRUNCATE ON public.ledger_adjustment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_adjustment_decision: CREATE TRIGGER ledger_adjustment_decision_never_changes BEFORE DELETE OR UPDATE ON public.ledger_adjustment_decision FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_adjustment_decision: CREATE TRIGGER ledger_adjustment_decision_never_truncated BEFORE TRUNCATE ON public.ledger_adjustment_decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_adjustment_decision: CREATE TRIGGER ledger_adjustment_four_eyes BEFORE INSERT ON public.ledger_adjustment_decision FOR EACH ROW EXECUTE FUNCTION ledger_adjustment_four_eyes()
ledger_adjustment_withdrawal: CREATE TRIGGER ledger_adjustment_not_booked BEFORE INSERT ON public.ledger_adjustment_withdrawal FOR EACH ROW EXECUTE FUNCTION ledger_adjustment_not_booked()
ledger_adjustment_withdrawal: CREATE TRIGGER ledger_adjustment_withdrawal_never_changes BEFORE DELETE OR UPDATE ON public.ledger_adjustment_withdrawal FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_adjustment_withdrawal: CREATE TRIGGER ledger_adjustment_withdrawal_never_truncated BEFORE TRUNCATE ON public.ledger_adjustment_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_balance_day: CREATE TRIGGER ledger_balance_day_never_changes BEFORE DELETE OR UPDATE ON public.ledger_balance_day FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_balance_day: CREATE TRIGGER ledger_balance_day_never_truncated BEFORE TRUNCATE ON public.ledger_balance_day FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_balance_snapshot: CREATE TRIGGER ledger_balance_snapshot_never_changes BEFORE DELETE OR UPDATE ON public.ledger_balance_snapshot FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_balance_snapshot: CREATE TRIGGER ledger_balance_snapshot_never_truncated BEFORE TRUNCATE ON public.ledger_balance_snapshot FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_close: CREATE TRIGGER ledger_close_follows BEFORE INSERT ON public.ledger_close FOR EACH ROW EXECUTE FUNCTION ledger_close_follows()
ledger_close: CREATE TRIGGER ledger_close_never_changes BEFORE DELETE OR UPDATE ON public.ledger_close FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_close: CREATE TRIGGER ledger_close_never_truncated BEFORE TRUNCATE ON public.ledger_close FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_close_total: CREATE TRIGGER ledger_close_total_never_changes BEFORE DELETE OR UPDATE ON public.ledger_close_total FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_close_total: CREATE TRIGGER ledger_close_total_never_truncated BEFORE TRUNCATE ON public.ledger_close_total FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_entry: CREATE TRIGGER ledger_entry_never_changes BEFORE DELETE OR UPDATE ON public.ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_entry: CREATE TRIGGER ledger_entry_never_truncated BEFORE TRUNCATE ON public.ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_entry: CREATE TRIGGER ledger_legs_arrived AFTER INSERT ON public.ledger_entry REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_arrived()
ledger_hold: CREATE TRIGGER ledger_hold_never_changes BEFORE DELETE OR UPDATE ON public.ledger_hold FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_hold: CREATE TRIGGER ledger_hold_never_truncated BEFORE TRUNCATE ON public.ledger_hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_hold: CREATE TRIGGER ledger_hold_stamped BEFORE INSERT ON public.ledger_hold FOR EACH ROW EXECUTE FUNCTION ledger_hold_stamped()
ledger_hold: CREATE TRIGGER ledger_hold_waits AFTER INSERT ON public.ledger_hold FOR EACH ROW EXECUTE FUNCTION ledger_hold_waits()
ledger_hold_leg: CREATE TRIGGER ledger_hold_leg_never_changes BEFORE DELETE OR UPDATE ON public.ledger_hold_leg FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_hold_leg: CREATE TRIGGER ledger_hold_leg_never_truncated BEFORE TRUNCATE ON public.ledger_hold_leg FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_hold_leg: CREATE TRIGGER ledger_hold_legs_arrived AFTER INSERT ON public.ledger_hold_leg REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ledger_hold_legs_arrived()
ledger_hold_resolution: CREATE CONSTRAINT TRIGGER ledger_hold_capture_moved AFTER INSERT ON public.ledger_hold_resolution DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.outcome = 'captured'::text)) EXECUTE FUNCTION ledger_hold_capture_moved()
ledger_hold_resolution: CREATE TRIGGER ledger_hold_end_waits AFTER INSERT ON public.ledger_hold_resolution FOR EACH ROW EXECUTE FUNCTION ledger_hold_waits()
ledger_hold_resolution: CREATE TRIGGER ledger_hold_resolution_never_changes BEFORE DELETE OR UPDATE ON public.ledger_hold_resolution FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_hold_resolution: CREATE TRIGGER ledger_hold_resolution_never_truncated BEFORE TRUNCATE ON public.ledger_hold_resolution FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_hold_resolution: CREATE TRIGGER ledger_hold_resolved AFTER INSERT ON public.ledger_hold_resolution REFERENCING NEW TABLE AS resolved FOR EACH STATEMENT EXECUTE FUNCTION ledger_hold_resolved()
ledger_import: CREATE TRIGGER ledger_import_never_changes BEFORE DELETE OR UPDATE ON public.ledger_import FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_import: CREATE TRIGGER ledger_import_never_truncated BEFORE TRUNCATE ON public.ledger_import FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_import_posting: CREATE TRIGGER ledger_import_four_eyes BEFORE INSERT ON public.ledger_import_posting FOR EACH ROW EXECUTE FUNCTION ledger_import_four_eyes()
ledger_import_posting: CREATE TRIGGER ledger_import_posting_never_changes BEFORE DELETE OR UPDATE ON public.ledger_import_posting FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_import_posting: CREATE TRIGGER ledger_import_posting_never_truncated BEFORE TRUNCATE ON public.ledger_import_posting FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_position: CREATE TRIGGER ledger_position_never_changes BEFORE DELETE OR UPDATE ON public.ledger_position FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_position: CREATE TRIGGER ledger_position_never_truncated BEFORE TRUNCATE ON public.ledger_position FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_position: CREATE TRIGGER ledger_positions_gapless AFTER INSERT ON public.ledger_position REFERENCING NEW TABLE AS numbered FOR EACH STATEMENT EXECUTE FUNCTION ledger_positions_gapless()
ledger_roll_up: CREATE TRIGGER ledger_roll_up_never_changes BEFORE DELETE OR UPDATE ON public.ledger_roll_up FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_roll_up: CREATE TRIGGER ledger_roll_up_never_truncated BEFORE TRUNCATE ON public.ledger_roll_up FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_seal: CREATE TRIGGER ledger_seal_follows BEFORE INSERT ON public.ledger_seal FOR EACH ROW EXECUTE FUNCTION ledger_seal_follows()
ledger_seal: CREATE TRIGGER ledger_seal_never_changes BEFORE DELETE OR UPDATE ON public.ledger_seal FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_seal: CREATE TRIGGER ledger_seal_never_truncated BEFORE TRUNCATE ON public.ledger_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_transfer: CREATE CONSTRAINT TRIGGER ledger_adjusted_is_approved AFTER INSERT ON public.ledger_transfer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind = 'ledger.adjusted'::text)) EXECUTE FUNCTION ledger_adjusted_is_approved()
ledger_transfer: CREATE CONSTRAINT TRIGGER ledger_by_hand_is_approved AFTER INSERT ON public.ledger_transfer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind = ANY (ARRAY['ledger.opened'::text, 'billing.refund_paid_otherwise'::text]))) EXECUTE FUNCTION ledger_by_hand_is_approved()
ledger_transfer: CREATE TRIGGER ledger_transfer_never_changes BEFORE DELETE OR UPDATE ON public.ledger_transfer FOR EACH ROW EXECUTE FUNCTION refuse_change()
ledger_transfer: CREATE TRIGGER ledger_transfer_never_truncated BEFORE TRUNCATE ON public.ledger_transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ledger_transfer: CREATE TRIGGER ledger_transfer_stamped BEFORE INSERT ON public.ledger_transfer FOR EACH ROW EXECUTE FUNCTION ledger_transfer_stamped()
licence: CREATE TRIGGER licence_is_the_holders BEFORE INSERT ON public.licence FOR EACH ROW EXECUTE FUNCTION licence_is_the_holders()
licence: CREATE TRIGGER licence_never_changes BEFORE DELETE OR UPDATE ON public.licence FOR EACH ROW EXECUTE FUNCTION refuse_change()
licence: CREATE TRIGGER licence_never_truncated BEFORE TRUNCATE ON public.licence FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
licence_containment: CREATE TRIGGER licence_containment_never_changes BEFORE DELETE OR UPDATE ON public.licence_containment FOR EACH ROW EXECUTE FUNCTION refuse_change()
licence_containment: CREATE TRIGGER licence_containment_never_truncated BEFORE TRUNCATE ON public.licence_containment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
licence_end: CREATE TRIGGER licence_end_never_changes BEFORE DELETE OR UPDATE ON public.licence_end FOR EACH ROW EXECUTE FUNCTION refuse_change()
licence_end: CREATE TRIGGER licence_end_never_truncated BEFORE TRUNCATE ON public.licence_end FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
licence_notice: CREATE TRIGGER licence_notice_never_changes BEFORE DELETE OR UPDATE ON public.licence_notice FOR EACH ROW EXECUTE FUNCTION refuse_change()
licence_notice: CREATE TRIGGER licence_notice_never_truncated BEFORE TRUNCATE ON public.licence_notice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
licence_signature: CREATE TRIGGER licence_signature_fits BEFORE INSERT ON public.licence_signature FOR EACH ROW EXECUTE FUNCTION licence_signature_fits()
licence_signature: CREATE TRIGGER licence_signature_never_changes BEFORE DELETE OR UPDATE ON public.licence_signature FOR EACH ROW EXECUTE FUNCTION refuse_change()
licence_signature: CREATE TRIGGER licence_signature_never_truncated BEFORE TRUNCATE ON public.licence_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
log_checkpoint: CREATE TRIGGER log_checkpoint_never_changes BEFORE DELETE OR UPDATE ON public.log_checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_change()
log_checkpoint: CREATE TRIGGER log_checkpoint_never_truncated BEFORE TRUNCATE ON public.log_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
log_leaf: CREATE TRIGGER log_leaf_never_changes BEFORE DELETE OR UPDATE ON public.log_leaf FOR EACH ROW EXECUTE FUNCTION refuse_change()
log_leaf: CREATE TRIGGER log_leaf_never_truncated BEFORE TRUNCATE ON public.log_leaf FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
log_leaf: CREATE TRIGGER log_leaf_type_known BEFORE INSERT ON public.log_leaf FOR EACH ROW EXECUTE FUNCTION log_leaf_type_known()
log_leaf: CREATE TRIGGER log_leaf_waits AFTER INSERT ON public.log_leaf FOR EACH ROW EXECUTE FUNCTION log_leaf_waits()
log_leaf_type: CREATE TRIGGER log_leaf_type_never_changes BEFORE DELETE OR UPDATE ON public.log_leaf_type FOR EACH ROW EXECUTE FUNCTION refuse_change()
log_leaf_type: CREATE TRIGGER log_leaf_type_never_truncated BEFORE TRUNCATE ON public.log_leaf_type FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
log_node: CREATE TRIGGER log_node_never_changes BEFORE DELETE OR UPDATE ON public.log_node FOR EACH ROW EXECUTE FUNCTION refuse_change()
log_node: CREATE TRIGGER log_node_never_truncated BEFORE TRUNCATE ON public.log_node FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
log_position: CREATE TRIGGER log_position_never_changes BEFORE DELETE OR UPDATE ON public.log_position FOR EACH ROW EXECUTE FUNCTION refuse_change()
log_position: CREATE TRIGGER log_position_never_truncated BEFORE TRUNCATE ON public.log_position FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
log_position: CREATE TRIGGER log_position_taken AFTER INSERT ON public.log_position FOR EACH ROW EXECUTE FUNCTION log_position_taken()
media_read: CREATE TRIGGER media_read_never_changes BEFORE DELETE OR UPDATE ON public.media_read FOR EACH ROW EXECUTE FUNCTION refuse_change()
media_read: CREATE TRIGGER media_read_never_truncated BEFORE TRUNCATE ON public.media_read FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
notice: CREATE TRIGGER notice_guard BEFORE INSERT OR UPDATE ON public.notice FOR EACH ROW EXECUTE FUNCTION notice_guard()
notice: CREATE TRIGGER notice_never_deleted BEFORE DELETE ON public.notice FOR EACH ROW EXECUTE FUNCTION refuse_change()
notice: CREATE TRIGGER notice_never_truncated BEFORE TRUNCATE ON public.notice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
notice_outcome: CREATE TRIGGER notice_outcome_never_changes BEFORE DELETE OR UPDATE ON public.notice_outcome FOR EACH ROW EXECUTE FUNCTION refuse_change()
notice_outcome: CREATE TRIGGER notice_outcome_never_truncated BEFORE TRUNCATE ON public.notice_outcome FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
notice_pending_case: CREATE TRIGGER notice_pending_case_never_changes BEFORE DELETE OR UPDATE ON public.notice_pending_case FOR EACH ROW EXECUTE FUNCTION refuse_change()
notice_pending_case: CREATE TRIGGER notice_pending_case_never_truncated BEFORE TRUNCATE ON public.notice_pending_case FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
notice_review: CREATE TRIGGER notice_review_never_changes BEFORE DELETE OR UPDATE ON public.notice_review FOR EACH ROW EXECUTE FUNCTION refuse_change()
notice_review: CREATE TRIGGER notice_review_never_truncated BEFORE TRUNCATE ON public.notice_review FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
notice_review: CREATE TRIGGER notice_review_not_of_party BEFORE INSERT ON public.notice_review FOR EACH ROW EXECUTE FUNCTION notice_review_not_of_party()
output: CREATE CONSTRAINT TRIGGER output_gives_back AFTER UPDATE ON public.output DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.state = ANY (ARRAY['voided'::text, 'failed'::text, 'cut'::text]))) EXECUTE FUNCTION output_gives_back()
output: CREATE TRIGGER output_moves BEFORE INSERT OR UPDATE ON public.output FOR EACH ROW EXECUTE FUNCTION output_moves()
output: CREATE TRIGGER output_names_its_licence BEFORE INSERT ON public.output FOR EACH ROW EXECUTE FUNCTION output_names_its_licence()
output: CREATE TRIGGER output_never_deleted BEFORE DELETE ON public.output FOR EACH ROW EXECUTE FUNCTION refuse_change()
output: CREATE TRIGGER output_never_truncated BEFORE TRUNCATE ON public.output FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
output: CREATE TRIGGER output_streams BEFORE UPDATE ON public.output FOR EACH ROW WHEN (((new.delivery = 'stream'::text) AND (old.state <> new.state))) EXECUTE FUNCTION output_streams()
output_approval: CREATE TRIGGER output_approval_guard BEFORE UPDATE ON public.output_approval FOR EACH ROW EXECUTE FUNCTION output_approval_guard()
output_approval: CREATE TRIGGER output_approval_never_deleted BEFORE DELETE ON public.output_approval FOR EACH ROW EXECUTE FUNCTION refuse_change()
output_price: CREATE TRIGGER output_price_never_changes BEFORE DELETE OR UPDATE ON public.output_price FOR EACH ROW EXECUTE FUNCTION refuse_change()
output_price: CREATE TRIGGER output_price_never_truncated BEFORE TRUNCATE ON public.output_price FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
owed_refund: CREATE TRIGGER owed_refund_moves_on BEFORE UPDATE ON public.owed_refund FOR EACH ROW EXECUTE FUNCTION owed_refund_moves_on()
owed_refund: CREATE TRIGGER owed_refund_never_truncated BEFORE TRUNCATE ON public.owed_refund FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
owed_refund: CREATE TRIGGER owed_refund_stays BEFORE DELETE ON public.owed_refund FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_case_key: CREATE TRIGGER ownership_case_key_is_forgotten_once BEFORE UPDATE ON public.ownership_case_key FOR EACH ROW WHEN (((old.destroyed_at IS NOT NULL) OR (new.wrapped IS NOT NULL) OR (new.proof_id <> old.proof_id))) EXECUTE FUNCTION ownership_case_key_is_forgotten_once()
ownership_case_key: CREATE TRIGGER ownership_case_key_never_deleted BEFORE DELETE ON public.ownership_case_key FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_decision: CREATE TRIGGER ownership_decision_never_changes BEFORE DELETE OR UPDATE ON public.ownership_decision FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_decision: CREATE TRIGGER ownership_decision_never_truncated BEFORE TRUNCATE ON public.ownership_decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ownership_destruction: CREATE TRIGGER ownership_destruction_never_changes BEFORE DELETE OR UPDATE ON public.ownership_destruction FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_destruction: CREATE TRIGGER ownership_destruction_never_truncated BEFORE TRUNCATE ON public.ownership_destruction FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ownership_evidence: CREATE TRIGGER ownership_evidence_closes BEFORE INSERT OR UPDATE ON public.ownership_evidence FOR EACH ROW EXECUTE FUNCTION ownership_evidence_closes()
ownership_evidence: CREATE TRIGGER ownership_vouch_is_signed BEFORE INSERT OR UPDATE ON public.ownership_evidence FOR EACH ROW WHEN (((new.kind = 'vouching'::text) AND (new.state = 'passed'::text))) EXECUTE FUNCTION ownership_vouch_is_signed()
ownership_lease: CREATE TRIGGER ownership_lease_ends_once BEFORE UPDATE ON public.ownership_lease FOR EACH ROW WHEN (((old.ended_at IS NOT NULL) OR (((((new.id IS DISTINCT FROM old.id) OR (new.proof_id IS DISTINCT FROM old.proof_id)) OR (new.reviewer_id IS DISTINCT FROM old.reviewer_id)) OR (new.claimed_at IS DISTINCT FROM old.claimed_at)) OR (new.expires_at IS DISTINCT FROM old.expires_at)))) EXECUTE FUNCTION ownership_lease_ends_once()
ownership_lease: CREATE TRIGGER ownership_lease_never_deleted BEFORE DELETE ON public.ownership_lease FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_lease: CREATE TRIGGER ownership_lease_never_truncated BEFORE TRUNCATE ON public.ownership_lease FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ownership_lease: CREATE TRIGGER ownership_lease_stands BEFORE INSERT ON public.ownership_lease FOR EACH ROW EXECUTE FUNCTION ownership_lease_stands()
ownership_look: CREATE TRIGGER ownership_look_never_changes BEFORE DELETE OR UPDATE ON public.ownership_look FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_look: CREATE TRIGGER ownership_look_never_truncated BEFORE TRUNCATE ON public.ownership_look FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ownership_paper_view: CREATE TRIGGER ownership_paper_view_by_holder BEFORE INSERT ON public.ownership_paper_view FOR EACH ROW EXECUTE FUNCTION ownership_paper_view_by_holder()
ownership_paper_view: CREATE TRIGGER ownership_paper_view_never_changes BEFORE DELETE OR UPDATE ON public.ownership_paper_view FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_paper_view: CREATE TRIGGER ownership_paper_view_never_truncated BEFORE TRUNCATE ON public.ownership_paper_view FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ownership_proof: CREATE TRIGGER clone_gate_narrows AFTER UPDATE OF state ON public.ownership_proof FOR EACH ROW WHEN (((old.state = 'approved'::text) AND (new.state <> 'approved'::text))) EXECUTE FUNCTION clone_gate_narrows()
ownership_proof: CREATE TRIGGER clone_version_falls_with_proof BEFORE UPDATE OF state ON public.ownership_proof FOR EACH ROW WHEN (((old.state = 'approved'::text) AND (new.state <> 'approved'::text))) EXECUTE FUNCTION clone_version_falls_with_proof()
ownership_proof: CREATE TRIGGER ownership_proof_facts_stay BEFORE UPDATE ON public.ownership_proof FOR EACH ROW WHEN ((((old.evidence_sha256 IS NOT NULL) AND (new.evidence_sha256 IS DISTINCT FROM old.evidence_sha256)) OR ((old.policy_sha256 IS NOT NULL) AND (new.policy_sha256 IS DISTINCT FROM old.policy_sha256)) OR (((new.subject_kind IS DISTINCT FROM old.subject_kind) OR (new.claimant_name IS DISTINCT FROM old.claimant_name)) OR (new.renews_proof_id IS DISTINCT FROM old.renews_proof_id)) OR ((((new.round IS DISTINCT FROM old.round) OR (new.appealed_at IS DISTINCT FROM old.appealed_at)) OR (new.appeal_text IS DISTINCT FROM old.appeal_text)) AND (NOT ((old.state = 'rejected'::text) AND (new.state = 'submitted'::text) AND (new.round = (old.round + 1))))) OR ((old.state = 'rejected'::text) AND (new.state = 'submitted'::text) AND (new.round = old.round)))) EXECUTE FUNCTION ownership_proof_facts_stay()
ownership_proof: CREATE TRIGGER ownership_proof_moves BEFORE UPDATE OF state ON public.ownership_proof FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION ownership_proof_moves()
ownership_proof: CREATE TRIGGER ownership_proof_needs_rejection BEFORE UPDATE OF state ON public.ownership_proof FOR EACH ROW WHEN ((new.state = 'rejected'::text)) EXECUTE FUNCTION ownership_proof_needs_two_reviewers()
ownership_proof: CREATE TRIGGER ownership_proof_needs_two_reviewers BEFORE INSERT OR UPDATE OF state ON public.ownership_proof FOR EACH ROW WHEN ((new.state = 'approved'::text)) EXECUTE FUNCTION ownership_proof_needs_two_reviewers()
ownership_proof: CREATE TRIGGER ownership_proof_not_held BEFORE INSERT OR UPDATE OF state ON public.ownership_proof FOR EACH ROW WHEN ((new.state = 'approved'::text)) EXECUTE FUNCTION ownership_proof_not_held()
ownership_proof: CREATE TRIGGER ownership_proof_times_stay BEFORE UPDATE OF submitted_at, approved_at, expires_at, ended_at ON public.ownership_proof FOR EACH ROW WHEN (((new.submitted_at IS DISTINCT FROM COALESCE(old.submitted_at, new.submitted_at)) OR (new.approved_at IS DISTINCT FROM COALESCE(old.approved_at, new.approved_at)) OR (new.expires_at IS DISTINCT FROM COALESCE(old.expires_at, new.expires_at)) OR (new.ended_at IS DISTINCT FROM COALESCE(old.ended_at, new.ended_at)))) EXECUTE FUNCTION ownership_proof_times_stay()
ownership_review: CREATE TRIGGER ownership_review_never_changes BEFORE DELETE OR UPDATE ON public.ownership_review FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_review: CREATE TRIGGER ownership_review_never_truncated BEFORE TRUNCATE ON public.ownership_review FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
ownership_review: CREATE TRIGGER ownership_review_not_of_self BEFORE INSERT ON public.ownership_review FOR EACH ROW EXECUTE FUNCTION ownership_review_not_of_self()
ownership_review: CREATE TRIGGER ownership_review_stands BEFORE INSERT ON public.ownership_review FOR EACH ROW EXECUTE FUNCTION ownership_review_stands()
ownership_sealed: CREATE TRIGGER ownership_sealed_never_changes BEFORE DELETE OR UPDATE ON public.ownership_sealed FOR EACH ROW EXECUTE FUNCTION refuse_change()
ownership_sealed: CREATE TRIGGER ownership_sealed_never_truncated BEFORE TRUNCATE ON public.ownership_sealed FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
payment_problem: CREATE TRIGGER payment_problem_moves_on BEFORE UPDATE ON public.payment_problem FOR EACH ROW EXECUTE FUNCTION payment_problem_moves_on()
payout: CREATE TRIGGER payout_moves_on BEFORE UPDATE ON public.payout FOR EACH ROW EXECUTE FUNCTION payout_moves_on()
payout: CREATE TRIGGER payout_stays BEFORE DELETE ON public.payout FOR EACH ROW EXECUTE FUNCTION refuse_change()
payout_reminder: CREATE TRIGGER payout_reminder_never_changes BEFORE DELETE OR UPDATE ON public.payout_reminder FOR EACH ROW EXECUTE FUNCTION refuse_change()
payout_reminder: CREATE TRIGGER payout_reminder_never_truncated BEFORE TRUNCATE ON public.payout_reminder FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
payout_reminder: CREATE TRIGGER payout_reminder_once BEFORE INSERT ON public.payout_reminder FOR EACH ROW EXECUTE FUNCTION payout_reminder_once()
plan_change: CREATE TRIGGER plan_change_ends_once BEFORE UPDATE ON public.plan_change FOR EACH ROW EXECUTE FUNCTION plan_change_ends_once()
plan_change: CREATE TRIGGER plan_change_never_deleted BEFORE DELETE ON public.plan_change FOR EACH ROW EXECUTE FUNCTION refuse_change()
plan_change: CREATE TRIGGER plan_change_never_truncated BEFORE TRUNCATE ON public.plan_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
platform_order: CREATE TRIGGER platform_order_never_changes BEFORE DELETE OR UPDATE ON public.platform_order FOR EACH ROW EXECUTE FUNCTION refuse_change()
platform_order: CREATE TRIGGER platform_order_never_truncated BEFORE TRUNCATE ON public.platform_order FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
platform_order_confirmation: CREATE TRIGGER platform_order_confirmation_never_changes BEFORE DELETE OR UPDATE ON public.platform_order_confirmation FOR EACH ROW EXECUTE FUNCTION refuse_change()
platform_order_confirmation: CREATE TRIGGER platform_order_confirmation_never_truncated BEFORE TRUNCATE ON public.platform_order_confirmation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
platform_order_confirmation: CREATE TRIGGER platform_order_needs_two BEFORE INSERT ON public.platform_order_confirmation FOR EACH ROW EXECUTE FUNCTION platform_order_needs_two()
platform_pause: CREATE TRIGGER platform_pause_ends_once BEFORE UPDATE ON public.platform_pause FOR EACH ROW EXECUTE FUNCTION platform_pause_ends_once()
quota_hold: CREATE TRIGGER quota_hold_counts AFTER INSERT OR UPDATE ON public.quota_hold FOR EACH ROW EXECUTE FUNCTION quota_hold_counts()
reconciliation: CREATE TRIGGER reconciliation_never_changes BEFORE DELETE OR UPDATE ON public.reconciliation FOR EACH ROW EXECUTE FUNCTION refuse_change()
reconciliation: CREATE TRIGGER reconciliation_never_truncated BEFORE TRUNCATE ON public.reconciliation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
refund: CREATE TRIGGER refund_counts AFTER INSERT OR UPDATE ON public.refund FOR EACH ROW EXECUTE FUNCTION refund_counts()
refund_paid_otherwise: CREATE TRIGGER refund_paid_otherwise_never_changes BEFORE DELETE OR UPDATE ON public.refund_paid_otherwise FOR EACH ROW EXECUTE FUNCTION refuse_change()
refund_paid_otherwise: CREATE TRIGGER refund_paid_otherwise_never_truncated BEFORE TRUNCATE ON public.refund_paid_otherwise FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
refund_paid_otherwise: CREATE TRIGGER refund_settlement_four_eyes BEFORE INSERT ON public.refund_paid_otherwise FOR EACH ROW EXECUTE FUNCTION refund_settlement_four_eyes()
refund_settlement_proposal: CREATE TRIGGER refund_settlement_proposal_never_changes BEFORE DELETE OR UPDATE ON public.refund_settlement_proposal FOR EACH ROW EXECUTE FUNCTION refuse_change()
refund_settlement_proposal: CREATE TRIGGER refund_settlement_proposal_never_truncated BEFORE TRUNCATE ON public.refund_settlement_proposal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
refusal: CREATE TRIGGER refusal_guard BEFORE INSERT OR UPDATE ON public.refusal FOR EACH ROW EXECUTE FUNCTION refusal_guard()
refusal: CREATE TRIGGER refusal_never_deleted BEFORE DELETE ON public.refusal FOR EACH ROW EXECUTE FUNCTION refuse_change()
refusal: CREATE TRIGGER refusal_never_truncated BEFORE TRUNCATE ON public.refusal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
refusal_key: CREATE TRIGGER refusal_key_never_changes BEFORE DELETE OR UPDATE ON public.refusal_key FOR EACH ROW EXECUTE FUNCTION refuse_change()
refusal_key: CREATE TRIGGER refusal_key_never_truncated BEFORE TRUNCATE ON public.refusal_key FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
release: CREATE TRIGGER release_is_gated BEFORE INSERT ON public.release FOR EACH ROW EXECUTE FUNCTION release_is_gated()
release: CREATE TRIGGER release_is_licensed BEFORE INSERT ON public.release FOR EACH ROW EXECUTE FUNCTION release_is_licensed()
release: CREATE CONSTRAINT TRIGGER release_is_whole AFTER INSERT ON public.release DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION release_is_whole()
release: CREATE TRIGGER release_is_within_terms BEFORE INSERT ON public.release FOR EACH ROW EXECUTE FUNCTION release_is_within_terms()
release: CREATE TRIGGER release_never_changes BEFORE DELETE OR UPDATE ON public.release FOR EACH ROW EXECUTE FUNCTION refuse_change()
release: CREATE TRIGGER release_never_truncated BEFORE TRUNCATE ON public.release FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
release_segment: CREATE TRIGGER release_segment_is_gated BEFORE INSERT ON public.release_segment FOR EACH ROW EXECUTE FUNCTION release_is_gated()
release_segment: CREATE TRIGGER release_segment_is_licensed BEFORE INSERT ON public.release_segment FOR EACH ROW EXECUTE FUNCTION release_is_licensed()
release_segment: CREATE CONSTRAINT TRIGGER release_segment_is_whole AFTER INSERT ON public.release_segment DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION release_segment_is_whole()
release_segment: CREATE TRIGGER release_segment_is_within_terms BEFORE INSERT ON public.release_segment FOR EACH ROW EXECUTE FUNCTION release_is_within_terms()
release_segment: CREATE TRIGGER release_segment_never_changes BEFORE DELETE OR UPDATE ON public.release_segment FOR EACH ROW EXECUTE FUNCTION refuse_change()
release_segment: CREATE TRIGGER release_segment_never_truncated BEFORE TRUNCATE ON public.release_segment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
release_segment: CREATE TRIGGER release_segment_sequenced BEFORE INSERT ON public.release_segment FOR EACH ROW EXECUTE FUNCTION release_segment_follows()
remains_answer: CREATE TRIGGER remains_answer_in_time BEFORE INSERT ON public.remains_answer FOR EACH ROW EXECUTE FUNCTION remains_answer_in_time()
remains_answer: CREATE TRIGGER remains_answer_never_changes BEFORE DELETE OR UPDATE ON public.remains_answer FOR EACH ROW EXECUTE FUNCTION refuse_change()
remains_answer: CREATE TRIGGER remains_answer_never_truncated BEFORE TRUNCATE ON public.remains_answer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
royalty_pot: CREATE TRIGGER royalty_pot_never_changes BEFORE DELETE OR UPDATE ON public.royalty_pot FOR EACH ROW EXECUTE FUNCTION refuse_change()
royalty_pot: CREATE TRIGGER royalty_pot_never_truncated BEFORE TRUNCATE ON public.royalty_pot FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
royalty_pot_leg: CREATE TRIGGER royalty_pot_leg_never_changes BEFORE DELETE OR UPDATE ON public.royalty_pot_leg FOR EACH ROW EXECUTE FUNCTION refuse_change()
royalty_pot_leg: CREATE TRIGGER royalty_pot_leg_never_truncated BEFORE TRUNCATE ON public.royalty_pot_leg FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
royalty_reserve: CREATE TRIGGER royalty_reserve_changes BEFORE INSERT OR UPDATE ON public.royalty_reserve FOR EACH ROW EXECUTE FUNCTION royalty_reserve_changes()
royalty_reserve: CREATE TRIGGER royalty_reserve_stays BEFORE DELETE ON public.royalty_reserve FOR EACH ROW EXECUTE FUNCTION refuse_change()
royalty_reserve_use: CREATE TRIGGER royalty_reserve_use_never_changes BEFORE DELETE OR UPDATE ON public.royalty_reserve_use FOR EACH ROW EXECUTE FUNCTION refuse_change()
royalty_reserve_use: CREATE TRIGGER royalty_reserve_use_never_truncated BEFORE TRUNCATE ON public.royalty_reserve_use FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
royalty_reserve_use: CREATE TRIGGER royalty_reserve_used AFTER INSERT ON public.royalty_reserve_use FOR EACH ROW EXECUTE FUNCTION royalty_reserve_used()
royalty_run: CREATE TRIGGER royalty_run_follows BEFORE INSERT ON public.royalty_run FOR EACH ROW EXECUTE FUNCTION royalty_run_follows()
royalty_run: CREATE TRIGGER royalty_run_never_changes BEFORE DELETE OR UPDATE ON public.royalty_run FOR EACH ROW EXECUTE FUNCTION refuse_change()
royalty_run: CREATE TRIGGER royalty_run_never_truncated BEFORE TRUNCATE ON public.royalty_run FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
royalty_run_entry: CREATE TRIGGER royalty_run_entry_never_changes BEFORE DELETE OR UPDATE ON public.royalty_run_entry FOR EACH ROW EXECUTE FUNCTION refuse_change()
royalty_run_entry: CREATE TRIGGER royalty_run_entry_never_truncated BEFORE TRUNCATE ON public.royalty_run_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
signed_document: CREATE TRIGGER signed_document_never_changes BEFORE DELETE OR UPDATE ON public.signed_document FOR EACH ROW EXECUTE FUNCTION refuse_change()
signed_document: CREATE TRIGGER signed_document_never_truncated BEFORE TRUNCATE ON public.signed_document FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
signed_document: CREATE TRIGGER signed_document_type_known BEFORE INSERT ON public.signed_document FOR EACH ROW EXECUTE FUNCTION signed_document_type_known()
signed_document_type: CREATE TRIGGER signed_document_type_never_changes BEFORE DELETE OR UPDATE ON public.signed_document_type FOR EACH ROW EXECUTE FUNCTION refuse_change()
signed_document_type: CREATE TRIGGER signed_document_type_never_truncated BEFORE TRUNCATE ON public.signed_document_type FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
split: CREATE TRIGGER split_is_complete BEFORE INSERT OR UPDATE ON public.split FOR EACH ROW EXECUTE FUNCTION split_is_complete()
split: CREATE TRIGGER split_stays BEFORE DELETE ON public.split FOR EACH ROW EXECUTE FUNCTION refuse_change()
split_day: CREATE TRIGGER split_day_holds BEFORE INSERT OR UPDATE ON public.split_day FOR EACH ROW EXECUTE FUNCTION split_day_holds()
split_day: CREATE TRIGGER split_day_never_truncated BEFORE TRUNCATE ON public.split_day FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
split_day: CREATE TRIGGER split_day_stays BEFORE DELETE ON public.split_day FOR EACH ROW EXECUTE FUNCTION refuse_change()
split_leg: CREATE TRIGGER split_leg_never_changes BEFORE DELETE OR UPDATE ON public.split_leg FOR EACH ROW EXECUTE FUNCTION refuse_change()
split_leg: CREATE TRIGGER split_leg_never_truncated BEFORE TRUNCATE ON public.split_leg FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
split_signature: CREATE TRIGGER split_signature_holds BEFORE INSERT ON public.split_signature FOR EACH ROW EXECUTE FUNCTION split_signature_holds()
split_signature: CREATE TRIGGER split_signature_never_changes BEFORE DELETE OR UPDATE ON public.split_signature FOR EACH ROW EXECUTE FUNCTION refuse_change()
split_signature: CREATE TRIGGER split_signature_never_truncated BEFORE TRUNCATE ON public.split_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
statement: CREATE CONSTRAINT TRIGGER statement_adds_up AFTER INSERT ON public.statement DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION statement_adds_up()
statement: CREATE TRIGGER statement_follows BEFORE INSERT ON public.statement FOR EACH ROW EXECUTE FUNCTION statement_follows()
statement: CREATE TRIGGER statement_never_changes BEFORE DELETE OR UPDATE ON public.statement FOR EACH ROW EXECUTE FUNCTION refuse_change()
statement: CREATE TRIGGER statement_never_truncated BEFORE TRUNCATE ON public.statement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
statement_close: CREATE TRIGGER statement_close_follows BEFORE INSERT ON public.statement_close FOR EACH ROW EXECUTE FUNCTION statement_close_follows()
statement_close: CREATE TRIGGER statement_close_never_changes BEFORE DELETE OR UPDATE ON public.statement_close FOR EACH ROW EXECUTE FUNCTION refuse_change()
statement_close: CREATE TRIGGER statement_close_never_truncated BEFORE TRUNCATE ON public.statement_close FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
statement_line: CREATE TRIGGER statement_line_never_changes BEFORE DELETE OR UPDATE ON public.statement_line FOR EACH ROW EXECUTE FUNCTION refuse_change()
statement_line: CREATE TRIGGER statement_line_never_truncated BEFORE TRUNCATE ON public.statement_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
statement_paper: CREATE TRIGGER statement_paper_never_changes BEFORE DELETE OR UPDATE ON public.statement_paper FOR EACH ROW EXECUTE FUNCTION refuse_change()
statement_paper: CREATE TRIGGER statement_paper_never_truncated BEFORE TRUNCATE ON public.statement_paper FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
stop_acknowledgement: CREATE TRIGGER stop_acknowledgement_closes AFTER INSERT ON public.stop_acknowledgement FOR EACH ROW EXECUTE FUNCTION stop_acknowledgement_closes()
stop_acknowledgement: CREATE TRIGGER stop_acknowledgement_fits BEFORE INSERT ON public.stop_acknowledgement FOR EACH ROW EXECUTE FUNCTION stop_acknowledgement_fits()
stop_acknowledgement: CREATE TRIGGER stop_acknowledgement_never_changes BEFORE DELETE OR UPDATE ON public.stop_acknowledgement FOR EACH ROW EXECUTE FUNCTION refuse_change()
stop_acknowledgement: CREATE TRIGGER stop_acknowledgement_never_truncated BEFORE TRUNCATE ON public.stop_acknowledgement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
stop_order: CREATE TRIGGER stop_order_holds BEFORE INSERT ON public.stop_order FOR EACH ROW EXECUTE FUNCTION stop_order_holds()
stop_order: CREATE TRIGGER stop_order_never_changes BEFORE DELETE OR UPDATE ON public.stop_order FOR EACH ROW EXECUTE FUNCTION refuse_change()
stop_order: CREATE TRIGGER stop_order_never_truncated BEFORE TRUNCATE ON public.stop_order FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
stop_quote: CREATE TRIGGER stop_quote_never_changes BEFORE DELETE OR UPDATE ON public.stop_quote FOR EACH ROW EXECUTE FUNCTION refuse_change()
stop_quote: CREATE TRIGGER stop_quote_never_truncated BEFORE TRUNCATE ON public.stop_quote FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
stripe_event: CREATE TRIGGER stripe_event_never_changes BEFORE DELETE OR UPDATE ON public.stripe_event FOR EACH ROW EXECUTE FUNCTION refuse_change()
stripe_event: CREATE TRIGGER stripe_event_never_truncated BEFORE TRUNCATE ON public.stripe_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
stripe_event_applied: CREATE TRIGGER stripe_event_applied_never_changes BEFORE DELETE OR UPDATE ON public.stripe_event_applied FOR EACH ROW EXECUTE FUNCTION refuse_change()
stripe_event_applied: CREATE TRIGGER stripe_event_applied_never_truncated BEFORE TRUNCATE ON public.stripe_event_applied FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
subscription: CREATE TRIGGER subscription_stays_ended BEFORE UPDATE ON public.subscription FOR EACH ROW EXECUTE FUNCTION subscription_stays_ended()
subscription_period: CREATE TRIGGER subscription_period_credits AFTER INSERT ON public.subscription_period FOR EACH ROW WHEN ((new.credited_from IS NOT NULL)) EXECUTE FUNCTION subscription_period_credits()
subscription_period: CREATE TRIGGER subscription_period_moves_on BEFORE UPDATE ON public.subscription_period FOR EACH ROW EXECUTE FUNCTION subscription_period_moves_on()
succession: CREATE TRIGGER succession_never_changes BEFORE DELETE OR UPDATE ON public.succession FOR EACH ROW EXECUTE FUNCTION refuse_change()
succession: CREATE TRIGGER succession_never_truncated BEFORE TRUNCATE ON public.succession FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
succession_signature: CREATE TRIGGER succession_signature_fits BEFORE INSERT ON public.succession_signature FOR EACH ROW EXECUTE FUNCTION succession_signature_fits()
succession_signature: CREATE TRIGGER succession_signature_never_changes BEFORE DELETE OR UPDATE ON public.succession_signature FOR EACH ROW EXECUTE FUNCTION refuse_change()
succession_signature: CREATE TRIGGER succession_signature_never_truncated BEFORE TRUNCATE ON public.succession_signature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
tax_profile: CREATE TRIGGER tax_profile_never_changes BEFORE DELETE OR UPDATE ON public.tax_profile FOR EACH ROW EXECUTE FUNCTION refuse_change()
tax_profile: CREATE TRIGGER tax_profile_never_truncated BEFORE TRUNCATE ON public.tax_profile FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
tier: CREATE TRIGGER tier_stays_removed BEFORE UPDATE ON public.tier FOR EACH ROW EXECUTE FUNCTION tier_stays_removed()
tier_offer: CREATE TRIGGER tier_offer_never_changes BEFORE DELETE OR UPDATE ON public.tier_offer FOR EACH ROW EXECUTE FUNCTION refuse_change()
tier_offer: CREATE TRIGGER tier_offer_never_truncated BEFORE TRUNCATE ON public.tier_offer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
tier_offer_price: CREATE TRIGGER tier_offer_price_never_changes BEFORE DELETE OR UPDATE ON public.tier_offer_price FOR EACH ROW EXECUTE FUNCTION refuse_change()
tier_offer_price: CREATE TRIGGER tier_offer_price_never_truncated BEFORE TRUNCATE ON public.tier_offer_price FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
undivided_return: CREATE TRIGGER undivided_return_never_changes BEFORE DELETE OR UPDATE ON public.undivided_return FOR EACH ROW EXECUTE FUNCTION refuse_change()
undivided_return: CREATE TRIGGER undivided_return_never_truncated BEFORE TRUNCATE ON public.undivided_return FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
wind_down: CREATE TRIGGER wind_down_is_the_owners BEFORE INSERT ON public.wind_down FOR EACH ROW EXECUTE FUNCTION wind_down_is_the_owners()
wind_down: CREATE TRIGGER wind_down_never_changes BEFORE DELETE OR UPDATE ON public.wind_down FOR EACH ROW EXECUTE FUNCTION refuse_change()
wind_down: CREATE TRIGGER wind_down_never_truncated BEFORE TRUNCATE ON public.wind_down FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()

-- Functions

CREATE OR REPLACE FUNCTION public.advance_moves_on()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state = 'draft' THEN RETURN NEW; END IF;
    ELSIF (OLD.state = 'ended' AND (to_jsonb(NEW) - 'written_off_minor') <> (to_jsonb(OLD) - 'written_off_minor'))
       OR (OLD.state = 'signed' AND (NEW.state = 'draft' OR NEW.signed_at <> OLD.signed_at OR NEW.record <> OLD.record OR NEW.leaf_id <> OLD.leaf_id)) THEN
      RAISE EXCEPTION 'advance % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> 'draft' AND (SELECT count(*) FROM advance_signature WHERE advance_id = NEW.id) <> 2 THEN
      RAISE EXCEPTION 'advance % lacks a signature', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'advance_moves_on', TABLE = 'advance';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.advance_restoration_bounded()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF (SELECT sum(amount_minor) FROM advance_restoration WHERE advance_id = NEW.advance_id AND run_id = NEW.run_id)
       > (SELECT amount_minor FROM advance_recoupment WHERE advance_id = NEW.advance_id AND run_id = NEW.run_id) THEN
      RAISE EXCEPTION 'more of advance % would be restored than run % recouped', NEW.advance_id, NEW.run_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'advance_restoration_bounded', TABLE = 'advance_restoration';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.advance_signature_holds()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM advance a JOIN signed_document s ON s.id = NEW.signed_document_id AND s.canonical = a.canonical
        WHERE a.id = NEW.advance_id AND s.document_type = 'advance'
          AND CASE NEW.signer WHEN 'platform' THEN s.account_id <> a.payee WHEN a.payee THEN s.account_id = a.payee ELSE false END
    ) THEN
      RAISE EXCEPTION 'advance % was not signed by % with this document', NEW.advance_id, NEW.signer
        USING ERRCODE = 'check_violation', CONSTRAINT = 'advance_signature_holds', TABLE = 'advance_signature';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.amendment_is_countersigned()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (SELECT FROM amendment_withdrawal WHERE grant_id = NEW.grant_id AND digest = NEW.digest) THEN
      RAISE EXCEPTION 'this amendment was withdrawn' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'amendment_withdrawn';
    END IF;
    IF EXISTS (
      SELECT FROM consent_grant_draft AS next JOIN consent_grant_draft AS before ON before.grant_id = next.grant_id AND before.digest = next.supersedes
      WHERE next.grant_id = NEW.grant_id AND next.digest = NEW.digest AND amendment_widens(before.canonical::jsonb, next.canonical::jsonb))
      AND EXISTS (
        SELECT FROM bound_licensees(NEW.grant_id, NEW.signed_at) AS licensee WHERE NOT EXISTS (
          SELECT FROM amendment_offer AS offer WHERE offer.grant_id = NEW.grant_id AND offer.digest = NEW.digest AND offer.account_id = licensee)) THEN
      RAISE EXCEPTION 'a licensee is bound by this grant and has not signed' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'amendment_countersigned';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.amendment_only_narrows(earlier jsonb, later jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT NOT EXISTS (
      SELECT FROM (SELECT jsonb_object_keys(earlier) UNION SELECT jsonb_object_keys(later)) AS members (name)
      WHERE name NOT IN ('type', 'version', 'supersedes', 'rendering') AND earlier -> name IS DISTINCT FROM later -> name AND NOT coalesce(CASE
        WHEN name IN ('media', 'languages', 'territories', 'audiences', 'ageBands', 'tiers', 'purposes', 'endorsementCategories') THEN
          jsonb_typeof(earlier -> name) = 'array' AND jsonb_typeof(later -> name) = 'array'
          AND (SELECT bool_and(earlier -> name @> jsonb_build_array(item) AND EXISTS (
            SELECT FROM jsonb_array_elements(earlier -> name) AS old WHERE old = item)) FROM jsonb_array_elements(later -> name) AS item)
        WHEN name IN ('forbiddenTopics', 'forbiddenPhrases') THEN
          jsonb_typeof(earlier -> name) = 'array' AND jsonb_typeof(later -> name) = 'array'
          AND (SELECT coalesce(bool_and(EXISTS (
            SELECT FROM jsonb_array_elements(later -> name) AS now WHERE now = item)), true) FROM jsonb_array_elements(earlier -> name) AS item)
        WHEN name = 'capabilities' THEN
          jsonb_typeof(earlier -> name) = 'object' AND jsonb_typeof(later -> name) = 'object' AND NOT EXISTS (
            SELECT FROM jsonb_each(later -> name) AS said WHERE said.value <> 'false' AND earlier -> name -> said.key IS DISTINCT FROM said.value)
        WHEN name IN ('adultContent', 'politicalContent', 'sublicence') THEN later -> name = 'false'
        WHEN name = 'validFrom' THEN (later ->> name)::timestamptz >= (earlier ->> name)::timestamptz
        WHEN name = 'validUntil' THEN (later ->> name)::timestamptz <= (earlier ->> name)::timestamptz
        ELSE false END, false))
  $function$
CREATE OR REPLACE FUNCTION public.amendment_widens(earlier jsonb, later jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT EXISTS (
      SELECT FROM unnest(ARRAY['media', 'languages', 'territories', 'audiences', 'ageBands', 'tiers', 'endorsementCategories']) AS name,
        jsonb_array_elements(later -> name) AS item
      WHERE NOT earlier -> name @> jsonb_build_array(item))
    OR EXISTS (SELECT FROM jsonb_each(later -> 'capabilities') AS said WHERE said.value = 'true' AND earlier -> 'capabilities' -> said.key = 'false')
    OR EXISTS (SELECT FROM unnest(ARRAY['adultContent', 'politicalContent', 'sublicence']) AS name WHERE later -> name = 'true' AND earlier -> name = 'false')
    OR (later ->> 'validUntil')::timestamptz > (earlier ->> 'validUntil')::timestamptz
    OR (later ->> 'validFrom')::timestamptz < (earlier ->> 'validFrom')::timestamptz
  $function$
CREATE OR REPLACE FUNCTION public.assert_gates_open(gate_ids text[], epochs bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    shut record;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'gates are only checked under READ COMMITTED'
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_isolation';
    END IF;
    IF coalesce(cardinality(gate_ids), 0) = 0 OR cardinality(gate_ids) IS DISTINCT FROM cardinality(epochs) THEN
      RAISE EXCEPTION 'name every gate with its epoch' USING ERRCODE = 'BN001', CONSTRAINT = 'gate_unnamed';
    END IF;

    PERFORM pg_advisory_xact_lock_shared(tree.lock_key) FROM (
      SELECT lock_key FROM gate WHERE id = ANY (gate_ids)
      ORDER BY array_position(ARRAY['platform', 'clone', 'capability', 'grant', 'licence'], kind), id
    ) AS tree;

    SELECT asked.id, coalesce(gate.state, 'unknown') AS state, gate.epoch, asked.epoch AS asked_epoch INTO shut
      FROM unnest(gate_ids, epochs) AS asked (id, epoch) LEFT JOIN gate ON gate.id = asked.id
      WHERE gate.id IS NULL OR gate.state <> 'open' OR gate.epoch IS DISTINCT FROM asked.epoch
      ORDER BY gate.state = 'stopped' DESC NULLS LAST, gate.state = 'paused' DESC NULLS LAST LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'gate % is %, epoch % where % was decided', shut.id, shut.state, shut.epoch, shut.asked_epoch
        USING ERRCODE = 'BN001', CONSTRAINT = CASE shut.state
          WHEN 'stopped' THEN 'gate_stopped' WHEN 'paused' THEN 'gate_paused' ELSE 'gate_changed' END;
    END IF;
  END $function$
CREATE OR REPLACE FUNCTION public.assert_release_gates(of_clone text, of_capability text, of_grant text, gate_ids text[], epochs bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    applicable text[];
    licences integer;
  BEGIN
    SELECT array_agg(gate.id ORDER BY gate.id), count(*) FILTER (WHERE gate.kind = 'licence') INTO applicable, licences FROM gate
      WHERE kind = 'platform'
        OR (clone_id = of_clone AND (kind = 'clone'
          OR (kind = 'capability' AND capability = of_capability)
          OR (kind = 'grant' AND grant_id = of_grant)
          OR (kind = 'licence' AND gate.id = ANY (gate_ids) AND EXISTS (
            SELECT FROM licence WHERE licence.id = gate.licence_id AND licence.grant_id = of_grant))));
    IF coalesce(cardinality(applicable), 0) <> 4 + licences OR licences > 1
      OR applicable IS DISTINCT FROM (SELECT array_agg(id ORDER BY id) FROM unnest(gate_ids) AS id) THEN
      RAISE EXCEPTION 'these are not the gates of %, %, %', of_clone, of_capability, of_grant
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_unnamed';
    END IF;
    PERFORM assert_gates_open(gate_ids, epochs);
  END $function$
CREATE OR REPLACE FUNCTION public.bound_licensees(of_grant text, at_instant timestamp with time zone)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT DISTINCT licence.licensee_account_id FROM licence
      JOIN licence_signature AS counter ON counter.licence_id = licence.id AND counter.account_id = licence.licensee_account_id
      LEFT JOIN licence_end AS ended ON ended.licence_id = licence.id
      LEFT JOIN licence_notice AS notice ON notice.licence_id = licence.id
    WHERE licence.grant_id = of_grant AND ended.licence_id IS NULL AND (notice.ends_at IS NULL OR notice.ends_at > at_instant)
      AND (licence.canonical::jsonb #>> '{terms,validUntil}')::timestamptz > at_instant
  $function$
CREATE OR REPLACE FUNCTION public.capability_pause_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.to_at IS NOT NULL THEN
      RAISE EXCEPTION 'this pause of % has ended', OLD.capability USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.challenge_used_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    RAISE EXCEPTION 'a challenge is used once' USING ERRCODE = 'check_violation';
  END $function$
CREATE OR REPLACE FUNCTION public.clone_gate_narrows()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_TABLE_NAME = 'clone_version' THEN
      UPDATE gate SET epoch = epoch + 1, reason = 'version.' || NEW.state, changed_by = 'database',
          changed_at = CASE NEW.state WHEN 'suspended' THEN NEW.suspended_at ELSE NEW.withdrawn_at END
        WHERE kind = 'clone' AND clone_id = NEW.clone_id AND state <> 'stopped';
    ELSE
      UPDATE gate SET epoch = epoch + 1, reason = 'ownership_proof.' || NEW.state, changed_by = 'database', changed_at = NEW.ended_at
        WHERE kind = 'clone' AND state <> 'stopped'
          AND clone_id IN (SELECT id FROM clone WHERE ownership_proof_id = NEW.id);
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.clone_not_of_refuser()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('refusal or clone of ' || NEW.owner_account_id, 0));
    IF EXISTS (SELECT FROM refusal WHERE account_id = NEW.owner_account_id AND withdrawn_at IS NULL) THEN
      RAISE EXCEPTION 'this account refuses every clone of itself' USING ERRCODE = 'check_violation', CONSTRAINT = 'clone_not_of_refuser';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.clone_pause_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.to_at IS NOT NULL THEN
      RAISE EXCEPTION 'this pause of % has ended', OLD.clone_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.clone_version_falls_with_proof()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.state = 'expired' THEN
      UPDATE clone_version SET state = 'suspended', suspended_at = NEW.ended_at WHERE ownership_proof_id = OLD.id AND state = 'approved';
    ELSE
      UPDATE clone_version SET state = 'withdrawn', withdrawn_at = NEW.ended_at WHERE ownership_proof_id = OLD.id AND state = 'approved';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.clone_version_is_frozen()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF (NEW.id, NEW.clone_id, NEW.number, NEW.voice_material_id, NEW.persona_material_id, NEW.material_digest, NEW.persona_digest,
        NEW.policy_digest, NEW.lineage, NEW.languages, NEW.speaker, NEW.document::text, NEW.document_digest, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.clone_id, OLD.number, OLD.voice_material_id, OLD.persona_material_id, OLD.material_digest, OLD.persona_digest,
        OLD.policy_digest, OLD.lineage, OLD.languages, OLD.speaker, OLD.document::text, OLD.document_digest, OLD.created_at) THEN
      RAISE EXCEPTION 'a version is frozen' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'clone_version_is_frozen';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
       ('draft', 'approved'), ('draft', 'withdrawn'), ('approved', 'withdrawn'), ('approved', 'suspended'), ('suspended', 'approved'),
       ('suspended', 'withdrawn')) THEN
      RAISE EXCEPTION 'a version does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'clone_version_moves';
    END IF;
    -- What serves again is what was approved, by the same signature.
    IF OLD.state = 'suspended' AND (NEW.approved_at, NEW.signed_document_id) IS DISTINCT FROM (OLD.approved_at, OLD.signed_document_id) THEN
      RAISE EXCEPTION 'a suspended version is approved as it was'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'clone_version_is_frozen';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.clone_version_not_held()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF enrolment_blocked(NEW.ownership_proof_id, ARRAY[NEW.clone_id]) THEN
      RAISE EXCEPTION 'this clone is held: it is near to a person who refuses' USING ERRCODE = 'check_violation', CONSTRAINT = 'clone_version_not_held';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_count(runs int8multirange)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(runs) AS run
  $function$
CREATE OR REPLACE FUNCTION public.coin_loss_takes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
      DECLARE
        part coin_spend_part;
      BEGIN
        SELECT p.* INTO part FROM coin_spend_part p JOIN coin_spend s ON s.id = p.spend_id AND s.state = 'captured'
          WHERE p.spend_id = NEW.spend_id AND p.lot_id = NEW.lot_id FOR UPDATE OF p;
        IF part.spend_id IS NULL OR NOT NEW.coins_lost <@ (part.taken - part.given - part.lost) THEN
          RAISE EXCEPTION 'these coins of lot % were not spent by %, or came back before', NEW.lot_id, NEW.spend_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_lost_once', TABLE = 'coin_loss';
        END IF;
        UPDATE coin_spend_part SET lost = lost + NEW.coins_lost WHERE spend_id = NEW.spend_id AND lot_id = NEW.lot_id;
        RETURN NULL;
      END $function$
CREATE OR REPLACE FUNCTION public.coin_lot_begins_whole()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    NEW.free := int8multirange(int8range(0, NEW.coins));
    NEW.left_coins := NEW.coins;
    NEW.left_net_minor := NEW.net_minor;
    NEW.left_tax_minor := NEW.tax_minor;
    NEW.left_fee_minor := NEW.fee_minor;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_lot_has_twin()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    bought text;
  BEGIN
    SELECT id INTO bought FROM ledger_transfer WHERE key = 'stripe:charge:' || NEW.stripe_charge;
    IF bought IS NULL OR coin_moved(bought, 'coins:' || NEW.account_id) <> -NEW.coins OR coin_moved(bought, 'coin_deferred:CNY') <> -NEW.net_minor THEN
      RAISE EXCEPTION 'lot % has no purchase in the ledger', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_lot_has_twin', TABLE = 'coin_lot';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_lot_keeps()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF OLD.state = 'lost' AND NEW.state <> 'lost' AND (NEW.state <> 'open' OR NEW.left_coins = 0) THEN
          RAISE EXCEPTION 'lot % was lost', OLD.id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.coin_lot_set(lot text, runs int8multirange)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    UPDATE coin_lot SET free = runs, left_coins = coin_count(runs), left_net_minor = coin_share(net_minor, coins, runs),
      left_tax_minor = coin_share(tax_minor, coins, runs), left_fee_minor = coin_share(fee_minor, coins, runs) WHERE id = lot
  $function$
CREATE OR REPLACE FUNCTION public.coin_moved(transfer text, account text)
 RETURNS numeric
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce(sum(e.amount_minor), 0) FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq
      JOIN ledger_account a ON a.id = e.account_id WHERE t.id = transfer AND a.code = account
  $function$
CREATE OR REPLACE FUNCTION public.coin_purchase_moves_on()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.state = 'paid' AND NEW.state <> 'paid' THEN
      RAISE EXCEPTION 'purchase % was paid', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_restore_gives()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    part coin_spend_part;
    lot coin_lot;
  BEGIN
    SELECT p.* INTO part FROM coin_spend_part p JOIN coin_spend s ON s.id = p.spend_id AND s.state = 'captured'
      WHERE p.spend_id = NEW.spend_id AND p.lot_id = NEW.lot_id FOR UPDATE OF p;
    SELECT * INTO lot FROM coin_lot WHERE id = NEW.lot_id FOR UPDATE;
    IF part.spend_id IS NULL OR NOT NEW.coins_given <@ part.taken OR NEW.coins_given && part.given THEN
      RAISE EXCEPTION 'these coins of lot % were not spent by %, or were given back', NEW.lot_id, NEW.spend_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_given_once', TABLE = 'coin_restore';
    END IF;
    UPDATE coin_spend_part SET given = given + NEW.coins_given WHERE spend_id = NEW.spend_id AND lot_id = NEW.lot_id;
    PERFORM coin_lot_set(lot.id, lot.free + NEW.coins_given);
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_return_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.state <> 'pending' THEN
      RAISE EXCEPTION 'return % has already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_share(amount bigint, coins bigint, runs int8multirange)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce(sum(div(amount::numeric * upper(run), coins) - div(amount::numeric * lower(run), coins)), 0)::bigint FROM unnest(runs) AS run
  $function$
CREATE OR REPLACE FUNCTION public.coin_spend_has_twin()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    spend coin_spend;
    parts record;
  BEGIN
    SELECT * INTO spend FROM coin_spend WHERE id = NEW.id;
    SELECT sum(coins) AS coins, sum(net_minor) AS net, sum(tax_minor) AS tax, sum(fee_minor) AS fee INTO parts FROM coin_spend_part WHERE spend_id = NEW.id;
    IF (parts.coins, parts.net, parts.tax, parts.fee) IS DISTINCT FROM (spend.coins::numeric, spend.net_minor::numeric, spend.tax_minor::numeric, spend.fee_minor::numeric) THEN
      RAISE EXCEPTION 'spend % is not what it took of the lots', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_spend_has_parts', TABLE = 'coin_spend';
    END IF;
    IF coin_moved(spend.held_transfer, 'coins:' || spend.account_id) <> spend.coins
       OR coin_moved(spend.held_transfer, 'coin_deferred:CNY') <> spend.net_minor
       OR (spend.settled_transfer IS NOT NULL AND (coin_moved(spend.settled_transfer, 'coins_held:' || spend.account_id) <> spend.coins
         OR coin_moved(spend.settled_transfer, 'coin_deferred_held:CNY') <> spend.net_minor)) THEN
      RAISE EXCEPTION 'spend % moved coins without their money', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_spend_has_twin', TABLE = 'coin_spend';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_spend_moves_on()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    part record;
  BEGIN
    IF OLD.state <> 'held' OR NEW.state = 'held' THEN
      RAISE EXCEPTION 'spend % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'voided' THEN
      FOR part IN
        SELECT p.lot_id, p.taken, l.free FROM coin_spend_part p JOIN coin_lot l ON l.id = p.lot_id WHERE p.spend_id = NEW.id ORDER BY p.lot_id FOR UPDATE OF l
      LOOP
        PERFORM coin_lot_set(part.lot_id, part.free + part.taken);
      END LOOP;
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.coin_spend_part_takes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    spend coin_spend;
    lot coin_lot;
  BEGIN
    SELECT * INTO spend FROM coin_spend WHERE id = NEW.spend_id;
    SELECT * INTO lot FROM coin_lot WHERE id = NEW.lot_id FOR UPDATE;
    IF spend.state <> 'held' OR lot.account_id <> spend.account_id THEN
      RAISE EXCEPTION 'spend % cannot take of lot %', NEW.spend_id, NEW.lot_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF lot.state = 'lost' AND spend.purpose <> 'dispute' THEN
      RAISE EXCEPTION 'lot % was lost', lot.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT NEW.taken <@ lot.free THEN
      RAISE EXCEPTION 'lot % has not these coins any more', lot.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_taken_once', TABLE = 'coin_spend_part';
    END IF;
    IF NEW.given <> '{}'::int8multirange OR NEW.coins <> coin_count(NEW.taken) OR NEW.net_minor <> coin_share(lot.net_minor, lot.coins, NEW.taken)
       OR NEW.tax_minor <> coin_share(lot.tax_minor, lot.coins, NEW.taken) OR NEW.fee_minor <> coin_share(lot.fee_minor, lot.coins, NEW.taken) THEN
      RAISE EXCEPTION 'these coins of lot % have another basis', lot.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_part_basis', TABLE = 'coin_spend_part';
    END IF;
    PERFORM coin_lot_set(lot.id, lot.free - NEW.taken);
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_contract_named()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (SELECT FROM consent_grant_draft AS d WHERE d.grant_id = NEW.grant_id AND d.digest = NEW.digest
        AND d.canonical::jsonb #>> '{rendering,sha256}' = NEW.sha256) THEN
      RAISE EXCEPTION 'the draft names another contract' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_contract_named';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_grant_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'draft' THEN
        RAISE EXCEPTION 'a grant begins as a draft' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_begins_as_draft';
      END IF;
      RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (('draft', 'signed'), ('signed', 'revoked'), ('signed', 'expired')) THEN
      RAISE EXCEPTION 'a grant never goes from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_states';
    END IF;
    IF NEW.state = 'signed' AND NOT EXISTS (SELECT FROM consent_grant_signature WHERE grant_id = NEW.id AND version = 1) THEN
      RAISE EXCEPTION 'a grant is signed by a signature' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_needs_signature';
    END IF;
    IF NEW.state = 'revoked' AND NOT EXISTS (SELECT FROM consent_grant_revocation WHERE grant_id = NEW.id) THEN
      RAISE EXCEPTION 'a grant is revoked by a signature' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_needs_revocation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_grant_is_the_holders()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.owner_account_id IS DISTINCT FROM rights_holder(NEW.clone_id) THEN
      RAISE EXCEPTION 'this clone''s rights are not theirs' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_is_the_holders';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_signature_before_sunset()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (
      SELECT FROM consent_grant AS consent JOIN clone ON clone.id = consent.clone_id
        JOIN estate ON estate.owner_account_id = clone.owner_account_id
        JOIN consent_grant_draft AS draft ON draft.grant_id = consent.id AND draft.digest = NEW.digest
      WHERE consent.id = NEW.grant_id AND (draft.canonical::jsonb ->> 'validUntil')::timestamptz > estate.sunset) THEN
      RAISE EXCEPTION 'this would outlast the owner''s sunset'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_before_sunset';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_signature_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    signed signed_document;
    consent consent_grant;
    offered consent_grant_draft;
  BEGIN
    SELECT * INTO consent FROM consent_grant WHERE id = NEW.grant_id;
    SELECT * INTO signed FROM signed_document WHERE id = NEW.signed_document_id AND canonical::jsonb ->> 'grantId' = NEW.grant_id;
    IF signed.id IS NULL OR consent.id IS NULL
      OR (TG_TABLE_NAME = 'consent_grant_revocation' AND signed.document_type <> 'revocation')
      OR (TG_TABLE_NAME = 'consent_grant_signature' AND (to_jsonb(NEW) ->> 'digest' <> signed.digest
        OR signed.document_type <> CASE to_jsonb(NEW) ->> 'version' WHEN '1' THEN 'grant' ELSE 'amendment' END)) THEN
      RAISE EXCEPTION 'this is not the owner''s signature over it'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_fits';
    END IF;
    IF signed.account_id = consent.owner_account_id THEN
      RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'consent_grant_signature' AND signed.document_type = 'amendment' THEN
      SELECT * INTO offered FROM consent_grant_draft WHERE grant_id = NEW.grant_id AND digest = signed.digest;
      IF EXISTS (
        SELECT FROM consent_grant_draft AS before
        WHERE before.grant_id = NEW.grant_id AND before.digest = offered.supersedes
          AND amendment_only_narrows(before.canonical::jsonb, offered.canonical::jsonb))
        AND EXISTS (
          SELECT FROM delegation WHERE owner_account_id = consent.owner_account_id AND agent_account_id = signed.account_id
            AND delegation_covers(id, signed.account_id, consent.clone_id, 'signAmendment', (to_jsonb(NEW) ->> 'signed_at')::timestamptz)) THEN
        RETURN NEW;
      END IF;
    END IF;
    RAISE EXCEPTION 'this is not the owner''s signature over it'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_fits';
  END $function$
CREATE OR REPLACE FUNCTION public.consent_signature_shown()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (SELECT FROM consent_grant_draft AS d WHERE d.grant_id = NEW.grant_id AND d.digest = NEW.digest
        AND d.canonical::jsonb -> 'schemaVersion' IS DISTINCT FROM '1'::jsonb)
      AND NOT EXISTS (SELECT FROM consent_contract AS c WHERE c.grant_id = NEW.grant_id AND c.digest = NEW.digest) THEN
      RAISE EXCEPTION 'a grant is signed after it was shown' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_shown';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_volume_keeps_licence()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.licence_id IS DISTINCT FROM OLD.licence_id THEN
      RAISE EXCEPTION 'what was used of a licence is only measured or given back'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_volume_use_fixed';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_volume_use_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.state = 'given_back'
      OR (NEW.subject_id, NEW.grant_id, NEW.capability, NEW.day, NEW.taken_at) IS DISTINCT FROM
         (OLD.subject_id, OLD.grant_id, OLD.capability, OLD.day, OLD.taken_at)) THEN
      RAISE EXCEPTION 'what was used of a grant is only measured or given back'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_volume_use_fixed';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.consent_volume_within_caps()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    granted jsonb;
    licensed jsonb;
    bound record;
    used record;
  BEGIN
    IF NEW.state <> 'taken' THEN
      RETURN NULL;
    END IF;
    SELECT draft.canonical::jsonb -> 'volumeCaps' INTO granted
      FROM consent_grant_signature AS signed JOIN consent_grant_draft AS draft USING (grant_id, digest)
      WHERE signed.grant_id = NEW.grant_id ORDER BY signed.version DESC LIMIT 1;
    SELECT canonical::jsonb #> '{terms,volumeCaps}' INTO licensed FROM licence WHERE id = NEW.licence_id;
    granted := coalesce(granted, '[]');
    licensed := coalesce(licensed, '[]');
    IF jsonb_array_length(granted) + jsonb_array_length(licensed) = 0 THEN
      RETURN NULL;
    END IF;
    PERFORM lock_consent_volume(NEW.grant_id);
    FOR bound IN
      SELECT cap, NULL AS licence_id FROM jsonb_array_elements(granted) AS cap
      UNION ALL SELECT cap, NEW.licence_id FROM jsonb_array_elements(licensed) AS cap
    LOOP
      CONTINUE WHEN bound.cap ->> 'capability' NOT IN ('any', NEW.capability);
      SELECT count(*) AS outputs, coalesce(sum(milliseconds), 0) AS milliseconds INTO used FROM consent_volume_use
        WHERE grant_id = NEW.grant_id AND state = 'taken'
          AND (bound.licence_id IS NULL OR licence_id = bound.licence_id)
          AND (bound.cap ->> 'capability' = 'any' OR capability = bound.cap ->> 'capability')
          AND (bound.cap ->> 'window' = 'term' OR day = NEW.day);
      IF used.outputs > (bound.cap ->> 'outputs')::bigint OR used.milliseconds > (bound.cap ->> 'seconds')::bigint * 1000 THEN
        RAISE EXCEPTION '% allows no more in this %', coalesce(bound.licence_id, NEW.grant_id), bound.cap ->> 'window'
          USING ERRCODE = 'BN002', CONSTRAINT = 'consent_volume_within_caps';
      END IF;
    END LOOP;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.counter_notice_by_the_owner()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (SELECT FROM notice JOIN clone ON clone.id = notice.clone_id
        WHERE notice.id = NEW.notice_id AND clone.owner_account_id = NEW.account_id)
      OR NOT EXISTS (SELECT FROM signed_document WHERE id = NEW.signed_document_id AND document_type = 'counter_notice'
        AND canonical::jsonb ->> 'noticeId' = NEW.notice_id) THEN
      RAISE EXCEPTION 'the owner signs the counter-notice' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'counter_notice_by_the_owner';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.death_case_moves()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    approvals integer;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'reported' OR NEW.round <> 0 OR NOT EXISTS (
        SELECT FROM signed_document AS signed WHERE signed.id = NEW.signed_document_id AND signed.document_type = 'death_report'
          AND signed.canonical::jsonb ->> 'successionId' = NEW.succession_id) OR NOT EXISTS (
        SELECT FROM succession JOIN succession_signature AS named ON named.succession_id = succession.id
          AND named.account_id = succession.owner_account_id
        WHERE succession.id = NEW.succession_id
          AND succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.reported_by))) THEN
        RAISE EXCEPTION 'a death is reported by a named heir' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_begins';
      END IF;
      RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
      ('reported', 'frozen'), ('reported', 'dismissed'), ('reported', 'undone'),
      ('frozen', 'waiting'), ('frozen', 'disputed'), ('frozen', 'dismissed'), ('frozen', 'undone'),
      ('waiting', 'settled'), ('waiting', 'disputed'), ('waiting', 'undone'),
      ('disputed', 'waiting'), ('disputed', 'dismissed'), ('disputed', 'undone')) THEN
      RAISE EXCEPTION 'a report does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_moves';
    END IF;
    SELECT count(*) INTO approvals FROM death_review WHERE case_id = OLD.id AND round = OLD.round AND verdict = 'approve';
    IF (NEW.state = 'frozen' AND OLD.state = 'reported' AND approvals < 1) OR (NEW.state = 'waiting' AND OLD.state <> 'waiting' AND approvals < 2) THEN
      RAISE EXCEPTION 'people look first' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_needs_reviews';
    END IF;
    IF NEW.state = 'undone' AND NOT EXISTS (
      SELECT FROM death_end JOIN signed_document AS signed ON signed.id = death_end.life_document_id
      WHERE death_end.case_id = OLD.id AND signed.account_id = OLD.owner_account_id AND signed.document_type = 'life_declaration'
        AND signed.canonical::jsonb ->> 'caseId' = OLD.id) THEN
      RAISE EXCEPTION 'the owner undoes it with their own passkey' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_needs_life';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.death_review_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM death_case JOIN succession ON succession.id = death_case.succession_id
      WHERE death_case.id = NEW.case_id AND death_case.round = NEW.round AND death_case.state IN ('reported', 'frozen', 'disputed')
        AND NEW.reviewer NOT IN (death_case.owner_account_id, death_case.reported_by)
        AND NOT succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.reviewer))) THEN
      RAISE EXCEPTION 'not theirs to review' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_review_fits';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.decision_names_its_licence()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    named text := NEW.receipt #>> '{document,state,licence,licenceId}';
    gates text[];
  BEGIN
    SELECT array_agg(gate.licence_id) INTO gates FROM json_array_elements(NEW.receipt #> '{document,state,gates}') AS seen
      JOIN gate ON gate.id = seen ->> 'gateId' AND gate.kind = 'licence';
    IF NEW.allowed AND gates IS DISTINCT FROM (CASE WHEN named IS NULL THEN NULL ELSE ARRAY[named] END) THEN
      RAISE EXCEPTION 'a decision under a licence sees its gate' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'decision_names_its_licence';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.delegated_act_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT delegation_covers(NEW.delegation_id, NEW.actor, NEW.clone_id, NEW.verb, NEW.at) OR EXISTS (
      SELECT FROM delegation JOIN death_case ON death_case.owner_account_id = delegation.owner_account_id
      WHERE delegation.id = NEW.delegation_id AND death_case.state IN ('frozen', 'waiting', 'disputed', 'settled')) THEN
      RAISE EXCEPTION 'nobody let them do this' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'delegated_act_fits';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.delegation_covers(of_delegation text, of_agent text, of_clone text, of_verb text, at_instant timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT EXISTS (
      SELECT FROM delegation
        JOIN clone ON clone.id = of_clone AND clone.owner_account_id = delegation.owner_account_id
        JOIN delegation_signature AS offer ON offer.delegation_id = delegation.id AND offer.account_id = delegation.owner_account_id
        JOIN delegation_signature AS accepted ON accepted.delegation_id = delegation.id AND accepted.account_id = of_agent
      WHERE delegation.id = of_delegation AND delegation.agent_account_id = of_agent
        AND delegation.canonical::jsonb -> 'verbs' ? of_verb AND delegation.canonical::jsonb -> 'cloneIds' ? of_clone
        AND at_instant >= (delegation.canonical::jsonb ->> 'validFrom')::timestamptz
        AND at_instant < (delegation.canonical::jsonb ->> 'validUntil')::timestamptz
        AND NOT EXISTS (SELECT FROM delegation_end AS ended WHERE ended.delegation_id = delegation.id AND ended.ended_at <= at_instant))
  $function$
CREATE OR REPLACE FUNCTION public.delegation_end_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM delegation WHERE id = NEW.delegation_id AND NEW.ended_by IN (owner_account_id, agent_account_id)) THEN
      RAISE EXCEPTION 'a delegation is ended by its parties' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'delegation_end_fits';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.delegation_signature_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM delegation JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
      WHERE delegation.id = NEW.delegation_id AND signed.document_type = 'delegation' AND signed.digest = delegation.digest
        AND (NEW.account_id = delegation.owner_account_id
          OR (NEW.account_id = delegation.agent_account_id AND EXISTS (
            SELECT FROM delegation_signature AS offer
            WHERE offer.delegation_id = delegation.id AND offer.account_id = delegation.owner_account_id)))
        AND NOT EXISTS (SELECT FROM delegation_end WHERE delegation_id = delegation.id)) THEN
      RAISE EXCEPTION 'this is not a signature over it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'delegation_signature_fits';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.derivative_signature_holds()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM derivative_term t JOIN signed_document s ON s.id = NEW.signed_document_id AND s.canonical = t.canonical
        WHERE t.id = NEW.derivative_id AND s.document_type = 'derivative' AND s.account_id = NEW.signer
          AND NEW.signer IN (t.derivative_owner_id, t.original_owner_id)
    ) THEN
      RAISE EXCEPTION 'derivative term % was not signed by % with this document', NEW.derivative_id, NEW.signer
        USING ERRCODE = 'check_violation', CONSTRAINT = 'derivative_signature_holds', TABLE = 'derivative_signature';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.derivative_term_is_complete()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'signed' THEN
      RAISE EXCEPTION 'derivative term % is signed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'signed' AND (SELECT count(*) FROM derivative_signature WHERE derivative_id = NEW.id) <> 2 THEN
      RAISE EXCEPTION 'derivative term % lacks a signature', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'derivative_term_is_complete', TABLE = 'derivative_term';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.dispute_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF OLD.state <> 'open' THEN
          RAISE EXCEPTION 'dispute % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.enrolment_blocked(of_proof text, of_clones text[])
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT EXISTS (SELECT FROM enrolment_hold WHERE (proof_id = of_proof OR clone_id = ANY (of_clones))
      AND (state = 'upheld' OR (state = 'open' AND effect = 'holds')));
  $function$
CREATE OR REPLACE FUNCTION public.enrolment_hold_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'open' THEN
        RAISE EXCEPTION 'a hold begins open' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_begins_open';
      END IF;
      RETURN NEW;
    END IF;
    IF NEW.contest IS DISTINCT FROM coalesce(OLD.contest, NEW.contest) THEN
      RAISE EXCEPTION 'what was said against a hold stays' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'enrolment_hold_contest_stays';
    END IF;
    IF NEW.state = OLD.state THEN RETURN NEW; END IF;
    IF OLD.state <> 'open' THEN
      RAISE EXCEPTION 'a hold is decided once' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_decided_once';
    END IF;
    IF NEW.state = 'lapsed' THEN
      IF NOT EXISTS (SELECT FROM refusal WHERE id = NEW.refusal_id AND withdrawn_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a hold lapses with its refusal' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_lapses';
      END IF;
    ELSIF (SELECT count(*) FROM enrolment_hold_review WHERE hold_id = NEW.id
        AND verdict = CASE NEW.state WHEN 'cleared' THEN 'clear' ELSE 'uphold' END
        AND reviewer_id NOT IN (NEW.enroller_id, NEW.registrant_id)) < 2 THEN
      RAISE EXCEPTION 'two reviewers decide on a held enrolment' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_needs_two';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.enrolment_hold_review_not_of_party()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (SELECT FROM enrolment_hold WHERE id = NEW.hold_id AND NEW.reviewer_id IN (enroller_id, registrant_id)) THEN
      RAISE EXCEPTION 'a party does not review its own case' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_review_not_of_party';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.estate_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM death_case JOIN succession ON succession.id = death_case.succession_id
        JOIN succession_signature AS accepted ON accepted.succession_id = succession.id AND accepted.account_id = NEW.holder_account_id
      WHERE death_case.id = NEW.case_id AND death_case.owner_account_id = NEW.owner_account_id AND death_case.state = 'settled'
        AND death_case.waiting_until <= NEW.since AND NEW.sunset = (succession.canonical::jsonb ->> 'sunset')::timestamptz
        AND succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.holder_account_id))) THEN
      RAISE EXCEPTION 'this is nobody''s estate yet' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'estate_fits';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.fan_keeps(stop text, subscription text, tier text, version integer, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT EXISTS (
      SELECT FROM capability_stop AS s LEFT JOIN remains_answer AS a ON a.stop_id = s.stop_id AND a.subscription_id = $2
      WHERE s.stop_id = $1 AND (a.accepted OR (a.accepted IS NULL AND $5 < s.closes_at AND cardinality(remaining_capabilities($3, $4)) > 0)))
  $function$
CREATE OR REPLACE FUNCTION public.free_turn_held(clone text, account text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    offer tier_offer;
  BEGIN
    SELECT o.* INTO offer FROM tier_offer AS o JOIN tier AS t ON t.id = o.tier_id
      WHERE o.clone_id = clone AND o.kind = 'free' AND t.removed_at IS NULL ORDER BY o.version DESC LIMIT 1;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'clone % gives no free turns', clone USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO free_quota (clone_id, account_id, tier_id, offer_version, granted)
      VALUES (clone, account, offer.tier_id, offer.version, offer.outputs_per_period) ON CONFLICT DO NOTHING;
    UPDATE free_quota
       SET held = held + 1, tier_id = offer.tier_id, offer_version = offer.version,
           granted = CASE WHEN tier_id = offer.tier_id AND offer_version = offer.version THEN granted
                          ELSE free_turns_granted(granted, held + captured, offer.outputs_per_period) END
     WHERE clone_id = clone AND account_id = account;
  END $function$
CREATE OR REPLACE FUNCTION public.free_turns_granted(was integer, used integer, offered integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$ SELECT CASE WHEN offered IS NULL THEN NULL WHEN was IS NULL THEN used + offered ELSE greatest(was, offered) END $function$
CREATE OR REPLACE FUNCTION public.gate_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'open' OR NEW.epoch <> 1 THEN
        RAISE EXCEPTION 'a gate begins open, at epoch 1' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_begins_open';
      END IF;
      RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(OLD.lock_key);
    IF (NEW.id, NEW.kind, NEW.clone_id, NEW.capability, NEW.grant_id, NEW.licence_id, NEW.recorded_at) IS DISTINCT FROM
       (OLD.id, OLD.kind, OLD.clone_id, OLD.capability, OLD.grant_id, OLD.licence_id, OLD.recorded_at) THEN
      RAISE EXCEPTION 'what a gate stands for never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_fixed';
    END IF;
    IF OLD.state = 'stopped' THEN
      RAISE EXCEPTION 'a stopped gate never changes again' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_stopped_is_final';
    END IF;
    IF NEW.epoch <> OLD.epoch + 1 THEN
      RAISE EXCEPTION 'every change raises the epoch by one' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_epoch_rises';
    END IF;
    IF NEW.state <> 'stopped' AND (NEW.state = 'paused') <> (cardinality(gate_holders(NEW.id)) > 0) THEN
      RAISE EXCEPTION 'a gate is paused while something holds it, and only then'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_paused_by_holds';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.gate_hold_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    key bigint;
    now_state text;
  BEGIN
    SELECT lock_key INTO key FROM gate WHERE id = NEW.gate_id;
    PERFORM pg_advisory_xact_lock(key);
    -- Statements of their own after the wait: they see what was committed while it lasted.
    SELECT state INTO now_state FROM gate WHERE id = NEW.gate_id;
    IF now_state = 'stopped' THEN
      RAISE EXCEPTION 'a stopped gate takes no hold' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_stopped_is_final';
    END IF;
    IF (NEW.holder = ANY (gate_holders(NEW.gate_id))) <> (NEW.fact = 'lifted') THEN
      RAISE EXCEPTION 'what is held is lifted, what is not held is placed'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_hold_alternates';
    END IF;
    NEW.position := coalesce((SELECT max(position) FROM gate_hold WHERE gate_id = NEW.gate_id), 0) + 1;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.gate_hold_moves_gate()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.fact = 'placed' THEN
      UPDATE gate SET state = 'paused', epoch = epoch + 1, reason = NEW.reason, changed_by = NEW.by_whom, changed_at = NEW.at
        WHERE id = NEW.gate_id AND state = 'open';
    ELSIF cardinality(gate_holders(NEW.gate_id)) = 0 THEN
      UPDATE gate SET state = 'open', epoch = epoch + 1, reason = NEW.reason, changed_by = NEW.by_whom, changed_at = NEW.at
        WHERE id = NEW.gate_id AND state = 'paused';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.gate_holders(of_gate text)
 RETURNS text[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce(array_agg(holder ORDER BY holder), '{}') FROM (
      SELECT DISTINCT ON (holder) holder, fact FROM gate_hold WHERE gate_id = of_gate ORDER BY holder, position DESC
    ) AS last WHERE fact = 'placed'
  $function$
CREATE OR REPLACE FUNCTION public.gate_remembered()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    INSERT INTO gate_change (gate_id, epoch, state, reason, changed_by, changed_at)
    VALUES (NEW.id, NEW.epoch, NEW.state, NEW.reason, NEW.changed_by, NEW.changed_at);
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.gate_stop_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    -- The lock of src/stop/store.ts: two stops never look for their number at once.
    PERFORM pg_advisory_xact_lock(6239);
    NEW.number := coalesce((SELECT max(number) FROM gate_stop), 0) + 1;
    IF NOT EXISTS (
      SELECT FROM gate WHERE id = NEW.gate_id AND kind = NEW.scope AND clone_id IS NOT DISTINCT FROM NEW.clone_id AND epoch = NEW.epoch
        AND state = CASE NEW.kind WHEN 'pause' THEN 'paused' ELSE 'stopped' END) THEN
      RAISE EXCEPTION 'a stop shuts its gate first' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_stop_shuts';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.gate_stop_opens()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    INSERT INTO gate_stop_open (stop_id) VALUES (NEW.id);
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.gate_tells()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        PERFORM pg_notify('benren_stop', json_build_object('gateId', NEW.id, 'epoch', NEW.epoch::text)::text);
        RETURN NULL;
      END $function$
CREATE OR REPLACE FUNCTION public.gateway_lease_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.state <> 'serving' OR (NEW.id, NEW.process, NEW.recorded_at) IS DISTINCT FROM (OLD.id, OLD.process, OLD.recorded_at) THEN
      RAISE EXCEPTION 'a gateway that has left never comes back under its name'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gateway_lease_final';
    END IF;
    IF NEW.state = 'serving' AND NEW.renewals <> OLD.renewals + 1 THEN
      RAISE EXCEPTION 'a renewal is one more' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gateway_lease_counts';
    END IF;
    IF NEW.state = 'expired' AND clock_timestamp() - OLD.renewed_at < interval '1020 milliseconds' THEN
      RAISE EXCEPTION 'this lease may still run' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gateway_lease_runs';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.goodwill_leg_bounded()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF (SELECT sum(coalesce(share_minor, amount_minor)) FROM goodwill_leg WHERE pot_id = NEW.pot_id AND leg = NEW.leg)
       > (SELECT coalesce(share_minor, amount_minor) FROM royalty_pot_leg WHERE pot_id = NEW.pot_id AND leg = NEW.leg) THEN
      RAISE EXCEPTION 'leg % of pot % would return more than it received', NEW.leg, NEW.pot_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'goodwill_leg_bounded', TABLE = 'goodwill_leg';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.goodwill_refund_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.state <> 'pending' THEN
      RAISE EXCEPTION 'refund % is already %', OLD.refund_id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.hold_is_for(hold text, output text, clone text, account text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
          SELECT EXISTS (
            SELECT FROM quota_hold AS h LEFT JOIN subscription_period AS p ON p.id = h.period_id
            WHERE h.id = hold AND h.output_id = output AND h.clone_id = clone AND coalesce(p.account_id, h.free_account_id) = account)
          OR EXISTS (
            SELECT FROM coin_spend AS s
            WHERE s.id = hold AND s.output_id = output AND s.clone_id = clone AND s.account_id = account AND s.state = 'held')
        $function$
CREATE OR REPLACE FUNCTION public.invitation_only_first_is_uninvited()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.invited_by IS NULL AND EXISTS (SELECT FROM account_role WHERE role = 'operator') THEN
      RAISE EXCEPTION 'there is an operator: invitations come from them' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_adjusted_is_approved()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    asked ledger_adjustment;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'adjusting entries are booked in READ COMMITTED only: a kept snapshot would not see what was done before the lock was had'
        USING ERRCODE = 'invalid_transaction_state';
    END IF;
    SELECT * INTO asked FROM ledger_adjustment WHERE 'adjustment:' || id = NEW.key;
    PERFORM pg_advisory_xact_lock(hashtextextended(asked.id, 6237011));
    IF asked.id IS NULL OR asked.effective_date <> NEW.effective_date
       OR NOT EXISTS (SELECT FROM ledger_adjustment_decision d WHERE d.adjustment_id = asked.id AND d.verdict = 'approved' AND d.decided_by <> asked.proposed_by)
       OR EXISTS (SELECT FROM ledger_adjustment_withdrawal w WHERE w.adjustment_id = asked.id)
       OR EXISTS (
         SELECT FROM (SELECT ordinality AS leg, l ->> 'account' AS code, (l ->> 'amountMinor')::bigint AS amount_minor
                      FROM jsonb_array_elements(asked.legs) WITH ORDINALITY AS a (l, ordinality)) wanted
           FULL JOIN (SELECT e.leg, a.code, e.amount_minor FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
                      WHERE e.transfer_seq = NEW.seq) booked USING (leg, code, amount_minor)
         WHERE wanted.leg IS NULL OR booked.leg IS NULL) THEN
      RAISE EXCEPTION 'an adjusting entry is booked as it was proposed and as another person approved it'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_adjusted_is_approved', TABLE = 'ledger_transfer';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_adjustment_four_eyes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.verdict = 'approved' AND NEW.decided_by = (SELECT proposed_by FROM ledger_adjustment WHERE id = NEW.adjustment_id) THEN
      RAISE EXCEPTION 'nobody approves an adjusting entry that they proposed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_adjustment_four_eyes', TABLE = 'ledger_adjustment_decision';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_adjustment_not_booked()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'approvals are withdrawn in READ COMMITTED only: a kept snapshot would not see what was done before the lock was had'
        USING ERRCODE = 'invalid_transaction_state';
    END IF;
    -- Whoever books it holds the same lock until its end, so what is asked below is asked of what stands.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.adjustment_id, 6237011));
    IF NOT EXISTS (SELECT FROM ledger_adjustment_decision WHERE adjustment_id = NEW.adjustment_id AND verdict = 'approved')
       OR EXISTS (SELECT FROM ledger_transfer WHERE key = 'adjustment:' || NEW.adjustment_id) THEN
      RAISE EXCEPTION 'only an approval by which nothing was booked is withdrawn'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_adjustment_not_booked', TABLE = 'ledger_adjustment_withdrawal';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_all_written(written bigint, asked bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF written <> asked THEN
      RAISE EXCEPTION 'of % transfers the keys of % were free', asked, written
        USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_batch_written', TABLE = 'ledger_transfer';
    END IF;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_balance(account bigint, through bigint, until date)
 RETURNS numeric
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
  DECLARE
    top bigint := coalesce(through, 9223372036854775807);
    high bigint;
    base ledger_balance_snapshot;
    walk integer;
    places integer[] := '{}';
    total numeric := 0;
    tail numeric;
    above numeric;
  BEGIN
    IF until IS NULL THEN
      SELECT * INTO base FROM ledger_balance_snapshot
        WHERE account_id = account AND position <= top ORDER BY position DESC LIMIT 1;
      total := coalesce(base.balance_minor, 0);
    ELSE
      SELECT * INTO base FROM ledger_balance_snapshot
        WHERE account_id = account AND position <= top AND since = 0 ORDER BY position DESC LIMIT 1;
      walk := coalesce(base.place, 0);
      WHILE walk > 0 LOOP
        places := places || walk;
        walk := walk & (walk - 1);
      END LOOP;
      SELECT coalesce(sum(sums_minor[width_bucket(until, days)]), 0) INTO total
        FROM ledger_balance_day WHERE account_id = account AND place = ANY (places);
    END IF;
    IF base.position IS NULL THEN
      base.position := 0;
      base.settled_seq := 0;
      base.high_seq := 0;
    END IF;

    IF through IS NULL AND until IS NULL THEN
      -- No snapshot holds what has a seq above its highest: only the few between its two places need their position.
      SELECT sum(e.amount_minor) INTO above FROM ledger_entry e
        WHERE e.account_id = account AND e.transfer_seq > base.high_seq;
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq AND e.transfer_seq <= base.high_seq
          AND coalesce(p.position, top) > base.position;
    ELSIF through IS NULL THEN
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_transfer t ON t.seq = e.transfer_seq
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq
          AND coalesce(p.position, top) > base.position AND t.effective_date <= until;
    ELSE
      SELECT high_seq INTO high FROM ledger_roll_up WHERE position >= top ORDER BY position LIMIT 1;
      IF high IS NULL THEN
        SELECT least(top, max(position)), max(transfer_seq) INTO top, high FROM ledger_position;
      END IF;
      IF until IS NULL THEN
        SELECT sum(b.amount_minor) INTO tail FROM ledger_entries_between(account, base.settled_seq, high, base.position, top) b;
      ELSE
        SELECT sum(b.amount_minor) INTO tail FROM ledger_entries_between(account, base.settled_seq, high, base.position, top) b
          JOIN ledger_transfer t ON t.seq = b.transfer_seq WHERE t.effective_date <= until;
      END IF;
    END IF;
    RETURN total + coalesce(above, 0) + coalesce(tail, 0);
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_by_hand_is_approved()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.kind = 'billing.refund_paid_otherwise' THEN
      IF EXISTS (SELECT FROM refund_paid_otherwise WHERE transfer_id = NEW.id) THEN
        RETURN NULL;
      END IF;
    ELSIF EXISTS (
      SELECT FROM ledger_import i JOIN ledger_import_posting p ON p.import_id = i.id AND p.posted_by <> i.checked_by
        CROSS JOIN LATERAL jsonb_array_elements(i.transfers) item
      WHERE i.transfers @> jsonb_build_array(jsonb_build_object('key', substr(NEW.key, 9)))
        AND 'opening:' || (item ->> 'key') = NEW.key AND (item ->> 'effectiveDate')::date = NEW.effective_date
        AND NOT EXISTS (
          SELECT FROM (SELECT ordinality AS leg, l ->> 'account' AS code, (l ->> 'amountMinor')::bigint AS amount_minor
                       FROM jsonb_array_elements(item -> 'legs') WITH ORDINALITY AS a (l, ordinality)) wanted
            FULL JOIN (SELECT e.leg, a.code, e.amount_minor FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
                       WHERE e.transfer_seq = NEW.seq) booked USING (leg, code, amount_minor)
          WHERE wanted.leg IS NULL OR booked.leg IS NULL)) THEN
      RETURN NULL;
    END IF;
    RAISE EXCEPTION 'a % is booked as one person brought it in and another approved it', NEW.kind
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_by_hand_is_approved', TABLE = 'ledger_transfer';
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_captures_bounded(transfers bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    wrong record;
  BEGIN
    SELECT t.id INTO wrong FROM ledger_transfer t
      WHERE t.seq = ANY (transfers) AND t.captures IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM ledger_hold_resolution r WHERE r.hold_seq = t.captures AND r.transfer_seq = t.seq)
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'transfer % captures a hold that it does not end', wrong.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolves', TABLE = 'ledger_transfer';
    END IF;
    SELECT both_ways.seq INTO wrong
      FROM (SELECT t.seq, e.account_id, e.amount_minor AS captured, 0 AS held
              FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq
              WHERE t.seq = ANY (transfers) AND t.captures IS NOT NULL
            UNION ALL
            SELECT t.seq, l.account_id, 0, l.amount_minor
              FROM ledger_transfer t JOIN ledger_hold_leg l ON l.hold_seq = t.captures
              WHERE t.seq = ANY (transfers)) both_ways
      GROUP BY both_ways.seq, both_ways.account_id
      HAVING sum(captured) * sign(sum(held)) < 0 OR abs(sum(captured)) > abs(sum(held))
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'transfer % captures more than its hold', wrong.seq
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_capture_bounded', TABLE = 'ledger_transfer';
    END IF;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_close_follows()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    last ledger_close;
  BEGIN
    SELECT * INTO last FROM ledger_close ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.through_day <= last.through_day
       OR NEW.position <> (SELECT coalesce(max(position), 0) FROM ledger_position) THEN
      RAISE EXCEPTION 'a close of days before % does not follow the last one', NEW.through_day
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_close_follows', TABLE = 'ledger_close';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_close_through(day date, by_whom text, at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    last ledger_close;
    made ledger_close;
  BEGIN
    PERFORM pg_advisory_xact_lock(6237003);
    WHILE ledger_sequence(10000) > 0 LOOP
    END LOOP;
    SELECT * INTO last FROM ledger_close ORDER BY number DESC LIMIT 1;
    INSERT INTO ledger_close (number, through_day, position, closed_by, closed_at)
      VALUES (coalesce(last.number, 0) + 1, day, (SELECT coalesce(max(position), 0) FROM ledger_position), by_whom, at)
      RETURNING * INTO made;
    INSERT INTO ledger_close_total (number, currency, class, movement_minor, adjustments_minor, balance_minor)
      SELECT made.number, currency, class, sum(moved), sum(adjusted), sum(moved) + sum(before)
      FROM (SELECT e.currency, a.class, e.amount_minor AS moved,
                   CASE WHEN t.effective_date < last.through_day THEN e.amount_minor ELSE 0 END AS adjusted, 0 AS before
              FROM ledger_position p JOIN ledger_transfer t ON t.seq = p.transfer_seq
              JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq JOIN ledger_account a ON a.id = e.account_id
              WHERE p.position > coalesce(last.position, 0) AND p.position <= made.position
            UNION ALL
            SELECT currency, class, 0, 0, balance_minor FROM ledger_close_total WHERE number = last.number) parts
      GROUP BY currency, class;
    RETURN made.number;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_entries_between(account bigint, settled bigint, high bigint, after bigint, through bigint)
 RETURNS TABLE(transfer_seq bigint, amount_minor bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
  BEGIN
    -- OFFSET 0: the left side is read first, as it stands.
    IF high - settled > 2 * (through - after) THEN
      RETURN QUERY SELECT p.transfer_seq, e.amount_minor FROM ledger_position p
        CROSS JOIN LATERAL (SELECT own.amount_minor FROM ledger_entry own WHERE own.account_id = account AND own.transfer_seq = p.transfer_seq OFFSET 0) e
        WHERE p.position > after AND p.position <= through;
    ELSE
      RETURN QUERY SELECT e.transfer_seq, e.amount_minor FROM ledger_entry e
        CROSS JOIN LATERAL (SELECT own.position FROM ledger_position own WHERE own.transfer_seq = e.transfer_seq OFFSET 0) p
        WHERE e.account_id = account AND e.transfer_seq > settled AND e.transfer_seq <= high AND p.position > after AND p.position <= through;
    END IF;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_held(account bigint)
 RETURNS numeric
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce(sum(amount_minor), 0) FROM ledger_hold_claim WHERE account_id = account
  $function$
CREATE OR REPLACE FUNCTION public.ledger_hold_capture_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_entry WHERE transfer_seq = NEW.transfer_seq) THEN
      RAISE EXCEPTION 'the capture of a hold moved nothing'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolves', TABLE = 'ledger_hold_resolution';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_hold_legs_arrived()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    wrong record;
    watched record;
  BEGIN
    SELECT l.hold_seq AS seq INTO wrong
      FROM (SELECT hold_seq, count(*) AS legs, max(leg) AS last_leg FROM arrived GROUP BY hold_seq) l
      LEFT JOIN ledger_hold h ON h.seq = l.hold_seq
      WHERE h.seq IS NULL OR h.created_xid <> pg_current_xact_id() OR h.leg_count <> l.legs OR h.leg_count <> l.last_leg
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'hold % takes its legs once, all in one INSERT, in the transaction that created it', wrong.seq
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_hold_arrives_whole', TABLE = 'ledger_hold_leg';
    END IF;
    SELECT hold_seq AS seq, currency, sum(amount_minor) AS excess INTO wrong
      FROM arrived GROUP BY hold_seq, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'hold % is off by % % (minor units)', wrong.seq, wrong.excess, wrong.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_balances', TABLE = 'ledger_hold_leg';
    END IF;

    INSERT INTO ledger_hold_open (hold_seq, expires_at)
      SELECT seq, expires_at FROM ledger_hold WHERE seq IN (SELECT hold_seq FROM arrived);
    INSERT INTO ledger_hold_claim (account_id, hold_seq, amount_minor)
      SELECT d.account_id, d.hold_seq, abs(d.change)
      FROM (SELECT account_id, hold_seq, sum(amount_minor) AS change FROM arrived GROUP BY account_id, hold_seq) d
      JOIN ledger_account a ON a.id = d.account_id
      WHERE a.guarded AND CASE WHEN a.class IN ('asset', 'expense') THEN d.change < 0 ELSE d.change > 0 END;
    FOR watched IN
      SELECT a.id, a.code, a.floor_minor, CASE WHEN a.class IN ('asset', 'expense') THEN 1 ELSE -1 END AS side
        FROM ledger_account a
        WHERE a.id IN (SELECT c.account_id FROM ledger_hold_claim c WHERE c.hold_seq IN (SELECT hold_seq FROM arrived))
        ORDER BY a.id FOR NO KEY UPDATE OF a
    LOOP
      IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'guarded accounts are held against in READ COMMITTED only: a kept snapshot would not see the last debit'
          USING ERRCODE = 'invalid_transaction_state';
      END IF;
      IF ledger_balance(watched.id, NULL, NULL) * watched.side - ledger_held(watched.id) < watched.floor_minor THEN
        RAISE EXCEPTION 'account % has less to hold than that above its floor %', watched.code, watched.floor_minor
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_account_floor', TABLE = 'ledger_account';
      END IF;
    END LOOP;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_hold_resolved()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    wrong record;
  BEGIN
    SELECT h.id, r.outcome INTO wrong
      FROM resolved r JOIN ledger_hold h ON h.seq = r.hold_seq LEFT JOIN ledger_transfer t ON t.seq = r.transfer_seq
      WHERE CASE r.outcome
        WHEN 'captured' THEN t.seq IS NULL OR t.captures IS DISTINCT FROM r.hold_seq OR t.created_xid <> pg_current_xact_id()
          OR r.at >= h.expires_at
        WHEN 'expired' THEN h.expires_at IS NULL OR r.at < h.expires_at
        ELSE false END
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'hold % cannot be % like this', wrong.id, wrong.outcome
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolves', TABLE = 'ledger_hold_resolution';
    END IF;
    DELETE FROM ledger_hold_claim WHERE hold_seq IN (SELECT hold_seq FROM resolved);
    DELETE FROM ledger_hold_open WHERE hold_seq IN (SELECT hold_seq FROM resolved);
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_hold_stamped()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    NEW.created_xid := pg_current_xact_id();
    NEW.seq := nextval('ledger_hold_order');
    NEW.recorded_at := now();
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_hold_waits()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_TABLE_NAME = 'ledger_hold' THEN
      INSERT INTO ledger_hold_unsealed (hold_seq, fact) VALUES (NEW.seq, 'held');
    ELSE
      INSERT INTO ledger_hold_unsealed (hold_seq, fact) VALUES (NEW.hold_seq, 'ended');
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_import_four_eyes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.posted_by = (SELECT checked_by FROM ledger_import WHERE id = NEW.import_id) THEN
      RAISE EXCEPTION 'nobody posts opening balances that they checked'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_import_four_eyes', TABLE = 'ledger_import_posting';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_leaves(after bigint, through bigint, seqs bigint[], facts text[])
 RETURNS bytea
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce((SELECT string_agg(sha256('\x0054'::bytea || int8send(p.position) || ledger_micros(t.recorded_at) || t.content_hash || legs.accounts
                || convert_to(t.id, 'UTF8')), ''::bytea ORDER BY p.position)
              FROM ledger_position p JOIN ledger_transfer t ON t.seq = p.transfer_seq
              CROSS JOIN LATERAL (SELECT sha256(string_agg(a.content_hash, ''::bytea ORDER BY e.leg)) AS accounts
                FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE e.transfer_seq = t.seq) legs
              WHERE p.position > after AND p.position <= through), ''::bytea)
        || coalesce((SELECT string_agg(CASE f.fact
                WHEN 'held' THEN sha256('\x0048'::bytea || ledger_micros(h.recorded_at) || h.content_hash || legs.accounts || convert_to(h.id, 'UTF8'))
                ELSE sha256('\x0045'::bytea || ledger_micros(r.at) || ledger_micros(r.recorded_at)
                  || convert_to(h.id || E'\n' || r.outcome || E'\n' || coalesce((SELECT t.id FROM ledger_transfer t WHERE t.seq = r.transfer_seq), ''), 'UTF8'))
                END, ''::bytea ORDER BY f.place)
              FROM unnest(seqs, facts) WITH ORDINALITY AS f (seq, fact, place)
              JOIN ledger_hold h ON h.seq = f.seq LEFT JOIN ledger_hold_resolution r ON r.hold_seq = f.seq AND f.fact = 'ended'
              CROSS JOIN LATERAL (SELECT sha256(string_agg(a.content_hash, ''::bytea ORDER BY l.leg)) AS accounts
                FROM ledger_hold_leg l JOIN ledger_account a ON a.id = l.account_id WHERE l.hold_seq = h.seq) legs), ''::bytea)
  $function$
CREATE OR REPLACE FUNCTION public.ledger_legs_arrived()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
  DECLARE
    plain record;
    facts record;
    wrong record;
    watched bigint[];
  BEGIN
    -- Most that arrive are one transfer of a few legs that takes from no guarded account: one question, without a group. Of n legs each number from 1 to
    -- n stands once, since none stands twice.
    SELECT min(e.transfer_seq) AS seq, max(e.transfer_seq) AS last_seq, min(e.currency) AS currency, max(e.currency) AS last_currency,
           count(*) AS legs, min(t.leg_count) AS said, sum(e.amount_minor) AS total,
           bool_and(coalesce(e.leg BETWEEN 1 AND t.leg_count AND e.amount_minor <> 0 AND e.amount_minor < 281474976710656 AND e.amount_minor > -281474976710656
             AND a.currency = e.currency AND NOT a.guarded AND t.created_xid = pg_current_xact_id() AND t.reverses IS NULL AND t.captures IS NULL, false)) AS usual
      INTO plain
      FROM (SELECT * FROM arrived LIMIT 21) e LEFT JOIN ledger_account a ON a.id = e.account_id LEFT JOIN ledger_transfer t ON t.seq = e.transfer_seq;
    IF plain.usual AND plain.seq = plain.last_seq AND plain.currency = plain.last_currency AND plain.currency <> 'COIN' AND plain.total = 0
       AND plain.legs = plain.said AND plain.legs <= 20 THEN
      RETURN NULL;
    END IF;

    SELECT bool_or(l.bare) AS bare, bool_or(t.seq IS NULL OR t.created_xid <> pg_current_xact_id() OR t.leg_count <> l.legs OR t.leg_count <> l.last_leg OR l.first_leg <> 1) AS torn,
           bool_or(l.off) AS off, bool_or(l.strange) AS strange, bool_or(l.watched) AS watched,
           bool_or(l.broken) AS broken, bool_or(t.reverses IS NOT NULL) AS reversing, bool_or(t.captures IS NOT NULL) AS capturing
      INTO facts
      FROM (SELECT c.seq, bool_and(c.currency = 'COIN') AS bare, sum(c.legs) AS legs, min(c.first_leg) AS first_leg, max(c.last_leg) AS last_leg, bool_or(c.broken) AS broken, bool_or(c.total <> 0) AS off, bool_or(c.strange) AS strange,
                   bool_or(c.watched) AS watched
              FROM (SELECT e.transfer_seq AS seq, e.currency, count(*) AS legs, min(e.leg) AS first_leg, max(e.leg) AS last_leg, sum(e.amount_minor) AS total,
                           bool_or(e.amount_minor = 0 OR e.amount_minor = -9223372036854775808) AS broken,
                           bool_or(a.id IS NULL OR a.currency <> e.currency) AS strange,
                           bool_or(a.guarded OR e.amount_minor >= 281474976710656 OR e.amount_minor <= -281474976710656) AS watched
                      FROM arrived e LEFT JOIN ledger_account a ON a.id = e.account_id GROUP BY e.transfer_seq, e.currency) c
              GROUP BY c.seq) l
      LEFT JOIN ledger_transfer t ON t.seq = l.seq;

    IF facts.bare THEN
      RAISE EXCEPTION 'coins move only with their money'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_coins_have_twins', TABLE = 'ledger_entry';
    END IF;
    IF facts.broken THEN
      RAISE EXCEPTION 'new row for relation "ledger_entry" violates check constraint "ledger_entry_amount_minor_check"'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_amount_minor_check', TABLE = 'ledger_entry';
    END IF;
    IF facts.torn THEN
      RAISE EXCEPTION 'a transfer (from % on) takes its legs once, all in one INSERT, in the transaction that created it', (SELECT min(transfer_seq) FROM arrived)
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_entry_arrives_whole', TABLE = 'ledger_entry';
    END IF;
    IF facts.off THEN
      SELECT transfer_seq AS seq, currency, sum(amount_minor) AS excess INTO wrong
        FROM arrived GROUP BY transfer_seq, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
      RAISE EXCEPTION 'transfer % is off by % % (minor units)', wrong.seq, wrong.excess, wrong.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balances', TABLE = 'ledger_entry';
    END IF;
    IF facts.strange THEN
      SELECT e.account_id, e.currency INTO wrong FROM arrived e
        WHERE NOT EXISTS (SELECT 1 FROM ledger_account a WHERE a.id = e.account_id AND a.currency = e.currency) LIMIT 1;
      RAISE EXCEPTION 'there is no account % in %', wrong.account_id, wrong.currency
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entry_currency_of_account', TABLE = 'ledger_entry';
    END IF;

    IF facts.capturing THEN
      PERFORM ledger_captures_bounded((SELECT array_agg(DISTINCT transfer_seq) FROM arrived));
      -- Here, and not only when the resolution arrives: of one statement's triggers this may be the first.
      DELETE FROM ledger_hold_claim WHERE hold_seq IN (
        SELECT r.hold_seq FROM ledger_hold_resolution r WHERE r.transfer_seq IN (SELECT transfer_seq FROM arrived));
    END IF;

    IF facts.watched THEN
      -- Guarded accounts lock their row when a debit lessens them, never when money comes in; any account does for an
      -- amount so large (2^48) that a few of them could pass 64 bits. Balances are read in a statement of their own,
      -- after the locks, so it sees what the previous holders committed.
      SELECT array_agg(locked.id) INTO watched FROM (
        SELECT a.id FROM (SELECT account_id, sum(amount_minor) AS change, max(abs(amount_minor)) AS largest
                            FROM arrived GROUP BY account_id) d
          JOIN ledger_account a ON a.id = d.account_id
          WHERE d.largest >= 281474976710656
             OR (a.guarded AND CASE WHEN a.class IN ('asset', 'expense') THEN d.change < 0 ELSE d.change > 0 END)
          ORDER BY a.id
          FOR NO KEY UPDATE OF a) locked;
      IF watched IS NOT NULL THEN
        IF current_setting('transaction_isolation') <> 'read committed' THEN
          RAISE EXCEPTION 'guarded accounts are debited in READ COMMITTED only: a kept snapshot would not see the last debit'
            USING ERRCODE = 'invalid_transaction_state';
        END IF;
        SELECT now_at.code, now_at.natural_minor, now_at.floor_minor, now_at.below INTO wrong
          FROM (SELECT st.code, st.floor_minor, st.balance * st.side AS natural_minor, st.balance,
                       st.guarded AND st.balance * st.side - st.held < st.floor_minor AS below
                  FROM (SELECT a.id, a.code, a.guarded, a.floor_minor, CASE WHEN a.class IN ('asset', 'expense') THEN 1 ELSE -1 END AS side, 
    coalesce(s.balance_minor, 0)
      -- No snapshot holds what has a seq above its highest: only the few between its two places need their position.
      + coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e WHERE e.account_id = a.id AND e.transfer_seq > coalesce(s.high_seq, 0)), 0)
      + coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
          WHERE e.account_id = a.id AND e.transfer_seq > s.settled_seq AND e.transfer_seq <= s.high_seq
            AND (p.position IS NULL OR p.position > s.position)), 0) AS balance,
    coalesce((SELECT sum(c.amount_minor) FROM ledger_hold_claim c WHERE c.account_id = a.id), 0) AS held
                          FROM ledger_account a 
    LEFT JOIN LATERAL (SELECT position, balance_minor, settled_seq, high_seq FROM ledger_balance_snapshot
      WHERE account_id = a.id ORDER BY position DESC LIMIT 1) s ON true WHERE a.id = ANY (watched) OFFSET 0) st) now_at
          WHERE now_at.below OR abs(now_at.balance) > 9223372036854775807 LIMIT 1;
        IF FOUND AND wrong.below THEN
          RAISE EXCEPTION 'account % would stand at %, its floor is %', wrong.code, wrong.natural_minor, wrong.floor_minor
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_account_floor', TABLE = 'ledger_account';
        ELSIF FOUND THEN
          RAISE EXCEPTION 'account % would not fit in 64 bits', wrong.code
            USING ERRCODE = 'numeric_value_out_of_range', TABLE = 'ledger_account';
        END IF;
      END IF;
    END IF;

    IF facts.reversing THEN
      PERFORM ledger_reversals_bounded(array_agg(DISTINCT t.reverses))
        FROM ledger_transfer t WHERE t.reverses IS NOT NULL AND t.seq IN (SELECT transfer_seq FROM arrived);
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_lock_accounts(codes text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    PERFORM 1 FROM ledger_account WHERE code = ANY (codes) ORDER BY id FOR NO KEY UPDATE;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_lock_expired(at timestamp with time zone, most integer)
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    RETURN QUERY SELECT h.seq FROM ledger_hold_open o JOIN ledger_hold h ON h.seq = o.hold_seq
      WHERE o.expires_at <= at ORDER BY o.expires_at, o.hold_seq LIMIT most FOR NO KEY UPDATE OF h SKIP LOCKED;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_lock_hold(hold_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    PERFORM 1 FROM ledger_hold WHERE id = hold_id FOR NO KEY UPDATE;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_lock_transfer(transfer_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    PERFORM 1 FROM ledger_transfer WHERE id = transfer_id FOR NO KEY UPDATE;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_micros(at timestamp with time zone)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT int8send((extract(epoch FROM at) * 1000000)::bigint)
  $function$
CREATE OR REPLACE FUNCTION public.ledger_positions_gapless()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    first bigint;
    last bigint;
    given bigint;
  BEGIN
    SELECT min(position), max(position), count(*) INTO first, last, given FROM numbered;
    IF given > 0 AND (last - first + 1 <> given
        OR first - 1 <> coalesce((SELECT max(position) FROM ledger_position WHERE position < first), 0)) THEN
      RAISE EXCEPTION 'positions %..% leave a gap', first, last
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_position_gapless', TABLE = 'ledger_position';
    END IF;
    IF EXISTS (SELECT 1 FROM numbered n WHERE NOT EXISTS (SELECT 1 FROM ledger_transfer t WHERE t.seq = n.transfer_seq)) THEN
      RAISE EXCEPTION 'a position of a transfer that is not there'
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_position_transfer_seq_fkey', TABLE = 'ledger_position';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_reversals_bounded(originals bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    original record;
    wrong record;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'transfers are reversed in READ COMMITTED only: a kept snapshot would not see what was done before the lock was had'
        USING ERRCODE = 'invalid_transaction_state';
    END IF;
    FOR original IN
      SELECT seq, id, reverses FROM ledger_transfer WHERE seq = ANY (originals) ORDER BY seq FOR NO KEY UPDATE
    LOOP
      IF original.reverses IS NOT NULL THEN
        RAISE EXCEPTION 'transfer % is itself a reversal', original.id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversal_of_original', TABLE = 'ledger_transfer';
      END IF;
      SELECT account_id, sum(moved) AS moved, sum(undone) AS undone INTO wrong
        FROM (SELECT account_id, amount_minor AS moved, 0 AS undone FROM ledger_entry WHERE transfer_seq = original.seq
              UNION ALL
              SELECT e.account_id, 0, e.amount_minor FROM ledger_transfer t
                JOIN ledger_entry e ON e.transfer_seq = t.seq WHERE t.reverses = original.seq) both_ways
        GROUP BY account_id
        HAVING sum(undone) * sign(sum(moved)) > 0 OR abs(sum(undone)) > abs(sum(moved))
        LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'reversals of % would take % from an account it moved by %', original.id, wrong.undone, wrong.moved
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversal_bounded', TABLE = 'ledger_transfer';
      END IF;
    END LOOP;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_seal_follows()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    last ledger_seal;
    taken bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(6237004);
    SELECT * INTO last FROM ledger_seal ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.from_position <> coalesce(last.to_position, 0)
       OR NEW.leaves <> ledger_leaves(NEW.from_position, NEW.to_position, NEW.hold_seqs, NEW.hold_facts) THEN
      RAISE EXCEPTION 'seal % is not what the ledger says', NEW.number
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_seal_follows', TABLE = 'ledger_seal';
    END IF;
    DELETE FROM ledger_hold_unsealed u USING unnest(NEW.hold_seqs, NEW.hold_facts) AS f (seq, fact) WHERE u.hold_seq = f.seq AND u.fact = f.fact;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken <> cardinality(NEW.hold_seqs) THEN
      RAISE EXCEPTION 'seal % speaks of holds that are sealed already', NEW.number
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_seal_follows', TABLE = 'ledger_seal';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_sequence(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    base bigint;
    settled bigint;
    given bigint;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'positions are given in READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(6237003);
    SELECT coalesce(max(position), 0) INTO base FROM ledger_position;
    SELECT coalesce((SELECT settled_seq FROM ledger_roll_up ORDER BY position DESC LIMIT 1), 0) INTO settled;
    INSERT INTO ledger_position (position, transfer_seq)
      SELECT base + row_number() OVER (ORDER BY w.seq), w.seq
      FROM (SELECT t.seq FROM ledger_transfer t
              WHERE t.seq > settled
                AND NOT EXISTS (SELECT 1 FROM ledger_position p WHERE p.transfer_seq = t.seq)
                AND EXISTS (SELECT 1 FROM ledger_entry e WHERE e.transfer_seq = t.seq)
              ORDER BY t.seq LIMIT most) w;
    GET DIAGNOSTICS given = ROW_COUNT;
    RETURN given;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_snapshot_accounts(after bigint, edge bigint, settled bigint, high bigint, worth bigint, days_worth bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
  DECLARE
    fresh record;
  BEGIN
    FOR fresh IN
      WITH came AS MATERIALIZED (
        SELECT e.account_id, e.amount_minor, t.effective_date FROM ledger_position p
          JOIN ledger_transfer t ON t.seq = p.transfer_seq JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq
          WHERE p.position > after AND p.position <= edge
      ), touched AS (
        -- Most accounts are not ripe. Of those that few entries came to, one in eight is asked, another one each time.
        SELECT account_id, count(*) AS entries, sum(amount_minor) AS total FROM came
          GROUP BY account_id HAVING count(*) >= worth / 4 OR (account_id + (edge >> 7)) & 7 = 0
      ), ripe AS (
        SELECT t.account_id, t.entries, t.total, t.entries >= worth AS dense, coalesce(s.position, 0) AS position, coalesce(s.balance_minor, 0) AS balance_minor,
               coalesce(s.settled_seq, 0) AS settled_seq, coalesce(s.place, 0) AS place, coalesce(s.since, 0) AS since
          FROM touched t LEFT JOIN LATERAL (SELECT * FROM ledger_balance_snapshot
            WHERE account_id = t.account_id ORDER BY position DESC LIMIT 1) s ON true
          -- The others are counted without their positions, which is cheap and never too few.
          WHERE t.entries >= worth OR (coalesce(s.position, 0) < after
            AND worth <= (SELECT count(*) FROM (SELECT FROM ledger_entry e WHERE e.account_id = t.account_id
              AND e.transfer_seq > coalesce(s.settled_seq, 0) AND e.transfer_seq <= high LIMIT worth) few))
      ), added AS (
        SELECT r.*, r.entries AS more_entries, r.total AS more FROM ripe r WHERE r.position = after
        UNION ALL
        SELECT r.*, b.entries, b.total FROM ripe r CROSS JOIN LATERAL (SELECT count(*) AS entries, sum(e.amount_minor) AS total
            FROM ledger_entries_between(r.account_id, r.settled_seq, high, r.position, edge) e) b
          WHERE r.position <> after
      ), made AS (
        INSERT INTO ledger_balance_snapshot (account_id, position, balance_minor, settled_seq, high_seq, place, since)
          SELECT a.account_id, edge, a.balance_minor + a.more, settled, high,
                 a.place + CASE WHEN a.dense OR a.since + a.more_entries >= days_worth THEN 1 ELSE 0 END,
                 CASE WHEN a.dense OR a.since + a.more_entries >= days_worth THEN 0 ELSE a.since + a.more_entries END
          FROM added a
          -- A sum beyond 64 bits stays a tail, where the balance is numeric and the reader refuses it.
          WHERE a.more_entries >= worth AND abs(a.balance_minor + a.more) <= 9223372036854775807
          RETURNING account_id, place, since
      )
      SELECT m.account_id, m.place, d.days, d.totals
        FROM made m JOIN ripe r USING (account_id)
        LEFT JOIN LATERAL (SELECT array_agg(c.day) AS days, array_agg(c.total) AS totals
          FROM (SELECT effective_date AS day, sum(amount_minor) AS total FROM came WHERE came.account_id = m.account_id GROUP BY effective_date) c
        ) d ON r.position = after AND r.since = 0
        WHERE m.since = 0
    LOOP
      PERFORM ledger_sum_days(fresh.account_id, fresh.place, edge, high, fresh.days, fresh.totals);
    END LOOP;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_stand_still(codes text[], keys text[])
 RETURNS TABLE(code text, balance numeric, held numeric, key text, transfer_id text, content_hash bytea)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
  BEGIN
    PERFORM 1 FROM ledger_account a WHERE a.code = ANY (codes) ORDER BY a.id FOR NO KEY UPDATE;
    RETURN QUERY
      SELECT a.code, 
    coalesce(s.balance_minor, 0)
      -- No snapshot holds what has a seq above its highest: only the few between its two places need their position.
      + coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e WHERE e.account_id = a.id AND e.transfer_seq > coalesce(s.high_seq, 0)), 0)
      + coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
          WHERE e.account_id = a.id AND e.transfer_seq > s.settled_seq AND e.transfer_seq <= s.high_seq
            AND (p.position IS NULL OR p.position > s.position)), 0) AS balance,
    coalesce((SELECT sum(c.amount_minor) FROM ledger_hold_claim c WHERE c.account_id = a.id), 0) AS held, NULL::text, NULL::text, NULL::bytea
        FROM ledger_account a 
    LEFT JOIN LATERAL (SELECT position, balance_minor, settled_seq, high_seq FROM ledger_balance_snapshot
      WHERE account_id = a.id ORDER BY position DESC LIMIT 1) s ON true WHERE a.code = ANY (codes)
      UNION ALL
      SELECT NULL, NULL, NULL, t.key, t.id, t.content_hash FROM ledger_transfer t WHERE t.key = ANY (keys);
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_sum_days(account bigint, at_place integer, edge bigint, high bigint, fresh_days date[], fresh_totals numeric[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
  DECLARE
    before ledger_balance_snapshot;
    covered integer[] := '{}';
    walk integer := at_place - 1;
  BEGIN
    WHILE walk > (at_place & (at_place - 1)) LOOP
      covered := covered || walk;
      walk := walk & (walk - 1);
    END LOOP;
    IF fresh_days IS NULL THEN
      SELECT * INTO before FROM ledger_balance_snapshot
        WHERE account_id = account AND position < edge AND since = 0 ORDER BY position DESC LIMIT 1;
      SELECT array_agg(s.day), array_agg(s.total) INTO fresh_days, fresh_totals
        FROM (SELECT t.effective_date AS day, sum(b.amount_minor) AS total
                FROM ledger_entries_between(account, coalesce(before.settled_seq, 0), high, coalesce(before.position, 0), edge) b
                JOIN ledger_transfer t ON t.seq = b.transfer_seq GROUP BY t.effective_date) s;
    END IF;
    INSERT INTO ledger_balance_day (account_id, place, days, sums_minor)
      SELECT account, at_place, array_agg(s.day ORDER BY s.day), array_agg(s.total ORDER BY s.day)
      FROM (SELECT parts.day, sum(sum(parts.amount)) OVER (ORDER BY parts.day) AS total
              FROM (SELECT u.day, u.amount FROM unnest(fresh_days, fresh_totals) AS u (day, amount)
                    UNION ALL
                    SELECT u.day, u.total - coalesce(lag(u.total) OVER (PARTITION BY d.place ORDER BY u.day), 0)
                      FROM ledger_balance_day d CROSS JOIN LATERAL unnest(d.days, d.sums_minor) AS u (day, total)
                      WHERE d.account_id = account AND d.place = ANY (covered)) parts
              GROUP BY parts.day) s;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_take_roll_up(minimum bigint, stride bigint, worth bigint, days_worth bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
  DECLARE
    -- A number that this transaction took before it looked says nothing of who began between.
    late CONSTANT boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
    last ledger_roll_up;
    now_seen_seq bigint;
    now_seen_xid xid8;
    running xid8;
    settled bigint;
    top bigint;
    edge record;
    start bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(6237003);
    SELECT * INTO last FROM ledger_roll_up ORDER BY position DESC LIMIT 1;
    IF last.position IS NULL THEN
      last.position := 0;
      last.settled_seq := 0;
      last.high_seq := 0;
      last.seen_seq := 0;
      last.seen_xid := '0';
    END IF;
    -- The order matters. Seen: the highest seq that has ended. Then a number of our own: whoever gets a higher one takes its place in line after
    -- it, and so above all that was seen. Once every lower one has ended, what ended well is there to be seen; then all of that gets
    -- its position. Hence a transfer without one has a seq above "settled".
    SELECT coalesce(max(seq), 0) INTO now_seen_seq FROM ledger_transfer;
    now_seen_xid := pg_current_xact_id();
    IF late THEN
      now_seen_seq := last.seen_seq;
      now_seen_xid := last.seen_xid;
    END IF;
    WHILE ledger_sequence(10000) = 10000 LOOP
    END LOOP;
    SELECT coalesce(max(position), 0) INTO top FROM ledger_position;
    IF top - last.position < greatest(minimum, 1) THEN
      RETURN 0;
    END IF;
    -- Most that ran then have ended meanwhile. The others are waited for, shortly: the lower "settled", the more each reader of a tail must read.
    FOR tries IN 1..10 LOOP
      SELECT pg_snapshot_xmin(pg_current_snapshot()) INTO running;
      EXIT WHEN running >= now_seen_xid;
      PERFORM pg_sleep(0.002);
    END LOOP;
    settled := CASE WHEN running >= now_seen_xid THEN now_seen_seq
                    WHEN running >= last.seen_xid THEN last.seen_seq
                    ELSE last.settled_seq END;
    WHILE ledger_sequence(10000) = 10000 LOOP
    END LOOP;
    SELECT max(position) INTO top FROM ledger_position;

    INSERT INTO ledger_roll_up (position, settled_seq, high_seq, seen_seq, seen_xid)
      SELECT cut.position,
             least(settled, min(cut.low) OVER (ORDER BY cut.position ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) - 1),
             greatest(last.high_seq, max(cut.high) OVER (ORDER BY cut.position)),
             now_seen_seq, now_seen_xid
      FROM (SELECT max(p.position) AS position, min(p.transfer_seq) AS low, max(p.transfer_seq) AS high
              FROM ledger_position p WHERE p.position > last.position
              GROUP BY (p.position - last.position - 1) / stride) cut;

    start := last.position;
    FOR edge IN SELECT * FROM ledger_roll_up r WHERE r.position > last.position ORDER BY r.position LOOP
      PERFORM ledger_snapshot_accounts(start, edge.position, edge.settled_seq, edge.high_seq, worth, days_worth);
      start := edge.position;
    END LOOP;
    RETURN top - last.position;
  END $function$
CREATE OR REPLACE FUNCTION public.ledger_transfer_stamped()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    broken text;
  BEGIN
    -- What is NULL is refused by the column.
    IF NOT (NEW.effective_date BETWEEN '2000-01-01' AND '2199-12-31'
      AND NEW.leg_count BETWEEN 2 AND 1000
      AND octet_length(NEW.id) = 30 AND starts_with(NEW.id, 'trf_') AND ltrim(substr(NEW.id, 5), '0123456789abcdefghjkmnpqrstvwxyz') = ''
      AND length(NEW.key) BETWEEN 1 AND 255
      AND octet_length(NEW.kind) BETWEEN 1 AND 64 AND ltrim(left(NEW.kind, 1), 'abcdefghijklmnopqrstuvwxyz') = ''
      AND ltrim(NEW.kind, 'abcdefghijklmnopqrstuvwxyz0123456789_.') = ''
      AND octet_length(NEW.content_hash) = 32
      AND jsonb_typeof(NEW.metadata) = 'object' AND (NEW.reverses IS NULL OR NEW.captures IS NULL)) THEN
      broken := CASE WHEN NOT (NEW.effective_date BETWEEN '2000-01-01' AND '2199-12-31') THEN 'ledger_transfer_effective_date_check'
        WHEN NOT (NEW.leg_count BETWEEN 2 AND 1000) THEN 'ledger_transfer_leg_count_check'
        WHEN NOT (octet_length(NEW.id) = 30 AND starts_with(NEW.id, 'trf_') AND ltrim(substr(NEW.id, 5), '0123456789abcdefghjkmnpqrstvwxyz') = '') THEN 'ledger_transfer_id_check'
        WHEN NOT (length(NEW.key) BETWEEN 1 AND 255) THEN 'ledger_transfer_key_check'
        WHEN NOT (octet_length(NEW.kind) BETWEEN 1 AND 64 AND ltrim(left(NEW.kind, 1), 'abcdefghijklmnopqrstuvwxyz') = ''
      AND ltrim(NEW.kind, 'abcdefghijklmnopqrstuvwxyz0123456789_.') = '') THEN 'ledger_transfer_kind_check'
        WHEN NOT (octet_length(NEW.content_hash) = 32) THEN 'ledger_transfer_content_hash_check'
        WHEN NOT (jsonb_typeof(NEW.metadata) = 'object') THEN 'ledger_transfer_metadata_check'
        ELSE 'ledger_transfer_one_origin' END;
      RAISE EXCEPTION 'new row for relation "ledger_transfer" violates check constraint "%"', broken
        USING ERRCODE = 'check_violation', CONSTRAINT = broken, TABLE = 'ledger_transfer';
    END IF;
    -- The transaction's number first, then the place in line: so whoever holds a low place has a low number, which is
    -- what lets the roll-up say "nothing below this place can still appear".
    NEW.created_xid := pg_current_xact_id();
    NEW.seq := nextval('ledger_transfer_order');
    NEW.recorded_at := now();
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.licence_is_the_holders()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.owner_account_id IS DISTINCT FROM rights_holder(NEW.clone_id) THEN
      RAISE EXCEPTION 'this clone''s rights are not theirs' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'licence_is_the_holders';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.licence_signature_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM licence JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
      WHERE licence.id = NEW.licence_id AND signed.document_type = 'licence' AND signed.digest = licence.digest
        AND NOT EXISTS (SELECT FROM licence_end WHERE licence_id = licence.id)
        AND (NEW.account_id = licence.owner_account_id OR (NEW.account_id = licence.licensee_account_id AND EXISTS (
          SELECT FROM licence_signature AS offer WHERE offer.licence_id = licence.id AND offer.account_id = licence.owner_account_id)))) THEN
      RAISE EXCEPTION 'this is not a signature over it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'licence_signature_fits';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.lock_consent_volume(of_grant text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT pg_advisory_xact_lock(hashtextextended(of_grant, 6241));
  $function$
CREATE OR REPLACE FUNCTION public.lock_gate_alone(of_gate text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      DECLARE
        key bigint;
        usual text := current_setting('lock_timeout');
      BEGIN
        SELECT lock_key INTO key FROM gate WHERE id = of_gate;
        IF NOT FOUND THEN
          RETURN NULL;
        END IF;
        LOOP
          BEGIN
            PERFORM set_config('lock_timeout', '1s', true);
            PERFORM pg_advisory_xact_lock(key);
            PERFORM set_config('lock_timeout', usual, true);
            RETURN current_setting('transaction_isolation');
          EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_stat_clear_snapshot();
            -- Those that hold it, and those whom they wait for in their turn: who works is left alone.
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE usename = current_user AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
                AND clock_timestamp() - state_change >= interval '1 second'
                AND pid IN (
                  WITH RECURSIVE ahead (pid) AS (
                    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid
                    UNION SELECT unnest(pg_blocking_pids(ahead.pid)) FROM ahead)
                  SELECT pid FROM ahead);
          END;
        END LOOP;
      END $function$
CREATE OR REPLACE FUNCTION public.log_leaf_type_known()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF NOT EXISTS (SELECT FROM log_leaf_type WHERE name = NEW.type) THEN
          RAISE EXCEPTION 'the log has no leaves of type %', NEW.type
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'log_leaf_type_known';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.log_leaf_waits()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    INSERT INTO log_waiting (leaf_id) VALUES (NEW.id);
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.log_position_taken()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    DELETE FROM log_waiting WHERE leaf_id = NEW.leaf_id;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.notice_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    agreeing integer;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'filed' THEN
        RAISE EXCEPTION 'a notice begins filed' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_begins_filed';
      END IF;
      RETURN NEW;
    END IF;
    IF OLD.state = NEW.state THEN RETURN NEW; END IF;
    IF (OLD.state, NEW.state) NOT IN (
      ('filed', 'claimed'), ('claimed', 'filed'), ('claimed', 'dismissed'), ('claimed', 'held'), ('held', 'countered'), ('held', 'unanswered'),
      ('countered', 'case_pending'), ('countered', 'restored'), ('case_pending', 'restored'), ('case_pending', 'upheld'),
      ('unanswered', 'restored'), ('unanswered', 'upheld')
    ) THEN
      RAISE EXCEPTION 'a notice does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_moves';
    END IF;
    IF NEW.state = 'held' THEN
      SELECT count(*) INTO agreeing FROM notice_review
        WHERE notice_id = NEW.id AND stage = 'triage' AND verdict = 'verify' AND acts_on = NEW.acts_on;
      IF agreeing < (CASE NEW.acts_on WHEN 'clone' THEN 2 ELSE 1 END) THEN
        RAISE EXCEPTION 'a notice holds nothing before it was verified' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_reviewers';
      END IF;
    ELSIF NEW.state = 'countered' AND NOT EXISTS (SELECT FROM counter_notice WHERE notice_id = NEW.id) THEN
      RAISE EXCEPTION 'a counter-notice is signed' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_counter_notice';
    ELSIF NEW.state = 'case_pending' AND NOT EXISTS (SELECT FROM notice_pending_case WHERE notice_id = NEW.id) THEN
      RAISE EXCEPTION 'a pending case is shown' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_case';
    ELSIF NEW.state = 'upheld' AND (SELECT count(*) FROM notice_review
        WHERE notice_id = NEW.id AND stage = 'conclusion' AND verdict = 'uphold') < 2 THEN
      RAISE EXCEPTION 'two reviewers uphold a notice' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_two';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.notice_review_not_of_party()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (SELECT FROM notice WHERE id = NEW.notice_id AND complainant_id = NEW.reviewer_id) OR EXISTS (
      SELECT FROM clone WHERE owner_account_id = NEW.reviewer_id AND id IN (
        SELECT clone_id FROM notice WHERE id = NEW.notice_id
        UNION ALL SELECT NEW.target_id
        UNION ALL SELECT clone_id FROM output WHERE id = NEW.target_id)) THEN
      RAISE EXCEPTION 'a party does not review its own case' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_review_not_of_party';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.output_approval_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.verdict IS NOT NULL OR (NEW.output_id, NEW.clone_id, NEW.mode, NEW.undo_hours) IS DISTINCT FROM
       (OLD.output_id, OLD.clone_id, OLD.mode, OLD.undo_hours) THEN
      RAISE EXCEPTION 'an output is judged once' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_approval_once';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.output_gives_back()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (
      SELECT FROM any_hold AS hold WHERE hold.id = NEW.hold_id AND hold.state <> 'voided'
        AND NOT (NEW.state = 'cut' AND hold.state = 'captured' AND EXISTS (
          SELECT FROM release_segment AS segment WHERE segment.output_id = NEW.id AND segment.last AND segment.id = hold.release_id))) THEN
      RAISE EXCEPTION 'output % has ended and its hold has not', NEW.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_gives_back';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.output_moves()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state NOT IN ('queued', 'denied') OR NEW.file IS NOT NULL THEN
        RAISE EXCEPTION 'an output begins queued or denied' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_begins';
      END IF;
      IF NOT EXISTS (
        SELECT FROM decision, json_to_record(decision.receipt #> '{document,request}')
          AS asked (capability text, language text, audience text, purpose text, "text" text)
        WHERE decision.id = NEW.decision_id AND decision.clone_id = NEW.clone_id AND decision.requester = NEW.requester
          AND decision.allowed = (NEW.state <> 'denied')
          AND (decision.grant_id, decision.grant_digest) IS NOT DISTINCT FROM (NEW.grant_id, NEW.grant_digest)
          AND (asked.capability, asked.language, asked.audience, asked.purpose, asked."text")
            = (NEW.capability, NEW.language, NEW.audience, NEW.purpose, NEW.script)) THEN
        RAISE EXCEPTION 'output % is not what % decided', NEW.id, NEW.decision_id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_is_as_decided';
      END IF;
      IF NEW.hold_id IS NOT NULL AND NOT hold_is_for(NEW.hold_id, NEW.id, NEW.clone_id, NEW.requester) THEN
        RAISE EXCEPTION 'hold % is not for output %', NEW.hold_id, NEW.id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_its_hold';
      END IF;
      RETURN NEW;
    END IF;
    IF OLD.state IN ('released', 'cut', 'voided', 'failed', 'denied') THEN
      RAISE EXCEPTION 'output % has ended as %', OLD.id, OLD.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_ended';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
      ('queued', 'streaming'), ('streaming', 'signing'), ('streaming', 'cut'), ('streaming', 'voided'), ('streaming', 'failed'),
      ('rendering', 'cut'), ('signing', 'cut'),
      ('queued', 'rendering'), ('rendering', 'signing'), ('signing', 'rendering'), ('signing', 'released'),
      ('queued', 'voided'), ('rendering', 'voided'), ('signing', 'voided'),
      ('queued', 'failed'), ('rendering', 'failed'), ('signing', 'failed')) THEN
      RAISE EXCEPTION 'an output does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_moves';
    END IF;
    IF NEW.state = 'cut' AND NEW.delivery <> 'stream' THEN
      RAISE EXCEPTION 'only a stream is cut' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_moves';
    END IF;
    IF NEW.state = 'released' AND NOT EXISTS (SELECT FROM release WHERE output_id = NEW.id) THEN
      RAISE EXCEPTION 'an output is released by its release' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_needs_release';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.output_names_its_licence()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.licence_id IS DISTINCT FROM (SELECT receipt #>> '{document,state,licence,licenceId}' FROM decision WHERE id = NEW.decision_id)
      OR (NEW.licence_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM licence WHERE id = NEW.licence_id AND licensee_account_id = NEW.requester)) THEN
      RAISE EXCEPTION 'output % is not under the licence that was decided on', NEW.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_names_its_licence';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.output_streams()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    sent record;
  BEGIN
    IF (OLD.state, NEW.state) IN (('queued', 'rendering'), ('queued', 'signing')) THEN
      RAISE EXCEPTION 'a stream is listened to before its file is made' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_streams_first';
    END IF;
    SELECT count(*) AS segments, coalesce(bool_or(last), false) AS last INTO sent FROM release_segment WHERE output_id = NEW.id;
    IF (NEW.state = 'signing' AND NOT sent.last) OR (NEW.state = 'cut' AND sent.segments = 0)
      OR (NEW.state IN ('voided', 'failed') AND sent.segments > 0) THEN
      RAISE EXCEPTION 'a stream with % segments does not become %', sent.segments, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_streams';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.owed_refund_moves_on()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF NOT ((OLD.state = 'owed' AND NEW.state IN ('pending', 'paid_otherwise', 'taken_by_bank')) OR (OLD.state = 'pending' AND NEW.state IN ('succeeded', 'failed'))) THEN
          RAISE EXCEPTION 'what is owed under % is %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state = 'paid_otherwise' AND NOT EXISTS (SELECT FROM refund_paid_otherwise WHERE owed_id = NEW.id) THEN
          RAISE EXCEPTION 'nobody said how % was paid', NEW.id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state = 'taken_by_bank' AND NOT EXISTS (SELECT FROM dispute WHERE stripe_charge = NEW.stripe_charge) THEN
          RAISE EXCEPTION 'no bank asks for what is owed under %', NEW.id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.ownership_case_key_is_forgotten_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    RAISE EXCEPTION 'a case key is kept as it is or forgotten for ever'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_case_key_is_forgotten_once';
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_evidence_closes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (SELECT FROM ownership_proof WHERE id = NEW.proof_id AND state <> 'open') THEN
      RAISE EXCEPTION 'the evidence of a proof that was handed in stays as it is'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_evidence_closes';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_evidence_digest(of_proof text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT encode(sha256(convert_to(coalesce(string_agg(
      jsonb_build_array(id, kind, state, terms, finding, blob_digest, extract(epoch FROM passed_at), extract(epoch FROM valid_until))::text,
      E'\n' ORDER BY id), ''), 'UTF8')), 'hex')
    FROM ownership_evidence WHERE proof_id = of_proof AND state <> 'superseded'
  $function$
CREATE OR REPLACE FUNCTION public.ownership_lease_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    RAISE EXCEPTION 'a claim that ended has ended' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_lease_ends_once';
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_lease_stands()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    -- Whoever claims takes turns, so that two never hold one case.
    PERFORM FROM ownership_proof WHERE id = NEW.proof_id AND state = 'submitted' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'only a case that waits is claimed' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_lease_of_waiting';
    END IF;
    IF ownership_partial(NEW.proof_id, NEW.reviewer_id) THEN
      RAISE EXCEPTION 'nobody judges their own case, nor one that they vouched for'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_lease_impartial';
    END IF;
    IF EXISTS (SELECT FROM ownership_lease WHERE proof_id = NEW.proof_id AND expires_at > NEW.claimed_at
        AND (ended_at IS NULL OR ended_at > NEW.claimed_at)) THEN
      RAISE EXCEPTION 'the case is claimed already' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_lease_of_one';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_paper_view_by_holder()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (SELECT FROM ownership_lease AS lease JOIN ownership_evidence AS paper USING (proof_id)
        WHERE lease.id = NEW.lease_id AND lease.reviewer_id = NEW.viewer_id AND paper.id = NEW.evidence_id
          AND paper.kind IN ('document', 'representation') AND lease.claimed_at <= NEW.at
          AND NEW.at < coalesce(lease.ended_at, lease.expires_at)) THEN
      RAISE EXCEPTION 'papers are shown to who holds the case' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_paper_view_by_holder';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_partial(of_proof text, person text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT EXISTS (SELECT FROM ownership_proof WHERE id = of_proof AND account_id = person)
      OR EXISTS (SELECT FROM ownership_evidence
        WHERE proof_id = of_proof AND kind = 'vouching' AND terms ->> 'voucherAccountId' = person)
  $function$
CREATE OR REPLACE FUNCTION public.ownership_proof_blocked(of_proof text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT enrolment_blocked(of_proof, ARRAY(SELECT id FROM clone WHERE ownership_proof_id = of_proof));
  $function$
CREATE OR REPLACE FUNCTION public.ownership_proof_facts_stay()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    RAISE EXCEPTION 'what was handed in and appealed stays as it was'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_proof_facts_stay';
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_proof_moves()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF (OLD.state, NEW.state) NOT IN (
      ('open', 'submitted'), ('submitted', 'approved'), ('submitted', 'rejected'), ('rejected', 'submitted'), ('approved', 'expired'),
      ('approved', 'withdrawn')
    ) THEN
      RAISE EXCEPTION 'an ownership proof does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_moves';
    END IF;
    -- The evidence closes with the submission, by a digest of the database's own.
    IF OLD.state = 'open' THEN NEW.evidence_sha256 := ownership_evidence_digest(NEW.id); END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_proof_needs_two_reviewers()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    votes record;
  BEGIN
    SELECT count(DISTINCT reviewer_id) FILTER (WHERE verdict = 'approve') AS approving,
           count(DISTINCT reviewer_id) FILTER (WHERE verdict = 'reject') AS rejecting
      INTO votes FROM ownership_review
      WHERE proof_id = NEW.id AND round = NEW.round AND reviewer_id <> NEW.account_id AND evidence_sha256 = NEW.evidence_sha256;
    IF NEW.state = 'rejected' THEN
      IF votes.rejecting < NEW.round THEN
        RAISE EXCEPTION 'a proof is rejected by reviews and no other way'
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_needs_rejection';
      END IF;
      RETURN NEW;
    END IF;
    IF votes.approving < 2 OR (NEW.round = 1 AND votes.rejecting > 0) THEN
      RAISE EXCEPTION 'an ownership proof is approved by two different reviewers and no other way'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_needs_two_reviewers';
    END IF;
    IF ownership_evidence_digest(NEW.id) IS DISTINCT FROM NEW.evidence_sha256 THEN
      RAISE EXCEPTION 'the evidence is not the one that the reviewers saw'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_evidence_as_seen';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_proof_not_held()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF ownership_proof_blocked(NEW.id) THEN
      RAISE EXCEPTION 'this proof is held: it is near to a person who refuses' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_not_held';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_proof_times_stay()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    RAISE EXCEPTION 'the times of an ownership proof stay as they are'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_proof_times_stay';
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_review_not_of_self()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (SELECT FROM ownership_proof WHERE id = NEW.proof_id AND account_id = NEW.reviewer_id) THEN
      RAISE EXCEPTION 'nobody reviews their own ownership proof'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_not_of_self';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_review_stands()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    judged ownership_proof%ROWTYPE;
  BEGIN
    SELECT * INTO judged FROM ownership_proof WHERE id = NEW.proof_id;
    IF ownership_partial(NEW.proof_id, NEW.reviewer_id) THEN
      RAISE EXCEPTION 'nobody judges a case that they vouched for'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_impartial';
    END IF;
    IF NOT EXISTS (SELECT FROM ownership_lease WHERE proof_id = NEW.proof_id AND reviewer_id = NEW.reviewer_id
        AND claimed_at <= NEW.at AND NEW.at < expires_at AND (ended_at IS NULL OR ended_at >= NEW.at)) THEN
      RAISE EXCEPTION 'a case is judged by who claimed it' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_needs_claim';
    END IF;
    IF judged.state <> 'submitted' OR NEW.round <> judged.round THEN
      RAISE EXCEPTION 'a review belongs to the round that is open'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_of_round';
    END IF;
    -- What is judged is what was handed in, and what lies there now.
    IF NEW.evidence_sha256 IS DISTINCT FROM judged.evidence_sha256
       OR NEW.evidence_sha256 <> ownership_evidence_digest(NEW.proof_id) THEN
      RAISE EXCEPTION 'the evidence is not the one that was seen'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_saw_evidence';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_vouch_is_signed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (SELECT FROM signed_document AS signed
        JOIN ownership_proof AS own ON own.id = NEW.finding ->> 'voucherProofId' AND own.account_id = signed.account_id
        JOIN ownership_proof AS judged ON judged.id = NEW.proof_id AND judged.account_id <> signed.account_id
        WHERE signed.id = NEW.finding ->> 'signedDocumentId' AND signed.document_type = 'vouch'
          AND signed.account_id = NEW.terms ->> 'voucherAccountId' AND own.state = 'approved') THEN
      RAISE EXCEPTION 'a word is given by another, proven person, and signed' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_vouch_is_signed';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.ownership_vouched_by(of_proof text)
 RETURNS TABLE(account_id text)
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    WITH RECURSIVE chain (proof_id) AS (
      SELECT of_proof
      UNION
      SELECT word.finding ->> 'voucherProofId' FROM chain JOIN ownership_evidence AS word ON word.proof_id = chain.proof_id
        WHERE word.kind = 'vouching' AND word.state = 'passed'
    )
    SELECT DISTINCT proof.account_id FROM chain JOIN ownership_proof AS proof ON proof.id = chain.proof_id
  $function$
CREATE OR REPLACE FUNCTION public.payment_problem_moves_on()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.resolved_at IS NOT NULL OR NEW.attempts < OLD.attempts THEN
      RAISE EXCEPTION 'the payment of % does not go back', OLD.stripe_invoice USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.payout_moves_on()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF (OLD.state = 'returned' AND NEW.state <> 'returned') OR (OLD.state = 'paid' AND NEW.state = 'pending')
       OR NEW.reversed_minor < OLD.reversed_minor OR NEW.refusals NOT IN (OLD.refusals, OLD.refusals + 1) THEN
      RAISE EXCEPTION 'payout % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.payout_reminder_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      DECLARE
        last payout_reminder;
      BEGIN
        SELECT * INTO last FROM payout_reminder WHERE account_id = NEW.account_id ORDER BY number DESC LIMIT 1;
        IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.reminded_at < last.reminded_at + interval '30 days' THEN
          RAISE EXCEPTION '% was reminded already', NEW.account_id USING ERRCODE = 'check_violation', CONSTRAINT = 'payout_reminder_once', TABLE = 'payout_reminder';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.plan_change_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.state <> 'asked' THEN
      RAISE EXCEPTION 'plan change % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.platform_order_needs_two()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (SELECT FROM platform_order WHERE id = NEW.order_id AND ordered_by = NEW.confirmed_by) THEN
      RAISE EXCEPTION 'whoever ordered it does not confirm it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'platform_order_needs_two';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.platform_pause_ends_once()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.to_at IS NOT NULL THEN
      RAISE EXCEPTION 'this pause of the platform has ended' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.quota_hold_counts()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'held' THEN
        RAISE EXCEPTION 'a hold begins as held' USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.free_account_id IS NOT NULL THEN
        PERFORM free_turn_held(NEW.clone_id, NEW.free_account_id);
        RETURN NULL;
      END IF;
      UPDATE subscription_period SET held = held + 1 WHERE id = NEW.period_id AND ended_on IS NULL;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'period % was ended', NEW.period_id USING ERRCODE = 'restrict_violation';
      END IF;
    ELSE
      IF OLD.state <> 'held' OR NEW.state = 'held' THEN
        RAISE EXCEPTION 'hold % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
      END IF;
      UPDATE free_quota
         SET held = held - 1, captured = captured + CASE NEW.state WHEN 'captured' THEN 1 ELSE 0 END
       WHERE clone_id = NEW.clone_id AND account_id = NEW.free_account_id;
      UPDATE subscription_period
         SET held = held - 1, captured = captured + CASE NEW.state WHEN 'captured' THEN 1 ELSE 0 END
       WHERE id = NEW.period_id;
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.refund_counts()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'pending' THEN
        RAISE EXCEPTION 'a refund begins as pending' USING ERRCODE = 'restrict_violation';
      END IF;
      UPDATE subscription_period SET refunded_minor = refunded_minor + NEW.gross_minor WHERE id = NEW.period_id;
    ELSIF OLD.state <> 'pending' AND NEW.state <> OLD.state THEN
      RAISE EXCEPTION 'refund % has already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    ELSIF OLD.state = 'pending' AND NEW.state = 'failed' THEN
      UPDATE subscription_period SET refunded_minor = refunded_minor - NEW.gross_minor WHERE id = NEW.period_id;
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.refund_settlement_four_eyes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    proposed refund_settlement_proposal;
  BEGIN
    SELECT * INTO proposed FROM refund_settlement_proposal WHERE owed_id = NEW.owed_id ORDER BY number DESC LIMIT 1;
    IF proposed.owed_id IS NULL OR proposed.reference <> NEW.reference OR proposed.proposed_by = NEW.recorded_by THEN
      RAISE EXCEPTION 'that an owed refund was paid is confirmed by another person than who said so, with the same reference'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_settlement_four_eyes', TABLE = 'refund_paid_otherwise';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.refusal_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('refusal or clone of ' || NEW.account_id, 0));
      IF NOT EXISTS (SELECT FROM ownership_proof WHERE id = NEW.proof_id AND state = 'approved') THEN
        RAISE EXCEPTION 'a refusal needs an approved ownership proof' USING ERRCODE = 'check_violation', CONSTRAINT = 'refusal_needs_proof';
      END IF;
      IF EXISTS (SELECT FROM clone WHERE owner_account_id = NEW.account_id) THEN
        RAISE EXCEPTION 'who has a clone does not refuse all' USING ERRCODE = 'check_violation', CONSTRAINT = 'refusal_without_clone';
      END IF;
      IF NOT EXISTS (SELECT FROM signed_document WHERE id = NEW.signed_document_id AND document_type = 'refusal') THEN
        RAISE EXCEPTION 'this signature is over something else' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'refusal_signature_fits';
      END IF;
    ELSIF OLD.withdrawn_at IS NOT NULL OR NOT EXISTS (
      SELECT FROM signed_document WHERE id = NEW.withdrawal_document_id AND document_type = 'refusal_withdrawal'
        AND canonical::jsonb ->> 'refusalId' = NEW.id) THEN
      RAISE EXCEPTION 'a refusal is withdrawn once, by signature' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'refusal_withdrawn_by_signature';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        RAISE EXCEPTION '% on % is refused: its rows are never changed', TG_OP, TG_TABLE_NAME
          USING ERRCODE = 'restrict_violation';
      END $function$
CREATE OR REPLACE FUNCTION public.release_is_gated()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    made record;
    ends record;
  BEGIN
    SELECT output.clone_id, output.capability, output.grant_id, output.version_id, output.audience, output.expires_at,
        decision.allowed, decision.receipt
      INTO made FROM output JOIN decision ON decision.id = output.decision_id WHERE output.id = NEW.output_id;
    IF NOT FOUND OR NOT made.allowed THEN
      RAISE EXCEPTION 'nothing allowed %', NEW.output_id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_decided';
    END IF;
    SELECT array_agg(gate ->> 'gateId' ORDER BY place) AS ids, array_agg((gate ->> 'epoch')::bigint ORDER BY place) AS epochs
      INTO ends FROM json_array_elements(made.receipt #> '{document,state,gates}') WITH ORDINALITY AS seen (gate, place);
    NEW.gate_ids := ends.ids;
    NEW.epochs := ends.epochs;
    PERFORM assert_release_gates(made.clone_id, made.capability, made.grant_id, NEW.gate_ids, NEW.epochs);
    IF NEW.released_at >= made.expires_at THEN
      RAISE EXCEPTION 'the consent to % ended at %', NEW.output_id, made.expires_at
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_changed';
    END IF;
    -- Whoever takes proof, version or grant away holds a gate of this release exclusively: what is read here stays so.
    IF NOT EXISTS (
      SELECT FROM clone
        JOIN ownership_proof AS proof ON proof.id = clone.ownership_proof_id
        JOIN clone_version AS version ON version.clone_id = clone.id
        JOIN consent_grant AS consent ON consent.clone_id = clone.id
        JOIN LATERAL (
          SELECT draft.canonical::jsonb AS terms FROM consent_grant_signature AS signed
            JOIN consent_grant_draft AS draft USING (grant_id, digest)
            WHERE signed.grant_id = consent.id ORDER BY signed.version DESC LIMIT 1) AS present ON true
      WHERE clone.id = made.clone_id AND proof.state = 'approved' AND NEW.released_at < proof.expires_at
        AND version.id = made.version_id AND (version.state = 'approved' OR (version.state = 'draft' AND made.audience = 'owner'))
        AND consent.id = made.grant_id AND consent.state = 'signed'
        AND NEW.released_at >= (present.terms ->> 'validFrom')::timestamptz
        AND NEW.released_at < (present.terms ->> 'validUntil')::timestamptz) THEN
      RAISE EXCEPTION 'no proof, no version or no consent stands behind %', NEW.output_id
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_changed';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.release_is_licensed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    made record;
  BEGIN
    SELECT licence_id, grant_id, requester INTO made FROM output WHERE id = NEW.output_id;
    IF made.licence_id IS NULL THEN
      RETURN NEW;
    END IF;
    IF NOT EXISTS (
      SELECT FROM licence
        JOIN gate ON gate.licence_id = licence.id AND gate.kind = 'licence' AND gate.id = ANY (NEW.gate_ids)
        JOIN licence_signature AS counter ON counter.licence_id = licence.id AND counter.account_id = licence.licensee_account_id
        LEFT JOIN licence_notice AS notice ON notice.licence_id = licence.id
      WHERE licence.id = made.licence_id AND licence.grant_id = made.grant_id AND licence.licensee_account_id = made.requester
        AND NOT EXISTS (SELECT FROM licence_end WHERE licence_id = licence.id)
        AND (notice.ends_at IS NULL OR NEW.released_at < notice.ends_at)
        AND coalesce((SELECT contained FROM licence_containment WHERE licence_id = licence.id ORDER BY id DESC LIMIT 1), false)
        AND NEW.released_at >= (licence.canonical::jsonb #>> '{terms,validFrom}')::timestamptz
        AND NEW.released_at < (licence.canonical::jsonb #>> '{terms,validUntil}')::timestamptz) THEN
      RAISE EXCEPTION 'no licence stands behind %', NEW.output_id USING ERRCODE = 'BN001', CONSTRAINT = 'gate_changed';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.release_is_whole()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM output LEFT JOIN any_hold AS hold ON hold.id = output.hold_id
      WHERE output.id = NEW.output_id AND output.state = 'released'
        AND (output.hold_id IS NULL OR (hold.state = 'captured' AND hold.release_id = CASE output.delivery
          WHEN 'file' THEN NEW.id
          ELSE (SELECT id FROM release_segment AS segment WHERE segment.output_id = output.id AND segment.last) END))) THEN
      RAISE EXCEPTION 'release % is not whole', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_whole';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.release_is_within_terms()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    terms json;
    licensed json;
    under text;
  BEGIN
    SELECT decision.receipt #> '{document,state,grant,document}', decision.receipt #> '{document,state,licence,document,terms}', output.licence_id
      INTO terms, licensed, under FROM output JOIN decision ON decision.id = output.decision_id
      WHERE output.id = NEW.output_id AND output.audience <> 'owner';
    IF 'before' IN (terms #>> '{outputApproval,mode}', licensed #>> '{outputApproval,mode}') AND NOT EXISTS (
      SELECT FROM output_approval WHERE output_id = NEW.output_id AND verdict = 'approved') THEN
      RAISE EXCEPTION 'output % waits for its owner', NEW.output_id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_approved';
    END IF;
    IF coalesce(json_array_length(terms -> 'volumeCaps'), 0) + coalesce(json_array_length(licensed -> 'volumeCaps'), 0) > 0 AND NOT EXISTS (
      SELECT FROM consent_volume_use AS use WHERE use.subject_id = NEW.output_id AND use.state = 'taken'
        AND use.licence_id IS NOT DISTINCT FROM under) THEN
      RAISE EXCEPTION 'output % is not counted', NEW.output_id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_counted';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.release_segment_follows()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    before record;
  BEGIN
    PERFORM FROM output WHERE id = NEW.output_id AND state = 'streaming' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'output % is not streaming', NEW.output_id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_segment_streams';
    END IF;
    SELECT coalesce(max(sequence), 0) AS sequence, coalesce(bool_or(last), false) AS last INTO before
      FROM release_segment WHERE output_id = NEW.output_id;
    IF before.last OR NEW.sequence <> before.sequence + 1 THEN
      RAISE EXCEPTION 'segment % does not follow', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_segment_follows';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.release_segment_is_whole()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM output LEFT JOIN any_hold AS hold ON hold.id = output.hold_id
      WHERE output.id = NEW.output_id AND CASE
        WHEN output.licence_id IS NOT NULL THEN NOT NEW.last OR output.state <> 'streaming'
        WHEN NEW.last THEN output.state <> 'streaming' AND hold.state = 'captured' AND hold.release_id = NEW.id
        ELSE hold.state <> 'captured' OR hold.release_id = (SELECT id FROM release_segment WHERE output_id = NEW.output_id AND last) END) THEN
      RAISE EXCEPTION 'segment % is not whole', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_segment_is_whole';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.remaining_capabilities(of_tier text, of_version integer)
 RETURNS text[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce(array_agg(named ORDER BY named), '{}') FROM tier_offer AS o, unnest(o.capabilities) AS named
    WHERE o.tier_id = of_tier AND o.version = of_version
      AND NOT EXISTS (SELECT FROM capability_stop AS s WHERE s.clone_id = o.clone_id AND s.capability = named)
  $function$
CREATE OR REPLACE FUNCTION public.remains_answer_in_time()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (SELECT FROM capability_stop WHERE stop_id = NEW.stop_id AND NEW.answered_at < closes_at) THEN
      RAISE EXCEPTION 'the time to answer % is over', NEW.stop_id USING ERRCODE = 'check_violation', CONSTRAINT = 'remains_answer_in_time';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.rights_holder(of_clone text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce(estate.holder_account_id, clone.owner_account_id)
    FROM clone LEFT JOIN estate ON estate.owner_account_id = clone.owner_account_id WHERE clone.id = of_clone
  $function$
CREATE OR REPLACE FUNCTION public.royalty_reserve_changes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.left_minor <> NEW.amount_minor THEN
        RAISE EXCEPTION 'a reserve begins whole' USING ERRCODE = 'check_violation', CONSTRAINT = 'royalty_reserve_changes', TABLE = 'royalty_reserve';
      END IF;
      RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - 'left_minor') <> (to_jsonb(OLD) - 'left_minor')
       OR NEW.left_minor <> NEW.amount_minor - (SELECT coalesce(sum(amount_minor), 0) FROM royalty_reserve_use WHERE reserve_id = NEW.id) THEN
      RAISE EXCEPTION 'reserve % is what was held less what was used', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.royalty_reserve_used()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    UPDATE royalty_reserve SET left_minor = left_minor - NEW.amount_minor WHERE id = NEW.reserve_id;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.royalty_run_follows()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    last royalty_run;
  BEGIN
    SELECT * INTO last FROM royalty_run WHERE clone_id = NEW.clone_id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.from_position <> coalesce(last.to_position, 0) THEN
      RAISE EXCEPTION 'run % does not follow the last one of %', NEW.id, NEW.clone_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'royalty_run_follows', TABLE = 'royalty_run';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.signed_document_type_known()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF NOT EXISTS (SELECT FROM signed_document_type WHERE name = NEW.document_type) THEN
          RAISE EXCEPTION 'nobody signs documents of type %', NEW.document_type
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'signed_document_type_known';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.split_day_holds()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF TG_OP = 'UPDATE' AND (OLD.split_id IS NOT NULL OR NEW.clone_id <> OLD.clone_id OR NEW.day <> OLD.day) THEN
          RAISE EXCEPTION 'day % of % keeps its split', OLD.day, OLD.clone_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.split_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM split WHERE id = NEW.split_id AND clone_id = NEW.clone_id AND state = 'signed' AND effective_from <= NEW.day
        ) THEN
          RAISE EXCEPTION 'split % is not in force on %', NEW.split_id, NEW.day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'split_day_holds', TABLE = 'split_day';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.split_is_complete()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF TG_OP = 'INSERT' AND NEW.state = 'draft' THEN RETURN NEW; END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'signed' THEN
      RAISE EXCEPTION 'split % is signed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'signed' AND (
      (SELECT count(*) NOT BETWEEN 2 AND 20 OR sum(basis_points) <> 10000 OR NOT bool_or(payee = 'platform') FROM split_leg WHERE split_id = NEW.id)
      OR EXISTS (
        SELECT signer FROM (SELECT payee AS signer FROM split_leg WHERE split_id = NEW.id UNION SELECT NEW.owner_account_id) needed
          WHERE NOT EXISTS (SELECT FROM split_signature s WHERE s.split_id = NEW.id AND s.signer = needed.signer))
    ) THEN
      RAISE EXCEPTION 'split % lacks a share or a signature', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'split_is_complete', TABLE = 'split';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.split_signature_holds()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM split JOIN signed_document s ON s.id = NEW.signed_document_id AND s.canonical = split.canonical
        WHERE split.id = NEW.split_id AND s.document_type = 'split' AND (NEW.signer = 'platform' OR s.account_id = NEW.signer)
    ) THEN
      RAISE EXCEPTION 'split % was not signed by % with this document', NEW.split_id, NEW.signer
        USING ERRCODE = 'check_violation', CONSTRAINT = 'split_signature_holds', TABLE = 'split_signature';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.statement_adds_up()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    through bigint;
    added record;
  BEGIN
    SELECT to_position INTO through FROM statement_close WHERE number = NEW.close_number;
    SELECT coalesce(sum(amount_minor) FILTER (WHERE line_id !~ '^[dr]'), 0) AS balance,
           coalesce(sum(amount_minor) FILTER (WHERE line_id ^@ 'd'), 0) AS debt,
           coalesce(sum(amount_minor) FILTER (WHERE line_id ^@ 'r'), 0) AS reserve
      INTO added FROM statement_line WHERE statement_id = NEW.id;
    IF NEW.opening_minor + added.balance <> NEW.closing_minor OR NEW.debt_opening_minor + added.debt <> NEW.debt_closing_minor
       OR NEW.reserve_opening_minor + added.reserve <> NEW.reserve_closing_minor THEN
      RAISE EXCEPTION 'statement %: opening and lines are not closing', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_adds_up', TABLE = 'statement';
    END IF;
    IF NEW.closing_minor <> -statement_balance('payable:' || NEW.payee || ':' || NEW.currency, through)
       OR NEW.debt_closing_minor <> statement_balance('payee_debt:' || NEW.payee || ':' || NEW.currency, through)
       OR NEW.reserve_closing_minor <> -statement_balance('payee_reserve:' || NEW.payee || ':' || NEW.currency, through) THEN
      RAISE EXCEPTION 'statement % is not what the ledger says at position %', NEW.id, through
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_is_the_ledger', TABLE = 'statement';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.statement_balance(account_code text, through bigint)
 RETURNS numeric
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT coalesce((SELECT ledger_balance(a.id, through, NULL) FROM ledger_account a WHERE a.code = account_code), 0)
  $function$
CREATE OR REPLACE FUNCTION public.statement_close_follows()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    last statement_close;
  BEGIN
    SELECT * INTO last FROM statement_close ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.from_position <> coalesce(last.to_position, 0)
       OR NEW.from_day <> coalesce(last.through_day, NEW.from_day) THEN
      RAISE EXCEPTION 'close % does not follow the last one', NEW.number
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_close_follows', TABLE = 'statement_close';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.statement_follows()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  DECLARE
    last statement;
  BEGIN
    SELECT * INTO last FROM statement WHERE payee = NEW.payee AND currency = NEW.currency ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.opening_minor <> coalesce(last.closing_minor, 0)
       OR NEW.debt_opening_minor <> coalesce(last.debt_closing_minor, 0) OR NEW.reserve_opening_minor <> coalesce(last.reserve_closing_minor, 0) THEN
      RAISE EXCEPTION 'statement % does not follow the last one of %', NEW.id, NEW.payee
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_follows', TABLE = 'statement';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.stop_acknowledgement_closes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    DELETE FROM gate_stop_open WHERE stop_id = NEW.stop_id;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.stop_acknowledgement_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF EXISTS (
      SELECT FROM gateway_lease AS lease JOIN gate_stop AS stop ON stop.id = NEW.stop_id
      WHERE lease.state = 'serving' AND lease.recorded_at < stop.recorded_at AND clock_timestamp() - stop.recorded_at < interval '1020 milliseconds'
        AND NOT EXISTS (SELECT FROM gate_stop_confirmation WHERE stop_id = stop.id AND gateway_id = lease.id)) THEN
      RAISE EXCEPTION 'a gateway has neither confirmed nor run out' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_acknowledged_too_early';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.stop_order_holds()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF NOT EXISTS (
          SELECT FROM clone JOIN signed_document AS signed ON signed.account_id = rights_holder(clone.id)
            JOIN stop_quote AS quote ON quote.id = NEW.quote_id AND quote.clone_id = clone.id
          WHERE clone.id = NEW.clone_id AND NEW.ordered_by = rights_holder(clone.id)
            AND signed.id = NEW.signed_document_id AND signed.document_type = 'stop_order'
            AND signed.canonical::jsonb ->> 'cloneId' = clone.id
            AND signed.canonical::jsonb ->> 'quoteId' = quote.id AND signed.canonical::jsonb ->> 'quoteDigest' = quote.digest) THEN
          RAISE EXCEPTION 'a stop is signed by the clone''s owner'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_order_is_the_owners';
        END IF;
        IF NOT EXISTS (
          SELECT FROM gate_stop AS stop JOIN gate ON gate.id = stop.gate_id AND gate.state = 'stopped' AND gate.epoch = stop.epoch
            JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
          WHERE stop.id = NEW.id AND stop.kind = 'existence' AND stop.clone_id = NEW.clone_id AND stop.epoch = NEW.epoch
            AND coalesce(signed.canonical::jsonb ->> 'scope', 'clone') = stop.scope
            AND (signed.canonical::jsonb ->> 'target') IS NOT DISTINCT FROM coalesce(gate.capability, gate.grant_id, gate.licence_id)) THEN
          RAISE EXCEPTION 'a stop shuts the gate first'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_order_shuts_the_gate';
        END IF;
        RETURN NEW;
      END $function$
CREATE OR REPLACE FUNCTION public.subscription_period_credits()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    UPDATE subscription_period SET credited_minor = credited_minor + NEW.gross_minor
     WHERE id = NEW.credited_from AND subscription_id = NEW.subscription_id AND stripe_charge = NEW.stripe_charge
       AND stripe_invoice = NEW.stripe_invoice AND ended_on IS NOT NULL;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'period % has nothing to credit from', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
  END $function$
CREATE OR REPLACE FUNCTION public.subscription_period_moves_on()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NEW.recognised_days < OLD.recognised_days OR (OLD.ended_on IS NOT NULL AND NEW.ended_on IS DISTINCT FROM OLD.ended_on) THEN
      RAISE EXCEPTION 'period % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.subscription_stays_ended()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF OLD.state IN ('canceled', 'expired') AND NEW.state <> OLD.state THEN
      RAISE EXCEPTION 'subscription % has ended', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.succession_signature_fits()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM succession JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
      WHERE succession.id = NEW.succession_id AND signed.document_type = 'succession' AND signed.digest = succession.digest
        AND (NEW.account_id = succession.owner_account_id
          OR (succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.account_id))
            AND EXISTS (SELECT FROM succession_signature AS named
              WHERE named.succession_id = succession.id AND named.account_id = succession.owner_account_id)))) THEN
      RAISE EXCEPTION 'this is not a signature over it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'succession_signature_fits';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.tier_stays_removed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
  BEGIN
    IF (OLD.removed_at IS NOT NULL AND NEW.removed_at IS DISTINCT FROM OLD.removed_at)
       OR (OLD.stripe_product IS NOT NULL AND NEW.stripe_product IS DISTINCT FROM OLD.stripe_product) THEN
      RAISE EXCEPTION 'tier % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $function$
CREATE OR REPLACE FUNCTION public.wind_down_is_the_owners()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
      BEGIN
        IF NOT EXISTS (
          SELECT FROM signed_document AS signed
          WHERE signed.account_id = rights_holder(NEW.clone_id) AND NEW.ordered_by = signed.account_id
            AND signed.id = NEW.signed_document_id AND signed.document_type = 'stop_order'
            AND signed.canonical::jsonb ->> 'kind' = 'wind_down' AND signed.canonical::jsonb ->> 'cloneId' = NEW.clone_id
            AND (signed.canonical::jsonb ->> 'endsAt')::timestamptz = NEW.ends_at) THEN
          RAISE EXCEPTION 'a wind-down is signed by the clone''s owner'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'wind_down_is_the_owners';
        END IF;
        RETURN NEW;
      END $function$

-- Privileges of the service’s role

account: INSERT, SELECT
account_role: INSERT, SELECT
advance: INSERT, SELECT
advance_clone: INSERT, SELECT
advance_recoupment: INSERT, SELECT
advance_restoration: INSERT, SELECT
advance_signature: INSERT, SELECT
amendment_offer: INSERT, SELECT
amendment_withdrawal: INSERT, SELECT
any_hold: SELECT
bank_payout: INSERT, SELECT
bank_take_back: INSERT, SELECT
bank_take_back_try: INSERT, SELECT
billing_customer: INSERT, SELECT
billing_grace: DELETE, INSERT, SELECT
billing_sales_end: INSERT, SELECT
billing_stop: INSERT, SELECT
capability_pause: SELECT
capability_stop: INSERT, SELECT
challenge: DELETE, INSERT, SELECT
clone: INSERT, SELECT
clone_material: INSERT, SELECT
clone_pause: INSERT, SELECT
clone_version: INSERT, SELECT
coin_loss: SELECT
coin_lot: SELECT
coin_purchase: SELECT
coin_restore: SELECT
coin_return: SELECT
coin_spend: SELECT
coin_spend_part: SELECT
consent_contract: INSERT, SELECT
consent_grant: INSERT, SELECT
consent_grant_draft: INSERT, SELECT
consent_grant_revocation: INSERT, SELECT
consent_grant_signature: INSERT, SELECT
consent_volume_use: INSERT, SELECT
counter_notice: INSERT, SELECT
credential: INSERT, SELECT
currency: SELECT
currency_carried: INSERT, SELECT
currency_conversion: INSERT, SELECT
database_confirmation: INSERT, SELECT
database_distrust: INSERT, SELECT
database_timeline: INSERT, SELECT
death_case: INSERT, SELECT
death_dissent: INSERT, SELECT
death_end: INSERT, SELECT
death_paper: INSERT, SELECT
death_paper_destruction: INSERT, SELECT
death_paper_key: DELETE, INSERT, SELECT
death_paper_view: INSERT, SELECT
death_review: INSERT, SELECT
decision: INSERT, SELECT
delegated_act: INSERT, SELECT
delegation: INSERT, SELECT
delegation_end: INSERT, SELECT
delegation_signature: INSERT, SELECT
derivative_signature: INSERT, SELECT
derivative_term: INSERT, SELECT
dispute: SELECT
enrolment_hold: INSERT, SELECT
enrolment_hold_review: INSERT, SELECT
estate: INSERT, SELECT
free_quota: SELECT
gate: INSERT, SELECT
gate_change: SELECT
gate_hold: INSERT, SELECT
gate_stop: INSERT, SELECT
gate_stop_confirmation: INSERT, SELECT
gate_stop_open: SELECT
gateway_lease: INSERT, SELECT
goodwill_day: INSERT, SELECT
goodwill_leg: INSERT, SELECT
goodwill_payee: INSERT, SELECT
goodwill_pot: INSERT, SELECT
goodwill_refund: INSERT, SELECT
idempotency: INSERT, SELECT
invitation: INSERT, SELECT
job: INSERT, SELECT, UPDATE
ledger_account: INSERT, SELECT
ledger_adjustment: INSERT, SELECT
ledger_adjustment_decision: INSERT, SELECT
ledger_adjustment_withdrawal: INSERT, SELECT
ledger_balance_day: SELECT
ledger_balance_snapshot: SELECT
ledger_close: SELECT
ledger_close_total: SELECT
ledger_entry: INSERT, SELECT
ledger_hold: INSERT, SELECT
ledger_hold_claim: SELECT
ledger_hold_leg: INSERT, SELECT
ledger_hold_open: SELECT
ledger_hold_resolution: INSERT, SELECT
ledger_hold_unsealed: SELECT
ledger_import: INSERT, SELECT
ledger_import_posting: INSERT, SELECT
ledger_position: SELECT
ledger_roll_up: SELECT
ledger_seal: INSERT, SELECT
ledger_transfer: INSERT, SELECT
licence: INSERT, SELECT
licence_containment: INSERT, SELECT
licence_end: INSERT, SELECT
licence_notice: INSERT, SELECT
licence_signature: INSERT, SELECT
log_checkpoint: INSERT, SELECT
log_leaf: INSERT, SELECT
log_leaf_type: SELECT
log_node: INSERT, SELECT
log_position: INSERT, SELECT
log_waiting: SELECT
media_read: INSERT, SELECT
notice: INSERT, SELECT
notice_outcome: INSERT, SELECT
notice_pending_case: INSERT, SELECT
notice_review: INSERT, SELECT
output: INSERT, SELECT
output_approval: INSERT, SELECT
output_hold: INSERT, SELECT
output_price: SELECT
owed_refund: SELECT
ownership_case_key: INSERT, SELECT
ownership_decision: INSERT, SELECT
ownership_destruction: INSERT, SELECT
ownership_evidence: INSERT, SELECT
ownership_lease: INSERT, SELECT
ownership_look: INSERT, SELECT
ownership_paper_view: INSERT, SELECT
ownership_proof: INSERT, SELECT
ownership_review: INSERT, SELECT
ownership_sealed: INSERT, SELECT
payment_problem: SELECT
payout: INSERT, SELECT
payout_account: INSERT, SELECT
payout_reminder: INSERT, SELECT
payout_setting: INSERT, SELECT
plan_change: SELECT
platform_order: INSERT, SELECT
platform_order_confirmation: INSERT, SELECT
platform_pause: SELECT
quota_hold: INSERT, SELECT
reconciliation: INSERT, SELECT
refund: SELECT
refund_paid_otherwise: INSERT, SELECT
refund_settlement_proposal: INSERT, SELECT
refusal: INSERT, SELECT
refusal_key: INSERT, SELECT
registration_request: INSERT, SELECT
release: INSERT, SELECT
release_segment: INSERT, SELECT
remains_answer: INSERT, SELECT
royalty_pot: INSERT, SELECT
royalty_pot_leg: INSERT, SELECT
royalty_reserve: INSERT, SELECT
royalty_reserve_use: INSERT, SELECT
royalty_run: INSERT, SELECT
royalty_run_entry: INSERT, SELECT
session: INSERT, SELECT
signed_document: INSERT, SELECT
signed_document_type: SELECT
signing_request: INSERT, SELECT
split: INSERT, SELECT
split_day: INSERT, SELECT
split_leg: INSERT, SELECT
split_signature: INSERT, SELECT
statement: INSERT, SELECT
statement_close: INSERT, SELECT
statement_line: INSERT, SELECT
statement_paper: INSERT, SELECT
stop_acknowledgement: INSERT, SELECT
stop_order: INSERT, SELECT
stop_quote: INSERT, SELECT
stripe_event: INSERT, SELECT
stripe_event_applied: INSERT, SELECT
subscription: SELECT
subscription_period: SELECT
succession: INSERT, SELECT
succession_signature: INSERT, SELECT
tax_profile: INSERT, SELECT
tier: INSERT, SELECT
tier_offer: INSERT, SELECT
tier_offer_price: INSERT, SELECT
undivided_return: INSERT, SELECT
wind_down: INSERT, SELECT

-- Privileges on single columns

account: UPDATE (country, display_name, locale)
advance: UPDATE (ended_on, leaf_id, payout_id, record, signed_at, state, written_off_minor)
bank_payout: UPDATE (failure, seen_at, taken_at)
bank_take_back_try: UPDATE (done_at, refusals)
capability_pause: INSERT (capability, clone_id, from_at)
capability_pause: UPDATE (to_at)
challenge: UPDATE (used_at)
clone: UPDATE (ownership_proof_id)
clone_pause: UPDATE (to_at)
clone_version: UPDATE (approved_at, leaf_id, signed_document_id, state, suspended_at, withdrawn_at)
coin_loss: INSERT (coins_lost, dispute_id, lot_id, spend_id)
coin_lot: INSERT (account_id, billing_country, bought_at, coins, currency, fee_minor, id, net_minor, purchase_id, settled_currency, settled_net_minor, stripe_charge, tax_minor)
coin_lot: UPDATE (state)
coin_purchase: INSERT (account_id, coins, created_at, currency, id, pack, price_minor)
coin_purchase: UPDATE (checkout_url, state, stripe_session)
coin_restore: INSERT (coins_given, lot_id, refund_id, spend_id, transfer_id)
coin_return: INSERT (account_id, gross_minor, id, lot_id, requested_at, spend_id, stripe_charge)
coin_return: UPDATE (failure, settled_at, settled_currency, settled_minor, state, stripe_refund)
coin_spend: INSERT (account_id, clone_id, coins, fee_minor, held_at, held_transfer, id, net_minor, output_id, purpose, tax_minor, tier_id)
coin_spend: UPDATE (captured_for, settled_at, settled_transfer, state, void_reason)
coin_spend_part: INSERT (coins, fee_minor, lot_id, net_minor, spend_id, taken, tax_minor)
consent_grant: UPDATE (state)
consent_volume_use: UPDATE (milliseconds, state)
credential: UPDATE (backed_up, last_used_at, sign_count)
death_case: UPDATE (changed_at, round, state, waiting_until)
derivative_term: UPDATE (after_split, leaf_id, record, signed_at, state)
dispute: INSERT (account_id, amount_minor, claim_minor, currency, id, lot_id, opened_at, reason, stripe_charge)
dispute: UPDATE (claim_minor, closed_at, state)
enrolment_hold: UPDATE (contest, contested_at, decided_at, state)
gate: UPDATE (changed_at, changed_by, epoch, reason, state)
gateway_lease: UPDATE (renewals, renewed_at, state)
goodwill_day: UPDATE (failed)
goodwill_refund: UPDATE (expense_minor, state, transfer_id, undivided_minor)
invitation: UPDATE (accepted_at, accepted_by, withdrawn_at)
notice: UPDATE (acts_on, claimed_by, clone_id, due_at, ended_at, output_id, overdue_at, reason_code, state, verified_at)
output: UPDATE (alive_until, changed_at, file, reason, state)
output_approval: UPDATE (decided_at, decided_by, verdict)
output_hold: UPDATE (lifted_at)
output_price: INSERT (capability, clone_id, coins, priced_at, priced_by, tier_id, without_subscription)
owed_refund: INSERT (currency, failure, gross_minor, id, owed_at, refund_id, returned_refund, stripe_charge)
owed_refund: UPDATE (settled_at, settled_currency, settled_minor, state, stripe_refund)
ownership_case_key: UPDATE (destroyed_at, wrapped)
ownership_evidence: UPDATE (blob_digest, finding, passed_at, state, valid_until)
ownership_lease: UPDATE (ended_at)
ownership_proof: UPDATE (appeal_text, appealed_at, approved_at, ended_at, expires_at, policy_sha256, round, state, submitted_at)
payment_problem: INSERT (attempts, clone_id, failed_at, grace_until, next_attempt_at, stripe_invoice, subscription_id)
payment_problem: UPDATE (attempts, next_attempt_at, resolved_at)
payout: UPDATE (needs_person, problem, refusals, reversed_minor, settled_at, state, stripe_transfer, tries)
payout_account: UPDATE (bank_failure, details_submitted, payouts_enabled, stripe_account, synced_at, transfers_active)
payout_setting: UPDATE (minimum_minor, schedule, set_at)
plan_change: INSERT (account_id, asked_at, clone_id, credit_minor, day, effect, id, interval, offer_version, price_minor, refund_minor, subscription_id, tier_id)
plan_change: UPDATE (failure, settled_at, state, stripe_invoice)
platform_pause: INSERT (from_at)
platform_pause: UPDATE (to_at)
quota_hold: UPDATE (release_id, settled_at, state, void_reason)
refund: INSERT (clone_id, currency, fee_bearer, fee_minor, gross_minor, id, key, kind, net_minor, period_id, reason, requested_at, settled_topic, tax_minor)
refund: UPDATE (failure, settled_at, settled_currency, settled_minor, state, stripe_refund)
refusal: UPDATE (withdrawal_document_id, withdrawn_at)
royalty_reserve: UPDATE (left_minor)
session: UPDATE (ended_at)
split: UPDATE (leaf_id, record, signed_at, state)
split_day: UPDATE (split_id)
subscription: INSERT (account_id, clone_id, created_at, declared_country, id, interval, offer_version, tier_id)
subscription: UPDATE (agreed_at, billing_country, cancel_at_period_end, checkout_url, ended_at, interval, offer_version, revision, state, stripe_session, stripe_subscription, tier_id)
subscription_period: INSERT (account_id, agreed_at, clone_id, credited_from, currency, days, end_day, fee_minor, granted, gross_minor, id, offer_version, paid_at, settled_currency, settled_net_minor, start_day, stripe_charge, stripe_invoice, subscription_id, tax_minor, tax_rate_basis_points, tier_id)
subscription_period: UPDATE (ended_on, recognised_days)
tier: UPDATE (removed_at, stripe_product, withdrawn_below)
