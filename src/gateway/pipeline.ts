import type { Tx } from '../kernel/tx.ts';
import type { Admission, Admitted, NotAdmitted } from './admission.ts';
import type { OutputRequest } from './model.ts';
import type { Production } from './production.ts';
import type { AllowedOutput, KeptFile } from './store.ts';

/**
 * The way of one output (docs/promises.md). The request's half, in the request's own transaction:
 * entitlement → content check → decide → hold.
 */
export async function admit(way: Admission, tx: Tx, request: OutputRequest): Promise<Admitted | NotAdmitted> {
  const listener = await way.entitlement(tx, request);
  const script = await way.content(request);
  const decision = await way.decide(tx, { request, listener, script });
  if (!decision.allowed) return await way.deny(tx, { request, listener, script }, decision);
  return await way.hold(tx, { request, listener, script }, decision);
}

/** The job's half: render → disclose → watermark → encode → label → sign → (kept, still nobody's) → release. */
export async function produce(way: Production, output: AllowedOutput): Promise<void> {
  const file = (await way.finished(output)) ?? (await make(way, output));
  await way.release(file, output);
}

async function make(way: Production, output: AllowedOutput): Promise<KeptFile> {
  const speech = await way.render(output);
  const disclosed = await way.disclose(speech, output);
  const marked = await way.watermark(disclosed, output);
  const encoded = await way.encode(marked);
  const labelled = await way.label(encoded, output);
  const signed = await way.sign(labelled, output);
  return await way.keep(signed, output);
}
