import { setTimeout as rest } from 'node:timers/promises';

import type { Random } from '../../../src/kernel/random.ts';

/** Awaited before each step: whose turn it is, is drawn. */
export type Turn = () => Promise<void>;
export type Script = (turn: Turn) => Promise<void>;

interface Player {
  go: (() => void) | null;
  ended: boolean;
}

/** A wait for a lock that nobody will let go of. */
const STUCK_MS = 20_000;

/**
 * Runs the scripts step by step in a random order: one step at a time, until it has ended or waits for a lock in PostgreSQL.
 * `waiting` counts the sessions that do. What a script throws is thrown when all have ended.
 */
export async function interleave(scripts: readonly Script[], random: Random, waiting: () => Promise<number>): Promise<void> {
  let moved: () => void = () => undefined;
  const failures: unknown[] = [];
  const players = scripts.map((script): Player => {
    const player: Player = { go: null, ended: false };
    const turn: Turn = () => new Promise((go) => {
      player.go = go;
      moved();
    });
    void script(turn).catch((error: unknown) => void failures.push(error)).finally(() => {
      player.ended = true;
      moved();
    });
    return player;
  });
  const running = (): number => players.filter(({ go, ended }) => go === null && !ended).length;
  const settle = async (): Promise<void> => {
    while (running() > 0) {
      const over = new AbortController();
      const timer = rest(3, true, { signal: over.signal }).catch(() => false);
      const late = await Promise.race([new Promise<false>((done) => (moved = () => done(false))), timer]);
      over.abort();
      if (!late) continue;
      const before = running();
      // The same before and after the question: otherwise somebody was counted who has gone on since.
      if ((await waiting()) >= before && running() === before) return;
    }
  };
  let idle = performance.now();
  for (;;) {
    await settle();
    const free = players.filter(({ go }) => go !== null);
    const player = free[random.below(Math.max(1, free.length))];
    if (player === undefined) {
      if (running() === 0) break;
      if (performance.now() - idle > STUCK_MS) throw new Error('Everybody waits for a lock.');
      await rest(1);
      continue;
    }
    idle = performance.now();
    const { go } = player;
    player.go = null;
    go?.();
  }
  if (failures.length > 0) throw failures[0];
}
