import http from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';

import { Refusal } from '../../kernel/refusals.ts';

/** One answer of one server, without its body when that was not asked for. */
export interface Exchange {
  status: number;
  location: string | undefined;
  text: string;
}

const unreachable = (detail: string, cause?: unknown): Refusal => new Refusal('url_unreachable', detail, { cause });

function headersFor(url: URL): http.OutgoingHttpHeaders {
  // Compressed answers would let few bytes on the wire become many in memory.
  return { host: url.host, accept: 'text/plain, */*;q=0.1', 'accept-encoding': 'identity', 'user-agent': 'benren-evidence/1' };
}

/** Reads a body of at most `maxBytes`; hangs up at the first byte beyond. */
function readBody(response: http.IncomingMessage, maxBytes: number, done: (text: string) => void, fail: (refusal: Refusal) => void): void {
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    fail(unreachable('The server answered in an encoding that was not asked for.'));
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes) fail(unreachable(`The answer is longer than ${maxBytes} bytes.`));
    else chunks.push(chunk);
  });
  response.on('end', () => done(Buffer.concat(chunks).toString('utf8')));
  response.on('error', (error) => fail(unreachable('The connection broke off.', error)));
}

/**
 * One GET to exactly `address`, whatever the name resolves to by now; the name is still what TLS verifies and what the
 * Host header says. No cookie, no credential, no kept connection. `deadline` aborts it at any point.
 * Refuses `url_unreachable`.
 */
export async function exchange(url: URL, address: string, maxBytes: number, deadline: AbortSignal): Promise<Exchange> {
  return await new Promise<Exchange>((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const named = !/^[\d.]+$|:/.test(url.hostname.replace(/^\[|\]$/g, ''));
    const request = (secure ? https : http).request({
      host: address,
      family: isIPv6(address) ? 6 : 4,
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: headersFor(url),
      agent: false,
      ...(secure && named ? { servername: url.hostname } : {}),
      signal: deadline,
    });
    const fail = (refusal: Refusal): void => {
      request.destroy();
      reject(refusal);
    };
    const why = (): string => (deadline.aborted ? 'The server took too long to answer.' : 'The server could not be reached.');
    request.on('error', (error) => fail(unreachable(why(), error)));
    // A switch of protocols (101) closes the connection with neither an answer nor an error: without this nobody would hear of it.
    request.on('close', () => fail(unreachable(why())));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      if (status >= 300 && status < 400) {
        response.destroy();
        resolve({ status, location: response.headers.location, text: '' });
        return;
      }
      readBody(response, maxBytes, (text) => resolve({ status, location: undefined, text }), fail);
    });
    request.end();
  });
}
