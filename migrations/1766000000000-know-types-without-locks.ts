import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A foreign key share-locks the row it points to, and every release of the house pointed to the same one. The lists of types
 * only grow and nobody may delete from them, so looking a name up is enough; what it says no with stays the same.
 */
export class KnowTypesWithoutLocks1766000000000 implements MigrationInterface {
  name = 'KnowTypesWithoutLocks1766000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE log_leaf DROP CONSTRAINT log_leaf_type_known;
      CREATE FUNCTION log_leaf_type_known() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF NOT EXISTS (SELECT FROM log_leaf_type WHERE name = NEW.type) THEN
          RAISE EXCEPTION 'the log has no leaves of type %', NEW.type
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'log_leaf_type_known';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER log_leaf_type_known BEFORE INSERT ON log_leaf FOR EACH ROW EXECUTE FUNCTION log_leaf_type_known();

      ALTER TABLE signed_document DROP CONSTRAINT signed_document_type_known;
      CREATE FUNCTION signed_document_type_known() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF NOT EXISTS (SELECT FROM signed_document_type WHERE name = NEW.document_type) THEN
          RAISE EXCEPTION 'nobody signs documents of type %', NEW.document_type
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'signed_document_type_known';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER signed_document_type_known BEFORE INSERT ON signed_document
        FOR EACH ROW EXECUTE FUNCTION signed_document_type_known();
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
