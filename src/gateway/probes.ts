import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { Admission, NotAdmitted } from './admission.ts';
import type { GatewayDeps } from './deps.ts';
import { PROBE_PURPOSE, probesOf } from './model.ts';
import { admit } from './pipeline.ts';
import { denied } from './refusing.ts';
import * as store from './store.ts';
import { type OutputJson, outputJson } from './views.ts';

/** The owner hears every version before anybody else does: outputs of their own, through the same pipeline. */
export interface Probes {
  requestProbes(actor: Actor, key: IdempotencyKey, versionId: string): Promise<{ versionId: string; outputs: OutputJson[] }>;
  /** Whether each probe sentence of the version was released and its media fetched by the owner. */
  probesHeard(tx: Tx, versionId: string): Promise<boolean>;
}

type Answer = { denied: NotAdmitted } | { denied: null; outputs: OutputJson[] };

export function makeProbes(deps: GatewayDeps, way: Admission): Probes {
  const { runTx, clones } = deps;

  /** Asks for what is not on its way or there yet; the first denial ends it. */
  async function ask(tx: Tx, actor: Actor, versionId: string): Promise<Answer> {
    const version = await clones.version(tx, versionId);
    const clone = version === null ? null : await clones.clone(tx, version.cloneId);
    if (version === null || clone?.ownerAccountId !== actor.accountId) throw notFound();
    if (version.state !== 'draft') throw new Refusal('version_state', `A version that is ${version.state} needs no probes.`);
    await store.lockProbes(tx, versionId);
    const live = new Set((await store.liveProbes(tx, versionId)).map((output) => output.probe));
    for (const { name, language, script } of probesOf(version.languages)) {
      if (live.has(name)) continue;
      const admitted = await admit(way, tx, {
        cloneId: clone.cloneId, accountId: actor.accountId, audience: 'owner', capability: 'voice', language, script,
        purpose: PROBE_PURPOSE, delivery: 'file', probe: { versionId, name },
      });
      if (!admitted.admitted) return { denied: admitted };
    }
    const rows = await store.liveProbes(tx, versionId);
    const releases = await store.releasesOf(tx, rows.map((row) => row.id));
    return { denied: null, outputs: rows.map((row) => outputJson(row, releases.get(row.id) ?? null)) };
  }

  return {
    async requestProbes(actor, key, versionId) {
      const answer = await runTx((tx) => once(tx, key, () => ask(tx, actor, versionId)));
      // Thrown after the commit: the receipt of the denial stays.
      if (answer.denied !== null) throw denied(answer.denied);
      return { versionId, outputs: answer.outputs };
    },
    async probesHeard(tx, versionId) {
      const version = await clones.version(tx, versionId);
      const clone = version === null ? null : await clones.clone(tx, version.cloneId);
      if (version === null || clone === null) return false;
      const heard = new Set(await store.heardProbes(tx, versionId, clone.ownerAccountId));
      return probesOf(version.languages).every((probe) => heard.has(probe.name));
    },
  };
}
