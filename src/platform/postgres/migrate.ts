import 'reflect-metadata';
import { readdirSync } from 'node:fs';
import { DataSource, type MigrationInterface } from 'typeorm';

type MigrationClass = new () => MigrationInterface;

const FOLDER = new URL('../../../migrations/', import.meta.url);

/** Every migration class in the folder, in the order of the files' timestamps. */
export async function loadMigrations(): Promise<MigrationClass[]> {
  const files = readdirSync(FOLDER).filter((name) => /^\d{13}-[a-z-]+\.ts$/.test(name)).sort();
  const classes: MigrationClass[] = [];
  for (const file of files) {
    const module = (await import(new URL(file, FOLDER).href)) as Record<string, MigrationClass>;
    classes.push(...Object.values(module));
  }
  return classes;
}

async function withOwner<T>(ownerUrl: string, work: (source: DataSource) => Promise<T>): Promise<T> {
  const source = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    migrations: await loadMigrations(),
    migrationsTableName: 'migration',
    synchronize: false,
  });
  await source.initialize();
  try {
    // Two processes that start at once take turns.
    await source.query('SELECT pg_advisory_lock(6237001)');
    return await work(source);
  } finally {
    await source.destroy();
  }
}

/** Runs what is missing, each migration in its own transaction, as the owner. Answers the names that ran. */
export async function migrate(ownerUrl: string): Promise<string[]> {
  return await withOwner(ownerUrl, async (source) => {
    const done = await source.runMigrations({ transaction: 'each' });
    return done.map((migration) => migration.name);
  });
}

/** Whether this code knows migrations that the database has not seen. */
export async function pendingMigrations(ownerUrl: string): Promise<boolean> {
  return await withOwner(ownerUrl, async (source) => await source.showMigrations());
}
