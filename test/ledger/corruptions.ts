import { canonicalJson, type JsonObject } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { Tx } from '../../src/kernel/tx.ts';
import { contentHash } from '../../src/ledger/model.ts';
import { sql } from '../../src/platform/postgres/index.ts';

/**
 * What somebody who owns the tables and switches triggers off can do, a hundred times each. Half of them cleverly: hashes are
 * made to fit, and what was summed up is thrown away, so that everything adds up and only a leaf hash can tell.
 */
export const KINDS = [
  'one amount', 'a balanced pair', 'a whole transfer deleted', 'the tail cut', 'effective date', 'output or split id',
  'idempotency row', 'hold state', 'balance snapshot', 'statement line',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Corruption {
  kind: Kind;
  clever: boolean;
  apply: (tx: Tx) => Promise<void>;
  /** What a report must name, in an id or a detail; one of them is enough. */
  names: RegExp;
}

export interface Target {
  seq: string;
  id: string;
  position: number;
  key: string;
}

/** What stands in the ledger that is attacked, all of it sealed and under the checkpoint. */
export interface Targets {
  /** Transfers that no reversal, hold or statement speaks of. */
  plain: Target[];
  top: number;
  holds: { seq: string; id: string; outcome: 'captured' | 'voided' | 'expired' | null }[];
  snapshots: { account: string; code: string; position: string }[];
  lines: { statement: string; transferId: string; leg: number }[];
}

const run = async (tx: Tx, ...statements: string[]): Promise<void> => {
  for (const statement of statements) await sql(tx, statement);
};

/** Without them every sum is made from the entries, so none contradicts them. */
const forgetSums = ['ledger_balance_day', 'ledger_balance_snapshot', 'ledger_roll_up', 'ledger_close_total', 'ledger_close'].map((table) => `DELETE FROM ${table}`);

/** Makes a transfer's hash fit what it says now. */
async function rehash(tx: Tx, { seq }: Target): Promise<void> {
  const [row] = await sql<{ key: string; kind: string; effectiveDate: string; metadata: JsonObject; accounts: string[]; currencies: string[]; amounts: string[] }>(
    tx,
    `SELECT t.key, t.kind, t.effective_date AS "effectiveDate", t.metadata, array_agg(a.code::text ORDER BY e.leg) AS accounts,
            array_agg(e.currency ORDER BY e.leg) AS currencies, array_agg(e.amount_minor::text ORDER BY e.leg) AS amounts
       FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq JOIN ledger_account a ON a.id = e.account_id WHERE t.seq = ${seq} GROUP BY t.seq, t.key, t.kind, t.effective_date, t.metadata`,
  );
  const legs = row!.accounts.map((account, i) => ({ account, currency: row!.currencies[i]!, amountMinor: BigInt(row!.amounts[i]!) }));
  const hash = contentHash({ ...row!, reverses: null, captures: null, legs });
  await sql(tx, 'UPDATE ledger_transfer SET content_hash = $1 WHERE seq = $2', [hash, seq]);
}

type Make = (pick: <T>(from: readonly T[]) => T, roll: (below: number) => number, clever: boolean, targets: Targets) => Pick<Corruption, 'apply' | 'names'>;

/** A change of one transfer's words, with its hash made to fit when it is clever. */
function changed(target: Target, clever: boolean, change: string): Pick<Corruption, 'apply' | 'names'> {
  return {
    names: new RegExp(target.id),
    apply: async (tx) => {
      await run(tx, change);
      if (clever) {
        await rehash(tx, target);
        await run(tx, ...forgetSums);
      }
    },
  };
}

const deleted = (seq: string): string[] => [`DELETE FROM ledger_entry WHERE transfer_seq = ${seq}`, `DELETE FROM ledger_transfer WHERE seq = ${seq}`];

const MAKES: Record<Kind, Make> = {
  'one amount': (pick, roll, _clever, { plain }) => {
    const target = pick(plain);
    const change = `amount_minor + ${1 + roll(50)} * sign(amount_minor)::bigint`;
    return changed(target, false, `UPDATE ledger_entry SET amount_minor = ${change} WHERE transfer_seq = ${target.seq} AND leg = ${1 + roll(2)}`);
  },
  'a balanced pair': (pick, roll, clever, { plain }) => {
    const target = pick(plain);
    return changed(target, clever, `UPDATE ledger_entry SET amount_minor = amount_minor * ${2 + roll(7)} WHERE transfer_seq = ${target.seq}`);
  },
  'a whole transfer deleted': (pick, roll, clever, { plain, top }) => {
    const target = pick(plain);
    const { position: at, seq } = target;
    if (!clever) {
      const withPosition = roll(2) === 0 ? [] : [`DELETE FROM ledger_position WHERE transfer_seq = ${seq}`];
      return { names: new RegExp(`\\b${at}\\b|\\b${at + 1}\\b`), apply: (tx) => run(tx, ...deleted(seq), ...withPosition) };
    }
    // Those behind it move up, so that no gap is left.
    return {
      names: new RegExp(`position ${at}\\b|\\b${top}\\b`),
      apply: (tx) => run(
        tx, ...forgetSums, `DELETE FROM ledger_position WHERE position = ${at}`, ...deleted(seq),
        `UPDATE ledger_position SET position = position + 1000000 WHERE position > ${at}`,
        'UPDATE ledger_position SET position = position - 1000001 WHERE position > 1000000',
        `UPDATE statement_close SET from_position = from_position - (from_position >= ${at})::int, to_position = to_position - (to_position >= ${at})::int`,
      ),
    };
  },
  'the tail cut': (_pick, roll, clever, { top }) => {
    const keep = Math.floor(top / 2) + roll(Math.floor(top / 2) - 1);
    const cut = [
      ...forgetSums,
      `DELETE FROM ledger_entry WHERE transfer_seq IN (SELECT transfer_seq FROM ledger_position WHERE position > ${keep}) OR NOT EXISTS (SELECT 1 FROM ledger_position p WHERE p.transfer_seq = ledger_entry.transfer_seq)`,
      `DELETE FROM ledger_transfer WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.transfer_seq = seq)`, `DELETE FROM ledger_position WHERE position > ${keep}`,
    ];
    if (!clever) return { names: new RegExp(`\\b${keep + 1}\\b`), apply: (tx) => run(tx, ...cut) };
    const more = roll(2) === 0 ? [] : [
      'DELETE FROM log_position WHERE index >= (SELECT min(p.index) FROM log_position p WHERE NOT EXISTS (SELECT 1 FROM ledger_seal s WHERE s.leaf_id = p.leaf_id) AND EXISTS (SELECT 1 FROM log_leaf l WHERE l.id = p.leaf_id AND l.type = \'ledger.sealed\'))',
    ];
    return { names: /^lef_|leaf \d+/, apply: (tx) => run(tx, ...cut, `DELETE FROM ledger_seal WHERE to_position > ${keep}`, ...more) };
  },
  'effective date': (pick, roll, clever, { plain }) => {
    const target = pick(plain);
    return changed(target, clever, `UPDATE ledger_transfer SET effective_date = effective_date + ${1 + roll(400)} WHERE seq = ${target.seq}`);
  },
  'output or split id': (pick, roll, clever, { plain }) => {
    const target = pick(plain);
    const name = pick(['outputId', 'splitVersionId', 'charge']);
    return changed(target, clever, `UPDATE ledger_transfer SET metadata = metadata || '{"${name}": "other_${roll(1e6)}"}' WHERE seq = ${target.seq}`);
  },
  'idempotency row': (pick, roll, clever, { plain, holds }) => {
    if (!clever && roll(3) === 0) {
      const hold = pick(holds);
      const change = roll(2) === 0 ? `key = key || '/x'` : `content_hash = sha256('${roll(1e6)}')`;
      return { names: new RegExp(hold.id), apply: (tx) => run(tx, `UPDATE ledger_hold SET ${change} WHERE seq = ${hold.seq}`) };
    }
    const target = pick(plain);
    const change = clever || roll(2) === 0 ? `key = key || '/${roll(1e6)}'` : `content_hash = sha256('${roll(1e6)}')`;
    return changed(target, clever, `UPDATE ledger_transfer SET ${change} WHERE seq = ${target.seq}`);
  },
  'hold state': (pick, roll, clever, { holds }) => {
    const ended = pick(holds.filter(({ outcome }) => outcome !== null));
    const names = new RegExp(`${ended.id}|hold ${ended.seq} ended`);
    const forgotten = `DELETE FROM ledger_hold_resolution WHERE hold_seq = ${ended.seq}`;
    if (clever) {
      // It is made open again, as PostgreSQL's triggers would keep it.
      const free = pick(holds.filter(({ outcome }) => outcome === 'voided' || outcome === 'expired'));
      return {
        names: new RegExp(`${free.id}|hold ${free.seq} ended`),
        apply: (tx) => run(
          tx, `DELETE FROM ledger_hold_resolution WHERE hold_seq = ${free.seq}`, `INSERT INTO ledger_hold_open SELECT seq, expires_at FROM ledger_hold WHERE seq = ${free.seq}`,
          `INSERT INTO ledger_hold_claim SELECT l.account_id, l.hold_seq, l.amount_minor FROM ledger_hold_leg l JOIN ledger_account a ON a.id = l.account_id WHERE l.hold_seq = ${free.seq} AND a.guarded`,
        ),
      };
    }
    const other = ended.outcome === 'voided' ? `outcome = 'expired'` : ended.outcome === 'expired' ? `outcome = 'voided'` : `at = at + interval '${1 + roll(50)} days'`;
    return {
      names,
      apply: (tx) => run(tx, pick([
        forgotten, `UPDATE ledger_hold_resolution SET ${other} WHERE hold_seq = ${ended.seq}`, `UPDATE ledger_hold_leg SET amount_minor = amount_minor * 2 WHERE hold_seq = ${ended.seq}`,
        `INSERT INTO ledger_hold_open SELECT seq, expires_at FROM ledger_hold WHERE seq = ${ended.seq}`,
      ])),
    };
  },
  'balance snapshot': (pick, roll, _clever, { snapshots }) => {
    const { account, code, position } = pick(snapshots);
    const where = `account_id = ${account} AND position = ${position}`;
    const days = `(account_id, place) = (SELECT account_id, place FROM ledger_balance_snapshot WHERE ${where})`;
    return {
      names: new RegExp(`^${code.replaceAll('.', '\\.')}(@|$)`),
      apply: (tx) => run(tx, pick([
        `UPDATE ledger_balance_snapshot SET balance_minor = balance_minor + ${1 + roll(99)} WHERE ${where}`, `UPDATE ledger_balance_day SET sums_minor[1] = sums_minor[1] - ${1 + roll(99)} WHERE ${days}`,
        `UPDATE ledger_balance_snapshot SET settled_seq = settled_seq + ${1 + roll(99)} WHERE ${where}`, `DELETE FROM ledger_balance_day WHERE ${days}`,
      ])),
    };
  },
  'statement line': (pick, roll, clever, { lines }) => {
    const { statement, transferId, leg } = pick(lines);
    const where = `transfer_id = '${transferId}' AND leg = ${leg}`;
    const names = new RegExp(`${statement}|${transferId}`);
    if (!clever) {
      return {
        names,
        apply: (tx) => run(tx, pick([
          `UPDATE statement_line SET amount_minor = amount_minor + ${1 + roll(99)} WHERE ${where}`, `DELETE FROM statement_line WHERE ${where}`,
          `UPDATE statement_line SET line_id = '9999' WHERE ${where}`, `UPDATE statement_line SET transfer_id = 'trf_none' WHERE ${where}`,
        ])),
      };
    }
    // The document is rewritten with its digest: what was for one line is for another, and it still adds up.
    return {
      names,
      apply: async (tx) => {
        const [row] = await sql<{ canonical: string }>(tx, 'SELECT canonical FROM statement WHERE id = $1', [statement]);
        const document = JSON.parse(row!.canonical) as { lines: { amountMinor: string; label: string }[] };
        document.lines[roll(document.lines.length)]!.label = `other ${roll(1e6)}`;
        const canonical = canonicalJson(document);
        await sql(tx, 'UPDATE statement SET canonical = $2, digest = $3 WHERE id = $1', [statement, canonical, sha256Hex(canonical)]);
      },
    };
  },
};

/** `each` of every kind, from a seed. */
export function makeCorruptions(seed: string, targets: Targets, each: number): Corruption[] {
  const random = seededRandom(seed);
  const roll = (below: number): number => Buffer.from(random.bytes(4)).readUInt32BE() % below;
  const pick = <T>(from: readonly T[]): T => from[roll(from.length)]!;
  return KINDS.flatMap((kind) => Array.from({ length: each }, (_, index) => {
    const clever = index % 2 === 1;
    return { kind, clever, ...MAKES[kind](pick, roll, clever, targets) };
  }));
}
