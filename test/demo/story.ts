import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatMinor } from '../../src/kernel/money.ts';

/** One step of the journey, as it stands in summary.json. */
export interface StepResult {
  step: string;
  ok: boolean;
  milliseconds: number;
  files: string[];
}

/** What a step may do to the story: say what it checked, and keep files. */
export interface Telling {
  /** A fact that was just checked. */
  checked: (fact: string) => void;
  /** Keeps bytes under `.benren/demo/` and names them in the summary. */
  keep: (name: string, content: string | Uint8Array) => string;
}

export interface Story {
  tell: (step: string, work: (telling: Telling) => Promise<void>) => Promise<void>;
  results: readonly StepResult[];
  /** Writes summary.json, and the story as it was told. */
  close: () => void;
}

/** Minor units as people read them. */
export function yuan(minor: string | bigint): string {
  return formatMinor(BigInt(minor), 'CNY');
}

/** Fails a step in words. */
export function must(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new Error(`Not so: ${claim}`);
}

/** The story is printed while it happens: one line a step, and below it what was checked. */
export function makeStory(folder: string, print: (line: string) => void): Story {
  const results: StepResult[] = [];
  const told: string[] = [];
  const say = (line: string): void => {
    told.push(line);
    print(line);
  };
  mkdirSync(folder, { recursive: true });

  return {
    results,
    async tell(step, work) {
      const started = performance.now();
      const facts: string[] = [];
      const files: string[] = [];
      const telling: Telling = {
        checked: (fact) => void facts.push(fact),
        keep(name, content) {
          writeFileSync(join(folder, name), content);
          files.push(name);
          return join(folder, name);
        },
      };
      let failure: unknown;
      try {
        await work(telling);
      } catch (error) {
        failure = error;
      }
      const milliseconds = Math.round(performance.now() - started);
      const ok = failure === undefined;
      results.push({ step, ok, milliseconds, files });
      say(`${ok ? '✓' : '✗'} ${step}  (${milliseconds.toLocaleString('en-US')} ms)`);
      for (const fact of facts) say(`    ${fact}`);
      if (files.length > 0) say(`    → ${files.join(', ')}`);
      if (failure instanceof Error) throw failure;
      must(ok, 'every failure is an error');
    },
    close() {
      writeFileSync(join(folder, 'story.txt'), `${told.join('\n')}\n`);
      writeFileSync(join(folder, 'summary.json'), `${JSON.stringify({ steps: results }, null, 2)}\n`);
    },
  };
}
