import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { refused } from './ceremony.ts';
import type { IdentityDeps } from './deps.ts';
import {
  type Account, CHALLENGE_MS, cleanName, counterAccepted, knownCountry, type Locale, SESSION_MS, usableChallenge,
} from './model.ts';
import { creationOptions, type CreationOptions, requestOptions, type RequestOptions } from './options.ts';
import * as challenges from './store-challenges.ts';
import * as store from './store.ts';
import { bearerToken, tokenHash } from './tokens.ts';
import {
  type AssertionCredential, type RegistrationCredential, verifyAssertion, type VerifiedAssertion, verifyRegistration,
} from './verification.ts';

export interface AccountView {
  accountId: string;
  displayName: string;
  country: string | null;
  locale: Locale;
  roles: Account['roles'][number][];
  createdAt: string;
}

export interface PasskeyView {
  credentialId: string;
  createdAt: string;
  lastUsedAt: string;
  /** Whether copies of the key may exist on other devices of its holder. */
  synced: boolean;
}

export interface SessionView {
  account: AccountView;
  sessionToken: string;
  sessionExpiresAt: string;
}

export function unknownChallenge(): Refusal {
  return new Refusal('challenge_unknown', 'There is no such challenge; ask for a new one.');
}

export function accountView(account: Account): AccountView {
  return { ...account, roles: [...account.roles], createdAt: account.createdAt.toISOString() };
}

export async function loadAccount(tx: Tx, accountId: string): Promise<Account | null> {
  const row = await store.findAccount(tx, accountId);
  if (row === null) return null;
  const { id, ...rest } = row;
  return { ...rest, accountId: id, roles: await store.rolesOf(tx, id) };
}

/** A passkey answered: its counter is judged and kept. The caller holds the credential's row. */
export async function acceptAssertion(
  deps: IdentityDeps, known: store.CredentialRow, assertion: AssertionCredential, challenge: Uint8Array,
): Promise<VerifiedAssertion> {
  const verified = await verifyAssertion(assertion, challenge, known, deps.relyingParty);
  if (!counterAccepted(known.signCount, verified.counter, verified.backupEligible)) {
    throw refused('The passkey counts backwards: a copy of it may be in use.');
  }
  return verified;
}

/** The challenge is used up and the credential's counter has moved; to be written wherever an assertion was accepted. */
export async function recordUse(tx: Tx, known: store.CredentialRow, verified: VerifiedAssertion, used: { challengeId: string; at: Date }): Promise<void> {
  await Promise.all([
    store.credentialUsed(tx, known.id, { counter: verified.counter, backedUp: verified.backedUp, at: used.at }),
    challenges.useChallenge(tx, used.challengeId, used.at),
  ]);
}

async function openSession(tx: Tx, deps: IdentityDeps, accountId: string, credentialId: string): Promise<SessionView> {
  const createdAt = deps.clock.now();
  const expiresAt = new Date(createdAt.getTime() + SESSION_MS);
  const sessionToken = bearerToken('ses', deps.random.bytes(32));
  const hash = tokenHash('ses', sessionToken);
  const account = await loadAccount(tx, accountId);
  if (hash === null || account === null) throw new Error('A session needs an account and a token.');
  await store.insertSession(tx, { id: deps.ids.next('session'), accountId, credentialId, tokenHash: hash, createdAt, expiresAt });
  return { account: accountView(account), sessionToken, sessionExpiresAt: expiresAt.toISOString() };
}

/** Registration and the account behind it. */
export function makeRegistrations(deps: IdentityDeps) {
  const { runTx, clock, ids, random, relyingParty } = deps;
  return {
    /** @throws Refusal `invitation_invalid`, `request_invalid` */
    async createRegistrationOptions(input: {
      displayName: string; locale?: Locale; invitationToken?: string;
    }): Promise<{ challengeId: string; expiresAt: string; publicKey: CreationOptions }> {
      const displayName = cleanName(input.displayName);
      const issuedAt = clock.now();
      const expiresAt = new Date(issuedAt.getTime() + CHALLENGE_MS);
      const challengeId = ids.next('challenge');
      const accountId = ids.next('account');
      const challenge = Buffer.from(random.bytes(32));
      await runTx(async (tx) => {
        let invitationId: string | null = null;
        if (input.invitationToken !== undefined) {
          const hash = tokenHash('inv', input.invitationToken);
          const invitation = hash === null ? null : await store.findUsableInvitation(tx, hash, issuedAt);
          if (invitation === null) throw invalidInvitation();
          invitationId = invitation.id;
        }
        await challenges.insertChallenge(tx, { id: challengeId, purpose: 'registration', challenge, accountId, issuedAt, expiresAt });
        await challenges.insertRegistrationRequest(tx, challengeId, { displayName, locale: input.locale ?? 'zh-CN', invitationId });
      });
      return {
        challengeId, expiresAt: expiresAt.toISOString(),
        publicKey: creationOptions({ relyingParty, challenge, accountId, displayName }),
      };
    },

    /** @throws Refusal `challenge_unknown|used|expired`, `assertion_invalid`, `user_verification_missing`, `credential_exists`, `invitation_invalid` */
    async register(input: { challengeId: string; credential: RegistrationCredential }): Promise<SessionView> {
      return await runTx(async (tx) => {
        const now = clock.now();
        const challenge = await challenges.lockChallenge(tx, input.challengeId, 'registration');
        const request = await challenges.findRegistrationRequest(tx, input.challengeId);
        if (challenge?.accountId == null || request === null) throw unknownChallenge();
        const { accountId } = usableChallenge({ ...challenge, accountId: challenge.accountId }, now);
        const made = await verifyRegistration(input.credential, challenge.challenge, relyingParty);
        await challenges.useChallenge(tx, challenge.id, now);
        const { displayName, locale } = request;
        await store.insertAccount(tx, { id: accountId, displayName, country: null, locale, createdAt: now });
        if (!(await store.insertCredential(tx, accountId, made, now))) {
          throw new Refusal('credential_exists', 'This passkey is registered already: sign in with it.');
        }
        if (request.invitationId !== null && (await store.acceptInvitation(tx, request.invitationId, now, accountId)) === null) {
          throw invalidInvitation();
        }
        return await openSession(tx, deps, accountId, made.id);
      });
    },
  };
}

