import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { type Admitted, makeAdmission, type NotAdmitted } from './admission.ts';
import { type Approvals, makeApprovals } from './approvals.ts';
import type { GatewayDeps } from './deps.ts';
import { type Discloser, makeDiscloser } from './disclose.ts';
import { endAbandoned, endOutput } from './ending.ts';
import { type Delivery, makeDelivery } from './media.ts';
import { type DeliveryKind, ENDED, endingOf, type OutputRequest } from './model.ts';
import { admit, produce } from './pipeline.ts';
import { makeProbes, type Probes } from './probes.ts';
import { makeProduction, OutputEnded, stillWanted, withBarriers } from './production.ts';
import { makePublicChecks, type PublicChecks } from './public-checks.ts';
import { denied } from './refusing.ts';
import { readable } from './standing.ts';
import type { OutputRow } from './store.ts';
import { segmentAt, segmentsOfOutput, segmentsOfOutputs } from './segment-store.ts';
import * as store from './store.ts';
import { makeStreams, type Streams } from './stream.ts';
import { type OutputJson, outputJson, type OutputReceiptJson, type SegmentReceiptJson } from './views.ts';

/** Single outputs that others hold back: a verified notice, which may be about one file and not about its clone. */
export interface OutputHolds {
  /** What was released under this id, or as exactly this file; null for anything else. */
  releasedOutput(tx: Tx, of: { outputId: string } | { fileSha256: string }): Promise<{ outputId: string; cloneId: string } | null>;
  /** From the commit on it answers as withdrawn; whoever is being given it now is cut. */
  holdOutput(tx: Tx, outputId: string, hold: { holder: string; at: Date; by: string }): Promise<void>;
  liftOutput(tx: Tx, outputId: string, lifted: { holder: string; at: Date }): Promise<void>;
}

export interface Gateway extends OutputHolds, Approvals, Delivery, Streams, Probes, PublicChecks {
  requestOutput(
    actor: Actor, key: IdempotencyKey, cloneId: string, asked: Pick<OutputRequest, 'capability' | 'language' | 'script' | 'purpose' | 'work' | 'labels' | 'licenceId' | 'maxCoins'> & { delivery?: DeliveryKind },
  ): Promise<{ outputId: string; state: 'queued'; decisionId: string; left: number | null }>;
  getOutput(actor: Actor, outputId: string): Promise<OutputJson>;
  listOutputs(
    actor: Actor, page: { cloneId?: string | undefined; before?: string | undefined; limit: number },
  ): Promise<{ outputs: OutputJson[] }>;
  getOutputReceipt(actor: Actor, outputId: string): Promise<OutputReceiptJson>;
  getSegmentReceipt(actor: Actor, outputId: string, sequence: number): Promise<SegmentReceiptJson>;
  /** For the stop: how many releases there are, asked under the exclusive lock of the clone's gate. */
  countReleases(tx: Tx, scope: Parameters<typeof store.countReleases>[1]): Promise<bigint>;
  /** For the stop's quote: outputs that are under way. */
  countOpenOutputs(tx: Tx, cloneId: string): Promise<number>;
  /** What jobs do; each may run twice. */
  work: {
    renderOutput(outputId: string, attempt: number): Promise<void>;
    /** Ends a stream that nobody fetched, or whose gateway died. */
    watchStream(outputId: string): Promise<void>;
    /** Sweeps away a finished file that was never released. */
    discardFile(sha256: string): Promise<void>;
  };
}

/** What keeps failing for reasons of ours ends here: the fan gets the quota back instead of waiting for ever. */
const ATTEMPTS_MAX = 5;

async function views(tx: Tx, rows: OutputRow[]): Promise<OutputJson[]> {
  const ids = rows.map((row) => row.id);
  const [releases, segments] = [await store.releasesOf(tx, ids), await segmentsOfOutputs(tx, ids)];
  return rows.map((row) => outputJson(row, releases.get(row.id) ?? null, segments.get(row.id)));
}

function makeReading(deps: GatewayDeps): Pick<Gateway, 'getOutput' | 'listOutputs' | 'getOutputReceipt' | 'getSegmentReceipt'> {
  const { runTx, clones } = deps;
  return {
    getOutput: (actor, outputId) => runTx(async (tx) => {
      const row = await readable(deps, tx, actor, outputId);
      return outputJson(row, await store.releaseOf(tx, outputId), await segmentsOfOutput(tx, outputId));
    }),
    listOutputs: (actor, { cloneId = null, before = null, limit }) => runTx(async (tx) => {
      const owned = cloneId !== null && (await clones.clone(tx, cloneId))?.ownerAccountId === actor.accountId;
      return { outputs: await views(tx, await store.listOutputs(tx, { cloneId, requester: owned ? null : actor.accountId, before, limit })) };
    }),
    getOutputReceipt: (actor, outputId) => runTx(async (tx) => {
      const row = await readable(deps, tx, actor, outputId);
      const release = await store.releaseOf(tx, outputId);
      if (release === null) throw new Refusal('output_state', `There is no receipt: the output is ${row.state}.`);
      // The table is insert-only and was written from a document of exactly this schema.
      return release.receipt as OutputReceiptJson;
    }),
    getSegmentReceipt: (actor, outputId, sequence) => runTx(async (tx) => {
      await readable(deps, tx, actor, outputId);
      const segment = await segmentAt(tx, outputId, sequence);
      if (segment === null) throw new Refusal('output_state', 'No such segment of this output was sent.');
      return segment.receipt as SegmentReceiptJson;
    }),
  };
}

