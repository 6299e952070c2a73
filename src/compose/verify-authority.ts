import { compareGrants } from '../consent/compare.ts';
import { covers, type DelegationDocument, onlyNarrowing } from '../consent/delegation.ts';
import { termsOf } from '../consent/draft.ts';
import type { GrantDocument } from '../consent/grant.ts';
import type { BundledDelegation, BundledEstate, EvidenceBundle } from '../exports/bundle.ts';
import type { SignatureEvidence } from '../identity/evidence.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { checkLeaf, type LeafCheck, member, signatureProblems } from './verify-parts.ts';

/** Who but the owner may have signed a version: her agent under a delegation, or her heir. */

/** A text in a document of the log; anything else is none. */
function said(document: JsonObject, name: string): string {
  const value = document[name];
  return typeof value === 'string' ? value : '';
}

function estateOf(bundle: EvidenceBundle): BundledEstate | null {
  return bundle.authority?.estate ?? null;
}

/** Whose the ownership proof must be: the owner, or the dead owner whose heir holds the rights. */
export function claimant(bundle: EvidenceBundle): string {
  const estate = estateOf(bundle);
  return estate === null ? bundle.grant.ownerAccountId : String(member(estate.succession, 'owner', 'accountId'));
}

interface Named {
  accountId?: unknown;
  name?: unknown;
}

function heirOf(estate: BundledEstate): Named | undefined {
  const heirs = member(estate.succession, 'heirs');
  return Array.isArray(heirs) ? (heirs as (Named | null)[]).find((heir) => heir?.accountId === estate.settled.document['holderAccountId']) ?? undefined : undefined;
}

/** The name under which the grant must stand. */
export function holderName(bundle: EvidenceBundle): unknown {
  const estate = estateOf(bundle);
  return estate === null || claimant(bundle) === bundle.grant.ownerAccountId ? member(bundle.ownership.claim, 'subjectName') : heirOf(estate)?.name;
}

/** Only narrower than the version before, read from both documents; what cannot be read is not. */
function narrowsOnly(before: SignatureEvidence | undefined, after: SignatureEvidence): boolean {
  try {
    if (before === undefined) return false;
    return onlyNarrowing(compareGrants(termsOf(JSON.parse(before.canonical) as GrantDocument), termsOf(JSON.parse(after.canonical) as GrantDocument)));
  } catch {
    return false;
  }
}

/** Signed by both, in force, for this clone and this act, at the moment of the signature. */
function letSign({ owner, agent, end }: BundledDelegation, bundle: EvidenceBundle, signature: SignatureEvidence): boolean {
  try {
    const document = JSON.parse(owner.canonical) as DelegationDocument;
    const at = new Date(signature.signedAt);
    const endedAt = end === null ? null : new Date(said(end.document, 'at'));
    return agent.context.account === signature.context.account && document.owner.accountId === bundle.grant.ownerAccountId
      && [owner, agent].every(({ signedAt }) => Date.parse(signedAt) <= at.getTime())
      && covers({ document, signers: [owner.context.account, agent.context.account], endedAt }, bundle.grant.cloneId, at)
      && document.verbs.includes('signAmendment');
  } catch {
    return false;
  }
}

/** An heir signs from the day on which the estate was theirs, and not beyond the day that the owner set. */
function heirMay(estate: BundledEstate, signature: SignatureEvidence): boolean {
  const { document } = estate.settled;
  return Date.parse(signature.signedAt) >= Date.parse(said(document, 'at'))
    && Date.parse(String(member(signature, 'validUntil'))) <= Date.parse(String(member(estate.succession, 'sunset')));
}

