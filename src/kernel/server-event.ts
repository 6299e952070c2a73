import type { Json } from './canonical-json.ts';

/** One event of a live stream (WHATWG HTML, server-sent events). */
export interface ServerEvent {
  id: number;
  name: string;
  data: Json;
}

/** Ends when there is nothing more to tell. `null` keeps the connection warm. `gone` is aborted when nobody reads any more. */
export type EventSource = (gone: AbortSignal) => AsyncIterable<ServerEvent | null>;
