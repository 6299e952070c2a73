import { type GrantDocument, type Unrendered, unrendered } from '../consent/index.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { type Bilingual, both, GREY, INK, openPdf, PAGE, RULE, type Sheet, TINT } from '../platform/pdf/index.ts';
import { type Clause, sectionsOf, separateConsents } from './contract-clauses.ts';
import { instantWords, placeWords, quoted } from './contract-terms.ts';

/** A grant on paper, Chinese and English side by side: what its owner is shown before signing, and gets to keep. */

const LEADING = 12.5;
const ZH = { size: 8.5 } as const;
const EN = { size: 8 } as const;
const TIED = { tied: true } as const;
const SMALL = { size: 7, color: GREY } as const;
const COLUMN = { number: PAGE.left, zh: PAGE.left + 26, en: PAGE.left + 26 + 240, width: 226 } as const;
const BODY_WIDTH = PAGE.right - COLUMN.zh;

const TITLES = {
  grant: { zh: '人工智能分身授权书', en: 'Grant for an AI clone' },
  amendment: { zh: '人工智能分身授权变更书', en: 'Amendment of a grant for an AI clone' },
  consent: { zh: '单独同意书', en: 'Separate consent' },
} as const satisfies Record<string, Bilingual>;

/**
 * The digest that stands on the paper. It is over the document without `rendering`, since the document holds the digest of
 * the paper: each names the other, and neither can be exchanged.
 */
export function termsDigest(grant: Unrendered): string {
  return sha256Hex(canonicalJson(unrendered(grant)));
}

/** Two texts beside each other. A short pair stays on one page; a long one leaves no single line behind or ahead. */
function pair(sheet: Sheet, texts: Bilingual, options: { number?: string; bold?: boolean } = {}): void {
  const { bold = false } = options;
  const zh = sheet.wrap(sheet.readable(texts.zh), COLUMN.width, { ...ZH, bold }, TIED);
  const en = sheet.wrap(sheet.readable(texts.en), COLUMN.width, { ...EN, bold }, TIED);
  const count = Math.max(zh.length, en.length);
  sheet.need((count <= 6 ? count : 2) * LEADING);
  for (let line = 0; line < count; line += 1) {
    if (line > 0) sheet.need((line === count - 2 ? 2 : 1) * LEADING);
    if (line === 0 && options.number !== undefined) sheet.text(options.number, COLUMN.number, { size: 8, color: GREY });
    sheet.text(zh[line] ?? '', COLUMN.zh, { ...ZH, bold });
    sheet.text(en[line] ?? '', COLUMN.en, { ...EN, bold });
    sheet.y -= LEADING;
  }
}

/** The person's own words: once, over the whole width, behind a bar that no text can draw itself. */
function verbatim(sheet: Sheet, text: string): void {
  const style = { size: 8.5 } as const;
  for (const paragraph of text.split('\n')) {
    const lines = sheet.wrap(sheet.readable(paragraph), BODY_WIDTH - 12, style, TIED);
    for (const line of lines.length === 0 ? [''] : lines) {
      sheet.need(LEADING);
      sheet.box(COLUMN.zh, sheet.y - 3.5, 1.6, LEADING, RULE);
      sheet.text(line, COLUMN.zh + 10, style);
      sheet.y -= LEADING;
    }
  }
}

function clause(sheet: Sheet, number: string, texts: Clause): void {
  pair(sheet, texts, { number });
  for (const text of texts.verbatim ?? []) {
    sheet.y -= 2;
    verbatim(sheet, text);
  }
  sheet.y -= 4;
}

function heading(sheet: Sheet, number: number, title: Bilingual): void {
  // With it at least the first clause, so that no heading ends a page.
  sheet.need(62);
  sheet.y -= 12;
  sheet.box(PAGE.left, sheet.y - 5, PAGE.right - PAGE.left, 18, TINT);
  sheet.text(`${number}`, PAGE.left + 6, { size: 9.5, bold: true });
  sheet.text(title.zh, COLUMN.zh, { size: 9.5, bold: true });
  sheet.text(title.en, COLUMN.en, { size: 9, bold: true });
  sheet.y -= 22;
}

function masthead(sheet: Sheet, title: Bilingual, right: string): void {
  sheet.text('本人 Benren', PAGE.left, { size: 9, color: GREY });
  sheet.textRight(right, PAGE.right, { size: 9, color: GREY });
  sheet.y -= 32;
  sheet.text(title.zh, PAGE.left, { size: 19, bold: true });
  sheet.y -= 20;
  sheet.text(title.en, PAGE.left, { size: 12, color: GREY });
  sheet.y -= 12;
  sheet.rule({ color: INK, thickness: 1.2 });
  sheet.y -= 18;
}

/** One fact a row: its name in both languages, then the value, which is the same in both. */
function facts(sheet: Sheet, rows: readonly [Bilingual, string][]): void {
  for (const [label, value] of rows) {
    const lines = sheet.wrap(sheet.readable(value), PAGE.right - PAGE.left - 158, { size: 9 }, TIED);
    sheet.need(Math.max(lines.length, 1) * LEADING + 4);
    sheet.text(both(label), PAGE.left, { size: 7.5, color: GREY });
    for (const line of lines) {
      sheet.text(line, PAGE.left + 158, { size: 9 });
      sheet.y -= LEADING;
    }
    sheet.y -= 3;
  }
}

