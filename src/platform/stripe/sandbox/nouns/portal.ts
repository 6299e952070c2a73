/** The Customer Portal: its configurations, and sessions whose page is `pages/portal-page.ts`. */
import { invalid } from '../core/fault.ts';
import type { Params } from '../core/form.ts';
import { LIVEMODE, type PortalConfiguration, type PortalSession } from '../core/objects.ts';
import { lister, mergeMetadata, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';

/** A feature that is only on or off. */
function enabled(features: Params | undefined, name: string): boolean {
  return features?.child(name)?.flag('enabled') ?? false;
}

function createConfiguration(world: World, { owner, params }: Call): object {
  const features = params.child('features');
  if (features === undefined) throw invalid('Missing required param: features.', { code: 'parameter_missing', param: 'features' });
  const cancel = features.child('subscription_cancel');
  const cancels = cancel?.flag('enabled') ?? false;
  cancel?.oneOf('mode', ['at_period_end']);
  const proration = cancel?.oneOf('proration_behavior', ['none']) ?? 'none';
  const invoices = enabled(features, 'invoice_history');
  const methods = enabled(features, 'payment_method_update');
  const returnUrl = params.text('default_return_url') ?? null;
  const metadata = mergeMetadata({}, params);
  params.done();
  const at = world.now(null);
  const object: PortalConfiguration = {
    id: world.id('bpc'), object: 'billing_portal.configuration', active: true, application: null,
    business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null }, created: at, default_return_url: returnUrl,
    features: {
      customer_update: { allowed_updates: [], enabled: false }, invoice_history: { enabled: invoices },
      payment_method_update: { enabled: methods, payment_method_configuration: null },
      subscription_cancel: { cancellation_reason: { enabled: false, feedback_options: [], options: [] }, enabled: cancels, mode: 'at_period_end', proration_behavior: proration },
      subscription_pause: { duration: { interval_options: [{ interval: 'month', interval_count: 1 }], type: 'interval_options' }, enabled: false },
      subscription_update: {
        billing_cycle_anchor: null, default_allowed_updates: [], enabled: false, proration_behavior: 'none', schedule_at_period_end: { conditions: [] },
        trial_update_behavior: 'end_trial',
      },
    },
    is_default: false, livemode: LIVEMODE, login_page: { enabled: false, url: null }, metadata, name: null, updated: at,
  };
  world.put('portalConfiguration', { owner, clock: null, object });
  return object;
}

function createSession(world: World, { owner, params }: Call): object {
  const customer = params.need('customer');
  const configuration = params.need('configuration');
  const returnUrl = params.text('return_url') ?? null;
  params.done();
  world.find('customer', customer, owner, 'customer');
  world.find('portalConfiguration', configuration, owner, 'configuration');
  const id = world.id('bps');
  const object: PortalSession = {
    id, object: 'billing_portal.session', configuration, created: world.now(null), customer, customer_account: null, flow: null, livemode: LIVEMODE,
    locale: null, on_behalf_of: null, return_url: returnUrl, url: `${world.publicUrl}/portal/${id}`,
  };
  world.put('portalSession', { owner, clock: null, object });
  return object;
}

export const portalRoutes: readonly Route[] = [
  ['POST', 'billing_portal/configurations', createConfiguration],
  ['GET', 'billing_portal/configurations', lister('portalConfiguration', { active: (one) => String(one.active) })],
  ['GET', 'billing_portal/configurations/:id', retrieve('portalConfiguration')],
  ['POST', 'billing_portal/sessions', createSession],
];
