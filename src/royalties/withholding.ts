import type { components } from '../../contracts/generated/api.ts';
import { mulDivFloor } from '../kernel/money.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { maybeOne, once, sql } from '../platform/postgres/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM, WHOLE_BASIS_POINTS } from './model.ts';

export type TaxProfileJson = components['schemas']['TaxProfile'];

/**
 * Tax that the platform withholds from what it pays, as whoever pays a wage or a royalty does: at the payment, not when it was earned,
 * by the payee's profile of that day.
 */
export interface Withholding {
  /** An operator says, with the paper that it stands on, at which rate a payee is taxed from a day on. */
  setTaxProfile: (actor: Actor, key: IdempotencyKey, input: { payee: string; rateBasisPoints: number; reference: string; validFrom: Day }) => Promise<TaxProfileJson>;
  listTaxProfiles: (actor: Actor, payee?: string) => Promise<{ taxProfiles: TaxProfileJson[] }>;
}

interface ProfileRow {
  id: string;
  payee: string;
  rateBasisPoints: number;
  reference: string;
  validFrom: Day;
  setBy: string;
  setAt: Date;
}

const PROFILE = `id, payee, rate_basis_points AS "rateBasisPoints", reference, valid_from AS "validFrom", set_by AS "setBy", set_at AS "setAt"`;

/** The profile of a day: of those that had begun, the one said last. */
async function profileOn(tx: Tx, payee: string, day: Day): Promise<ProfileRow | null> {
  return await maybeOne<ProfileRow>(
    tx, `SELECT ${PROFILE} FROM tax_profile WHERE payee = $1 AND valid_from <= $2 ORDER BY valid_from DESC, set_at DESC, id DESC LIMIT 1`, [payee, day],
  );
}

/** What is withheld of a payment of `grossMinor` on a day: ⌊gross × rate⌋, nothing without a profile. */
export async function withheldOf(tx: Tx, payee: string, grossMinor: bigint, day: Day): Promise<{ withheldMinor: bigint; taxProfileId: string | null }> {
  const profile = await profileOn(tx, payee, day);
  if (profile === null) return { withheldMinor: 0n, taxProfileId: null };
  return { withheldMinor: mulDivFloor(grossMinor, BigInt(profile.rateBasisPoints), BigInt(WHOLE_BASIS_POINTS)), taxProfileId: profile.id };
}

function viewOf(row: ProfileRow): TaxProfileJson {
  const { id: taxProfileId, payee, rateBasisPoints, reference, validFrom, setBy, setAt } = row;
  return { taxProfileId, payee, rateBasisPoints, reference, validFrom, setBy, setAt: setAt.toISOString() };
}

export function makeWithholding(deps: RoyaltiesDeps): Withholding {
  const { runTx, clock } = deps;
  return {
    setTaxProfile: (actor, key, { payee, rateBasisPoints, reference, validFrom }) => runTx((tx) => once(tx, key, async () => {
      const setAt = clock.now();
      if (payee === PLATFORM || (await deps.identity.account(tx, payee)) === null) {
        throw new Refusal('payee_unknown', 'The payee is no account of this service.', { extra: { payee } });
      }
      if (payee === actor.accountId) throw new Refusal('request_invalid', 'Nobody sets their own tax.');
      // What was paid was taxed by the profile of that day, which stays.
      if (validFrom < dayOf(setAt)) throw new Refusal('request_invalid', 'A tax profile begins today or later: earlier payments were taxed as they were.');
      const row: ProfileRow = { id: deps.ids.next('taxProfile'), payee, rateBasisPoints, reference, validFrom, setBy: actor.accountId, setAt };
      await sql(
        tx, 'INSERT INTO tax_profile (id, payee, rate_basis_points, reference, valid_from, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
        [row.id, row.payee, row.rateBasisPoints, row.reference, row.validFrom, row.setBy, row.setAt],
      );
      return viewOf(row);
    })),

    listTaxProfiles: (actor, payee = actor.accountId) => runTx(async (tx) => {
      if (payee !== actor.accountId && !actor.roles.includes('operator')) throw notFound();
      const rows = await sql<ProfileRow>(tx, `SELECT ${PROFILE} FROM tax_profile WHERE payee = $1 ORDER BY valid_from DESC, set_at DESC, id DESC LIMIT 100`, [payee]);
      return { taxProfiles: rows.map(viewOf) };
    }),
  };
}
