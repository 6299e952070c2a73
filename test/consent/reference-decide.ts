import type { Answer, DecisionRequest, DecisionState, GrantDocument, GrantTerms } from '../../src/consent/index.ts';

/**
 * The rules of `decide` for a listener's output, written a second time from the contract alone: slow, plain, and sharing
 * nothing with src/consent but types. It reads grants that are whole, and texts in plain English words.
 */
const EU = ['AT', 'BE', 'BG', 'CY', 'CZ', 'DE', 'DK', 'EE', 'ES', 'FI', 'FR', 'GR', 'HR', 'HU', 'IE', 'IT', 'LT', 'LU', 'LV', 'MT', 'NL', 'PL', 'PT', 'RO', 'SE', 'SI', 'SK'];
const USA = ['US-CA', 'US-NY', 'US-TN', 'NO-FAKES'];
const DAY = 24 * 3_600_000;

function lawsOf(country: string): string[] {
  if (country === 'CN') return ['CN'];
  if (country === 'US') return USA;
  return EU.includes(country) ? ['EU'] : [];
}

function lawsAtHome(place: string): string[] {
  if (place === 'CN' || place === 'US') return lawsOf(place);
  if (!place.startsWith('US-')) return [];
  return USA.includes(place) ? [place, 'NO-FAKES'] : ['NO-FAKES'];
}

function yearsLater(text: string, years: number): number {
  const [year = '', ...rest] = text.split('-');
  return Date.parse([String(Number(year) + years), ...rest].join('-'));
}

function lacking(law: string, terms: GrantTerms): string[] {
  const lacks: string[] = [];
  const unauthorised = terms.signer.role !== 'self' && terms.signer.authorityDocumentSha256 === null;
  if (law === 'CN' && !terms.separateConsent.sensitivePersonalInformation) lacks.push('sensitive_information');
  if (law === 'CN' && terms.withdrawal.method === null) lacks.push('withdrawal_method');
  const says = (words: RegExp): boolean => words.test(terms.disclosureText ?? '');
  if (law === 'EU' && !(says(/\bAI\b|artificial intelligence|人工智能/i) && says(/generated|synthe|合成|生成/i))) lacks.push('disclosure_text');
  if (law === 'US-CA' || law === 'US-NY') {
    const { kind, name, reference } = terms.representation;
    if (kind === 'none' || name === null || reference === null) lacks.push('representation');
    if (!terms.termsInitialled) lacks.push('terms_initialled');
  }
  if (law === 'NO-FAKES' && Date.parse(terms.validUntil) > yearsLater(terms.validFrom, 10)) lacks.push('term');
  if ((law === 'NO-FAKES' || law === 'US-TN') && unauthorised) lacks.push('authority');
  return lacks.map((what) => `legal.${law}.${what}`);
}

function forbidden(terms: GrantTerms, text: string): string[] {
  const plain = ` ${text.toLowerCase().replace(/[^a-z0-9]+/g, ' ')} `;
  const says = (words: string): boolean => plain.includes(` ${words.toLowerCase()} `);
  const topics = terms.forbiddenTopics.filter(({ words }) => [...words.en, ...words.zh].some(says)).map(({ name }) => `topic.${name}`);
  return terms.forbiddenPhrases.some(says) ? [...topics, 'phrase.forbidden'] : topics;
}

/** An interpreter of one decision: clauses that hold on one side, clauses that do not on the other. */
class Case {
  readonly yes = new Set<string>();
  readonly no = new Set<string>();

  ask(holds: boolean, clause: string, otherwise: string = clause): void {
    if (holds) this.yes.add(clause);
    else this.no.add(otherwise);
  }

  refuse(when: boolean, clause: string): void {
    if (when) this.no.add(clause);
  }
}

