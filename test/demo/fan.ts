import { readWav } from '../../src/platform/inference.ts';
import { verifyIndependently } from '../support/c2pa-wasm.ts';
import type { Person } from '../support/person.ts';
import { until } from '../support/until.ts';
import { submitPage } from './pages.ts';
import type { Cast } from './people.ts';
import type { Licence } from './rights.ts';
import { must, type Story } from './story.ts';
import type { World } from './world.ts';

/** Outputs that later steps come back to. */
export interface Delivered {
  english: string;
  mandarin: string;
  subscriptionId: string;
  secondSubscriptionId: string;
  /** Milliseconds of rendering for one character of an English script, measured on what was just rendered. */
  millisecondsPerCharacter: number;
}

const CARD = { name: 'A Fan', card_number: '4242 4242 4242 4242', exp: '12 / 34', cvc: '123' };

/** Chooses the tier and pays on the processor's page; answers when the money is booked. */
export async function buyFriendTier(world: World, fan: Person, licence: Licence, country: string, awkward: boolean): Promise<string> {
  await fan.client.call('updateMe', { body: { country } });
  const asked = await fan.client.call('subscribe', { path: { cloneId: licence.cloneId }, body: { tierId: licence.tierId } });
  let { checkoutUrl } = asked;
  await until(async () => {
    ({ checkoutUrl } = await fan.client.call('getSubscription', { path: { subscriptionId: asked.subscriptionId } }));
    return checkoutUrl !== null;
  });
  if (awkward) world.sandbox.control.holdDeliveries();
  const paid = await submitPage(checkoutUrl ?? '', { ...CARD, email: 'fan@fan.example', country });
  must(paid.status === 303, 'the processor’s page took the payment');
  if (awkward) world.sandbox.control.releaseDeliveries({ order: 'reverse', times: 2 });
  await world.settle();
  const subscription = await fan.client.call('getSubscription', { path: { subscriptionId: asked.subscriptionId } });
  must(subscription.state === 'active', `the subscription is active, not ${subscription.state}`);
  return asked.subscriptionId;
}

/** Step 5: she says where she is, pays once, and is booked once although every event came twice and in reverse. */
async function buy(world: World, story: Story, cast: Cast, licence: Licence): Promise<[string, string]> {
  let ids: [string, string] = ['', ''];
  await story.tell('5 A fan buys the friend tier; every webhook comes twice and in reverse', async ({ checked }) => {
    const undeclared = await cast.fans[0].client.refused('subscribe', { path: { cloneId: licence.cloneId }, body: { tierId: licence.tierId } });
    checked(`before she declares her country: ${undeclared.code}`);
    const first = await buyFriendTier(world, cast.fans[0], licence, 'JP', true);
    const [inbox] = await world.ask<{ events: number }>('SELECT count(*)::int AS events FROM stripe_event');
    const booked = await world.ask<{ kind: string; count: number }>(
      `SELECT kind, count(*)::int AS count FROM ledger_transfer WHERE metadata->>'subscriptionId' = $1 GROUP BY kind`, [first]);
    must(booked.length === 1 && booked[0]?.count === 1, `one payment is one transfer, not ${JSON.stringify(booked)}`);
    checked(`${inbox?.events ?? 0} events kept so far, those of this payment delivered twice and in reverse; booked: ${booked[0].count} transfer (${booked[0].kind})`);
    const { currentPeriod } = await cast.fans[0].client.call('getSubscription', { path: { subscriptionId: first } });
    must(currentPeriod?.voiceOutputsLeft === 100, '100 voice outputs are left');
    checked(`period ${currentPeriod.startDay} to ${currentPeriod.endDay}: 100 voice outputs`);
    const second = await buyFriendTier(world, cast.fans[1], licence, 'SG', false);
    checked('the second fan, in Singapore, subscribes as well');
    ids = [first, second];
  });
  return ids;
}

export async function request(
  fan: Person, licence: Licence, language: 'en' | 'zh-CN', script: string, delivery: 'file' | 'stream' = 'file',
): Promise<string> {
  const asked = await fan.client.call('requestOutput', {
    path: { cloneId: licence.cloneId }, body: { capability: 'voice', language, script, purpose: 'companionship', delivery },
  });
  return asked.outputId;
}

