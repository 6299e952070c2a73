import { account } from './reference/state.ts';
import type { Story } from './story.ts';

/** What must hold after every step. Each answers what is wrong, in words; nothing when nothing is. */

const text = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join(' ');

/** By PostgreSQL alone: zero sums, guarded floors, and counters that are what they count. */
const INVARIANTS: Readonly<Record<string, string>> = {
  'a currency does not sum to zero': 'SELECT currency, sum(amount_minor)::text AS off FROM ledger_entry GROUP BY currency HAVING sum(amount_minor) <> 0',
  'a transfer does not sum to zero':
    'SELECT transfer_seq::text AS transfer, currency FROM ledger_entry GROUP BY transfer_seq, currency HAVING sum(amount_minor) <> 0 LIMIT 5',
  'an account is below its floor': `
    SELECT a.code, sum(e.amount_minor)::text AS balance FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.guarded
    GROUP BY a.id HAVING CASE WHEN a.class IN ('asset', 'expense') THEN sum(e.amount_minor) ELSE -sum(e.amount_minor) END < a.floor_minor`,
  'a period counts other holds than it has': `
    SELECT p.id FROM subscription_period p LEFT JOIN quota_hold h ON h.period_id = p.id GROUP BY p.id
    HAVING p.held <> count(h.id) FILTER (WHERE h.state = 'held') OR p.captured <> count(h.id) FILTER (WHERE h.state = 'captured')`,
  'a hold was captured without a release': `SELECT id FROM quota_hold WHERE (state = 'captured') <> (release_id IS NOT NULL)`,
  'an entry was divided twice': 'SELECT transfer_id, leg FROM royalty_run_entry GROUP BY transfer_id, leg HAVING count(*) > 1',
  'a pot is not its shares': `
    SELECT p.id FROM royalty_pot p JOIN royalty_pot_leg l ON l.pot_id = p.id GROUP BY p.id HAVING p.amount_minor <> sum(l.amount_minor)`,
  'a leg returned more than it got': `
    SELECT l.pot_id, l.leg FROM royalty_pot_leg l JOIN goodwill_leg g ON g.pot_id = l.pot_id AND g.leg = l.leg 
    GROUP BY l.pot_id, l.leg, l.payee, l.amount_minor, l.share_minor
    HAVING sum(g.share_minor) > l.share_minor OR (l.payee <> 'platform' AND sum(g.amount_minor) > l.amount_minor)`,
  'a charge was refunded beyond itself': `SELECT id FROM subscription_period WHERE refunded_minor > gross_minor`,
  // Statements do not change: those of earlier steps were looked at then.
  'a statement does not close with its lines': `
    SELECT s.id FROM statement s
    WHERE s.id > $1 AND ((SELECT coalesce(sum((line ->> 'amountMinor')::bigint), 0) FROM jsonb_array_elements(s.canonical::jsonb -> 'lines') AS line)
        IS DISTINCT FROM s.closing_minor - (s.canonical::jsonb ->> 'openingMinor')::bigint
      OR (SELECT coalesce(sum((total ->> 'totalMinor')::bigint), 0) FROM jsonb_array_elements(s.canonical::jsonb -> 'totals') AS total)
        IS DISTINCT FROM s.closing_minor - (s.canonical::jsonb ->> 'openingMinor')::bigint)`,
};

/** All of them in one question, each answering at most three rows that are wrong. */
const ALL_INVARIANTS = Object.entries(INVARIANTS)
  .map(([what, query]) => `SELECT '${what}' AS what, (SELECT jsonb_agg(to_jsonb(wrong)) FROM (SELECT * FROM (${query}) AS asked LIMIT 3) AS wrong) AS rows`).join('\nUNION ALL\n');

/** The newest statement that was looked at. */
const looked = new WeakMap<Story, string>();

async function broken(story: Story): Promise<string[]> {
  const answers = await story.stage.ask<{ what: string; rows: object[] | null; newest: string }>(
    `SELECT asked.*, (SELECT coalesce(max(id), '') FROM statement) AS newest FROM (${ALL_INVARIANTS}) AS asked`, [looked.get(story) ?? '']);
  looked.set(story, answers[0]?.newest ?? '');
  return answers.flatMap(({ what, rows }) => (rows === null ? [] : [`${what}: ${text(rows)}`]));
}

/** How far the ledger was summed up, and to what. Nothing is under way when somebody looks, so nothing older appears later. */
const summed = new WeakMap<Story, { seq: string; balances: Map<string, bigint> }>();

/** By account; from the first entry, or from where it was summed up to. */
async function ledgerBalances(story: Story, whole: boolean): Promise<Map<string, bigint>> {
  const before = whole ? undefined : summed.get(story);
  const rows = await story.stage.ask<{ code: string; balance: string; seq: string }>(`
    SELECT a.code, sum(e.amount_minor)::text AS balance, max(e.transfer_seq)::text AS seq FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
    WHERE e.transfer_seq > $1 GROUP BY a.code`, [before?.seq ?? '-1']);
  const balances = new Map(before?.balances);
  for (const { code, balance } of rows) balances.set(code, (balances.get(code) ?? 0n) + BigInt(balance));
  for (const [code, balance] of balances) if (balance === 0n) balances.delete(code);
  const seq = rows.reduce((most, row) => (BigInt(row.seq) > most ? BigInt(row.seq) : most), BigInt(before?.seq ?? '-1'));
  summed.set(story, { seq: seq.toString(), balances });
  return balances;
}

