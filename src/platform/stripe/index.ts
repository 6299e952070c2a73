/**
 * Stripe: the port that billing and royalties use (`makeStripe`), and a local sandbox that the same SDK talks to
 * (`startSandbox`), with pages, signed webhooks and clocks that can be moved. With `STRIPE_SECRET_KEY` the port talks
 * to Stripe and the sandbox is not started; nothing else changes.
 */
export { fromStripeAmount, idOf, makeStripe, orNull, outcomeUnknown, refusalOf, toStripeAmount, WEBHOOK_TOLERANCE_SECONDS, type StripeOptions, type StripePort } from './client.ts';
export { DEFAULT_FEES, startSandbox, type BookEntry, type FeeSchedule, type Sandbox, type SandboxControl, type SandboxLog, type SandboxOptions } from './sandbox/index.ts';
