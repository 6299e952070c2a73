import { Socket } from 'node:net';
import pg from 'pg';

import { columnTypes } from './types.ts';

/**
 * One connection of its own, outside the pool: for what must not wait behind other work (leases) or belongs to a
 * session (LISTEN). Each statement is a transaction of its own, and none is answered before it is on disk.
 */
export interface Session {
  /** With a name it is parsed and planned once for this connection. */
  query<Row>(text: string, params?: unknown[], name?: string): Promise<Row[]>;
  /** Calls `heard` with the payload of each NOTIFY. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  /** False once the connection was lost; it never comes back, open another one. */
  readonly alive: boolean;
  close(): Promise<void>;
  /** Drops the connection at once, without a word to the server. */
  destroy(): void;
}

export async function openSession(url: string, options: { applicationName: string; connectTimeoutMs: number }): Promise<Session> {
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: url, application_name: options.applicationName, connectionTimeoutMillis: options.connectTimeoutMs,
    types: columnTypes, stream: () => socket, pipeline: true,
  });
  let alive = true;
  client.on('error', () => {
    alive = false;
  });
  client.on('end', () => {
    alive = false;
  });
  try {
    await client.connect();
    // A setting of database or role may say otherwise: what is answered here is kept.
    await client.query('SET synchronous_commit = on');
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    get alive() {
      return alive;
    },
    async query<Row>(text: string, params: unknown[] = [], name?: string) {
      return (await client.query({ text, values: params, ...(name === undefined ? {} : { name }) })).rows as Row[];
    },
    async listen(channel, heard) {
      client.on('notification', (message) => {
        if (message.channel === channel) heard(message.payload ?? '');
      });
      await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    },
    async close() {
      alive = false;
      await client.end();
    },
    destroy() {
      alive = false;
      socket.destroy();
    },
  };
}
