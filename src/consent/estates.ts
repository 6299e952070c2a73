import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { Gates, Hold } from './gates.ts';
import type { ConsentDeps } from './service.ts';
import { movedCase, successor } from './succession.ts';
import * as store from './succession-store.ts';
import * as grants from './store.ts';

type Room = Pick<ConsentDeps, 'runTx' | 'clock' | 'clones' | 'transparency' | 'pauseByHouse'> & { gates: Gates };
type Leaf = 'estate.frozen' | 'estate.undone' | 'estate.settled';

export const holderOf = (caseId: string): string => `succession:${caseId}`;
const DAY_MS = 86_400_000;
const PAPERS_KEPT_MS = 30 * DAY_MS;

/** What the log holds of a change of hands. */
export function estateFact(fact: Leaf, row: { caseId: string; successionId: string }, at: Date, more: Record<string, string> = {}) {
  return { type: 'benren.estate_fact', schemaVersion: 1, fact, caseId: row.caseId, successionId: row.successionId, at: at.toISOString(), ...more };
}

async function log(room: Room, tx: Tx, type: Leaf, row: store.CaseRow, at: Date, more: Record<string, string> = {}): Promise<void> {
  await room.transparency.append(tx, { type, subjectId: row.caseId, at, document: estateFact(type, row, at, more) });
}

/** Every gate of the person's clones, made if it is missing, in the order of their ids. */
async function gatesOf(room: Room, tx: Tx, ownerAccountId: string, at: Date): Promise<{ cloneId: string; gateId: string }[]> {
  const found: { cloneId: string; gateId: string }[] = [];
  for (const cloneId of await room.clones.clonesOf(tx, ownerAccountId)) {
    await room.gates.ensure(tx, { cloneId, at, by: 'succession' });
    const gate = await room.gates.ofClone(tx, cloneId);
    if (gate !== null && gate.state !== 'stopped') found.push({ cloneId, gateId: gate.gateId });
  }
  return found;
}

async function pause({ gates, pauseByHouse }: Room, tx: Tx, { cloneId, gateId }: { cloneId: string; gateId: string }, hold: Hold): Promise<void> {
  const { holder, reason, by } = hold;
  await (pauseByHouse === undefined ? gates.hold(tx, gateId, hold) : pauseByHouse(tx, { cloneId, holder, reason, by }));
}

/** What the dead owner signed ends: only the heir's own signature, if the owner allowed one, lets a clone speak again. */
async function endGrants(room: Room, tx: Tx, cloneId: string, at: Date): Promise<void> {
  await grants.lockGrants(tx, cloneId);
  const grant = await grants.loadGrantOfClone(tx, cloneId);
  if (grant?.state !== 'signed') return;
  await grants.setGrantState(tx, grant.grantId, 'expired');
  const gate = await room.gates.ofGrant(tx, grant.grantId);
  if (gate !== null && gate.state !== 'stopped') await room.gates.narrow(tx, gate.gateId, { reason: 'estate.settled', at, by: 'succession' });
}

/** What a report of a death does to clones and grants, at once and on time. */
export function makeEstateWork(room: Room) {
  const { runTx, clock, gates } = room;
  return {
    /** In the reviewer's transaction: from its commit on nothing of this person is released. */
    async freeze(tx: Tx, row: store.CaseRow, at: Date): Promise<void> {
      for (const gate of await gatesOf(room, tx, row.ownerAccountId, at)) {
        await pause(room, tx, gate, { holder: holderOf(row.caseId), reason: 'death.reported', at, by: row.reportedBy });
      }
      await log(room, tx, 'estate.frozen', row, at);
    },

    async thaw(tx: Tx, row: store.CaseRow, why: string, at: Date): Promise<void> {
      for (const { gateId } of await gatesOf(room, tx, row.ownerAccountId, at)) {
        await gates.lift(tx, gateId, { holder: holderOf(row.caseId), reason: `death.${why}`, at, by: row.ownerAccountId });
      }
      await log(room, tx, 'estate.undone', row, at, { why });
    },

    /** Job at the end of the waiting period; again, early, or after a dissent: nothing. */
    async settleEstate(caseId: string): Promise<void> {
      await runTx(async (tx) => {
        const seen = await store.findCase(tx, caseId);
        if (seen === null) throw new Error(`There is no death report ${caseId}.`);
        await store.lockSuccession(tx, seen.ownerAccountId);
        const row = await store.findCase(tx, caseId);
        const at = clock.now();
        if (row?.state !== 'waiting' || row.waitingUntil === null || row.waitingUntil > at) return;
        const named = await store.findSuccession(tx, row.successionId);
        const heir = named === null ? null : successor(named.document, named.accepted);
        if (named === null || heir === null) return;
        await store.moveCase(tx, caseId, { state: movedCase(row.state, 'settle'), round: row.round, waitingUntil: row.waitingUntil, at });
        const sunset = new Date(named.document.sunset);
        await store.insertEstate(tx, { ownerAccountId: row.ownerAccountId, holderAccountId: heir.accountId, caseId, sunset, since: at });
        for (const cloneId of await room.clones.clonesOf(tx, row.ownerAccountId)) await endGrants(room, tx, cloneId, at);
        await log(room, tx, 'estate.settled', row, at, { holderAccountId: heir.accountId, sunset: named.document.sunset });
        await enqueue(tx, { topic: 'consent.sunset', payload: { caseId }, runAt: sunset, dedupeKey: `consent.sunset:${caseId}` });
        await enqueue(tx, {
          topic: 'consent.destroyPapers', payload: { caseId }, runAt: new Date(at.getTime() + PAPERS_KEPT_MS), dedupeKey: `consent.destroyPapers:${caseId}`,
        });
      });
    },

    /** Job at the owner's sunset: nothing of hers runs any more, whoever signed it. */
    async sunset(caseId: string): Promise<void> {
      await runTx(async (tx) => {
        const row = await store.findCase(tx, caseId);
        const estate = row === null ? null : await store.estateOf(tx, row.ownerAccountId);
        if (estate === null) throw new Error(`There is no estate of ${caseId}.`);
        const at = clock.now();
        if (estate.sunset > at) throw new Error(`The sunset of ${caseId} has not come yet.`);
        for (const gate of await gatesOf(room, tx, estate.ownerAccountId, at)) {
          await pause(room, tx, gate, { holder: `sunset:${caseId}`, reason: 'estate.sunset', at, by: estate.holderAccountId });
        }
      });
    },

    /** Job: the papers are read no more. */
    async destroyPapers(caseId: string): Promise<void> {
      await runTx(async (tx) => {
        const row = await store.findCase(tx, caseId);
        if (row === null) throw new Error(`There is no death report ${caseId}.`);
        // Another report over the same succession may still be under review.
        const open = await store.openCaseOf(tx, row.ownerAccountId);
        if (open !== null && open.successionId === row.successionId && open.state !== 'settled') return;
        await store.destroyPapers(tx, row.successionId, clock.now());
      });
    },
  };
}
