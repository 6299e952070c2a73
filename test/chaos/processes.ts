import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { openProxy, type Proxy } from '../support/proxy.ts';
import type { GatewayFigures, GatewayNews, GatewayOrder, GatewaySettings, Heard, ListenerNews, ListenerOrder } from './messages.ts';

/** A gateway process behind its own proxy to PostgreSQL. */
export interface GatewayProcess {
  readonly name: string;
  readonly origin: string;
  readonly gatewayId: string;
  readonly proxy: Proxy;
  readonly pid: number;
  readonly alive: boolean;
  tell(order: GatewayOrder): void;
  /** When a renewal was next answered. */
  renewed(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
  /** Null when it does not answer within a while: frozen, or gone. */
  figures(): Promise<{ figures: GatewayFigures; standing: string } | null>;
  close(): Promise<void>;
}

function start(file: string, argument: string): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [argument], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
}

function hear<News extends { kind: string }, Kind extends News['kind']>(child: ChildProcess, kind: Kind, timeoutMs: number): Promise<Extract<News, { kind: Kind }> | null> {
  return new Promise((done) => {
    const timer = setTimeout(() => finish(null), timeoutMs);
    const listen = (news: News): void => {
      if (news.kind === kind) finish(news as Extract<News, { kind: Kind }>);
    };
    const gone = (): void => finish(null);
    const finish = (news: Extract<News, { kind: Kind }> | null): void => {
      clearTimeout(timer);
      child.off('message', listen);
      child.off('exit', gone);
      done(news);
    };
    child.on('message', listen);
    child.once('exit', gone);
  });
}

export async function startGateway(port: number, urlAt: (port: number) => string, settings: Omit<GatewaySettings, 'url'>, proxied = true): Promise<GatewayProcess> {
  const proxy = await openProxy(port);
  const child = start('gateway.ts', JSON.stringify({ ...settings, url: urlAt(proxied ? proxy.port : port) } satisfies GatewaySettings));
  const listening = hear<GatewayNews, 'listening'>(child, 'listening', 120_000);
  const serving = hear<GatewayNews, 'serving'>(child, 'serving', 120_000);
  const [at, as] = await Promise.all([listening, serving]);
  if (at === null || as === null || child.pid === undefined) throw new Error(`${settings.name} did not start.`);
  const tell = (order: GatewayOrder): void => {
    if (child.connected) child.send(order);
  };
  return {
    name: settings.name, origin: `http://127.0.0.1:${at.port}`, gatewayId: as.gatewayId, proxy, pid: child.pid, tell,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    async renewed() {
      await hear<GatewayNews, 'renewed'>(child, 'renewed', 5_000);
    },
    signal: (signal) => void child.kill(signal),
    async figures() {
      const answer = hear<GatewayNews, 'figures'>(child, 'figures', 2_000);
      tell({ kind: 'figures' });
      return await answer;
    },
    async close() {
      child.kill('SIGCONT');
      tell({ kind: 'end' });
      child.kill('SIGKILL');
      await ended(child);
      await proxy.close();
    },
  };
}

export interface Listeners {
  open(streams: readonly { id: string; url: string }[], slow?: boolean): void;
  resume(): void;
  counts(ids: readonly string[]): Promise<Record<string, Heard>>;
  forget(): void;
  close(): Promise<void>;
}

export function startListeners(): Listeners {
  const child = start('listener.ts', '');
  const tell = (order: ListenerOrder): void => void child.send(order);
  let asked: Promise<unknown> = Promise.resolve();
  return {
    open: (streams, slow = false) => tell({ kind: 'open', streams: [...streams], slow }),
    resume: () => tell({ kind: 'resume' }),
    // One question after the other: an answer does not say to which it belongs.
    counts(ids) {
      const mine = asked.then(async () => {
        const answer = hear<ListenerNews, 'counts'>(child, 'counts', 20_000);
        tell({ kind: 'counts', ids: [...ids] });
        const news = await answer;
        if (news === null) throw new Error('The listeners do not answer.');
        return news.heard;
      });
      asked = mine.catch(() => undefined);
      return mine;
    },
    forget: () => tell({ kind: 'forget' }),
    async close() {
      tell({ kind: 'end' });
      await ended(child);
    },
  };
}
