import { foldCharacters } from '../../kernel/folding.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { IdentityFacts, IdentityProvider } from '../identity-provider.ts';
import type { Case, EvidenceVerifier } from './kind.ts';

export interface IdentityTerms { readonly sessionId: string }
/** All that is kept of a check: nothing that stood on the paper. */
export interface IdentityFinding { readonly status: 'verified'; readonly nameMatches: true }

const wordsOf = (text: string): string[] => foldCharacters(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
const UNSPACED = /^[\p{scx=Han}\p{scx=Hangul}\p{scx=Hiragana}\p{scx=Katakana}]+$/u;

/**
 * Whether a claimed name is the one on the paper: the same words after folding, in whatever order names are written in.
 * Scripts without spaces are compared joined. Nothing may be missing and nothing be added: a second name beside one's own
 * would be somebody else's to claim.
 */
export function sameName(claimed: string, { first, last }: { first: string; last: string }): boolean {
  const said = wordsOf(claimed);
  const shown = [wordsOf(last), wordsOf(first)];
  const whole = said.join('');
  if (whole === '') return false;
  if (UNSPACED.test(whole)) return [shown, shown.toReversed()].some((order) => order.flat().join('') === whole);
  const sorted = (words: readonly string[]): string => words.toSorted().join(' ');
  return sorted(said) === sorted(shown.flat());
}

const UNFINISHED: Readonly<Record<Exclude<IdentityFacts['status'], 'verified'>, string>> = {
  requires_input: 'The identity provider waits for your paper and your face: go on at the address.',
  processing: 'The identity provider is still looking at what you showed. Ask again in a moment.',
  canceled: 'This check was cancelled at the identity provider; ask for a new one.',
};

/** Refuses `identity_unverified`, `identity_differs` and, for a check that is not this case's, `evidence_state`. */
function judge(facts: IdentityFacts | null, { proofId, subjectName, claimantName }: Case): IdentityFinding {
  if (facts?.proofId !== proofId) throw new Refusal('evidence_state', 'The identity provider does not know this check; ask for a new one.');
  const { status, problem, url, name } = facts;
  if (status !== 'verified') throw new Refusal('identity_unverified', UNFINISHED[status], { extra: { status, problem, url } });
  if (name === null) throw new Refusal('identity_unverified', 'The identity provider no longer shows the name; ask for a new check.', { extra: { status, problem, url } });
  // Who acts for another shows their own paper.
  if (!sameName(claimantName ?? subjectName, name)) {
    throw new Refusal('identity_differs', 'The name on the paper is not the one of the claim. Claim the name as it stands on the paper.');
  }
  return { status, nameMatches: true };
}

/** A check of a paper and a face by a provider. What the provider read is compared and forgotten. */
export function makeIdentityProviderVerifier({ identityProvider }: { identityProvider: IdentityProvider }): EvidenceVerifier<'identity_provider'> {
  const begun = (prepared: unknown): Awaited<ReturnType<IdentityProvider['begin']>> => prepared as Awaited<ReturnType<IdentityProvider['begin']>>;
  return {
    kind: 'identity_provider',
    answered: 'check',
    examinedState: 'passed',
    prepare: (_request, { proofId }, key) => identityProvider.begin(proofId, key),
    issue: async (_tx, _request, _about, prepared) => ({ sessionId: begun(prepared).sessionId }),
    address: (prepared) => begun(prepared).url,
    examine: async ({ sessionId }, _answer, about) => ({ finding: judge(await identityProvider.look(sessionId), about), blobDigest: null }),
  };
}
