export * as chart from '../../src/ledger/chart.ts';
