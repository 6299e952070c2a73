import type { Identity } from '../identity/index.ts';
import type { Ids } from '../kernel/ids.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import type { Random } from '../kernel/random.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Clock } from '../kernel/time.ts';
import type { RunTx, Tx } from '../kernel/tx.ts';
import { type Authority, makeAuthority } from './authority.ts';
import { decideWith, underLicence } from './decide.ts';
import type { Answer, DecisionRequest } from './decision.ts';
import { makeDeaths } from './deaths.ts';
import { makeDelegations } from './delegations.ts';
import { type Gates, type GateState, makeGates, type OnCloneGate } from './gates.ts';
import type { GrantDocument, GrantTerms, Unrendered } from './grant.ts';
import { documentOf, makeGrants, stateAt } from './grants.ts';
import { NO_FACTS, type PlatformFacts } from './legal.ts';
import { makeOutlooks, type Outlooks } from './outlooks.ts';
import { readGrant, type ReadGrant } from './prepare.ts';
import { makeReading } from './reading.ts';
import { makeVolume, type Volume } from './volume.ts';
import { type DecisionReceiptDocument, recordDecision, type RecordedState } from './receipt.ts';
import { deceasedSince } from './succession-store.ts';
import { type LicenceDocument, runs } from './licence.ts';
import { licenceFor, type LicenceNow, makeLicences } from './licences.ts';
import { makeSuccessions } from './successions.ts';
import * as store from './store.ts';

export type SignatureInput = Parameters<Identity['completeSignature']>[2];

/** The signed receipt, as anybody may verify it with the service's public key. */
export interface SignedDecisionReceipt {
  kind: 'benren-receipt';
  type: 'decision_receipt';
  document: DecisionReceiptDocument;
  digest: string;
  keyId: string;
  algorithm: 'Ed25519';
  signature: string;
}

/** What consent writes into the log. */
export type ConsentLeaf = 'grant.signed' | 'grant.amended' | 'grant.revoked'
  | 'amendment.offered' | 'licence.signed' | 'licence.ended'
  | 'delegation.signed' | 'delegation.ended' | 'succession.signed' | 'estate.frozen' | 'estate.undone' | 'estate.settled';

/** What consent needs of the rooms below it, and the one thing of the room above that shows it on paper. */
export interface ConsentDeps {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  random: Random;
  identity: Pick<Identity, 'completeSignature' | 'account' | 'signedDocument'>;
  clones: {
    clone(tx: Tx, cloneId: string): Promise<{ cloneId: string; ownerAccountId: string; ownershipProofId: string; name: string } | null>;
    /** By id; every clone of a person, whatever its state. */
    clonesOf(tx: Tx, ownerAccountId: string): Promise<string[]>;
    approvedVersion(tx: Tx, cloneId: string): Promise<{ versionId: string; number: number; state: string } | null>;
  };
  ownership: {
    proof(tx: Tx, proofId: string): Promise<{ proofId: string; subjectName: string; state: string; expiresAt: Date | null } | null>;
  };
  provenance: {
    signReceipt(type: 'decision_receipt', document: JsonObject): {
      kind: 'benren-receipt'; digest: string; keyId: string; algorithm: 'Ed25519'; signature: string;
    };
  };
  /** The contract in words, as a PDF: pure, and always the same for the same grant. */
  contract(grant: Unrendered): Promise<Uint8Array>;
  transparency: {
    append(
      tx: Tx, leaf: { type: ConsentLeaf; subjectId: string; at: Date; document: JsonObject; evidenceSha256?: string },
    ): Promise<{ leafId: string }>;
  };
  /** Told when a clone's gate is paused or opened again: billing stops and resumes collection. */
  onCloneGate?: OnCloneGate;
  /** Pauses a clone so that every gateway confirms it; without it the hold alone pauses it. */
  pauseByHouse?(tx: Tx, asked: { cloneId: string; holder: string; reason: string; by: string }): Promise<unknown>;
  /** What the platform can and may do; nothing, where nobody says so. */
  facts?: PlatformFacts;
}

