import { defineConfig } from 'vitest/config';

import { LongestFirst } from './test/support/longest-first.ts';

/**
 * One embedded PostgreSQL for the run (test/support/global.ts); each file clones the migrated template database.
 * Two workers at most: the machines have two cores and every file drives a server of its own.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // A worker keeps what it has loaded and warmed from one file to the next: no file changes a module's state for another.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
