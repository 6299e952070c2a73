import type { StopFault } from '../support/stop-faults.ts';

/** What the processes of chaos and bench say to each other. */
export interface GatewaySettings {
  name: string;
  url: string;
  /** Of the monotonic clock, in hundredths. */
  rate: number;
  fault: StopFault | null;
  replicaUrl: string | null;
  /** Stops are found by renewals alone. */
  deafToNotify: boolean;
  releasePauseMs: number;
  /** Whose planted outputs it releases in truth, and which of them: every `of`th from `at` on. Null: rows of a probe table. */
  outputs: { account: string; at: number; of: number } | null;
}

export interface Target {
  cloneId: string;
  grantId: string;
  gates: string[];
  /** How many outputs were planted of it. */
  outputs?: number;
}

export type GatewayOrder =
  | { kind: 'stand'; still: boolean }
  /** From now on these, so many at once, each with a rest after it; of nothing is to stop. */
  | { kind: 'release'; clones: Target[]; atOnce: number; pauseMs?: number }
  /** Whether releases ask the gates: the same work without them, for a comparison. */
  | { kind: 'gates'; asked: boolean }
  | { kind: 'figures' }
  | { kind: 'end' };

export interface GatewayFigures {
  released: number;
  refused: number;
  failed: number;
  /** Asked for and not answered yet. */
  inFlight: number;
  /** Every stream that the lease cut, with the host's monotonic nanoseconds. */
  cut: { id: string; code: string; at: string }[];
  /** When each stream was last given bytes. */
  lastWrite: Record<string, string>;
}

export type GatewayNews =
  | { kind: 'listening'; port: number }
  | { kind: 'serving'; gatewayId: string }
  /** A renewal was answered, and what it saw was applied. */
  | { kind: 'renewed' }
  | { kind: 'figures'; figures: GatewayFigures; standing: string };

export type ListenerOrder =
  /** Slow ones read nothing until they are told to. */
  | { kind: 'open'; streams: { id: string; url: string }[]; slow: boolean }
  | { kind: 'resume' }
  | { kind: 'counts'; ids: string[] }
  | { kind: 'forget' }
  | { kind: 'end' };

export interface Heard {
  bytes: number;
  ended: boolean;
  status: number | null;
  lastAt: string;
}

export type ListenerNews = { kind: 'counts'; heard: Record<string, Heard> };
