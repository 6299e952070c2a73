/** The sandbox's file: written whole beside the old one, flushed to disk, then put in its place. */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readMemory, writeMemory, type Memory } from './core/memory.ts';

/** What a former run kept, or `null` when there is no file yet. */
export async function loadMemory(path: string): Promise<Memory | null> {
  try {
    return readMemory(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

export interface Saver {
  /** Resolves when everything known at the call is on disk. Calls that come together share one write. */
  readonly save: () => Promise<void>;
}

export function makeSaver(path: string, memory: () => Memory): Saver {
  let running: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | null = null;
  const write = async (): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    const beside = `${path}.part`;
    // The file holds the sandbox's keys: readable by its owner only.
    const file = await open(beside, 'w', 0o600);
    try {
      await file.writeFile(writeMemory(memory()));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  };
  return {
    save() {
      waiting ??= running.catch(() => undefined).then(() => {
        waiting = null;
        running = write();
        return running;
      });
      return waiting;
    },
  };
}