function makeWork(deps: GatewayDeps, discloser: Discloser): Gateway['work'] {
  const way = withBarriers(makeProduction(deps, discloser), {
    render: 'render', disclose: 'disclose', watermark: 'watermark', encode: 'encode', label: 'label', sign: 'sign', keep: 'keep',
    release: 'release',
  }, deps.at);

  return {
    async renderOutput(outputId, attempt) {
      const output = await deps.runTx((tx) => store.findOutput(tx, outputId));
      if (output === null) throw notFound();
      if (output.state === 'denied' || ENDED.includes(output.state)) return;
      if (output.state === 'streaming' || (output.state === 'queued' && output.delivery === 'stream')) return;
      // A run that never came back, such as one that takes its process down with it, was an attempt as well.
      if (attempt > ATTEMPTS_MAX) {
        await endOutput(deps, outputId, { state: 'failed', reason: 'render_failed' });
        return;
      }
      try {
        await produce(way, output);
      } catch (error) {
        if (error instanceof OutputEnded) return;
        const end = endingOf(error);
        if (end !== null) {
          await endOutput(deps, outputId, end);
          return;
        }
        if (attempt >= ATTEMPTS_MAX) await endOutput(deps, outputId, { state: 'failed', reason: 'render_failed' });
        throw error;
      }
    },
    watchStream: (outputId) => endAbandoned(deps, outputId),
    async discardFile(sha256) {
      if (!(await deps.runTx((tx) => store.isReleasedFile(tx, sha256)))) await deps.blobs.delete(sha256);
    },
  };
}

/** A clone that was never approved is its owner's alone: to anybody else it is not there. */
async function refuseUnseen({ clones }: Pick<GatewayDeps, 'clones'>, tx: Tx, actor: Actor, cloneId: string): Promise<void> {
  const clone = await clones.clone(tx, cloneId);
  if (clone === null) throw notFound();
  if (clone.ownerAccountId !== actor.accountId && !(await clones.wasApproved(tx, cloneId))) throw notFound();
}

function makeOutputHolds({ consent }: Pick<GatewayDeps, 'consent'>): OutputHolds {
  return {
    async releasedOutput(tx, of) {
      const release = 'outputId' in of ? await store.releaseOf(tx, of.outputId) : await store.releaseOfFile(tx, of.fileSha256);
      return release === null ? null : { outputId: release.outputId, cloneId: release.cloneId };
    },
    async holdOutput(tx, outputId, { holder, at, by }) {
      const output = await store.findOutput(tx, outputId);
      if (output === null) throw notFound();
      await store.insertHold(tx, outputId, { holder, at });
      // The grant's gate is the narrowest one over it: its new epoch makes every stream of this file look again.
      const gate = output.grantId === null ? null : await consent.gates.ofGrant(tx, output.grantId);
      if (gate !== null && gate.state !== 'stopped') await consent.gates.narrow(tx, gate.gateId, { reason: 'output.held', at, by });
    },
    liftOutput: (tx, outputId, lifted) => store.liftHold(tx, outputId, lifted),
  };
}

export function makeGateway(deps: GatewayDeps): Gateway {
  const way = withBarriers(makeAdmission(deps), { entitlement: 'entitlement', content: 'content', decide: 'decide', hold: 'hold' }, deps.at);
  const discloser = makeDiscloser(deps);
  return {
    ...makeApprovals(deps),
    ...makeDelivery(deps),
    ...makeStreams(deps, discloser, (output) => stillWanted(deps, output)),
    ...makePublicChecks(deps),
    ...makeProbes(deps, way),
    ...makeReading(deps),
    ...makeOutputHolds(deps),
    async requestOutput(actor, key, cloneId, asked) {
      const request: OutputRequest = { delivery: 'file', ...asked, cloneId, accountId: actor.accountId, audience: 'fan', probe: null };
      const answer = await deps.runTx((tx) => once<Admitted | NotAdmitted>(tx, key, async () => {
        await refuseUnseen(deps, tx, actor, cloneId);
        return await admit(way, tx, request);
      }));
      if (!answer.admitted) throw denied(answer);
      return { outputId: answer.outputId, state: 'queued', decisionId: answer.decisionId, left: answer.left };
    },
    countReleases: store.countReleases,
    countOpenOutputs: (tx, cloneId) => store.countOpenOutputs(tx, cloneId),
    work: makeWork(deps, discloser),
  };
}
