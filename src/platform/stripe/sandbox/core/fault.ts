/** The types of Stripe's error objects (https://docs.stripe.com/api/errors). */
export type FaultType = 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';

export interface FaultBody {
  type: FaultType;
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  charge?: string;
  payment_intent?: unknown;
  payment_method?: unknown;
  doc_url?: string;
}

/**
 * Stripe's no. `kept` says whether an idempotency key keeps the answer: Stripe keeps what happened once an
 * endpoint began to act, and forgets a request that failed validation, so that it may be sent again corrected.
 */
export class StripeFault extends Error {
  readonly status: number;
  readonly body: FaultBody;
  readonly kept: boolean;

  constructor(status: number, body: FaultBody, kept = false) {
    super(body.message);
    this.name = 'StripeFault';
    this.status = status;
    this.body = body.code === undefined ? body : { ...body, doc_url: `https://stripe.com/docs/error-codes/${body.code.replaceAll('_', '-')}` };
    this.kept = kept;
  }
}

/** 400: the request cannot be carried out as it was sent. */
export function invalid(message: string, options: { code?: string; param?: string; kept?: boolean } = {}): StripeFault {
  return new StripeFault(
    400,
    {
      type: 'invalid_request_error',
      message,
      ...(options.code === undefined ? {} : { code: options.code }),
      ...(options.param === undefined ? {} : { param: options.param }),
    },
    options.kept ?? false,
  );
}

/** An id that names nothing: 404 in a path (`param` is `id`), 400 in a parameter, as Stripe answers. */
export function missing(noun: string, id: string, param = 'id'): StripeFault {
  return new StripeFault(param === 'id' ? 404 : 400, {
    type: 'invalid_request_error', code: 'resource_missing', param, message: `No such ${noun}: '${id}'`,
  });
}
