import { describe, expect, it } from 'vitest';

import { loadBundle } from '../../src/http/operations.ts';
import { accessOf, accessTable, lets } from '../../tool/access.ts';

type Paths = Record<string, Record<string, unknown>>;

describe('x-access', () => {
  const operation = (more: object): Record<string, unknown> => ({ operationId: 'doIt', ...more });

  it.each([
    ['is missing', {}, /doIt does not say who may call it\. Add to it/],
    ['is empty', { 'x-access': [] }, /does not say who/],
    ['has an unknown word', { 'x-access': ['everyone'] }, /does not know everyone/],
    ['opens what asks for a session', { 'x-access': ['anyone'] }, /belong together/],
    ['closes what asks for none', { 'x-access': ['owner'], security: [] }, /belong together/],
    ['names people twice', { 'x-access': ['signed-in', 'owner'] }, /already covers/],
    ['is not what the router lets in', { 'x-access': ['owner', 'operator'], 'x-roles': ['operator'] }, /must be the same/],
  ])('that %s is refused', (_what, more, message) => {
    expect(() => accessOf(operation(more))).toThrow(message);
  });

  it('is on every operation of the bundle', () => {
    const table = accessTable(loadBundle().document['paths'] as Paths);
    expect(table.map(({ id }) => id).sort()).toEqual(loadBundle().operations.map(({ id }) => id as string).sort());
    expect(table.length).toBeGreaterThan(70);
  });

  it('lets in whom it names', () => {
    expect([lets(['anyone'], 'anonymous'), lets(['signed-in'], 'anonymous'), lets(['signed-in'], 'fan'), lets(['owner'], 'other owner'), lets(['owner'], 'owner')])
      .toEqual([true, false, true, false, true]);
  });
});
