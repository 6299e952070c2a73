import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { checkedDelegation, type DelegableVerb, DELEGABLE_VERBS, NEVER_VERBS } from '../../src/consent/delegation.ts';
import type { DelegationTerms } from '../../src/consent/delegation.ts';
import type { DelegationView } from '../../src/consent/delegations.ts';
import type { GrantView } from '../../src/consent/grants.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { codeOf, type Person } from '../ownership/world.ts';
import { terms } from './samples.ts';
import { type ConsentWorld, openConsentWorld } from './world.ts';

let home: ConsentWorld;
let agent: Person;
let grant: GrantView;

beforeAll(async () => {
  home = await openConsentWorld('delegation');
  agent = await home.world.register('The agency');
  grant = await home.granted();
});
afterAll(async () => await home.close());
beforeEach(() => home.world.clock.advance(1_000));

const key = () => home.world.key();
const owner = () => home.owner;

function asked(changes: Partial<DelegationTerms> = {}): DelegationTerms {
  return {
    agentAccountId: agent.actor.accountId, verbs: [...DELEGABLE_VERBS], cloneIds: [home.cloneId], actsPerDay: null,
    validFrom: '2026-01-01T00:00:00.000Z', validUntil: '2027-01-01T00:00:00.000Z', ...changes,
  };
}

async function offered(changes: Partial<DelegationTerms> = {}): Promise<DelegationView> {
  const draft = await home.consent.draftDelegation(owner().actor, key(), asked(changes));
  const signature = await home.world.sign(owner(), 'delegation', draft.document);
  return await home.consent.signDelegation(owner().actor, key(), draft.delegationId, signature);
}

async function inForce(changes: Partial<DelegationTerms> = {}): Promise<DelegationView> {
  const { delegationId, document } = await offered(changes);
  return await home.consent.signDelegation(agent.actor, key(), delegationId, await home.world.sign(agent, 'delegation', document));
}

const ended = (delegationId: string) => home.consent.endDelegation(owner().actor, key(), delegationId);

/** One delegation at a time, so that it alone answers. */
async function under(changes: Partial<DelegationTerms>, work: (delegation: DelegationView) => Promise<void>): Promise<void> {
  const delegation = await inForce(changes);
  try {
    await work(delegation);
  } finally {
    await ended(delegation.delegationId);
  }
}

const reads = () => codeOf(home.consent.getGrant(agent.actor, grant.grantId));

describe('making one', () => {
  it('is offered by the owner, accepted by the agent, and acts from then on', async () => {
    expect(await reads()).toBe('not_found');
    const offer = await offered();
    expect(offer).toMatchObject({ state: 'offered', endedAt: null });
    expect(await reads()).toBe('not_found');
    const whole = await home.consent.signDelegation(
      agent.actor, key(), offer.delegationId, await home.world.sign(agent, 'delegation', offer.document));
    expect(whole.state).toBe('in_force');
    expect(whole.signatures.map(({ signer }) => signer).sort()).toEqual([owner().actor.accountId, agent.actor.accountId].sort());
    expect((await home.consent.getGrant(agent.actor, grant.grantId)).grantId).toBe(grant.grantId);
    expect((await home.consent.listDelegatedActs(owner().actor, offer.delegationId, 10)).acts).toMatchObject([
      { verb: 'getGrant', cloneId: home.cloneId, subjectId: grant.grantId, actor: agent.actor.accountId },
    ]);
    await ended(offer.delegationId);
    const leaves = await home.world.database.runTx((tx) => home.world.log.leavesOf(tx, offer.delegationId));
    expect(leaves.map(({ type }) => type).sort()).toEqual(['delegation.ended', 'delegation.signed']);
  });

  it('refuses the agent\'s signature first, a signature over another document, and a stranger\'s', async () => {
    const draft = await home.consent.draftDelegation(owner().actor, key(), asked());
    const sign = async (person: Person, document: unknown): Promise<string> => codeOf(home.consent.signDelegation(
      person.actor, key(), draft.delegationId, await home.world.sign(person, 'delegation', document)));
    expect(await sign(agent, draft.document)).toBe('delegation_state');
    expect(await sign(home.fan, draft.document)).toBe('not_found');
    expect(await sign(owner(), { ...draft.document, validUntil: '2028-01-01T00:00:00.000Z' })).toBe('signature_mismatch');
    expect((await home.consent.getDelegation(owner().actor, draft.delegationId)).state).toBe('draft');
    expect(await codeOf(home.consent.getDelegation(home.fan.actor, draft.delegationId))).toBe('not_found');
  });

  it.each<[string, Partial<DelegationTerms>]>([
    ['ends before it starts', { validUntil: '2025-01-01T00:00:00Z' }],
    ['is over already', { validFrom: '2024-01-01T00:00:00Z', validUntil: '2025-01-01T00:00:00Z' }],
    ['runs too long', { validUntil: '2029-01-01T00:00:01Z' }],
    ['has no instants', { validFrom: 'soon' }],
  ])('refuses one that %s', (_what, changes) => {
    const work = (): unknown => checkedDelegation('acc_other', { ...asked(), ...changes }, new Date('2026-03-01T00:00:00Z'));
    expect(work).toThrow(expect.objectContaining({ code: 'delegation_invalid' }));
  });

  it('refuses oneself, an unknown account and a clone of somebody else', async () => {
    const self = home.consent.draftDelegation(owner().actor, key(), asked({ agentAccountId: owner().actor.accountId }));
    expect(await codeOf(self)).toBe('delegation_invalid');
    expect(await codeOf(home.consent.draftDelegation(owner().actor, key(), asked({ agentAccountId: 'acc_nobody' })))).toBe('account_unknown');
    expect(await codeOf(home.consent.draftDelegation(home.fan.actor, key(), asked()))).toBe('not_found');
  });
});

