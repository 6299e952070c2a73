/**
 * PostgreSQL, the one place where truth is kept. This folder owns the driver: pools, the transaction token's inside,
 * the embedded server and the migrations. Rooms see `RunTx`, `sql(tx, …)` and, for plain rows, `repository(tx, …)`.
 */
export { connect, type Database, sqlConstraint, sqlState } from './database.ts';
export { sql, prepared, preparedLast, maybeOne, one, execute, repository, savepoint, connectionsOpened } from './tx.ts';
export { openSession, type Session } from './session.ts';
export { answered, once } from './once.ts';
export { plainTable } from './plain-table.ts';
export { startEmbedded, type EmbeddedPostgres } from './embedded.ts';
export { nativeFolder } from './embedded-host.ts';
export { migrate, pendingMigrations } from './migrate.ts';
export type { EntitySchema } from 'typeorm';
