import pg from 'pg';
import type { EntitySchema } from 'typeorm';
import { inject } from 'vitest';

import type { RunTx } from '../../src/kernel/tx.ts';
import { connect } from '../../src/platform/postgres/index.ts';
import { DATABASE, type TestServerAddress } from './global.ts';

export interface TestDatabase {
  runTx: RunTx;
  appUrl: string;
  ownerUrl: string;
  superuserUrl: string;
  name: string;
  /** One statement as the role of the service, outside of it: for attacks. */
  asApp<Row extends pg.QueryResultRow = pg.QueryResultRow>(text: string, params?: unknown[]): Promise<Row[]>;
  /** One statement as the role that owns the tables. */
  asOwner<Row extends pg.QueryResultRow = pg.QueryResultRow>(text: string, params?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

let counter = 0;

/** What leaves nothing behind in its session: the next statement may run there. */
const PLAIN = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b(?![\s\S]*(advisory|set_config|pg_export_snapshot|;\s*\S))/i;

/** Statements outside the service, several at once if they are asked at once. Opening a session costs more than most statements. */
function makeOutsider(connectionString: string): { query<Row extends pg.QueryResultRow>(text: string, params: unknown[]): Promise<Row[]>; end(): Promise<void> } {
  const pool = new pg.Pool({ connectionString, max: 30, idleTimeoutMillis: 2_000, allowExitOnIdle: true });
  // A database that a test takes away takes the idle sessions with it.
  pool.on('error', () => undefined);
  return {
    async query<Row extends pg.QueryResultRow>(text: string, params: unknown[]) {
      const client = await pool.connect();
      let reusable = PLAIN.test(text);
      try {
        return (await client.query<Row>(text, params)).rows;
      } catch (error) {
        reusable = false;
        throw error;
      } finally {
        client.release(!reusable);
      }
    },
    end: () => pool.end(),
  };
}

/** Set by a command that runs without vitest and has started a server of its own. */
export const outside: { address: TestServerAddress | null } = { address: null };

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** File by file, by the kernel where it can: a tenth of what PostgreSQL's own way costs, through its log, page by page. */
async function copyTemplate(client: pg.Client, name: string, template: string): Promise<void> {
  const copy = `CREATE DATABASE ${name} OWNER benren_owner TEMPLATE ${template} STRATEGY FILE_COPY`;
  await client.query(`SET file_copy_method = 'clone'`);
  try {
    await client.query(copy);
  } catch (error) {
    // A file system whose kernel does not copy.
    if (!(error instanceof Error) || !error.message.includes('could not clone')) throw error;
    await client.query(`SET file_copy_method = 'copy'`);
    await client.query(copy);
  }
}

/** A fresh copy of the migrated template, and a connection to it as the service's role. */
export async function openTestDatabase(entities: EntitySchema[] = [], poolSize = 10): Promise<TestDatabase> {
  const address = outside.address ?? inject('postgres');
  counter += 1;
  const name = `t_${process.pid}_${process.hrtime.bigint().toString(36)}_${counter}`;
  const at = (url: string): string => url.replace(DATABASE, name);
  await withClient(address.superuserUrl.replace(DATABASE, 'postgres'), async (client) => {
    // Two files may copy the template at once; PostgreSQL refuses the second while the first reads it.
    await client.query('SELECT pg_advisory_lock(6237002)');
    await copyTemplate(client, name, address.template);
  });
  const database = await connect({ url: at(address.appUrl), entities, poolSize });
  const [app, owner] = [makeOutsider(at(address.appUrl)), makeOutsider(at(address.ownerUrl))];
  let closed = false;
  return {
    runTx: database.runTx,
    appUrl: at(address.appUrl),
    ownerUrl: at(address.ownerUrl),
    superuserUrl: at(address.superuserUrl),
    name,
    asApp: <Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) => app.query<Row>(text, params),
    asOwner: <Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) => owner.query<Row>(text, params),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all([database.close(), app.end(), owner.end()]);
      await withClient(address.superuserUrl.replace(DATABASE, 'postgres'), async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      });
    },
  };
}
