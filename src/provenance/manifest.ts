import { lintManifest } from './lint.ts';

/** The C2PA 2.4 manifest of an output: wholly generated, under a consent that the manifest names. */

/** Our own assertion: reverse-DNS, as 2.4 asks of labels that are not the standard's. */
export const CONSENT_LABEL = 'org.benren.consent';
export const SPEC_VERSION = '2.4';
/** Wholly generated media. No term of the vocabulary says "with consent": that is what our assertion is for. */
export const TRAINED_ALGORITHMIC_MEDIA = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';

/** By whose leave the file was made: enough to ask the log, and later the service, whether it still stands. */
export interface ConsentAssertion {
  /** Null only for what the owner alone hears (a version's probe sentences may precede the first grant). */
  grantId: string | null;
  /** SHA-256 of the grant's canonical document, hex. */
  grantDigest: string | null;
  cloneId: string;
  versionId: string;
  outputId: string;
  decisionId: string;
  audience: 'fan' | 'owner' | 'reviewer';
  /** The gates under which it was decided, and their epochs: a safe whole number each. */
  gates: { gateId: string; kind: string; epoch: number }[];
  language: string;
  /** ISO 3166 alpha-2, or null when it was made for its owner's ears. */
  territory: string | null;
  disclosure: string;
  /** The inaudible watermark in the samples; `none` says that there is none. */
  watermark: 'none';
  /** Made for its owner to judge a version by, not for anybody to have. */
  preview?: true;
  /** Which piece of a live stream this is, from 1. */
  segment?: number;
}

export interface ManifestInput {
  generator: { name: string; version: string };
  /** The model that made the media. */
  model: { name: string; version: string };
  at: Date;
  consent: ConsentAssertion;
}

export interface ManifestAssertion {
  label: string;
  /** In `created_assertions`: said by the signer itself. */
  created: true;
  data: Readonly<Record<string, unknown>>;
}

export interface ManifestDefinition {
  claim_version: 2;
  claim_generator_info: { name: string; version: string; specVersion: string }[];
  assertions: ManifestAssertion[];
}

function checkConsent(consent: ConsentAssertion): void {
  const { gates, territory, grantId, grantDigest } = consent;
  for (const [name, value] of Object.entries(consent)) {
    if (value === '') throw new TypeError(`the consent assertion lacks ${name}`);
  }
  if ((grantId === null) !== (grantDigest === null)) throw new TypeError('a grant is named by its id and its digest');
  if (grantId === null && consent.audience !== 'owner') throw new TypeError('only its owner hears a clone without a grant');
  if (grantDigest !== null && !/^[0-9a-f]{64}$/.test(grantDigest)) throw new TypeError('grantDigest is a SHA-256 in hex');
  if (territory !== null && !/^[A-Z]{2}$/.test(territory)) throw new TypeError('territory is an ISO 3166 alpha-2 code');
  // CBOR carries 64 bits, JavaScript readers do not.
  if (gates.length === 0 || gates.some((gate) => !Number.isSafeInteger(gate.epoch) || gate.epoch < 0)) {
    throw new TypeError('the consent assertion names at least one gate, each with a safe epoch');
  }
}

/** The manifest of an output. Throws when anything in it is not as C2PA 2.4 and our own rules ask. */
export function makeManifest(input: ManifestInput): ManifestDefinition {
  checkConsent(input.consent);
  const refused = { use: 'notAllowed' };
  const manifest: ManifestDefinition = {
    claim_version: 2,
    claim_generator_info: [{ ...input.generator, specVersion: SPEC_VERSION }],
    assertions: [
      {
        label: 'c2pa.actions.v2',
        created: true,
        data: {
          allActionsIncluded: true,
          actions: [{
            action: 'c2pa.created',
            when: input.at.toISOString(),
            digitalSourceType: TRAINED_ALGORITHMIC_MEDIA,
            softwareAgent: { ...input.model },
          }],
        },
      },
      { label: CONSENT_LABEL, created: true, data: { ...input.consent } },
      {
        // A grant says what the platform may do; nobody else gets a voice to learn from.
        label: 'cawg.training-mining',
        created: true,
        data: {
          entries: {
            'cawg.data_mining': refused,
            'cawg.ai_inference': refused,
            'cawg.ai_training': refused,
            'cawg.ai_generative_training': refused,
          },
        },
      },
    ],
  };
  const problems = lintManifest(manifest);
  if (problems.length > 0) throw new Error(`the manifest breaks its rules: ${problems.join('; ')}`);
  return manifest;
}
