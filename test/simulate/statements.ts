import pg from 'pg';

interface Count {
  port: number;
  left: number;
  act: () => void;
}

const counts = new Set<Count>();
let watching = false;

function watch(): void {
  if (watching) return;
  watching = true;
  const own = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query')?.value as (...args: unknown[]) => unknown;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    for (const count of counts) {
      if (this.port !== count.port) continue;
      count.left -= 1;
      if (count.left > 0) continue;
      counts.delete(count);
      count.act();
    }
    return own.apply(this, args);
  } as typeof pg.Client.prototype.query;
}

/**
 * Acts when this process is about to send its `statements`-th statement from now on to the PostgreSQL at a port: in the middle of
 * whatever transaction that is. Answers how to take it back, and whether it has acted.
 */
export function atStatement(port: number, statements: number, act: () => void): { cancel: () => boolean } {
  watch();
  const count = { port, left: statements, act };
  counts.add(count);
  return { cancel: () => !counts.delete(count) };
}
