import { describe, expect, it } from 'vitest';

import { listenTo, type Listener } from '../../support/gateway-child.ts';
import { until } from '../../support/until.ts';
import { type RightsWorld, type Told, watchStop } from './world.ts';

const names = (told: readonly Told[]): string[] => told.map(({ name }) => name);

/** Somebody listens until they are cut; what they were given is the start of the whole. */
async function flowing(own: RightsWorld, path: string, token: string): Promise<Listener> {
  const listener = await listenTo(`${own.server.service.origin}${path}`, token);
  await until(async () => listener.received > 0);
  return listener;
}

/** A gateway that registered and is silent ever since. */
async function silentGateway(own: RightsWorld, id: string): Promise<void> {
  await own.server.database.asApp('INSERT INTO gateway_lease (id, process) VALUES ($1, $2)', [id, 'silent']);
}

async function platform(own: RightsWorld, action: 'pause' | 'resume'): Promise<string | null> {
  const [one, two] = own.operators;
  const { orderId } = await one.client.call('orderPlatform', { body: { action, reason: 'A test of the house.' } });
  expect((await one.client.refused('confirmPlatform', { path: { orderId } })).code).toBe('two_people_needed');
  return (await two.client.call('confirmPlatform', { path: { orderId } })).stopId;
}

export function stopOverHttp(get: () => RightsWorld): void {
  describe('a stop', () => {
    it('cuts an enrolment that a reviewer is listening to, and a reader of its progress who comes back misses and repeats nothing', async () => {
      const own = get();
      const { owner, reviewers: [reviewer] } = own;
      const { cloneId } = await own.anotherClone('lin-ya-heard');
      const path = { cloneId };
      const { quoteId, order } = await owner.client.call('quoteStop', { path });
      const signature = await owner.sign('stop_order', order);
      const media = `/v1/clones/${cloneId}/enrolment/voice/media`;
      const listener = await flowing(own, media, reviewer.token);
      await silentGateway(own, 'gwy_http0silent');
      const { stopId } = await owner.client.call('orderStop', { path, body: { quoteId, signature } });

      const first = await watchStop(own, stopId, { enough: (told) => told.some(({ name }) => name === 'gateway') });
      expect(names(first)).toEqual(['ordered', 'committed', 'gateway']);
      const second = await watchStop(own, stopId, { after: first.at(-1)?.id ?? '' });
      expect(names(second)).toEqual(['gateway', 'acknowledged']);
      const gateways = [...first, ...second].filter(({ name }) => name === 'gateway').map(({ data }) => data['outcome']).sort();
      expect(gateways).toEqual(['confirmed', 'lease_ran_out']);
      const whole = await watchStop(own, stopId);
      const facts = (told: readonly Told[]): string[] => told.map(({ name, data }) => `${name} ${JSON.stringify(data)}`).sort();
      expect(facts([...first, ...second])).toEqual(facts(whole));
      for (const [place, { id }] of whole.entries()) expect(names(await watchStop(own, stopId, { after: id }))).toEqual(names(whole.slice(place + 1)));

      await until(async () => !listener.open);
      expect(second[1]?.data).toMatchObject({ streams: 1, gateways: expect.any(Array) as unknown });
      expect(listener.received).toBeLessThanOrEqual(Number(second[1]?.data['bytes']));
      expect(listener.body).toEqual(Buffer.from(own.recordings.enrolment).subarray(0, listener.received));
      expect(listener.received).toBeLessThan(own.recordings.enrolment.byteLength);
      expect((await reviewer.client.refused('getEnrolmentMedia', { path })).code).toBe('stopped');
      // Her own recording stays hers to hear.
      const mine = await flowing(own, media, owner.token);
      expect(mine.open).toBe(true);
    });

    it('of the whole house by two operators cuts evidence that is being played, and lets it go on afterwards', async () => {
      const own = get();
      const { reviewers: [reviewer], proofId, voiceEvidenceId: evidenceId } = own;
      const media = `/v1/ownership-proofs/${proofId}/evidence/${evidenceId}/media`;
      const listener = await flowing(own, media, reviewer.token);
      const stopId = await platform(own, 'pause');
      await until(async () => !listener.open);
      const acknowledged = async () => (await own.server.database.asApp<{ streams: { subjectId: string; bytes: string }[] }>(
        `SELECT streams FROM gate_stop_confirmation WHERE stop_id = $1 AND json_array_length(streams) > 0`, [stopId]))[0]?.streams;
      await until(async () => (await acknowledged()) !== undefined);
      const cut = (await acknowledged())?.find(({ subjectId }) => subjectId === evidenceId);
      expect(listener.received).toBeLessThanOrEqual(Number(cut?.bytes));
      expect((await reviewer.client.refused('getEvidenceMedia', { path: { proofId, evidenceId } })).code).toBe('stopped');
      await platform(own, 'resume');
      const again = await flowing(own, media, reviewer.token);
      expect(again.open).toBe(true);
      const part = await fetch(`${own.server.service.origin}${media}`, { headers: { authorization: `Bearer ${reviewer.token}`, range: 'bytes=0-11' } });
      expect([part.status, Buffer.from(await part.arrayBuffer()).toString('latin1', 0, 4)]).toEqual([206, 'RIFF']);
    });
  });

  describe('a wind-down', () => {
    it('runs from order to end: nothing is shut before its notice is over, and then everything', async () => {
      const own = get();
      const { owner } = own;
      const { cloneId } = await own.anotherClone('lin-ya-winding');
      const path = { cloneId };
      const quote = await owner.client.call('quoteStop', { path, query: { kind: 'wind_down' } });
      const ordered = await owner.client.call('orderStop', { path, body: { quoteId: quote.quoteId, signature: await owner.sign('stop_order', quote.order) } });
      const notice = new Date(own.server.clock.now().getTime() + 30 * 86_400_000).toISOString();
      expect(ordered).toMatchObject({ kind: 'wind_down', endsAt: notice, epoch: null, acknowledgedAt: null });
      const stopId = { path: { stopId: ordered.stopId } };
      expect((await owner.client.call('getStop', stopId)).state).toBe('winding_down');
      const gate = async () => (await own.server.database.asApp<{ state: string }>(`SELECT state FROM gate WHERE clone_id = $1 AND kind = 'clone'`, [cloneId]))[0]?.state;
      const twice = { quoteId: quote.quoteId, signature: await owner.sign('stop_order', quote.order) };
      expect((await owner.client.refused('orderStop', { path, body: twice })).code).toBe('stop_state');
      await own.days(29);
      expect([await gate(), (await owner.client.call('getStop', stopId)).state]).toEqual(['open', 'winding_down']);
      await own.days(1);
      await until(async () => (await owner.client.call('getStop', stopId)).state === 'settled', 20_000);
      expect(await gate()).toBe('stopped');
      expect(await owner.client.call('getStop', stopId)).toMatchObject({ kind: 'wind_down', settlement: { done: true, equalsQuote: true } });
      expect(names(await watchStop(own, ordered.stopId))).toEqual(expect.arrayContaining(['ordered', 'committed', 'acknowledged']));
      expect((await owner.client.refused('quoteStop', { path })).code).toBe('stop_state');
    });
  });
}
