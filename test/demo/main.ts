/**
 * The journey of one clone, from an unproven claim to a paid statement and a stop, over real HTTP.
 * `npm run demo [-- --voice FILE.wav]`; files and summary.json are left in `.benren/demo/`.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { makeInference } from '../../src/platform/inference.ts';
import { fans } from './fan.ts';
import { earnAndPay, refundDay } from './money.ts';
import { register } from './people.ts';
import { makeRecordings } from './recording.ts';
import { claimAndEnrol, license, review } from './rights.ts';
import { proveAll, stopClone } from './stop.ts';
import { makeStory, type Story } from './story.ts';
import { openWorld, type World } from './world.ts';

const folder = fileURLToPath(new URL('../../.benren/demo/', import.meta.url));

function voiceFile(args: readonly string[]): string | null {
  const at = args.indexOf('--voice');
  if (at < 0) return null;
  const file = args[at + 1];
  if (file === undefined) throw new Error('--voice needs a WAV file.');
  return file;
}

async function journey(world: World, story: Story, voice: string | null): Promise<void> {
  const microphone = makeInference({ dataDir: join(folder, 'microphone'), workers: 1 });
  const recordings = await makeRecordings(voice, microphone);
  const cast = await register(world, story);
  const made = await claimAndEnrol(world, story, cast, recordings);
  await review(world, story, cast, recordings, made);
  const licence = await license(world, story, cast, made);
  const delivered = await fans(world, story, cast, licence);
  await earnAndPay(world, story, cast, licence, delivered);
  const stopped = await stopClone(world, story, cast, licence, delivered);
  await refundDay(world, story, cast, delivered);
  await proveAll(world, story, cast, licence, delivered, stopped);
  await microphone.close();
}

async function main(): Promise<number> {
  const started = performance.now();
  const world = await openWorld(folder);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const story = makeStory(folder, print);
  print(`Benren is up at ${world.service.origin} after ${((performance.now() - started) / 1000).toFixed(1)} s (PostgreSQL, Stripe sandbox, voice, C2PA authority: all embedded).\n`);
  try {
    await journey(world, story, voiceFile(process.argv.slice(2)));
    print(`\nThe whole journey in ${((performance.now() - started) / 1000).toFixed(1)} s. Files: .benren/demo/`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  } finally {
    story.close();
    await world.close();
  }
}

process.exit(await main());