describe('acting under one', () => {
  it('covers the verbs it names and no others', async () => {
    for (const verb of DELEGABLE_VERBS) {
      await under({ verbs: [verb] }, async () => {
        for (const other of DELEGABLE_VERBS) {
          const act = home.world.database.runTx((tx) => home.consent.act(tx, {
            actor: agent.actor, cloneId: home.cloneId, verb: other, subjectId: home.cloneId, at: home.world.clock.now(),
          }));
          expect(other === verb ? (await act).ownerAccountId : await codeOf(act)).toBe(other === verb ? owner().actor.accountId : 'delegation_verb');
        }
      });
    }
  });

  it('never covers what stays with the owner', async () => {
    await under({}, async ({ delegationId }) => {
      for (const verb of NEVER_VERBS) {
        const act = home.world.database.runTx((tx) => home.consent.act(tx, {
          actor: agent.actor, cloneId: home.cloneId, verb, subjectId: home.cloneId, at: home.world.clock.now(),
        }));
        expect(await codeOf(act), verb).toBe('delegation_never');
      }
      expect(await codeOf(home.consent.draftDelegation(agent.actor, key(), asked({ agentAccountId: home.fan.actor.accountId })))).toBe('delegation_never');
      const draft = await home.consent.draftGrant(agent.actor, key(), home.cloneId, terms());
      expect(draft.document.owner.accountId).toBe(owner().actor.accountId);
      const signature = await home.world.sign(agent, 'grant', draft.document);
      expect(await codeOf(home.consent.signGrant(agent.actor, key(), draft.grantId, signature))).toBe('delegation_never');
      expect((await home.consent.listDelegatedActs(agent.actor, delegationId, 10)).acts.map(({ verb }) => verb)).toEqual(['draftGrant']);
    });
  });

  it('signs an amendment that narrows, in the agent\'s own name, and none that widens', async () => {
    await under({}, async () => {
      const amend = async (changes: Partial<typeof grant.document>): Promise<GrantView> => {
        const { document } = await home.consent.draftAmendment(agent.actor, key(), grant.grantId, changes);
        return await home.consent.signAmendment(agent.actor, key(), grant.grantId, await home.world.sign(agent, 'amendment', document));
      };
      const before = await home.consent.getGrant(owner().actor, grant.grantId);
      expect(await codeOf(amend({ territories: [...before.document.territories, 'JP'] }))).toBe('delegation_never');
      expect(await codeOf(amend({ territories: ['JP'] }))).toBe('delegation_never');
      expect((await home.consent.getGrant(owner().actor, grant.grantId)).digest).toBe(before.digest);
      const narrower = await amend({ territories: ['CN'] });
      expect(narrower).toMatchObject({ version: before.version + 1, document: { territories: ['CN'] } });
      expect((await home.decide({ declaredCountry: 'SG', billingCountry: 'SG' })).clauses).toContain('territory.SG');
    });
  });

  it('stops at its limit for the day, and goes on the day after', async () => {
    await under({ actsPerDay: 2 }, async () => {
      await home.consent.getGrant(agent.actor, grant.grantId);
      await home.consent.getGrant(agent.actor, grant.grantId);
      expect(await reads()).toBe('delegation_limit');
      home.world.clock.advance(86_400_000);
      expect((await home.consent.getGrant(agent.actor, grant.grantId)).grantId).toBe(grant.grantId);
    });
  });

  it('ends at once for owner and agent alike, at its date, and names no clone that it does not name', async () => {
    for (const who of [owner(), agent]) {
      const { delegationId } = await inForce();
      const end = await home.consent.endDelegation(who.actor, key(), delegationId);
      expect(end).toMatchObject({ state: 'ended', endedBy: who.actor.accountId });
      expect(await home.consent.endDelegation(owner().actor, key(), delegationId)).toEqual(end);
      expect(await reads()).toBe('not_found');
      const again = home.consent.signDelegation(agent.actor, key(), delegationId, await home.world.sign(agent, 'delegation', end.document));
      expect(await codeOf(again)).toBe('delegation_state');
    }
    expect(await codeOf(home.consent.endDelegation(home.fan.actor, key(), (await inForce()).delegationId))).toBe('not_found');
    await Promise.all((await home.consent.listDelegations(agent.actor)).delegations.map(({ delegationId }) => ended(delegationId)));
    const soon = new Date(home.world.clock.now().getTime() + 60_000).toISOString();
    await inForce({ validUntil: soon });
    expect((await home.consent.getGrant(agent.actor, grant.grantId)).grantId).toBe(grant.grantId);
    home.world.clock.advance(60_000);
    expect(await reads()).toBe('not_found');
    await inForce({ validFrom: '2026-12-01T00:00:00Z' });
    expect(await reads()).toBe('not_found');
  });

  it('says to other rooms who may act, and records nothing by saying it', async () => {
    const ask = (person: Person, verb: DelegableVerb | 'orderStop') => home.world.database.runTx((tx) =>
      home.consent.mayAct(tx, person.actor, owner().actor.accountId, verb, home.world.clock.now(), home.cloneId));
    await under({ verbs: ['pauseClone'] }, async ({ delegationId }) => {
      expect(await ask(owner(), 'orderStop')).toEqual({ ownerAccountId: owner().actor.accountId, delegationId: null, estate: null });
      expect(await ask(agent, 'pauseClone')).toEqual({ ownerAccountId: owner().actor.accountId, delegationId, estate: null });
      expect(await ask(agent, 'resumeClone')).toBeNull();
      expect(await ask(agent, 'orderStop')).toBeNull();
      expect(await ask(home.fan, 'pauseClone')).toBeNull();
      expect((await home.consent.listDelegatedActs(agent.actor, delegationId, 10)).acts).toEqual([]);
    });
  });
});

