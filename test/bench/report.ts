/** What a bench prints as its last line. */
export interface BenchReport {
  bench: string;
  figures: Record<string, number | string>;
  goals: Record<string, { goal: string; met: boolean }>;
}
