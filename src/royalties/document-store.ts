import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';

export interface SignatureRow {
  /** `platform` or an account. */
  signer: string;
  signedDocumentId: string;
  signedAt: Date;
}

interface DocumentStore<Row> {
  find: (tx: Tx, id: string) => Promise<Row | null>;
  /** As `find`, with its row locked until the transaction ends. */
  lock: (tx: Tx, id: string) => Promise<Row | null>;
  /** The first signed first. */
  signaturesOf: (tx: Tx, id: string) => Promise<SignatureRow[]>;
  insertSignature: (tx: Tx, id: string, row: SignatureRow) => Promise<void>;
}

/**
 * What documents that several people sign have in common as rows. `from` is their table, `columns` what a row is read as, `signatures` the table of
 * their signatures and `of` its column that names the document; all of it text of this room's own.
 */
export function documentStore<Row>({ from, columns, signatures, of }: { from: string; columns: string; signatures: string; of: string }): DocumentStore<Row> {
  return {
    find: (tx, id) => maybeOne<Row>(tx, `SELECT ${columns} FROM ${from} WHERE id = $1`, [id]),
    lock: (tx, id) => maybeOne<Row>(tx, `SELECT ${columns} FROM ${from} WHERE id = $1 FOR UPDATE`, [id]),
    signaturesOf: (tx, id) => sql<SignatureRow>(
      tx, `SELECT signer, signed_document_id AS "signedDocumentId", signed_at AS "signedAt" FROM ${signatures} WHERE ${of} = $1 ORDER BY signed_at, signer`, [id],
    ),
    async insertSignature(tx, id, { signer, signedDocumentId, signedAt }) {
      await sql(tx, `INSERT INTO ${signatures} (${of}, signer, signed_document_id, signed_at) VALUES ($1, $2, $3, $4)`, [id, signer, signedDocumentId, signedAt]);
    },
  };
}
