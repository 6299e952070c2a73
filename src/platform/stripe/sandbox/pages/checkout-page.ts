/**
 * The page behind a Checkout session's `url`. `GET` shows it; `POST` with the fields `email`, `name`, `country`,
 * `card_number`, `exp` (MM / YY), `cvc` pays: 303 to the success URL, or 402 with the page and the card's refusal.
 */
import { StripeFault } from '../core/fault.ts';
import type { Session } from '../core/objects.ts';
import type { World } from '../core/world.ts';
import { cardOf, SUCCESS_CARD } from '../nouns/cards.ts';
import { billingOf, lineItemsOf, paySession } from '../nouns/checkout.ts';
import type { Outcome } from '../nouns/invoices.ts';
import { countryOptions, document, escape, languageOf, notice, price, type Language } from './html.ts';

export interface PageRequest {
  method: string;
  fields: URLSearchParams;
  query: URLSearchParams;
  acceptLanguage: string | undefined;
}

export interface PageAnswer {
  status: number;
  html: string;
  location?: string;
}

const TEXTS = {
  zh: {
    subscribe: '订阅', pay: '付款', per: { day: '每天', week: '每周', month: '每月', year: '每年' }, email: '邮箱', name: '持卡人姓名', country: '账单所在国家或地区',
    card: '卡号', exp: '有效期（月 / 年）', cvc: '安全码', submit: '支付', back: '返回', other: 'English', test: '本地测试环境',
    note: '这是本地沙盒，不会产生真实扣款。请勿输入真实卡号。', cards: '测试卡号', done: '已完成', doneText: '这笔付款已经完成，可以关闭此页。',
    gone: '链接已失效', goneText: '此付款页已过期或不存在。请回到原页面重新开始。',
  },
  en: {
    subscribe: 'Subscribe to', pay: 'Pay', per: { day: 'per day', week: 'per week', month: 'per month', year: 'per year' }, email: 'Email', name: 'Name on card',
    country: 'Billing country or region', card: 'Card number', exp: 'Expiry (MM / YY)', cvc: 'CVC', submit: 'Pay', back: 'Back', other: '中文', test: 'Local test mode',
    note: 'This is a local sandbox: no money moves. Never type a real card number.', cards: 'Test cards', done: 'All done', doneText: 'This payment is complete. You can close this page.',
    gone: 'This link is no longer valid', goneText: 'The payment page has expired or does not exist. Please start again from where you came.',
  },
} as const;

const REFUSALS: Readonly<Record<string, string>> = {
  'Your card was declined.': '您的银行卡被拒绝。', 'Your card has insufficient funds.': '余额不足。', 'Your card has expired.': '银行卡已过期。',
  'Your card\'s security code is incorrect.': '安全码不正确。',
  'An error occurred while processing your card. Try again in a little bit.': '处理时出错，请稍后再试。',
};

