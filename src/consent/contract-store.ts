import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne } from '../platform/postgres/index.ts';

/**
 * The contracts that were shown, beside the drafts that name them: kept with the signatures, in the same transactions and
 * the same backups, so that neither can be there without the other.
 */

/** The same draft twice has the same contract. */
export async function insertContract(tx: Tx, contract: { grantId: string; digest: string; bytes: Uint8Array }): Promise<void> {
  await execute(
    tx, `INSERT INTO consent_contract (grant_id, digest, sha256, bytes) VALUES ($1, $2, encode(sha256($3::bytea), 'hex'), $3)
         ON CONFLICT (grant_id, digest) DO NOTHING`,
    [contract.grantId, contract.digest, Buffer.from(contract.bytes)],
  );
}

/** Of the draft with this digest; null where there is none. */
export async function loadContract(tx: Tx, grantId: string, digest: string): Promise<Buffer | null> {
  const row = await maybeOne<{ bytes: Buffer }>(tx, 'SELECT bytes FROM consent_contract WHERE grant_id = $1 AND digest = $2', [grantId, digest]);
  return row?.bytes ?? null;
}
