import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

// The pure files themselves, not the doors: whoever checks a file needs no database driver and no native library.
import type { BundledVersion, EvidenceBundle } from '../exports/bundle.ts';
import { SAID_BY_THE_SERVICE } from '../exports/bundle.ts';
import type { SignatureEvidence } from '../identity/evidence.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { receiptKeyId, verifyReceipt } from '../provenance/receipts.ts';
import { strictBase64 } from '../transparency/note.ts';
import { authorityLeaves, authorityProblems, claimant, holderName, mayHaveSigned } from './verify-authority.ts';
import { checkLeaf, type LeafCheck, member, signatureProblems } from './verify-parts.ts';

/** The two keys that must come from elsewhere: a forger would put keys of their own into the file. */
export interface Anchors {
  /** `name+id+key`. */
  log: string | null;
  receipts: KeyObject | null;
}

export interface EvidenceFinding {
  problems: string[];
  found: Record<string, unknown>;
}

type Validate = (value: unknown) => string[];

let validator: Validate | undefined;

function schemaAt(path: string): object {
  return JSON.parse(readFileSync(new URL(`../../contracts/${path}`, import.meta.url), 'utf8')) as object;
}

/** Nothing unread may stand in a file that is then called verified: the schema is closed. */
function shapeProblems(document: unknown): string[] {
  if (validator === undefined) {
    const ajv = new Ajv2020({ allErrors: true, strict: false });
    addFormats.default(ajv);
    ajv.addSchema(schemaAt('rights/signature-evidence.schema.json'));
    const validate = ajv.compile(schemaAt('exports/evidence-bundle.schema.json'));
    validator = (value) => (validate(value) ? [] : (validate.errors ?? []).slice(0, 10).map((error) => `${error.instancePath} ${error.message ?? error.keyword}`));
  }
  return validator(document);
}

/** The contract that was shown is the one that the signed document names. */
function renderingProblems(where: string, { rendering, signature }: BundledVersion): string[] {
  const named = member(signature, 'rendering', 'sha256');
  if (rendering === null) return named === undefined ? [] : [`${where}: the contract that was shown is missing`];
  const bytes = strictBase64(rendering.base64);
  return [
    ...(bytes !== undefined && sha256Hex(bytes) === rendering.sha256 ? [] : [`${where}: the contract has another digest`]),
    ...(rendering.sha256 === named ? [] : [`${where}: another contract was shown than the one signed`]),
    ...(rendering.mediaType === member(signature, 'rendering', 'mediaType') ? [] : [`${where}: the contract is of another kind`]),
  ];
}

/** Versions stand on each other: same grant, same clone, same owner, each naming the one before. */
function chainProblems(bundle: EvidenceBundle): string[] {
  const { grant } = bundle;
  return bundle.versions.flatMap(({ version, signature }, index) => {
    const where = `version ${index + 1}`;
    const previous = index === 0 ? null : (bundle.versions[index - 1]?.signature.documentSha256 ?? '');
    const facts: [string, unknown, unknown][] = [
      ['its number', version, index + 1], ['its number', member(signature, 'version'), index + 1], ['what it supersedes', member(signature, 'supersedes'), previous],
      ['its grant', member(signature, 'grantId'), grant.grantId], ['its clone', member(signature, 'cloneId'), grant.cloneId],
      ['its owner', member(signature, 'owner', 'accountId'), grant.ownerAccountId],
      ['its owner\'s name', member(signature, 'owner', 'name'), holderName(bundle)],
    ];
    return facts.filter(([, is, must]) => is !== must).map(([what]) => `${where}: ${what} does not fit`);
  });
}

function revocationProblems(bundle: EvidenceBundle): string[] {
  const { grant, versions, revocation, madeAt } = bundle;
  const last = versions.at(-1)?.signature;
  if (last === undefined) return ['there is no version'];
  // What she signed herself ended when her estate passed on.
  const inherited = bundle.authority?.estate != null && claimant(bundle) === grant.ownerAccountId;
  const ended = inherited || Date.parse(String(member(last, 'validUntil'))) <= Date.parse(madeAt);
  const state = revocation !== null ? 'revoked' : ended ? 'expired' : 'signed';
  const problems = grant.state === state ? [] : ['the state of the grant does not follow from its documents'];
  if (revocation === null) return problems;
  const fits = member(revocation.signature, 'grantId') === grant.grantId && member(revocation.signature, 'grantDigest') === last.documentSha256;
  return fits ? problems : [...problems, 'the revocation is of something else'];
}

function ownershipProblems(bundle: EvidenceBundle): string[] {
  const { ownership } = bundle;
  const facts: [string, boolean][] = [
    ['the claim is of another account', member(ownership.claim, 'accountId') === claimant(bundle)],
    ['a decision is about another claim', ownership.decisions.every(({ document }) =>
      document['proofId'] === ownership.proofId && document['claimDocumentId'] === ownership.claim.signedDocumentId)],
  ];
  return facts.filter(([, holds]) => !holds).map(([problem]) => `ownership: ${problem}`);
}

