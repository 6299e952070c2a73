/**
 * The one way out. What is promised here: nothing is rendered that was not decided, and nothing leaves that was not
 * released; a release commits wholly before a stop or not at all, for raw SQL too; every released file opens with the
 * disclosure of its territory, carries label and C2PA manifest, and no request can change that; a fan's hold is spent by
 * the release and by nothing else; and stored media is given out only through a source that asks again before every write.
 *
 * `pipeline.ts` is the way itself. Every media operation of the contract is served here. What a gateway remembers of its database, and distrusts, is
 * consent's (lease-model).
 */
export { makeGateway, type Gateway } from './service.ts';
export type { GatewayDeps } from './deps.ts';
export { makeGatewayHandlers } from './handlers.ts';
export { makeGatewayJobs } from './jobs.ts';
export { PROBE_SENTENCES, STATUS_TEXTS, STEPS, type OutputState, type PublicStatus, type Step } from './model.ts';