function standing(it: Case, state: DecisionState, request: DecisionRequest, terms: GrantDocument): void {
  const at = request.at.getTime();
  for (const gate of state.gates) {
    const itsRevocation = gate.kind === 'grant' && gate.state === 'stopped' && state.grant?.status === 'revoked';
    it.refuse(gate.state === 'paused', 'stop.paused');
    it.refuse(gate.state === 'stopped' && !itsRevocation, 'stop.stopped');
  }
  it.refuse(state.clone?.cloneId !== request.cloneId, 'clone.unknown');
  const proven = state.ownership?.state === 'approved' && at < Date.parse(state.ownership.expiresAt ?? '');
  it.ask(proven, 'ownership.proven', 'ownership.unproven');
  const status = state.grant?.status;
  const begun = at >= Date.parse(terms.validFrom);
  const over = at >= Date.parse(terms.validUntil);
  it.refuse(status === 'revoked', 'grant.revoked');
  it.refuse(status === 'expired' || over, 'grant.expired');
  it.refuse(!begun, 'grant.not_yet');
  if (status === 'signed' && begun && !over) it.yes.add('grant.term');
  const noticed = state.windDownSince === null ? Infinity : Date.parse(state.windDownSince) + terms.withdrawal.noticeDays * DAY;
  it.refuse(at >= noticed, 'grant.wound_down');
  it.refuse(terms.cloneId !== state.clone?.cloneId || terms.owner.accountId !== state.clone.ownerAccountId, 'grant.foreign');
  it.refuse(Date.parse(terms.validUntil) > yearsLater(terms.validFrom, 10), 'void.term');
  it.refuse(!['en', 'zh-CN'].includes(terms.languageRead), 'void.language_read');
  const names = [terms.subject.legalName, ...terms.subject.stageNames];
  it.ask(state.clone !== null && names.includes(state.clone.name), 'name.granted', 'name.unnamed');
  if (state.deceasedAt !== null && at >= Date.parse(state.deceasedAt)) {
    const { allowed, holder, until } = terms.postMortem;
    it.ask(allowed && holder !== null && at < Date.parse(until ?? ''), 'death.allowed', allowed ? 'death.over' : 'death.denied');
  }
}

function scope(it: Case, request: DecisionRequest, terms: GrantDocument): void {
  const { capability, medium, labels } = request;
  if (request.licensee !== 'platform') it.ask(terms.sublicence, 'sublicence');
  it.ask(Object.entries(terms.capabilities).some(([name, given]) => name === capability && given), `capability.${capability}`);
  it.ask(terms.media.some((name) => name === medium), `medium.${medium}`);
  const voice = !['chat'].includes(capability) || ['voice', 'singing', 'video'].includes(medium);
  const face = ['video', 'moments'].includes(capability) || ['video', 'image'].includes(medium);
  if (voice) it.ask(terms.separateConsent.voice, 'consent.voice');
  if (face) it.ask(terms.separateConsent.face, 'consent.face');
  if (['chat', 'work', 'moments'].includes(capability)) it.ask(terms.separateConsent.persona, 'consent.persona');
  it.ask(terms.languages.includes(request.language), `language.${request.language}`);
  const said = forbidden(terms, request.text);
  if (said.length === 0) it.yes.add('topics.unsaid');
  for (const clause of said) it.no.add(clause);
  if (labels.adult) it.ask(terms.adultContent, 'content.adult');
  it.refuse(labels.adult && request.ageBand !== 'adult', 'content.adult_age');
  if (labels.political) it.ask(terms.politicalContent, 'content.political');
  for (const name of labels.endorsements) it.ask(terms.endorsementCategories.includes(name), `endorsement.${name}`);
  const waived = terms.explicitLabelWaiver !== null
    && request.at.getTime() + 184 * DAY <= Date.parse(terms.explicitLabelWaiver.retainUntil);
  if (!request.explicitLabel) it.ask(waived, 'label.waiver');
}

function listener(it: Case, state: DecisionState, request: DecisionRequest, terms: GrantDocument): void {
  it.ask(state.version?.state === 'approved', 'version.approved', 'version.unapproved');
  it.ask(terms.audiences.includes('fan'), 'audience.fan');
  const { tierName, ageBand, purpose, work } = request;
  for (const country of [request.declaredCountry, request.billingCountry]) {
    if (country === null) it.no.add('territory.unknown');
    else it.ask(terms.territories.includes(country), `territory.${country}`);
  }
  it.ask(tierName !== null && terms.tiers.includes(tierName), `tier.${tierName ?? 'none'}`);
  it.ask(terms.ageBands.some((band) => band === ageBand), `age.${ageBand ?? 'unknown'}`);
  const named = terms.purposes.find(({ name }) => name === purpose);
  it.ask(named !== undefined, `purpose.${purpose}`);
  if (work !== null) it.ask(named?.works.includes(work) === true, `work.${work}`);
}

