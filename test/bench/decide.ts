import { performance } from 'node:perf_hooks';

import type { Answer } from '../../src/consent/index.ts';
import { judge, Lexicon, prepareRequest, type PreparedRequest, prepareState, readGrant, type Standing } from '../../src/consent/model.ts';
import { referenceDecide } from '../consent/reference-decide.ts';
import { type Data, makeData } from './decide-data.ts';
import { casbinPeer, cedarPeer, makeFacts, type Peer } from './peers.ts';
import type { BenchReport } from './report.ts';
import { served } from './served.ts';

const SEED = 'benren decide 1';

/** FNV-1a of a clause. An answer is the sum of its clauses, so that the order within one answer does not matter. */
function hashOf(clause: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < clause.length; at += 1) hash = Math.imul(hash ^ clause.charCodeAt(at), 0x01000193);
  return hash | 0;
}

/** Folds answers, each with its place, into one number: whether, why, and in which turn. */
export class Checksum {
  allowed = 0;
  private sum = 0;
  private readonly hashes = new Map<string, number>();

  fold({ allowed, clauses }: Answer): void {
    let answer = allowed ? 1 : 0;
    for (const clause of clauses) {
      let hash = this.hashes.get(clause);
      if (hash === undefined) {
        hash = hashOf(clause);
        this.hashes.set(clause, hash);
      }
      answer = (answer + hash) | 0;
    }
    this.sum = (Math.imul(this.sum, 31) + answer) | 0;
    if (allowed) this.allowed += 1;
  }

  get text(): string {
    return (this.sum >>> 0).toString(16).padStart(8, '0');
  }
}

export interface Prepared {
  standings: Standing[];
  requests: PreparedRequest[];
}

export function prepare({ states, requests }: Data): Prepared {
  const lexicon = new Lexicon();
  const standings = states.map((state) => prepareState(readGrant(state.grant?.document ?? null, lexicon), state));
  return { standings, requests: requests.map((request) => prepareRequest(request, lexicon)) };
}

/** Every grant with every request, in the seed's order: neighbours in time are strangers in memory. */
export function decideAllPairs({ standings, requests }: Prepared, { grantOrder, requestOrder }: Data): Checksum {
  const checksum = new Checksum();
  for (let turn = 0; turn < standings.length; turn += 1) {
    for (let at = 0; at < requests.length; at += 1) {
      const standing = standings[grantOrder[(turn + at) % standings.length] ?? 0];
      const request = requests[requestOrder[at] ?? 0];
      if (standing !== undefined && request !== undefined) checksum.fold(judge(standing, request));
    }
  }
  return checksum;
}

export function referenceAllPairs({ states, requests, grantOrder, requestOrder }: Data): Checksum {
  const checksum = new Checksum();
  for (let turn = 0; turn < states.length; turn += 1) {
    for (let at = 0; at < requests.length; at += 1) {
      const state = states[grantOrder[(turn + at) % states.length] ?? 0];
      const request = requests[requestOrder[at] ?? 0];
      if (state !== undefined && request !== undefined) checksum.fold(referenceDecide(state, request));
    }
  }
  return checksum;
}

/** How often a peer says something else than `decide`, over the first pairs of the same order. */
export function compareWith(peer: Peer, prepared: Prepared, { grantOrder, requestOrder }: Data, pairs: number): { differ: number; perSecond: number } {
  const answers: boolean[] = [];
  const grantAt = (at: number): number => grantOrder[at % grantOrder.length] ?? 0;
  const requestAt = (at: number): number => requestOrder[at % requestOrder.length] ?? 0;
  const start = performance.now();
  for (let at = 0; at < pairs; at += 1) answers.push(peer.allows(grantAt(at), requestAt(at)));
  const perSecond = pairs / ((performance.now() - start) / 1_000);
  let differ = 0;
  for (let at = 0; at < pairs; at += 1) {
    const [standing, request] = [prepared.standings[grantAt(at)], prepared.requests[requestAt(at)]];
    if (standing === undefined || request === undefined || judge(standing, request).allowed !== answers[at]) differ += 1;
  }
  return { differ, perSecond };
}

function collected(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function memoryPerGrant(data: Data): Promise<{ microseconds: number; bytes: number }> {
  const lexicon = new Lexicon();
  for (const state of data.states.slice(0, 10)) readGrant(state.grant?.document, lexicon);
  const before = collected();
  const start = performance.now();
  const kept = data.states.map((state) => prepareState(readGrant(state.grant?.document, lexicon), state));
  const microseconds = ((performance.now() - start) * 1_000) / kept.length;
  return { microseconds, bytes: Math.max(0, (collected() - before) / kept.length) };
}

export async function decide({ quick }: { quick: boolean }): Promise<BenchReport> {
  const [grants, requests] = quick ? [100, 2_000] : [1_000, 10_000];
  const data = makeData(SEED, grants, requests);
  const memory = await memoryPerGrant(data);
  const start = performance.now();
  const prepared = prepare(data);
  const textMicroseconds = ((performance.now() - start) * 1_000) / requests;
  // Once to warm up, then twice: the better counts for all three alike.
  decideAllPairs({ ...prepared, standings: prepared.standings.slice(0, 20) }, { ...data, grantOrder: data.grantOrder.map((place) => place % 20) });
  let best = 0;
  let checksum = new Checksum();
  for (let run = 0; run < 2; run += 1) {
    const began = performance.now();
    checksum = decideAllPairs(prepared, data);
    best = Math.max(best, (grants * requests) / ((performance.now() - began) / 1_000));
  }
  const reference = referenceAllPairs(data);
  const facts = makeFacts(data.states, data.requests);
  const peers: Record<string, { differ: number; perSecond: number }> = {};
  for (const peer of [cedarPeer(facts), await casbinPeer(facts)]) {
    compareWith(peer, prepared, data, 200);
    peers[peer.name] = compareWith(peer, prepared, data, requests);
  }
  const { cedar, casbin } = peers;
  if (cedar === undefined || casbin === undefined) throw new Error('a peer did not run');
  const whole = await served(quick ? 60 : 400);
  const share = checksum.allowed / (grants * requests);
  return {
    bench: 'decide',
    figures: {
      seed: SEED, grants, requests, decisions: grants * requests, allowedShare: Number(share.toFixed(4)), checksum: checksum.text,
      referenceChecksum: reference.text, decisionsPerSecond: Math.round(best), cedarPerSecond: Math.round(cedar.perSecond),
      casbinPerSecond: Math.round(casbin.perSecond), cedarDiffers: cedar.differ, casbinDiffers: casbin.differ,
      timesCedar: Number((best / cedar.perSecond).toFixed(1)), timesCasbin: Number((best / casbin.perSecond).toFixed(1)),
      prepareGrantMicroseconds: Math.round(memory.microseconds), bytesPerGrant: Math.round(memory.bytes),
      prepareRequestMicroseconds: Math.round(textMicroseconds), servedP50Milliseconds: whole.p50, servedP99Milliseconds: whole.p99,
    },
    goals: {
      decisionsPerSecond: { goal: '≥ 1,000,000', met: best >= 1_000_000 },
      checksum: { goal: 'equals the reference', met: checksum.text === reference.text },
      peersAgree: { goal: 'on every request', met: cedar.differ === 0 && casbin.differ === 0 },
      timesCedar: { goal: '≥ 20', met: best >= 20 * cedar.perSecond },
      timesCasbin: { goal: '≥ 4', met: best >= 4 * casbin.perSecond },
      halfDenied: { goal: '40–60 %', met: share >= 0.4 && share <= 0.6 },
    },
  };
}
