import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import type { Standing } from './authority.ts';
import { holderOf } from './estates.ts';
import type { Gates } from './gates.ts';
import type { GrantDocument } from './grant.ts';
import * as store from './store.ts';
import * as successions from './succession-store.ts';

/** What an owner's own grant says of the time after her death: what cannot be read is a no. */
export function postMortemOf(document: unknown): { allowed: boolean; until: number } {
  const rule = (document as { postMortem?: { allowed?: unknown; until?: unknown } | null } | null)?.postMortem;
  const until = typeof rule?.until === 'string' ? Date.parse(rule.until) : Number.NaN;
  return Number.isNaN(until) ? { allowed: false, until: 0 } : { allowed: rule?.allowed === true, until };
}

/**
 * An heir signs a grant only where the owner's last own grant for this clone allowed it, and not beyond her sunset.
 * Refuses `estate_limit`.
 */
export async function checkHeirsGrant(tx: Tx, cloneId: string, document: GrantDocument, standing: Standing): Promise<void> {
  if (standing.estate === null) return;
  const last = await store.lastGrantOfAnother(tx, cloneId, standing.ownerAccountId);
  const rule = postMortemOf(last?.state === 'revoked' ? null : JSON.parse(last?.canonical ?? 'null'));
  if (!rule.allowed) throw new Refusal('estate_limit', 'The owner did not allow that anybody speaks with her voice after her death.');
  const end = Date.parse(document.validUntil);
  if (end > standing.estate.sunset.getTime() || end > rule.until) {
    throw new Refusal('estate_limit', 'This would outlast the day after which the owner wanted nothing to run.', {
      extra: { latest: new Date(Math.min(standing.estate.sunset.getTime(), rule.until)).toISOString() },
    });
  }
}

/** The heir's signature is what the freeze waited for. */
export async function thawClone(deps: { gates: Gates }, tx: Tx, cloneId: string, ownerAccountId: string, change: { at: Date; by: string }): Promise<void> {
  const estate = await successions.estateOf(tx, ownerAccountId);
  const gate = await deps.gates.ofClone(tx, cloneId);
  if (estate === null || gate === null) return;
  await deps.gates.lift(tx, gate.gateId, { holder: holderOf(estate.caseId), reason: 'estate.granted', ...change });
}
