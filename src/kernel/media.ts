import type { Refusal } from './refusals.ts';

/**
 * One open stream. Media bytes are those of the response's body, without HTTP's own headers and the framing of chunks; each
 * is counted, also the part headers of a live stream.
 */
export interface MediaLease {
  /** Awaited before each write. Resolves at once unless what the bytes stand on has to be read again; throws a refusal. */
  ready(): Promise<void>;
  /** Called right before each write with nothing awaited in between. Throws the refusal under which nothing more may leave. */
  check(): void;
  /** Media bytes that were just given to the socket. */
  wrote(bytes: number): void;
  close(): void;
}

interface Source {
  contentType: string;
  /** Media bytes of one second of playback: what pacing goes by. */
  bytesPerSecond: number;
  /**
   * Opens a stream; throws a refusal when nothing may leave. `cut` is called at most once, by whoever ends it, and resets the
   * connection before it returns.
   */
  open(cut: (reason: Refusal) => void): Promise<MediaLease>;
}

/** A file that lies whole in the store. */
export interface StoredMedia extends Source {
  kind: 'stored';
  bytes: Uint8Array;
  byteLength: number;
  /** SHA-256 of the bytes, hex: the file's strong entity tag. */
  sha256: string;
}

/** Made while it is listened to: its length is not known. */
export interface LiveMedia extends Source {
  kind: 'live';
  /** Each piece may leave from the moment it is yielded. The iteration is ended early when the listener is gone. */
  pieces(gone: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Where media bytes come from. Only the gateway makes one; only `http/media.ts` reads it to a socket. */
export type MediaSource = StoredMedia | LiveMedia;
