import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { makeGateway, makeGatewayJobs, STEPS } from '../../src/gateway/index.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { until } from '../support/until.ts';
import { byHand, forgery } from './forge.ts';
import { codeOf, type GatewayWorld, openGatewayWorld, refusalOf } from './world.ts';

let own: GatewayWorld;

beforeAll(async () => {
  own = await openGatewayWorld('release');
});
afterAll(async () => await own.close());
beforeEach(() => {
  own.barrier = null;
});

/** Puts something exactly before one step, once. */
function before(step: string, work: () => Promise<void>): { met: () => boolean } {
  let met = false;
  own.barrier = async (at) => {
    if (at !== step || met) return;
    met = true;
    await work();
  };
  return { met: () => met };
}

const stateOf = async (outputId: string) => {
  const { state, reason } = await own.gateway.getOutput(own.fan.actor, outputId);
  return { state, reason };
};

describe('a stop at every step', () => {
  for (const step of STEPS) {
    it(`${step}: nothing is released, nothing is charged, nothing is logged`, async () => {
      const [releases, leaves, quota] = [await own.count('release'), await own.count('log_leaf', `type = 'release.committed'`), await own.left()];
      const barrier = before(step, () => own.shut('clone', 'paused'));
      try {
        const asked = await own.ask().then(({ outputId }) => ({ outputId, refused: null }), (error: unknown) => ({ outputId: null, refused: error }));
        await own.drain();
        expect(barrier.met()).toBe(true);
        if (asked.outputId === null) {
          // It came before the decision: denied by the stop's own clause.
          expect(asked.refused).toMatchObject({ code: 'denied', extra: { clauses: ['stop.paused'] } });
        } else {
          expect(await stateOf(asked.outputId)).toEqual({ state: 'voided', reason: 'paused' });
          expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, asked.outputId))).toBe('output_state');
          expect(await own.gateway.getOutputStatus(asked.outputId)).toMatchObject({ status: 'never_allowed' });
        }
      } finally {
        own.barrier = null;
        await own.reopen('clone');
      }
      // Reopened, with a raised epoch: what was decided before stays void.
      await own.drain();
      expect(await own.count('release')).toBe(releases);
      expect(await own.count('log_leaf', `type = 'release.committed'`)).toBe(leaves);
      expect(await own.left()).toEqual(quota);
    });
  }

  it('deliver: it was released, and is not given out', async () => {
    const outputId = await own.released();
    before('deliver', () => own.shut('clone', 'paused'));
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, outputId))).toBe('stopped');
    await own.reopen('clone');
    expect((await own.gateway.getOutputMedia(own.fan.actor, outputId)).byteLength).toBeGreaterThan(1_000);
  });

  it('paused and resumed between decision and release: the epoch differs, so it is void', async () => {
    const quota = await own.left();
    before('release', async () => {
      await own.shut('clone', 'paused');
      await own.reopen('clone');
    });
    const { outputId } = await own.ask();
    await own.drain();
    expect(await stateOf(outputId)).toEqual({ state: 'voided', reason: 'gate_changed' });
    expect(await own.left()).toEqual(quota);
  });

  it('a stop that comes while a release holds the gates waits, and the release commits wholly before it', async () => {
    let stop: Promise<void> = Promise.resolve();
    before('locked', async () => {
      stop = own.shut('clone', 'paused');
      await until(async () => (await own.count('pg_locks', `locktype = 'advisory' AND NOT granted`)) > 0);
    });
    const { outputId } = await own.ask();
    await own.drain();
    await stop;
    expect(await stateOf(outputId)).toMatchObject({ state: 'released' });
    expect(await codeOf(own.gateway.getOutputMedia(own.fan.actor, outputId))).toBe('stopped');
    await own.reopen('clone');
  });
});

