import type { Json } from './canonical-json.ts';

/** One event of a live stream (WHATWG HTML, server-sent events). */
export interface ServerEvent {
  /** What a reader who comes back sends as `Last-Event-ID`. No line break. */
  id: string;
  name: string;
  data: Json;
}

/** Ends when there is nothing more to tell. `null` keeps the connection warm. `gone` is aborted when nobody reads any more. */
export type EventSource = (gone: AbortSignal) => AsyncIterable<ServerEvent | null>;
