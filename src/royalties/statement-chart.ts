import { INK, PAGE, rgb, RULE, type Sheet } from '../platform/pdf/index.ts';
import { amountText } from './paper-text.ts';
import type { LineKind } from './statement-lines.ts';
import { ownPart, type Statement } from './statement-model.ts';
import { KIND_WORDS, type Language, TEXT } from './statement-words.ts';

/** A waterfall: how what fans paid became the balance. */

export interface Step {
  label: string;
  amountMinor: bigint;
  /** A level that was reached, from zero; otherwise a change of the level before it. */
  level: boolean;
}

const LEVEL = rgb(0.16, 0.3, 0.49);
const MORE = rgb(0.33, 0.6, 0.47);
const LESS = rgb(0.79, 0.45, 0.36);

/** What pots give. */
const POT_KINDS: readonly LineKind[] = ['earnings', 'derivative'];
const BEFORE_PAYOUT = Object.keys(KIND_WORDS) as LineKind[];

/** The own part of a pot; 0 when the payee has none. */
function ownOf(document: Statement, pot: Statement['pots'][number]): bigint {
  return BigInt(ownPart(pot, document.payee)?.amountMinor ?? '0');
}

/** From gross to the shares, when all of the pots know what was paid for them. */
function potSteps(document: Statement, language: Language): Step[] {
  const { pots } = document;
  if (pots.length === 0) return [];
  const sum = (name: 'grossMinor' | 'taxMinor' | 'feeMinor'): bigint | null =>
    pots.reduce<bigint | null>((total, pot) => (total === null || pot[name] === null ? null : total + BigInt(pot[name])), 0n);
  const [gross, tax, fee] = [sum('grossMinor'), sum('taxMinor'), sum('feeMinor')];
  const earned = pots.reduce((total, pot) => total + BigInt(pot.earnedMinor), 0n);
  const own = pots.reduce((total, pot) => total + ownOf(document, pot), 0n);
  const top: Step[] = gross === null || tax === null || fee === null
    ? [{ label: TEXT.potsSum[language], amountMinor: earned, level: true }]
    : [
      { label: TEXT.paid[language], amountMinor: gross, level: true },
      { label: TEXT.tax[language], amountMinor: -tax, level: false },
      { label: TEXT.fee[language], amountMinor: -fee, level: false },
    ];
  return [
    ...top, { label: TEXT.others[language], amountMinor: own - earned, level: false }, { label: TEXT.yourShares[language], amountMinor: own, level: true },
  ];
}

/** What fans paid, down to the payee's shares; then what else happened, down to the closing balance. */
export function waterfallOf(document: Statement, language: Language): Step[] {
  const first = potSteps(document, language);
  const own = document.pots.reduce((total, pot) => total + ownOf(document, pot), 0n);
  const changes = BEFORE_PAYOUT.flatMap((kind): Step[] => {
    const total = document.totals.find((one) => one.kind === kind);
    if (total === undefined) return [];
    // Of what stands under these the parts of pots are the level above already.
    const amountMinor = BigInt(total.totalMinor);
    return POT_KINDS.includes(kind) ? [] : [{ label: KIND_WORDS[kind][language], amountMinor, level: false }];
  });
  const beside = POT_KINDS.reduce((sum, kind) => sum + BigInt(document.totals.find((one) => one.kind === kind)?.totalMinor ?? '0'), 0n) - own;
  return [
    ...first,
    { label: KIND_WORDS.earnings[language], amountMinor: beside, level: false },
    { label: TEXT.opening[language], amountMinor: BigInt(document.openingMinor), level: false },
    ...changes,
    { label: TEXT.balanceAfter[language], amountMinor: BigInt(document.closingMinor), level: true },
  ].filter((step) => step.level || step.amountMinor !== 0n);
}

interface Bar extends Step {
  from: bigint;
  to: bigint;
}

function barsOf(steps: readonly Step[]): Bar[] {
  let level = 0n;
  return steps.map((step) => {
    const from = step.level ? 0n : level;
    level = from + step.amountMinor;
    return { ...step, from, to: level };
  });
}

const ROW = 17;
const X = { label: PAGE.left + 4, bars: PAGE.left + 150, end: PAGE.right - 96, amount: PAGE.right - 4 } as const;

/** A number of points for an amount: money is exact, a picture of it needs not be. */
function pointsOf(part: bigint, whole: bigint): number {
  return Number((part * 10_000n) / whole) / 10_000 * (X.end - X.bars);
}

/** The room that the picture takes, in points. */
export function waterfallHeight(document: Statement, language: Language): number {
  return waterfallOf(document, language).length * ROW + 8;
}

export function drawWaterfall(sheet: Sheet, document: Statement, language: Language): void {
  const bars = barsOf(waterfallOf(document, language));
  const edges = bars.flatMap((bar) => [bar.from, bar.to]);
  const low = edges.reduce((a, b) => (a < b ? a : b), 0n);
  const span = edges.reduce((a, b) => (a > b ? a : b), 0n) - low;
  const at = (amount: bigint): number => X.bars + (span === 0n ? 0 : pointsOf(amount - low, span));
  sheet.y -= 4;
  for (const [index, bar] of bars.entries()) {
    const [left, right] = [at(bar.from), at(bar.to)].sort((a, b) => a - b) as [number, number];
    const middle = sheet.y - ROW / 2;
    sheet.text(bar.label, X.label, { size: 8.5, bold: bar.level }, { y: middle - 3 });
    sheet.box(left, middle - 4.5, Math.max(right - left, 0.8), 9, bar.level ? LEVEL : bar.amountMinor < 0n ? LESS : MORE);
    // A thread from where this bar ended to where the next one goes on.
    if (index < bars.length - 1) sheet.box(at(bar.to) - 0.25, middle - 4.5 - (ROW - 9), 0.5, ROW - 9, RULE);
    sheet.textRight(amountText(bar.amountMinor.toString(), document.currency), X.amount, { size: 8.5, bold: bar.level, color: INK }, { y: middle - 3 });
    sheet.y -= ROW;
  }
}
