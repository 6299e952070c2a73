import { canonicalJson, type JsonObject } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import type { AllowedOutput, KeptFile } from '../../src/gateway/store.ts';
import type { Target } from '../chaos/messages.ts';
import type { GateBench } from '../consent/gate-bench.ts';
import { terms } from '../consent/samples.ts';

/**
 * Outputs that only wait for their release. What lies before it (proof, signature, decision, hold, rendering) is tested where it
 * belongs and would take a day for so many; their rows are planted as that way leaves them, and the release is the real one.
 */
const FROM = '2020-01-01T00:00:00.000Z';
const UNTIL = '2100-01-01T00:00:00.000Z';
const KINDS = ['platform', 'clone', 'capability', 'grant'] as const;

const nameOf = ({ cloneId }: Target): string => cloneId.slice(4);
const gatesOf = ({ gates }: Target) => gates.map((gateId, index) => ({ gateId, kind: KINDS[index]!, epoch: '1' }));

/** The grant that stands behind a clone, in the length that grants have. */
function grantOf(target: Target): { canonical: string; digest: string; document: JsonObject } {
  const document = JSON.parse(JSON.stringify({
    ...terms({ validFrom: FROM, validUntil: UNTIL }), grantId: target.grantId, version: 1, supersedes: null, cloneId: target.cloneId,
  })) as JsonObject;
  const canonical = canonicalJson(document);
  return { canonical, digest: sha256Hex(canonical), document };
}

const STANDING = `
  WITH made AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS made (name, canonical, digest)),
  version AS (
    INSERT INTO clone_version (id, clone_id, ownership_proof_id, number, state, voice_material_id, persona_material_id, material_digest, persona_digest,
      policy_digest, lineage, languages, speaker, document, document_digest, created_at, approved_at, signed_document_id)
    SELECT 'ver_' || name, 'cln_' || name, 'own_x', 1, 'approved', 'mat_x', 'mat_x', digest, digest, digest, '{}', '{en}',
      '{0,0,0,0,0,0,0,0}', '{}', digest, $4::timestamptz, $4::timestamptz, 'sgn_v' || name FROM made),
  draft AS (
    INSERT INTO consent_grant_draft (grant_id, digest, version, canonical, drafted_at) SELECT 'grt_' || name, digest, 1, canonical, $4::timestamptz FROM made),
  signature AS (
    INSERT INTO consent_grant_signature (grant_id, version, digest, signed_document_id, signed_at)
    SELECT 'grt_' || name, 1, digest, 'sgn_g' || name, $4::timestamptz FROM made)
  UPDATE consent_grant SET state = 'signed' FROM made WHERE id = 'grt_' || name`;

const PROOF = `
  INSERT INTO ownership_proof (id, account_id, subject_name, handle, statement, claim_document_id, state, opened_at, submitted_at, approved_at, expires_at,
    evidence_sha256, policy_sha256)
  VALUES ('own_x', $1, 'Lin Ya', 'lin-ya', 'mine', 'sgn_x', 'approved', $2, $2, $2, $3, $4, $4) ON CONFLICT DO NOTHING`;

const OUTPUTS = `
  WITH made AS (SELECT $1 || '_' || n AS name FROM generate_series(1, $2::int) AS n),
  decided AS (
    INSERT INTO decision (id, clone_id, requester, allowed, clauses, at, receipt, grant_id, grant_digest)
    SELECT 'dec_' || name, 'cln_' || $1, $3, true, '{voice}', $4::timestamptz, $5::json, 'grt_' || $1, $6 FROM made),
  paid AS (
    INSERT INTO subscription_period (id, clone_id, subscription_id, account_id, tier_id, stripe_invoice, stripe_charge, start_day, end_day, days, currency,
      gross_minor, tax_minor, tax_rate_basis_points, fee_minor, settled_currency, settled_net_minor, granted, held, paid_at)
    SELECT 'per_' || name, 'cln_' || $1, 'sub_x', $3, 'tir_x', name, name, '2026-01-01', '2026-02-01', 31, 'CNY', 600, 33, 600, 20, 'CNY', 580, 100, 1,
      $4::timestamptz FROM made),
  held AS (
    INSERT INTO quota_hold (id, clone_id, period_id, output_id, state, held_at)
    SELECT 'hld_' || name, 'cln_' || $1, 'per_' || name, 'out_' || name, 'held', $4::timestamptz FROM made)
  INSERT INTO output (id, clone_id, requester, audience, capability, language, purpose, script, territory, decision_id, version_id, grant_id,
    grant_digest, gates, expires_at, hold_id, state, requested_at, changed_at)
  SELECT 'out_' || name, 'cln_' || $1, $3, 'fan', 'voice', 'en', 'fan_message', 'Good morning to you.', 'CN', 'dec_' || name, 'ver_' || $1, 'grt_' || $1,
    $6, $7::json, $8::timestamptz, 'hld_' || name, 'signing', $4::timestamptz, $4::timestamptz FROM made`;

/** Plants what stands behind each clone, and `counts` outputs of each, numbered from 1. */
export async function plantOutputs(
  bench: Pick<GateBench, 'plantRows'>, account: string, wanted: readonly { target: Target; count: number }[],
): Promise<void> {
  const grants = wanted.map(({ target }) => grantOf(target));
  await bench.plantRows(PROOF, [account, FROM, UNTIL, sha256Hex('x')]);
  await bench.plantRows(STANDING, [wanted.map(({ target }) => nameOf(target)), grants.map(({ canonical }) => canonical), grants.map(({ digest }) => digest), FROM]);
  for (const [index, { target, count }] of wanted.entries()) {
    const { digest, document } = grants[index]!;
    const receipt = { document: { state: { gates: gatesOf(target), grant: { document } } } };
    await bench.plantRows(OUTPUTS, [nameOf(target), count, account, FROM, JSON.stringify(receipt), digest, JSON.stringify(gatesOf(target)), UNTIL]);
  }
}

/** One of them, as the job that made it holds it when it asks for the release. */
export function plantedOutput(target: Target, account: string, number: number): AllowedOutput {
  const name = `${nameOf(target)}_${number}`;
  return {
    id: `out_${name}`, cloneId: target.cloneId, requester: account, audience: 'fan', capability: 'voice', language: 'en', purpose: 'fan_message',
    script: 'Good morning to you.', territory: 'CN', decisionId: `dec_${name}`, gates: gatesOf(target), holdId: `hld_${name}`, licenceId: null,
    licenceDigest: null, delivery: 'file', probe: null, requestedAt: new Date(FROM), state: 'signing', versionId: `ver_${nameOf(target)}`,
    grantId: target.grantId, grantDigest: grantOf(target).digest, expiresAt: new Date(UNTIL), reason: null, file: null, aliveUntil: null, changedAt: new Date(FROM),
  };
}

export function keptFile({ id }: AllowedOutput): KeptFile {
  return {
    sha256: sha256Hex(id), bytes: 240_044, samplesSha256: sha256Hex(`samples of ${id}`), seconds: 5, renderMilliseconds: 200, c2paManifest: `urn:c2pa:${id}`,
    disclosure: { kind: 'spoken', text: 'This voice is AI-generated.', rule: 'CN' },
    implicitLabel: { contentProducer: 'BENREN-TEST', produceId: id }, watermark: 'none',
  };
}
