import { readFileSync } from 'node:fs';

import { type GrantHistory, termsOf } from '../consent/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { consentReceipt, consentRecord, type RecordedHistory } from './consent-record.ts';
import type { ExportsDeps } from './deps.ts';
import { readableHistory } from './evidence.ts';
import { asJson, odrlAgreement } from './odrl.ts';

/** Grants in other people's formats: ODRL for machines that license, ISO/IEC TS 27560 for those who audit consent. */

/** The place of a version in a history: the one asked for, or the last. Refuses `grant_state` for a draft. */
function placeOf(history: GrantHistory, version: number | undefined): number {
  if (history.versions.length === 0) throw new Refusal('grant_state', 'A draft binds nobody: sign it first.');
  const place = version === undefined ? history.versions.length - 1 : history.versions.findIndex((signed) => signed.version === version);
  if (place < 0) throw notFound();
  return place;
}

function recorded(deps: ExportsDeps, history: GrantHistory): RecordedHistory {
  return {
    versions: history.versions.map(({ document, digest, signedAt }) => ({
      document, terms: termsOf(document), digest, signedAt,
      noticeSha256: (document as { rendering?: { sha256: string } }).rendering?.sha256 ?? null,
    })),
    revokedAt: history.revocation?.revokedAt ?? null, service: { origin: deps.origin },
  };
}

let profile: JsonObject | undefined;

export function makeFormats(deps: ExportsDeps) {
  const read = async <T>(actor: Actor, grantId: string, take: (history: GrantHistory) => T): Promise<T> =>
    await deps.runTx(async (tx: Tx) => take(await readableHistory(deps, tx, actor, grantId)));

  return {
    /** @throws Refusal `not_found`, `grant_state` */
    async getGrantOdrl(actor: Actor, grantId: string, version?: number): Promise<JsonObject> {
      return await read(actor, grantId, (history) => {
        const signed = history.versions[placeOf(history, version)];
        if (signed === undefined) throw notFound();
        const { cloneId, ownerAccountId } = history;
        return asJson(odrlAgreement({ grantId, cloneId, ownerAccountId, version: signed.version, digest: signed.digest }, termsOf(signed.document)));
      });
    },

    /** @throws Refusal `not_found`, `grant_state` */
    async getConsentReceipt(actor: Actor, grantId: string, version?: number) {
      const at = deps.clock.now();
      return await read(actor, grantId, (history) => consentReceipt(consentRecord(recorded(deps, history), placeOf(history, version), at), at));
    },

    /** The vocabulary that exported agreements are written in. */
    async getOdrlProfile(): Promise<JsonObject> {
      profile ??= JSON.parse(readFileSync(new URL('../../contracts/odrl/replica-1.jsonld', import.meta.url), 'utf8')) as JsonObject;
      return profile;
    },
  };
}
