import { describe, expect, it } from 'vitest';

import {
  type DecidedGate, endingOf, probesOf, readScript, refusedByGates, refusedByTime, type SeenGate, STATUS_TEXTS, territoryOf,
} from '../../src/gateway/model.ts';
import { makeInference } from '../../src/platform/inference.ts';
import { Refusal, type RefusalCode } from '../../src/kernel/refusals.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function codeOf(work: () => unknown): RefusalCode | 'accepted' {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
}

const decided: DecidedGate[] = [
  { gateId: 'gat_platform', kind: 'platform', epoch: '1' }, { gateId: 'gat_1', kind: 'clone', epoch: '9007199254740993' },
];
const open: SeenGate[] = [
  { gateId: 'gat_platform', state: 'open', epoch: 1n }, { gateId: 'gat_1', state: 'open', epoch: 9_007_199_254_740_993n },
];
const changed = (change: Partial<SeenGate>): SeenGate[] => [open[0]!, { ...open[1]!, ...change }];

describe('gates at a release', () => {
  it('hold when each is open at its epoch, and not otherwise', () => {
    expect(refusedByGates(decided, open)).toBe(null);
    expect(refusedByGates(decided, changed({ state: 'paused' }))).toMatchObject({ code: 'stopped', extra: { clauses: ['stop.paused'] } });
    expect(refusedByGates(decided, changed({ state: 'stopped' }))).toMatchObject({ code: 'stopped', extra: { clauses: ['stop.stopped'] } });
    // One apart, beyond what a double can tell.
    expect(refusedByGates(decided, changed({ epoch: 9_007_199_254_740_992n }))?.code).toBe('gate_changed');
    expect(refusedByGates(decided, open.slice(0, 1))?.code).toBe('gate_changed');
    expect(refusedByGates(decided, [])?.code).toBe('gate_changed');
    expect(refusedByGates([], open)?.code).toBe('gate_changed');
  });

  it('the end of the consent is the first instant that is refused', () => {
    const end = new Date('2027-01-01T00:00:00Z');
    expect(refusedByTime(end, new Date(end.getTime() - 1))).toBe(null);
    expect(refusedByTime(end, end)?.code).toBe('gate_changed');
  });
});

describe('how an output ends', () => {
  it('is said by what refused it; what may pass by itself is tried again', () => {
    expect(endingOf(refusedByGates(decided, changed({ state: 'stopped' })))).toEqual({ state: 'voided', reason: 'stopped' });
    expect(endingOf(refusedByGates(decided, changed({ state: 'paused' })))).toEqual({ state: 'voided', reason: 'paused' });
    expect(endingOf(refusedByGates(decided, changed({ epoch: 1n })))).toEqual({ state: 'voided', reason: 'gate_changed' });
    expect(endingOf(refusedByTime(new Date(0), new Date(1)))).toEqual({ state: 'voided', reason: 'consent_ended' });
    expect(endingOf(new Refusal('hold_state', 'The hold is voided.'))).toEqual({ state: 'voided', reason: 'payment_lost' });
    expect(endingOf(new Refusal('denied', 'x', { extra: { clauses: ['volume.measured'] } }))).toEqual({ state: 'voided', reason: 'consent_ended' });
    expect(endingOf(new Refusal('text_unspeakable', 'x'))).toEqual({ state: 'failed', reason: 'text_unspeakable' });
    expect(endingOf(new Refusal('request_too_large', 'x'))).toEqual({ state: 'failed', reason: 'too_long' });
    expect(endingOf(new Refusal('render_failed', 'x'))).toEqual({ state: 'failed', reason: 'render_failed' });
    for (const again of [new Refusal('overloaded', 'x'), new Refusal('unavailable', 'x'), new Error('x'), null]) expect(endingOf(again)).toBe(null);
  });
});

describe('territory', () => {
  it('is where both countries agree; otherwise none is known', () => {
    expect(territoryOf({ declaredCountry: 'CN', billingCountry: 'CN' })).toBe('CN');
    expect(territoryOf({ declaredCountry: 'CN', billingCountry: 'SG' })).toBe(null);
    expect(territoryOf({ declaredCountry: null, billingCountry: null })).toBe(null);
  });
});

describe('a script', () => {
  it('is NFC without its margins, up to 5,000 characters of any plane', () => {
    expect(readScript('  e\u0301\n')).toBe('é');
    expect(readScript('𠮷'.repeat(5_000))).toHaveLength(10_000);
    expect(codeOf(() => readScript('𠮷'.repeat(5_001)))).toBe('request_invalid');
    for (const text of ['a\u0000', 'a\u0085', 'a\u007f', 'a\ud800']) expect(codeOf(() => readScript(text))).toBe('request_invalid');
    expect(readScript('one\ttwo\r\nthree')).toBe('one\ttwo\r\nthree');
  });

  it('is called speakable exactly where the voice finds something to say', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'benren-script-'));
    const inference = makeInference({ dataDir: folder, workers: 1 });
    const texts = ['a', 'Ａ', 'é', '7', '②', '好', '％', '&', '+', '😀', '…', '!?', 'שלום', 'привет', '한', 'か', '—', '$', 'ß', '·', '「」', '½'];
    const differing: string[] = [];
    try {
      for (const text of texts) {
        const said = await inference.synthesise({ text, language: 'en', speaker: [0, 0, 0, 0, 0, 0, 0, 0] }).then(() => 'accepted', (error: unknown) => {
          if (error instanceof Refusal) return error.code;
          throw error;
        });
        if (codeOf(() => readScript(text)) !== said) differing.push(`${text}: the voice says ${said}`);
      }
    } finally {
      await inference.close();
      rmSync(folder, { recursive: true, force: true });
    }
    expect(differing).toEqual([]);
  });
});

describe('words', () => {
  it('every status has a text in both languages, and every probe a name of its own', () => {
    for (const text of Object.values(STATUS_TEXTS)) expect([text.en, text['zh-CN']].every((words) => words.length > 2)).toBe(true);
    const probes = probesOf(['en', 'zh-CN']);
    expect(new Set(probes.map((probe) => probe.name)).size).toBe(4);
    for (const { script } of probes) expect(readScript(script)).toBe(script);
  });
});
