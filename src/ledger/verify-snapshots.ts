import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';
import type { ProblemCode, StoredAccount, StoredRollUp, StoredSnapshot } from './replay.ts';

/** Roll-ups as they are stored, with each row of sums by day taken apart again into what it added. */

type Report = (code: ProblemCode, id: string, detail: string) => void;

interface Row extends Omit<StoredSnapshot, 'days' | 'accountId'> {
  account: bigint;
  place: number;
  since: number;
  days: Day[] | null;
  sums: string[] | null;
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/** From sums up to each day to what belongs to the day. */
function byDay({ days, sums }: Row): Map<Day, bigint> {
  let before = 0n;
  return new Map((days ?? []).map((day, index) => {
    const sum = BigInt(sums?.[index] ?? 0);
    const own = sum - before;
    before = sum;
    return [day, own];
  }));
}

/** The places whose sums the row at a place repeats: it covers what came since the place without its lowest bit. */
function coveredPlaces(place: number): number[] {
  const covered: number[] = [];
  for (let walk = place - 1; walk > (place & (place - 1)); walk &= walk - 1) covered.push(walk);
  return covered;
}

/** Of one account, in order. */
function snapshotsOf(accountId: string, rows: readonly Row[], misplaced: (position: bigint) => void): StoredSnapshot[] {
  const placed = new Map<number, Map<Day, bigint>>();
  let last = 0;
  return rows.map((row) => {
    const { position, balanceMinor, settledSeq, highSeq, place, since } = row;
    const rest = { accountId, position, balanceMinor, settledSeq, highSeq };
    if (place !== last + (since === 0 ? 1 : 0)) misplaced(position);
    last = place;
    if (since !== 0) return { ...rest, days: null };
    const whole = byDay(row);
    placed.set(place, whole);
    const own = new Map(whole);
    for (const covered of coveredPlaces(place)) {
      for (const [day, sum] of placed.get(covered) ?? []) own.set(day, (own.get(day) ?? 0n) - sum);
      // No later place asks for it again.
      placed.delete(covered);
    }
    return { ...rest, days: own };
  });
}

export async function readSnapshots(
  tx: Tx, accounts: ReadonlyMap<string, StoredAccount>, report: Report,
): Promise<{ rollUps: StoredRollUp[]; at: Map<string, StoredSnapshot[]> }> {
  const rollUps = await sql<StoredRollUp>(
    tx, 'SELECT position, settled_seq AS "settledSeq", high_seq AS "highSeq" FROM ledger_roll_up ORDER BY position',
  );
  const rows = await sql<Row>(
    tx,
    `SELECT s.account_id AS account, s.position, s.balance_minor AS "balanceMinor", s.settled_seq AS "settledSeq",
            s.high_seq AS "highSeq", s.place, s.since, d.days::text[] AS days, d.sums_minor::text[] AS sums
       FROM ledger_balance_snapshot s LEFT JOIN ledger_balance_day d ON d.account_id = s.account_id AND d.place = s.place AND s.since = 0
       ORDER BY s.account_id, s.position`,
  );
  const byAccount = new Map<string, Row[]>();
  for (const row of rows) push(byAccount, String(row.account), row);
  const at = new Map<string, StoredSnapshot[]>();
  for (const [accountId, own] of byAccount) {
    const misplaced = (position: bigint): void => {
      report('day_total_wrong', `${accounts.get(accountId)?.code ?? accountId}@${String(position)}`, 'Sums by effective date are missing before it, or were not asked for.');
    };
    for (const snapshot of snapshotsOf(accountId, own, misplaced)) push(at, String(snapshot.position), snapshot);
  }
  return { rollUps, at };
}
