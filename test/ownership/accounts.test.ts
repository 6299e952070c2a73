import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import type { Case } from '../../src/ownership/kinds/kind.ts';
import { excerptOf, isOnAccount, makeAccountVerifier, type AccountTerms } from '../../src/ownership/kinds/public-account.ts';
import { visibleText } from '../../src/ownership/kinds/visible-text.ts';
import { makeSafeFetch } from '../../src/platform/fetch/index.ts';

const NONCE = 'benren-abcdefghjkmnpqrstuvw';
const about = {} as Case;

describe('the visible text of a page', () => {
  it.each([
    ['<p>hello <b>wor</b>ld</p>', 'hello wor ld'],
    ['a &amp; b &#60;c&#x3e; &nbsp; &nope; &copyright', 'a & b <c> &nope; &copyright'],
    ['1 < 2 <3 <', '1 < 2 <3 <'],
    ['<img alt="x > y">after', 'after'],
    ['<div title=\'<p>in</p>\'>out</div>', 'out'],
    ['<p hidden>a</p><p>b</p>', 'b'],
    ['<div style="display : none"><p>a<br></p></div>b', 'b'],
    ['<div style="visibility:hidden">a</div><i style="opacity:0">b</i><i style="opacity:0.5">c</i>', 'c'],
    ['<span aria-hidden="true">a</span>b', 'b'],
    ['<script>a</scripty></script>b', 'b'],
    ['<style>a{}</style><template><p>b</p></template><noscript>c</noscript>d', 'd'],
    ['<head><title>a</title><meta content="b"></head>c', 'c'],
    ['<!-- a --> b <!doctype html><?php c ?>', 'b'],
    ['<textarea>a</textarea><select><option>b</option></select>c', 'c'],
    ['<script>never ends', ''], ['<!-- never ends', ''], ['<p title="never ends', ''], ['', ''],
    ['<p>一</p>\n\t<p>二</p>', '一 二'],
  ])('of %s is %s', (html, seen) => expect(visibleText(html)).toBe(seen));

  it('is read in linear time from pages that were made to be slow', () => {
    for (const part of ['<', '<p ', '<!--', '<script>', '</', '<p hidden>', '&#', '<a "', 'display ', '<div style="display    ']) {
      const page = part.repeat(Math.floor(2_000_000 / part.length));
      const started = process.hrtime.bigint();
      visibleText(page);
      expect(Number(process.hrtime.bigint() - started) / 1e6, part).toBeLessThan(8_000);
    }
  });
});

describe('a nonce', () => {
  it('is found as a word of its own, with what stands around it', () => {
    expect(excerptOf(`I am Lin Ya (${NONCE}).`, NONCE)).toBe(`I am Lin Ya (${NONCE}).`);
    for (const text of [`x${NONCE}`, `${NONCE}x`, `${NONCE}-1`, NONCE.slice(0, -1), NONCE.toUpperCase(), '']) expect(excerptOf(text, NONCE)).toBe(null);
    expect(excerptOf(`x${NONCE} ${NONCE}`, NONCE)).toContain(NONCE);
  });
});

describe('a page is the account\'s own', () => {
  const account = new URL('https://social.example/lin-ya');
  it.each(['https://social.example/lin-ya', 'https://social.example/lin-ya/', 'https://social.example/lin-ya/posts/1?lang=en'])('%s', (page) =>
    expect(isOnAccount(new URL(page), account)).toBe(true));
  it.each([
    'https://social.example/lin-ya2', 'https://social.example/', 'https://social.example/other/lin-ya', 'http://social.example/lin-ya',
    'https://social.example.evil.example/lin-ya', 'https://evil.example/lin-ya', 'https://social.example:444/lin-ya',
    'https://social.example/lin-ya/../other', 'https://social.example/lin-ya/%2e%2e/other', 'https://social.example/lin-ya/..%2fother',
    'https://social.example/lin-ya//evil', 'https://social.example/lin-ya/..%5cother',
  ])('not %s', (page) => expect(isOnAccount(new URL(page), account)).toBe(false));
});

