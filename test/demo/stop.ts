import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { whenLogged } from '../support/client.ts';
import type { Cast } from './people.ts';
import { type Delivered, request, released } from './fan.ts';
import type { Licence } from './rights.ts';
import { must, type Story, yuan } from './story.ts';
import type { World } from './world.ts';

/** What step 10 checks. */
export interface Stopped {
  stopId: string;
  leafId: string;
}

const SHORT_ENGLISH = 'One more line before the rain stops.';
const SHORT_MANDARIN = '雨停之前，再说一句。';
/** The second fan's text must take at least this long to render. */
const LONG_RENDER_MS = 5_000;
/** The longest script that the contract takes. */
const SCRIPT_CHARACTERS_MAX = 5_000;

async function pauseAndResume(cast: Cast, licence: Licence, checked: (fact: string) => void): Promise<void> {
  const path = { cloneId: licence.cloneId };
  const [fan] = cast.fans;
  const body = { capability: 'voice', language: 'en', script: SHORT_ENGLISH, purpose: 'companionship' } as const;
  const paused = await cast.owner.client.call('pauseClone', { path });
  const denied = await fan.client.refused('requestOutput', { path, body });
  must((denied.problem['clauses'] as string[]).includes('stop.paused'), 'the next request is denied with stop.paused');
  const resumed = await cast.owner.client.call('resumeClone', { path });
  must(BigInt(resumed.epoch) > BigInt(paused.epoch), 'resuming raises the epoch');
  checked(`paused at epoch ${paused.epoch}: denied with stop.paused; resumed at epoch ${resumed.epoch}`);
}

async function removeEnglish(cast: Cast, licence: Licence, checked: (fact: string) => void): Promise<void> {
  const [fan] = cast.fans;
  const draft = await cast.owner.client.call('draftAmendment', { path: { grantId: licence.grantId }, body: { languages: ['zh-CN'] } });
  const signature = await cast.owner.sign('amendment', draft.document, 'zh-CN');
  await cast.owner.client.call('signAmendment', { path: { grantId: licence.grantId }, body: { signature } });
  const denied = await fan.client.refused('requestOutput', {
    path: { cloneId: licence.cloneId }, body: { capability: 'voice', language: 'en', script: SHORT_ENGLISH, purpose: 'companionship' },
  });
  must((denied.problem['clauses'] as string[]).includes('language.en'), 'English is denied at once');
  const mandarin = await request(fan, licence, 'zh-CN', SHORT_MANDARIN);
  await released(fan, mandarin);
  checked(`amendment signed (${draft.change}): English denied with language.en, Mandarin still delivered`);
}

/** Mandarin prose, long enough to take `LONG_RENDER_MS` at the speed measured in this run. */
async function longScript(cast: Cast, licence: Licence): Promise<{ script: string; expectedMs: number }> {
  const paragraph = '今天的风从海上来，带着一点咸味，我走在堤上，想起很多年前的那个晚上，我们也是这样慢慢地走着。';
  const trial = paragraph.repeat(12);
  const { renderMilliseconds } = await released(cast.fans[0], await request(cast.fans[0], licence, 'zh-CN', trial));
  const perCharacter = renderMilliseconds / trial.length;
  const wanted = Math.ceil((LONG_RENDER_MS * 1.1) / perCharacter / paragraph.length);
  const script = paragraph.repeat(Math.min(wanted, Math.floor(SCRIPT_CHARACTERS_MAX / paragraph.length)));
  return { script, expectedMs: perCharacter * script.length };
}

