/** What a clause says, in words, for people. The argument is the part of the clause behind the known beginning. */
export interface Words {
  'zh-CN': string;
  en: string;
}

type Say = (argument: string) => readonly [zh: string, en: string];

/** By beginning; the longest that fits speaks. The same clause allows or denies: the words say what it is about. */
const SAYINGS: Readonly<Record<string, Say>> = {
  'stop.paused': () => ['已被暂停', 'it is paused'],
  'stop.stopped': () => ['已被停止', 'it is stopped'],
  'gates.unreadable': () => ['看不到全部闸门的状态', 'not every gate could be seen'],
  'clone.unknown': () => ['没有这个分身', 'there is no such clone'],
  'ownership.proven': () => ['权属已证明', 'ownership is proven'],
  'ownership.unproven': () => ['权属未证明或已过期', 'ownership is not proven, or no longer'],
  'grant.none': () => ['没有授权书', 'there is no grant'],
  'grant.revoked': () => ['授权已撤回', 'the grant is revoked'],
  'grant.expired': () => ['授权已到期', 'the grant is over'],
  'grant.not_yet': () => ['授权尚未生效', 'the grant has not begun'],
  'grant.unsigned': () => ['授权书未签署', 'the grant is not signed'],
  'grant.foreign': () => ['授权书属于别的分身或别的人', 'the grant is of another clone or another person'],
  'grant.term': () => ['在授权期内', 'within the grant’s term'],
  'grant.wound_down': () => ['通知期已过', 'the notice of the wind-down is over'],
  'grant.unreadable.': (member) => [`授权书中的“${member}”无法读取`, `“${member}” of the grant cannot be read`],
  'void.': (why) => [`授权书无效：${why}`, `the grant is void: ${why}`],
  'name.granted': () => ['名称在授权内', 'the name is granted'],
  'name.unnamed': () => ['分身的名称不在授权书中', 'the clone’s name is not in the grant'],
  'death.allowed': () => ['本人身后仍获许可', 'allowed after the person’s death'],
  'death.denied': () => ['本人身后不许可', 'not allowed after the person’s death'],
  'death.over': () => ['身后许可已终止', 'what was allowed after the person’s death is over'],
  'licence.none': () => ['没有这份许可', 'there is no licence'],
  'licence.foreign': () => ['许可属于别的机构', 'the licence is another organisation’s'],
  'licence.': (state) => [`许可的状态：${state}`, `the licence is ${state.replace('_', ' ')}`],
  sublicence: () => ['转授权', 'licences to organisations'],
  'capability.': (name) => [`能力：${name}`, `capability ${name}`],
  'medium.': (name) => [`媒介：${name}`, `medium ${name}`],
  'consent.cross_border': () => ['跨境使用的单独同意', 'the separate consent to use abroad'],
  'consent.': (name) => [`单独同意：${name}`, `the separate consent: ${name}`],
  'language.': (name) => [`语言：${name}`, `language ${name}`],
  'topics.unsaid': () => ['没有提到禁止的话题', 'no forbidden topic is said'],
  'topic.': (name) => [`提到了禁止的话题：${name}`, `it says the forbidden topic ${name}`],
  'phrase.forbidden': () => ['含有禁止的语句', 'it says a forbidden phrase'],
  'content.adult_age': () => ['成人内容只给成年人', 'adult content is for adults only'],
  'content.': (name) => [`内容：${name}`, `${name} content`],
  'endorsement.': (name) => [`代言：${name}`, `endorsement of ${name}`],
  'label.waiver': () => ['不带显式标识', 'without its explicit label'],
  'version.approved': () => ['版本已由本人确认', 'the version is approved'],
  'version.unapproved': () => ['没有本人确认的版本', 'no version is approved'],
  'audience.': (name) => [`受众：${name}`, `audience ${name}`],
  'territory.unknown': () => ['地区不明', 'the territory is not known'],
  'territory.': (name) => [`地区：${name}`, `territory ${name}`],
  'tier.': (name) => [`会员档位：${name}`, `tier ${name}`],
  'age.': (name) => [`年龄段：${name}`, `age band ${name}`],
  'purpose.': (name) => [`用途：${name}`, `purpose ${name}`],
  'work.': (name) => [`作品：${name}`, `work ${name}`],
  'legal.': (what) => [`法律要求：${what}`, `the law: ${what}`],
  'compensation.': (what) => [`报酬：${what}`, `compensation: ${what}`],
  'volume.': (what) => [`数量上限：${what}`, `volume: ${what}`],
  'approval.': (what) => [`本人审批：${what}`, `the owner’s approval: ${what}`],
  'withdrawal.': (what) => [`撤回的效果：${what}`, `what a withdrawal does: ${what}`],
  'survival.': () => ['已有作品在授权结束后', 'what was made, after the grant’s end'],
  'training.': (what) => [`训练：${what}`, `training: ${what}`],
  'audit.right': () => ['查账权', 'the right to audit'],
  'act.': (name) => [`没有这种行为：${name}`, `there is no act ${name}`],
  'request.at': () => ['时间无法读取', 'the time cannot be read'],
  'receipt.unreadable': () => ['收据无法读取', 'the receipt cannot be read'],
};

const BEGINNINGS = Object.keys(SAYINGS).sort((a, b) => b.length - a.length);

/** A clause in words; one that nobody knows speaks for itself. */
export function wordsOf(clause: string): Words {
  const beginning = BEGINNINGS.find((one) => (one.endsWith('.') ? clause.startsWith(one) : clause === one));
  const [zh, en] = beginning === undefined ? [clause, clause] : (SAYINGS[beginning]?.(clause.slice(beginning.length)) ?? [clause, clause]);
  return { 'zh-CN': zh, en };
}

export interface ExplainedClause {
  clause: string;
  words: Words;
}

export function explained(clauses: readonly string[]): ExplainedClause[] {
  return clauses.map((clause) => ({ clause, words: wordsOf(clause) }));
}