function law(it: Case, state: DecisionState, request: DecisionRequest, terms: GrantDocument): void {
  const vague = (terms.purposes.find(({ name }) => name === request.purpose)?.works.length ?? 0) === 0;
  const denials = (one: string): string[] =>
    [...lacking(one, terms), ...(vague && ['US-CA', 'US-NY', 'NO-FAKES'].includes(one) ? [`legal.${one}.works`] : [])];
  const home = new Set([...lawsAtHome(terms.subject.domicile), ...lawsAtHome(terms.governingLaw)]);
  for (const one of home) for (const clause of denials(one)) it.no.add(clause);
  const dead = state.deceasedAt !== null && request.at.getTime() >= Date.parse(state.deceasedAt);
  for (const country of new Set([request.declaredCountry, request.billingCountry])) {
    if (country === null) continue;
    if (terms.subject.domicile === 'CN' && country !== 'CN') it.ask(terms.separateConsent.crossBorder, 'consent.cross_border');
    const laws = lawsOf(country);
    if (laws.length === 0) continue;
    const found = laws.filter((one) => !home.has(one)).flatMap(denials);
    if (country === 'CN' && request.capability === 'chat' && !state.platform.mainlandChat) found.push('legal.CN.chat');
    if (EU.includes(country)) {
      const layers = ['signed_metadata', 'time_stamp', 'watermark'].filter((layer) => !state.platform.markingLayers.includes(layer));
      if (request.at.toISOString() >= '2026-08-02') found.push(...layers.map((layer) => `legal.EU.marking.${layer}`));
      if (!request.explicitLabel) found.push('legal.EU.label');
    }
    if (country === 'US' && dead && terms.postMortem.registerNotice === null) found.push('legal.NO-FAKES.register_notice');
    for (const clause of found) it.no.add(clause);
    if (found.length === 0) it.yes.add(country === 'CN' || country === 'US' ? `legal.${country}` : 'legal.EU');
  }
}

function use(it: Case, state: DecisionState, request: DecisionRequest, terms: GrantDocument): void {
  const { sale } = request;
  const { model, rateBasisPoints, floorMinor, currency } = terms.compensation;
  if (sale !== null && sale.priceMinor !== '0') {
    const share = sale.ownerBasisPoints === null ? null : Math.floor((Number(sale.priceMinor) * sale.ownerBasisPoints) / 10_000);
    const asks = rateBasisPoints > 0 || floorMinor !== '0';
    if (model === 'free') it.no.add('compensation.unpaid');
    else if (!asks) it.yes.add('compensation.share');
    else if (share === null || sale.ownerBasisPoints === null) it.no.add('compensation.unknown');
    else if (sale.ownerBasisPoints < rateBasisPoints) it.no.add('compensation.rate');
    else if (floorMinor !== '0' && (sale.currency !== currency || share < Number(floorMinor))) it.no.add('compensation.floor');
    else it.yes.add('compensation.share');
  }
  const caps = terms.volumeCaps.filter((cap) => cap.capability === 'any' || cap.capability === request.capability);
  let within = caps.length > 0;
  for (const cap of caps) {
    const used = state.usage.find((one) => one.capability === cap.capability && one.window === cap.window);
    const room = used !== undefined && (cap.outputs === null || used.outputs < cap.outputs)
      && (cap.seconds === null || used.seconds + request.seconds <= cap.seconds);
    it.refuse(!room, `volume.${cap.window}`);
    within &&= room;
  }
  if (within) it.yes.add('volume.within');
}

export function referenceDecide(state: DecisionState, request: DecisionRequest): Answer {
  const terms = state.grant?.document as GrantDocument;
  const it = new Case();
  standing(it, state, request, terms);
  scope(it, request, terms);
  listener(it, state, request, terms);
  law(it, state, request, terms);
  use(it, state, request, terms);
  return { allowed: it.no.size === 0, clauses: [...(it.no.size === 0 ? it.yes : it.no)] };
}