export async function released(fan: Person, outputId: string): Promise<{ seconds: number; renderMilliseconds: number; decisionId: string }> {
  let state = '';
  let answer: Awaited<ReturnType<typeof load>> | undefined;
  const load = () => fan.client.call('getOutput', { path: { outputId } });
  await until(async () => {
    answer = await load();
    state = answer.state;
    return !['queued', 'holding', 'rendering', 'signing'].includes(state);
  }, 60_000);
  must(answer?.release !== null && answer?.release !== undefined, `output ${outputId} is released, not ${state} (${answer?.reason ?? ''})`);
  return { seconds: answer.release.seconds, renderMilliseconds: answer.release.renderMilliseconds, decisionId: answer.decisionId };
}

/** What anybody can check of a file with an engine that did not sign it. */
async function checkMarks(world: World, wav: Buffer, licence: Licence, outputId: string): Promise<string> {
  const { c2paAnchorsPem } = await world.client.call('getService', {});
  const { state, manifest } = await verifyIndependently(wav, 'audio/wav', c2paAnchorsPem);
  must(state === 'Trusted', `the independent engine says Trusted, not ${state}`);
  const text = JSON.stringify(manifest);
  for (const part of [licence.grantDigest, licence.cloneId, licence.versionId, outputId, '"epoch"']) {
    must(text.includes(part), `the consent assertion names ${part}`);
  }
  const check = await world.client.call('checkFile', { body: wav });
  must(check.status === 'allowed_when_made' && check.marks.implicitLabel !== null, 'the file carries the GB 45438 label and its status is known');
  must(wav.indexOf('AIGC') < wav.indexOf('C2PA') && wav.indexOf('AIGC') > 0, 'the label stands before the manifest');
  return `${(readWav(wav).samples.length / readWav(wav).sampleRateHz).toFixed(1)} s, Trusted by c2pa-wasm, AIGC label ${check.marks.implicitLabel.label}, consent assertion complete`;
}

const ENGLISH = 'Good evening. It rained all day here, and I kept thinking that somebody out there must be walking home without an umbrella. I hope it was not you.';
const MANDARIN = '晚上好。今天下了一整天的雨，我一直在想，一定有人没带伞，正在走路回家。希望不是你。';

/** Step 6: two outputs go the whole way. */
async function speak(world: World, story: Story, cast: Cast, licence: Licence): Promise<{ english: string; mandarin: string; millisecondsPerCharacter: number }> {
  let result = { english: '', mandarin: '', millisecondsPerCharacter: 0 };
  await story.tell('6 She hears her own words, in English and in Mandarin', async ({ checked, keep }) => {
    const [fan] = cast.fans;
    const english = await request(fan, licence, 'en', ENGLISH);
    const mandarin = await request(fan, licence, 'zh-CN', MANDARIN);
    let speed = 0;
    // Both at once: each comes at the pace of listening.
    const heard = await Promise.all(([[english, 'output-1-en.wav'], [mandarin, 'output-2-zh.wav']] as const).map(async ([outputId, name]) => {
      const { renderMilliseconds } = await released(fan, outputId);
      return { outputId, name, renderMilliseconds, wav: await fan.client.call('getOutputMedia', { path: { outputId } }) };
    }));
    for (const { outputId, name, renderMilliseconds, wav } of heard) {
      if (outputId === english) speed = renderMilliseconds / ENGLISH.length;
      keep(name, wav);
      checked(`${name}: ${await checkMarks(world, wav, licence, outputId)}; voice rendered in ${renderMilliseconds.toFixed(0)} ms`);
    }
    const switchedOff = await fan.client.refused('requestOutput', {
      path: { cloneId: licence.cloneId },
      body: { capability: 'voice', language: 'en', script: ENGLISH, purpose: 'companionship', disclosure: false } as never,
    });
    must(switchedOff.code === 'request_invalid', 'no request switches the disclosure off');
    const stranger = await cast.fans[1].client.refused('getOutputMedia', { path: { outputId: english } });
    must(stranger.code === 'not_found', 'another fan’s file is not there');
    const { currentPeriod } = await fan.client.call('getSubscription', { path: { subscriptionId: await subscriptionOf(world, fan) } });
    must(currentPeriod?.voiceOutputsLeft === 98, 'two of a hundred are spent');
    checked('98 of 100 left; a request to leave the disclosure out is refused; to another fan the file does not exist');
    result = { english, mandarin, millisecondsPerCharacter: speed };
  });
  return result;
}

