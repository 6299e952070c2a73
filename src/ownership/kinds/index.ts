import type { Random } from '../../kernel/random.ts';
import type { Blobs } from '../../platform/blobs/index.ts';
import type { TxtReader } from '../../platform/dns/index.ts';
import type { SafeFetch } from '../../platform/fetch/index.ts';
import type { VoiceInstrument } from '../voice.ts';
import { makeDomainVerifier } from './domain.ts';
import type { Verifiers } from './kind.ts';
import { makeAccountVerifier } from './public-account.ts';
import { makeVoiceVerifier } from './voice.ts';

export interface VerifierDeps {
  random: Random;
  fetcher: SafeFetch;
  dns: TxtReader;
  blobs: Blobs;
  inference: VoiceInstrument;
}

/** Every kind of evidence there is, by name. Adding one is a file beside these and a line here. */
export function makeVerifiers(deps: VerifierDeps): Verifiers {
  return {
    domain: makeDomainVerifier(deps),
    public_account: makeAccountVerifier(deps),
    voice_challenge: makeVoiceVerifier(deps),
  };
}
