import type { Random } from '../kernel/random.ts';
import type { Language } from './model.ts';

/**
 * Sentences to read aloud: nonsense that nobody has a recording of, from a small grammar, long enough to take well over
 * two seconds. Ten slots of eight to sixteen words: more than 30 bits, and a sentence lives for minutes.
 */
type Slots = Readonly<Record<string, readonly string[]>>;

const ENGLISH: Slots = {
  quality: ['quiet', 'golden', 'clumsy', 'patient', 'curious', 'silver', 'sleepy', 'gentle', 'proud', 'dusty', 'early', 'lonely', 'merry', 'polite', 'rainy', 'tiny'],
  animal: ['heron', 'panda', 'donkey', 'otter', 'sparrow', 'badger', 'camel', 'dolphin', 'falcon', 'gecko', 'hedgehog', 'lobster', 'monkey', 'penguin', 'rabbit', 'walrus'],
  deed: ['carried', 'counted', 'borrowed', 'painted', 'followed', 'buried', 'folded', 'gathered', 'lifted', 'measured', 'ordered', 'polished', 'repaired', 'sorted', 'traded', 'washed'],
  number: ['three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'eleven', 'twelve', 'thirteen', 'fourteen', 'sixteen', 'seventeen', 'nineteen', 'twenty', 'thirty'],
  colour: ['green', 'purple', 'yellow', 'orange', 'scarlet', 'violet', 'crimson', 'turquoise'],
  thing: ['baskets', 'lanterns', 'umbrellas', 'pillows', 'bottles', 'candles', 'ladders', 'mirrors', 'needles', 'oranges', 'pencils', 'ribbons', 'saddles', 'teapots', 'violins', 'wagons'],
  place: ['bridge', 'harbour', 'meadow', 'kitchen', 'library', 'mountain', 'orchard', 'railway', 'river', 'station', 'stairway', 'temple', 'theatre', 'valley', 'village', 'workshop'],
  time: ['before breakfast', 'after sunset', 'on Monday morning', 'during the storm', 'at midnight', 'last winter', 'every Thursday', 'without a sound'],
};

const MANDARIN: Slots = {
  time: ['星期三早上', '昨天半夜', '下雨的傍晚', '去年冬天', '刚过中午', '立春那天', '月圆之夜', '放学以后'],
  quality: ['安静的', '好奇的', '贪睡的', '聪明的', '害羞的', '勇敢的', '调皮的', '温柔的', '着急的', '骄傲的', '迷路的', '快乐的', '年老的', '细心的', '孤单的', '机灵的'],
  animal: ['白鹭', '熊猫', '毛驴', '水獭', '麻雀', '松鼠', '骆驼', '海豚', '老鹰', '壁虎', '刺猬', '龙虾', '猴子', '企鹅', '兔子', '海象'],
  place: ['石桥上', '码头边', '草原上', '厨房里', '书店里', '山脚下', '果园里', '铁路旁', '河对岸', '车站外', '楼梯口', '庙门前', '戏院里', '山谷中', '村子里', '工厂外'],
  deed: ['数着', '搬着', '画着', '洗着', '修着', '量着', '叠着', '藏着', '抱着', '擦着', '挑着', '推着', '拖着', '举着', '卖着', '换着'],
  number: ['三十六', '四十八', '五十二', '六十七', '七十三', '八十九', '九十四', '一百零五', '一百二十', '两百一十', '二十七', '十九', '四十一', '六十二', '八十五', '九十八'],
  colour: ['绿色的', '紫色的', '黄色的', '橙色的', '深红的', '天蓝的', '雪白的', '漆黑的'],
  thing: ['篮子', '灯笼', '雨伞', '枕头', '瓶子', '蜡烛', '梯子', '镜子', '绣花针', '橘子', '铅笔', '丝带', '马鞍', '茶壶', '小提琴', '手推车'],
};

function picker(slots: Slots, random: Random): (slot: string) => string {
  return (slot) => {
    const words = slots[slot] ?? [];
    return words[random.below(words.length)] ?? '';
  };
}

/** A sentence: at least 12 words in English, at least 20 characters in Mandarin. */
export function challengeSentence(language: Language, random: Random): string {
  if (language === 'en') {
    const pick = picker(ENGLISH, random);
    return `The ${pick('quality')} ${pick('animal')} ${pick('deed')} ${pick('number')} ${pick('colour')} ${pick('thing')} near the `
      + `${pick('place')}, and a ${pick('quality')} ${pick('animal')} ${pick('deed')} them all ${pick('time')}.`;
  }
  const pick = picker(MANDARIN, random);
  return `${pick('time')},${pick('quality')}${pick('animal')}在${pick('place')}${pick('deed')}${pick('number')}个${pick('colour')}`
    + `${pick('thing')},${pick('quality')}${pick('animal')}看得入了迷。`;
}