/** A stored decision, with what a release has to compare again. */
export interface Decision extends Answer {
  decisionId: string;
  cloneId: string;
  grantId: string | null;
  grantDigest: string | null;
  versionId: string | null;
  /** The licence that it was asked under. */
  licenceId: string | null;
  /** In tree order, as they were when this was decided: pass ids and epochs to `assert_release_gates`. */
  gates: GateState[];
  /**
   * From this instant on the decision no longer holds (end of the grant's term or of the ownership proof, whichever is
   * first): compared again at release, with a clock read after the locks. Null when denied.
   */
  expiresAt: Date | null;
  /** Whether the owner looks at each output, before its release or for a while after it. */
  approval: GrantTerms['outputApproval'];
  receipt: SignedDecisionReceipt;
}

/** The grant in force, as other rooms read it. */
export interface GrantInForce {
  grantId: string;
  cloneId: string;
  version: number;
  digest: string;
  ownerAccountId: string;
  document: GrantDocument;
}

export interface Consent extends ReturnType<typeof makeGrants>, ReturnType<typeof makeDelegations>,
  ReturnType<typeof makeReading>, ReturnType<typeof makeSuccessions>, ReturnType<typeof makeLicences>, ReturnType<typeof makeDeaths>, Authority,
  Pick<Volume, 'takeVolume' | 'measureVolume' | 'giveVolumeBack'>, Outlooks {
  gates: Gates;
  /**
   * Decides, signs the receipt and keeps it, in the caller's transaction: a caller that refuses because of a denial
   * must commit first, or the receipt is lost. Refuses `not_found` for an unknown clone.
   */
  decide(tx: Tx, request: DecisionRequest): Promise<Decision>;
  grantInForce(tx: Tx, cloneId: string, at: Date): Promise<GrantInForce | null>;
  explainDecision(actor: Actor, decisionId: string): Promise<SignedDecisionReceipt>;
}

type Seen = Pick<Decision, 'gates'> & { state: RecordedState; noticeEndsAt: Date | null };

/**
 * Gates first, then what they guard: whoever narrows anything afterwards raises an epoch that this decision has
 * seen at its old value, so its release is refused. The other way round a decision could be made on an old grant
 * and carry the new epoch.
 */
async function see(deps: ConsentDeps & { gates: Gates; authority: Authority }, tx: Tx, request: DecisionRequest): Promise<Seen> {
  const { gates } = deps;
  const grantId = (await store.loadGrantOfClone(tx, request.cloneId))?.grantId ?? null;
  const asked = request.licensee === 'platform' ? null : await licenceFor(tx, request.cloneId, request.licensee, request.at);
  const refs = await gates.applicable(tx, { cloneId: request.cloneId, capability: request.capability, grantId });
  const states = await gates.read(tx, [...refs, ...(asked === null || asked.gateId === null ? [] : [{ gateId: asked.gateId }])]);
  const licence = asked === null ? null : await licenceFor(tx, request.cloneId, request.licensee, request.at);
  if (licence?.licenceId !== asked?.licenceId) throw new Refusal('gate_changed', 'Another licence began meanwhile; ask again.');
  const clone = await deps.clones.clone(tx, request.cloneId);
  if (clone === null) throw notFound();
  const grant = grantId === null ? null : await store.loadGrant(tx, grantId);
  const version = await deps.clones.approvedVersion(tx, request.cloneId);
  const proof = await deps.ownership.proof(tx, clone.ownershipProofId);
  return {
    gates: states, noticeEndsAt: licence?.noticeEndsAt ?? null,
    state: {
      ...(licence === null ? {} : { licence: recordedLicence(licence) }),
      // What a dead owner signed is nobody's any more: a grant counts when it is of who holds the rights now.
      clone: {
        cloneId: clone.cloneId, ownerAccountId: (await deps.authority.rightsHolder(tx, request.cloneId)) ?? clone.ownerAccountId, name: clone.name,
      },
      ownership: proof === null
        ? null
        : { proofId: proof.proofId, state: proof.state, expiresAt: proof.expiresAt?.toISOString() ?? null },
      version: version === null ? null : { versionId: version.versionId, number: version.number, state: version.state },
      grant: grant === null
        ? null
        : { grantId: grant.grantId, digest: grant.digest, status: grant.state, document: { ...documentOf(grant) } },
      gates: states.map(({ gateId, kind, state, epoch }) => ({ gateId, kind, state, epoch: epoch.toString() })),
      usage: [], output: null, deceasedAt: (await deceasedSince(tx, clone.ownerAccountId))?.toISOString() ?? null, windDownSince: null, platform: factsOf(deps),
    },
  };
}