async function subscriptionOf(world: World, fan: Person): Promise<string> {
  const [row] = await world.ask<{ id: string }>('SELECT id FROM subscription WHERE account_id = $1', [fan.accountId]);
  return row?.id ?? '';
}

/** Step 7: outside the grant nothing is said and nothing is charged. */
async function beDenied(world: World, story: Story, cast: Cast, licence: Licence): Promise<void> {
  await story.tell('7 Outside the grant: denied, with the clause, at no charge', async ({ checked, keep }) => {
    const [fan, second] = cast.fans;
    const path = { cloneId: licence.cloneId };
    const ask = { capability: 'voice', language: 'en', purpose: 'companionship' } as const;
    const cases: [string, Person, object][] = [
      ['capability.video', fan, { ...ask, capability: 'video', script: 'Show me your face.' }],
      ['topic.politics', fan, { ...ask, script: 'Tell me who wins the ELECTION.' }],
      ['topic.politics', fan, { ...ask, language: 'zh-CN', script: '说说選​舉吧。' }],
    ];
    for (const [index, [clause, who, body]] of cases.entries()) await denied(world, who, path, body, clause, `${index + 1}-${clause}`, checked, keep);
    await second.client.call('updateMe', { body: { country: 'FR' } });
    await denied(world, second, path, { ...ask, script: 'Hello from far away.' }, 'territory.FR', '4-territory.FR', checked, keep);
    // Granted, and yet denied: the law asks for what the platform, or the owner's document, does not have.
    await second.client.call('updateMe', { body: { country: 'DE' } });
    await denied(world, second, path, { ...ask, script: 'Hello from Berlin.' }, 'legal.EU.marking.watermark', '5-legal.EU', checked, keep);
    await second.client.call('updateMe', { body: { country: 'US' } });
    await denied(world, second, path, { ...ask, script: 'Hello from Fresno.' }, 'legal.US-CA.representation', '6-legal.US', checked, keep);
    await second.client.call('updateMe', { body: { country: 'SG' } });
    const { currentPeriod } = await fan.client.call('getSubscription', { path: { subscriptionId: await subscriptionOf(world, fan) } });
    must(currentPeriod?.voiceOutputsLeft === 98 && currentPeriod.voiceOutputsHeld === 0, 'nothing was charged');
    checked('still 98 of 100; each receipt replays offline to the same answer');
  });
}

async function denied(
  world: World, who: Person, path: { cloneId: string }, body: object, clause: string, name: string,
  checked: (fact: string) => void, keep: (name: string, content: string) => string,
): Promise<void> {
  const problem = await who.client.refused('requestOutput', { path, body: body as never });
  const clauses = problem.problem['clauses'] as string[];
  must(problem.code === 'denied' && clauses.includes(clause), `${JSON.stringify(body)} is denied by ${clause}, not by ${clauses.join()}`);
  const receipt = await who.client.call('explainDecision', { path: { decisionId: String(problem.problem['decisionId']) } });
  const file = keep(`denied-${name.replaceAll('.', '-')}.json`, JSON.stringify(receipt, null, 1));
  const verdict = await world.benren(['verify', file, '--key', world.receiptsKeyFile]);
  must(verdict.code === 0, `the receipt of ${clause} verifies and replays: ${verdict.output}`);
  checked(`${clause}: ${problem.status} ${problem.code} [${clauses.join(', ')}]`);
}

export async function fans(world: World, story: Story, cast: Cast, licence: Licence): Promise<Delivered> {
  const [subscriptionId, secondSubscriptionId] = await buy(world, story, cast, licence);
  const spoken = await speak(world, story, cast, licence);
  await beDenied(world, story, cast, licence);
  return { ...spoken, subscriptionId, secondSubscriptionId };
}