describe('a public account', () => {
  let origin = '';
  const pages: Record<string, (response: ServerResponse) => void> = {
    '/lin-ya': (response) => response.end(`<html><title>${NONCE}</title><body><p>singer</p></body></html>`),
    '/lin-ya/posts/1': (response) => response.end(`<article>my clone: ${NONCE}, see you</article>`),
    '/lin-ya/attribute': (response) => response.end(`<input value="${NONCE}">`),
    '/lin-ya/missing': (response) => response.writeHead(404).end(NONCE),
    '/lin-ya/slow': (response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    },
    '/lin-ya/endless': (response) => {
      const timer = setInterval(() => response.write('y'.repeat(65_536)), 1);
      response.on('close', () => clearInterval(timer));
    },
    '/lin-ya/inwards': (response) => response.writeHead(302, { location: 'http://10.0.0.1/lin-ya' }).end(),
    '/lin-ya/metadata': (response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
    '/lin-ya/away': (response) => response.writeHead(302, { location: '/evil/page' }).end(),
    '/lin-ya/moved': (response) => response.writeHead(302, { location: '/lin-ya/posts/1' }).end(),
    '/evil/page': (response) => response.end(NONCE),
  };
  const server = createServer((request, response) => {
    const page = pages[(request.url ?? '').split('?')[0] ?? ''];
    if (page === undefined) response.writeHead(404).end();
    else page(response);
  });
  const verifier = makeAccountVerifier(
    { fetcher: makeSafeFetch({ allowLoopback: true }), random: seededRandom('accounts') }, { maxBytes: 262_144, timeoutMs: 700 });
  const terms = (): AccountTerms => ({ account: `${origin}/lin-ya`, nonce: NONCE });
  const check = (path: string | null) => verifier.examine(terms(), { way: 'check', url: path === null ? null : `${origin}${path}` }, about);

  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  it('is proven by a nonce in a visible post, also behind a redirect within the account', async () => {
    for (const path of ['/lin-ya/posts/1', '/lin-ya/moved']) {
      expect((await check(path)).finding).toEqual({ url: `${origin}/lin-ya/posts/1`, excerpt: `my clone: ${NONCE}, see you` });
    }
  });

  it.each([null, '/lin-ya/attribute', '/lin-ya/missing', '/lin-ya/none'])('is not by what nobody sees: %s', async (path) => {
    await expect(check(path)).rejects.toMatchObject({ code: 'token_absent' });
  });

  it.each(['/lin-ya/slow', '/lin-ya/endless'])('gives up on %s', async (path) => {
    const started = process.hrtime.bigint();
    await expect(check(path)).rejects.toMatchObject({ code: 'url_unreachable' });
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(5_000);
  });

  it.each(['/lin-ya/inwards', '/lin-ya/metadata', '/lin-ya/away', '/evil/page', '/', `/lin-ya/posts/1?q=${NONCE}`, `/lin-ya/posts/1?q=${NONCE.toUpperCase()}`, '/lin-ya/posts/1?q=%E0'])(
    'refuses %s', async (path) => {
      await expect(check(path)).rejects.toMatchObject({ code: 'url_refused' });
    });

  it('names a profile, not a host or a query; each nonce is another', async () => {
    const issue = (account: string) => verifier.issue({} as never, { account }, about, null);
    for (const account of ['https://social.example', 'https://social.example/', 'https://social.example/u?id=1', 'https://social.example/u#x', 'ftp://x/u', 'http://10.0.0.1/u']) {
      await expect(issue(account)).rejects.toMatchObject({ code: 'url_refused' });
    }
    const nonces = await Promise.all(Array.from({ length: 50 }, async () => (await issue('https://social.example/lin-ya')).nonce));
    expect(new Set(nonces).size).toBe(50);
    for (const nonce of nonces) expect(nonce).toMatch(/^benren-[a-z2-9]{20}$/);
  });
});