/** Shows or pays one session. */
export function checkoutPage(world: World, outcome: Outcome, id: string, request: PageRequest): PageAnswer {
  const row = world.peek('session', id);
  const language = languageOf(request.query.get('lang'), row?.object.locale ?? null, request.acceptLanguage);
  const text = TEXTS[language];
  if (row === undefined || row.object.status === 'expired') return { status: 404, html: notice(language, text.gone, text.goneText) };
  if (row.object.status === 'complete') return { status: 410, html: notice(language, text.done, text.doneText) };
  if (request.method !== 'POST') return { status: 200, html: form(world, row.object, language, request.fields, null) };
  const entry = readEntry(request.fields, row.object.customer_email);
  if (typeof entry === 'string') return { status: 422, html: form(world, row.object, language, request.fields, entry) };
  const fault = paySession(world, row, entry, outcome);
  if (fault !== null) {
    const message = language === 'zh' ? (REFUSALS[fault.message] ?? fault.message) : fault.message;
    return { status: 402, html: form(world, row.object, language, request.fields, message) };
  }
  const location = (row.object.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', id);
  return { status: 303, html: notice(language, text.done, text.doneText), location };
}

type Entry = Parameters<typeof paySession>[2];

/** The card entry, or what is wrong with it, for the person to read. */
function readEntry(fields: URLSearchParams, knownEmail: string | null): Entry | string {
  const email = (knownEmail ?? fields.get('email') ?? '').trim();
  const name = (fields.get('name') ?? '').trim();
  const country = (fields.get('country') ?? '').trim().toUpperCase();
  const expiry = /^\s*(0?[1-9]|1[0-2])\s*\/\s*(?:20)?([0-9]{2})\s*$/.exec(fields.get('exp') ?? '');
  if (!/^\S+@\S+$/.test(email)) return '请填写邮箱 · An email address is needed.';
  if (!/^[A-Z]{2}$/.test(country)) return '请选择国家或地区 · A country is needed.';
  if (expiry === null) return '有效期格式为 MM / YY · The expiry is MM / YY.';
  if (!/^[0-9]{3,4}$/.test(fields.get('cvc') ?? '')) return '安全码为三或四位数字 · The CVC has three or four digits.';
  const number = fields.get('card_number') ?? '';
  try {
    cardOf(number);
  } catch (error) {
    if (error instanceof StripeFault) return '请使用下面列出的测试卡号 · Please use one of the test cards listed below.';
    throw error;
  }
  return { number, expMonth: Number(expiry[1]), expYear: 2000 + Number(expiry[2]), billing: billingOf(country, email, name === '' ? email : name) };
}

function period(session: Session, world: World, language: Language): string {
  const recurring = lineItemsOf(world, session.id)[0]?.price?.recurring;
  if (recurring == null) return '';
  const names: Readonly<Record<string, string>> = TEXTS[language].per;
  return ` <small>${escape(names[recurring.interval] ?? recurring.interval)}</small>`;
}

function form(world: World, session: Session, language: Language, fields: URLSearchParams, alert: string | null): string {
  const text = TEXTS[language];
  const value = (name: string, fallback = ''): string => escape(fields.get(name) ?? fallback);
  const amount = price(session.amount_total ?? 0, session.currency ?? 'cny', language);
  const items = lineItemsOf(world, session.id);
  const other = language === 'zh' ? 'en' : 'zh';
  const email = session.customer_email ?? (session.customer === null ? null : (world.peek('customer', session.customer)?.object.email ?? null));
  const summary = `<section class="sum"><div class="top"><span>Benren · 本人</span><span class="badge">${text.test}</span></div>
<h1>${session.mode === 'subscription' ? text.subscribe : text.pay} ${escape(items[0]?.description ?? '')}</h1>
<div class="total">${escape(amount)}${period(session, world, language)}</div>
${items.map((item) => `<div class="item"><span>${escape(item.description ?? '')} × ${item.quantity}</span><span>${escape(price(item.amount_total, item.currency, language))}</span></div>`).join('')}
<p class="note">${text.note}</p></section>`;
  const input = (name: string, label: string, attributes: string, fallback = ''): string =>
    `<label>${label}<input name="${name}" value="${value(name, fallback)}" required ${attributes}></label>`;
  const body = `<section class="form"><div class="top">${session.cancel_url === null ? '<span></span>' : `<a href="${escape(session.cancel_url)}">← ${text.back}</a>`}
<a href="?lang=${other}" hreflang="${other}">${text.other}</a></div>
${alert === null ? '' : `<p class="alert" role="alert">${escape(alert)}</p>`}
<form method="post" action="?lang=${language}" autocomplete="off">
${input('email', text.email, 'type="email"', email ?? '')}
${input('card_number', text.card, `inputmode="numeric" placeholder="4242 4242 4242 4242"`)}
<div class="row">${input('exp', text.exp, 'placeholder="12 / 34"')}${input('cvc', text.cvc, 'inputmode="numeric" placeholder="123"')}</div>
<label>${text.name}<input name="name" value="${value('name')}"></label>
<label>${text.country}<select name="country">${countryOptions(language, fields.get('country') ?? 'CN')}</select></label>
<button type="submit">${text.submit} ${escape(amount)}</button>
</form>
<details><summary>${text.cards}</summary><p><code>${SUCCESS_CARD}</code> ✓ · <code>4000000000000002</code> ✗ · <code>4000000000009995</code> ✗ · <code>4000000000000341</code> ✓ → ✗</p></details></section>`;
  return document(language, `${text.pay} · Benren`, `<main>${summary}${body}</main>`);
}
