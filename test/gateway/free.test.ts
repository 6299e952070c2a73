import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeGateway } from '../../src/gateway/index.ts';
import { serve, type Served } from './serve.ts';
import { type GatewayWorld, openGatewayWorld, type Person } from './world.ts';

/** Free turns through the real way: HTTP, the decision, the hold, the render, the release. */
let own: GatewayWorld;
let served: Served;
beforeAll(async () => {
  own = await openGatewayWorld('free', { terms: { tiers: ['free', 'friend', 'work'] } });
  served = await serve(own);
  // Its price at the processor, which nothing here asks.
  await own.world.database.asOwner(`INSERT INTO tier_offer_price (tier_id, version, interval, stripe_price) SELECT tier_id, version, 'month', 'price_1' FROM tier_offer`);
  await own.billing.createTier(own.owner.actor, own.world.key(), { cloneId: own.cloneId, name: 'free' });
});
afterAll(async () => {
  await served.close();
  await own.close();
});

interface Answer {
  status: number;
  body: { code?: string; left?: number | null; outputId?: string; tiers?: { name: string; priceMinor: string; coins: string }[]; outputCoins?: string | null; clauses?: string[] };
}

async function ask(person: Person, key: string, change: object = {}): Promise<Answer> {
  const response = await served.post(`/v1/clones/${own.cloneId}/outputs`, person, `turn-${key}`, {
    capability: 'voice', language: 'en', script: 'Good morning to you.', purpose: 'fan_message', ...change,
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}
const counters = async (person: Person) => (await own.world.database.asOwner<{ granted: number; held: number; captured: number }>(
  'SELECT granted, held, captured FROM free_quota WHERE account_id = $1', [person.actor.accountId]))[0];
const stateOf = async (person: Person, outputId: string | undefined): Promise<string> => (await own.gateway.getOutput(person.actor, outputId ?? '')).state;

describe('free turns over HTTP', () => {
  it('of 1,000 requests at once on one account are exactly nine; each says how many are left, and the paywall what could be bought', async () => {
    const fan = await own.person('A crowd', 'CN');
    expect(await own.billing.getEntitlement(fan.actor, own.cloneId)).toMatchObject({ kind: 'free', granted: 9, left: 9 });
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => ask(fan, `crowd-${i}`)));
    const given = answers.filter(({ status }) => status === 202);
    expect(given.map(({ body }) => body.left).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const refused = answers.filter(({ status }) => status !== 202);
    expect(new Set(refused.map(({ status, body }) => `${status} ${body.code ?? ''}`))).toEqual(new Set(['403 quota_exhausted']));
    expect(refused[0]?.body).toMatchObject({ left: 0, tiers: [{ name: 'friend', priceMinor: '600', coins: '42' }], outputCoins: null });
    expect(await counters(fan)).toEqual({ granted: 9, held: 9, captured: 0 });
    expect(await own.count('output', `requester = '${fan.actor.accountId}' AND state = 'queued'`)).toBe(9);
    // The same request again is the same turn.
    const first = answers.findIndex(({ status }) => status === 202);
    expect((await ask(fan, `crowd-${first}`)).body).toEqual(answers[first]!.body);
    expect(await counters(fan)).toEqual({ granted: 9, held: 9, captured: 0 });
  }, 120_000);

  it('cost nothing where they are refused, cannot be made, or are stopped before they are there', async () => {
    const fan = await own.person('Unlucky', 'CN');
    const denied = await ask(fan, 'denied', { purpose: 'advertising' });
    expect([denied.status, denied.body.code, denied.body.left]).toEqual([403, 'denied', 9]);
    expect(await counters(fan)).toBeUndefined();
    const failed = await ask(fan, 'failed');
    expect(await counters(fan)).toEqual({ granted: 9, held: 1, captured: 0 });
    const broken = makeGateway({ ...own.deps, inference: { ...own.deps.inference, synthesise: () => Promise.reject(new Error('no memory')) } });
    for (let attempt = 1; attempt <= 5; attempt += 1) await broken.work.renderOutput(failed.body.outputId ?? '', attempt).catch(() => undefined);
    expect(await stateOf(fan, failed.body.outputId)).toBe('failed');
    expect(await counters(fan)).toEqual({ granted: 9, held: 0, captured: 0 });
    const stopped = await ask(fan, 'stopped');
    await own.shut('clone', 'paused');
    await own.drain();
    expect(await stateOf(fan, stopped.body.outputId)).toBe('voided');
    await own.reopen('clone');
    expect(await counters(fan)).toEqual({ granted: 9, held: 0, captured: 0 });
    const made = await ask(fan, 'made');
    expect(made).toMatchObject({ status: 202, body: { left: 8 } });
    await own.drain();
    expect(await stateOf(fan, made.body.outputId)).toBe('released');
    expect(await counters(fan)).toEqual({ granted: 9, held: 0, captured: 1 });
  });
});

describe('instant replies', () => {
  beforeAll(() => own.drain());

  it('come before every free turn that waits, however many were asked for before; and none of those waits for ever', async () => {
    const [one, two] = [await own.person('Free one', 'CN'), await own.person('Free two', 'CN')];
    for (let i = 0; i < 4; i += 1) {
      await own.ask({}, one);
      await own.ask({}, two);
    }
    own.world.clock.advance(60_000);
    const paid = await Promise.all([0, 1, 2].map(() => own.ask({}, own.fan)));
    const before = await own.count('release');
    await own.drain();
    const rendered = (await own.world.database.asOwner<{ id: string }>('SELECT output_id AS id FROM release ORDER BY recorded_at OFFSET $1', [before])).map(({ id }) => id);
    expect(rendered).toHaveLength(11);
    expect(rendered.slice(0, 3).sort()).toEqual(paid.map(({ outputId }) => outputId).sort());
    // Ten minutes later a free turn has its place before what is asked for then.
    const { outputId: patient } = await own.ask({}, one);
    own.world.clock.advance(601_000);
    await own.ask({}, own.fan);
    const released = await own.count('release');
    while ((await own.count('release')) === released) await own.runNext();
    expect((await own.gateway.getOutput(one.actor, patient)).state).toBe('released');
    await own.drain();
  });
});
