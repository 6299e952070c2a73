/**
 * The one way to the payment provider: the unmodified `stripe` SDK, against Stripe or the sandbox. Adds what the SDK
 * leaves to its user: every write carries an idempotency key of ours, errors become refusals, webhooks are verified
 * with the time that is handed in.
 */
import Stripe from 'stripe';
import { Refusal, type RefusalCode } from '../../kernel/refusals.ts';

export interface StripeOptions {
  secretKey: string;
  /** The sandbox's address. Absent: Stripe. */
  apiBase?: { host: string; port: number; protocol: 'http' | 'https' };
  /** One secret an endpoint: the platform's own, and the one for connected accounts. */
  webhookSecret: string | readonly string[];
  maxNetworkRetries?: number;
  timeoutMs?: number;
  log?: { debug: (fields: object, message: string) => void };
}

export interface StripePort {
  /** The SDK itself. A POST or DELETE without a key from `withKey` does not leave the process. */
  readonly sdk: Stripe;
  /** Request options with an idempotency key; `account` acts on a connected account. The same key always means the same request. */
  readonly withKey: (key: string, options?: { account?: string }) => Stripe.RequestOptions;
  /** Runs calls and turns the SDK's errors into refusals. What is a mistake of ours stays an `Error`. */
  readonly run: <T>(work: (sdk: Stripe) => Promise<T>) => Promise<T>;
  /**
   * The event in a webhook's raw body. `now` is the wall clock with which deliveries are signed.
   * Refuses `webhook_signature_invalid` when it is forged, or signed more than 300 seconds from `now`.
   */
  readonly verifyWebhook: (rawBody: Buffer, signatureHeader: string | undefined, now: Date) => Stripe.Event;
}

/** What an id of the processor's names, or null when it names nothing. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'not_found') return null;
    throw error;
  }
}

export const WEBHOOK_TOLERANCE_SECONDS = 300;

const KEY_MISSING = 'benren_idempotency_key_missing';

export function makeStripe(options: StripeOptions): StripePort {
  const { secretKey, apiBase, log } = options;
  const sdk = new Stripe(secretKey, {
    ...(apiBase === undefined ? {} : { host: apiBase.host, port: apiBase.port, protocol: apiBase.protocol }),
    httpClient: keyedClient(log),
    maxNetworkRetries: options.maxNetworkRetries ?? 2,
    timeout: options.timeoutMs ?? 20_000,
    telemetry: false,
    appInfo: { name: 'Benren' },
  });
  const secrets = typeof options.webhookSecret === 'string' ? [options.webhookSecret] : options.webhookSecret;
  return {
    sdk,
    withKey(key, { account } = {}) {
      if (key === '' || key.length > 255) throw new Error('an idempotency key has between 1 and 255 characters');
      return { idempotencyKey: key, ...(account === undefined ? {} : { stripeAccount: account }) };
    },
    async run(work) {
      try {
        return await work(sdk);
      } catch (error) {
        throw refusalOf(error);
      }
    },
    verifyWebhook: (rawBody, header, now) => verify(sdk, secrets, rawBody, header, now),
  };
}

/**
 * The SDK's own transport, with one check before it: the SDK would invent a key for a POST that has none, and an
 * invented key does not survive a crash of ours between the call and its answer.
 */
function keyedClient(log: StripeOptions['log']): Stripe.HttpClient {
  const inner = Stripe.createNodeHttpClient();
  return {
    getClientName: () => inner.getClientName(),
    async makeRequest(host, port, path, method, headers, ...rest) {
      const key = Object.entries(headers).find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1];
      const ours = typeof key === 'string' && key !== '' && !key.startsWith('stripe-node-retry-');
      if (method !== 'GET' && !ours) return refused(`${method} ${path}`);
      const response = await inner.makeRequest(host, port, path, method, headers, ...rest);
      log?.debug({ method, path, status: response.getStatusCode(), requestId: response.getHeaders()['request-id'] }, 'stripe');
      return response;
    },
  };
}

function refused(what: string): Awaited<ReturnType<Stripe.HttpClient['makeRequest']>> {
  const error = { type: 'invalid_request_error', code: KEY_MISSING, message: `${what} was called without an idempotency key.` };
  return {
    getStatusCode: () => 400,
    getHeaders: () => ({}),
    getRawResponse: () => ({ headers: {} }),
    toStream: () => {
      throw new Error('a refused request has no stream');
    },
    toJSON: () => Promise.resolve({ error }),
  };
}

