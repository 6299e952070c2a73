/**
 * Test cards, by Stripe's own numbers (https://docs.stripe.com/testing). One differs: 4000…0341 pays here while
 * its holder is present and fails at every later charge, where Stripe's fails from the first charge on; a service
 * meets that card at a renewal, and Checkout could never have sold the subscription otherwise.
 */
import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { invalid } from '../core/fault.ts';
import type { CardManner } from '../core/memory.ts';

export interface TestCard extends CardManner {
  brand: 'amex' | 'mastercard' | 'unionpay' | 'visa';
  country: string;
}

function pays(brand: TestCard['brand'], country: string): TestCard {
  return { brand, country, decline: null, failsLater: false, instant: false };
}

function declines(decline: string): TestCard {
  return { ...pays('visa', 'US'), decline };
}

/** The one that a person or a test types first. */
export const SUCCESS_CARD = '4242424242424242';

const CARDS: Readonly<Record<string, TestCard>> = {
  [SUCCESS_CARD]: pays('visa', 'US'),
  '5555555555554444': pays('mastercard', 'US'),
  '378282246310005': pays('amex', 'US'),
  '4000001560000002': pays('visa', 'CN'),
  '6200000000000005': pays('unionpay', 'CN'),
  '4000002760000016': pays('visa', 'DE'),
  '4000003920000003': pays('visa', 'JP'),
  '4000000000000077': { ...pays('visa', 'US'), instant: true },
  '4000000000000341': { ...pays('visa', 'US'), failsLater: true },
  '4000000000000002': declines('generic_decline'),
  '4000000000009995': declines('insufficient_funds'),
  '4000000000009987': declines('lost_card'),
  '4000000000000069': declines('expired_card'),
  '4000000000000127': declines('incorrect_cvc'),
  '4000000000000119': declines('processing_error'),
};

/** Stripe's ready-made payment methods: `pm_card_visa` stands for a card that pays. */
export const READY_METHODS: Readonly<Record<string, string>> = {
  pm_card_visa: SUCCESS_CARD,
  pm_card_mastercard: '5555555555554444',
  pm_card_cn: '4000001560000002',
  pm_card_bypassPending: '4000000000000077',
  pm_card_chargeCustomerFail: '4000000000000341',
  pm_card_visa_chargeDeclined: '4000000000000002',
  pm_card_visa_chargeDeclinedInsufficientFunds: '4000000000009995',
};

/** The behaviour of a card number. Only test numbers are known: nobody's real card belongs in a sandbox. */
export function cardOf(number: string): TestCard {
  const card = CARDS[number.replaceAll(/[\s-]/g, '')];
  if (card === undefined) {
    throw invalid('Your card number is not one of the sandbox\'s test cards.', { code: 'incorrect_number', param: 'card[number]' });
  }
  return card;
}

/** The card part of a payment method. */
export function cardDetails(number: string, expMonth: number, expYear: number): Stripe.PaymentMethod.Card {
  const digits = number.replaceAll(/[\s-]/g, '');
  const { brand, country } = cardOf(digits);
  return {
    brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country,
    display_brand: brand,
    exp_month: expMonth,
    exp_year: expYear,
    fingerprint: createHash('sha256').update(digits).digest('base64url').replaceAll(/[-_]/g, '').slice(0, 16),
    funding: 'credit',
    generated_from: null,
    last4: digits.slice(-4),
    networks: { available: [brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

const REASONS: Readonly<Record<string, string>> = {
  generic_decline: 'Your card was declined.',
  insufficient_funds: 'Your card has insufficient funds.',
  lost_card: 'Your card was declined.',
  expired_card: 'Your card has expired.',
  incorrect_cvc: 'Your card\'s security code is incorrect.',
  processing_error: 'An error occurred while processing your card. Try again in a little bit.',
};

/** Stripe's error code and message for a decline. Some declines have a code of their own, the rest are `card_declined`. */
export function declineFault(decline: string): { code: string; declineCode: string; message: string } {
  const own = ['expired_card', 'incorrect_cvc', 'processing_error'].includes(decline);
  return { code: own ? decline : 'card_declined', declineCode: decline, message: REASONS[decline] ?? 'Your card was declined.' };
}
