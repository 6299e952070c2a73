import pg from 'pg';

/** What `bench -- ledger` measures against and on. Everything is written through the tables' own constraints and triggers. */

export const HOT = { code: 'bench:hot:CNY', currency: 'CNY', class: 'liability' } as const;
export const FILL_ACCOUNTS = 1_000;
const CHUNK = 20_000;
/** At once: no core waits for the other. */
const WRITERS = 2;

export async function asClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** TPC-B's tables at a scale, as a function and as its statements, and a table for bare inserts. */
export async function makeBaselines(ownerUrl: string, scale: number): Promise<void> {
  await asClient(ownerUrl, async (client) => {
    await client.query(`
      CREATE TABLE bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount bigint NOT NULL);
      CREATE TABLE bench_branch (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 20);
      CREATE TABLE bench_teller (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 40);
      CREATE TABLE bench_account (id int PRIMARY KEY, balance bigint NOT NULL, filler char(84));
      CREATE TABLE bench_history (teller int, branch int, account int, delta int, at timestamptz, filler char(22));
      INSERT INTO bench_branch SELECT i, 0 FROM generate_series(1, ${scale}) i;
      INSERT INTO bench_teller SELECT i, 0 FROM generate_series(1, ${scale * 10}) i;
      INSERT INTO bench_account SELECT i, 0 FROM generate_series(1, ${scale * 10_000}) i;
      CREATE FUNCTION bench_tpcb(account int, teller int, branch int, delta int) RETURNS bigint LANGUAGE plpgsql AS $$
      DECLARE found bigint; BEGIN
        UPDATE bench_account SET balance = balance + delta WHERE id = account;
        SELECT balance INTO found FROM bench_account WHERE id = account;
        UPDATE bench_teller SET balance = balance + delta WHERE id = teller;
        UPDATE bench_branch SET balance = balance + delta WHERE id = branch;
        INSERT INTO bench_history VALUES (teller, branch, account, delta, now(), '');
        RETURN found;
      END $$;
      GRANT SELECT, INSERT, UPDATE ON bench_row, bench_branch, bench_teller, bench_account, bench_history TO benren_app;
    `);
  });
}

/** A seeded generator (mulberry32) that costs a client next to nothing: what is measured is not the dice. */
export function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/**
 * Two-leg transfers of one account that has half of all entries; one in a hundred is late by up to a year. Written by SQL through all of the
 * tables' constraints and triggers, in parts, after each of which the service's own roll-up runs, as it does every second.
 */
export async function fill(appUrl: string, transfers: number, rollUp: () => Promise<unknown>, tell: (done: number) => void): Promise<void> {
  await asClient(appUrl, async (client) => {
    await client.query(`INSERT INTO ledger_account (code, currency, class, guarded, floor_minor, content_hash)
      SELECT CASE WHEN i = 0 THEN '${HOT.code}' ELSE 'bench:fan' || i || ':CNY' END, 'CNY', CASE WHEN i = 0 THEN 'liability' ELSE 'asset' END, false, 0, sha256(i::text::bytea)
      FROM generate_series(0, ${FILL_ACCOUNTS}) i`);
  });
  const clients = Array.from({ length: WRITERS }, () => new pg.Client({ connectionString: appUrl }));
  await Promise.all(clients.map((client) => client.connect()));
  for (let from = 0; from < transfers; from += CHUNK) {
    const to = Math.min(transfers, from + CHUNK);
    // Every second one each, so that ids and keys still come in their order, or nearly.
    await Promise.all(clients.map((client, place) => client.query(filling(from + place, to, transfers))));
    await rollUp();
    tell(to);
  }
  await Promise.all(clients.map((client) => client.end()));
}

function filling(from: number, to: number, transfers: number): string {
  return `
    WITH asked AS MATERIALIZED (
      SELECT i, 'trf_' || lpad(i::text, 26, '0') AS id, 1 + (i * 7919::bigint) % ${FILL_ACCOUNTS} AS fan FROM generate_series(${from}, ${to - 1}, ${WRITERS}) i
    ), opened AS (
      INSERT INTO ledger_transfer (id, key, kind, effective_date, leg_count, content_hash, metadata)
        SELECT id, 'bench/fill/' || i, 'bench.paid', date '2026-01-01' + (i * 365::bigint / ${transfers})::int - CASE WHEN i % 100 = 0 THEN (i % 365)::int ELSE 0 END,
          2, sha256(id::bytea), jsonb_build_object('cloneId', 'cln_00000000000000000000000001', 'charge', 'ch_' || i, 'splitVersionId', 'spl_' || i % 12)
        FROM asked RETURNING seq, id
    )
    INSERT INTO ledger_entry (transfer_seq, leg, account_id, currency, amount_minor)
      SELECT o.seq, l.leg, a.id, 'CNY', l.sign * (1 + asked.i % 900)
      FROM opened o JOIN asked USING (id) CROSS JOIN (VALUES (1, 1), (2, -1)) AS l (leg, sign)
      JOIN ledger_account a ON a.code = CASE WHEN l.leg = 2 THEN '${HOT.code}' ELSE 'bench:fan' || asked.fan || ':CNY' END
      ORDER BY o.seq, l.leg`;
}

const BASE = {
  insert: { name: 'bench_insert', text: 'INSERT INTO bench_row (amount) VALUES ($1)' },
  tpcb: { name: 'bench_tpcb', text: 'SELECT bench_tpcb($1, $2, $3, $4)' },
  account: { name: 'bench_account', text: 'UPDATE bench_account SET balance = balance + $1 WHERE id = $2' },
  read: { name: 'bench_read', text: 'SELECT balance FROM bench_account WHERE id = $1' },
  teller: { name: 'bench_teller', text: 'UPDATE bench_teller SET balance = balance + $1 WHERE id = $2' },
  branch: { name: 'bench_branch', text: 'UPDATE bench_branch SET balance = balance + $1 WHERE id = $2' },
  history: { name: 'bench_history', text: `INSERT INTO bench_history VALUES ($1, $2, $3, $4, now(), '')` },
};

/** One step of each baseline on one connection: (a) a bare insert, (b) TPC-B in one call, (c) TPC-B in seven statements. */
export function baselines(client: pg.Client, scale: number, roll: (below: number) => number): Record<'a' | 'b' | 'c', () => Promise<number>> {
  const some = (): [account: number, teller: number, branch: number, delta: number] => [1 + roll(scale * 10_000), 1 + roll(scale * 10), 1 + roll(scale), roll(10_000) - 5_000];
  return {
    async a() {
      await client.query({ ...BASE.insert, values: [roll(1_000)] });
      return 1;
    },
    async b() {
      await client.query({ ...BASE.tpcb, values: some() });
      return 1;
    },
    async c() {
      const [account, teller, branch, delta] = some();
      await client.query('BEGIN');
      await client.query({ ...BASE.account, values: [delta, account] });
      await client.query({ ...BASE.read, values: [account] });
      await client.query({ ...BASE.teller, values: [delta, teller] });
      await client.query({ ...BASE.branch, values: [delta, branch] });
      await client.query({ ...BASE.history, values: [teller, branch, account, delta] });
      await client.query('COMMIT');
      return 1;
    },
  };
}
