import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { IdentityService } from './service.ts';

type Mine = Pick<
  Handlers<RequestContext>,
  | 'createRegistrationOptions' | 'register' | 'createLoginOptions' | 'login' | 'logout' | 'getMe' | 'updateMe'
  | 'createInvitation' | 'acceptInvitation' | 'createSigningChallenge' | 'getSignedDocument'
>;

export function makeIdentityHandlers(identity: IdentityService): Mine {
  return {
    async createRegistrationOptions(input) {
      return { status: 201, body: await identity.createRegistrationOptions(input.body) };
    },
    async register(input) {
      return { status: 201, body: await identity.register(input.body) };
    },
    async createLoginOptions() {
      return { status: 201, body: await identity.createLoginOptions() };
    },
    async login(input) {
      return { status: 201, body: await identity.login(input.body) };
    },
    async logout(_input, context) {
      return { status: 200, body: await identity.logout(signedIn(context)) };
    },
    async getMe(_input, context) {
      return { status: 200, body: await identity.getMe(signedIn(context)) };
    },
    async updateMe(input, context) {
      return { status: 200, body: await identity.updateMe(signedIn(context), writeKey(context), input.body) };
    },
    async createInvitation(input, context) {
      return { status: 201, body: await identity.createInvitation(signedIn(context), writeKey(context), input.body) };
    },
    async acceptInvitation(input, context) {
      return { status: 200, body: await identity.acceptInvitation(signedIn(context), writeKey(context), input.body) };
    },
    async createSigningChallenge(input, context) {
      return { status: 201, body: await identity.createSigningChallenge(signedIn(context), writeKey(context), input.body) };
    },
    async getSignedDocument(input, context) {
      return { status: 200, body: await identity.getSignedDocument(signedIn(context), input.path.signedDocumentId) };
    },
  };
}
