import { type ContentLabels, foldText, wordMatcher } from '../consent/index.ts';

/**
 * What a text is about, by words: a first filter and no judgement. The lists are short on purpose and stand here for
 * everybody to read; they find what says so plainly and miss what hints. Whoever asks may declare more, never less.
 */
const ADULT = [
  'porn', 'pornography', 'nude', 'naked', 'sex', 'sexual', 'sexy', 'erotic', 'orgasm', 'blowjob', 'strip for me',
  '色情', '裸体', '性爱', '做爱', '黄片', '情色', '脱衣', '约炮',
];
const POLITICAL = [
  'election', 'vote for', 'president', 'prime minister', 'parliament', 'political party', 'referendum', 'protest',
  '选举', '投票给', '总统', '总理', '国会', '政党', '公投', '示威', '游行',
];
/** Words that recommend; what is recommended is for whoever asks to declare. */
const ENDORSING = ['sponsored by', 'buy now', 'promo code', 'discount code', '赞助', '下单', '优惠码', '带货', '推荐购买'];

const UNDECLARED = 'undeclared';

const matchers = (words: readonly string[]) => words.map(wordMatcher).filter((matcher) => matcher !== null);
const [adult, political, endorsing] = [matchers(ADULT), matchers(POLITICAL), matchers(ENDORSING)];

/** The labels of a text: those that were declared, and those that its words give it. */
export function labelsOf(script: string, declared: Partial<ContentLabels>): ContentLabels {
  const text = foldText(script);
  const says = (words: typeof adult): boolean => words.some((word) => word.matches(text));
  const endorsements = [...new Set(declared.endorsements ?? [])];
  return {
    adult: declared.adult === true || says(adult),
    political: declared.political === true || says(political),
    endorsements: endorsements.length === 0 && says(endorsing) ? [UNDECLARED] : endorsements,
  };
}
