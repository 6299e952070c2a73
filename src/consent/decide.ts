import { type Act, type Answer, type DecisionRequest, type DecisionState, OWNER_PURPOSE, REVIEWER_PURPOSE } from './decision.ts';
import { EU_MARKING_FROM } from './legal.ts';
import { Lexicon, saysAny } from './lexicon.ts';
import { licenceAsGrant } from './licence-read.ts';
import { type ReadGrant, readGrant } from './prepare.ts';
import { type PreparedRequest, prepareRequest } from './prepare-request.ts';
import { prepareState, type Standing } from './standing.ts';

export type { GateKind, GateStateName } from './decision.ts';

interface Findings {
  used: string[];
  denied: string[];
}

type Rule = (s: Standing, q: PreparedRequest, found: Findings) => void;

function settle(found: Findings, holds: boolean, clause: string): void {
  (holds ? found.used : found.denied).push(clause);
}

function all(into: string[], clauses: readonly string[]): void {
  for (const clause of clauses) into.push(clause);
}

function has(set: number, place: number): boolean {
  return place >= 0 && (set & (1 << place)) !== 0;
}

const gates: Rule = (s, q, found) => {
  all(found.denied, s.gates);
  if (q.cloneId !== s.cloneId) found.denied.push('clone.unknown');
};

const ownership: Rule = (s, q, found) => {
  const proven = q.at < s.provenUntil;
  settle(found, proven, proven ? 'ownership.proven' : 'ownership.unproven');
};

const inForce: Rule = (s, q, found) => {
  if (s.status === null) {
    found.denied.push('grant.none');
    return;
  }
  const { grant } = s;
  if (s.status === 'revoked') found.denied.push('grant.revoked');
  else if (s.status === 'expired') found.denied.push('grant.expired');
  else if (s.status !== 'signed') found.denied.push('grant.unsigned');
  if (Number.isNaN(q.at)) found.denied.push('request.at');
  else if (q.at < grant.validFrom) found.denied.push('grant.not_yet');
  else if (q.at >= grant.validUntil) {
    if (s.status !== 'expired') found.denied.push('grant.expired');
  } else if (grant.validFrom <= q.at && s.status === 'signed') found.used.push('grant.term');
  if (q.at >= s.windDownEnds) found.denied.push('grant.wound_down');
};

/** The document itself, the name it is spoken under, and a death. */
const person: Rule = (s, q, found) => {
  if (s.status === null) return;
  all(found.denied, s.document);
  settle(found, s.nameHolds, s.nameHolds ? 'name.granted' : 'name.unnamed');
  if (!(q.at >= s.deceasedAt)) return;
  const { postMortem } = s.grant;
  const holds = postMortem.allowed && postMortem.holder !== null && q.at < s.grant.postMortemUntil;
  settle(found, holds, holds ? 'death.allowed' : postMortem.allowed ? 'death.over' : 'death.denied');
};

const licensee: Rule = (s, q, found) => {
  if (!q.ours) settle(found, s.grant.sublicence, 'sublicence');
};

const capability: Rule = ({ grant }, q, found) => {
  const { separateConsent } = grant;
  settle(found, has(grant.capabilities, q.capability), q.clauses.capability);
  settle(found, has(grant.media, q.medium), q.clauses.medium);
  if (q.takes.voice) settle(found, separateConsent.voice, 'consent.voice');
  if (q.takes.face) settle(found, separateConsent.face, 'consent.face');
  if (q.takes.persona) settle(found, separateConsent.persona, 'consent.persona');
  settle(found, grant.languages.has(q.language), q.clauses.language);
};

const content: Rule = ({ grant }, q, found) => {
  if (saysAny(q.said, grant.forbidden)) {
    for (const topic of grant.topics) if (saysAny(q.said, topic.words)) found.denied.push(topic.clause);
    if (saysAny(q.said, grant.phrases)) found.denied.push('phrase.forbidden');
  } else found.used.push('topics.unsaid');
  if (q.adult) settle(found, grant.adult, 'content.adult');
  if (q.adult && q.audienceName === 'fan' && !q.grownUp) found.denied.push('content.adult_age');
  if (q.political) settle(found, grant.political, 'content.political');
  for (const { name, clause } of q.endorsements) settle(found, grant.endorsements.has(name), clause);
  if (!q.explicitLabel) settle(found, q.at <= grant.waiverUntil, 'label.waiver');
};