function checkLeaves(bundle: EvidenceBundle, given: string | null): LeafCheck[] {
  const { grant, ownership } = bundle;
  const keys = { own: bundle.log.verifierKey, given };
  const named = ({ documentSha256, evidenceSha256 }: SignatureEvidence) => ({ subjectId: grant.grantId, documentSha256, evidenceSha256 });
  return [
    ...bundle.versions.map(({ signature, leaf }, index) =>
      checkLeaf(`version ${index + 1}, log`, leaf, { types: [index === 0 ? 'grant.signed' : 'grant.amended'], ...named(signature) }, keys)),
    ...(bundle.revocation === null
      ? []
      : [checkLeaf('revocation, log', bundle.revocation.leaf, { types: ['grant.revoked'], ...named(bundle.revocation.signature) }, keys)]),
    ...ownership.decisions.map(({ document, leaf }, index) =>
      checkLeaf(`ownership decision ${index + 1}, log`, leaf, { types: ['ownership_proof.decided'], subjectId: ownership.proofId }, keys, document)),
    ...authorityLeaves(bundle, keys),
    ...bundle.stops.map((leaf, index) => checkLeaf(`stop ${index + 1}, log`, leaf, { types: ['stop.ordered'], subjectId: grant.cloneId }, keys)),
  ];
}

function contentProblems(bundle: EvidenceBundle): string[] {
  const { grant, versions, revocation, ownership } = bundle;
  const account = grant.ownerAccountId;
  return [
    ...versions.flatMap(({ signature }, index) =>
      signatureProblems(`version ${index + 1}`, signature, { documentType: index === 0 ? 'grant' : 'amendment', account: null })),
    ...versions.flatMap((_version, index) => mayHaveSigned(bundle, index)),
    ...authorityProblems(bundle),
    ...versions.flatMap((version, index) => renderingProblems(`version ${index + 1}`, version)),
    ...chainProblems(bundle),
    ...(revocation === null ? [] : signatureProblems('revocation', revocation.signature, { documentType: 'revocation', account })),
    ...revocationProblems(bundle),
    ...signatureProblems('ownership claim', ownership.claim, { documentType: 'ownership_claim', account: claimant(bundle) }),
    ...ownershipProblems(bundle),
  ];
}

function sealProblems(receipt: unknown, bundle: EvidenceBundle, given: KeyObject | null): string[] {
  let own: KeyObject;
  try {
    own = createPublicKey(bundle.receipts.publicKeyPem);
    if (receiptKeyId(own) !== bundle.receipts.keyId) return ['seal: the key has another id'];
  } catch {
    return ['seal: the key cannot be read'];
  }
  if (own.export({ format: 'pem', type: 'spki' }).toString() !== bundle.receipts.publicKeyPem) return ['seal: the key is written in another way'];
  const verdict = verifyReceipt(receipt, given ?? own);
  return verdict.ok ? [] : [`seal: ${verdict.problem}`];
}

/** What a reader wants to know, from what was verified. */
function summary(bundle: EvidenceBundle, leaves: readonly LeafCheck[]): Record<string, unknown> {
  const heads = leaves.flatMap(({ checkpoint }) => (checkpoint === null ? [] : [checkpoint]));
  const head = heads.reduce<LeafCheck['checkpoint']>((best, next) => (best === null || BigInt(next.size) > BigInt(best.size) ? next : best), null);
  return {
    ...bundle.grant, owner: member(bundle.ownership.claim, 'subjectName'), madeAt: bundle.madeAt,
    versions: bundle.versions.map(({ version, signature, rendering }) => ({
      version, digest: signature.documentSha256, signedAt: signature.signedAt, site: signature.context.origin, contractSha256: rendering?.sha256 ?? null,
    })),
    revokedAt: bundle.revocation?.signature.signedAt ?? null,
    ownership: bundle.ownership.decisions.map(({ document }) => ({ decision: document['decision'], at: document['at'] })),
    stops: bundle.stops.length, leaves: leaves.map(({ index }) => index), checkpoint: head,
  };
}

/**
 * Checks an evidence bundle: every signature, every link between the documents, every leaf, the files that were shown, and
 * the seal over all of it. Without a key the file can only vouch for itself, and that is a problem like any other.
 * Never throws for anything in the file.
 */
export function verifyEvidence(receipt: { document: unknown }, anchors: Anchors): EvidenceFinding {
  const malformed = shapeProblems(receipt.document);
  if (malformed.length > 0) return { problems: malformed.map((problem) => `bundle_malformed: ${problem}`), found: {} };
  const bundle = receipt.document as EvidenceBundle;
  const leaves = checkLeaves(bundle, anchors.log);
  const inside = [...sealProblems(receipt, bundle, anchors.receipts), ...contentProblems(bundle), ...leaves.flatMap(({ problems }) => problems)];
  const missing = [
    ...(anchors.log === null ? ['log_key_needed'] : []),
    ...(anchors.receipts === null ? ['receipts_key_needed'] : []),
  ];
  return {
    problems: [...missing, ...inside],
    found: {
      ...summary(bundle, leaves), consistentInItself: inside.length === 0,
      keysFrom: { log: anchors.log === null ? 'the file itself' : 'given', receipts: anchors.receipts === null ? 'the file itself' : 'given' },
      saidByTheServiceAlone: SAID_BY_THE_SERVICE,
    },
  };
}
