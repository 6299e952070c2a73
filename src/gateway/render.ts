import { Refusal } from '../kernel/refusals.ts';
import type { GatewayDeps } from './deps.ts';
import { SAMPLE_RATE_HZ, SAMPLES_MAX, tooLong } from './model.ts';
import type { AllowedOutput } from './store.ts';

/** Speech as samples, with what spoke it. */
export interface Speech {
  pcm: Int16Array;
  sampleRateHz: number;
  renderMilliseconds: number;
  /** For the manifest: the model that the version's owner approved. */
  model: { name: string; version: string };
}

/**
 * Renders the script with the version's own voice. `stillWanted` throws what the release would refuse with: it is asked
 * before the work and after each sentence, so that a stop also ends the rendering.
 *
 * @throws Refusal `request_too_large`; `render_failed`, also when the model at hand is not the one that the owner approved
 */
export async function render(
  deps: Pick<GatewayDeps, 'runTx' | 'clones' | 'inference'>, output: AllowedOutput, stillWanted: () => Promise<void>,
): Promise<Speech> {
  const version = await deps.runTx((tx) => deps.clones.version(tx, output.versionId));
  if (version === null) throw new Error(`Version ${output.versionId} is gone.`);
  await stillWanted();
  const ended = new AbortController();
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking || ended.signal.aborted) return;
    asking = true;
    try {
      await stillWanted();
    } catch (reason) {
      ended.abort(reason);
    } finally {
      asking = false;
    }
  };
  const { pcm, sampleRateHz, renderMilliseconds, lineage } = await deps.inference.synthesise({
    text: output.script, language: output.language, speaker: version.speaker,
    onProgress: ({ seconds }) => {
      if (seconds * SAMPLE_RATE_HZ > SAMPLES_MAX) ended.abort(tooLong());
      void ask();
    },
  }, ended.signal);
  if (lineage !== version.lineage['voiceSha256']) {
    throw new Refusal('render_failed', 'The voice model here is not the one that this version’s owner approved.');
  }
  return { pcm, sampleRateHz, renderMilliseconds, model: { name: version.lineage['voiceName'] ?? 'voice', version: lineage } };
}
