import { expectRefusal } from './attacks.ts';
import { signatureOf, signSplit } from './owners.ts';
import { isoDay } from './reference/days.ts';
import { account } from './reference/state.ts';
import type { Story } from './story.ts';

/** What else is signed or said about money: advances, taxes, terms of derivatives. */

/** Money before it was earned, to somebody who can be paid; both sign it, and it is sent. */
async function advance(story: Story): Promise<boolean> {
  const { stage, payees, reference } = story;
  const { royalties } = stage.rooms;
  if (story.late || reference.books.balance(account.cash) < 2_000n) return false;
  const able = [payees.agency, payees.writer, story.clones[0]!.owner].filter(({ accountId }) => payees.ready.has(accountId));
  const payee = story.pick(able);
  const cloneIds = story.clones.slice(0, 1 + story.random.below(2)).map(({ cloneId }) => cloneId);
  const terms = { amountMinor: String(100 + story.random.below(300)), base: story.pick(['share', 'pot'] as const), rateBasisPoints: story.pick([2_500, 5_000, 10_000]) };
  const endsOn = story.today + 10 + story.random.below(30);
  const draft = await royalties.draftAdvance(payees.operator.actor, stage.key('draftAdvance'), {
    payee: payee.accountId, currency: 'CNY', ...terms, cloneIds, crossCollateral: cloneIds.length > 1, endsOn: isoDay(endsOn),
  });
  for (const person of [payee, payees.operator]) {
    await royalties.signAdvance(person.actor, stage.key('signAdvance'), draft.advanceId, { signature: await signatureOf(story, person, 'advance', draft.document) });
  }
  const { payoutId } = await royalties.payAdvance(payees.operator.actor, stage.key('payAdvance'), draft.advanceId);
  const { advanceId } = draft;
  story.happen({
    what: 'advanced', advanceId, payee: payee.accountId, amountMinor: BigInt(terms.amountMinor), cloneIds, base: terms.base, rateBasisPoints: terms.rateBasisPoints, endsOn,
    at: story.now,
  });
  const { amountMinor } = await royalties.getPayout(payees.operator.actor, payoutId ?? '');
  story.underway.set(payoutId ?? '', { payee: payee.accountId, amountMinor: BigInt(amountMinor), advanceId });
  await story.settle({ mortal: true });
  return true;
}

/** An advance whose day has come: what was not recouped is lost. */
async function endAdvance(story: Story): Promise<boolean> {
  const { stage } = story;
  const over = story.reference.books.advances.find(({ endsOn, paid }) => paid && endsOn !== null && endsOn <= story.today);
  if (over === undefined) return false;
  await stage.rooms.royalties.endAdvance(stage.key('endAdvance'), over.id);
  story.happen({ what: 'advance_ended', advanceId: over.id });
  return true;
}

/** A payee is taxed from today or later on. */
async function tax(story: Story): Promise<boolean> {
  const { stage, payees } = story;
  const payee = story.pick([payees.agency, payees.writer, ...story.clones.map(({ owner }) => owner)]).accountId;
  const [fromDay, basisPoints] = [story.today + story.random.below(4), story.random.below(4_000)];
  await stage.rooms.royalties.setTaxProfile(payees.operator.actor, stage.key('setTaxProfile'), { payee, rateBasisPoints: basisPoints, reference: 'A paper.', validFrom: isoDay(fromDay) });
  story.happen({ what: 'taxed', payee, fromDay, basisPoints });
  return true;
}

/** A clone becomes a derivative of another owner's, which gets a share of what it earns; its next split is of what is left. */
async function derive(story: Story): Promise<boolean> {
  const { stage } = story;
  const { royalties } = stage.rooms;
  const pairs = story.clones.flatMap((clone, index) => story.clones.slice(0, index).map((original) => ({ clone, original })))
    .filter(({ clone, original }) => clone.owner !== original.owner && clone.stoppedAt === Infinity);
  if (pairs.length === 0) return false;
  const { clone, original } = story.pick(pairs);
  const fromDay = story.today + 1 + story.random.below(4);
  const basisPoints = 300 + story.random.below(1_500);
  const terms = { upstreamBasisPoints: basisPoints, ceilingBasisPoints: Math.min(10_000, basisPoints + story.random.below(600)) };
  const asked = await expectRefusal(royalties.draftDerivativeTerm(clone.owner.actor, stage.key('draftDerivativeTerm'), clone.cloneId, {
    originalCloneId: original.cloneId, ...terms, effectiveFrom: isoDay(fromDay),
  }).then(async (draft) => {
    for (const person of [clone.owner, original.owner]) {
      await royalties.signDerivativeTerm(person.actor, stage.key('signDerivativeTerm'), draft.derivativeId, { signature: await signatureOf(story, person, 'derivative', draft.document) });
    }
  }));
  // The originals of the original alone may be more than the ceiling.
  if (asked === 'derivative_invalid') return false;
  if (asked !== 'accepted') throw new Error(`a term of a derivative was ${asked}`);
  clone.splits += 1;
  story.happen({ what: 'derived', cloneId: clone.cloneId, number: clone.splits, fromDay, originalCloneId: original.cloneId, owner: original.owner.accountId, basisPoints, ceilingBasisPoints: terms.ceilingBasisPoints });
  await signSplit(story, clone, fromDay);
  return true;
}

export const PAPERS: Readonly<Record<string, (story: Story) => Promise<boolean>>> = { advance, end_advance: endAdvance, tax, derive };
