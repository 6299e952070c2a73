import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Cluster, openCluster } from '../support/cluster.ts';
import { DATABASE, type TestServerAddress } from '../support/global.ts';
import { sell } from './fans.ts';
import { isoDay } from './reference/days.ts';
import { atStatement } from './statements.ts';
import type { Story } from './story.ts';
import type { WorkerOrders } from './worker.ts';

/** Real deaths: SIGKILL to a service process and to PostgreSQL, at a statement that the seed chooses. */

export interface Power {
  /** Where a seed's database is made. */
  readonly address: TestServerAddress;
  readonly port: number;
  /** Kills PostgreSQL's first process as the kernel would, at once. */
  kill: () => void;
  /** Starts it again: it recovers from its log. */
  restart: () => Promise<void>;
  close: () => Promise<void>;
}

/** What a crash of the machine would need is not waited for: nobody pulls its plug here, and what a killed PostgreSQL wrote is there. */
const QUICK = ['-c', 'unix_socket_directories=.', '-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'checkpoint_timeout=1h', '-c', 'max_wal_size=8GB', '-c', 'shared_buffers=256MB', '-c', 'autovacuum_naptime=10s'];

/** A PostgreSQL whose life is in our hands, with the template that each seed's database is copied from. */
export async function openPower(): Promise<Power> {
  const template = 'simulate_template';
  const cluster: Cluster = await openCluster(template, QUICK);
  // By its socket in the data folder: a seed asks ten thousand times, and the network's stack would cost as much as the answers.
  const near = (url: string): string => url.replace('127.0.0.1', encodeURIComponent(cluster.dataFolder));
  const address = { ownerUrl: near(cluster.ownerUrl(DATABASE)), appUrl: near(cluster.appUrl(DATABASE)), superuserUrl: near(cluster.superuserUrl(DATABASE)), template };
  return {
    address, port: cluster.port,
    kill() {
      const [pid = ''] = readFileSync(join(cluster.dataFolder, 'postmaster.pid'), 'utf8').split('\n');
      process.kill(Number(pid), 'SIGKILL');
    },
    async restart() {
      // Until the last of its children has noticed, nobody may start on the same memory.
      for (let tries = 0; ; tries += 1) {
        try {
          await cluster.start();
          return;
        } catch (error) {
          if (tries === 100) throw error;
          await new Promise((done) => setTimeout(done, 100));
        }
      }
    },
    close: () => cluster.remove(),
  };
}

/** Two minutes pass, after which nobody believes that a worker that died still works. */
async function claimsEnd(story: Story): Promise<void> {
  await story.stage.ask(`UPDATE job SET claimed_until = now() - interval '1 second' WHERE state = 'running'`);
}

/** Somebody pays, and the process that books it is killed; so is the one that divides what was earned. */
async function killProcess(story: Story): Promise<boolean> {
  if (story.late || !(await sell(story))) return false;
  const { stage, payees } = story;
  await stage.sandbox.control.idle();
  const clone = story.pick(story.clones);
  const throughDay = story.today - 1;
  const run = { actor: payees.operator.actor, key: stage.key('runRoyalties'), cloneId: clone.cloneId, throughDay: isoDay(throughDay) };
  const orders: WorkerOrders = {
    appUrl: stage.db.appUrl, secretKey: stage.sandbox.secretKey, apiBase: stage.sandbox.apiBase, testClock: stage.testClock, now: stage.clock.now().toISOString(),
    owners: [...stage.facts.owners], taxRateBasisPoints: stage.options.taxRateBasisPoints, dieAt: 1 + story.random.below(120), runs: [run],
  };
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [JSON.stringify(orders)], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const gone = once(child, 'exit');
  let last = 'nothing';
  child.on('message', (said) => {
    last = JSON.stringify(said);
    if (last === '"done"') child.kill('SIGKILL');
  });
  await gone;
  story.count(last === '"done"' ? 'process_killed_idle' : 'process_killed_working');
  await claimsEnd(story);
  await story.settle();
  // Whoever asked for the run asks again, under the same key.
  await stage.rooms.royalties.runRoyalties(run.actor, run.key, { cloneId: run.cloneId, throughDay: run.throughDay });
  story.happen({ what: 'recognised', cloneId: run.cloneId, throughDay });
  story.happen({ what: 'run', cloneId: run.cloneId, at: story.now });
  return true;
}

/** The database is killed while jobs are worked, and everything acknowledged is there when it is back. */
function killPostgres(power: Power): (story: Story) => Promise<boolean> {
  return async (story) => {
    if (story.late || !(await sell(story))) return false;
    const { stage } = story;
    await stage.sandbox.control.idle();
    const killed = atStatement(power.port, 1 + story.random.below(60), () => power.kill());
    const working = stage.drain().then(() => 'done', (error: unknown) => String(error));
    const outcome = await working;
    if (!killed.cancel()) power.kill();
    await power.restart();
    if (outcome !== 'done') story.count('postgres_killed_working');
    await claimsEnd(story);
    await story.settle();
    return true;
  };
}

export const kills = (power: Power): Readonly<Record<string, (story: Story) => Promise<boolean>>> => ({
  kill_process: killProcess, kill_postgres: killPostgres(power),
});
