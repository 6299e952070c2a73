/**
 * The text of an HTML page that a reader sees, near enough to tell a nonce in a post from one in an attribute, a script,
 * a comment or a hidden element. Linear in the page's length; nothing in it is run or fetched.
 */

/** Elements whose text no reader is shown. */
const UNSEEN = new Set(['script', 'style', 'template', 'noscript', 'head', 'title', 'textarea', 'select', 'option', 'iframe', 'object', 'svg', 'math']);
/** Elements whose text is no markup: it ends at their own end tag only. */
const RAW = new Set(['script', 'style', 'textarea', 'title', 'iframe', 'noscript']);
const VOID = new Set(['area', 'base', 'br', 'col', 'embed', 'hr', 'img', 'input', 'link', 'meta', 'source', 'track', 'wbr']);
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'', nbsp: ' ' };
const DEEPEST = 512;

function decoded(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/g, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : ' ';
  });
}

const hidesItself = (attributes: string): boolean =>
  /(?:^|\s)(?:hidden(?:[\s=/]|$)|aria-hidden\s*=\s*["']?true)/i.test(attributes)
  || /(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d]))/i.test(decoded(attributes));

interface Tag { name: string; closing: boolean; attributes: string; end: number }

/** The tag that begins at `at`, or null when a `<` stands there as text. Quoted attribute values may hold `>`. */
function tagAt(html: string, at: number): Tag | null {
  const head = /^<(\/?)([a-zA-Z][a-zA-Z0-9-]{0,63})/.exec(html.slice(at, at + 70));
  if (head === null) return null;
  let end = at + head[0].length;
  let quote = '';
  for (; end < html.length; end += 1) {
    const character = html.charAt(end);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === '\'') quote = character;
    else if (character === '>') break;
  }
  return { name: (head[2] ?? '').toLowerCase(), closing: head[1] === '/', attributes: html.slice(at + head[0].length, end), end: end + 1 };
}

/** Where what is neither text nor a tag ends: a comment, a doctype, a processing instruction. Null for other things. */
function declarationEnd(html: string, at: number): number | null {
  const until = (mark: string, from: number): number => {
    const end = html.indexOf(mark, from);
    return end === -1 ? html.length : end + mark.length;
  };
  if (html.startsWith('<!--', at)) return until('-->', at + 4);
  return html.startsWith('<!', at) || html.startsWith('<?', at) ? until('>', at + 2) : null;
}

/** Which elements are open, from the first unseen one on: while there is one, text is not shown. */
class Open {
  #names: string[] = [];
  get hidden(): boolean {
    return this.#names.length > 0;
  }

  opened(tag: Tag): void {
    if (VOID.has(tag.name) || this.#names.length >= DEEPEST) return;
    if (this.hidden || UNSEEN.has(tag.name) || hidesItself(tag.attributes)) this.#names.push(tag.name);
  }

  closed(name: string): void {
    const at = this.#names.lastIndexOf(name);
    if (at !== -1) this.#names.length = at;
  }
}

/** Visible text, entities decoded, runs of white space as one blank. */
export function visibleText(html: string): string {
  const seen: string[] = [];
  const open = new Open();
  let at = 0;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    const end = next === -1 ? html.length : next;
    if (end > at && !open.hidden) seen.push(html.slice(at, end));
    if (next === -1) break;
    const skipped = declarationEnd(html, next);
    const tag = skipped === null ? tagAt(html, next) : null;
    if (skipped === null && tag === null) {
      if (!open.hidden) seen.push('<');
      at = next + 1;
      continue;
    }
    at = skipped ?? tag?.end ?? html.length;
    if (tag === null) continue;
    seen.push(' ');
    if (tag.closing) open.closed(tag.name);
    else {
      open.opened(tag);
      if (RAW.has(tag.name)) at = rawEnd(html, at, tag.name);
    }
  }
  return decoded(seen.join('')).replaceAll(/\s+/g, ' ').trim();
}

/** Where a raw element's own end tag begins. */
function rawEnd(html: string, from: number, name: string): number {
  const mark = new RegExp(`</${name}(?=[\\s/>])`, 'gi');
  mark.lastIndex = from;
  return mark.exec(html)?.index ?? html.length;
}
