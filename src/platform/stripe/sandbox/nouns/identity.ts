/** Verification sessions of Stripe Identity. That a person shows a paper happens outside of the API: `control` plays them. */
import type Stripe from 'stripe';
import { invalid } from '../core/fault.ts';
import type { Params } from '../core/form.ts';
import { LIVEMODE, type VerificationSession } from '../core/objects.ts';
import { lister, mergeMetadata, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import type { World } from '../core/world.ts';

type Outputs = Stripe.Identity.VerificationSession.VerifiedOutputs;

/** The name on a paper, in the two fields in which it is printed. */
export interface PaperFacts {
  firstName: string | null;
  lastName: string | null;
}

function readOptions(params: Params): VerificationSession['options'] {
  const asked = params.child('options')?.child('document');
  if (asked === undefined) return { document: {} };
  const flags = { require_id_number: asked.flag('require_id_number'), require_live_capture: asked.flag('require_live_capture'), require_matching_selfie: asked.flag('require_matching_selfie') };
  const types = asked.texts('allowed_types');
  return { document: { ...Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)), ...(types.length === 0 ? {} : { allowed_types: types }) } };
}

/** A fresh secret and page: each can be used once. */
function openDoor(world: World, session: VerificationSession): void {
  session.client_secret = `${session.id}_secret_test_${world.id('', 24).slice(1)}`;
  session.url = `${world.publicUrl}/verify/${world.id('test', 32)}`;
}

function closeDoor(session: VerificationSession): void {
  session.client_secret = null;
  session.url = null;
}

function create(world: World, { owner, params }: Call): object {
  params.need('type');
  const type = params.oneOf('type', ['document']) ?? 'document';
  const reference = params.text('client_reference_id') ?? null;
  const options = readOptions(params);
  const returnUrl = params.text('return_url');
  if (returnUrl !== undefined && !/^https?:\/\/\S+$/.test(returnUrl)) throw invalid('Not a valid URL', { code: 'url_invalid', param: 'return_url' });
  const metadata = mergeMetadata({}, params);
  params.done();
  const at = world.now(null);
  const object: VerificationSession = {
    id: world.id('vs'), object: 'identity.verification_session', client_reference_id: reference, client_secret: null, created: at, last_error: null,
    last_verification_report: null, livemode: LIVEMODE, metadata, options, redaction: null, related_customer: null, related_customer_account: null,
    status: 'requires_input', type, url: null,
  };
  openDoor(world, object);
  world.put('verificationSession', { owner, clock: null, object });
  announce(world, owner, object, 'created');
  return object;
}

function announce(world: World, owner: string, object: VerificationSession, what: 'canceled' | 'created' | 'requires_input' | 'verified'): void {
  // The door is for the person alone; an event goes to a server.
  world.emit({
    type: `identity.verification_session.${what}`, kind: 'verificationSession', object: { ...object, client_secret: null, url: null }, at: world.now(null), owner,
  });
}

function cancel(world: World, call: Call): object {
  call.params.done();
  const { object, owner } = world.find('verificationSession', pathId(call), call.owner);
  if (object.status !== 'requires_input') throw invalid(`You cannot cancel a VerificationSession that is ${object.status}.`);
  object.status = 'canceled';
  closeDoor(object);
  announce(world, owner, object, 'canceled');
  return object;
}

function shown(world: World, sessionId: string): { object: VerificationSession; owner: string } {
  const row = world.peek('verificationSession', sessionId);
  if (row?.object.status !== 'requires_input') throw new Error(`the sandbox has no verification session ${sessionId} that waits for input`);
  return row;
}

/** What was read from the paper; `null` until the session is verified. */
export function verifiedOutputs(world: World, sessionId: string): Outputs | null {
  return world.memory.hidden.identities[sessionId] ?? null;
}

export function verify(world: World, sessionId: string, paper: PaperFacts): void {
  const { object, owner } = shown(world, sessionId);
  object.status = 'verified';
  object.last_error = null;
  object.last_verification_report = world.id('vr');
  closeDoor(object);
  world.memory.hidden.identities[sessionId] = {
    address: null, email: null, first_name: paper.firstName, id_number_type: null, last_name: paper.lastName, phone: null,
  };
  announce(world, owner, object, 'verified');
}

export function requireInput(world: World, sessionId: string, code: Stripe.Identity.VerificationSession.LastError.Code): void {
  const { object, owner } = shown(world, sessionId);
  object.last_error = { code, reason: `The verification failed: ${code}.` };
  object.last_verification_report = world.id('vr');
  openDoor(world, object);
  announce(world, owner, object, 'requires_input');
}

export const identityRoutes: readonly Route[] = [
  ['POST', 'identity/verification_sessions', create],
  ['GET', 'identity/verification_sessions', lister('verificationSession', { client_reference_id: (one) => one.client_reference_id, status: (one) => one.status })],
  ['GET', 'identity/verification_sessions/:id', retrieve('verificationSession')],
  ['POST', 'identity/verification_sessions/:id/cancel', cancel],
];
