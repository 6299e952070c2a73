import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What happens to the bytes between a process and its PostgreSQL. */
export type Weather =
  /** Everything passes. */
  | { kind: 'clear' }
  /** Nothing passes and nobody is told: a cable cut. Connections stay open. */
  | { kind: 'silent' }
  /** Every connection is reset, and new ones are too. */
  | { kind: 'reset' }
  /** Everything arrives this much later, in both directions. */
  | { kind: 'slow'; milliseconds: number }
  /** What is asked arrives at once; every answer, or every one of more bytes than that, comes this much later. */
  | { kind: 'late'; milliseconds: number; longerThan?: number }
  /** What is asked arrives; no answer comes back. The outcome of a COMMIT stays unknown. */
  | { kind: 'deaf' };

export interface Proxy {
  readonly port: number;
  weather(next: Weather): void;
  /** Where new connections go; those that are open are reset. */
  target(port: number): void;
  close(): Promise<void>;
}

interface Pair {
  near: Socket;
  far: Socket;
}

/** A TCP proxy before PostgreSQL that can drop, delay and cut. */
export async function openProxy(target: number): Promise<Proxy> {
  let port = target;
  let now: Weather = { kind: 'clear' };
  const pairs = new Set<Pair>();
  const held: (() => void)[] = [];

  function pass(to: Socket, chunk: Buffer, answer: boolean): void {
    const write = (): void => {
      if (to.writable) to.write(chunk);
    };
    if (now.kind === 'slow' || (now.kind === 'late' && answer && chunk.length > (now.longerThan ?? 0))) setTimeout(write, now.milliseconds);
    else if (now.kind === 'silent' || (now.kind === 'deaf' && answer)) held.push(write);
    else write();
  }

  const server = createServer((near) => {
    if (now.kind === 'reset') {
      near.resetAndDestroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    const pair = { near, far };
    pairs.add(pair);
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.on('data', (chunk) => pass(far, chunk, false));
    far.on('data', (chunk) => pass(near, chunk, true));
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on('error', () => other.destroy());
      // What is on its way in slow weather still arrives.
      one.on('close', () => {
        pairs.delete(pair);
        if (now.kind === 'slow' || now.kind === 'late') setTimeout(() => other.destroy(), now.milliseconds + 5);
        else if (now.kind !== 'silent') other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));

  const reset = (): void => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    pairs.clear();
  };
  return {
    port: (server.address() as AddressInfo).port,
    weather(next) {
      now = next;
      if (next.kind === 'reset') reset();
      // A cable that is mended delivers what TCP kept.
      if (next.kind === 'clear' || next.kind === 'slow' || next.kind === 'late') for (const write of held.splice(0)) write();
    },
    target(next) {
      port = next;
      reset();
      held.length = 0;
    },
    async close() {
      reset();
      await new Promise((done) => server.close(done));
    },
  };
}
