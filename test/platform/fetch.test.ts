import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { addressKind, makeSafeFetch } from '../../src/platform/fetch/index.ts';

const limits = { maxBytes: 4_096, timeoutMs: 2_000 };

describe('addresses that a server may fetch for a stranger', () => {
  it.each([
    ['8.8.8.8', 'public'], ['2606:4700::1111', 'public'],
    ['127.0.0.1', 'loopback'], ['127.9.9.9', 'loopback'], ['::1', 'loopback'],
    ['10.0.0.1', 'closed'], ['172.16.3.4', 'closed'], ['192.168.1.1', 'closed'], ['169.254.169.254', 'closed'],
    ['100.64.0.1', 'closed'], ['0.0.0.0', 'closed'], ['255.255.255.255', 'closed'], ['224.0.0.1', 'closed'],
    ['240.0.0.1', 'closed'], ['198.18.0.1', 'closed'], ['192.0.2.1', 'closed'],
    ['::', 'closed'], ['::ffff:127.0.0.1', 'closed'], ['::ffff:8.8.8.8', 'closed'], ['::127.0.0.1', 'closed'],
    ['fe80::1', 'closed'], ['fd00::1', 'closed'], ['fec0::1', 'closed'], ['ff02::1', 'closed'],
    ['64:ff9b::7f00:1', 'closed'], ['2002:7f00:1::', 'closed'], ['2001::1', 'closed'], ['fe80::1%eth0', 'closed'],
    ['not an address', 'closed'],
  ])('%s is %s', (address, kind) => expect(addressKind(address)).toBe(kind));
});

describe('the fetcher in production', () => {
  const names: Record<string, string[]> = {
    'private.example': ['10.1.2.3'],
    'metadata.example': ['169.254.169.254'],
    'loopback.example': ['127.0.0.1'],
    'mixed.example': ['93.184.216.34', '127.0.0.1'],
    'mapped.example': ['::ffff:10.0.0.1'],
    'empty.example': [],
  };
  const fetcher = makeSafeFetch({
    allowLoopback: false,
    resolve: async (name) => {
      const addresses = names[name];
      if (addresses === undefined) throw new Error('ENOTFOUND');
      return addresses;
    },
  });

  it.each([
    'ftp://site.example/x', 'file:///etc/passwd', 'gopher://site.example/', 'javascript:alert(1)', 'not a url', '',
    'http://user:secret@site.example/', 'http://site.example:8080/', 'https://site.example:22/',
    'http://127.0.0.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/',
    'http://169.254.169.254/latest/meta-data', 'http://10.0.0.8/', 'http://0/',
  ])('refuses %s before it touches the network', async (url) => {
    await expect(fetcher.fetchText(url, limits)).rejects.toMatchObject({ code: 'url_refused' });
  });

  it.each(['private', 'metadata', 'loopback', 'mixed', 'mapped'])('refuses a name that resolves to a closed address: %s', async (name) => {
    await expect(fetcher.fetchText(`https://${name}.example/`, limits)).rejects.toMatchObject({ code: 'url_refused' });
  });

  it.each(['empty', 'unknown'])('says that a name without an address cannot be reached: %s', async (name) => {
    await expect(fetcher.fetchText(`http://${name}.example/`, limits)).rejects.toMatchObject({ code: 'url_unreachable' });
  });

  it('gives up on a resolver that never answers', async () => {
    const stuck = makeSafeFetch({ allowLoopback: false, resolve: () => new Promise(() => undefined) });
    await expect(stuck.fetchText('http://slow.example/', { ...limits, timeoutMs: 60 })).rejects.toMatchObject({ code: 'url_unreachable' });
  });
});

describe('the fetcher where loopback is allowed', () => {
  let server: Server;
  let site: string;
  let seen: IncomingMessage[] = [];
  const routes: Record<string, (response: ServerResponse, request: IncomingMessage) => void> = {
    '/text': (response) => response.end('hello\n'),
    '/missing': (response) => response.writeHead(404).end('no'),
    '/long': (response) => response.end('x'.repeat(4_097)),
    '/endless': (response) => {
      const timer = setInterval(() => response.write('y'.repeat(1_024)), 1);
      response.on('close', () => clearInterval(timer));
    },
    '/silent': () => undefined,
    '/drip': (response) => {
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    },
    '/gzip': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('zip'),
    '/hop': (response) => response.writeHead(302, { location: '/text' }).end(),
    '/loop': (response) => response.writeHead(302, { location: '/loop' }).end(),
    '/nowhere': (response) => response.writeHead(302).end(),
    '/to-private': (response) => response.writeHead(301, { location: 'http://10.0.0.1/' }).end(),
    '/to-private-name': (response) => response.writeHead(307, { location: 'http://internal.example/' }).end(),
    '/to-file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/broken': (response) => response.socket?.destroy(),
  };
  const fetcher = makeSafeFetch({
    allowLoopback: true,
    resolve: async (name) => (name === 'internal.example' ? ['192.168.0.7'] : ['127.0.0.1']),
  });

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request);
      routes[request.url ?? '']?.(response, request);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  it('reads a text and hands the status on', async () => {
    expect(await fetcher.fetchText(`${site}/text`, limits)).toEqual({ status: 200, text: 'hello\n', url: `${site}/text` });
    expect(await fetcher.fetchText(`${site}/missing`, limits)).toEqual({ status: 404, text: 'no', url: `${site}/missing` });
  });

  it('goes to the address it checked and still asks for the name', async () => {
    seen = [];
    const port = new URL(site).port;
    await fetcher.fetchText(`http://her-site.example:${port}/text`, limits);
    expect(seen[0]?.headers.host).toBe(`her-site.example:${port}`);
    expect(seen[0]?.headers.cookie).toBeUndefined();
  });

  it('follows a redirect that passes the same checks', async () => {
    expect(await fetcher.fetchText(`${site}/hop`, limits)).toEqual({ status: 200, text: 'hello\n', url: `${site}/text` });
  });

  it.each(['/to-private', '/to-private-name', '/to-file', '/loop'])('refuses the redirect %s', async (path) => {
    await expect(fetcher.fetchText(site + path, limits)).rejects.toMatchObject({ code: 'url_refused' });
  });

  it('still refuses another private network', async () => {
    await expect(fetcher.fetchText('http://192.168.0.1/', limits)).rejects.toMatchObject({ code: 'url_refused' });
  });

  it.each(['/long', '/endless', '/gzip', '/nowhere', '/broken'])('has no use for %s', async (path) => {
    await expect(fetcher.fetchText(site + path, limits)).rejects.toMatchObject({ code: 'url_unreachable' });
  });

  it.each(['/silent', '/drip'])('hangs up on a server that takes its time: %s', async (path) => {
    await expect(fetcher.fetchText(site + path, { ...limits, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'url_unreachable', message: 'The server took too long to answer.',
    });
  });

  it('has no use for a server that wants to speak another protocol, and does not wait for it forever', async () => {
    const upgrading = createRawServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'));
    });
    await new Promise<void>((done) => upgrading.listen(0, '127.0.0.1', done));
    const { port } = upgrading.address() as AddressInfo;
    await expect(fetcher.fetchText(`http://127.0.0.1:${port}/`, { ...limits, timeoutMs: 300 })).rejects.toMatchObject({ code: 'url_unreachable' });
    upgrading.close();
  });

  it('says so when nobody listens', async () => {
    await expect(fetcher.fetchText('http://127.0.0.1:1/', limits)).rejects.toMatchObject({ code: 'url_unreachable' });
  });
});
