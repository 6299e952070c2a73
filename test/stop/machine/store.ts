import type { LeaseStore, Sight } from '../../../src/consent/lease-store.ts';
import { Connection, type Committed, type Network, Postgres } from './postgres.ts';
import type { Process } from './time.ts';

function seenGates(committed: Committed, ids: readonly string[]): Sight['gates'] {
  return ids.flatMap((gateId) => {
    const gate = committed.gates.get(gateId);
    return gate === undefined ? [] : [{ gateId, ...gate }];
  });
}

export function sightOf(committed: Committed, asked: { gatewayId: string; gates: readonly string[] }): Sight {
  const confirmed = new Set(committed.confirmations.filter(({ gatewayId }) => gatewayId === asked.gatewayId).map(({ stopId }) => stopId));
  return {
    ...Postgres.remembered(committed), gates: seenGates(committed, asked.gates), confirmed: [],
    open: committed.stops.filter(({ id }) => !committed.acknowledged.has(id) && !confirmed.has(id))
      .map(({ id, gateId, kind, epoch }) => ({ stopId: id, gateId, kind, epoch })),
  };
}

/** The statements of a gateway on the small PostgreSQL. Each is a transaction of its own. */
export function openMachineStore(postgres: Postgres, process: Process, network: Network): LeaseStore {
  const connection = new Connection(postgres, process, network);
  return {
    register: (gatewayId) => connection.statement(() => postgres.apply(({ registry }) => void registry.set(gatewayId, 'serving'))),
    renew: (gatewayId) => connection.statement(({ registry }) => registry.get(gatewayId) === 'serving'),
    see: (asked) => connection.statement((committed) => sightOf(committed, asked)),
    gates: (ids) => connection.statement((committed) => seenGates(committed, ids)),
    confirm: (gatewayId, stopId, streams) => connection.statement(() => postgres.apply(({ confirmations }) => {
      if (!confirmations.some((row) => row.stopId === stopId && row.gatewayId === gatewayId)) confirmations.push({ stopId, gatewayId, streams });
    })),
    report: () => connection.statement(() => undefined),
    leave: (gatewayId) => connection.statement(() => postgres.apply(({ registry }) => {
      if (registry.get(gatewayId) === 'serving') registry.set(gatewayId, 'left');
    })),
    get alive() {
      return connection.alive;
    },
    async close() {
      connection.lose();
    },
    destroy: () => connection.lose(),
  };
}
