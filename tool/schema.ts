/** Prints the schema of a freshly migrated database to `migrations/schema.sql`; `--check` compares instead. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemRandom } from '../src/kernel/random.ts';
import { migrate, startEmbedded } from '../src/platform/postgres/index.ts';
import { printSchema } from '../src/platform/postgres/schema-snapshot.ts';

const file = new URL('../migrations/schema.sql', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'benren-schema-'));
// As root, the server's own user walks through it.
chmodSync(folder, 0o711);
const server = await startEmbedded({ folder, random: systemRandom });
try {
  await server.createDatabase('snapshot');
  await migrate(server.ownerUrl('snapshot'));
  const text = await printSchema(server.ownerUrl('snapshot'));
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) throw new Error('migrations/schema.sql is stale: run npm run schema');
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
