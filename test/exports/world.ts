import { generateKeyPairSync } from 'node:crypto';

import type { Anchors } from '../../src/compose/verify-evidence.ts';
import { type Exports, makeExports } from '../../src/exports/index.ts';
import type { JsonObject } from '../../src/kernel/canonical-json.ts';
import { receiptKeyId, signReceipt } from '../../src/provenance/receipts.ts';
import { type ConsentWorld, openConsentWorld } from '../consent/world.ts';

/** Exports on the real rooms below: a grant can be signed, amended, revoked, and what leaves the house is checked. */
export interface ExportsWorld {
  home: ConsentWorld;
  exports: Exports;
  keys: { anchors: Anchors; logKey: string; receiptsPem: string };
  /** Seals a document as the service would: what a service that lies could do. */
  seal(document: JsonObject): unknown;
  close(): Promise<void>;
}

/** `contract`: another paper than the real one, where hundreds of bundles are checked and each byte of it costs. */
export async function openExportsWorld(seed: string, options: Parameters<typeof openConsentWorld>[1] = {}): Promise<ExportsWorld> {
  const home = await openConsentWorld(seed, options);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const publicKeyPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const { world } = home;
  const exports = makeExports({
    runTx: world.database.runTx, clock: world.clock, identity: world.identity, clones: world.clones, consent: home.consent, transparency: world.log,
    provenance: { signReceipt: (type, document) => signReceipt(type, document, privateKey), receiptsKey: { keyId: receiptKeyId(publicKey), publicKeyPem } },
    origin: 'https://app.benren.example', software: ['benren@test'],
  });
  return {
    home, exports, keys: { anchors: { log: world.log.verifierKey, receipts: publicKey }, logKey: world.log.verifierKey, receiptsPem: publicKeyPem },
    seal: (document) => signReceipt('evidence_bundle', document, privateKey),
    close: () => home.close(),
  };
}
