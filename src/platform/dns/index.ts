import { Resolver } from 'node:dns/promises';

import { Refusal } from '../../kernel/refusals.ts';

/** Reading TXT records for strangers, in bounded time and size. */
export interface TxtReader {
  /**
   * The TXT records of a name, each with its chunks (of at most 255 bytes on the wire) joined. A CNAME is followed, as
   * resolvers do: who may write it controls the name. An empty list when the name has none. Refuses `url_unreachable`.
   */
  txt(name: string): Promise<string[]>;
}

const TIMEOUT_MS = 5_000;
const TRY_MS = 2_000;
/** A name with more records than this is somebody's whole zone; no line of ours is looked for in it. */
const MOST_RECORDS = 64;
const NOTHING = new Set(['ENODATA', 'ENOTFOUND', 'NXDOMAIN']);

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** `servers` (`address` or `address:port`) replace the machine's own resolvers. */
export function makeTxtReader(options: { servers?: readonly string[]; timeoutMs?: number } = {}): TxtReader {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  return {
    async txt(name) {
      // One resolver a question: cancelling one gives up all of its questions.
      const resolver = new Resolver({ timeout: Math.min(TRY_MS, timeoutMs), tries: 2 });
      if (options.servers !== undefined) resolver.setServers(options.servers);
      const late = setTimeout(() => resolver.cancel(), timeoutMs);
      try {
        const records = await resolver.resolveTxt(name);
        if (records.length > MOST_RECORDS) throw new Refusal('url_unreachable', `The name has more than ${MOST_RECORDS} TXT records.`);
        return records.map((chunks) => chunks.join(''));
      } catch (error) {
        if (error instanceof Refusal) throw error;
        if (NOTHING.has(codeOf(error))) return [];
        throw new Refusal('url_unreachable', 'The name could not be looked up in time.', { cause: error });
      } finally {
        clearTimeout(late);
      }
    },
  };
}
