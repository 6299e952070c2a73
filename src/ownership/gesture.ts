import type { Random } from '../kernel/random.ts';
import type { Language } from './model.ts';

/** Gestures to make before the camera, in three parts: what a hand does, where, and what the head does after it. */
const GESTURES: Readonly<Record<Language, { hand: readonly string[]; place: readonly string[]; head: readonly string[]; say: (hand: string, place: string, head: string) => string }>> = {
  en: {
    hand: ['hold two fingers of your left hand', 'hold three fingers of your right hand', 'lay your left palm', 'lay the back of your right hand', 'point with your left thumb', 'hold your right fist', 'hold four fingers of your left hand', 'make a ring of your right thumb and forefinger'],
    place: ['beside your left ear', 'beside your right ear', 'under your chin', 'above your forehead', 'in front of your nose', 'at your left shoulder', 'at your right shoulder', 'across your lips'],
    head: ['look over your left shoulder', 'look over your right shoulder', 'nod twice', 'look up to the ceiling', 'look down to the floor', 'close one eye', 'tilt your head to the left', 'open your mouth wide'],
    say: (hand, place, head) => `First ${hand} ${place}, then ${head}.`,
  },
  'zh-CN': {
    hand: ['伸出左手两根手指', '伸出右手三根手指', '摊开左手手掌', '用右手手背', '竖起左手拇指', '握紧右拳', '伸出左手四根手指', '用右手拇指和食指围成圈'],
    place: ['放在左耳旁', '放在右耳旁', '托在下巴下', '举到额头上方', '放在鼻子前', '放在左肩上', '放在右肩上', '挡在嘴唇前'],
    head: ['回头看左后方', '回头看右后方', '点两下头', '抬头看天花板', '低头看地面', '闭上一只眼睛', '把头偏向左边', '张大嘴巴'],
    say: (hand, place, head) => `先${hand}${place},再${head}。`,
  },
};

/** One of 512 gestures. */
export function challengeGesture(language: Language, random: Random): string {
  const { hand, place, head, say } = GESTURES[language];
  const pick = (words: readonly string[]): string => words[random.below(words.length)] ?? '';
  return say(pick(hand), pick(place), pick(head));
}
