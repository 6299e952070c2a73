import { Reader } from '@contentauth/c2pa-node';

import { Refusal } from '../kernel/refusals.ts';
import { readLabel } from './aigc.ts';
import type { AigcLabel } from './aigc.ts';
import { CONSENT_LABEL } from './manifest.ts';
import type { ConsentAssertion } from './manifest.ts';
import { readChunks } from './wav.ts';

/**
 * `trusted`: whole, and signed under our anchors. `valid`: whole, but signed by somebody we do not know, which says
 * nothing about who. `invalid`: changed after signing, or never right. `none`: there is no manifest.
 */
export type C2paState = 'trusted' | 'valid' | 'invalid' | 'none';

export interface ManifestReading {
  label: string;
  generator: string;
  /** The O of the signing certificate. */
  issuer: string;
  /** What the file says made it, and when. */
  actions: { action: string; when: string; digitalSourceType: string }[];
}

export interface Marks {
  c2paState: C2paState;
  manifest: ManifestReading | null;
  /** Only from a manifest that is trusted: anybody can write anything into one that is not. */
  consent: ConsentAssertion | null;
  aigc: AigcLabel | null;
  /** C2PA's own failure codes and those of the label (`aigc_…`). */
  problems: string[];
}

export interface MarksReader {
  /** Reads the marks of a WAV. Refuses (`file_unreadable`) only what is no WAV or too large; never throws otherwise. */
  readMarks(bytes: Buffer): Promise<Marks>;
}

type Members = Record<string, unknown>;

function members(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function items(value: unknown): Members[] {
  return Array.isArray(value) ? value.map(members) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function readManifest(active: Members): ManifestReading {
  const actions = items(active['assertions']).filter((assertion) => text(assertion['label']).startsWith('c2pa.actions'));
  return {
    label: text(active['label']),
    generator: text(items(active['claim_generator_info'])[0]?.['name']),
    issuer: text(members(active['signature_info'])['issuer']),
    actions: actions.flatMap((assertion) => items(members(assertion['data'])['actions'])).map((action) => ({
      action: text(action['action']),
      when: text(action['when']),
      digitalSourceType: text(action['digitalSourceType']),
    })),
  };
}

/** The consent assertion, if the signer itself made it and every field is there. */
function readConsent(active: Members): ConsentAssertion | null {
  const [assertion, second] = items(active['assertions']).filter((candidate) => candidate['label'] === CONSENT_LABEL);
  if (assertion === undefined || second !== undefined || assertion['created'] !== true) return null;
  const data = members(assertion['data']);
  const audience = (['fan', 'owner', 'reviewer'] as const).find((known) => known === data['audience']);
  if (audience === undefined || data['watermark'] !== 'none') return null;
  const nullable = (value: unknown): string | null => (value === null ? null : text(value));
  const consent: ConsentAssertion = {
    grantId: nullable(data['grantId']),
    grantDigest: nullable(data['grantDigest']),
    audience,
    cloneId: text(data['cloneId']),
    versionId: text(data['versionId']),
    outputId: text(data['outputId']),
    decisionId: text(data['decisionId']),
    gates: items(data['gates']).map((gate) => ({
      gateId: text(gate['gateId']), kind: text(gate['kind']), epoch: typeof gate['epoch'] === 'number' ? gate['epoch'] : -1,
    })),
    language: text(data['language']),
    territory: nullable(data['territory']),
    disclosure: text(data['disclosure']),
    watermark: 'none',
    ...(data['preview'] === true ? { preview: true as const } : {}),
    ...(typeof data['segment'] === 'number' ? { segment: data['segment'] } : {}),
  };
  const empty = Object.values(consent).includes('');
  const whole = !empty && consent.gates.length > 0 && consent.gates.every((gate) => gate.gateId !== '' && gate.epoch >= 0);
  return whole ? consent : null;
}

function failureCodes(store: Members): string[] {
  const active = members(members(store['validation_results'])['activeManifest']);
  const codes = [...items(active['failure']), ...items(store['validation_status'])].map((status) => text(status['code']));
  return [...new Set(codes.filter((code) => code !== ''))];
}

const STATES: Readonly<Record<string, C2paState>> = { Trusted: 'trusted', Valid: 'valid', Invalid: 'invalid' };

/** `anchorsPem`: whom to trust. Without any, nothing is ever `trusted`. */
export function makeReader(options: { anchorsPem: string }): MarksReader {
  const settings = JSON.stringify({
    verify: {
      verify_trust: true,
      // A manifest may name a URL to fetch more from. A stranger's file does not decide where we connect to.
      remote_manifest_fetch: false,
      ocsp_fetch: false,
    },
    ...(options.anchorsPem === '' ? {} : { trust: { trust_anchors: options.anchorsPem } }),
  });

  async function readStore(bytes: Buffer): Promise<Members | null> {
    const reader = await Reader.fromAsset({ buffer: bytes, mimeType: 'audio/wav' }, settings);
    const store: unknown = reader === null ? null : reader.json();
    return store === null ? null : members(store);
  }

  return {
    async readMarks(bytes) {
      const hasManifest = readChunks(bytes).some((chunk) => chunk.id === 'C2PA');
      const { label, problems } = readLabel(bytes);
      const marks: Marks = { c2paState: 'none', manifest: null, consent: null, aigc: label, problems };
      let store: Members | null;
      try {
        store = await readStore(bytes);
      } catch (error) {
        // The WAV itself is sound, so what the engine cannot read is its manifest.
        if (!hasManifest) throw new Refusal('file_unreadable', 'The file cannot be read.', { cause: error });
        return { ...marks, c2paState: 'invalid', problems: [...problems, 'manifest_unreadable'] };
      }
      if (store === null) return marks;
      const active = members(members(store['manifests'])[text(store['active_manifest'])]);
      const c2paState = STATES[text(store['validation_state'])] ?? 'invalid';
      return {
        ...marks,
        c2paState,
        manifest: readManifest(active),
        consent: c2paState === 'trusted' ? readConsent(active) : null,
        problems: [...problems, ...failureCodes(store)],
      };
    },
  };
}
