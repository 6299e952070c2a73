import type { Tx } from '../kernel/tx.ts';
import type { IdentityDeps } from './deps.ts';
import { makeInvitations } from './invitations.ts';
import { type Account, CHALLENGE_KEPT_MS } from './model.ts';
import { loadAccount, makeProfiles, makeRegistrations, makeSessions } from './people.ts';
import { makeSignatures, makeSigningChallenges } from './signing.ts';
import * as challenges from './store-challenges.ts';

/** Rows per sweep: a bounded transaction, however long nobody swept. */
const SWEEP_ROWS = 1_000;

/** The room: verbs for the contract, and what other rooms may ask in their own transactions. */
export function makeIdentity(deps: IdentityDeps) {
  if (deps.secret.byteLength < 32) throw new RangeError('identity needs a secret of at least 32 bytes');
  return {
    ...makeRegistrations(deps),
    ...makeSessions(deps),
    ...makeProfiles(deps),
    ...makeInvitations(deps),
    ...makeSigningChallenges(deps),
    ...makeSignatures(deps),

    /** An account with its roles, or null. */
    async account(tx: Tx, accountId: string): Promise<Account | null> {
      return await loadAccount(tx, accountId);
    },

    /** Removes challenges that nobody can answer any more. What was signed with one stays in the signed document. */
    async sweepChallenges(): Promise<number> {
      const before = new Date(deps.clock.now().getTime() - CHALLENGE_KEPT_MS);
      return await deps.runTx(async (tx) => await challenges.deleteChallengesBefore(tx, before, SWEEP_ROWS));
    },
  };
}

export type IdentityService = ReturnType<typeof makeIdentity>;
