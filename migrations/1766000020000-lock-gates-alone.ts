import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/**
 * A change of a gate waits for the releases that hold it. One whose process was frozen, or cut off, in its middle would hold it
 * for ever: who has said nothing for a whole lease is taken to be gone, and its transaction is rolled back by ending its session.
 */
export class LockGatesAlone1766000020000 implements MigrationInterface {
  name = 'LockGatesAlone1766000020000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The exclusive lock of a gate, in a statement of its own; answers the isolation level, null where there is no gate.
      CREATE FUNCTION lock_gate_alone(of_gate text) RETURNS text LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
      DECLARE
        key bigint;
        usual text := current_setting('lock_timeout');
      BEGIN
        SELECT lock_key INTO key FROM gate WHERE id = of_gate;
        IF NOT FOUND THEN
          RETURN NULL;
        END IF;
        LOOP
          BEGIN
            PERFORM set_config('lock_timeout', '1s', true);
            PERFORM pg_advisory_xact_lock(key);
            PERFORM set_config('lock_timeout', usual, true);
            RETURN current_setting('transaction_isolation');
          EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_stat_clear_snapshot();
            -- Those that hold it, and those whom they wait for in their turn: who works is left alone.
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE usename = current_user AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
                AND clock_timestamp() - state_change >= interval '1 second'
                AND pid IN (
                  WITH RECURSIVE ahead (pid) AS (
                    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid
                    UNION SELECT unnest(pg_blocking_pids(ahead.pid)) FROM ahead)
                  SELECT pid FROM ahead);
          END;
        END LOOP;
      END $$;
    `);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
