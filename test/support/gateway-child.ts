import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a gateway process is told when it is started. */
export interface GatewayOrders {
  folder: string;
  /** Business time, which stands still. */
  now: string;
  databaseUrls: { owner: string; app: string };
  /** The write before which it freezes itself, after its check. */
  freezeAtWrite?: number;
}

export interface GatewayChild {
  origin: string;
  gatewayId: string;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Whether the kernel has stopped it. */
  frozen(): boolean;
}

export async function startGateway(orders: GatewayOrders): Promise<GatewayChild> {
  const entry = fileURLToPath(new URL('gateway-entry.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', entry], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], GATEWAY_ORDERS: JSON.stringify(orders) }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await Promise.race([once(lines, 'line'), gone.then(() => Promise.reject(new Error('The gateway process did not start.')))])) as [string];
  const { origin, gatewayId } = JSON.parse(line) as { origin: string; gatewayId: string };
  return {
    origin: origin.replace('localhost', '127.0.0.1'), gatewayId,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    frozen: () => readFileSync(`/proc/${String(child.pid)}/stat`, 'latin1').split(') ')[1]?.startsWith('T') === true,
  };
}

/** A listener who takes every byte at once, and counts. */
export interface Listener {
  /** Media bytes so far: the body's, without HTTP's framing. */
  readonly received: number;
  readonly body: Buffer;
  readonly open: boolean;
  contentType: string;
}

export async function listenTo(url: string, token: string): Promise<Listener> {
  const request = httpRequest(url, { agent: false, headers: { authorization: `Bearer ${token}` } });
  request.on('error', () => undefined);
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${url} answered ${String(response.statusCode)}.`);
  const parts: Buffer[] = [];
  const listener = {
    received: 0, open: true, contentType: response.headers['content-type'] ?? '',
    get body() {
      return Buffer.concat(parts);
    },
  };
  response.on('data', (chunk: Buffer) => {
    parts.push(chunk);
    listener.received += chunk.length;
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    listener.open = false;
  });
  return listener;
}
