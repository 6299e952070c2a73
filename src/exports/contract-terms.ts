import type { Capability, GrantDocument } from '../consent/index.ts';
import type { Bilingual } from '../platform/pdf/index.ts';

/** What the codes of a grant mean, in words that a person signs. Pure. */

type Terms = GrantDocument;

export const CAPABILITY_WORDS: Readonly<Record<Capability, Bilingual>> = {
  chat: { zh: '以本人的口吻进行文字对话', en: 'Text conversation, speaking as the person' },
  voice: { zh: '用合成的本人声音说话', en: 'Speech in the person\'s synthesised voice' },
  video: { zh: '用合成的本人形象与声音制作视频', en: 'Video with the person\'s synthesised face and voice' },
  sing: { zh: '用合成的本人声音歌唱', en: 'Singing in the person\'s synthesised voice' },
  story: { zh: '以本人的声音讲故事', en: 'Stories told in the person\'s voice' },
  work: { zh: '以本人的身份完成工作任务（如讲解、问答）', en: 'Work tasks done as the person, such as teaching and answering' },
  moments: { zh: '以本人的形象发布动态（图片、视频）', en: 'Posts with the person\'s likeness, as pictures or video' },
};

export const MEDIUM_WORDS: Readonly<Record<string, Bilingual>> = {
  text: { zh: '文字', en: 'text' }, voice: { zh: '语音', en: 'speech' }, video: { zh: '视频', en: 'video' },
  image: { zh: '图片', en: 'pictures' }, singing: { zh: '歌唱', en: 'singing' },
};

const AUDIENCE_WORDS: Readonly<Record<string, Bilingual>> = {
  fan: { zh: '订阅档位内的粉丝', en: 'fans, within a tier named below' },
  reviewer: { zh: '平台的审核人员（仅用于审核）', en: 'the platform\'s reviewers, for review only' },
};

const AGE_WORDS: Readonly<Record<string, Bilingual>> = {
  child: { zh: '未满 14 岁的儿童', en: 'children under 14' }, teen: { zh: '14 至 17 岁的未成年人', en: 'minors from 14 to 17' },
  adult: { zh: '成年人', en: 'adults' }, undeclared: { zh: '未申报年龄的人', en: 'people who never said how old they are' },
};

const ROLE_WORDS: Readonly<Record<Terms['signer']['role'], Bilingual>> = {
  self: { zh: '本人签署', en: 'The person signs' },
  guardian: { zh: '监护人代为签署', en: 'A guardian signs for the person' },
  authorised_representative: { zh: '经授权的代理人签署', en: 'An authorised representative signs' },
  executor: { zh: '遗产管理人（遗嘱执行人）签署', en: 'An executor of the estate signs' },
  rights_holder: { zh: '权利继受人签署', en: 'A holder of the rights signs' },
};

const NOTHING: Bilingual = { zh: '无', en: 'none' };

const regions = { zh: new Intl.DisplayNames(['zh-CN'], { type: 'region' }), en: new Intl.DisplayNames(['en'], { type: 'region' }) };
const languages = { zh: new Intl.DisplayNames(['zh-CN'], { type: 'language' }), en: new Intl.DisplayNames(['en'], { type: 'language' }) };

/** A name that is not known stands as its code: never nothing. */
function named(names: Intl.DisplayNames, code: string): string {
  try {
    const name = names.of(code);
    return name === undefined || name === code ? code : name;
  } catch {
    return code;
  }
}

/** A country, or a state of one (`US-CA`), with its code: the code is what is enforced. */
export function placeWords(place: string): Bilingual {
  const [country = place] = place.split('-');
  const of = (names: Intl.DisplayNames): string => named(names, country);
  return { zh: `${of(regions.zh)}（${place}）`, en: `${of(regions.en)} (${place})` };
}

export function languageWords(tag: string): Bilingual {
  return { zh: `${named(languages.zh, tag)}（${tag}）`, en: `${named(languages.en, tag)} (${tag})` };
}

/** Several in one sentence; `none` when there are none. */
export function listed(items: readonly Bilingual[]): Bilingual {
  if (items.length === 0) return NOTHING;
  return { zh: items.map(({ zh }) => zh).join('、'), en: items.map(({ en }) => en).join(', ') };
}

/** What people wrote themselves is the same in both languages: it is quoted, never translated. */
export function quoted(texts: readonly string[]): Bilingual {
  if (texts.length === 0) return NOTHING;
  return { zh: texts.map((text) => `「${text}」`).join('、'), en: texts.map((text) => `"${text}"`).join(', ') };
}

const known = (words: Readonly<Record<string, Bilingual>>) => (name: string): Bilingual => words[name] ?? { zh: name, en: name };

export const mediaWords = (names: readonly string[]): Bilingual => listed(names.map(known(MEDIUM_WORDS)));
export const audienceWords = (names: readonly string[]): Bilingual => listed(names.map(known(AUDIENCE_WORDS)));
export const ageWords = (names: readonly string[]): Bilingual => listed(names.map(known(AGE_WORDS)));
export const placesWords = (places: readonly string[]): Bilingual => listed(places.map(placeWords));
export const languagesWords = (tags: readonly string[]): Bilingual => listed(tags.map(languageWords));
export const roleWords = (role: Terms['signer']['role']): Bilingual => ROLE_WORDS[role];

export const yesNo = (yes: boolean): Bilingual => (yes ? { zh: '同意', en: 'yes' } : { zh: '不同意', en: 'no' });

/** `2026-01-01T00:00:00.000Z` → Beijing time and UTC, so that nobody has to reckon. */
export function instantWords(instant: string): Bilingual {
  const at = new Date(instant);
  const minutes = (date: Date): string => date.toISOString().slice(0, 16).replace('T', ' ');
  const beijing = minutes(new Date(at.getTime() + 8 * 3_600_000));
  return { zh: `北京时间 ${beijing}（UTC ${minutes(at)}）`, en: `${minutes(at)} UTC (${beijing} Beijing time)` };
}

/** `7000` → `70 %`. */
export function percent(basisPoints: number): string {
  const whole = Math.trunc(basisPoints / 100);
  const rest = String(basisPoints % 100).padStart(2, '0').replace(/0+$/, '');
  return `${whole}${rest === '' ? '' : `.${rest}`} %`;
}
