/** A part of a `multipart/mixed` body: its headers in lower case, and its bytes. */
export interface Part {
  headers: Record<string, string>;
  body: Buffer;
}

/** Reads RFC 2046 by the parts' own Content-Length. `whole`: the closing boundary was there. A part that is not complete is left out. */
export function readMultipart(contentType: string, bytes: Buffer): { parts: Part[]; whole: boolean } {
  const boundary = /boundary="([^"]+)"/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Error(`no boundary in ${contentType}`);
  const parts: Part[] = [];
  let at = 0;
  for (;;) {
    if (parts.length > 0) {
      if (bytes.toString('latin1', at, at + 2) !== '\r\n') return { parts, whole: false };
      at += 2;
    }
    if (bytes.toString('latin1', at) === `--${boundary}--\r\n`) return { parts, whole: true };
    const head = bytes.indexOf('\r\n\r\n', at, 'latin1');
    const lines = head < 0 ? [] : bytes.toString('latin1', at, head).split('\r\n');
    if (lines[0] !== `--${boundary}`) return { parts, whole: false };
    const headers = Object.fromEntries(lines.slice(1).map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    const body = bytes.subarray(head + 4, head + 4 + Number(headers['content-length']));
    if (body.length < Number(headers['content-length'])) return { parts, whole: false };
    parts.push({ headers, body });
    at = head + 4 + body.length;
  }
}