/** Whether whoever signed version `index` + 1 could. */
export function mayHaveSigned(bundle: EvidenceBundle, index: number): string[] {
  const where = `version ${index + 1}`;
  const signature = bundle.versions[index]?.signature;
  if (signature === undefined) return [];
  const { ownerAccountId } = bundle.grant;
  const estate = estateOf(bundle);
  const inherited = estate !== null && claimant(bundle) !== ownerAccountId;
  if (signature.context.account === ownerAccountId) return !inherited || heirMay(estate, signature) ? [] : [`${where}: the estate was not the signer's, or not for so long`];
  const delegated = !inherited && index > 0 && (bundle.authority?.delegations ?? []).some((one) => letSign(one, bundle, signature));
  if (!delegated) return [`${where}: somebody else signed`];
  return narrowsOnly(bundle.versions[index - 1]?.signature, signature) ? [] : [`${where}: an agent's amendment does not only narrow`];
}

function delegationProblems(where: string, { delegationId, owner, agent, end }: BundledDelegation): string[] {
  const parties = [[owner, 'owner'], [agent, 'agent']] as const;
  return [
    ...parties.flatMap(([signature, party]) =>
      signatureProblems(`${where}, ${party}`, signature, { documentType: 'delegation', account: String(member(owner, party, 'accountId')) })),
    ...(owner.canonical === agent.canonical ? [] : [`${where}: its parties signed different documents`]),
    ...(member(owner, 'delegationId') === delegationId ? [] : [`${where}: it has another number`]),
    ...(end === null || (end.document['type'] === 'benren.delegation_end' && end.document['delegationId'] === delegationId) ? [] : [`${where}: its end is of something else`]),
  ];
}

function estateProblems(estate: BundledEstate, bundle: EvidenceBundle): string[] {
  const { succession, acceptance, settled } = estate;
  const holder = said(settled.document, 'holderAccountId');
  const facts: [string, boolean][] = [
    ['the heir accepted another succession', succession.canonical === acceptance.canonical],
    ['it was settled under another succession', settled.document['fact'] === 'estate.settled' && settled.document['successionId'] === member(succession, 'successionId')],
    ['whoever holds it was not named', heirOf(estate) !== undefined],
    ['it is not about this grant', [holder, claimant(bundle)].includes(bundle.grant.ownerAccountId)],
    ['the succession was signed after it was settled', [succession, acceptance].every(({ signedAt }) => Date.parse(signedAt) <= Date.parse(said(settled.document, 'at')))],
  ];
  return [
    ...signatureProblems('succession', succession, { documentType: 'succession', account: claimant(bundle) }),
    ...signatureProblems('succession, heir', acceptance, { documentType: 'succession', account: holder }),
    ...facts.filter(([, holds]) => !holds).map(([problem]) => `estate: ${problem}`),
  ];
}

export function authorityProblems(bundle: EvidenceBundle): string[] {
  const estate = estateOf(bundle);
  return [
    ...(bundle.authority?.delegations ?? []).flatMap((one, index) => delegationProblems(`delegation ${index + 1}`, one)),
    ...(estate === null ? [] : estateProblems(estate, bundle)),
  ];
}

export function authorityLeaves(bundle: EvidenceBundle, keys: { own: string; given: string | null }): LeafCheck[] {
  const estate = estateOf(bundle);
  return [
    ...(bundle.authority?.delegations ?? []).flatMap(({ delegationId, agent, leaf, end }, index) => [
      checkLeaf(`delegation ${index + 1}, log`, leaf, {
        types: ['delegation.signed'], subjectId: delegationId, documentSha256: agent.documentSha256, evidenceSha256: agent.evidenceSha256,
      }, keys),
      ...(end === null ? [] : [checkLeaf(`end of delegation ${index + 1}, log`, end.leaf, { types: ['delegation.ended'], subjectId: delegationId }, keys, end.document)]),
    ]),
    ...(estate === null ? [] : [
      checkLeaf('succession, log', estate.leaf, {
        types: ['succession.signed'], subjectId: String(member(estate.succession, 'successionId')), documentSha256: estate.succession.documentSha256,
      }, keys),
      checkLeaf('estate, log', estate.settled.leaf, { types: ['estate.settled'], subjectId: said(estate.settled.document, 'caseId') }, keys, estate.settled.document),
    ]),
  ];
}
