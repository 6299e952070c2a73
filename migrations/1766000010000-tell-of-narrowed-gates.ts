import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Every gateway is told at once when a gate narrows, by whatever narrowed it: not stops alone, also a proof that ends, a grant
 * that is revoked or amended, a version that is withdrawn. What opens again is found by the next renewal.
 */
export class TellOfNarrowedGates1766000010000 implements MigrationInterface {
  name = 'TellOfNarrowedGates1766000010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION gate_tells() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        PERFORM pg_notify('benren_stop', json_build_object('gateId', NEW.id, 'epoch', NEW.epoch::text)::text);
        RETURN NULL;
      END $$;
      CREATE TRIGGER gate_tells AFTER UPDATE ON gate FOR EACH ROW
        WHEN (NEW.epoch > OLD.epoch AND NOT (OLD.state = 'paused' AND NEW.state = 'open')) EXECUTE FUNCTION gate_tells();
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
