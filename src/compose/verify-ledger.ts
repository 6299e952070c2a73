import type { RunTx, Tx } from '../kernel/tx.ts';
import type { Ledger, VerifyReport } from '../ledger/index.ts';
import { auditStatements } from '../royalties/index.ts';
import type { Transparency } from '../transparency/index.ts';

/**
 * `broken`: something does not hold. `unprovable`: everything fits, and of what lies behind the checkpoint (of everything,
 * without one) it cannot be said whether it was always so. `proven`: nothing lies behind it.
 */
export type BooksVerdict = 'proven' | 'unprovable' | 'broken';

export interface BooksReport extends Omit<VerifyReport, 'problems' | 'unprovable'> {
  unprovable: VerifyReport['unprovable'] & { statements: number };
  verdict: BooksVerdict;
  /** Leaves of the log that the given checkpoint speaks of; null without one. */
  checkpointSize: bigint | null;
  statements: number;
  problems: { code: string; id: string; detail: string }[];
}

interface Books {
  ledger: Pick<Ledger, 'verifyAgainst' | 'entries'>;
  transparency: Pick<Transparency, 'audit'>;
}

/** What somebody kept elsewhere: a checkpoint of the log, and the key by which it is believed (default: this service's own). */
export interface Kept {
  checkpoint: string;
  key?: string;
}

/** Ledger, holds, statements and log in one snapshot (the caller opens REPEATABLE READ), held against each other. */
export async function verifyBooksIn(tx: Tx, { ledger, transparency }: Books, kept: Kept | null): Promise<BooksReport> {
  const log = kept === null ? null : await transparency.audit(tx, kept.checkpoint, ['ledger.sealed', 'statement.closed'], kept.key);
  const proven = (type: string): Map<string, string> => new Map([...log?.leaves.values() ?? []]
    .filter((leaf) => leaf.type === type).map(({ leafId, documentSha256 }) => [leafId, documentSha256]));
  const report = await ledger.verifyAgainst(tx, log === null ? null : proven('ledger.sealed'));
  const statements = await auditStatements(tx, ledger, proven('statement.closed'));
  const problems = [...log?.problems ?? [], ...report.problems, ...statements.problems];
  const open = report.unprovable.transfers + report.unprovable.holdFacts + statements.statements - statements.proven;
  return {
    ...report, problems, checkpointSize: log?.size ?? null, statements: statements.statements,
    unprovable: { ...report.unprovable, statements: statements.statements - statements.proven },
    verdict: problems.length > 0 ? 'broken' : open > 0 || log === null ? 'unprovable' : 'proven',
  };
}

export async function verifyBooks(runTx: RunTx, books: Books, kept: Kept | null): Promise<BooksReport> {
  return await runTx((tx) => verifyBooksIn(tx, books, kept), { isolation: 'REPEATABLE READ' });
}
