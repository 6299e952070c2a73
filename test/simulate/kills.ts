import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Cluster, openCluster } from '../support/cluster.ts';
import { DATABASE } from '../support/global.ts';
import { outside } from '../support/database.ts';
import { sell } from './fans.ts';
import { isoDay } from './reference/days.ts';
import type { Story } from './story.ts';
import type { WorkerOrders } from './worker.ts';

/** Real deaths: SIGKILL to a service process and to PostgreSQL, at instants that no seed chooses. */

export interface Power {
  /** Kills PostgreSQL's first process as the kernel would, and starts it again: it recovers from its log. */
  kill: () => Promise<void>;
  close: () => Promise<void>;
}

/** A PostgreSQL whose life is in our hands, with the template that each seed's database is copied from. */
export async function openPower(): Promise<Power> {
  const template = 'simulate_template';
  const cluster: Cluster = await openCluster(template);
  outside.address = { ownerUrl: cluster.ownerUrl(DATABASE), appUrl: cluster.appUrl(DATABASE), superuserUrl: cluster.superuserUrl(DATABASE), template };
  return {
    async kill() {
      const [pid = ''] = readFileSync(join(cluster.dataFolder, 'postmaster.pid'), 'utf8').split('\n');
      process.kill(Number(pid), 'SIGKILL');
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
    async close() {
      outside.address = null;
      await cluster.remove();
    },
  };
}

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

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
    owners: [...stage.facts.owners], taxRateBasisPoints: stage.options.taxRateBasisPoints, runs: [run],
  };
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [JSON.stringify(orders)], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const gone = once(child, 'exit');
  let last = 'nothing';
  child.on('message', (said) => (last = JSON.stringify(said)));
  await Promise.race([once(child, 'message'), gone]);
  await pause(story.random.below(250));
  child.kill('SIGKILL');
  await gone;
  story.count(last === '"done"' ? 'process_killed_idle' : 'process_killed_working');
  await claimsEnd(story);
  await story.settle();
  // Whoever asked for the run asks again, under the same key.
  await stage.rooms.royalties.runRoyalties(run.actor, run.key, { cloneId: run.cloneId, throughDay: run.throughDay });
  story.happen({ what: 'recognised', cloneId: run.cloneId, throughDay });
  story.happen({ what: 'run', cloneId: run.cloneId });
  return true;
}

/** The database is killed while jobs are worked, and everything acknowledged is there when it is back. */
function killPostgres(power: Power): (story: Story) => Promise<boolean> {
  return async (story) => {
    if (story.late || !(await sell(story))) return false;
    const { stage } = story;
    await stage.sandbox.control.idle();
    const working = stage.drain().then(() => 'done', (error: unknown) => String(error));
    await pause(story.random.below(60));
    await power.kill();
    if ((await working) !== 'done') story.count('postgres_killed_working');
    await claimsEnd(story);
    await story.settle();
    return true;
  };
}

export const kills = (power: Power): Readonly<Record<string, (story: Story) => Promise<boolean>>> => ({
  kill_process: killProcess, kill_postgres: killPostgres(power),
});
