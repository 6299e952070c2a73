import type { components } from '../../contracts/generated/api.ts';

/** What is worked out again, and from what: the files that a payee holds. */
export type StatementIn = Extract<components['schemas']['StatementDocument'], { schemaVersion: 2 }>;
export type LineIn = StatementIn['lines'][number];
export type PotIn = StatementIn['pots'][number];

type Page = components['schemas']['StatementEvents'];
export type EntryEvent = Page['entries'][number];
export type EarnedEvent = Page['earned'][number];
export type SplitIn = Page['splits'][number];
export type ReturnIn = NonNullable<EntryEvent['returns']>[number];

/** All pages of a statement's events, joined. */
export type Events = Omit<Page, 'next'>;