const purpose: Rule = ({ grant }, q, found) => {
  const named = grant.purposes.get(q.purpose);
  settle(found, named !== undefined, q.clauses.purpose);
  if (q.work !== null) settle(found, named?.works.has(q.work) === true, q.clauses.work);
};

const listener: Rule = ({ grant }, q, found) => {
  settle(found, has(grant.audiences, q.audience), q.clauses.audience);
  if (q.countryMissing) found.denied.push('territory.unknown');
  for (const { place, clause } of q.places) {
    settle(found, place >= 0 && ((grant.territories[place >>> 5] ?? 0) & (1 << (place & 31))) !== 0, clause);
  }
  settle(found, q.tierName !== null && grant.tiers.has(q.tierName), q.clauses.tier);
  settle(found, has(grant.ageBands, q.ageBand), q.clauses.age);
};

/** The law where the clone is heard, at the person's home, and the chosen one. */
const law: Rule = (s, q, found) => {
  const { legal } = s.grant;
  const vague = (s.grant.purposes.get(q.purpose)?.works.size ?? 0) === 0;
  all(found.denied, legal.home);
  if (vague) all(found.denied, legal.homeWorks);
  let last = 0;
  for (const { code, group, legalClause } of q.places) {
    if (s.grant.atHomeInChina && code !== 'CN') crossBorder(s, found);
    if (group === 0 || group === last) continue;
    last = group;
    const before = found.denied.length;
    all(found.denied, legal.group[group] ?? []);
    if (vague) all(found.denied, legal.groupWorks[group] ?? []);
    if (group === 1 && q.chat && !s.mainlandChat) found.denied.push('legal.CN.chat');
    if (group === 2 && !(q.at < EU_MARKING_FROM)) all(found.denied, s.euMarking);
    if (group === 2 && !q.explicitLabel) found.denied.push('legal.EU.label');
    if (group === 3 && q.at >= s.deceasedAt && s.grant.postMortem.registerNotice === null) found.denied.push('legal.NO-FAKES.register_notice');
    if (found.denied.length === before) found.used.push(legalClause);
  }
};

/** PIPL art. 39: personal information leaves the country with a separate consent only. Said once for two countries. */
function crossBorder({ grant }: Standing, found: Findings): void {
  const clause = 'consent.cross_border';
  const list = grant.separateConsent.crossBorder ? found.used : found.denied;
  if (!list.includes(clause)) list.push(clause);
}

const approvedVersion: Rule = (s, _, found) => {
  settle(found, s.versionApproved, s.versionApproved ? 'version.approved' : 'version.unapproved');
};

/** What the owner wants to have of it. */
const compensation: Rule = ({ grant }, q, found) => {
  const { model, rateBasisPoints, currency } = grant.compensation;
  const { sale } = q;
  if (sale === null || !q.paid) return;
  if (model === 'free') found.denied.push('compensation.unpaid');
  else if (rateBasisPoints === 0 && grant.floorMinor === 0n) found.used.push('compensation.share');
  else if (q.ownerMinor === null || sale.ownerBasisPoints === null) found.denied.push('compensation.unknown');
  else if (sale.ownerBasisPoints < rateBasisPoints) found.denied.push('compensation.rate');
  else if (grant.floorMinor > 0n && (sale.currency !== currency || q.ownerMinor < grant.floorMinor)) found.denied.push('compensation.floor');
  else found.used.push('compensation.share');
};

const volume: Rule = (s, q, found) => {
  const rooms = s.room[q.capability] ?? [];
  let within = rooms.length > 0;
  for (const { clause, outputs, seconds } of rooms) {
    if (outputs >= 1 && seconds >= q.seconds) continue;
    within = false;
    if (!found.denied.includes(clause)) found.denied.push(clause);
  }
  if (within) found.used.push('volume.within');
};

