import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Named cases first: they notice most changes in milliseconds, before any property is asked two thousand times. */
class NamedCasesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isProperty = ({ moduleId }: TestSpecification): number => (moduleId.includes('/test/mutation/') ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => isProperty(a) - isProperty(b));
  }
}

/**
 * The tests of pure money code alone: no database is started, so a changed operator is judged in milliseconds. What books
 * money asks the ledger's door for the chart of accounts alone; here it gets that, and not the drivers behind the door.
 */
export default defineConfig({
  resolve: { alias: [{ find: /^\.\.\/ledger\/index\.ts$/, replacement: fileURLToPath(new URL('../test/mutation/ledger-door.ts', import.meta.url)) }] },
  test: {
    include: [
      'test/kernel/money.test.ts', 'test/ledger/model.test.ts', 'test/billing/model.test.ts', 'test/royalties/model.test.ts',
      'test/billing/coin-model.test.ts', 'test/royalties/conversion-model.test.ts', 'test/royalties/advances-model.test.ts',
      'test/royalties/derivative-model.test.ts', 'test/royalties/position-model.test.ts', 'test/royalties/statement-lines.test.ts', 'test/mutation/*.test.ts',
    ],
    setupFiles: ['test/mutation/first-failure.ts'],
    sequence: { sequencer: NamedCasesFirst },
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 30_000,
  },
});
