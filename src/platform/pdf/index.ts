/** Paper: A4 pages with Chinese and English on them, whose bytes follow from what they say alone. */
export { GREY, INK, openPdf, PAGE, RULE, type Sheet, type TextStyle, TINT } from './page.ts';
export { rgb } from '@cantoo/pdf-lib';
export { type Bilingual, both } from './bilingual.ts';
export { type SigningKeys, signPdf } from './sign.ts';
