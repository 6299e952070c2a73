import pg from 'pg';

import type { TestDatabase } from '../support/database.ts';

interface Target {
  cloneId: string;
  grantId: string;
  gates: string[];
}

/** A clone with its gates, and a table whose trigger asks them as the gateway's release does. */
export interface GateBench {
  /** Makes a clone with its four gates and answers their ids in tree order. */
  makeClone(name: string, ownerAccountId?: string): Promise<Target>;
  /** The same for many, in two statements. */
  makeClones(names: readonly string[], ownerAccountId?: string): Promise<Target[]>;
  /** As the superuser: to plant a fault. */
  plant(sql: string): Promise<void>;
  /** Rows of other rooms, without their rooms' rules. */
  plantRows(sql: string, params: unknown[]): Promise<void>;
  close(): Promise<void>;
}

/** The rows that a gate hangs on are of other rooms: planted without their rooms' rules, which are tested there. */
async function withoutRules(client: pg.Client, sql: string, params: unknown[] = []): Promise<void> {
  await client.query('SET session_replication_role = replica');
  await client.query(sql, params);
  await client.query('SET session_replication_role = origin');
}

/** `table: false` where the probe table is there already. */
export async function makeGateBench(database: Pick<TestDatabase, 'superuserUrl'>, { table = true } = {}): Promise<GateBench> {
  const root = new pg.Client({ connectionString: database.superuserUrl });
  await root.connect();
  if (table) await root.query(`
    CREATE TABLE probe (
      id text PRIMARY KEY, clone_id text NOT NULL, grant_id text NOT NULL, gate_ids text[] NOT NULL, epochs bigint[] NOT NULL);
    GRANT SELECT, INSERT ON probe TO benren_app;
    CREATE FUNCTION probe_gates() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM assert_release_gates(NEW.clone_id, 'voice', NEW.grant_id, NEW.gate_ids, NEW.epochs);
      RETURN NEW;
    END $$;
    CREATE TRIGGER probe_gates BEFORE INSERT ON probe FOR EACH ROW EXECUTE FUNCTION probe_gates();
  `);
  async function makeClones(names: readonly string[], ownerAccountId = 'acc_x'): Promise<Target[]> {
    await withoutRules(root, `
      WITH name AS (SELECT name FROM unnest($1::text[]) AS name),
      made AS (INSERT INTO clone (id, owner_account_id, ownership_proof_id, name, handle, created_at)
        SELECT 'cln_' || name, $2, 'own_x', 'x', rpad(left('h' || name, 30), greatest(3, length(left('h' || name, 30))), '0'), '2026-01-01' FROM name)
      INSERT INTO consent_grant (id, clone_id, owner_account_id, licensee, drafted_at)
        SELECT 'grt_' || name, 'cln_' || name, $2, 'platform', '2026-01-01' FROM name`, [names, ownerAccountId]);
    await root.query(`
      INSERT INTO gate (id, kind, clone_id, capability, grant_id, reason, changed_by, changed_at)
      SELECT 'gat_' || name || '_' || kind.id, kind.of, 'cln_' || name, kind.capability, CASE kind.of WHEN 'grant' THEN 'grt_' || name END,
        'made', 'test', '2026-01-01'
      FROM unnest($1::text[]) AS name,
        (VALUES ('clone', 'clone', NULL), ('voice', 'capability', 'voice'), ('grant', 'grant', NULL)) AS kind (id, of, capability)`, [names]);
    return names.map((name) => ({
      cloneId: `cln_${name}`, grantId: `grt_${name}`, gates: ['gat_platform', ...['clone', 'voice', 'grant'].map((kind) => `gat_${name}_${kind}`)],
    }));
  }
  return {
    async makeClone(name, ownerAccountId) {
      const [made] = await makeClones([name], ownerAccountId);
      return made!;
    },
    makeClones,
    async plant(sql) {
      await root.query(sql);
    },
    plantRows: (sql, params) => withoutRules(root, sql, params),
    async close() {
      await root.end();
    },
  };
}

/** A session of the service's role that runs one statement at a time and can be seen waiting. */
export interface Session {
  run(sql: string, params?: unknown[]): Promise<pg.QueryResult>;
  /** Starts a statement; true when it is still waiting for a lock, false when it has ended. */
  start(sql: string, params?: unknown[]): Promise<{ waiting: boolean; done: Promise<Outcome> }>;
  /** Watches a started statement until it has ended (false) or waits for a lock (true). */
  watch(done: Promise<Outcome>): Promise<boolean>;
  close(): Promise<void>;
}

export type Outcome = { ok: true; rows: Record<string, unknown>[] } | { ok: false; constraint: string };

function settled(query: Promise<pg.QueryResult>): Promise<Outcome> {
  return query.then(
    (result): Outcome => ({ ok: true, rows: result.rows as Record<string, unknown>[] }),
    (error: unknown): Outcome => {
      if (error instanceof pg.DatabaseError) return { ok: false, constraint: error.constraint ?? error.code ?? 'unknown' };
      throw error;
    },
  );
}

export async function openSession(url: string, monitor: pg.Client): Promise<Session> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const pid = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  const waiting = async (): Promise<boolean> => {
    const { rows } = await monitor.query<{ waits: boolean }>(
      `SELECT coalesce(wait_event_type = 'Lock', false) AS waits FROM pg_stat_activity WHERE pid = $1`, [pid]);
    return rows[0]?.waits ?? false;
  };
  const watch = async (done: Promise<Outcome>): Promise<boolean> => {
    for (;;) {
      const ended = await Promise.race([done.then(() => true), new Promise<false>((tick) => setTimeout(tick, 2, false))]);
      if (ended) return false;
      if (await waiting()) return true;
    }
  };
  return {
    run: (sql, params = []) => client.query(sql, params),
    watch,
    async start(sql, params = []) {
      const done = settled(client.query(sql, params));
      return { waiting: await watch(done), done };
    },
    async close() {
      await client.end();
    },
  };
}
