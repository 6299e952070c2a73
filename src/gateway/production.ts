import type { Tx } from '../kernel/tx.ts';
import * as approvals from './approval-store.ts';
import type { GatewayDeps } from './deps.ts';
import { type Discloser, type Disclosed, makeDiscloser } from './disclose.ts';
import { encode, type Encoded, label, type Labelled, type Marked, sign, type Signed, watermark } from './marks.ts';
import { ENDED, endingOf, type OutputState, refusedByGates, refusedByTime, type Step } from './model.ts';
import { release } from './release.ts';
import { render, type Speech } from './render.ts';
import type { AllowedOutput, KeptFile } from './store.ts';
import * as store from './store.ts';
import { renderStreamed } from './stream.ts';

/** The steps that an output passes in its job. */
export interface Production {
  /** The file that an earlier run of the job finished; null when there is none yet. */
  finished(output: AllowedOutput): Promise<KeptFile | null>;
  render(output: AllowedOutput): Promise<Speech>;
  disclose(speech: Speech, output: AllowedOutput): Promise<Disclosed>;
  watermark(disclosed: Disclosed, output: AllowedOutput): Promise<Marked>;
  encode(marked: Marked): Promise<Encoded>;
  label(encoded: Encoded, output: AllowedOutput): Promise<Labelled>;
  sign(labelled: Labelled, output: AllowedOutput): Promise<Signed>;
  /** Puts the bytes where media lies; until the release no row refers to them as released, and no route gives them out. */
  keep(signed: Signed, output: AllowedOutput): Promise<KeptFile>;
  release(file: KeptFile, output: AllowedOutput): Promise<void>;
}

/** The output has ended meanwhile: nothing is left to do for this job. */
export class OutputEnded extends Error {
  constructor(readonly state: OutputState) {
    super(`The output has ended as ${state}.`);
    this.name = 'OutputEnded';
  }
}

/** The output is made and waits for its owner: nothing is left to do for this job. */
export class OutputWaits extends OutputEnded {
  constructor() {
    super('signing');
    this.name = 'OutputWaits';
  }
}

/** @throws OutputWaits while the owner has not said yes */
async function mustNotWait(tx: Tx, outputId: string): Promise<void> {
  const row = await approvals.find(tx, outputId);
  if (row?.mode === 'before' && row.verdict !== 'approved') throw new OutputWaits();
}

/** Locks an output that is still on its way. @throws OutputEnded */
async function lockUnderWay(tx: Tx, outputId: string): Promise<AllowedOutput> {
  const row = await store.lockOutput(tx, outputId);
  if (row === null) throw new Error(`Output ${outputId} is gone.`);
  if (row.state === 'denied' || ENDED.includes(row.state)) throw new OutputEnded(row.state);
  return row;
}

/** Each state in a transaction of its own, so that everybody sees how far an output is. */
async function advance(deps: GatewayDeps, outputId: string, state: 'rendering' | 'signing', file?: KeptFile): Promise<void> {
  await deps.runTx(async (tx) => {
    await lockUnderWay(tx, outputId);
    if (file !== undefined) await store.setFile(tx, outputId, file);
    await store.moveOutput(tx, outputId, { state, at: deps.clock.now() });
  });
}

/** What the release would say now, without its locks: spares the work for what cannot be released any more. */
export async function stillWanted(deps: GatewayDeps, output: AllowedOutput): Promise<void> {
  const { state, seen } = await deps.runTx(async (tx) => ({
    state: (await store.findOutput(tx, output.id))?.state ?? 'voided', seen: await deps.consent.gates.read(tx, output.gates),
  }));
  if (ENDED.includes(state)) throw new OutputEnded(state);
  const refusal = refusedByGates(output.gates, seen) ?? refusedByTime(output.expiresAt, deps.clock.now());
  if (refusal !== null) throw refusal;
}

async function keep(deps: GatewayDeps, { bytes, file }: Signed, output: AllowedOutput): Promise<KeptFile> {
  // First the row, then the bytes: whatever lies in the store can be found from a row, and swept away by it.
  await advance(deps, output.id, 'signing', file);
  const kept = await deps.blobs.put(bytes);
  if (kept !== file.sha256) throw new Error('The store keeps other bytes than were signed.');
  return file;
}

/** Two runs of one job may finish two files; only one is released. The other is nobody's. */
async function releaseOne(deps: GatewayDeps, file: KeptFile, output: AllowedOutput): Promise<void> {
  await deps.runTx((tx) => mustNotWait(tx, output.id));
  try {
    await release(deps, file, output);
  } catch (error) {
    // The output's row names the other run's file: what is refused for good is swept away by whoever made it.
    if (endingOf(error) !== null) await deps.blobs.delete(file.sha256);
    throw error;
  }
  const released = await deps.runTx((tx) => store.isReleasedFile(tx, file.sha256));
  if (!released) await deps.blobs.delete(file.sha256);
}

export function makeProduction(deps: GatewayDeps, discloser: Discloser = makeDiscloser(deps)): Production {
  return {
    async finished(output) {
      return output.state === 'signing' && output.file !== null && (await deps.blobs.has(output.file.sha256)) ? output.file : null;
    },
    async render(output) {
      await advance(deps, output.id, 'rendering');
      const wanted = (): Promise<void> => stillWanted(deps, output);
      return output.delivery === 'stream' ? await renderStreamed(deps, output, wanted) : await render(deps, output, wanted);
    },
    disclose: (speech, output) => discloser.disclose(speech, output),
    watermark: async (disclosed) => watermark(disclosed),
    encode: async (marked) => encode(marked),
    async label(encoded, output) {
      await advance(deps, output.id, 'signing');
      return label(deps, encoded, output);
    },
    sign: (labelled, output) => sign(deps, labelled, output),
    keep: (signed, output) => keep(deps, signed, output),
    release: (file, output) => releaseOne(deps, file, output),
  };
}

type AsyncSteps = Record<string, (...args: never[]) => Promise<unknown>>;

/** Every step waits at its barrier first. Without one the steps are returned as they are. */
export function withBarriers<Steps extends object>(
  steps: Steps, names: Readonly<Partial<Record<keyof Steps, Step>>>, at: GatewayDeps['at'],
): Steps {
  if (at === undefined) return steps;
  const waiting = Object.entries(steps as AsyncSteps).map(([name, work]) => {
    const step = names[name as keyof Steps];
    return [name, step === undefined ? work : async (...args: never[]): Promise<unknown> => {
      await at(step);
      return await work(...args);
    }];
  });
  return Object.fromEntries(waiting) as Steps;
}