describe('the job', () => {
  it('shows each state while it works', async () => {
    const states: Record<string, string> = {};
    const { outputId } = await own.ask();
    own.barrier = async (step) => {
      states[step] = (await stateOf(outputId)).state;
    };
    await own.drain();
    expect(states).toMatchObject({ render: 'queued', disclose: 'rendering', watermark: 'rendering', label: 'rendering', sign: 'signing', release: 'signing' });
    expect((await stateOf(outputId)).state).toBe('released');
  });

  it('run twice at the same time releases one file and keeps one', async () => {
    const { outputId } = await own.ask({ script: 'Twice at once.' });
    const kept = new Set<string>();
    const put = own.deps.blobs.put.bind(own.deps.blobs);
    const blobs = { ...own.deps.blobs, put: async (bytes: Uint8Array) => {
      kept.add(sha256Hex(bytes));
      return await put(bytes);
    } };
    let waiting = 0;
    let both: () => void = () => undefined;
    const arrived = new Promise<void>((done) => {
      both = done;
    });
    const racing = makeGateway({ ...own.deps, blobs, at: async (step) => {
      if (step !== 'release') return;
      waiting += 1;
      if (waiting === 2) both();
      await arrived;
    } });
    await Promise.all([racing.work.renderOutput(outputId, 1), racing.work.renderOutput(outputId, 1)]);
    expect(kept.size).toBe(2);
    expect(await own.count('release', `output_id = '${outputId}'`)).toBe(1);
    const { release } = await own.gateway.getOutput(own.fan.actor, outputId);
    for (const sha256 of kept) expect(await own.deps.blobs.has(sha256)).toBe(sha256 === release?.fileSha256);
    // And the outbox's own run of it finds nothing to do.
    await own.drain();
    expect(await own.count('release', `output_id = '${outputId}'`)).toBe(1);
  });

  it('run twice at the same time and stopped keeps neither file', async () => {
    const { outputId } = await own.ask({ script: 'Twice for nothing.' });
    const kept = new Set<string>();
    const blobs = { ...own.deps.blobs, put: async (bytes: Uint8Array) => {
      const sha256 = await own.deps.blobs.put(bytes);
      kept.add(sha256);
      return sha256;
    } };
    let shut: (() => void) | null = null;
    const stopped = new Promise<void>((done) => {
      shut = done;
    });
    let waiting = 0;
    const racing = makeGateway({ ...own.deps, blobs, at: async (step) => {
      if (step !== 'release') return;
      waiting += 1;
      if (waiting === 2) {
        await own.shut('clone', 'paused');
        shut?.();
      }
      await stopped;
    } });
    await Promise.all([racing.work.renderOutput(outputId, 1), racing.work.renderOutput(outputId, 1)]);
    await own.reopen('clone');
    await own.drain();
    expect(await stateOf(outputId)).toEqual({ state: 'voided', reason: 'paused' });
    expect(kept.size).toBe(2);
    for (const sha256 of kept) expect(await own.deps.blobs.has(sha256)).toBe(false);
  });

  it('killed after the file was finished goes on to the release without rendering again', async () => {
    const { outputId } = await own.ask({ script: 'Kept over a crash.' });
    let rendered = 0;
    const crashing = (crash: boolean) => makeGateway({ ...own.deps, at: async (step) => {
      if (step === 'render') rendered += 1;
      if (step === 'release' && crash) throw new Error('the process died here');
    } });
    await expect(crashing(true).work.renderOutput(outputId, 1)).rejects.toThrow('died');
    expect(await stateOf(outputId)).toEqual({ state: 'signing', reason: null });
    await crashing(false).work.renderOutput(outputId, 2);
    expect(rendered).toBe(1);
    expect((await stateOf(outputId)).state).toBe('released');
    await own.drain();
  });

  it('that keeps failing gives up, and gives back what was held', async () => {
    const quota = await own.left();
    const { outputId } = await own.ask();
    const broken = makeGateway({ ...own.deps, inference: { ...own.deps.inference, synthesise: async () => Promise.reject(new Error('no memory')) } });
    const jobs = makeGatewayJobs(broken);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await expect(jobs['gateway.render']!({ outputId }, { jobId: 'job_1', attempt })).rejects.toThrow('no memory');
      expect((await stateOf(outputId)).state).toBe(attempt < 5 ? 'rendering' : 'failed');
    }
    expect(await stateOf(outputId)).toEqual({ state: 'failed', reason: 'render_failed' });
    expect(await own.left()).toEqual(quota);
    await own.drain();
  });

  it('fails at once when another model speaks than the one that was approved', async () => {
    const { outputId } = await own.ask();
    const other = makeGateway({ ...own.deps, inference: {
      ...own.deps.inference, synthesise: async (request) => ({ ...await own.deps.inference.synthesise(request), lineage: 'f'.repeat(64) }),
    } });
    await other.work.renderOutput(outputId, 1);
    expect(await stateOf(outputId)).toEqual({ state: 'failed', reason: 'render_failed' });
    await own.drain();
  });
});

