import { systemRandom } from '../../src/kernel/random.ts';
import { type Person, registerPerson } from '../support/person.ts';
import { onboard } from './pages.ts';
import { must, type Story } from './story.ts';
import type { World } from './world.ts';

/** Everybody in the story. */
export interface Cast {
  operator: Person;
  reviewers: readonly [Person, Person];
  owner: Person;
  agency: Person;
  fans: readonly [Person, Person];
}

async function invited(world: World, by: Person, role: 'reviewer' | 'payee', displayName: string): Promise<Person> {
  const { token } = await by.client.call('createInvitation', { body: { role } });
  return await registerPerson(world.client, systemRandom, { displayName, invitationToken: token });
}

/** Step 1: everybody registers by passkey; nobody chooses a role. */
export async function register(world: World, story: Story): Promise<Cast> {
  let cast: Cast | undefined;
  await story.tell('1 Everybody registers by passkey', async ({ checked }) => {
    const { client } = world;
    const init = await world.benren(['operator', 'init']);
    must(init.code === 0, `operator init printed an invitation: ${init.output}`);
    const first = init.output.trim().split('\n').at(-1) ?? '';
    const operator = await registerPerson(client, systemRandom, { displayName: 'Operator', invitationToken: first });
    const twice = await client.refused('createRegistrationOptions', { body: { displayName: 'Second', invitationToken: first } });
    must(twice.code === 'invitation_invalid', 'the operator’s invitation works once');
    checked('`operator init` printed one invitation; used again it is refused with invitation_invalid');
    const reviewers = [
      await invited(world, operator, 'reviewer', 'Reviewer one'), await invited(world, operator, 'reviewer', 'Reviewer two'),
    ] as const;
    const owner = await registerPerson(client, systemRandom, { displayName: 'Lin Ya · 林雅', locale: 'zh-CN' });
    const climbing = await owner.client.refused('createInvitation', { body: { role: 'reviewer' } });
    must(climbing.code === 'role_missing', 'an owner cannot make reviewers');
    const agency = await invited(world, owner, 'payee', 'Agency');
    for (const payee of [owner, agency]) await onboard(world, payee);
    const fans = [
      await registerPerson(client, systemRandom, { displayName: 'Fan one' }), await registerPerson(client, systemRandom, { displayName: 'Fan two' }),
    ] as const;
    const { roles } = (await fans[0].client.call('getMe', {})).account;
    must(roles.length === 0, 'a fan has no role');
    checked('operator, two reviewers, owner, agency (invited, onboarded at the payment provider), two fans; roles only by invitation');
    cast = { operator, reviewers, owner, agency, fans };
  });
  must(cast !== undefined, 'the cast is complete');
  return cast;
}
