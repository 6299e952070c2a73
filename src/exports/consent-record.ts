import { createHash } from 'node:crypto';

import type { GrantDocument, GrantTerms } from '../consent/index.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { CAPABILITY_WORDS } from './contract-terms.ts';

/**
 * Consent records and receipts with the field names of ISO/IEC TS 27560:2023, and the words of the Data Privacy Vocabulary
 * (DPV 2.3) for the states of a consent. One record a version, since each version is another notice. Pure: the same history
 * is always the same record, with the same id.
 */

const DPV = 'https://w3id.org/dpv#';
const PD = 'https://w3id.org/dpv/pd#';

/** One signed version with what was shown for it. */
export interface RecordedVersion {
  document: GrantDocument;
  terms: GrantTerms;
  digest: string;
  signedAt: Date;
  /** The contract as it was shown; null where none was made. */
  noticeSha256: string | null;
}

export interface RecordedHistory {
  versions: readonly RecordedVersion[];
  revokedAt: Date | null;
  service: { origin: string };
}

export type EventState = 'ConsentGiven' | 'RenewedConsentGiven' | 'ConsentWithdrawn' | 'ConsentExpired';

export interface ConsentEvent {
  event_time: string;
  validity_duration: string;
  entity_id: string;
  event_type: string;
  event_state: string;
}

