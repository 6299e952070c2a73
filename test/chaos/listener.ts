/** Listeners in a process of their own: they read at once what comes, and count. */
import { Agent, get } from 'node:http';

import type { Heard, ListenerOrder } from './messages.ts';

const heard = new Map<string, Heard>();
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

const waiting = new Set<() => void>();

function listen(id: string, url: string, slow: boolean): void {
  const own: Heard = { bytes: 0, ended: false, status: null, lastAt: '0' };
  heard.set(id, own);
  const end = (): void => {
    own.ended = true;
  };
  get(url, { agent }, (response) => {
    own.status = response.statusCode ?? 0;
    response.on('data', (chunk: Buffer) => {
      if (own.status !== 200) return;
      own.bytes += chunk.length;
      own.lastAt = process.hrtime.bigint().toString();
    });
    if (slow) {
      response.pause();
      waiting.add(() => response.resume());
    }
    response.on('end', end);
    response.on('error', end);
    response.on('close', end);
  }).on('error', end);
}

process.on('message', (order: ListenerOrder) => {
  if (order.kind === 'open') for (const { id, url } of order.streams) listen(id, url, order.slow);
  else if (order.kind === 'resume') for (const resume of waiting) resume();
  else if (order.kind === 'counts') process.send?.({ kind: 'counts', heard: Object.fromEntries(order.ids.flatMap((id) => (heard.has(id) ? [[id, heard.get(id)]] : []))) });
  else if (order.kind === 'forget') heard.clear();
  else process.exit(0);
});
process.on('disconnect', () => process.exit(0));