const approval: Rule = (s, _, found) => {
  const { mode } = s.grant.outputApproval;
  if (mode === 'before') settle(found, s.output.approved, s.output.approved ? 'approval.given' : s.output.rejected ? 'approval.refused' : 'approval.awaited');
};

const theOwner: Rule = (s, q, found) => {
  settle(found, s.ownerAccountId !== null && q.requester === s.ownerAccountId, 'audience.owner');
  settle(found, q.purpose === OWNER_PURPOSE, q.clauses.purpose);
};

const theReviewer: Rule = ({ grant }, q, found) => {
  settle(found, has(grant.audiences, q.audience), 'audience.reviewer');
  settle(found, q.purpose === REVIEWER_PURPOSE, q.clauses.purpose);
};

const noAudience: Rule = (_, q, found) => {
  found.denied.push(q.clauses.audience);
};

/** Whether what was released may still be given out. */
const survival: Rule = (s, q, found) => {
  const { survivalOfExistingWorks: survives, withdrawal } = s.grant.terms;
  if (Number.isNaN(q.at)) found.denied.push('request.at');
  else if (s.status === null) found.denied.push('grant.none');
  else if (s.status === 'revoked') settle(found, survives && withdrawal.effect === 'stop_new', `withdrawal.${withdrawal.effect}`);
  else if (s.status === 'expired' || q.at >= s.grant.validUntil) settle(found, survives, 'survival.works');
  else settle(found, s.status === 'signed', s.status === 'signed' ? 'grant.term' : 'grant.unsigned');
  if (s.grant.outputApproval.mode === 'after') settle(found, !s.output.rejectedInTime, 'approval.undo');
  if (s.grant.outputApproval.mode === 'before' && s.output.rejected) found.denied.push('approval.refused');
};

const training: Rule = ({ grant }, q, found) => {
  settle(found, grant.terms.training.allowed, 'training.allowed');
  settle(found, grant.separateConsent.training, 'consent.training');
  settle(found, q.source !== null && grant.sources.has(q.source), q.clauses.source);
  if (q.act === 'derive') settle(found, grant.terms.training.derivedModels, 'training.derived');
};

const keeping: Rule = (s, q, found) => {
  const { allowed, deleteOnEnd } = s.grant.terms.training;
  const ended = s.status !== 'signed' || !(q.at < s.grant.validUntil);
  if (Number.isNaN(q.at)) found.denied.push('request.at');
  all(found.denied, s.document);
  settle(found, allowed && !(ended && deleteOnEnd), ended ? 'training.keep' : 'training.allowed');
};

const sublicence: Rule = ({ grant }, _, found) => settle(found, grant.sublicence, 'sublicence');

const audit: Rule = (s, q, found) => {
  all(found.denied, s.status === null ? ['grant.none'] : s.document);
  settle(found, s.ownerAccountId !== null && q.requester === s.ownerAccountId, 'audience.owner');
  settle(found, s.grant.compensation.auditRight, 'audit.right');
};

const BEFORE: readonly Rule[] = [gates, ownership, inForce, person];
const ALWAYS: readonly Rule[] = [...BEFORE, licensee, capability, content];
const FAN: readonly Rule[] = [...ALWAYS, approvedVersion, listener, purpose, law, compensation];

/** Who listens decides which further rules hold. The owner hears her own clone before any fan may. */
function outputRules(q: PreparedRequest, last: Rule): readonly Rule[] {
  switch (q.audienceName) {
    case 'fan': return last === volume ? MAKE_FOR_FAN : RELEASE_TO_FAN;
    case 'owner': return OWNER_RULES;
    case 'reviewer': return REVIEWER_RULES;
    default: return NOBODY_RULES;
  }
}

const MAKE_FOR_FAN: readonly Rule[] = [...FAN, volume];
const RELEASE_TO_FAN: readonly Rule[] = [...FAN, approval];
const OWNER_RULES: readonly Rule[] = [...ALWAYS, theOwner];
const REVIEWER_RULES: readonly Rule[] = [...ALWAYS, theReviewer];
const NOBODY_RULES: readonly Rule[] = [...ALWAYS, noAudience];

