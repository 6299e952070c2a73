import { readdirSync, readFileSync } from 'node:fs';

import type { TestDatabase } from '../support/database.ts';

/** Processor time, in milliseconds since a process began: where others load the machine too, it says more than the clock. */
export interface Processor {
  node: number;
  postgres: number;
}

/** What Linux counts of a process: its own time, that of its children that ended, and its parent. Null when it is gone. */
function counted(pid: number): { own: number; ended: number; parent: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    const ticks = (from: number): number => ((fields[from] ?? 0) + (fields[from + 1] ?? 0)) * 10;
    return { own: ticks(11), ended: ticks(13), parent: fields[1] ?? 0 };
  } catch {
    return null;
  }
}

/** Asks both sides, PostgreSQL with all of its processes; a clock tick of Linux is 10 ms. Null where there is no /proc. */
export async function openProcessor(test: TestDatabase): Promise<() => Processor | null> {
  const [row] = await test.asOwner<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const master = counted(row?.pid ?? 0)?.parent;
  return () => {
    const head = master === undefined ? null : counted(master);
    if (head === null) return null;
    const backends = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => counted(Number(name)));
    const { user, system } = process.cpuUsage();
    return {
      node: (user + system) / 1_000,
      postgres: backends.reduce((sum, one) => sum + (one?.parent === master ? one?.own ?? 0 : 0), head.own + head.ended),
    };
  };
}
