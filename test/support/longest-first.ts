import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take much longer than their size says. They begin first: one of them alone at the end would keep a worker busy
 * while the other has nothing left. A file that is not named here only begins later.
 */
const LONG: readonly string[] = [
  'access/matrix', 'simulate/money', 'notices/notices', 'stop/interleavings', 'gateway/delivery', 'stop/phases', 'billing/attacks', 'http/garbage', 'http/rights', 'stop/replaced',
  'royalties/payouts', 'royalties/refunds', 'consent/delegation', 'service', 'gateway/licensed', 'consent/grants', 'billing/events', 'consent/interleavings', 'ledger/corrupted',
];

const place = ({ moduleId }: TestSpecification): number => {
  const found = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return found === -1 ? LONG.length : found;
};

/** Those first, then as vitest would: the larger files before the smaller ones. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
