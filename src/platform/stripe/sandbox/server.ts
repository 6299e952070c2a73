/** The HTTP side of the sandbox: reads requests whole, sends answers, serves the pages. Loopback unless told otherwise. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiAnswer, ApiRequest } from './core/answer.ts';
import type { PageAnswer, PageRequest } from './pages/checkout-page.ts';

const BODY_MAX = 1_000_000;

export interface Doors {
  api: (request: Omit<ApiRequest, 'wallSeconds'>) => Promise<ApiAnswer>;
  checkout: (id: string, request: PageRequest) => Promise<PageAnswer>;
  portal: (id: string, request: PageRequest) => Promise<PageAnswer>;
  onboarding: (token: string, request: PageRequest) => Promise<PageAnswer>;
  broken: (error: unknown) => void;
}

/** Listens. Returns the port and how to stop. */
export async function listen(doors: Doors, host: string, port: number): Promise<{ port: number; close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => {
    serve(doors, request, response).catch((error: unknown) => {
      doors.broken(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

/** The body as text, or `null` when it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > BODY_MAX) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function serve(doors: Doors, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox.invalid');
  const method = request.method ?? 'GET';
  const body = await bodyOf(request);
  if (body === null) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const page = /^\/(pay|portal|onboard)\/([A-Za-z0-9_]+)$/.exec(url.pathname);
  if (page !== null && (method === 'GET' || method === 'POST')) {
    const asked: PageRequest = {
      method, fields: new URLSearchParams(method === 'POST' ? body : ''), query: url.searchParams, acceptLanguage: request.headers['accept-language'],
    };
    const [, door, id = ''] = page;
    sendPage(response, await (door === 'pay' ? doors.checkout : door === 'portal' ? doors.portal : doors.onboarding)(id, asked));
    return;
  }
  const answered = await doors.api({
    method, path: url.pathname, query: url.search.slice(1), body,
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  });
  response.writeHead(answered.status, { ...answered.headers, 'content-type': 'application/json', 'cache-control': 'no-store' }).end(answered.body);
}

function sendPage(response: ServerResponse, answered: PageAnswer): void {
  response
    .writeHead(answered.status, {
      'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer',
      'content-security-policy': 'default-src \'none\'; style-src \'unsafe-inline\'; frame-ancestors \'none\'',
      ...(answered.location === undefined ? {} : { location: answered.location }),
    })
    .end(answered.html);
}