function recordedLicence(row: LicenceNow): NonNullable<RecordedState['licence']> {
  return { licenceId: row.licenceId, digest: row.digest, status: runs(row.state) ? 'signed' : row.state, document: { ...row.document } };
}

/** What was read from the licence's own row: the database keeps no other document there than the one that both signed. */
function termsOfLicence({ document }: NonNullable<RecordedState['licence']>): GrantTerms {
  return (document as unknown as LicenceDocument).terms;
}

/** The narrower of what the grant and the licence say. */
function approvalOf(grant: ReadGrant, { licence }: RecordedState): GrantTerms['outputApproval'] {
  const said = [grant.terms.outputApproval, ...(licence === undefined ? [] : [termsOfLicence(licence).outputApproval])];
  const mode = (['before', 'after'] as const).find((name) => said.some((one) => one.mode === name)) ?? 'none';
  return { mode, undoHours: Math.max(...said.filter((one) => one.mode === mode).map(({ undoHours }) => undoHours)) };
}

function factsOf({ facts = NO_FACTS }: Pick<ConsentDeps, 'facts'>): RecordedState['platform'] {
  return { ...facts, markingLayers: [...facts.markingLayers] };
}

function expiry(state: RecordedState, noticeEndsAt: Date | null): Date | null {
  const licensed = state.licence === undefined ? undefined : termsOfLicence(state.licence);
  const ends = [state.ownership?.expiresAt, state.grant?.document['validUntil'], ...(licensed === undefined ? [] : [licensed.validUntil])]
    .map((end) => (typeof end === 'string' ? Date.parse(end) : Number.NaN));
  if (noticeEndsAt !== null) ends.push(noticeEndsAt.getTime());
  return ends.some(Number.isNaN) ? null : new Date(Math.min(...ends));
}

const GRANTS_KEPT = 500;

/** Word lists take time to prepare, and what a digest stands for never changes: each grant is read once. */
function makeGrantReader(): (grant: { digest: string; document: unknown } | null) => ReadGrant {
  const kept = new Map<string, ReadGrant>();
  return (grant) => {
    if (grant === null) return readGrant(null);
    const ready = kept.get(grant.digest) ?? readGrant(grant.document);
    kept.delete(grant.digest);
    kept.set(grant.digest, ready);
    const [oldest] = kept.keys();
    if (kept.size > GRANTS_KEPT && oldest !== undefined) kept.delete(oldest);
    return ready;
  };
}

interface Judged {
  state: RecordedState;
  grant: ReadGrant;
  seen: GateState[];
  answer: Answer;
  noticeEndsAt: Date | null;
}

