import type { Random } from '../../kernel/random.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { SafeFetch } from '../../platform/fetch/index.ts';
import type { EvidenceVerifier } from './kind.ts';
import { visibleText } from './visible-text.ts';

/** `account` is the profile's address; the nonce is shown there or on a page below it. */
export interface AccountTerms { readonly account: string; readonly nonce: string }
/** `excerpt` is what stands around the nonce: reviewers see whether the owner wrote it or a visitor did. */
export interface AccountFinding { readonly url: string; readonly excerpt: string }

export const NONCE_PREFIX = 'benren-';
/** Profile pages are large; one that is larger than this, or slower, is not waited for. */
export const PAGE_LIMITS = { maxBytes: 2_097_152, timeoutMs: 8_000 } as const;
const AROUND = 80;

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

function makeNonce(random: Random): string {
  let text = NONCE_PREFIX;
  for (let i = 0; i < 20; i += 1) text += ALPHABET.charAt(random.below(ALPHABET.length));
  return text;
}

const withoutSlash = (path: string): string => path.replace(/\/+$/, '');

/** The profile's address in one form. An account needs a path: the bare host is everybody's. */
function accountOf(text: string, fetcher: SafeFetch): URL {
  const url = fetcher.checkUrl(text);
  if (withoutSlash(url.pathname) === '' || url.search !== '' || url.hash !== '') {
    throw new Refusal('url_refused', 'Name the profile, such as https://social.example/lin-ya, without a query; for a whole site prove the domain.');
  }
  return url;
}

/** Whether `page` is the account's own: same origin, same path or below it, nothing that reads differently after decoding. */
export function isOnAccount(page: URL, account: URL): boolean {
  const base = withoutSlash(account.pathname);
  const own = page.pathname === base || page.pathname.startsWith(`${base}/`);
  return page.origin === account.origin && own && !/%2f|%5c|%2e|\\|\/\//i.test(page.pathname);
}

function pageOf(terms: AccountTerms, named: string | null, fetcher: SafeFetch): URL {
  const page = fetcher.checkUrl(named ?? terms.account);
  if (!isOnAccount(page, new URL(terms.account))) throw new Refusal('url_refused', 'The page is not on the account that you named.');
  let text = page.href;
  try {
    text = decodeURIComponent(text);
  } catch {
    throw new Refusal('url_refused', 'The address holds a broken escape.');
  }
  // A page that repeats its own address would show the nonce to whoever asks for it.
  if (text.toLowerCase().includes(terms.nonce)) throw new Refusal('url_refused', 'The nonce must stand on the page, not in its address.');
  return page;
}

/** Where the nonce stands as a word of its own, with what is around it. */
export function excerptOf(text: string, nonce: string): string | null {
  for (let at = text.indexOf(nonce); at !== -1; at = text.indexOf(nonce, at + 1)) {
    const whole = !/[a-z0-9-]/i.test(text.charAt(at - 1)) && !/[a-z0-9-]/i.test(text.charAt(at + nonce.length));
    if (whole) return text.slice(Math.max(0, at - AROUND), at + nonce.length + AROUND).toWellFormed();
  }
  return null;
}

/** Control of a public account: a nonce that stands, visibly, on its own pages. */
export function makeAccountVerifier(
  deps: { fetcher: SafeFetch; random: Random }, limits: { maxBytes: number; timeoutMs: number } = PAGE_LIMITS,
): EvidenceVerifier<'public_account'> {
  async function look(terms: AccountTerms, named: string | null): Promise<AccountFinding> {
    const page = pageOf(terms, named, deps.fetcher);
    const { status, text, url } = await deps.fetcher.fetchText(page.href, limits);
    // Where the answer came from counts, not where it was asked for: profiles may redirect anywhere.
    if (!isOnAccount(new URL(url), new URL(terms.account))) throw new Refusal('url_refused', 'The page redirects away from the account.');
    const excerpt = status === 200 ? excerptOf(visibleText(text), terms.nonce) : null;
    if (excerpt !== null) return { url, excerpt };
    throw new Refusal('token_absent', 'The nonce does not stand in the visible text of that page.', {
      extra: { url: page.href, answeredStatus: status },
    });
  }

  return {
    kind: 'public_account',
    answered: 'check',
    examinedState: 'passed',
    issue: async (_tx, { account }) => ({ account: accountOf(account, deps.fetcher).href, nonce: makeNonce(deps.random) }),
    examine: async (terms, answer) => ({ finding: await look(terms, answer.way === 'check' ? answer.url : null), blobDigest: null }),
    async again(terms, finding) {
      await look(terms, finding.url);
    },
  };
}