describe('PostgreSQL refuses what the code forgot', () => {
  const attack = async (text: string, params: unknown[]): Promise<string> => {
    try {
      await home.world.database.asApp(text, params);
      return 'accepted';
    } catch (error) {
      return (error as { constraint?: string }).constraint ?? 'refused';
    }
  };

  it('an act that nobody allowed, a verb that is never delegated, an end by a stranger', async () => {
    const act = 'INSERT INTO delegated_act (delegation_id, verb, clone_id, subject_id, actor, at) VALUES ($1, $2, $3, $3, $4, $5)';
    const { delegationId, canonical } = await inForce({ verbs: ['pauseClone'] });
    const at = home.world.clock.now();
    expect(await attack(act, [delegationId, 'pauseClone', home.cloneId, agent.actor.accountId, at])).toBe('accepted');
    expect(await attack(act, [delegationId, 'resumeClone', home.cloneId, agent.actor.accountId, at])).toBe('delegated_act_fits');
    expect(await attack(act, [delegationId, 'pauseClone', home.cloneId, home.fan.actor.accountId, at])).toBe('delegated_act_fits');
    expect(await attack('INSERT INTO delegation_end (delegation_id, ended_by, ended_at) VALUES ($1, $2, $3)', [delegationId, home.fan.actor.accountId, at]))
      .toBe('delegation_end_fits');
    await ended(delegationId);
    expect(await attack(act, [delegationId, 'pauseClone', home.cloneId, agent.actor.accountId, home.world.clock.now()])).toBe('delegated_act_fits');
    const forged = canonical.replace('pauseClone', 'orderStop').replace(delegationId, 'dlg_forged');
    expect(await attack(`
      INSERT INTO delegation (id, owner_account_id, agent_account_id, canonical, digest, drafted_at)
      VALUES ('dlg_forged', $1, $2, $3, encode(sha256(convert_to($3, 'UTF8')), 'hex'), $4)`,
    [owner().actor.accountId, agent.actor.accountId, forged, at])).toBe('delegation_never');
  });

  it('an agent\'s signature under an amendment that widens', async () => {
    const { delegationId } = await inForce();
    const { document, digest, version } = await home.consent.draftAmendment(owner().actor, key(), grant.grantId, { territories: ['CN', 'JP'] });
    const signature = await home.world.sign(agent, 'amendment', document);
    const attacked = home.world.database.runTx(async (tx) => {
      const signed = await home.world.identity.completeSignature(tx, agent.actor, signature, { documentType: 'amendment' });
      const { insertSignature } = await import('../../src/consent/store.ts');
      await insertSignature(tx, { grantId: grant.grantId, version, digest, signedDocumentId: signed.id, at: home.world.clock.now() });
    });
    await expect(attacked).rejects.toMatchObject({ driverError: { constraint: 'consent_signature_fits' } });
    await ended(delegationId);
  });
});