describe('time limits', () => {
  it('are compared again with a clock read under the locks', async () => {
    const now = own.world.clock.now();
    const { outputId } = await own.ask();
    before('locked', async () => own.world.clock.set(new Date('2027-01-01T00:00:00Z')));
    try {
      await own.gateway.work.renderOutput(outputId, 1);
    } finally {
      own.world.clock.set(now);
    }
    expect(await stateOf(outputId)).toEqual({ state: 'voided', reason: 'consent_ended' });
    await own.drain();
  });
});

/** An output that is ready to be released, and is not. */
async function ready(script: string): Promise<string> {
  const { outputId } = await own.ask({ script });
  const stuck = makeGateway({ ...own.deps, at: async (step) => {
    if (step === 'release') throw new Error('stays here');
  } });
  await expect(stuck.work.renderOutput(outputId, 1)).rejects.toThrow('stays here');
  return outputId;
}

const INSERT = `
  INSERT INTO release (id, clone_id, output_id, gate_ids, epochs, file_sha256, file_bytes, samples_sha256, leaf_id, receipt, released_at)
  SELECT 'rel_' || substr(id, 5), clone_id, id,
    (SELECT array_agg(gate.id) FROM gate WHERE gate.clone_id = output.clone_id OR gate.clone_id IS NULL),
    (SELECT array_agg(gate.epoch) FROM gate WHERE gate.clone_id = output.clone_id OR gate.clone_id IS NULL),
    encode(sha256(id::bytea), 'hex'), 1, encode(sha256(id::bytea), 'hex'), 'lef_1', '{}', $2 FROM output WHERE id = $1`;

