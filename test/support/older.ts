import pg from 'pg';
import { DataSource } from 'typeorm';
import { inject } from 'vitest';

import { loadMigrations } from '../../src/platform/postgres/migrate.ts';
import { DATABASE } from './global.ts';

/** A database as it stood before a migration, to be filled and brought up to today. */
export interface OlderDatabase {
  ownerUrl: string;
  appUrl: string;
  superuserUrl: string;
  /** Its tables of then, as their owner. */
  source: DataSource;
  drop: () => Promise<void>;
}

async function asSuperuser(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Empty, with the migrations whose timestamp is below `before`. */
export async function openOlderDatabase(name: string, before: number): Promise<OlderDatabase> {
  const { superuserUrl, ownerUrl, appUrl } = inject('postgres');
  const at = (url: string): string => url.replace(DATABASE, name);
  const server = superuserUrl.replace(DATABASE, 'postgres');
  await asSuperuser(server, `CREATE DATABASE ${name} OWNER benren_owner`);
  const older = (await loadMigrations()).filter((one) => Number(/\d{13}$/.exec(one.name)?.[0]) < before);
  const source = new DataSource({ type: 'postgres', url: at(ownerUrl), migrations: older, migrationsTableName: 'migration', synchronize: false });
  await source.initialize();
  await source.runMigrations({ transaction: 'each' });
  return { ownerUrl: at(ownerUrl), appUrl: at(appUrl), superuserUrl: at(superuserUrl), source, drop: () => asSuperuser(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

const COLUMNS = `SELECT c.relname AS table, array_agg(a.attname::text ORDER BY a.attname) AS columns FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migration' GROUP BY 1 ORDER BY 1`;

export interface CommonTable {
  table: string;
  /** The columns that both have. */
  columns: string[];
}

const listOf = (columns: readonly string[]): string => columns.map((column) => `"${column}"`).join(', ');

/** The rows of a table by the columns that are named, as text that is equal where they are. */
export async function rowsText(client: pg.Client, { table, columns }: CommonTable): Promise<string> {
  const { rows } = await client.query<{ all: string | null }>(`SELECT jsonb_agg(to_jsonb(r) ORDER BY to_jsonb(r)::text)::text AS all FROM (SELECT ${listOf(columns)} FROM "${table}") r`);
  return rows[0]?.all ?? '[]';
}

/**
 * Copies what both databases have, past every trigger and key, as it would stand there if it had been written then. Answers which tables got rows.
 * Amounts stay PostgreSQL's text all the way.
 */
export async function fillFrom(fromUrl: string, toUrl: string): Promise<CommonTable[]> {
  const from = new pg.Client({ connectionString: fromUrl });
  const to = new pg.Client({ connectionString: toUrl });
  await from.connect();
  await to.connect();
  try {
    await to.query('SET session_replication_role = replica');
    const there = new Map((await to.query<CommonTable>(COLUMNS)).rows.map(({ table, columns }) => [table, columns]));
    const filled: CommonTable[] = [];
    for (const { table, columns } of (await from.query<CommonTable>(COLUMNS)).rows) {
      const common = { table, columns: (there.get(table) ?? []).filter((column) => columns.includes(column)) };
      if (common.columns.length === 0) continue;
      const text = await rowsText(from, common);
      if (text === '[]') continue;
      // What the migrations of then wrote themselves.
      await to.query(`DELETE FROM "${table}"`);
      await to.query(`INSERT INTO "${table}" (${listOf(common.columns)}) OVERRIDING SYSTEM VALUE SELECT ${listOf(common.columns)} FROM jsonb_populate_recordset(null::"${table}", $1::jsonb)`, [text]);
      filled.push(common);
    }
    await to.query(`SELECT setval(oid::regclass, 1000000) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'`);
    return filled;
  } finally {
    await from.end();
    await to.end();
  }
}
