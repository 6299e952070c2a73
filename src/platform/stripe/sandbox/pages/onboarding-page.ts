/**
 * The page behind an account link's `url`. `GET` shows the form; `POST` with `name`, `country`, `currency`,
 * `account_number`, `routing_number`, `business_type` completes the onboarding: 303 to the return URL. An expired link: 303 to the refresh URL.
 */
import type { World } from '../core/world.ts';
import { completeOnboarding } from '../nouns/accounts.ts';
import type { PageAnswer, PageRequest } from './checkout-page.ts';
import { countryOptions, document, escape, languageOf, notice, type Language } from './html.ts';

const TEXTS = {
  zh: {
    title: '收款账户', intro: '填写以下信息后，分成款将支付到此银行账户。', name: '账户持有人', country: '国家或地区', kind: '类型', individual: '个人', company: '企业',
    currency: '币种', number: '银行账号', routing: '联行号（可选）', submit: '提交', other: 'English', test: '本地测试环境', gone: '链接已失效', goneText: '请回到原页面重新获取链接。',
    note: '本地沙盒，请勿填写真实账号。000123456789 可到账；000111111116、000111111113、000222222227 会付款失败。', bad: '请填写持有人、国家与四位以上数字的账号。',
  },
  en: {
    title: 'Payout account', intro: 'Your share will be paid to this bank account.', name: 'Account holder', country: 'Country or region', kind: 'Type', individual: 'Individual',
    company: 'Company', currency: 'Currency', number: 'Account number', routing: 'Routing number (optional)', submit: 'Submit', other: '中文', test: 'Local test mode',
    gone: 'This link is no longer valid', goneText: 'Please ask for a new link where you came from.',
    note: 'A local sandbox: type no real account. 000123456789 is paid; 000111111116, 000111111113 and 000222222227 fail.', bad: 'Please give the holder, a country and an account number of at least four digits.',
  },
} as const;

const CURRENCIES = ['CNY', 'USD', 'EUR', 'JPY'];

/** Shows or completes one onboarding link. */
export function onboardingPage(world: World, token: string, request: PageRequest): PageAnswer {
  const language = languageOf(request.query.get('lang'), null, request.acceptLanguage);
  const text = TEXTS[language];
  const link = world.memory.hidden.links[token];
  if (link === undefined) return { status: 404, html: notice(language, text.gone, text.goneText) };
  if (world.now(null) > link.expiresAt) return { status: 303, html: notice(language, text.gone, text.goneText), location: link.refreshUrl };
  const row = world.find('account', link.account, link.account);
  if (request.method !== 'POST') return { status: 200, html: form(language, request.fields, row.object.default_currency ?? 'cny', null) };
  const field = (name: string): string => (request.fields.get(name) ?? '').trim();
  const number = field('account_number').replaceAll(/[\s-]/g, '');
  const currency = (field('currency') === '' ? (row.object.default_currency ?? 'cny') : field('currency')).toLowerCase();
  const country = field('country').toUpperCase();
  if (field('name') === '' || !/^[A-Z]{2}$/.test(country) || !/^[0-9]{4,34}$/.test(number) || !CURRENCIES.includes(currency.toUpperCase())) {
    return { status: 422, html: form(language, request.fields, currency, text.bad) };
  }
  completeOnboarding(
    world, row, { holder: field('name'), country, currency, number, routing: field('routing_number') === '' ? null : field('routing_number') },
    field('business_type') === 'company' ? 'company' : 'individual',
  );
  const { [token]: used, ...left } = world.memory.hidden.links;
  world.memory.hidden.links = left;
  return { status: 303, html: notice(language, text.title, ''), location: used?.returnUrl ?? link.returnUrl };
}

function form(language: Language, fields: URLSearchParams, currency: string, alert: string | null): string {
  const text = TEXTS[language];
  const other = language === 'zh' ? 'en' : 'zh';
  const value = (name: string): string => escape(fields.get(name) ?? '');
  const body = `<main class="one"><section class="form"><div class="top"><span class="badge">${text.test}</span><a href="?lang=${other}" hreflang="${other}">${text.other}</a></div>
<h1>Benren · 本人 — ${text.title}</h1><p>${text.intro}</p>
${alert === null ? '' : `<p class="alert" role="alert">${escape(alert)}</p>`}
<form method="post" action="?lang=${language}" autocomplete="off">
<label>${text.name}<input name="name" value="${value('name')}" required></label>
<div class="row"><label>${text.kind}<select name="business_type"><option value="individual">${text.individual}</option><option value="company">${text.company}</option></select></label>
<label>${text.country}<select name="country">${countryOptions(language, fields.get('country') ?? 'CN')}</select></label></div>
<div class="row"><label>${text.currency}<select name="currency">${CURRENCIES.map((code) => `<option${code.toLowerCase() === currency ? ' selected' : ''}>${code}</option>`).join('')}</select></label>
<label>${text.routing}<input name="routing_number" value="${value('routing_number')}"></label></div>
<label>${text.number}<input name="account_number" value="${value('account_number')}" inputmode="numeric" placeholder="000123456789" required></label>
<button type="submit">${text.submit}</button></form><p class="note">${text.note}</p></section></main>`;
  return document(language, `${text.title} · Benren`, body);
}
