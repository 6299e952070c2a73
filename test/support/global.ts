import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

import { systemRandom } from '../../src/kernel/random.ts';
import { migrate, startEmbedded } from '../../src/platform/postgres/index.ts';

/** What the global set-up hands to each test file. */
export interface TestServerAddress {
  ownerUrl: string;
  appUrl: string;
  superuserUrl: string;
  template: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: TestServerAddress;
  }
}

/** Placeholder that a test file replaces by the name of its own database. */
export const DATABASE = '__database__';

function migrationsDigest(): string {
  const folder = new URL('../../migrations/', import.meta.url);
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(new URL(file, folder)));
  return hash.digest('hex').slice(0, 16);
}

/**
 * Tests of a run lose their databases at its end: nothing waits for a disk. What a crash leaves is tested on servers of its
 * own (test/support/cluster.ts), and what is measured is measured on one that waits.
 */
const FORGETFUL = ['-c', 'fsync=off', '-c', 'full_page_writes=off'];

/** One real PostgreSQL with a migrated template, for a run of tests or for a bench. */
export async function openTemplateServer(flags: string[] = []): Promise<{ address: TestServerAddress; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'benren-test-'));
  // As root, the server's own user walks through it.
  chmodSync(folder, 0o711);
  const server = await startEmbedded({ folder, random: systemRandom, flags });
  const template = `template_${migrationsDigest()}`;
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await server.createDatabase(template);
    await migrate(server.ownerUrl(template));
  } catch (error) {
    // A migration that fails must fail the run, not leave it waiting for a server that nobody stops.
    await stop();
    throw error;
  }
  const address = {
    ownerUrl: server.ownerUrl(DATABASE), appUrl: server.appUrl(DATABASE), superuserUrl: server.superuserUrl(DATABASE), template,
  };
  return { address, stop };
}

/** The server of the run, which every test file copies its database from. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { address, stop } = await openTemplateServer(FORGETFUL);
  project.provide('postgres', address);
  return stop;
}
