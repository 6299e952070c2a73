/** Where media bytes come from. Only the gateway makes one; only `http/media.ts` reads it to a socket. */
export interface MediaSource {
  contentType: string;
  byteLength: number;
  /** Called before every write of at most 16 KiB: throws a refusal when the file may no longer be given out. */
  recheck: () => Promise<void>;
  bytes: Uint8Array;
}
