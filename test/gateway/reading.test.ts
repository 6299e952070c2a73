import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { GrantTerms } from '../../src/consent/index.ts';
import { standingOf } from '../../src/consent/reading.ts';
import { terms } from '../consent/samples.ts';
import { askMedia } from '../support/media.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, refusalOf } from './world.ts';

/** Files after what they were made under has ended: what the grant said of it decides, by the same `decide` that lets them be made. */
let own: GatewayWorld;
const DAY_MS = 86_400_000;
const SURVIVES: Partial<GrantTerms> = { withdrawal: { method: 'One signature.', noticeDays: 30, effect: 'stop_new' }, survivalOfExistingWorks: true };

beforeAll(async () => {
  own = await openGatewayWorld('reading', { terms: SURVIVES });
});
afterAll(async () => await own.close());

const key = () => own.world.key();
const media = async (outputId: string) => await own.gateway.getOutputMedia(own.fan.actor, outputId);
const answered = async (outputId: string): Promise<string> => {
  try {
    await askMedia(await media(outputId));
    return 'given';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const statusOf = async (outputId: string): Promise<string> => (await own.gateway.getOutputStatus(outputId)).status;
const codeIn = (work: () => void): string => {
  try {
    work();
    return 'given';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
let grantId: string;

async function granted(changes: Partial<GrantTerms>): Promise<void> {
  own.world.clock.advance(1_000);
  const draft = await own.consent.draftGrant(own.owner.actor, key(), own.cloneId, terms(changes));
  ({ grantId } = await own.consent.signGrant(own.owner.actor, key(), draft.grantId, await own.world.sign(own.owner, 'grant', draft.document)));
}

async function revoke(): Promise<void> {
  const { revocationDocument } = await own.consent.getGrant(own.owner.actor, grantId);
  await own.consent.revokeGrant(own.owner.actor, key(), grantId, await own.world.sign(own.owner, 'revocation', revocationDocument!));
}

describe('what a denial of reading means', () => {
  const proof = (state: string, expiresAt: string | null = '2026-06-01T00:00:00Z') => ({ proofId: 'own_1', state, expiresAt });
  const denied = (...clauses: string[]) => ({ allowed: false, clauses });

  it('a pause and a proof that ran out come back; a stop and a proof that was taken away do not', () => {
    expect(standingOf({ allowed: true, clauses: ['grant.term'] }, proof('approved'))).toBe('stands');
    expect(standingOf(denied('stop.paused'), proof('approved'))).toBe('paused');
    expect(standingOf(denied('stop.paused', 'ownership.unproven'), proof('expired'))).toBe('paused');
    expect(standingOf(denied('ownership.unproven'), proof('approved'))).toBe('paused');
    for (const gone of [proof('withdrawn'), proof('rejected'), proof('approved', null), null]) {
      expect(standingOf(denied('stop.paused', 'ownership.unproven'), gone)).toBe('withdrawn');
    }
    expect(standingOf(denied('stop.paused', 'stop.stopped'), proof('approved'))).toBe('withdrawn');
    expect(standingOf(denied('stop.paused', 'withdrawal.takedown_all'), proof('approved'))).toBe('withdrawn');
    expect(standingOf(denied('gates.unreadable'), proof('approved'))).toBe('withdrawn');
  });
});

describe('a released file', () => {
  let kept: string;

  it('is paused with its clone, and comes back', async () => {
    ({ grantId } = own.grant);
    kept = await own.released();
    await own.shut('clone', 'paused');
    expect((await refusalOf(media(kept))).extra['clauses']).toEqual(['stop.paused']);
    expect(await statusOf(kept)).toBe('allowed_when_made');
    await own.reopen('clone');
    expect(await answered(kept)).toBe('given');
  });

  it('outlives a revocation that stops new works only, and nothing new is made', async () => {
    await revoke();
    expect(await answered(kept)).toBe('given');
    expect(await statusOf(kept)).toBe('allowed_when_made');
    expect((await refusalOf(own.ask())).extra['clauses']).toContain('grant.revoked');
    await own.shut('clone', 'paused');
    expect(await answered(kept)).toBe('stopped');
    await own.reopen('clone');
  });

  it.each([
    ['takes everything down', { withdrawal: { ...SURVIVES.withdrawal!, effect: 'takedown_all' }, survivalOfExistingWorks: true }],
    ['stops new works, where works do not survive', { survivalOfExistingWorks: false }],
  ] satisfies [string, Partial<GrantTerms>][])('falls with a revocation that %s', async (_what, changes) => {
    await granted({ ...SURVIVES, ...changes });
    const outputId = await own.released();
    const open = await media(outputId);
    await askMedia(open);
    await revoke();
    expect(await codeOf(askMedia(open))).toBe('output_withdrawn');
    expect(await answered(outputId)).toBe('output_withdrawn');
    expect(await statusOf(outputId)).toBe('allowed_when_made_since_withdrawn');
    expect(await answered(kept)).toBe('given');
  });

  it.each([[true, 'given', 'allowed_when_made'], [false, 'output_withdrawn', 'allowed_when_made_since_withdrawn']])(
    'at the end of the term: works survive is %s', async (survivalOfExistingWorks, after, status) => {
      const validUntil = new Date(own.world.clock.now().getTime() + 2 * DAY_MS).toISOString();
      await granted({ ...SURVIVES, survivalOfExistingWorks, validUntil });
      const outputId = await own.released();
      const open = await media(outputId);
      own.world.clock.advance(2 * DAY_MS - 2_000);
      const transfer = await open.open(() => undefined);
      transfer.check();
      own.world.clock.advance(2_000);
      // In the middle of a transfer: the end of the term is compared with the clock before every write.
      expect(codeIn(() => transfer.check())).toBe(after);
      transfer.close();
      expect(await answered(outputId)).toBe(after);
      expect(await statusOf(outputId)).toBe(status);
    });

  it('waits for a proof that only ran out, and is gone with an existence stop, whatever survives', async () => {
    const [proof] = await own.world.database.asOwner<{ until: Date }>(`SELECT expires_at AS until FROM ownership_proof WHERE state = 'approved'`);
    own.world.clock.advance(proof!.until.getTime() - own.world.clock.now().getTime());
    expect((await refusalOf(media(kept))).extra['clauses']).toEqual(['ownership.unproven']);
    await own.shut('clone', 'paused');
    const paused = await refusalOf(media(kept));
    expect([paused.code, paused.extra['clauses']]).toEqual(['stopped', ['stop.paused', 'ownership.unproven']]);
    expect(await statusOf(kept)).toBe('allowed_when_made');
    await own.shut('clone', 'stopped');
    expect(await answered(kept)).toBe('output_withdrawn');
    expect(await statusOf(kept)).toBe('allowed_when_made_since_withdrawn');
  });
});
