import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { compose, type Overrides, type ProcessRole, type Service } from '../../src/compose.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { type Random, seededRandom } from '../../src/kernel/random.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { type Client, makeClient } from './client.ts';
import { makeTestClock, type TestClock } from './clock.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';
import { registerPerson, type Person } from './person.ts';

/** The whole service over HTTP on a database of its own, every answer held against the contract. */
export interface TestServer {
  service: Service;
  client: Client;
  clock: TestClock;
  random: Random;
  database: TestDatabase;
  config: Config;
  person(displayName: string, invitationToken?: string): Promise<Person>;
  /** The first operator, by the invitation that `operator init` prints. */
  operator(): Promise<Person>;
  invited(by: Person, role: 'reviewer' | 'payee' | 'operator', displayName: string): Promise<Person>;
  close(): Promise<void>;
}

export async function startTestServer(
  options: { seed: string; role?: ProcessRole; env?: Record<string, string> } & Pick<Overrides, 'media'>,
): Promise<TestServer> {
  const database = await openTestDatabase([], 2);
  const folder = mkdtempSync(join(tmpdir(), 'benren-service-'));
  const clock = makeTestClock('2026-03-02T02:00:00Z');
  const random = seededRandom(options.seed);
  const config = loadConfig({ BENREN_DATA: folder, PORT: '0', LOG_LEVEL: 'silent', ...options.env });
  const service = await compose(config, options.role ?? 'start', {
    clock, random, allowLoopback: true, validateResponses: true, log: makeLog({ level: 'silent' }),
    databaseUrls: { owner: database.ownerUrl, app: database.appUrl }, ...(options.media === undefined ? {} : { media: options.media }),
  });
  const client = makeClient(service.origin);
  const person = (displayName: string, invitationToken?: string): Promise<Person> =>
    registerPerson(client, random, { displayName, ...(invitationToken === undefined ? {} : { invitationToken }) });
  return {
    service, client, clock, random, database, config, person,
    operator: async () => await person('Operator', await service.rooms.identity.operatorInvitation()),
    async invited(by, role, displayName) {
      const { token } = await by.client.call('createInvitation', { body: { role } });
      return await person(displayName, token);
    },
    async close() {
      await service.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
