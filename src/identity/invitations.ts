import { Refusal } from '../kernel/refusals.ts';
import type { Actor, Role } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { IdentityDeps } from './deps.ts';
import { INVITATION_MS, mayInvite } from './model.ts';
import { type AccountView, accountView, invalidInvitation, loadAccount } from './people.ts';
import * as store from './store.ts';
import { invitationToken, tokenHash } from './tokens.ts';

export interface InvitationView {
  invitationId: string;
  role: Role;
  note: string | null;
  createdAt: string;
  expiresAt: string;
}

/** Roles come by invitation: nobody can choose one, and each invitation gives one role to one account, once. */
export function makeInvitations(deps: IdentityDeps) {
  const { runTx, clock, ids, secret } = deps;

  async function issue(tx: Tx, role: Role, invitedBy: string | null, note: string | null): Promise<InvitationView> {
    const id = ids.next('invitation');
    const createdAt = clock.now();
    const expiresAt = new Date(createdAt.getTime() + INVITATION_MS);
    const hash = tokenHash('inv', invitationToken(secret, id));
    if (hash === null) throw new Error('An invitation token has the form that is looked for.');
    await store.insertInvitation(tx, { id, role, tokenHash: hash, invitedBy, note, createdAt, expiresAt });
    return { invitationId: id, role, note, createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() };
  }

  return {
    /**
     * The invitation of the first operator, for `benren operator init`; a further one, while none was used, replaces it.
     *
     * @throws Refusal `role_missing` once there is an operator: from then on operators invite
     */
    async operatorInvitation(): Promise<string> {
      return await runTx(async (tx) => {
        const { exists } = await store.lockFirstOperator(tx);
        if (exists) throw new Refusal('role_missing', 'There is an operator already: operators invite operators.');
        await store.withdrawFirstInvitations(tx, clock.now());
        const { invitationId } = await issue(tx, 'operator', null, null);
        return invitationToken(secret, invitationId);
      });
    },

    /** @throws Refusal `role_missing` */
    async createInvitation(
      actor: Actor, key: IdempotencyKey, input: { role: Role; note?: string },
    ): Promise<InvitationView & { token: string }> {
      if (!mayInvite(actor.roles, input.role)) throw new Refusal('role_missing', 'Operators invite operators and reviewers.');
      const view = await runTx(async (tx) =>
        await once(tx, key, async () => await issue(tx, input.role, actor.accountId, input.note ?? null)));
      return { ...view, token: invitationToken(secret, view.invitationId) };
    },

    /** @throws Refusal `invitation_invalid` */
    async acceptInvitation(actor: Actor, key: IdempotencyKey, input: { token: string }): Promise<AccountView> {
      const hash = tokenHash('inv', input.token);
      if (hash === null) throw invalidInvitation();
      return await runTx(async (tx) => await once(tx, key, async () => {
        const now = clock.now();
        const invitation = await store.findUsableInvitation(tx, hash, now);
        if (invitation === null) throw invalidInvitation();
        if ((await store.rolesOf(tx, actor.accountId)).includes(invitation.role)) {
          throw new Refusal('invitation_invalid', 'You have this role already; the invitation is still good for somebody else.');
        }
        if ((await store.acceptInvitation(tx, invitation.id, now, actor.accountId)) === null) throw invalidInvitation();
        const account = await loadAccount(tx, actor.accountId);
        if (account === null) throw new Error('Somebody without an account accepted an invitation.');
        return accountView(account);
      }));
    },
  };
}
