import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import init, { WasmReader } from '@contentauth/c2pa-wasm';

export interface IndependentReading {
  state: 'Trusted' | 'Valid' | 'Invalid' | 'None';
  /** The active manifest as the engine shows it. */
  manifest: Record<string, unknown> | null;
  /** C2PA failure codes. */
  failures: string[];
}

let started: Promise<unknown> | undefined;

/** The module's bytes come from the package: its own loader would fetch them as a browser does. */
async function start(): Promise<void> {
  const wasm = createRequire(import.meta.url).resolve('@contentauth/c2pa-wasm/c2pa.wasm');
  started ??= init({ module_or_path: readFileSync(wasm) });
  await started;
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * Verifies a file with `@contentauth/c2pa-wasm`: an engine that did not sign it, of another version and build. Without
 * anchors (`rootPem` empty) nothing is Trusted. Throws when the engine cannot read the file at all.
 */
export async function verifyIndependently(bytes: Uint8Array, mimeType: string, rootPem: string): Promise<IndependentReading> {
  await start();
  const settings = {
    verify: { verify_trust: true, remote_manifest_fetch: false },
    ...(rootPem === '' ? {} : { trust: { trust_anchors: rootPem } }),
  };
  let reader: WasmReader;
  try {
    reader = await WasmReader.fromBytes(mimeType, bytes, JSON.stringify(settings));
  } catch (error) {
    if (String(error).includes('JumbfNotFound')) return { state: 'None', manifest: null, failures: [] };
    throw error instanceof Error ? error : new Error(String(error));
  }
  try {
    const store = members(JSON.parse(reader.json()));
    const manifest = members(members(store['manifests'])[String(store['active_manifest'])]);
    const active = members(members(store['validation_results'])['activeManifest']);
    const failures = Array.isArray(active['failure']) ? active['failure'].map((status) => String(members(status)['code'])) : [];
    const state = store['validation_state'];
    if (state !== 'Trusted' && state !== 'Valid' && state !== 'Invalid') throw new Error(`unknown state ${String(state)}`);
    return { state, manifest, failures };
  } finally {
    reader.free();
  }
}
