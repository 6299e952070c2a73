/**
 * `benren`: one program, several roles.
 *
 *   start                 everything in one process; with no setting, everything embedded
 *   api | worker | gateway  one part each, any number of processes, sharing PostgreSQL and Redis
 *   migrate               bring the database up to date and end
 *   operator init         print the single-use invitation of the first operator
 *   verify FILE           check a proof, a receipt, a signed document or an evidence bundle without network or database
 *   recompute STATEMENT   work a statement out again from its events (--events FILE), without network or database
 *   verify-ledger         replay the ledger and name what does not hold
 */
import { run } from './compose/commands.ts';

process.exitCode = await run(process.argv.slice(2), process.env);
