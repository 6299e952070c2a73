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

/** A fresh copy of the migrated template, and a connection to it as the service's role. */
export async function openTestDatabase(entities: EntitySchema[] = [], poolSize = 10): Promise<TestDatabase> {
  const address = outside.address ?? inject('postgres');
  counter += 1;
  const name = `t_${process.pid}_${process.hrtime.bigint().toString(36)}_${counter}`;
  const at = (url: string): string => url.replace(DATABASE, name);
  await withClient(address.superuserUrl.replace(DATABASE, 'postgres'), async (client) => {
    // Two files may copy the template at once; PostgreSQL refuses the second while the first reads it.
    await client.query('SELECT pg_advisory_lock(6237002)');
    await client.query(`CREATE DATABASE ${name} OWNER benren_owner TEMPLATE ${address.template}`);
  });
  const database = await connect({ url: at(address.appUrl), entities, poolSize });
  let closed = false;
  return {
    runTx: database.runTx,
    appUrl: at(address.appUrl),
    ownerUrl: at(address.ownerUrl),
    superuserUrl: at(address.superuserUrl),
    name,
    async asApp<Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) {
      return await withClient(at(address.appUrl), async (client) => (await client.query<Row>(text, params)).rows);
    },
    async asOwner<Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) {
      return await withClient(at(address.ownerUrl), async (client) => (await client.query<Row>(text, params)).rows);
    },
    async close() {
      if (closed) return;
      closed = true;
      await database.close();
      await withClient(address.superuserUrl.replace(DATABASE, 'postgres'), async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      });
    },
  };
}
