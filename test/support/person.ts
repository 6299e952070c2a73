import type { DocumentType } from '../../src/identity/index.ts';
import type { Random } from '../../src/kernel/random.ts';
import type { Client } from './client.ts';
import { makePasskey, type Passkey } from './passkey.ts';

/** Somebody with a passkey, a session and an account. */
export interface Person {
  name: string;
  accountId: string;
  passkey: Passkey;
  /** The session's bearer token. */
  token: string;
  client: Client;
  /** Signs in anew by passkey: sessions end after thirty days. */
  signIn: () => Promise<void>;
  /** Reads, signs and answers what an operation takes as `signature`. */
  sign: (documentType: DocumentType, document: object, locale?: 'en' | 'zh-CN') => Promise<SignatureInput>;
}

export interface SignatureInput {
  challengeId: string;
  credential: ReturnType<Passkey['sign']>;
}

/** Registers over HTTP as a browser would; a role comes only with an invitation. */
export async function registerPerson(
  client: Client, random: Random, options: { displayName: string; locale?: 'en' | 'zh-CN'; invitationToken?: string },
): Promise<Person> {
  const passkey = makePasskey({ random, origin: client.origin });
  const challenge = await client.call('createRegistrationOptions', { body: options });
  const session = await client.call('register', {
    body: { challengeId: challenge.challengeId, credential: passkey.register(challenge.publicKey) },
  });
  const person: Person = {
    name: options.displayName,
    accountId: session.account.accountId,
    passkey,
    token: session.sessionToken,
    client: client.as(session.sessionToken),
    async signIn() {
      const asked = await client.call('createLoginOptions', {});
      const again = await client.call('login', { body: { challengeId: asked.challengeId, credential: passkey.sign(asked.publicKey) } });
      person.token = again.sessionToken;
      person.client = client.as(again.sessionToken);
    },
    async sign(documentType, document, locale = 'en') {
      const asked = await person.client.call('createSigningChallenge', { body: { documentType, document: { ...document }, locale } });
      return { challengeId: asked.challengeId, credential: passkey.sign(asked.publicKey) };
    },
  };
  return person;
}
