import type { Writable } from 'node:stream';
import type pg from 'pg';
import { type EntityManager, type EntitySchema, type ObjectLiteral, QueryFailedError, type QueryRunner, type Repository } from 'typeorm';

import type { Tx } from '../../kernel/tx.ts';

/** A running transaction, behind its token. */
export interface Open {
  runner: QueryRunner;
  client: Pick<pg.ClientBase, 'query'>;
  /** How many connections had been opened to the database when it began. */
  opened: number;
  /** The answer to a COMMIT that left with the last statement. */
  ended?: Promise<pg.QueryResult>;
}

const running = new WeakMap<Tx, Open>();

/** Makes the opaque token for a running transaction. Only `database.ts` calls it. */
export function openToken(open: Open): Tx {
  const tx = Object.freeze({}) as Tx;
  running.set(tx, open);
  return tx;
}

/** After this the token is dead: work that leaks out of its transaction fails instead of writing outside of it. */
export function closeToken(tx: Tx): void {
  running.delete(tx);
}

function openOf(tx: Tx): Open {
  const open = running.get(tx);
  if (open === undefined || open.ended !== undefined) throw new Error('This transaction has ended; its token was used too late.');
  return open;
}

/**
 * How many connections this process had opened to the database when this transaction began, its own included. Whatever took the database's place, it
 * is reached by a new connection: what was learned at the same number was learned of the same database.
 */
export function connectionsOpened(tx: Tx): number {
  return openOf(tx).opened;
}

/**
 * Sent before this returns: statements that are asked for one after the other run in that order, each with a snapshot of
 * its own, also where nobody awaits one before asking for the next.
 */
async function ask(tx: Tx, text: string, params: unknown[]): Promise<Partial<pg.QueryResult>> {
  const { client } = openOf(tx);
  try {
    return await client.query(text, params);
  } catch (error) {
    throw new QueryFailedError(text, params, error as Error);
  }
}

/**
 * Runs one statement; `$1…` parameters. bigint columns arrive as bigint, dates as text, jsonb parsed. Several that do not need
 * each other's answers may be asked for at once (`Promise.all`): they cost one way to PostgreSQL and back, and run in order.
 */
export async function sql<Row = Record<string, unknown>>(tx: Tx, text: string, params: unknown[] = []): Promise<Row[]> {
  return ((await ask(tx, text, params)).rows ?? []) as Row[];
}

/**
 * As `sql`, for the few statements of a hot path: each connection parses and plans it once. A name stands for one text for
 * ever.
 */
export async function prepared<Row = Record<string, unknown>>(tx: Tx, name: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const { client } = openOf(tx);
  try {
    return (await client.query({ name, text, values })).rows as Row[];
  } catch (error) {
    throw new QueryFailedError(text, values, error as Error);
  }
}

/** What is written to the connection before this ends or the event loop goes on leaves in one packet. */
export function together<T>(client: Pick<pg.ClientBase, 'query'>, write: () => T): T {
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  try {
    return write();
  } finally {
    process.nextTick(() => stream.uncork());
  }
}

/**
 * As `prepared`, for the statement that a transaction ends with: COMMIT leaves with it, in one packet, and the token is dead.
 * What the caller itself would refuse must make this statement fail; what PostgreSQL asks at COMMIT fails the COMMIT. Either way nothing
 * stays. What the work answers is given out after the COMMIT's own answer.
 */
export async function preparedLast<Row = Record<string, unknown>>(tx: Tx, name: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const open = openOf(tx);
  const { client } = open;
  const answer = together(client, () => {
    const asked = client.query({ name, text, values });
    open.ended = client.query('COMMIT');
    // Whoever opened the transaction waits for it; until then nobody may be.
    open.ended.catch(() => undefined);
    return asked;
  });
  try {
    return (await answer).rows as Row[];
  } catch (error) {
    throw new QueryFailedError(text, values, error as Error);
  }
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
  const { rowCount, rows = [] } = await ask(tx, text, params);
  return rowCount ?? rows.length;
}

/** TypeORM's repository of a plain table, bound to this transaction. */
export function repository<Entity extends ObjectLiteral>(tx: Tx, schema: EntitySchema<Entity>): Repository<Entity> {
  const manager: EntityManager = openOf(tx).runner.manager;
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
