/**
 * A real gateway process for tests: the composition of `benren gateway` on a database and a folder that are there, with the
 * business time of the test. It says where it listens in one line of JSON, and lives until it is killed.
 */
import { compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import type { GatewayOrders } from './gateway-child.ts';

const orders = JSON.parse(process.env['GATEWAY_ORDERS'] ?? '') as GatewayOrders;
let writes = 0;

const service = await compose(loadConfig({ BENREN_DATA: orders.folder, PORT: '0', LOG_LEVEL: 'silent' }), 'gateway', {
  clock: { now: () => new Date(orders.now), monotonic: () => process.hrtime.bigint() }, log: makeLog({ level: 'silent' }), databaseUrls: orders.databaseUrls,
  media: {
    betweenCheckAndWrite() {
      writes += 1;
      // Frozen here and now, exactly between check and write.
      if (writes === orders.freezeAtWrite) process.kill(process.pid, 'SIGSTOP');
    },
  },
});
process.stdout.write(`${JSON.stringify({ origin: service.origin, gatewayId: service.platform.lease.gatewayId })}\n`);
