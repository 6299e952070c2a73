import { notFound } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey } from '../kernel/tx.ts';
import { checkVoiced, toHundredths } from '../ownership/index.ts';
import { answered, once } from '../platform/postgres/index.ts';
import type { ClonesDeps } from './deps.ts';
import { ENROLMENT_VOICED_SECONDS, type Language, readPersona, speakerTexts } from './model.ts';
import type { PersonaMaterialRow, VoiceMaterialRow } from './store.ts';
import * as store from './store.ts';
import { type ClonePersonaJson, type CloneVoiceJson, personaJson, voiceJson } from './views.ts';

export interface EnrolmentVerbs {
  uploadEnrolmentVoice(actor: Actor, key: IdempotencyKey, cloneId: string, recording: Uint8Array): Promise<CloneVoiceJson>;
  setPersona(
    actor: Actor, key: IdempotencyKey, cloneId: string, input: { text: string; languages: readonly Language[] },
  ): Promise<ClonePersonaJson>;
}

/** What a clone is made from. Each upload is kept; the newest of a kind is what the next version freezes. */
export function makeEnrolmentVerbs(
  deps: Pick<ClonesDeps, 'runTx' | 'clock' | 'ids' | 'blobs' | 'inference' | 'ownership'>,
): EnrolmentVerbs {
  const { runTx, clock, ids } = deps;
  return {
    async uploadEnrolmentVoice(actor, key, cloneId, recording) {
      // Whose it is comes first: a stranger's upload is neither measured nor kept, and a repeated one not again.
      const kept = await runTx(async (tx) => {
        if ((await store.findClone(tx, cloneId))?.ownerAccountId !== actor.accountId) throw notFound();
        return await answered(tx, key);
      });
      if (kept !== null) return kept.answer as CloneVoiceJson;
      const profile = await deps.inference.profile(recording);
      checkVoiced(profile, ENROLMENT_VOICED_SECONDS);
      const speaker = speakerTexts(await deps.inference.speakerFor(profile)).map(Number);
      const digest = await deps.blobs.put(recording);
      return await runTx((tx) => once(tx, key, async () => {
        await store.lockOwnClone(tx, actor, cloneId);
        const row: VoiceMaterialRow = {
          id: ids.next('material'),
          cloneId,
          kind: 'voice',
          number: await store.nextMaterialNumber(tx, cloneId, 'voice'),
          digest,
          details: {
            seconds: toHundredths(profile.durationSeconds), voicedSeconds: toHundredths(profile.voicedSeconds), speaker, profile,
          },
          createdAt: clock.now(),
        };
        await store.insertMaterial(tx, row);
        await deps.ownership.screenVoice(tx, { cloneId, materialId: row.id, accountId: actor.accountId, profile, at: row.createdAt });
        return voiceJson(row);
      }));
    },
    setPersona: (actor, key, cloneId, input) => runTx((tx) => once(tx, key, async () => {
      await store.lockOwnClone(tx, actor, cloneId);
      const { digest, ...details } = readPersona(input);
      const row: PersonaMaterialRow = {
        id: ids.next('material'),
        cloneId,
        kind: 'persona',
        number: await store.nextMaterialNumber(tx, cloneId, 'persona'),
        digest,
        details,
        createdAt: clock.now(),
      };
      await store.insertMaterial(tx, row);
      return personaJson(row);
    })),
  };
}