export function invalidInvitation(): Refusal {
  return new Refusal('invitation_invalid', 'This invitation was used, withdrawn or is too old; ask for a new one.');
}

/** Signing in and out. */
export function makeSessions(deps: IdentityDeps) {
  const { runTx, clock, ids, random, relyingParty } = deps;
  return {
    async createLoginOptions(): Promise<{ challengeId: string; expiresAt: string; publicKey: RequestOptions }> {
      const issuedAt = clock.now();
      const expiresAt = new Date(issuedAt.getTime() + CHALLENGE_MS);
      const challengeId = ids.next('challenge');
      const challenge = Buffer.from(random.bytes(32));
      await runTx(async (tx) =>
        await challenges.insertChallenge(tx, { id: challengeId, purpose: 'login', challenge, accountId: null, issuedAt, expiresAt }));
      return {
        challengeId, expiresAt: expiresAt.toISOString(), publicKey: requestOptions({ relyingParty, challenge, credentials: [] }),
      };
    },

    /** @throws Refusal `challenge_unknown|used|expired`, `credential_unknown`, `assertion_invalid`, `user_verification_missing` */
    async login(input: { challengeId: string; credential: AssertionCredential }): Promise<SessionView> {
      return await runTx(async (tx) => {
        const now = clock.now();
        const challenge = await challenges.lockChallenge(tx, input.challengeId, 'login');
        if (challenge === null) throw unknownChallenge();
        usableChallenge(challenge, now);
        const known = await store.lockCredential(tx, input.credential.id);
        if (known === null) throw new Refusal('credential_unknown', 'This passkey is not registered here.');
        const verified = await acceptAssertion(deps, known, input.credential, challenge.challenge);
        const { userHandle } = input.credential.response;
        if (userHandle != null && Buffer.from(userHandle, 'base64url').toString() !== known.accountId) {
          throw refused('The passkey belongs to another account than it says.');
        }
        await recordUse(tx, known, verified, { challengeId: challenge.id, at: now });
        return await openSession(tx, deps, known.accountId, known.id);
      });
    },

    async logout(actor: Actor): Promise<{ sessionId: string; endedAt: string }> {
      const endedAt = clock.now();
      await runTx(async (tx) => await store.endSession(tx, actor.sessionId, endedAt));
      return { sessionId: actor.sessionId, endedAt: endedAt.toISOString() };
    },

    /** Who carries this token, or null. One indexed read. */
    async authenticate(token: string): Promise<Actor | null> {
      const hash = tokenHash('ses', token);
      return hash === null ? null : await runTx(async (tx) => await store.findActor(tx, hash, clock.now()));
    },
  };
}

/** What an account sees and changes of itself. */
export function makeProfiles(deps: IdentityDeps) {
  const { runTx } = deps;

  async function load(tx: Tx, actor: Actor): Promise<AccountView> {
    const account = await loadAccount(tx, actor.accountId);
    if (account === null) throw notFound();
    return accountView(account);
  }

  return {
    async getMe(actor: Actor): Promise<{ account: AccountView; passkeys: PasskeyView[] }> {
      return await runTx(async (tx) => ({
        account: await load(tx, actor),
        passkeys: (await store.credentialsOf(tx, actor.accountId)).map((row) => ({
          credentialId: row.id, createdAt: row.createdAt.toISOString(), lastUsedAt: row.lastUsedAt.toISOString(),
          synced: row.backupEligible,
        })),
      }));
    },

    /** @throws Refusal `country_unknown`, `request_invalid` */
    async updateMe(
      actor: Actor, key: IdempotencyKey, input: { displayName?: string; country?: string; locale?: Locale },
    ): Promise<AccountView> {
      const change: Partial<store.AccountRow> = {
        ...(input.displayName === undefined ? {} : { displayName: cleanName(input.displayName) }),
        ...(input.country === undefined ? {} : { country: knownCountry(input.country) }),
        ...(input.locale === undefined ? {} : { locale: input.locale }),
      };
      return await runTx(async (tx) => await once(tx, key, async () => {
        await store.updateAccount(tx, actor.accountId, change);
        return await load(tx, actor);
      }));
    },
  };
}