/** Where the ledger and the model differ, account by account. */
function differences(ours: Map<string, bigint>, theirs: Map<string, bigint>): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])].sort()
    .filter((code) => (ours.get(code) ?? 0n) !== (theirs.get(code) ?? 0n))
    .map((code) => `${code} stands at ${ours.get(code) ?? 0n}, the model says ${theirs.get(code) ?? 0n}`);
}

/** Our cash at the processor is what its own book of balance transactions says. Late news are news: the model is behind by the same. */
function cash(story: Story, ours: Map<string, bigint>): string[] {
  if (story.late) return [];
  const theirs = story.stage.sandbox.control.book().filter((entry) => entry.platform && entry.currency === 'CNY').reduce((sum, entry) => sum + entry.netMinor, 0n);
  const mine = ours.get(account.cash) ?? 0n;
  return mine === theirs ? [] : [`our cash at the processor is ${mine}, its book says ${theirs}`];
}

async function quotas(story: Story): Promise<string[]> {
  const rows = await story.stage.ask<{ key: string; held: number; captured: number }>(
    `SELECT account_id || ' ' || clone_id || ' ' || start_day AS key, held, captured FROM subscription_period WHERE held + captured > 0`);
  const counted = new Map(rows.map(({ key, held, captured }) => [key, `${held} held, ${captured} spent`]));
  const expected = new Map([...story.reference.books.periods.values()].filter(({ quota }) => quota.held + quota.captured > 0)
    .map(({ id, quota }) => [id, `${quota.held} held, ${quota.captured} spent`]));
  return [...new Set([...counted.keys(), ...expected.keys()])].filter((key) => counted.get(key) !== expected.get(key))
    .map((key) => `period ${key}: ${counted.get(key) ?? 'nothing'}, the model says ${expected.get(key) ?? 'nothing'}`);
}

/** Charges at the processor are those that the calendar asks for. */
function charges(story: Story): string[] {
  if (story.late) return [];
  const told = story.stage.sandbox.control.book().filter((entry) => entry.platform && entry.type === 'charge').length;
  const asked = story.periods.length + story.lots.length;
  return told === asked ? [] : [`${told} charges at the processor, ${asked} by the calendar and for packs`];
}

/** Balances that are kept ready are the sums of their entries, before and after they are rolled up. */
async function snapshots(story: Story, ours: Map<string, bigint>): Promise<string[]> {
  const { stage } = story;
  if (story.random.below(4) === 0) {
    await stage.rooms.ledger.sequence();
    await stage.rooms.ledger.rollUp();
  }
  const codes = [...ours.keys()].sort().filter(() => story.random.below(4) === 0).slice(0, 4);
  const found: string[] = [];
  for (const code of codes) {
    const balance = await stage.tx((tx) => stage.rooms.ledger.balance(tx, { code }));
    if (balance !== ours.get(code)) found.push(`${code} is kept as ${balance} and sums to ${ours.get(code) ?? 0n}`);
  }
  return found;
}

/**
 * Everything that must hold now. `new`: what was written to the ledger since somebody looked, held against the model, the processor's book and the
 * calendar; `whole`: all of it, and what PostgreSQL alone can tell; `replayed`: the ledger from its first entry too.
 */
export async function check(story: Story, how: 'new' | 'whole' | 'replayed' = 'whole'): Promise<string[]> {
  const ours = await ledgerBalances(story, how !== 'new');
  const found = [...differences(ours, story.reference.balances()), ...cash(story, ours), ...charges(story), ...await snapshots(story, ours)];
  if (how !== 'new') found.push(...await broken(story), ...await quotas(story));
  if (how !== 'replayed') return found;
  const { problems } = await story.stage.rooms.ledger.verify();
  return [...found, ...problems.map((problem) => `verify: ${JSON.stringify(problem, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}`)];
}

/** How much is written where money leaves traces: what is refused changes none of it. */
export async function fingerprint(story: Story): Promise<string> {
  const [row] = await story.stage.ask<{ traces: string }>(`
    SELECT concat_ws('/', (SELECT count(*) FROM ledger_entry), (SELECT coalesce(sum(abs(amount_minor)), 0) FROM ledger_entry), (SELECT count(*) FROM subscription),
      (SELECT count(*) FROM subscription_period), (SELECT count(*) FROM refund), (SELECT count(*) FROM goodwill_day), (SELECT count(*) FROM payout),
      (SELECT count(*) FROM royalty_run), (SELECT count(*) FROM statement), (SELECT count(*) FROM split), (SELECT count(*) FROM tier)) AS traces`);
  return row?.traces ?? '';
}