describe('over HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ seed: 'delegation over http' });
  });
  afterAll(async () => await server.close());

  it('refuses an agent\'s signature under an existence stop, and stops nothing', async () => {
    const [star, agency] = [await server.person('Lin Ya'), await server.person('The agency')];
    const { document: claim } = await star.client.call('draftOwnershipClaim', { body: { subjectName: 'Lin Ya', handle: 'lin-ya', locale: 'en' } });
    const { proofId } = await star.client.call('openOwnershipProof', { body: { subjectName: 'Lin Ya', signature: await star.sign('ownership_claim', claim) } });
    const { cloneId } = await star.client.call('createClone', { body: { ownershipProofId: proofId, name: 'Lin Ya', handle: 'lin-ya' } });
    const { delegationId, document } = await star.client.call('draftDelegation', { body: {
      agentAccountId: agency.accountId, verbs: ['pauseClone', 'resumeClone'], cloneIds: [cloneId], actsPerDay: 5,
      validFrom: '2026-01-01T00:00:00Z', validUntil: '2027-01-01T00:00:00Z',
    } });
    await star.client.call('signDelegation', { path: { delegationId }, body: { signature: await star.sign('delegation', document) } });
    await agency.client.call('signDelegation', { path: { delegationId }, body: { signature: await agency.sign('delegation', document) } });
    expect((await agency.client.call('listDelegations', {})).delegations).toMatchObject([{ delegationId, state: 'in_force' }]);

    const quote = await star.client.call('quoteStop', { path: { cloneId } });
    const signature = await agency.sign('stop_order', quote.order);
    const stop = await agency.client.refused('orderStop', { path: { cloneId }, body: { quoteId: quote.quoteId, signature } });
    expect(stop).toMatchObject({ status: 403, code: 'delegation_never' });
    expect((await agency.client.refused('quoteStop', { path: { cloneId } })).code).toBe('delegation_never');
    // Her proof is not approved yet: in whose name would the agent pause?
    expect(await agency.client.refused('pauseClone', { path: { cloneId } })).toMatchObject({ status: 409, code: 'delegation_state' });
    expect((await star.client.call('pauseClone', { path: { cloneId } })).state).toBe('paused');
    expect((await star.client.call('resumeClone', { path: { cloneId } })).state).toBe('open');
    expect((await star.client.call('endDelegation', { path: { delegationId } })).state).toBe('ended');
    expect((await agency.client.refused('pauseClone', { path: { cloneId } })).status).toBe(404);
    expect((await star.client.call('listDelegatedActs', { path: { delegationId } })).acts).toEqual([]);
  });
});
