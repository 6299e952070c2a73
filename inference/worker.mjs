// The first file of a worker thread. A thread does not inherit the loader that runs our TypeScript, so it registers its own.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
