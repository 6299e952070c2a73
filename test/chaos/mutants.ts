import type { StopFault } from '../support/stop-faults.ts';
import type { Listeners } from './processes.ts';
import type { Stage } from './stage.ts';

export async function mutantsCaught(_stage: Stage, _listeners: Listeners): Promise<StopFault[]> {
  return [];
}