export function makeConsent(deps: ConsentDeps): Consent {
  const { runTx, ids, clones, provenance } = deps;
  const gates = makeGates({ ids, ...(deps.onCloneGate === undefined ? {} : { onCloneGate: deps.onCloneGate }) });
  const authority = makeAuthority(deps);
  const readOnce = makeGrantReader();
  const volume = makeVolume();

  /** Previews of the owner's and looks of a reviewer use nothing up. */
  async function used(tx: Tx, grant: ReadGrant, state: RecordedState, request: DecisionRequest): Promise<RecordedState> {
    if (state.grant === null || request.act !== 'make' || request.audience !== 'fan') return state;
    const { grantId } = state.grant;
    const usage = await volume.usage(tx, { grantId, licenceId: null }, grant.terms.volumeCaps, request.at);
    const { licence } = state;
    if (licence === undefined) return { ...state, usage };
    const caps = termsOfLicence(licence).volumeCaps;
    return { ...state, usage, licence: { ...licence, usage: await volume.usage(tx, { grantId, licenceId: licence.licenceId }, caps, request.at) } };
  }

  async function judged(tx: Tx, request: DecisionRequest, counted = true): Promise<Judged> {
    const { state: found, gates: seen, noticeEndsAt } = await see({ ...deps, gates, authority }, tx, request);
    const grant = readOnce(found.grant);
    const state = counted ? await used(tx, grant, found, request) : found;
    return { state, grant, seen, answer: underLicence(decideWith(grant, state, request), state, request), noticeEndsAt };
  }

  function signedReceipt(document: DecisionReceiptDocument): SignedDecisionReceipt {
    // Through canonical JSON: what is kept is exactly what was signed, with nothing that JSON would drop.
    const plain = JSON.parse(canonicalJson(document)) as JsonObject;
    const { kind, digest, keyId, algorithm, signature } = provenance.signReceipt('decision_receipt', plain);
    return { kind, type: 'decision_receipt', document, digest, keyId, algorithm, signature };
  }

  return {
    ...authority,
    ...makeGrants({ ...deps, gates, authority }),
    ...makeDelegations({ ...deps, authority }),
    ...makeSuccessions(deps),
    ...makeLicences({ ...deps, gates, authority }),
    ...makeDeaths({ ...deps, gates }),
    ...makeReading({ ...deps, gates, authority, platform: factsOf(deps), readOnce }),
    ...makeOutlooks({ ...deps, facts: factsOf(deps), answer: async (tx, request, counted) => (await judged(tx, request, counted)).answer }),
    takeVolume: (tx, use) => volume.takeVolume(tx, use),
    measureVolume: (tx, outputId, seconds) => volume.measureVolume(tx, outputId, seconds),
    giveVolumeBack: (tx, outputId) => volume.giveVolumeBack(tx, outputId),
    gates,

    async decide(tx, request) {
      const { state, grant, seen, answer, noticeEndsAt } = await judged(tx, request);
      const decisionId = ids.next('decision');
      const receipt = signedReceipt(recordDecision(decisionId, state, request, answer));
      const head = {
        decisionId, cloneId: request.cloneId, grantId: state.grant?.grantId ?? null, grantDigest: state.grant?.digest ?? null,
        versionId: state.version?.versionId ?? null, licenceId: state.licence?.licenceId ?? null,
      };
      await store.insertDecision(tx, { ...head, ...answer, requester: request.requester, at: request.at, receipt });
      return { ...head, ...answer, gates: seen, expiresAt: answer.allowed ? expiry(state, noticeEndsAt) : null, approval: approvalOf(grant, state), receipt };
    },

    async grantInForce(tx, cloneId, at) {
      const row = await store.loadGrantOfClone(tx, cloneId);
      if (row === null) return null;
      const document = documentOf(row);
      if (stateAt(row, document, at) !== 'signed' || at.getTime() < Date.parse(document.validFrom)) return null;
      return {
        grantId: row.grantId, cloneId, version: row.version, digest: row.digest, ownerAccountId: row.ownerAccountId, document,
      };
    },

    async explainDecision(actor, decisionId) {
      return await runTx(async (tx) => {
        const found = await store.loadReceipt(tx, decisionId);
        if (found === null) throw notFound();
        const owner = (await clones.clone(tx, found.cloneId))?.ownerAccountId;
        if (actor.accountId !== found.requester && actor.accountId !== owner) throw notFound();
        return found.receipt as SignedDecisionReceipt;
      });
    },
  };
}
