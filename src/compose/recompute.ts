import { parseStrictJson } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
// The pure files themselves, not the door: whoever works a statement out again needs no database.
import { recompute } from '../royalties/recompute.ts';
import type { Events, StatementIn } from '../royalties/recompute-types.ts';

/** What `benren recompute` prints: each figure with what it was worked out to, and whether all are the same. */
export interface Worked {
  ok: boolean;
  lines: string[];
}

class Unreadable extends Error {}

function membersOf(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value = parseStrictJson(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof RangeError)) throw error;
  }
  throw new Unreadable(`${what} is no JSON object.`);
}

/** The statement inside whichever file it came in: the answer of getStatement, a proof, the signed receipt, or the bare document. */
function statementIn(bytes: Uint8Array): StatementIn {
  let value = membersOf(bytes, 'The statement');
  for (const name of ['receipt', 'document']) {
    const inner = value[name];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) value = inner as Record<string, unknown>;
  }
  if (value['type'] !== 'benren.statement') throw new Unreadable('The first file is no statement.');
  if (value['schemaVersion'] !== 2) throw new Unreadable('A statement of the first version has one line an entry; it is added up by `benren verify`.');
  return value as unknown as StatementIn;
}

function eventsIn(files: readonly Uint8Array[]): Events {
  const pages = files.map((bytes) => membersOf(bytes, 'An events file'));
  const [first] = pages;
  if (first === undefined || pages.some((page) => page['type'] !== 'benren.statement_events')) throw new Unreadable('Give the statement\'s events with --events.');
  const same = ['statementId', 'payee', 'currency', 'fromPosition', 'toPosition'];
  if (pages.some((page) => same.some((name) => page[name] !== first[name]))) throw new Unreadable('The events files are of different statements.');
  const all = (name: string): unknown[] => pages.flatMap((page) => (Array.isArray(page[name]) ? (page[name] as unknown[]) : []));
  return { ...first, splits: all('splits'), entries: all('entries'), earned: all('earned') } as unknown as Events;
}

/** Works a statement out again from its events, offline. Never throws for anything in the files. */
export function recomputeFiles(statement: Uint8Array, events: readonly Uint8Array[]): Worked {
  try {
    const { ok, findings } = recompute(statementIn(statement), eventsIn(events));
    const lines = findings.map((one) => (one.ok ? `same       ${one.what}: ${one.stated}` : `DIFFERENT  ${one.what}: stated ${one.stated}, worked out ${one.worked}`));
    const wrong = findings.filter((one) => !one.ok).length;
    return { ok, lines: [...lines, ok ? `All ${findings.length} figures come out the same.` : `${wrong} of ${findings.length} figures differ.`] };
  } catch (error) {
    // What is not of the contract's form, such as an amount that is no number, is no statement of ours.
    if (error instanceof Unreadable || error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError) {
      return { ok: false, lines: [`Cannot be worked out: ${error.message}`] };
    }
    throw error;
  }
}
