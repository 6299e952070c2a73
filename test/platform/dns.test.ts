import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeTxtReader } from '../../src/platform/dns/index.ts';

/** A server of a few names on loopback: as much of RFC 1035 as its answers need. */
type Record_ = { type: 'TXT'; chunks: string[] } | { type: 'CNAME'; to: string };
const LINE = 'benren-ownership=token';
const zone: Record<string, { name: string; record: Record_ }[]> = {
  '_benren.her-site.example': [
    { name: '_benren.her-site.example', record: { type: 'TXT', chunks: ['v=spf1 -all'] } },
    { name: '_benren.her-site.example', record: { type: 'TXT', chunks: [LINE] } },
  ],
  '_benren.chunks.example': [{ name: '_benren.chunks.example', record: { type: 'TXT', chunks: ['benren-owner', 'ship=', 'token'] } }],
  '_benren.alias.example': [
    { name: '_benren.alias.example', record: { type: 'CNAME', to: '_benren.her-site.example' } },
    { name: '_benren.her-site.example', record: { type: 'TXT', chunks: [LINE] } },
  ],
  '_benren.many.example': Array.from({ length: 65 }, (_none, i) => ({
    name: '_benren.many.example', record: { type: 'TXT' as const, chunks: [`n${i}`] },
  })),
  '_benren.empty.example': [],
};

const nameBytes = (name: string): Buffer => Buffer.concat([
  ...name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])), Buffer.of(0),
]);

function nameAt(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function answerTo(question: Buffer): Buffer | null {
  const { name, end } = nameAt(question, 12);
  if (name.endsWith('silent.example')) return null;
  const records = zone[name];
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(records === undefined ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(records?.length ?? 0, 6);
  header.writeUInt16BE(0, 8);
  header.writeUInt16BE(0, 10);
  const answers = (records ?? []).map(({ name: owner, record }) => {
    const data = record.type === 'CNAME'
      ? nameBytes(record.to)
      : Buffer.concat(record.chunks.map((chunk) => Buffer.concat([Buffer.of(chunk.length), Buffer.from(chunk)])));
    const head = Buffer.alloc(10);
    head.writeUInt16BE(record.type === 'CNAME' ? 5 : 16, 0);
    head.writeUInt16BE(1, 2);
    head.writeUInt32BE(60, 4);
    head.writeUInt16BE(data.length, 8);
    return Buffer.concat([nameBytes(owner), head, data]);
  });
  return Buffer.concat([header, question.subarray(12, end + 4), ...answers]);
}

describe('TXT records', () => {
  let server: Socket;
  let servers: string[];

  beforeAll(async () => {
    server = createSocket('udp4');
    server.on('message', (question, from) => {
      const answer = answerTo(question);
      if (answer !== null) server.send(answer, from.port, from.address);
    });
    await new Promise<void>((done) => server.bind(0, '127.0.0.1', done));
    servers = [`127.0.0.1:${server.address().port}`];
  });
  afterAll(() => server.close());

  const read = (name: string, timeoutMs = 2_000) => makeTxtReader({ servers, timeoutMs }).txt(name);

  it('are all answered, each as one text', async () => {
    expect((await read('_benren.her-site.example')).sort()).toEqual([LINE, 'v=spf1 -all']);
    expect(await read('_benren.chunks.example')).toEqual([LINE]);
  });

  it('are followed through an alias', async () => {
    expect(await read('_benren.alias.example')).toEqual([LINE]);
  });

  it('are none where the name has none or does not exist', async () => {
    expect(await read('_benren.empty.example')).toEqual([]);
    expect(await read('_benren.unknown.example')).toEqual([]);
  });

  it('are refused when there are too many, when nobody answers in time, and when the name is none', async () => {
    await expect(read('_benren.many.example')).rejects.toMatchObject({ code: 'url_unreachable' });
    const started = process.hrtime.bigint();
    await expect(read('_benren.silent.example', 300)).rejects.toMatchObject({ code: 'url_unreachable' });
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(3_000);
    await expect(read(`${'x'.repeat(70)}.example`)).rejects.toMatchObject({ code: 'url_unreachable' });
  });
});
