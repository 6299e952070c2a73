import type { MigrationInterface, QueryRunner } from 'typeorm';

const STAND_STILL = `
  -- Locks accounts in the order of their ids and answers, from a snapshot taken after, how they stand and which of these
  -- keys name a transfer already. In one call, so that it costs one round trip.
  CREATE FUNCTION ledger_stand_still(codes text[], keys text[])
    RETURNS TABLE (code text, balance numeric, held numeric, key text, transfer_id text, content_hash bytea)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    PERFORM 1 FROM ledger_account a WHERE a.code = ANY (codes) ORDER BY a.id FOR NO KEY UPDATE;
    RETURN QUERY
      SELECT a.code, ledger_balance(a.id, NULL, NULL), ledger_held(a.id), NULL::text, NULL::text, NULL::bytea
        FROM ledger_account a WHERE a.code = ANY (codes)
      UNION ALL
      SELECT NULL, NULL, NULL, t.key, t.id, t.content_hash FROM ledger_transfer t WHERE t.key = ANY (keys);
  END $$;
`;

/** As created with positions; new: what lies above every seq of the snapshot is its tail without asking for positions. */
const BALANCE = `
  CREATE OR REPLACE FUNCTION ledger_balance(account bigint, through bigint, until date) RETURNS numeric LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    top CONSTANT bigint := coalesce(through, 9223372036854775807);
    base ledger_balance_snapshot;
    ceiling bigint;
    total numeric := 0;
    tail numeric;
    above numeric;
  BEGIN
    SELECT * INTO base FROM ledger_balance_snapshot
      WHERE account_id = account AND position <= top ORDER BY position DESC LIMIT 1;
    IF base.position IS NULL THEN
      base.position := 0;
      base.settled_seq := 0;
      base.high_seq := 0;
    ELSIF until IS NULL THEN
      total := base.balance_minor;
    ELSE
      SELECT coalesce(sum(amount_minor), 0) INTO total FROM ledger_balance_day
        WHERE account_id = account AND position <= base.position AND effective_date <= until;
    END IF;

    IF through IS NULL AND until IS NULL THEN
      -- No snapshot holds what has a seq above its highest: only the few between its two places need their position.
      SELECT sum(e.amount_minor) INTO above FROM ledger_entry e
        WHERE e.account_id = account AND e.transfer_seq > base.high_seq;
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq AND e.transfer_seq <= base.high_seq
          AND coalesce(p.position, top) > base.position;
      RETURN total + coalesce(above, 0) + coalesce(tail, 0);
    END IF;

    SELECT high_seq INTO ceiling FROM ledger_roll_up WHERE position >= top ORDER BY position LIMIT 1;
    ceiling := coalesce(ceiling, 9223372036854775807);
    IF until IS NULL THEN
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq AND e.transfer_seq <= ceiling
          AND p.position > base.position AND p.position <= top;
    ELSE
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_transfer t ON t.seq = e.transfer_seq
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq AND e.transfer_seq <= ceiling
          AND coalesce(p.position, CASE WHEN through IS NULL THEN top END) > base.position
          AND coalesce(p.position, top) <= top AND t.effective_date <= until;
    END IF;
    RETURN total + coalesce(tail, 0);
  END $$;
`;

/** One round trip to decide a batch under its locks, and a balance that reads less. */
export class PostInBatches1766010002000 implements MigrationInterface {
  name = 'PostInBatches1766010002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(STAND_STILL);
    await runner.query(BALANCE);
    await runner.query(`
      REVOKE ALL ON FUNCTION ledger_stand_still FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ledger_stand_still TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
