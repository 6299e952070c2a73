import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBench, type Bench } from './harness.ts';

/** Verification sessions as the SDK sees them. */

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(async () => await bench.close());

const sessions = () => bench.sdk.identity.verificationSessions;
const make = async () => await sessions().create({
  type: 'document', client_reference_id: 'own_1', metadata: { proofId: 'own_1' }, options: { document: { require_matching_selfie: true } },
}, bench.key());

describe('a verification session', () => {
  it('waits for input with a secret and a page, and is the same again for the same key', async () => {
    const key = bench.key();
    const session = await sessions().create({ type: 'document' }, key);
    expect(session).toMatchObject({
      object: 'identity.verification_session', status: 'requires_input', type: 'document', last_error: null, metadata: {}, options: { document: {} }, livemode: false,
    });
    expect(session.id).toMatch(/^vs_[A-Za-z0-9]{24}$/);
    expect(session.client_secret).toMatch(new RegExp(`^${session.id}_secret_test_`));
    expect(session.url).toMatch(new RegExp(`^${bench.sandbox.url}/verify/test_`));
    expect((await sessions().create({ type: 'document' }, key)).id).toBe(session.id);
    await expect(sessions().create({ type: 'document', client_reference_id: 'other' }, key)).rejects.toMatchObject({ type: 'StripeIdempotencyError' });
  });

  it('refuses what is missing, unknown or not modelled', async () => {
    await expect(sessions().create({}, bench.key())).rejects.toMatchObject({ code: 'parameter_missing', param: 'type' });
    await expect(sessions().create({ type: 'id_number' }, bench.key())).rejects.toMatchObject({ param: 'type' });
    await expect(sessions().create({ type: 'document', related_customer: 'cus_1' }, bench.key())).rejects.toMatchObject({ code: 'parameter_unknown' });
    await expect(sessions().create({ type: 'document', return_url: 'nowhere' }, bench.key())).rejects.toMatchObject({ code: 'url_invalid' });
    await expect(sessions().retrieve('vs_none')).rejects.toMatchObject({ code: 'resource_missing', statusCode: 404 });
  });

  it('is verified: what was read is answered only when it is asked for, and the news is signed and bare', async () => {
    const { id } = await make();
    expect((await sessions().retrieve(id, { expand: ['verified_outputs'] })).verified_outputs).toBe(null);
    await bench.sandbox.control.verifyIdentity(id, { firstName: 'Ya', lastName: 'Lin' });
    const bare = await sessions().retrieve(id);
    expect(bare).toMatchObject({ status: 'verified', url: null, client_secret: null, client_reference_id: 'own_1' });
    expect(bare.verified_outputs).toBe(undefined);
    expect((await sessions().retrieve(id, { expand: ['verified_outputs'] })).verified_outputs).toMatchObject({ first_name: 'Ya', last_name: 'Lin', address: null });
    await bench.sandbox.control.idle();
    const news = bench.received.find(({ type }) => type === 'identity.verification_session.verified');
    expect(news?.data.object).toMatchObject({ id, status: 'verified', client_secret: null });
    expect(JSON.stringify(news)).not.toContain('Lin');
    await expect(bench.sandbox.control.verifyIdentity(id, { firstName: 'A', lastName: 'B' })).rejects.toThrow('waits for input');
    await expect(sessions().cancel(id, {}, bench.key())).rejects.toMatchObject({ type: 'StripeInvalidRequestError' });
  });

  it('asks for input again, with the reason and a new page, and may be verified then', async () => {
    const { id, url } = await make();
    await bench.sandbox.control.failIdentity(id, 'document_expired');
    const again = await sessions().retrieve(id);
    expect(again).toMatchObject({ status: 'requires_input', last_error: { code: 'document_expired' } });
    expect(again.url).not.toBe(url);
    await bench.sandbox.control.verifyIdentity(id, { firstName: null, lastName: 'Lin' });
    expect(await sessions().retrieve(id)).toMatchObject({ status: 'verified', last_error: null });
    await bench.sandbox.control.idle();
    expect(bench.types()).toContain('identity.verification_session.requires_input');
  });

  it('is cancelled for good', async () => {
    const { id } = await make();
    expect(await sessions().cancel(id, {}, bench.key())).toMatchObject({ status: 'canceled', url: null });
    await expect(sessions().cancel(id, {}, bench.key())).rejects.toMatchObject({ type: 'StripeInvalidRequestError' });
    expect((await sessions().list({ status: 'canceled' })).data.map((one) => one.id)).toEqual([id]);
  });
});
