import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import { type Config, ConfigError } from '../config.ts';
import { type GatewayLease, makeGatewayLease, openLeaseStore, type LeaseClocks, type Remembered } from '../consent/index.ts';
import type { Ids } from '../kernel/ids.ts';
import { systemLeaseClocks } from '../platform/clock.ts';
import { type Database, one } from '../platform/postgres/index.ts';
import type { Log } from '../platform/telemetry/index.ts';

/**
 * What a gateway knew of its database, over its restarts: otherwise one that starts after an old backup was restored
 * would believe it. Gateways that share the folder keep the highest.
 */
export function fileMemory(path: string): { load(): Remembered | null; save(known: Remembered): void } {
  const load = (): Remembered | null => {
    if (!existsSync(path)) return null;
    const { systemIdentifier, timeline, stops } = JSON.parse(readFileSync(path, 'utf8')) as { systemIdentifier: string; timeline: number; stops: string };
    return { systemIdentifier, timeline, stops: BigInt(stops) };
  };
  return {
    load,
    save(known) {
      const kept = load();
      const same = kept?.systemIdentifier === known.systemIdentifier && kept.timeline === known.timeline;
      if (kept !== null && same && kept.stops > known.stops) return;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.${process.pid}`, JSON.stringify({ ...known, stops: known.stops.toString() }), { mode: 0o600 });
      renameSync(`${path}.${process.pid}`, path);
    },
  };
}

/** The lease of this process, not started yet. */
export function makeLease(deps: { config: Config; appUrl: string; ids: Ids; log: Log; clocks?: LeaseClocks }): GatewayLease {
  const { config, appUrl, ids, log, clocks = systemLeaseClocks } = deps;
  return makeGatewayLease({
    openStore: (heard) => openLeaseStore(appUrl, heard), clocks, ids, log, process: `${hostname()} ${process.pid}`.slice(-200),
    // The embedded database lives and goes with the folder that the memory would lie in.
    ...(config.databaseUrl === null ? {} : { memory: fileMemory(join(config.dataFolder, 'gateway-memory.json')) }),
  });
}

/**
 * With a standby that does not commit together with the primary, a failover could lose a stop that was acknowledged.
 *
 * @throws ConfigError
 */
export async function refuseUnsafeStandby(database: Database): Promise<void> {
  const { standbys, names } = await database.runTx((tx) => one<{ standbys: bigint; names: string }>(tx, `
    SELECT (SELECT count(*) FROM pg_stat_replication) + (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical') AS standbys,
      current_setting('synchronous_standby_names') AS names`));
  if (standbys > 0n && names === '') {
    throw new ConfigError(['DATABASE_URL: this PostgreSQL has a standby and no synchronous_standby_names; a failover could lose a stop']);
  }
}
