import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

import { Refusal } from '../../kernel/refusals.ts';
import { addressKind } from './address.ts';
import { exchange, type Exchange } from './exchange.ts';

export { addressKind, type AddressKind } from './address.ts';

/**
 * Fetching for strangers: a URL that somebody else chose, read from inside our network. Only http and https, only
 * their own ports, only addresses of the open internet. A name is resolved once a hop, every address it has is
 * checked, and the connection goes to the checked address, so a name that changes its mind in between wins nothing.
 * Redirects are followed at most three times and each hop is checked like the first.
 */
export interface SafeFetch {
  /** Refuses `url_refused` for a URL that would never be fetched, without touching the network. */
  checkUrl(url: string): URL;
  /** Refuses `url_refused` (we will not go there) or `url_unreachable` (no usable answer in the limits). */
  fetchText(url: string, limits: { maxBytes: number; timeoutMs: number }): Promise<{
    status: number; text: string;
    /** Where the answer came from, after redirects. */
    url: string;
  }>;
}

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<string[]>;

const MAX_REDIRECTS = 3;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

const refused = (detail: string): Refusal => new Refusal('url_refused', detail);

async function systemResolve(hostname: string): Promise<string[]> {
  return (await lookup(hostname, { all: true, verbatim: true })).map((entry) => entry.address);
}

/** The host as a bare name or address: IPv6 stands in brackets in a URL. */
function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refused('This is not a URL.');
  }
  if (DEFAULT_PORTS[url.protocol] === undefined) throw refused('Only http and https URLs are fetched.');
  if (url.username !== '' || url.password !== '') throw refused('A URL with a user name or password is not fetched.');
  return url;
}

/** Ends when the deadline does, whatever `work` is waiting for (a resolver cannot be aborted). */
async function before<T>(deadline: AbortSignal, work: Promise<T>): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const late = (): void => reject(new Refusal('url_unreachable', 'The server took too long to answer.'));
    if (deadline.aborted) late();
    deadline.addEventListener('abort', late, { once: true });
    work.then(resolve, reject).finally(() => deadline.removeEventListener('abort', late));
  });
}

/**
 * `allowLoopback` lets this machine itself be fetched, on any port: for a demo that serves its own site, never for
 * production. `resolve` replaces the system's resolver.
 */
export function makeSafeFetch(options: { allowLoopback: boolean; resolve?: Resolve }): SafeFetch {
  const resolve = options.resolve ?? systemResolve;

  function checkAddress(url: URL, address: string): void {
    const kind = addressKind(address);
    if (kind === 'loopback' && options.allowLoopback) return;
    if (kind !== 'public') throw refused('The site lies on a private or reserved address.');
    if (url.port !== '') throw refused('Only the ports 80 and 443 are fetched.');
  }

  function checkUrl(text: string): URL {
    const url = parseUrl(text);
    const host = bareHost(url);
    if (isIP(host) !== 0) checkAddress(url, host);
    // With loopback allowed a name may yet turn out to be this machine; the port is judged with the address.
    else if (url.port !== '' && !options.allowLoopback) throw refused('Only the ports 80 and 443 are fetched.');
    return url;
  }

  async function addressOf(url: URL, deadline: AbortSignal): Promise<string> {
    const host = bareHost(url);
    if (isIP(host) !== 0) return host;
    let addresses: string[];
    try {
      addresses = await before(deadline, resolve(host));
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw new Refusal('url_unreachable', 'The name of the site could not be resolved.', { cause: error });
    }
    // One closed address among open ones is how a rebinding name looks: the whole name is refused.
    for (const address of addresses) checkAddress(url, address);
    const [first] = addresses;
    if (first === undefined) throw new Refusal('url_unreachable', 'The name of the site has no address.');
    return first;
  }

  function nextHop(from: URL, answer: Exchange): URL {
    if (answer.location === undefined) throw new Refusal('url_unreachable', 'The site redirects without saying where.');
    let target: string;
    try {
      target = new URL(answer.location, from).href;
    } catch {
      throw refused('The site redirects to something that is not a URL.');
    }
    const to = checkUrl(target);
    if (from.protocol === 'https:' && to.protocol === 'http:') throw refused('The site redirects from https to http.');
    return to;
  }

  return {
    checkUrl,
    async fetchText(text, { maxBytes, timeoutMs }) {
      const deadline = AbortSignal.timeout(timeoutMs);
      let url = checkUrl(text);
      for (let redirects = 0; ; redirects += 1) {
        const answer = await exchange(url, await addressOf(url, deadline), maxBytes, deadline);
        if (![301, 302, 303, 307, 308].includes(answer.status)) return { status: answer.status, text: answer.text, url: url.href };
        if (redirects === MAX_REDIRECTS) throw refused(`The site redirects more than ${MAX_REDIRECTS} times.`);
        url = nextHop(url, answer);
      }
    },
  };
}
