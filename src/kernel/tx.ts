declare const brand: unique symbol;

/**
 * A running database transaction, as an opaque token. A use case opens it and passes it on; only
 * `platform/postgres` looks inside. Inside one, only the database is touched.
 */
export interface Tx {
  readonly [brand]: 'tx';
}

export type IsolationLevel = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

/** Runs `work` in one transaction; commits when it returns, rolls back when it throws. */
export type RunTx = <T>(work: (tx: Tx) => Promise<T>, options?: { isolation?: IsolationLevel }) => Promise<T>;

/** The caller's idempotency key on a write, already bound to who calls what. */
export interface IdempotencyKey {
  /** `<accountId>:<operationId>`, so that one caller's key never meets another's. */
  scope: string;
  key: string;
  /** SHA-256 of the canonical request. */
  digest: string;
}
