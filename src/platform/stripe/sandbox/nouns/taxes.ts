/**
 * Automatic tax, as far as the service uses it: tax that prices contain, by the country of the customer's address. The rates are
 * the sandbox's own; Stripe has those of the law.
 */
import type { Invoice, Session } from '../core/objects.ts';
import type { World } from '../core/world.ts';

/** In basis points of the price without tax; elsewhere nothing is registered, and nothing is collected. */
const RATES: Readonly<Record<string, number>> = { CN: 600, SG: 900, DE: 1_900, JP: 1_000 };

/** What a total contains, rounded half up as Stripe does; nothing of a total below zero. */
export function taxIn(total: number, country: string | null): number {
  const rate = RATES[country ?? ''] ?? 0;
  return total <= 0 ? 0 : Math.round((total * rate) / (10_000 + rate));
}

const COMPLETE = { liability: { type: 'self' }, provider: 'stripe', status: 'complete' } as const;

/** An invoice of a subscription that has automatic tax on. */
export function taxInvoice(world: World, invoice: Invoice, country: string | null): void {
  const tax = taxIn(invoice.total, country);
  invoice.automatic_tax = { disabled_reason: null, enabled: true, ...COMPLETE };
  invoice.total_excluding_tax = invoice.total - tax;
  invoice.subtotal_excluding_tax = invoice.subtotal - tax;
  invoice.total_taxes = [{
    amount: tax, tax_behavior: 'inclusive', tax_rate_details: { tax_rate: world.id('txr') }, taxability_reason: tax === 0 ? 'not_collecting' : 'standard_rated',
    taxable_amount: tax === 0 ? 0 : invoice.total - tax, type: 'tax_rate_details',
  }];
}

/** A page that was paid. */
export function taxSession(session: Session, country: string | null): void {
  session.automatic_tax = { enabled: true, ...COMPLETE };
  session.total_details = { amount_discount: 0, amount_shipping: 0, amount_tax: taxIn(session.amount_total ?? 0, country) };
}