const OF_ACT: Readonly<Record<Exclude<Act, 'make' | 'release'>, readonly Rule[]>> = {
  read: [gates, ownership, survival, (s, _, found) => all(found.denied, s.document)],
  train: [...BEFORE, training],
  derive: [...BEFORE, training],
  keep_model: [gates, ownership, keeping],
  sublicense: [...BEFORE, sublicence],
  audit: [audit],
};

/** Where there is no grant there is nothing to hold a language or a country against: `grant.none` says it all. */
const WITHOUT_GRANT: readonly Rule[] = [gates, ownership, inForce];
const NO_ACT: readonly Rule[] = [(_, q, found) => found.denied.push(q.clauses.act)];

function rulesFor(s: Standing, q: PreparedRequest): readonly Rule[] {
  if (q.act === null) return NO_ACT;
  if (s.status === null) return WITHOUT_GRANT;
  if (q.act === 'make') return outputRules(q, volume);
  return q.act === 'release' ? outputRules(q, approval) : OF_ACT[q.act];
}

/**
 * The decision itself, over what was prepared. Pure: no clock, no I/O, the same answer for the same arguments. Every
 * rule is asked, so a denial names all of its clauses.
 */
export function judge(s: Standing, q: PreparedRequest): Answer {
  const found: Findings = { used: [], denied: [] };
  for (const rule of rulesFor(s, q)) rule(s, q, found);
  const allowed = found.denied.length === 0;
  return { allowed, clauses: allowed ? found.used : found.denied };
}

/**
 * May this be done? Pure and total: an answer for every input. What the grant does not say is denied, and so is
 * whatever cannot be read.
 */
export function decide(state: DecisionState, request: DecisionRequest): Answer {
  return underLicence(decideWith(readGrant(state.grant?.document ?? null), state, request), state, request);
}

/**
 * What the grant answered, and the licence with it where one is asked under: the narrower of the two wins. To its own
 * licence the organisation is the licensee; whether the owner lets anybody hand the clone on, the grant has answered.
 */
export function underLicence(answer: Answer, state: DecisionState, request: DecisionRequest): Answer {
  const asked = request.licensee !== 'platform';
  const { licence } = state;
  if (licence === undefined || licence === null) return asked ? intersect([answer, { allowed: false, clauses: ['licence.none'] }]) : answer;
  if (!asked) return intersect([answer, { allowed: false, clauses: ['licence.foreign'] }]);
  const document = licenceAsGrant(licence.document);
  const grant = document === null ? null : { grantId: licence.licenceId, digest: licence.digest, status: licence.status, document: document.grant };
  const found: string[] = [];
  if (licence.status !== 'signed') found.push(`licence.${licence.status}`);
  if (document?.licensee !== request.licensee) found.push('licence.foreign');
  if (!state.gates.some(({ kind }) => kind === 'licence')) found.push('gates.unreadable');
  const inner = decideWith(readGrant(grant?.document ?? null, new Lexicon(), false), { ...state, grant, usage: licence.usage ?? state.usage }, { ...request, licensee: 'platform' });
  return intersect([answer, inner, ...(found.length === 0 ? [] : [{ allowed: false, clauses: found }])]);
}

/** As `decide`, with the grant read beforehand (for many decisions under one grant). */
export function decideWith(grant: ReadGrant, state: DecisionState, request: DecisionRequest): Answer {
  return judge(prepareState(grant, state), prepareRequest(request, grant.lexicon));
}

/**
 * Where more than one grant applies (the owner's, and a licence under it), all must allow: the narrowest wins. The
 * states differ in their grant and its gates. Under none at all everything is denied.
 */
export function decideAll(states: readonly DecisionState[], request: DecisionRequest): Answer {
  if (states.length === 0) return { allowed: false, clauses: ['grant.none'] };
  return intersect(states.map((state) => decide(state, request)));
}

/** Allowed by all, or denied with every clause of those that denied. */
export function intersect(answers: readonly Answer[]): Answer {
  const allowed = answers.length > 0 && answers.every((answer) => answer.allowed);
  const telling = allowed ? answers : answers.filter((answer) => !answer.allowed);
  const clauses = [...new Set(telling.flatMap((answer) => answer.clauses))];
  return { allowed, clauses: clauses.length > 0 ? clauses : ['grant.none'] };
}