async function orderStop(world: World, cast: Cast, licence: Licence, checked: (fact: string) => void): Promise<Stopped & { outputId: string }> {
  const path = { cloneId: licence.cloneId };
  const { script, expectedMs } = await longScript(cast, licence);
  must(expectedMs >= LONG_RENDER_MS, `the long text takes ${expectedMs.toFixed(0)} ms to render at the measured speed`);
  const quote = await cast.owner.client.call('quoteStop', { path });
  checked(`quote: ${quote.cost.fans} fans, ${yuan(quote.cost.refundMinor)} CNY back, of which ${yuan(quote.cost.deferredMinor)} out of deferred revenue and ${yuan(quote.cost.taxMinor)} of tax; the processor’s fee of ${yuan(quote.cost.feeMinor)} is borne by ${quote.cost.feeBearer}`);
  const signature = await cast.owner.sign('stop_order', quote.order, 'zh-CN');
  const foreign = await cast.agency.client.refused('orderStop', { path, body: { quoteId: quote.quoteId, signature: await cast.agency.sign('stop_order', quote.order) } });
  must(foreign.code === 'not_found', 'nobody else can stop it');
  const outputId = await request(cast.fans[1], licence, 'zh-CN', script);
  let state = 'queued';
  while (state === 'queued' || state === 'holding') ({ state } = await cast.fans[1].client.call('getOutput', { path: { outputId } }));
  must(state === 'rendering', `the long output is rendering when the stop is sent, not ${state}`);
  const sent = performance.now();
  const stop = await cast.owner.client.call('orderStop', { path, body: { quoteId: quote.quoteId, signature }, headers: { prefer: 'wait=5' } });
  const took = performance.now() - sent;
  checked(`the second fan’s text (${script.length} characters, about ${(expectedMs / 1000).toFixed(1)} s to render) was in state rendering`);
  must(stop.acknowledgedAt !== null && stop.gateways.every(({ outcome }) => outcome === 'confirmed'), 'every gateway confirmed that it hands out nothing more');
  checked(`STOP acknowledged by ${stop.gateways.length} gateway ${stop.milliseconds?.toFixed(1) ?? '?'} ms after the order arrived (${took.toFixed(1)} ms seen by her); the agency’s order: ${foreign.code}`);
  const told = await cast.owner.client.call('watchStop', { path: { stopId: stop.stopId } });
  const names = [...told.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
  must(names.join(' ') === 'ordered committed gateway acknowledged', `its progress was told as it happened, not as ${names.join(' ')}`);
  await world.settle();
  const output = await cast.fans[1].client.call('getOutput', { path: { outputId } });
  must(output.release === null && output.state === 'voided', `the output under way was not released but ${output.state}`);
  const [row] = await world.ask<{ count: number }>('SELECT count(*)::int AS count FROM release WHERE output_id = $1', [outputId]);
  must(row?.count === 0, 'PostgreSQL knows no release of it');
  const details = await cast.owner.client.call('getStop', { path: { stopId: stop.stopId } });
  return { stopId: stop.stopId, leafId: details.leafId, outputId };
}

async function settled(world: World, cast: Cast, stopId: string, checked: (fact: string) => void): Promise<void> {
  await world.settle();
  const stop = await cast.owner.client.call('getStop', { path: { stopId } });
  must(stop.settlement.done && stop.settlement.equalsQuote === true, `what was returned is what was quoted: ${JSON.stringify(stop.settlement)}`);
  const touched = await world.ask<{ code: string }>(
    `SELECT DISTINCT a.code FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq JOIN ledger_account a ON a.id = e.account_id
     WHERE t.kind = 'billing.unused_refunded' AND (a.code LIKE 'payable:%' OR a.code LIKE 'payee_debt:%')`);
  must(touched.length === 0, 'unused days come out of deferred revenue and touch no payee');
  checked(`${stop.settlement.refundsSucceeded} refunds, ${yuan(stop.settlement.refundedMinor)} CNY in all, equal to the quote; no payee’s account was touched; renewals left: ${stop.settlement.renewalsLeft}`);
}

/** Step 9, first half: pause, amendment, stop. */
export async function stopClone(world: World, story: Story, cast: Cast, licence: Licence, delivered: Delivered): Promise<Stopped> {
  let stopped: Stopped | undefined;
  await story.tell('9a She pauses and resumes, takes English back, and stops it for good', async ({ checked, keep }) => {
    await pauseAndResume(cast, licence, checked);
    await removeEnglish(cast, licence, checked);
    stopped = await orderStop(world, cast, licence, checked);
    await settled(world, cast, stopped.stopId, checked);
    const old = await world.client.call('getOutputStatus', { path: { outputId: delivered.english } });
    must(old.status === 'allowed_when_made_since_withdrawn', 'the old file was allowed when made');
    const gone = await cast.fans[0].client.refused('getOutputMedia', { path: { outputId: delivered.english } });
    const never = await cast.fans[0].client.refused('requestOutput', {
      path: { cloneId: licence.cloneId }, body: { capability: 'voice', language: 'zh-CN', script: SHORT_MANDARIN, purpose: 'companionship' },
    });
    must((never.problem['clauses'] as string[]).includes('stop.stopped'), 'nothing is said after the stop');
    checked(`the old file: “${old.text.en}” (${old.text['zh-CN']}); read again: ${gone.code}; asked again: stop.stopped`);
    keep('stop.json', JSON.stringify(await cast.owner.client.call('getStop', { path: { stopId: stopped.stopId } }), null, 1));
  });
  must(stopped !== undefined, 'the stop is known');
  return stopped;
}

/** Step 10: asked of PostgreSQL, and of nobody at all. */
export async function proveAll(world: World, story: Story, cast: Cast, licence: Licence, delivered: Delivered, stopped: Stopped): Promise<void> {
  await story.tell('10 The books balance, and the proofs verify with no network', async ({ checked, keep }) => {
    const sums = await world.ask<{ currency: string; entries: number; sum: string }>(
      'SELECT currency, count(*)::int AS entries, sum(amount_minor)::text AS sum FROM ledger_entry GROUP BY currency ORDER BY currency');
    must(sums.length > 0 && sums.every(({ sum }) => sum === '0'), `every currency sums to zero: ${JSON.stringify(sums)}`);
    checked(`PostgreSQL: ${sums.map(({ currency, entries, sum }) => `${entries} entries in ${currency} sum to ${sum}`).join(', ')}`);
    const output = await cast.fans[0].client.call('getOutput', { path: { outputId: delivered.english } });
    const grantLeaf = (await world.client.call('listLeavesOfSubject', { path: { subjectId: licence.grantId } })).leaves[0];
    for (const [name, leafId] of [['output-1', output.release?.leafId], ['grant', grantLeaf?.leafId], ['stop', stopped.leafId]] as const) {
      const proof = await whenLogged(() => world.client.call('getLogProof', { path: { leafId: leafId ?? '' } }));
      const file = keep(`proof-${name}.json`, JSON.stringify(proof, null, 1));
      const verdict = await world.benren(['verify', file, '--key', world.logKeyFile]);
      must(verdict.code === 0, `the proof of ${name} verifies: ${verdict.output}`);
      const forged = join(tmpdir(), `forged-${name}.json`);
      writeFileSync(forged, JSON.stringify({ ...proof, index: String(Number(proof.index) + 1) }));
      must((await world.benren(['verify', forged, '--key', world.logKeyFile])).code !== 0, `a forged proof of ${name} does not verify`);
    }
    checked('inclusion proofs of output 1, the grant and the stop verify offline; with one number changed they do not');
    const { client } = cast.owner;
    const path = { grantId: licence.grantId };
    const bundle = keep('evidence-grant.json', JSON.stringify(await whenLogged(() => client.call('getGrantEvidence', { path }))));
    keep('contract-grant.pdf', await client.call('getGrantContract', { path }));
    const whole = await world.benren(['verify', bundle, '--key', world.logKeyFile, '--key', world.receiptsKeyFile]);
    must(whole.code === 0, `the evidence of the grant verifies: ${whole.output}`);
    must((await world.benren(['verify', bundle])).code !== 0, 'by itself the bundle proves nothing');
    checked('her grant in one file: contract, passkey signatures, ownership decisions, log proofs; verified with two keys and nothing else');
  });
}
