import type { Currency } from '../kernel/money.ts';
import { fromStripeAmount, idOf, orNull, type StripePort } from '../platform/stripe/index.ts';

/** A movement of our money for a dispute, in the settlement currency. `netMinor` = `amountMinor` − `feeMinor`. */
export interface DisputeMovement {
  id: string;
  currency: Currency;
  amountMinor: bigint;
  feeMinor: bigint;
  netMinor: bigint;
}

export interface DisputeFacts {
  disputeId: string;
  chargeId: string;
  currency: string;
  amountMinor: bigint;
  reason: string;
  /** `inquiry`: the bank only asks, and no money has moved. */
  state: 'inquiry' | 'open' | 'won' | 'lost';
  /** The first took the money, a second one gave it back. */
  movements: DisputeMovement[];
}

const STATES: Readonly<Record<string, DisputeFacts['state']>> = {
  needs_response: 'open', under_review: 'open', appeal_needs_response: 'open', appeal_under_review: 'open', won: 'won', lost: 'lost',
};

export interface DisputeProvider {
  /** Null for an unknown id. */
  dispute: (disputeId: string) => Promise<DisputeFacts | null>;
}

export function makeDisputeProvider({ run }: StripePort, currencyOf: (code: string) => Currency): DisputeProvider {
  return {
    async dispute(disputeId) {
      const dispute = await orNull(run((sdk) => sdk.disputes.retrieve(disputeId)));
      const chargeId = idOf(dispute?.charge);
      if (dispute === null || chargeId === null) return null;
      return {
        disputeId: dispute.id, chargeId, currency: dispute.currency.toUpperCase(), amountMinor: fromStripeAmount(dispute.amount), reason: dispute.reason,
        state: STATES[dispute.status] ?? 'inquiry',
        movements: dispute.balance_transactions.map((movement) => ({
          id: movement.id, currency: currencyOf(movement.currency), amountMinor: fromStripeAmount(movement.amount), feeMinor: fromStripeAmount(movement.fee),
          netMinor: fromStripeAmount(movement.net),
        })),
      };
    },
  };
}
