import type { Identity } from '../../identity/index.ts';
import type { Random } from '../../kernel/random.ts';
import type { Blobs } from '../../platform/blobs/index.ts';
import type { TxtReader } from '../../platform/dns/index.ts';
import type { SafeFetch } from '../../platform/fetch/index.ts';
import type { IdentityProvider } from '../identity-provider.ts';
import type { VoiceInstrument } from '../voice.ts';
import { makeDomainVerifier } from './domain.ts';
import { makeIdentityProviderVerifier } from './identity-provider.ts';
import type { Verifiers } from './kind.ts';
import { makeAccountVerifier } from './public-account.ts';
import { makeDocumentVerifier, makePaperKeeper, type PaperDeps } from './papers.ts';
import { makeRepresentationVerifier } from './representation.ts';
import { makeVideoVerifier } from './video.ts';
import { makeVoiceVerifier } from './voice.ts';
import { makeVouchingVerifier } from './vouching.ts';

export interface VerifierDeps extends PaperDeps {
  random: Random;
  fetcher: SafeFetch;
  dns: TxtReader;
  blobs: Blobs;
  inference: VoiceInstrument;
  identityProvider: IdentityProvider;
  identity: Pick<Identity, 'completeSignature'>;
}

/** Every kind of evidence there is, by name. Adding one is a file beside these and a line here. */
export function makeVerifiers(deps: VerifierDeps): Verifiers {
  const keeper = makePaperKeeper(deps);
  return {
    domain: makeDomainVerifier(deps),
    public_account: makeAccountVerifier(deps),
    voice_challenge: makeVoiceVerifier(deps),
    video_challenge: makeVideoVerifier(deps),
    document: makeDocumentVerifier(keeper),
    identity_provider: makeIdentityProviderVerifier(deps),
    vouching: makeVouchingVerifier(),
    representation: makeRepresentationVerifier({ ...deps, keeper }),
  };
}
