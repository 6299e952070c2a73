// The real worker, but one text ends its thread in the middle of the job: what a crash of native code looks like from outside.
import { parentPort } from 'node:worker_threads';

await import('../../inference/worker.mjs');
parentPort.on('message', (message) => {
  if (message.kind === 'synthesise' && message.text === 'crash') process.exit(3);
});