/** A UUID of version 4's form, from a name: the same record has the same id wherever it is written. */
export function recordId(name: string): string {
  const bytes = createHash('sha256').update(`benren/consent-record/v1\0${name}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** ISO 8601: days between two instants, rounded up, so that a validity is never told too short. */
function duration(from: Date, until: Date): string {
  return `P${Math.max(0, Math.ceil((until.getTime() - from.getTime()) / 86_400_000))}D`;
}

/**
 * What happened to the consent that this version records, oldest first: given (or given anew, where it takes an earlier
 * version's place), then whichever came first of being superseded, withdrawn by the person, or over.
 */
export function eventsOf(history: RecordedHistory, index: number, at: Date): ConsentEvent[] {
  const version = history.versions[index];
  if (version === undefined) return [];
  const { owner, validFrom, validUntil } = version.document;
  const event = (time: Date, state: EventState, entity = owner.accountId): ConsentEvent => ({
    event_time: time.toISOString(), validity_duration: state.endsWith('Given') ? duration(new Date(validFrom), new Date(validUntil)) : 'P0D', entity_id: entity,
    event_type: `${DPV}ExplicitlyExpressedConsent`, event_state: `${DPV}${state}`,
  });
  const given = event(version.signedAt, index === 0 ? 'ConsentGiven' : 'RenewedConsentGiven');
  const ends: [Date, EventState][] = [];
  const next = history.versions[index + 1];
  // A new version takes this one's place by the person's own signature: this one is withdrawn then.
  if (next !== undefined) ends.push([next.signedAt, 'ConsentWithdrawn']);
  if (history.revokedAt !== null) ends.push([history.revokedAt, 'ConsentWithdrawn']);
  if (Date.parse(validUntil) <= at.getTime()) ends.push([new Date(validUntil), 'ConsentExpired']);
  const [first] = ends.sort(([a], [b]) => a.getTime() - b.getTime());
  return first === undefined ? [given] : [given, event(first[0], first[1], first[1] === 'ConsentExpired' ? 'urn:benren:platform' : owner.accountId)];
}

interface PiiInformation {
  pii_type: string;
  pii_attribute_id: string;
  pii_optional: boolean;
  sensitive_pii_category: boolean;
  special_pii_category: boolean;
}

function piiOf({ separateConsent }: GrantTerms): PiiInformation[] {
  const one = (pii_type: string, pii_attribute_id: string, biometric: boolean): PiiInformation => ({
    pii_type: `${PD}${pii_type}`, pii_attribute_id, pii_optional: false, sensitive_pii_category: biometric, special_pii_category: biometric,
  });
  return [
    one('Name', 'subject.legalName', false),
    ...(separateConsent.voice ? [one('VoiceCommunicationRecording', 'enrolment.voice', true), one('Biometric', 'voice.profile', true)] : []),
    ...(separateConsent.face ? [one('FacialPrint', 'enrolment.face', true)] : []),
    ...(separateConsent.persona ? [one('Personality', 'persona.text', false)] : []),
  ];
}

function purposesOf(terms: GrantTerms) {
  const capabilities = (Object.keys(terms.capabilities) as (keyof typeof terms.capabilities)[]).filter((name) => terms.capabilities[name]);
  return terms.purposes.map(({ name, intendedUses, works }) => ({
    purpose: name, purpose_type: `${DPV}ServiceProvision`, purpose_description: intendedUses, works,
    operations: capabilities.map((capability) => CAPABILITY_WORDS[capability].en),
  }));
}

function processingOf(version: RecordedVersion, { service }: RecordedHistory) {
  const { terms, document } = version;
  const { method, effect, noticeDays } = terms.withdrawal;
  const ends = effect === 'takedown_all' ? 'What was made is taken down.' : terms.survivalOfExistingWorks ? 'What was made stays.' : 'What was made is no longer given out.';
  return {
    privacy_notice: { url: `${service.origin}/v1/grants/${document.grantId}/contract?digest=${version.digest}`, sha256: version.noticeSha256, document_sha256: version.digest },
    language: terms.languageRead,
    purposes: purposesOf(terms),
    lawful_basis: `${DPV}ExplicitlyExpressedConsent`,
    pii_information: piiOf(terms),
    pii_controllers: ['urn:benren:platform'],
    collection_method: 'The person records their voice and writes their persona themselves.',
    processing_method: terms.training.allowed ? 'Synthesis, and training of models on the named material.' : 'Synthesis, without training of models.',
    storage_locations: ['urn:benren:platform'],
    retention_period: `Until ${terms.validUntil}. ${terms.training.deleteOnEnd ? 'Models are deleted then.' : 'Models are kept unused.'} ${ends}`,
    processing_locations: ['urn:benren:platform'],
    geographic_restrictions: terms.territories,
    services: [`urn:benren:clone:${document.cloneId}`],
    jurisdiction: terms.governingLaw,
    recipient_third_parties: terms.sublicence ? ['Organisations that the platform licenses inside the grant, each by a licence of its own'] : [],
    withdrawal_method: { description: method ?? 'One signature by passkey, as easy as consenting.', url: `${service.origin}/v1/grants/${document.grantId}/revocation`, notice_days: noticeDays },
    privacy_rights: [`${DPV}RightToWithdrawConsent`, `${DPV}DataSubjectRight`],
    codes_of_conduct: [],
    impact_assessment: null,
    authority_party: null,
  };
}

/** The record of one version. `at` says as of when its events are told. */
export function consentRecord(history: RecordedHistory, index: number, at: Date) {
  const version = history.versions[index];
  if (version === undefined) throw new RangeError('there is no such version');
  const { document, terms } = version;
  return {
    header: { schema_version: 'ISO/IEC TS 27560:2023', record_id: recordId(`${document.grantId}/${document.version}/${version.digest}`), pii_principal_id: document.owner.accountId },
    processing: processingOf(version, history),
    party: [
      { party_id: document.owner.accountId, party_name: terms.subject.legalName, party_role: `${DPV}DataSubject`, party_contact: `urn:benren:account:${document.owner.accountId}`, party_type: `${DPV}NaturalPerson` },
      { party_id: 'urn:benren:platform', party_name: 'Benren', party_role: `${DPV}DataController`, party_contact: history.service.origin, party_type: `${DPV}Organisation` },
    ],
    event: eventsOf(history, index, at),
  };
}

export type ConsentRecord = ReturnType<typeof consentRecord>;

/** The receipt that the person is given: what it is, and a copy of the record. */
export function consentReceipt(record: ConsentRecord, at: Date) {
  const digest = sha256Hex(canonicalJson(record));
  return {
    receipt_metadata: {
      schema_version: 'ISO/IEC TS 27560:2023', receipt_id: recordId(`receipt/${record.header.record_id}/${digest}`), record_id: record.header.record_id,
      issued_at: at.toISOString(), issuer_party_id: 'urn:benren:platform', given_to_party_id: record.header.pii_principal_id,
    },
    consent_record: record,
  };
}