const BY_CODE: Readonly<Record<string, readonly [RefusalCode, string]>> = {
  resource_missing: ['not_found', 'There is nothing here under this id, or it is not yours to see.'],
  charge_already_refunded: ['refund_too_large', 'The payment has already been refunded in full.'],
  insufficient_capabilities_for_transfer: ['payee_not_onboarded', 'The payee\'s payout account is not ready to receive money.'],
  payouts_not_allowed: ['payee_not_onboarded', 'The payee\'s payout account is not ready to pay out.'],
  account_invalid: ['payee_not_onboarded', 'The payee\'s payout account is not connected.'],
  balance_insufficient: ['ledger_insufficient_funds', 'The money is not yet available at the payment provider.'],
  idempotency_key_in_use: ['idempotency_in_progress', 'The same request is still running at the payment provider.'],
};

/** The refusal for an error of the SDK; anything else comes back as it is. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error;
  const { code } = error;
  if (code === KEY_MISSING) return new Error(error.message, { cause: error });
  if (error instanceof Stripe.errors.StripeCardError) {
    return new Refusal('payment_failed', 'The card was declined.', {
      extra: { providerCode: code ?? 'card_declined', declineCode: error.decline_code }, cause: error,
    });
  }
  if (error instanceof Stripe.errors.StripeIdempotencyError) {
    return new Refusal('idempotency_key_reused', 'The payment provider has seen this key with another request.', { cause: error });
  }
  const known = code === undefined ? undefined : BY_CODE[code];
  if (known !== undefined) return new Refusal(known[0], known[1], { cause: error });
  if (error.param === 'amount' && error.message.startsWith('Refund amount')) {
    return new Refusal('refund_too_large', 'The refund is larger than what remains of the payment.', { cause: error });
  }
  if (isUnavailable(error)) return new Refusal('unavailable', 'The payment provider could not be reached or did not answer. Please try again.', { cause: error });
  return new Error(`Stripe refused a request of ours: ${error.message}`, { cause: error });
}

function isUnavailable(error: Stripe.errors.StripeError): boolean {
  return (
    error instanceof Stripe.errors.StripeConnectionError || error instanceof Stripe.errors.StripeRateLimitError ||
    error instanceof Stripe.errors.StripeAPIError
  );
}

/**
 * Whether a failed write may nevertheless have happened: the connection broke, or the provider failed while acting.
 * Such a write stays pending and is asked again with the same key (docs/promises.md, payouts).
 */
export function outcomeUnknown(error: unknown): boolean {
  const cause = error instanceof Refusal ? error.cause : error;
  return cause instanceof Stripe.errors.StripeConnectionError || cause instanceof Stripe.errors.StripeAPIError;
}

function verify(sdk: Stripe, secrets: readonly string[], rawBody: Buffer, header: string | undefined, now: Date): Stripe.Event {
  const invalid = (cause?: unknown): Refusal => new Refusal('webhook_signature_invalid', 'The webhook\'s signature is missing, wrong or too old.', { cause });
  const at = Number(/(?:^|,)t=([0-9]{1,12})(?:,|$)/.exec(header ?? '')?.[1] ?? Number.NaN);
  // The SDK refuses only what is too old; a time far ahead is as wrong.
  if (header === undefined || !(at - now.getTime() / 1000 <= WEBHOOK_TOLERANCE_SECONDS)) throw invalid();
  let last: unknown;
  for (const secret of secrets) {
    try {
      return sdk.webhooks.constructEvent(rawBody, header, secret, WEBHOOK_TOLERANCE_SECONDS, undefined, now.getTime());
    } catch (error) {
      last = error;
    }
  }
  throw invalid(last);
}

/** Minor units on their way to Stripe. JPY has no decimals there either, so the number is the same. */
export function toStripeAmount(amountMinor: bigint): number {
  if (amountMinor < 0n || amountMinor > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Refusal('money_out_of_range', 'The amount is outside of what the payment provider takes.');
  }
  return Number(amountMinor);
}

/** Minor units from Stripe. */
export function fromStripeAmount(amount: number): bigint {
  if (!Number.isSafeInteger(amount)) throw new Error('Stripe sent an amount that is not a whole number of minor units');
  return BigInt(amount);
}

/** The id of what the API answers as an id or, when it was expanded, as the object itself. */
export function idOf(reference: string | { id: string } | null | undefined): string | null {
  return typeof reference === 'string' ? reference : (reference?.id ?? null);
}
