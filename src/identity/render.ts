import { canonicalJson, type Json, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { DOCUMENT_TYPES, type DocumentType, type Locale } from './model.ts';
import { CHINESE, ENGLISH, TITLES, WORDS } from './render-labels.ts';

const INDENT = '  ';

/**
 * Invisible and direction-changing characters shown by their numbers: what a person reads must be what is there, and a
 * value must not be able to draw a line that looks like ours.
 */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu, (character) =>
    character === '\n' ? character : `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** `validUntil` → `Valid until`. A name that is not an identifier stays as it is. */
function label(name: string, locale: Locale): string {
  const known = locale === 'zh-CN' ? CHINESE : ENGLISH;
  if (Object.hasOwn(known, name)) return known[name] ?? name;
  if (locale === 'zh-CN' || !/^[a-z]+([A-Z][a-z0-9]*)*$/.test(name)) return visible(name).replaceAll('\n', '⟨U+000A⟩');
  const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function scalar(value: string | number | boolean | null, locale: Locale): string {
  const words = WORDS[locale];
  if (value === null) return words.none;
  if (typeof value === 'boolean') return value ? words.yes : words.no;
  if (value === '') return words.empty;
  return visible(String(value));
}

function isScalar(value: Json): value is string | number | boolean | null {
  return typeof value !== 'object' || value === null;
}

/** One value behind its label; further lines of a text stand behind a bar that no value can draw itself. */
function lines(head: string, value: Json, depth: number, locale: Locale): string[] {
  const margin = INDENT.repeat(depth);
  const { colon, noItems } = WORDS[locale];
  if (isScalar(value)) {
    const [first = '', ...rest] = scalar(value, locale).split('\n');
    return [`${margin}${head}${colon}${first}`, ...rest.map((line) => `${margin}${INDENT}│ ${line}`)];
  }
  const members: [string, Json][] = Array.isArray(value)
    ? (value as readonly Json[]).map((item, index) => [`${index + 1}`, item])
    : sortedMembers(value as JsonObject).map(([name, item]) => [label(name, locale), item]);
  if (members.length === 0) return [`${margin}${head}${colon}${noItems}`];
  return [`${margin}${head}${colon}`.trimEnd(), ...members.flatMap(([name, item]) => lines(name, item, depth + 1, locale))];
}

/** In the order of the canonical form: the order in which a program wrote the members must not matter. */
function sortedMembers(value: JsonObject): [string, Json][] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function isDocumentType(text: string): text is DocumentType {
  return (DOCUMENT_TYPES as readonly string[]).includes(text);
}

/**
 * The text that a person reads before signing: every member of the document, in words, in their language, always the
 * same for the same document. Its SHA-256 stands in the signed context, so that later nobody can say they were shown
 * something else. The last line is the document's own digest, so two documents never share one text.
 */
export function renderDocument(documentType: string, document: JsonObject, locale: Locale): string {
  const words = WORDS[locale];
  const title = isDocumentType(documentType) ? TITLES[documentType][locale] : `${words.document} ${visible(documentType)}`;
  const body = sortedMembers(document).flatMap(([name, value]) => lines(label(name, locale), value, 0, locale));
  return [title, '', ...body, '', `${words.digest}${words.colon}${sha256Hex(canonicalJson(document))}`, ''].join('\n');
}
