import { createPublicKey } from 'node:crypto';

import type { Handlers } from '../../contracts/generated/contract.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Platform } from './platform.ts';

type Mine = Pick<Handlers<RequestContext>, 'getHealth' | 'getReadiness' | 'getService'>;

/** What belongs to no room: whether the process lives and can serve, and what an outsider needs to verify. */
export function makeServiceHandlers(platform: Platform, verifierKey: string): Mine {
  const { database, keys, config, clock, origin } = platform;
  const receiptsPublicKeyPem = createPublicKey(keys.receipts).export({ type: 'spki', format: 'pem' }).toString();
  return {
    async getHealth() {
      return { status: 200, body: { status: 'ok' } };
    },
    async getReadiness() {
      await database.ping();
      return { status: 200, body: { status: 'ok' } };
    },
    async getService() {
      return {
        status: 200,
        body: {
          origin, rpId: config.rpId, logVerifierKey: verifierKey, receiptsPublicKeyPem,
          c2paAnchorsPem: keys.c2pa.anchorsPem, now: clock.now().toISOString(),
        },
      };
    },
  };
}
