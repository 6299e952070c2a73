import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';

import { identityEntities, loadDocuments, makeIdentity, type IdentityService, type SignatureInput } from '../../src/identity/index.ts';
import { seededRandom, systemRandom } from '../../src/kernel/random.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { Day } from '../../src/kernel/time.ts';
import type { IdempotencyKey, Tx } from '../../src/kernel/tx.ts';
import { openKeys, openStatementKeys } from '../../src/platform/keys/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { connect } from '../../src/platform/postgres/index.ts';
import type { StripePort } from '../../src/platform/stripe/index.ts';
import { makeProvenance, type Provenance } from '../../src/provenance/index.ts';
import { makeRoyalties, makeRoyaltiesJobs, ROYALTY_EVENT_TOPICS, type Royalties, type SplitInput, type SplitLeg } from '../../src/royalties/index.ts';
import { makeTransparency, type Transparency } from '../../src/transparency/index.ts';
import { openWorld, type World } from '../billing/support.ts';
import { makePasskey, type Passkey } from '../support/passkey.ts';

export interface Person {
  name: string;
  accountId: string;
  actor: Actor;
  passkey: Passkey;
}

export const CLONE_NAME = 'Lin Ya · 林雅';

/** The room above a real ledger, billing, identity, log and the sandbox; only the clone's own row is put there by hand. */
export interface RoyaltiesWorld extends Omit<World, 'tier' | 'subscribed' | 'close'> {
  royalties: Royalties;
  identity: IdentityService;
  provenance: Provenance;
  transparency: Transparency;
  cloneId: string;
  owner: Person;
  agency: Person;
  operator: Person;
  person: (name: string) => Promise<Person>;
  /** Another clone, of this person. */
  newClone: (person: Person, handle: string) => Promise<string>;
  /** A fan who has paid for a tier: its period. */
  paid: (name: string, tierId: string, cloneId?: string) => Promise<string>;
  newTier: (name?: string, priceMinor?: string, cloneId?: string) => Promise<string>;
  /** Answers the signing challenge for a split, or what else is signed, as this person. */
  signature: (person: Person, document: object, documentType?: 'split' | 'advance' | 'derivative') => Promise<SignatureInput>;
  /** Drafted by the owner and signed by everybody named, in force from a day. */
  signedSplit: (legs?: SplitLeg[], effectiveFrom?: Day, refundFeeBearer?: string, terms?: Pick<SplitInput, 'base' | 'reserve'>, cloneId?: string) => Promise<string>;
  onboard: (person: Person, bankAccount?: string) => Promise<void>;
  /** The same room on another way to the processor, or on another ledger. */
  withStripe: (stripe: Pick<StripePort, 'run' | 'withKey'>, ledger?: Ledger, positionsAtOnce?: bigint) => Royalties;
  run: (throughDay: Day, dryRun?: boolean) => ReturnType<Royalties['runRoyalties']>;
  close: () => Promise<void>;
}

const SITE = { id: 'benren.example', name: 'Benren', origin: 'https://app.benren.example' };

