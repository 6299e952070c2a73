import { makeDocuments, loadDocuments } from '../../src/identity/documents.ts';
import { makeIdentity, type IdentityService } from '../../src/identity/index.ts';
import { identityEntities } from '../../src/identity/store.ts';
import type { Documents } from '../../src/identity/documents.ts';
import type { DocumentType, RelyingParty } from '../../src/identity/model.ts';
import type { SignedDocument } from '../../src/identity/signing.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom, type Random } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { IdempotencyKey } from '../../src/kernel/tx.ts';
import { makeTestClock, type TestClock } from '../support/clock.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { makePasskey, type Passkey, type Tampering } from '../support/passkey.ts';

export const SITE: RelyingParty = { id: 'benren.example', name: 'Benren', origin: 'https://app.benren.example' };

/** The smallest schema of a signed document: these tests are about signing, not about any one document. */
const note = (type: DocumentType): object => ({
  type: 'object', additionalProperties: false, required: ['type', 'schemaVersion', 'text'],
  properties: {
    type: { const: `benren.${type}` }, schemaVersion: { const: 1 }, text: { type: 'string', maxLength: 1000 },
    words: { type: 'array', items: { type: 'string' } }, count: { type: 'integer' },
  },
});

export const FIXTURES: Documents = makeDocuments({ grant: note('grant'), stop_order: note('stop_order') });
export const REAL: Documents = loadDocuments();

export function grantNote(text: string): Record<string, unknown> {
  return { type: 'benren.grant', schemaVersion: 1, text };
}

export interface Person {
  accountId: string;
  passkey: Passkey;
  token: string;
  actor: Actor;
}

export interface Harness {
  database: TestDatabase;
  clock: TestClock;
  identity: IdentityService;
  random: Random;
  key(body?: unknown): IdempotencyKey;
  register(name: string, invitationToken?: string, deviceBound?: boolean): Promise<Person>;
  operator(): Promise<Person>;
  /** A challenge for a document, answered by the person's passkey, completed. */
  sign(person: Person, text: string, wrong?: Tampering): Promise<SignedDocument>;
  /** Rows of every table of this room: for "nothing was written". */
  counts(): Promise<Record<string, number>>;
}

/** The refusal's code; anything else that is thrown goes on being thrown. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
}

export async function openHarness(seed: string, site: RelyingParty = SITE): Promise<Harness> {
  const database = await openTestDatabase(identityEntities);
  const clock = makeTestClock('2026-03-01T02:00:00Z');
  const random = seededRandom(seed);
  const identity = makeIdentity({
    runTx: database.runTx, clock, ids: makeIds(clock, random), random, relyingParty: site, documents: FIXTURES, secret: random.bytes(32),
  });
  let keys = 0;
  let first: Person | undefined;

  function key(body: unknown = {}): IdempotencyKey {
    keys += 1;
    return { scope: 'test', key: `key-${keys}`, digest: JSON.stringify(body) };
  }

  async function register(name: string, invitationToken?: string, deviceBound = false): Promise<Person> {
    const passkey = makePasskey({ random, origin: site.origin, deviceBound });
    const options = await identity.createRegistrationOptions({
      displayName: name, ...(invitationToken === undefined ? {} : { invitationToken }),
    });
    const credential = passkey.register(options.publicKey);
    const session = await identity.register({ challengeId: options.challengeId, credential });
    const actor = await identity.authenticate(session.sessionToken);
    if (actor === null) throw new Error('a fresh session is no session');
    return { accountId: session.account.accountId, passkey, token: session.sessionToken, actor };
  }

  return {
    database, clock, identity, random,
    key,
    register,
    async operator() {
      first ??= await register('Operator', await identity.operatorInvitation());
      return first;
    },
    async sign(person, text, wrong) {
      const challenge = await identity.createSigningChallenge(person.actor, key(), {
        documentType: 'grant', document: grantNote(text), locale: 'en',
      });
      const credential = person.passkey.sign(challenge.publicKey, wrong);
      return await database.runTx(async (tx) => await identity.completeSignature(
        tx, person.actor, { challengeId: challenge.challengeId, credential }, { documentType: 'grant' },
      ));
    },
    async counts() {
      const tables = [
        'account', 'credential', 'session', 'invitation', 'account_role', 'challenge', 'signing_request', 'registration_request',
        'signed_document', 'idempotency',
      ];
      const [row] = await database.asOwner<Record<string, string>>(
        `SELECT ${tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`).join(', ')},
                (SELECT count(*) FROM challenge WHERE used_at IS NOT NULL) AS used, (SELECT sum(sign_count) FROM credential) AS signs`,
      );
      return Object.fromEntries(Object.entries(row ?? {}).map(([name, count]) => [name, Number(count)]));
    },
  };
}
