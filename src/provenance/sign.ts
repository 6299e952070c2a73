import { X509Certificate } from 'node:crypto';

import { Builder, LocalSigner } from '@contentauth/c2pa-node';

import { lintManifest } from './lint.ts';
import type { ManifestDefinition } from './manifest.ts';
import { makeReader } from './read.ts';
import { readChunks } from './wav.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export interface Signer {
  /** Signs a labelled WAV. Nothing may touch the bytes afterwards: each of them is covered. */
  sign(wav: Buffer, manifest: ManifestDefinition): Promise<Buffer>;
}

/** The chain as COSE carries it: leaf and intermediates, never the root, which a validator has to have already (C2PA §14.6). */
function withoutRoots(chainPem: string): string {
  const blocks = chainPem.match(CERTIFICATE) ?? [];
  return blocks.filter((block, place) => {
    const certificate = new X509Certificate(block);
    return place === 0 || !certificate.checkIssued(certificate);
  }).join('\n');
}

/**
 * ES256 over C2PA claims. The signer is c2pa-node's local one: its callback signer keeps the process alive until it is
 * collected, and for a minute of speech the synchronous call blocks for less than 10 ms.
 */
export function makeSigner(keys: { chainPem: string; keyPem: string; anchorsPem: string }): Signer {
  const signer = LocalSigner.newSigner(Buffer.from(withoutRoots(keys.chainPem)), Buffer.from(keys.keyPem), 'es256');
  const reader = makeReader({ anchorsPem: keys.anchorsPem });
  return {
    async sign(wav, manifest) {
      const problems = lintManifest(manifest);
      if (problems.length > 0) throw new Error(`the manifest breaks its rules: ${problems.join('; ')}`);
      readChunks(wav);
      const out: { buffer: Buffer | null } = { buffer: null };
      const builder = Builder.withJson(manifest, { verify: { verify_after_sign: false } });
      builder.sign(signer, { buffer: wav, mimeType: 'audio/wav' }, out);
      if (out.buffer === null) throw new Error('the C2PA engine returned no file');
      // Promise 5: a file that its own readers would not trust never leaves this room.
      const marks = await reader.readMarks(out.buffer);
      if (marks.c2paState !== 'trusted') throw new Error(`the signed file reads as ${marks.c2paState}: ${marks.problems.join(', ')}`);
      return out.buffer;
    },
  };
}