describe('raw SQL as the service’s role, and as the owner of the tables', () => {
  const roles = () => [own.world.database.appUrl, own.world.database.ownerUrl];

  it('cannot release past a stop, nor under an epoch that it chooses', async () => {
    const outputId = await ready('Past a stop.');
    const at = own.world.clock.now();
    await own.shut('clone', 'paused');
    for (const url of roles()) expect(await byHand(url, [[INSERT, [outputId, at]]])).toBe('gate_paused');
    await own.reopen('clone');
    // Open again, and the insert names the present epochs: the decision was made under an older one.
    for (const url of roles()) expect(await byHand(url, [[INSERT, [outputId, at]]])).toBe('gate_changed');
    await own.drain();
    expect(await stateOf(outputId)).toEqual({ state: 'voided', reason: 'gate_changed' });
  });

  it('cannot release without the hold, twice, after the term, or what was denied', async () => {
    const outputId = await ready('Half a release.');
    const at = own.world.clock.now();
    const refused = String((await refusalOf(own.ask({ capability: 'video' }))).extra['outputId']);
    for (const url of roles()) {
      expect(await byHand(url, [[INSERT, [outputId, at]]])).toBe('release_is_whole');
      expect(await byHand(url, [[INSERT, [outputId, at]], [`UPDATE output SET state = 'released' WHERE id = $1`, [outputId]]])).toBe('release_is_whole');
      expect(await byHand(url, [[`UPDATE output SET state = 'released' WHERE id = $1`, [outputId]]])).toBe('output_needs_release');
      expect(await byHand(url, [[INSERT, [outputId, new Date('2027-01-01T00:00:00Z')]]])).toBe('gate_changed');
      expect(await byHand(url, [[INSERT, [refused, at]]])).toBe('release_is_decided');
      expect(await byHand(url, [[`UPDATE output SET state = 'queued' WHERE id = $1`, [refused]]])).toBe('output_has_ended');
    }
    await own.drain();
    expect((await stateOf(outputId)).state).toBe('released');
    for (const url of roles()) expect(await byHand(url, [[INSERT, [outputId, at]]])).toMatch(/release_pkey|release_output_id_key/);
  });

  it('cannot say something else than was decided, nor for somebody else’s quota', async () => {
    const outputId = await own.released();
    const releasedAt = own.world.clock.now();
    const other = await own.person('Another fan', 'CN');
    const periodId = await own.subscribe(other);
    for (const url of roles()) {
      expect(await byHand(url, forgery('other_words', outputId, { script: 'Other words.', releasedAt, until: 'output' }))).toBe('output_is_as_decided');
      expect(await byHand(url, forgery('other_fan', outputId, { periodId, releasedAt, until: 'output' }))).toBe('output_has_its_hold');
      expect(await byHand(url, [
        ...forgery('own_hold', outputId, { releasedAt, until: 'output' }), [`UPDATE output SET state = 'voided', reason = 'stopped' WHERE id = 'out_own_hold'`],
      ])).toBe('output_gives_back');
    }
    expect(await own.left(other)).toEqual({ held: 0, captured: 0 });
  });

  it('cannot show the trigger a gate of its own making', async () => {
    const outputId = await own.released();
    const releasedAt = own.world.clock.now();
    await own.shut('clone', 'paused');
    for (const url of roles()) {
      expect(await byHand(url, [
        ['CREATE TEMPORARY TABLE gate AS SELECT * FROM public.gate'],
        [`UPDATE pg_temp.gate SET state = 'open'`],
        ...forgery('shadow', outputId, { releasedAt }),
      ])).toBe('gate_paused');
    }
    await own.reopen('clone');
    expect(await own.world.database.asOwner(`
      SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
        AND NOT 'search_path=public, pg_temp' = ANY (coalesce(proconfig, '{}'))`)).toEqual([]);
  });

  it('cannot release after the grant’s own end, whatever the output says', async () => {
    const outputId = await own.released();
    const until = own.grant.document.validUntil;
    for (const url of roles()) {
      expect(await byHand(url, forgery('after_the_end', outputId, { releasedAt: new Date(until) }))).toBe('gate_changed');
    }
  });

  it('cannot change or delete what was released or played', async () => {
    await own.gateway.getOutputMedia(own.fan.actor, await own.released());
    for (const table of ['release', 'media_read']) {
      expect(await byHand(own.world.database.appUrl, [[`DELETE FROM ${table}`]])).toBe('42501');
      expect(await byHand(own.world.database.ownerUrl, [[`DELETE FROM ${table}`]])).toBe('23001');
      expect(await byHand(own.world.database.ownerUrl, [[`UPDATE ${table} SET recorded_at = now()`]])).toBe('23001');
      expect(await byHand(own.world.database.ownerUrl, [[`TRUNCATE ${table}`]])).toBe('23001');
    }
    expect(await byHand(own.world.database.appUrl, [[`UPDATE output SET script = 'x'`]])).toBe('42501');
  });
});

describe('a database that knows less than this process has seen', () => {
  it('gets no release: what was restored from before a stop is not believed', async () => {
    const { outputId } = await own.ask();
    const gates = await own.world.database.runTx((tx) => own.consent.gates.read(tx, [{ gateId: 'gat_platform' }]));
    const seen: unknown[] = [];
    const wary = makeGateway({ ...own.deps, lease: { ...own.lease, open: own.deps.lease.open.bind(own.deps.lease), witness: (read) => {
      seen.push(...read);
      throw new Refusal('database_untrusted', 'It knew more.');
    } } });
    await expect(wary.work.renderOutput(outputId, 1)).rejects.toMatchObject({ code: 'database_untrusted' });
    expect(seen).toContainEqual(expect.objectContaining({ gateId: 'gat_platform', epoch: gates[0]!.epoch }));
    expect(await own.count('release', `output_id = '${outputId}'`)).toBe(0);
    await own.drain();
    expect((await stateOf(outputId)).state).toBe('released');
  });
});