export async function openRoyalties(options: { taxRateBasisPoints?: number; start?: string } = {}): Promise<RoyaltiesWorld> {
  const late: { royalties?: Royalties } = {};
  const room = (): Royalties => {
    if (late.royalties === undefined) throw new Error('not composed yet');
    return late.royalties;
  };
  const work: Royalties['work'] = {
    bookRefund: (id) => room().work.bookRefund(id), syncPayoutAccount: (id) => room().work.syncPayoutAccount(id),
    syncBankPayout: (account, id) => room().work.syncBankPayout(account, id), sendPayout: (id) => room().work.sendPayout(id),
    syncTransfer: (id) => room().work.syncTransfer(id), releaseDue: () => room().work.releaseDue(),
    payScheduled: () => room().work.payScheduled(), bookDifferences: () => room().work.bookDifferences(), takeBackFailed: () => room().work.takeBackFailed(), remindUnready: () => room().work.remindUnready(),
  };
  const world = await openWorld({
    ...(options.start === undefined ? {} : { start: options.start }),
    deps: {
      splitSegments: (tx, cloneId, fromDay, toDay) => room().splitSegments(tx, cloneId, fromDay, toDay),
      refundFeeBearer: (tx, cloneId, day) => room().refundFeeBearer(tx, cloneId, day),
      disputes: {
        lockClones: (tx, cloneIds) => room().lockClones(tx, cloneIds), holdForDispute: (tx, asked) => room().holdForDispute(tx, asked),
        releaseDispute: (tx, asked) => room().releaseDispute(tx, asked), loseDispute: (tx, part) => room().loseDispute(tx, part),
      },
      settings: { taxRateBasisPoints: options.taxRateBasisPoints ?? 600, otherTopics: ROYALTY_EVENT_TOPICS },
    },
    jobs: makeRoyaltiesJobs({ work }),
  });
  const { clock, ids, db } = world;
  const folder = mkdtempSync(join(tmpdir(), 'royalties-'));
  const keys = await openKeys({ c2pa: null, logKeyPath: null, receiptsKeyPath: null, dir: folder, clock: systemClock, production: false });
  const database = await connect({ url: db.appUrl, entities: identityEntities, poolSize: 60 });
  const { runTx } = database;
  const random = seededRandom(`royalties ${db.name}`);
  const identity = makeIdentity({ runTx, clock, ids, random, relyingParty: SITE, documents: loadDocuments(), secret: random.bytes(32) });
  const provenance = makeProvenance(keys);
  const transparency = makeTransparency({ runTx, clock, ids, logKey: keys.log, origin: 'log.benren.example' });
  const cloneId = ids.next('clone');

  async function register(name: string, invitationToken?: string): Promise<Person> {
    const passkey = makePasskey({ random, origin: SITE.origin });
    const asked = await identity.createRegistrationOptions({ displayName: name, ...(invitationToken === undefined ? {} : { invitationToken }) });
    const session = await identity.register({ challengeId: asked.challengeId, credential: passkey.register(asked.publicKey) });
    const actor = await identity.authenticate(session.sessionToken);
    if (actor === null) throw new Error('a fresh session is no session');
    return { name, accountId: actor.accountId, actor, passkey };
  }

  const operator = await register('Operator', await identity.operatorInvitation());
  const owner = await register('Lin Ya · 林雅');
  const agency = await register('Morning Agency 晨光');
  const owned = new Map<string, { cloneId: string; ownerAccountId: string; ownershipProofId: string; name: string; handle: string; createdAt: Date }>();
  async function putClone(id: string, ownerAccountId: string, name: string, handle: string): Promise<void> {
    const client = new pg.Client({ connectionString: db.superuserUrl });
    await client.connect();
    await client.query('SET session_replication_role = replica');
    await client.query(`INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at) VALUES ($1, $2, 'own_2', $3, $4, $5)`,
      [id, ownerAccountId, name, handle, clock.now()]);
    await client.end();
    world.facts.owners.set(id, ownerAccountId);
    owned.set(id, { cloneId: id, ownerAccountId, ownershipProofId: 'own_2', name, handle, createdAt: clock.now() });
  }
  await putClone(cloneId, owner.accountId, CLONE_NAME, 'lin-ya-2');
  const clones = { clone: async (_tx: Tx, id: string) => owned.get(id) ?? null };
  const withStripe: RoyaltiesWorld['withStripe'] = (stripe, ledger = world.ledger, positionsAtOnce) => makeRoyalties({
    ...(positionsAtOnce === undefined ? {} : { positionsAtOnce }),
    runTx, clock, ids, identity, ledger, provenance, transparency, clones, billing: world.billing, stripe, publicUrl: 'http://127.0.0.1:1',
    pseudonymSecret: Buffer.from('pseudonyms of this test'),
    statementKeys: openStatementKeys({ statement: null, dir: join(folder, 'statement'), clock: systemClock, production: false, random: systemRandom }),
  });
  late.royalties = withStripe(world.port);
  const royalties = late.royalties;
  let keyNumber = 0;
  const key = (name: string): IdempotencyKey => {
    keyNumber += 1;
    return { scope: `royalties:${name}`, key: `royalties-${keyNumber}`, digest: name };
  };

  const all: RoyaltiesWorld = {
    ...world, royalties, identity, provenance, transparency, cloneId, owner, agency, operator, key, withStripe,
    tx: (doing) => runTx(doing),
    person: (name) => register(name),
    async newClone(person, handle) {
      const id = ids.next('clone');
      await putClone(id, person.accountId, person.name, handle);
      return id;
    },
    async newTier(name = 'friend', priceMinor = '600', clone = cloneId) {
      const tier = await world.billing.createTier(owner.actor, key('createTier'), { cloneId: clone, name, priceMinor, voiceOutputsPerPeriod: 100 });
      await world.drain();
      return tier.tierId;
    },
    async paid(name, tierId, clone = cloneId) {
      return (await world.subscribed(world.fan(name), tierId, clone)).periodId;
    },
    async signature(person, document, documentType = 'split') {
      const asked = await identity.createSigningChallenge(person.actor, key('challenge'), { documentType, document, locale: 'zh-CN' });
      return { challengeId: asked.challengeId, credential: person.passkey.sign(asked.publicKey) };
    },
    async signedSplit(legs, effectiveFrom = '2026-03-01', refundFeeBearer = 'platform', terms = {}, clone = cloneId) {
      const shares = legs ?? [
        { payee: owner.accountId, basisPoints: 7_000 }, { payee: agency.accountId, basisPoints: 2_000 }, { payee: 'platform', basisPoints: 1_000 },
      ];
      const draft = await royalties.draftSplit(owner.actor, key('draftSplit'), clone, { legs: shares, effectiveFrom, refundFeeBearer, ...terms });
      for (const person of [owner, agency, operator]) {
        if (person !== operator && !shares.some((leg) => leg.payee === person.accountId)) continue;
        await royalties.signSplit(person.actor, key('signSplit'), draft.splitId, { signature: await all.signature(person, draft.document) });
      }
      return draft.splitId;
    },
    async onboard(person, bankAccount = '000123456789') {
      const { onboardingUrl } = await royalties.onboardPayee(person.actor, key('onboardPayee'));
      const body = new URLSearchParams({ name: person.name, country: 'CN', currency: 'CNY', account_number: bankAccount, business_type: 'company' });
      const done = await fetch(onboardingUrl, { method: 'POST', body, redirect: 'manual' });
      if (done.status !== 303) throw new Error(`onboarding answered ${done.status}`);
      await world.drain();
    },
    run: (throughDay, dryRun) => royalties.runRoyalties(operator.actor, key('runRoyalties'), {
      cloneId, throughDay, ...(dryRun === undefined ? {} : { dryRun }),
    }),
    async close() {
      await database.close();
      rmSync(folder, { recursive: true });
      await world.close();
    },
  };
  return all;
}
