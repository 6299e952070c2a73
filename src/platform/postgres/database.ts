import 'reflect-metadata';
import type pg from 'pg';
import { DataSource, type EntitySchema } from 'typeorm';

import type { IsolationLevel, RunTx, Tx } from '../../kernel/tx.ts';
import { closeToken, type Open, openToken, together } from './tx.ts';
import { columnTypes } from './types.ts';

/** The service's connection, as the role without DDL and without UPDATE or DELETE on ledger and log. */
export interface Database {
  runTx: RunTx;
  /** Answers when the server does; throws when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Of statements outside of a transaction: see `begin`. */
const READS_ONLY = '-c default_transaction_read_only=on';

/** serialization_failure and deadlock_detected: the whole transaction may simply be run again. */
const RETRYABLE = new Set(['40001', '40P01']);
const ATTEMPTS = 5;

/** What PostgreSQL says of an error under this name, however deep TypeORM has put it. */
function told(error: unknown, name: 'code' | 'constraint'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const own = (error as Partial<Record<typeof name, unknown>>)[name];
  if (typeof own === 'string') return own;
  return 'driverError' in error ? told(error.driverError, name) : undefined;
}

export function sqlState(error: unknown): string | undefined {
  return told(error, 'code');
}

/** The name of the constraint that PostgreSQL says was broken. */
export function sqlConstraint(error: unknown): string | undefined {
  return told(error, 'constraint');
}

/** After a COMMIT that failed, or on a connection that was lost, there is nothing to roll back; why the work failed is then said. */
async function rollBack(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
  } catch {
    return;
  }
}

/**
 * Sends the beginning of a transaction; it leaves with the first statement, in one packet, if that is asked for at once.
 * Should it fail, what follows it writes nothing: outside of a transaction that says otherwise the connection only reads.
 * In one statement: TypeORM's own way to begin takes a second one for the level, in every transaction of the house.
 */
function begin(client: pg.PoolClient, isolation: IsolationLevel): Promise<unknown> {
  const begun = together(client, () => client.query(`START TRANSACTION ISOLATION LEVEL ${isolation} READ WRITE`));
  // Whoever waits for it is told; until then nobody may be.
  begun.catch(() => undefined);
  return begun;
}

async function attempt<T>(
  source: DataSource, work: (tx: Tx) => Promise<T>, isolation: IsolationLevel, openedWith: (client: pg.PoolClient) => number,
): Promise<T> {
  const runner = source.createQueryRunner();
  const client = (await runner.connect()) as pg.PoolClient;
  const opened = openedWith(client);
  try {
    const begun = begin(client, isolation);
    const open: Open = { runner, client, opened };
    const tx = openToken(open);
    try {
      const result = await work(tx);
      closeToken(tx);
      await begun;
      const { command } = await (open.ended ?? client.query('COMMIT'));
      // So PostgreSQL answers where the last statement had failed and nobody had minded.
      if (command === 'ROLLBACK') throw new Error('The transaction had failed; nothing of it was kept.');
      return result;
    } catch (error) {
      closeToken(tx);
      // A COMMIT that was sent ended it, one way or the other.
      await (open.ended ?? rollBack(client)).then(() => undefined, () => undefined);
      throw error;
    }
  } finally {
    await runner.release();
  }
}

function makeRunTx(source: DataSource): RunTx {
  const seen = new WeakSet<pg.PoolClient>();
  let opened = 0;
  function openedWith(client: pg.PoolClient): number {
    if (!seen.has(client)) opened += 1;
    seen.add(client);
    return opened;
  }
  return async (work, options = {}) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt(source, work, options.isolation ?? 'READ COMMITTED', openedWith);
      } catch (error) {
        if (tries >= ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
      }
    }
  };
}

/** Connects as the service. `entities` are the plain tables of the rooms; nothing is ever synchronised from them. */
export async function connect(options: {
  url: string;
  entities?: EntitySchema[];
  poolSize?: number;
  applicationName?: string;
}): Promise<Database> {
  const source = new DataSource({
    type: 'postgres',
    url: options.url,
    entities: options.entities ?? [],
    synchronize: false,
    logging: false,
    poolSize: options.poolSize ?? 10,
    applicationName: options.applicationName ?? 'benren',
    // Statements of one transaction that do not need each other's answers are sent together and answered in order.
    // A process that freezes in the middle of a transaction does not hold its locks for ever.
    extra: { types: columnTypes, pipeline: true, idle_in_transaction_session_timeout: 30_000, options: READS_ONLY },
  });
  await source.initialize();
  return {
    runTx: makeRunTx(source),
    async ping() {
      await source.query('SELECT 1');
    },
    async close() {
      await source.destroy();
    },
  };
}
