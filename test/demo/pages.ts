import type { Person } from '../support/person.ts';
import { must } from './story.ts';
import type { World } from './world.ts';

/** What fans and agencies do on the sandbox's own pages, which are not ours. */
export async function submitPage(url: string, fields: Record<string, string>): Promise<Response> {
  return await fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
}

/** What payees do on the provider's page; not part of our contract. */
export async function onboard(world: World, payee: Person): Promise<void> {
  const { onboardingUrl } = await payee.client.call('onboardPayee', {});
  const answer = await submitPage(onboardingUrl, {
    name: payee.name, country: 'CN', currency: 'cny', account_number: '000123456789', business_type: 'individual',
  });
  must(answer.status < 400, `${payee.name} finished onboarding on the provider’s page (${answer.status})`);
  await world.settle();
}
