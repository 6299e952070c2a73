import { generateKeyPairSync } from 'node:crypto';
import type pg from 'pg';

import { makeQuota } from '../../src/billing/quota.ts';
import { makeGates, type Gates } from '../../src/consent/gates.ts';
import type { GatewayLease } from '../../src/consent/leases.ts';
import { makeVolume } from '../../src/consent/volume.ts';
import { release } from '../../src/gateway/release.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { connect } from '../../src/platform/postgres/index.ts';
import { signReceipt } from '../../src/provenance/receipts.ts';
import { makeTransparency } from '../../src/transparency/index.ts';
import { keptFile, plantedOutput } from '../bench/stop-outputs.ts';
import type { Target } from './messages.ts';

export type Outcome = 'released' | 'refused' | 'failed' | 'none';

/** How a gateway process releases something of a clone. */
export interface Releaser {
  /** `none` when nothing is left to release of it. */
  release(of: Target): Promise<Outcome>;
  /** Whether gates are asked: the same work without, to compare it with. */
  asking(gates: boolean): void;
}

function outcomeOf(error: unknown): Outcome {
  const code = (error as { code?: unknown }).code;
  return error instanceof Refusal ? (code === 'stopped' || code === 'gate_changed' || code === 'database_untrusted' ? 'refused' : 'failed') : code === 'BN001' ? 'refused' : 'failed';
}

/**
 * Rows of a table of their own behind the release's trigger, as many as anybody likes and with nothing behind them: for chaos,
 * where databases die and what counts is whether a release commits.
 */
export function probeReleases(deps: { pool: pg.Pool; lease: GatewayLease; name: string }): Releaser {
  const { pool, lease, name } = deps;
  let number = 0;
  return {
    asking: () => undefined,
    /** Decided, then committed under the gates' locks, as the gateway's release is: the trigger asks, the lease bears witness. */
    async release(of) {
      const client = await pool.connect();
      try {
        const { rows } = await client.query<{ epochs: string[]; open: boolean }>(
          `SELECT array_agg(epoch::text ORDER BY array_position($1, id)) AS epochs, bool_and(state = 'open') AS open FROM gate WHERE id = ANY ($1)`, [of.gates]);
        const epochs = rows[0]?.epochs ?? [];
        if (rows[0]?.open !== true || lease.standing() !== 'fresh') return 'refused';
        await client.query('BEGIN');
        number += 1;
        await client.query('INSERT INTO probe (id, clone_id, grant_id, gate_ids, epochs) VALUES ($1, $2, $3, $4, $5)',
          [`${name}.${process.pid}.${number}`, of.cloneId, of.grantId, of.gates, epochs]);
        lease.witness(of.gates.map((gateId, index) => ({ gateId, epoch: BigInt(epochs[index] ?? '0') })));
        await client.query('COMMIT');
        return 'released';
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        return outcomeOf(error);
      } finally {
        client.release();
      }
    },
  };
}

/**
 * The gateway's own release, of outputs that were planted for it: locks, epochs, output, volume, leaf, signed receipt, release and
 * its triggers, the fan's hold. It takes every `of`th of a clone's outputs, from `at` on.
 */
export async function realReleases(deps: { url: string; lease: GatewayLease; account: string; at: number; of: number }): Promise<Releaser> {
  const { url, lease, account } = deps;
  const { runTx } = await connect({ url, poolSize: 6, applicationName: 'benren release' });
  const ids = makeIds(systemClock, systemRandom);
  const key = generateKeyPairSync('ed25519').privateKey;
  const gates = makeGates({ ids });
  const volume = makeVolume();
  const transparency = makeTransparency({ runTx, clock: systemClock, ids, logKey: key, origin: 'log.example/benren' });
  const deaf: Pick<Gates, 'lockShared' | 'read'> = {
    lockShared: async () => undefined, read: async (_tx, refs) => refs.map(({ gateId }) => ({ gateId, kind: 'clone', state: 'open', epoch: 1n })),
  };
  let asks = true;
  const taken = new Map<string, number>();
  // What the release asks of these rooms; the rest of them it never touches.
  const parts = () => ({
    runTx, clock: systemClock, ids, lease, transparency, billing: makeQuota({ ids }),
    provenance: { signReceipt: (type: 'output_receipt', document: Parameters<typeof signReceipt>[1]) => signReceipt(type, document, key) },
    consent: { ...volume, gates: asks ? gates : deaf },
  }) as unknown as Parameters<typeof release>[0];
  return {
    asking(on) {
      asks = on;
    },
    async release(of) {
      const number = (taken.get(of.cloneId) ?? 0) + 1;
      if (number > (of.outputs ?? 0) / deps.of) return 'none';
      taken.set(of.cloneId, number);
      const output = plantedOutput(of, account, (number - 1) * deps.of + deps.at + 1);
      try {
        await release(parts(), keptFile(output), output);
        return 'released';
      } catch (error) {
        return outcomeOf(error);
      }
    },
  };
}
