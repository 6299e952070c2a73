/**
 * `npm run mutate`: changes the pure money code one operator at a time and asks the tests that need no database to notice.
 * `npm run mutate -- --mutate src/kernel/money.ts` for one file. Below 90 % of noticed changes it ends with an error.
 */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', './tool/stryker-messages.mjs'],
  ignorers: ['sentences'],
  vitest: { configFile: 'tool/vitest-pure.ts' },
  mutate: [
    'src/kernel/money.ts',
    'src/ledger/model.ts',
    'src/ledger/reversal.ts',
    'src/billing/model.ts',
    'src/billing/coin-model.ts',
    'src/royalties/model.ts',
    'src/royalties/conversion-model.ts',
  ],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 10_000,
  thresholds: { high: 95, low: 90, break: 90 },
  reporters: ['clear-text', 'progress', 'json'],
  jsonReporter: { fileName: '.benren/mutation.json' },
  clearTextReporter: { allowColor: false, reportTests: false },
  tempDirName: '.benren/stryker',
  ignorePatterns: ['.benren', 'docs', 'inference', 'src/web'],
  cleanTempDir: 'always',
};