function parties(sheet: Sheet, grant: Unrendered): void {
  const { subject, owner } = grant;
  const stage = quoted(subject.stageNames);
  const home = placeWords(subject.domicile);
  const [from, until] = [instantWords(grant.validFrom), instantWords(grant.validUntil)];
  facts(sheet, [
    [{ zh: '授权方（本人）', en: 'Grantor, the person' }, subject.legalName === owner.name ? owner.name : `${subject.legalName}（权属证明 ownership proof: ${owner.name}）`],
    [{ zh: '艺名', en: 'Stage names' }, stage.zh === '无' ? both(stage) : stage.en],
    [{ zh: '账户', en: 'Account' }, owner.accountId],
    [{ zh: '住所地', en: 'Domicile' }, both(home)],
    [{ zh: '被授权方', en: 'Grantee' }, '本人平台 The platform Benren'],
    [{ zh: '分身', en: 'Clone' }, grant.cloneId],
    [{ zh: '授权编号与版本', en: 'Grant and version' }, `${grant.grantId}  ·  v${grant.version}`],
    ...(grant.supersedes === null ? [] : [[{ zh: '取代的版本', en: 'Takes the place of' }, grant.supersedes] as [Bilingual, string]]),
    [{ zh: '期限', en: 'Term' }, `${from.zh} –`],
    [{ zh: '', en: '' }, until.zh],
  ]);
  sheet.y -= 4;
  sheet.rule();
}

/** On a page of its own, with its own title: the distinct act that the law asks for. */
function consentPage(sheet: Sheet, grant: Unrendered): void {
  sheet.nextPage();
  masthead(sheet, TITLES.consent, `${grant.grantId} · v${grant.version}`);
  pair(sheet, {
    zh: '以下同意独立于授权书的其他条款，逐项作出。任何一项不同意，均不影响其他条款；任何一项均可随时单独撤回，方式与作出同意同样便捷。',
    en: 'What follows is consented to apart from the other terms, item by item. Refusing one changes no other term, and each may be withdrawn by itself at any time, as easily as it was given.',
  });
  sheet.y -= 14;
  sheet.rule({ color: INK, thickness: 0.8 });
  sheet.y -= 16;
  for (const [index, { what, given, answer }] of separateConsents(grant as GrantDocument).entries()) {
    sheet.need(3 * LEADING);
    sheet.textRight(both(answer), PAGE.right, { size: 9.5, bold: true, color: given ? INK : GREY });
    const zh = sheet.wrap(what.zh, BODY_WIDTH - 90, ZH, TIED);
    sheet.text(`${index + 1}`, COLUMN.number, { size: 8, color: GREY });
    for (const line of zh) {
      sheet.text(line, COLUMN.zh, ZH);
      sheet.y -= LEADING;
    }
    sheet.text(what.en, COLUMN.zh, { ...EN, color: GREY });
    sheet.y -= 9;
    sheet.rule();
    sheet.y -= 15;
  }
  sheet.y -= 4;
  pair(sheet, { zh: '本人就此所作的声明（原文）：', en: 'The person\'s own statement on this, verbatim:' });
  sheet.y -= 2;
  verbatim(sheet, grant.separateConsent.statement);
}

function sealing(sheet: Sheet, number: number, digest: string): void {
  heading(sheet, number, { zh: '签署方式与核验', en: 'How this is signed and checked' });
  clause(sheet, `${number}.1`, {
    zh: '本文件不以手写签名签署。本人以通行密钥（经用户验证）签署一份电子文件：其中列有以上全部条款，以及本 PDF 的 SHA-256。展示的内容与签署的内容由此绑定，二者均不可替换。',
    en: 'This paper is not signed by hand. The person signs, with a passkey and user verification, an electronic document that holds all of these terms and the SHA-256 of this PDF: what was shown and what was signed cannot be exchanged.',
  });
  facts(sheet, [[{ zh: '条款指纹', en: 'Digest of the terms' }, digest]]);
  sheet.y -= 2;
  pair(sheet, {
    zh: '条款指纹为该电子文件去掉 rendering 一项后的 RFC 8785 形式的 SHA-256。',
    en: 'The digest is SHA-256 over the RFC 8785 form of that document without its member "rendering".',
  });
}

function footers(sheet: Sheet, grant: Unrendered, digest: string): void {
  const count = sheet.pages.length;
  for (const [index, page] of sheet.pages.entries()) {
    page.drawLine({ start: { x: PAGE.left, y: 46 }, end: { x: PAGE.right, y: 46 }, color: RULE, thickness: 0.6 });
    sheet.text(`${grant.grantId} · v${grant.version} · ${digest.slice(0, 16)}`, PAGE.left, SMALL, { y: 34, page });
    sheet.textRight(`第 ${index + 1} 页，共 ${count} 页   Page ${index + 1} of ${count}`, PAGE.right, SMALL, { y: 34, page });
  }
}

/** The same grant is always the same bytes: nothing in the file comes from a clock or from chance. */
export async function contractPdf(grant: Unrendered): Promise<Uint8Array> {
  const title = grant.version === 1 ? TITLES.grant : TITLES.amendment;
  const digest = termsDigest(grant);
  const { pdf, sheet } = await openPdf({
    title: `${both(title)} · ${grant.owner.name}`, subject: `${grant.grantId} v${grant.version} ${digest}`, author: 'Benren', at: new Date(grant.validFrom),
  });
  masthead(sheet, title, `No. ${grant.grantId}`);
  parties(sheet, grant);
  const sections = sectionsOf(grant as GrantDocument);
  for (const [index, section] of sections.entries()) {
    heading(sheet, index + 1, section.title);
    for (const [place, texts] of section.clauses.entries()) clause(sheet, `${index + 1}.${place + 1}`, texts);
  }
  sealing(sheet, sections.length + 1, digest);
  consentPage(sheet, grant);
  footers(sheet, grant, digest);
  return await pdf.save();
}
