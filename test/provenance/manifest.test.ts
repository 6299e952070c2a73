import { describe, expect, it } from 'vitest';

import { labelProblem, lintManifest } from '../../src/provenance/lint.ts';
import { makeManifest } from '../../src/provenance/index.ts';
import type { ManifestDefinition } from '../../src/provenance/index.ts';
import { consent, manifestInput } from './support.ts';

const good = makeManifest(manifestInput);
const withActions = (data: Record<string, unknown>): ManifestDefinition => ({
  ...good, assertions: good.assertions.map((a) => (a.label === 'c2pa.actions.v2' ? { ...a, data } : a)),
});
const created = { action: 'c2pa.created', digitalSourceType: 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia' };

describe('labels', () => {
  it.each(['org.benren.consent', 'org.benren.consent.v2', 'c2pa.actions.v2', 'cawg.training-mining', 'com.example-1.a_b'])('%s is legal', (label) => {
    expect(labelProblem(label)).toBeUndefined();
  });

  it.each(['nodots', 'c2pa.mything', 'c2pa.actions', 'stds.exif', 'org..x', '.org.x', 'org.-x', 'org.x__1', 'org.中', 'org.x y', '', 'cawg.mine'])('%j is not', (label) => {
    expect(labelProblem(label)).toBeDefined();
  });
});

describe('the manifest', () => {
  it('passes its own lint and says what the standard wants', () => {
    expect(lintManifest(good)).toEqual([]);
    expect(good).toMatchObject({ claim_version: 2, claim_generator_info: [{ name: 'Benren', specVersion: '2.4' }] });
    expect(good.assertions.map((a) => [a.label, a.created])).toEqual([
      ['c2pa.actions.v2', true], ['org.benren.consent', true], ['cawg.training-mining', true],
    ]);
  });

  it.each([
    ['no action', { allActionsIncluded: true, actions: [] }],
    ['no allActionsIncluded', { actions: [created] }],
    ['created without a source type', { allActionsIncluded: true, actions: [{ action: 'c2pa.created' }] }],
    ['opened with a source type', { allActionsIncluded: true, actions: [{ ...created, action: 'c2pa.opened' }] }],
    ['created twice', { allActionsIncluded: true, actions: [created, created] }],
    ['created not first', { allActionsIncluded: true, actions: [{ action: 'c2pa.edited' }, created] }],
    ['a deprecated action', { allActionsIncluded: true, actions: [created, { action: 'c2pa.watermarked' }] }],
    ['a watermark without soft binding', { allActionsIncluded: true, actions: [created, { action: 'c2pa.watermarked.bound' }] }],
    ['an action without a dot', { allActionsIncluded: true, actions: [created, { action: 'mine' }] }],
  ])('is rejected with %s', (_name, data) => {
    expect(lintManifest(withActions(data))).not.toEqual([]);
  });

  it('is rejected with an illegal or repeated label, without actions, without specVersion', () => {
    const extra = (label: string): ManifestDefinition => ({ ...good, assertions: [...good.assertions, { label, created: true, data: {} }] });
    expect(lintManifest(extra('c2pa.mything'))).toHaveLength(1);
    expect(lintManifest(extra('org.benren.consent'))).toEqual(['a label stands twice']);
    expect(lintManifest({ ...good, assertions: good.assertions.slice(1) })).toEqual(['there is not exactly one actions assertion']);
    expect(lintManifest({ ...good, claim_generator_info: [{ name: 'Benren', version: '1', specVersion: '2.2' }] })).toHaveLength(1);
  });

  it.each([
    ['no gate', { gates: [] }],
    ['an epoch that loses digits', { gates: [{ gateId: 'g', kind: 'clone', epoch: 2 ** 53 }] }],
    ['a digest that is none', { grantDigest: 'abc' }],
    ['half a grant', { grantDigest: null }],
    ['no grant and a fan', { grantId: null, grantDigest: null }],
    ['an empty id', { outputId: '' }],
    ['a territory that is none', { territory: 'China' }],
  ])('is not made with %s', (_name, change) => {
    expect(() => makeManifest({ ...manifestInput, consent: { ...consent, ...change } })).toThrow(TypeError);
  });

  it('is made without a grant for the owner alone', () => {
    const own = { ...consent, grantId: null, grantDigest: null, audience: 'owner' as const, territory: null };
    expect(makeManifest({ ...manifestInput, consent: own }).assertions[1]?.data).toMatchObject({ grantId: null, audience: 'owner' });
  });
});
