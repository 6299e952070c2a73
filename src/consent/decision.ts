import type { PlatformFacts } from './legal.ts';

export type GateKind = 'platform' | 'clone' | 'capability' | 'grant' | 'licence';
export type GateStateName = 'open' | 'paused' | 'stopped';

/** A gate as a decision saw it. The epoch is a decimal string, since receipts are JSON. */
export interface SeenGate {
  gateId: string;
  kind: GateKind;
  state: GateStateName;
  epoch: string;
}

/**
 * What is to be done: `make` an output, `release` one that was made, `read` one that was released, `train` a model on a
 * source, `derive` one from a trained one, `keep_model` when the grant may be over, `sublicense`, `audit` the books.
 */
export const ACTS = ['make', 'release', 'read', 'train', 'derive', 'keep_model', 'sublicense', 'audit'] as const;
export type Act = (typeof ACTS)[number];

/** What the content is, as the content check found it or the request itself says. */
export interface ContentLabels {
  adult: boolean;
  political: boolean;
  endorsements: readonly string[];
}

/** What is paid for it. `ownerBasisPoints`: the owner's share by the split in force; null when there is none. */
export interface Sale {
  priceMinor: string;
  currency: string;
  ownerBasisPoints: number | null;
}

/** What is asked for. `text` is everything the clone would say. */
export interface DecisionRequest {
  act: Act;
  cloneId: string;
  capability: string;
  medium: string;
  language: string;
  audience: 'fan' | 'owner' | 'reviewer';
  requester: string;
  /** `platform`, or the organisation whose licence it is asked under. */
  licensee: string;
  tierName: string | null;
  /** Where the listener says they are, and where their payment says so; both must be granted. */
  declaredCountry: string | null;
  billingCountry: string | null;
  ageBand: string | null;
  purpose: string;
  /** The work, campaign or product it is for; null for none in particular. */
  work: string | null;
  /** The material to train on. */
  source: string | null;
  text: string;
  labels: ContentLabels;
  /** Whether the output will carry its explicit label. */
  explicitLabel: boolean;
  /** How long the output is expected to be. */
  seconds: number;
  sale: Sale | null;
  at: Date;
}

/** How much was made, or is under way, before this request; `any` is the sum over all capabilities. */
export interface Usage {
  capability: string;
  window: 'day' | 'term';
  outputs: number;
  seconds: number;
}

/** Everything else a decision depends on, as plain JSON, so that a receipt can carry it. */
export interface DecisionState {
  clone: { cloneId: string; ownerAccountId: string; name: string } | null;
  ownership: { proofId: string; state: string; expiresAt: string | null } | null;
  version: { versionId: string; number: number; state: string } | null;
  /** The document is read with care: it may be any JSON. */
  grant: { grantId: string; digest: string; status: string; document: unknown } | null;
  /**
   * The organisation's licence, when it is asked under one: then both must allow, and its gate is among the gates. Its own caps
   * are compared with its own usage; where none is recorded, with the grant's, which is stricter.
   */
  licence?: { licenceId: string; digest: string; status: string; document: unknown; usage?: readonly Usage[] } | null;
  gates: readonly SeenGate[];
  usage: readonly Usage[];
  /** The output that is to be released or read; null for one that is to be made. */
  output: { verdict: 'approved' | 'rejected' | null; verdictAt: string | null; releasedAt: string | null } | null;
  deceasedAt: string | null;
  windDownSince: string | null;
  platform: PlatformFacts;
}

/** Allowed with the clauses that carried it, or denied with every clause that denied. */
export interface Answer {
  allowed: boolean;
  clauses: string[];
}

/** The purposes that belong to an audience of its own and are therefore not named in a grant. */
export const OWNER_PURPOSE = 'probe';
export const REVIEWER_PURPOSE = 'review';
