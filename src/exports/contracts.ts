import { loadContract } from '../consent/index.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { ExportsDeps } from './deps.ts';
import { readableHistory } from './evidence.ts';

/** The contracts on paper, as they were shown. */
export function makeContracts(deps: ExportsDeps) {
  return {
    /**
     * Of the draft or version with this digest; without one, of the version in force, or of the latest draft.
     *
     * @throws Refusal `not_found` for whoever may not read the grant, and for a digest that is not a draft of it
     */
    async getGrantContract(actor: Actor, grantId: string, digest?: string): Promise<Uint8Array> {
      return await deps.runTx(async (tx) => {
        const history = await readableHistory(deps, tx, actor, grantId);
        const bytes = await loadContract(tx, grantId, digest ?? history.digest);
        if (bytes === null) throw notFound();
        const version = history.versions.find((signed) => signed.digest === (digest ?? history.digest));
        if (version !== undefined && sha256Hex(bytes) !== version.document.rendering.sha256) {
          throw new Error(`The contract of ${grantId} is not the one that was signed.`);
        }
        return bytes;
      });
    },
  };
}
