import type { JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { type ActingKind, actingKind, type SubjectKind } from './levels.ts';
import { CLAIM_WINDOW_MS, type Language } from './model.ts';

/** The word of who acts for another, pure: as what, for whom, until when. */

export interface RepresentationDocument {
  type: 'benren.representation';
  schemaVersion: 1;
  accountId: string;
  proofId: string;
  role: ActingKind;
  claimantName: string;
  subjectName: string;
  until: string;
  statement: string;
  at: string;
}

interface About {
  proofId: string;
  accountId: string;
  subjectName: string;
  subjectKind: SubjectKind;
  claimantName: string | null;
}

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 3_650;
const ROLES: Readonly<Record<ActingKind, Record<Language, string>>> = {
  representative: { en: 'representative', 'zh-CN': '代理人' },
  heir: { en: 'heir', 'zh-CN': '继承人' },
  guardian: { en: 'guardian', 'zh-CN': '监护人' },
};
const STATEMENTS: Readonly<Record<Language, (role: string, claimant: string, subject: string, until: string) => string>> = {
  en: (role, claimant, subject, until) => `I, ${claimant}, act for ${subject} as their ${role} until ${until}. The paper that I hand in gives me that authority.`,
  'zh-CN': (role, claimant, subject, until) => `本人${claimant}作为${subject}的${role}行事,有效期至${until}。所提交文件为该授权之依据。`,
};

function document(about: About, until: string, locale: Language, at: string): RepresentationDocument {
  const role = actingKind(about.subjectKind);
  if (role === null || about.claimantName === null) throw new Refusal('evidence_not_accepted', 'Who claims for themself represents nobody.');
  return {
    type: 'benren.representation', schemaVersion: 1, accountId: about.accountId, proofId: about.proofId, role,
    claimantName: about.claimantName, subjectName: about.subjectName, until, at,
    statement: STATEMENTS[locale](ROLES[role][locale], about.claimantName, about.subjectName, until),
  };
}

/** The words to sign. Refuses `request_invalid` for an end that is past or more than ten years away. */
export function representationDocument(about: About, input: { until: Date; locale: Language; at: Date }): RepresentationDocument {
  const days = (input.until.getTime() - input.at.getTime()) / DAY_MS;
  if (!(days > 0 && days <= LONGEST_DAYS)) throw new Refusal('request_invalid', 'The authority ends in the future, within ten years.');
  return document(about, input.until.toISOString(), input.locale, input.at.toISOString());
}

/** Reads what was signed. Refuses `signature_mismatch` unless it is the house's words about this case, of now. */
export function readRepresentation(signed: JsonObject, about: About, now: Date): { role: ActingKind; until: string; statement: string } {
  const text = (name: string): string => (typeof signed[name] === 'string' ? signed[name] : '');
  const [until, at, statement] = [text('until'), text('at'), text('statement')];
  const ours = (['en', 'zh-CN'] as const).map((locale) => document(about, until, locale, at));
  const matching = ours.find((one) => Object.entries(one).every(([name, value]) => signed[name] === value));
  if (matching === undefined || Math.abs(now.getTime() - Date.parse(at)) > CLAIM_WINDOW_MS) {
    throw new Refusal('signature_mismatch', 'What was signed is not the statement for this case.');
  }
  return { role: matching.role, until, statement };
}
