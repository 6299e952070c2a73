/** Plain HTML for the sandbox's pages: no script, no foreign request, works with a form POST alone. */

export type Language = 'en' | 'zh';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' };

/** Text made safe for HTML content and attribute values. */
export function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? char);
}

/** The page's language: an explicit choice, the session's locale, or what the browser asks for. */
export function languageOf(chosen: string | null, locale: string | null, accepted: string | undefined): Language {
  for (const text of [chosen, locale, accepted]) {
    if (text !== null && text !== undefined && /^zh/i.test(text)) return 'zh';
    if (text !== null && text !== undefined && /^en/i.test(text)) return 'en';
  }
  return 'zh';
}

const CSS = `
:root{--ink:#1b2430;--soft:#667085;--line:#e4e7ec;--paper:#fff;--wash:#f5f6f8;--accent:#2f5d62;--bad:#b42318}
*{box-sizing:border-box}
body{margin:0;background:var(--wash);color:var(--ink);font:16px/1.55 -apple-system,"Segoe UI","PingFang SC","Noto Sans SC","Microsoft YaHei",sans-serif}
main{max-width:880px;margin:6vh auto;padding:0 20px;display:grid;grid-template-columns:1fr 1.15fr;gap:0}
section{background:var(--paper);padding:36px;border:1px solid var(--line)}
section.sum{background:var(--accent);color:#fff;border:0;border-radius:14px 0 0 14px}
section.form{border-radius:0 14px 14px 0;border-left:0}
main.one{max-width:520px;grid-template-columns:1fr}main.one section{border-radius:14px;border:1px solid var(--line)}
h1{font-size:1.15rem;font-weight:600;margin:0 0 .4rem}
.total{font-size:2.3rem;font-weight:650;letter-spacing:-.02em;margin:.2rem 0 1.6rem}
.total small{font-size:1rem;font-weight:400;opacity:.8}
.item{display:flex;justify-content:space-between;gap:16px;padding:10px 0;border-top:1px solid rgba(255,255,255,.25)}
label{display:block;font-size:.86rem;color:var(--soft);margin:0 0 14px}
input,select{display:block;width:100%;margin-top:5px;padding:11px 12px;font:inherit;color:var(--ink);background:#fff;border:1px solid #cfd4dc;border-radius:8px}
input:focus,select:focus{outline:2px solid var(--accent);outline-offset:1px;border-color:var(--accent)}
.row{display:grid;grid-template-columns:1fr 1fr;gap:12px}
button{width:100%;margin-top:8px;padding:13px;border:0;border-radius:8px;background:var(--accent);color:#fff;font:inherit;font-weight:600;cursor:pointer}
button:hover{filter:brightness(1.08)}
.alert{background:#fef3f2;color:var(--bad);border:1px solid #fecdca;border-radius:8px;padding:10px 12px;margin:0 0 16px;font-size:.92rem}
.note{font-size:.8rem;color:var(--soft);margin:16px 0 0}
.sum .note{color:rgba(255,255,255,.8)}
.top{display:flex;justify-content:space-between;font-size:.82rem;margin-bottom:22px}
.badge{background:rgba(255,255,255,.18);padding:2px 9px;border-radius:99px}
.form .badge{background:var(--wash);color:var(--soft)}
a{color:inherit}
details{font-size:.82rem;color:var(--soft);margin-top:14px}code{font-size:.9em}
@media(max-width:720px){main{grid-template-columns:1fr;margin:0;padding:0}section.sum,section.form,main.one section{border-radius:0;border:0;padding:26px 22px}}
`;

/** A whole page. `body` is HTML that the caller has escaped. */
export function document(language: Language, title: string, body: string): string {
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">
<title>${escape(title)}</title><style>${CSS}</style></head>
<body>${body}</body>
</html>
`;
}

/** A page that only says something. */
export function notice(language: Language, title: string, text: string): string {
  return document(language, title, `<main class="one"><section class="form"><h1>${escape(title)}</h1><p>${escape(text)}</p></section></main>`);
}

/** Countries offered in forms; the code is what is sent. */
export const COUNTRIES: readonly (readonly [code: string, zh: string, en: string])[] = [
  ['CN', '中国大陆', 'China mainland'], ['HK', '中国香港', 'Hong Kong SAR, China'], ['MO', '中国澳门', 'Macao SAR, China'], ['TW', '中国台湾', 'Taiwan, China'],
  ['SG', '新加坡', 'Singapore'], ['MY', '马来西亚', 'Malaysia'], ['JP', '日本', 'Japan'], ['KR', '韩国', 'South Korea'], ['TH', '泰国', 'Thailand'],
  ['US', '美国', 'United States'], ['CA', '加拿大', 'Canada'], ['GB', '英国', 'United Kingdom'], ['DE', '德国', 'Germany'], ['FR', '法国', 'France'],
  ['IT', '意大利', 'Italy'], ['ES', '西班牙', 'Spain'], ['NL', '荷兰', 'Netherlands'], ['AU', '澳大利亚', 'Australia'], ['NZ', '新西兰', 'New Zealand'],
];

export function countryOptions(language: Language, selected: string): string {
  return COUNTRIES.map(([code, zh, en]) =>
    `<option value="${code}"${code === selected ? ' selected' : ''}>${escape(language === 'zh' ? zh : en)}</option>`).join('');
}

/** `600 cny` → `CN¥6.00`, in the page's language. */
export function price(amount: number, currency: string, language: Language): string {
  const code = currency.toUpperCase();
  const digits = code === 'JPY' ? 0 : 2;
  return new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { style: 'currency', currency: code, minimumFractionDigits: digits })
    .format(amount / 10 ** digits);
}
