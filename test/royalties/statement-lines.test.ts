import { describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { KINDS } from '../../src/royalties/postings.ts';
import { checkKinds, lineKindOf } from '../../src/royalties/statement-lines.ts';

describe('the line of a posting', () => {
  it('is named for each kind that this room posts on a payee\'s accounts', () => {
    // The second phase of a payout moves what has left the payee's accounts already; what rates gain or lose is the platform's.
    const kinds = Object.values(KINDS).filter((kind) => kind !== KINDS.paid && kind !== KINDS.difference);
    expect(kinds.map((kind) => [kind, lineKindOf(kind)]).filter(([, line]) => line === null)).toEqual([]);
    expect(lineKindOf('royalties.pot_divided.reversal')).toBe('earnings');
  });

  it('is never guessed', () => {
    for (const kind of ['', '.reversal', 'royalties.unheard_of', 'constructor', 'royalties.pot_divided.reversal.reversal']) expect(lineKindOf(kind)).toBeNull();
    try {
      checkKinds(['royalties.pot_divided', 'b.b', 'a.a', 'b.b']);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
      expect((error as Refusal).extra).toEqual({ kinds: ['a.a', 'b.b'] });
    }
  });
});
