/**
 * The page behind a portal session's `url`. `GET` shows subscriptions, card and invoices; `POST` with `action` does one thing:
 * `cancel` or `resume` with `subscription`, `card` with `card_number` and `exp`, `pay` with `invoice`. 303 back to the page, or 402.
 */
import { StripeFault } from '../core/fault.ts';
import type { Row } from '../core/memory.ts';
import type { Customer, Subscription } from '../core/objects.ts';
import type { World } from '../core/world.ts';
import { cardOf } from '../nouns/cards.ts';
import { billingOf } from '../nouns/checkout.ts';
import { changeCustomer } from '../nouns/customers.ts';
import { collect, payingMethod, type Outcome } from '../nouns/invoices.ts';
import { attachMethod, makeMethod } from '../nouns/payments.ts';
import { changeSubscription, isOver } from '../nouns/subscriptions.ts';
import type { PageAnswer, PageRequest } from './checkout-page.ts';
import { document, escape, languageOf, notice, price } from './html.ts';

const TEXTS = {
  zh: {
    title: '管理订阅', renews: '下次续费', ends: '到期结束', cancel: '取消续订', resume: '恢复续订', card: '更换银行卡', number: '卡号', exp: '有效期（月 / 年）',
    save: '保存', invoices: '账单', pay: '支付', back: '返回', gone: '链接已失效', goneText: '请从原页面重新打开。', wrong: '请使用测试卡号，有效期格式为 MM / YY。',
  },
  en: {
    title: 'Manage subscriptions', renews: 'Renews', ends: 'Ends', cancel: 'Cancel renewal', resume: 'Renew after all', card: 'Change the card',
    number: 'Card number', exp: 'Expiry (MM / YY)', save: 'Save', invoices: 'Invoices', pay: 'Pay', back: 'Back', gone: 'This link is no longer valid',
    goneText: 'Please open it again from where you came.', wrong: 'Please use a test card, with its expiry as MM / YY.',
  },
} as const;

const refused = (html: string): PageAnswer => ({ status: 422, html });

function subscriptionsOf(world: World, customer: Customer): Row<Subscription>[] {
  return [...world.rows('subscription')].filter(({ object }) => object.customer === customer.id && !isOver(object));
}

/** The new card pays for everything from now on. */
function changeCard(world: World, row: Row<Customer>, fields: URLSearchParams): boolean {
  const expiry = /^\s*(0?[1-9]|1[0-2])\s*\/\s*(?:20)?([0-9]{2})\s*$/.exec(fields.get('exp') ?? '');
  const number = fields.get('card_number') ?? '';
  try {
    cardOf(number);
  } catch (error) {
    if (error instanceof StripeFault) return false;
    throw error;
  }
  if (expiry === null) return false;
  const { object: customer } = row;
  const at = world.now(row.clock);
  const billing = billingOf(customer.address?.country ?? 'CN', customer.email ?? '', customer.name ?? '');
  const method = makeMethod(world, row.owner, null, at, { number, expMonth: Number(expiry[1]), expYear: 2000 + Number(expiry[2]), billing });
  attachMethod(world, method, customer.id, at);
  changeCustomer(world, row, { invoice_settings: { ...customer.invoice_settings, default_payment_method: method.object.id } }, at);
  for (const subscription of subscriptionsOf(world, customer)) changeSubscription(world, subscription, { default_payment_method: method.object.id }, at);
  return true;
}

function act(world: World, outcome: Outcome, row: Row<Customer>, fields: URLSearchParams): 'done' | 'wrong' | 'declined' {
  const at = world.now(row.clock);
  const action = fields.get('action');
  const mine = subscriptionsOf(world, row.object).find(({ object }) => object.id === fields.get('subscription'));
  if (action === 'card') return changeCard(world, row, fields) ? 'done' : 'wrong';
  if (action === 'pay') {
    const invoice = world.peek('invoice', fields.get('invoice') ?? '');
    const payer = subscriptionsOf(world, row.object).find(({ object }) => object.id === invoice?.object.parent?.subscription_details.subscription);
    if (invoice?.object.status !== 'open' || payer === undefined) return 'wrong';
    world.unschedule('retry', invoice.object.id);
    return collect(world, invoice, payingMethod(world, payer), at, { present: true, outcome }) === null ? 'done' : 'declined';
  }
  if (mine === undefined || (action !== 'cancel' && action !== 'resume')) return 'wrong';
  const end = mine.object.items.data[0]?.current_period_end ?? null;
  const ends = action === 'cancel';
  changeSubscription(world, mine, { cancel_at_period_end: ends, cancel_at: ends ? end : null, canceled_at: ends ? at : null }, at);
  return 'done';
}

/** Shows or does one thing of one customer's portal. */
export function portalPage(world: World, outcome: Outcome, id: string, request: PageRequest): PageAnswer {
  const session = world.peek('portalSession', id);
  const language = languageOf(request.query.get('lang'), null, request.acceptLanguage);
  const text = TEXTS[language];
  const row = session === undefined ? undefined : world.peek('customer', session.object.customer);
  if (session === undefined || row === undefined) return { status: 404, html: notice(language, text.gone, text.goneText) };
  if (request.method === 'POST') {
    const result = act(world, outcome, row, request.fields);
    if (result === 'wrong') return refused(notice(language, text.title, text.wrong));
    return { status: result === 'done' ? 303 : 402, html: notice(language, text.title, ''), location: `${world.publicUrl}/portal/${id}` };
  }
  const day = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10);
  const button = (action: string, label: string, name: string, value: string): string =>
    `<form method="post"><input type="hidden" name="action" value="${action}"><input type="hidden" name="${name}" value="${escape(value)}"><button type="submit">${label}</button></form>`;
  const items = subscriptionsOf(world, row.object).map(({ object }) => {
    const [item] = object.items.data;
    const ends = object.cancel_at_period_end;
    return `<div class="item"><span>${escape(price((item?.price.unit_amount ?? 0) * (item?.quantity ?? 1), object.currency, language))} · ${ends ? text.ends : text.renews} ${day(item?.current_period_end ?? 0)}</span>${button(ends ? 'resume' : 'cancel', ends ? text.resume : text.cancel, 'subscription', object.id)}</div>`;
  });
  const invoices = [...world.rows('invoice')].filter(({ object }) => object.customer === row.object.id).map(({ object }) =>
    `<div class="item"><span>${day(object.created)} · ${escape(object.number ?? '')} · ${escape(price(object.total, object.currency, language))} · ${object.status ?? ''}</span>${object.status === 'open' ? button('pay', text.pay, 'invoice', object.id) : ''}</div>`);
  const { return_url: back } = session.object;
  const body = `<section class="sum"><h1>${text.title}</h1>${items.join('')}<h2>${text.invoices}</h2>${invoices.join('')}</section>
<section class="form">${back === null ? '' : `<div class="top"><a href="${escape(back)}">← ${text.back}</a></div>`}<h2>${text.card}</h2>
<form method="post" autocomplete="off"><input type="hidden" name="action" value="card"><label>${text.number}<input name="card_number" required inputmode="numeric"></label>
<label>${text.exp}<input name="exp" required placeholder="12 / 34"></label><button type="submit">${text.save}</button></form></section>`;
  return { status: 200, html: document(language, `${text.title} · Benren`, `<main>${body}</main>`) };
}
