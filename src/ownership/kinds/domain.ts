import { isIP } from 'node:net';

import type { Random } from '../../kernel/random.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { TxtReader } from '../../platform/dns/index.ts';
import type { SafeFetch } from '../../platform/fetch/index.ts';
import type { EvidenceVerifier } from './kind.ts';

export type DomainMethod = 'well_known' | 'dns_txt';
export interface DomainRequest { readonly site: string; readonly method?: DomainMethod | undefined }
/** `url` is where the line is looked for: a page, or `dns:` and the name of a TXT record (RFC 4501). */
export interface DomainTerms { readonly site: string; readonly url: string; readonly line: string; readonly method?: DomainMethod }
export type DomainFinding = { readonly status: number; readonly lineNumber: number } | { readonly records: number };

export const WELL_KNOWN_PATH = '/.well-known/benren.txt';
export const LINE_PREFIX = 'benren-ownership=';
export const DNS_LABEL = '_benren';
/** A text of a few lines; a site that answers with more has something else there. */
const WELL_KNOWN_LIMITS = { maxBytes: 16_384, timeoutMs: 5_000 } as const;

/** The site's origin: anything beyond it would let a stranger's folder on a shared host stand for the host. */
function originOf(site: string, fetcher: SafeFetch): URL {
  const url = fetcher.checkUrl(site);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new Refusal('url_refused', 'Name the site alone, such as https://example.com, without a path.');
  }
  return url;
}

/** The name whose TXT record is read. An address has none, and a name of one label is a whole top-level domain. */
function recordOf({ hostname }: URL): string {
  const host = hostname.replace(/\.$/, '');
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0 || !host.includes('.')) {
    throw new Refusal('url_refused', 'A TXT record needs the name of a site, such as https://example.com.');
  }
  return `${DNS_LABEL}.${host}`;
}

/** The number of the line that is exactly this one, counted from 1. Line ends of any system; nothing else is trimmed. */
export function findLine(text: string, line: string): number | undefined {
  const index = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/).indexOf(line);
  return index === -1 ? undefined : index + 1;
}

/** Domain control: a random line that only somebody who runs the site, or its names, can put there. */
export function makeDomainVerifier(deps: { fetcher: SafeFetch; dns: TxtReader; random: Random }): EvidenceVerifier<'domain'> {
  async function look({ url, line, method = 'well_known' }: DomainTerms): Promise<DomainFinding> {
    if (method === 'dns_txt') {
      const records = await deps.dns.txt(url.slice('dns:'.length));
      if (records.includes(line)) return { records: records.length };
      throw new Refusal('token_absent', 'No TXT record of that name holds the line.', { extra: { url, records: records.length } });
    }
    const { status, text } = await deps.fetcher.fetchText(url, WELL_KNOWN_LIMITS);
    const lineNumber = status === 200 ? findLine(text, line) : undefined;
    if (lineNumber !== undefined) return { status, lineNumber };
    throw new Refusal('token_absent', 'The line is not at that address.', { extra: { url, answeredStatus: status } });
  }

  return {
    kind: 'domain',
    answered: 'check',
    examinedState: 'passed',
    async issue(_tx, { site, method = 'well_known' }) {
      const origin = originOf(site, deps.fetcher);
      const token = Buffer.from(deps.random.bytes(24)).toString('base64url');
      const url = method === 'dns_txt' ? `dns:${recordOf(origin)}` : `${origin.origin}${WELL_KNOWN_PATH}`;
      return { site: origin.origin, url, line: `${LINE_PREFIX}${token}`, method };
    },
    examine: async (terms) => ({ finding: await look(terms), blobDigest: null }),
    async again(terms) {
      await look(terms);
    },
  };
}
