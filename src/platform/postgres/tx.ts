import type { EntityManager, EntitySchema, ObjectLiteral, QueryRunner, Repository } from 'typeorm';

import type { Tx } from '../../kernel/tx.ts';

const runners = new WeakMap<Tx, QueryRunner>();

/** Makes the opaque token for a running transaction. Only `database.ts` calls it. */
export function openToken(runner: QueryRunner): Tx {
  const tx = Object.freeze({}) as Tx;
  runners.set(tx, runner);
  return tx;
}

/** After this the token is dead: work that leaks out of its transaction fails instead of writing outside of it. */
export function closeToken(tx: Tx): void {
  runners.delete(tx);
}

function runnerOf(tx: Tx): QueryRunner {
  const runner = runners.get(tx);
  if (runner === undefined) throw new Error('This transaction has ended; its token was used too late.');
  return runner;
}

/** Runs one statement; `$1…` parameters. bigint columns arrive as bigint, dates as text, jsonb parsed. */
export async function sql<Row = Record<string, unknown>>(tx: Tx, text: string, params: unknown[] = []): Promise<Row[]> {
  const result = await runnerOf(tx).query(text, params, true);
  return result.records as Row[];
}

/** As `sql`, for a statement that returns exactly one row; anything else is a programmer's error. */
export async function one<Row = Record<string, unknown>>(tx: Tx, text: string, params: unknown[] = []): Promise<Row> {
  const rows = await sql<Row>(tx, text, params);
  const [row] = rows;
  if (row === undefined || rows.length !== 1) throw new Error(`Expected one row, got ${rows.length}.`);
  return row;
}

/** As `sql`, for a statement that returns one row or none. */
export async function maybeOne<Row = Record<string, unknown>>(
  tx: Tx, text: string, params: unknown[] = [],
): Promise<Row | null> {
  const rows = await sql<Row>(tx, text, params);
  if (rows.length > 1) throw new Error(`Expected at most one row, got ${rows.length}.`);
  return rows[0] ?? null;
}

/** Runs one statement and answers how many rows it touched. */
export async function execute(tx: Tx, text: string, params: unknown[] = []): Promise<number> {
  const result = await runnerOf(tx).query(text, params, true);
  return result.affected ?? result.records.length;
}

/** TypeORM's repository of a plain table, bound to this transaction. */
export function repository<Entity extends ObjectLiteral>(tx: Tx, schema: EntitySchema<Entity>): Repository<Entity> {
  const manager: EntityManager = runnerOf(tx).manager;
  return manager.getRepository(schema);
}

/** Runs `work` behind a savepoint: when it throws, only its own writes are undone and the error goes on. */
export async function savepoint<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  await sql(tx, 'SAVEPOINT step');
  try {
    const result = await work();
    await sql(tx, 'RELEASE SAVEPOINT step');
    return result;
  } catch (error) {
    await sql(tx, 'ROLLBACK TO SAVEPOINT step');
    await sql(tx, 'RELEASE SAVEPOINT step');
    throw error;
  }
}

/** NOTIFY at commit. It serialises commits, so only rare events may use it (docs/promises.md: the stop, never a release). */
export async function notify(tx: Tx, channel: string, payload: string): Promise<void> {
  await sql(tx, 'SELECT pg_notify($1, $2)', [channel, payload]);
}
