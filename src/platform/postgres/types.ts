import pg from 'pg';

const INT8 = 20;
const DATE = 1082;

/**
 * How column values arrive: bigint as `bigint` (money must not pass through a double), dates as `YYYY-MM-DD` (a day
 * has no time zone), everything else as the driver has it.
 */
export const columnTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
    if (oid === INT8) return BigInt;
    if (oid === DATE) return (value) => value;
    const driver = pg.types.getTypeParser as (oid: number, format: 'text' | 'binary') => (value: string) => unknown;
    return driver(oid, format ?? 'text');
  },
};
