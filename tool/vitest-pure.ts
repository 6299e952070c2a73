import { defineConfig } from 'vitest/config';

/** The tests of pure money code alone: no database is started, so a changed operator is judged in milliseconds. */
export default defineConfig({
  test: {
    include: [
      'test/kernel/money.test.ts', 'test/ledger/model.test.ts', 'test/billing/model.test.ts', 'test/royalties/model.test.ts',
      'test/billing/coin-model.test.ts', 'test/royalties/conversion-model.test.ts', 'test/mutation/*.test.ts',
    ],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 30_000,
  },
});
