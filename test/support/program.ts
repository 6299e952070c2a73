import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Run {
  code: number | null;
  output: string;
}

/** Runs the program in a process of its own, with these settings and no others; `until` may end it with a signal once its output says so. */
export function benren(
  args: readonly string[], env: Readonly<Record<string, string>>, until?: { text: string; then: (output: string, kill: () => void) => Promise<void> },
): Promise<Run> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let told = false;
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      if (until !== undefined && !told && output.includes(until.text)) {
        told = true;
        const kill = (): void => {
          child.kill('SIGTERM');
          // As shells and process managers do: it must not cut the orderly end short.
          setTimeout(() => child.kill('SIGTERM'), 30);
        };
        until.then(output, kill).catch((error: unknown) => {
          child.kill('SIGKILL');
          fail(error instanceof Error ? error : new Error(String(error)));
        });
      }
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', fail).once('exit', (code) => done({ code, output }));
  });
}
