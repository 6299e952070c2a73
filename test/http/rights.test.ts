import { afterAll, beforeAll, vi } from 'vitest';

import { evidenceOverHttp } from './rights/evidence.ts';
import { exportsOverHttp } from './rights/exports.ts';
import { houseOverHttp } from './rights/house.ts';
import { licencesOverHttp } from './rights/licence.ts';
import { stopOverHttp } from './rights/stop.ts';
import { openRightsWorld, type RightsWorld } from './rights/world.ts';

/** What rooms show one by one, as one person does it over HTTP, on one server: each test leaves the clone as the next needs it. */
let own: RightsWorld;
vi.setConfig({ testTimeout: 60_000 });
beforeAll(async () => {
  own = await openRightsWorld('rights over http');
}, 120_000);
afterAll(async () => await own.close());

const get = (): RightsWorld => own;
exportsOverHttp(get);
evidenceOverHttp(get);
licencesOverHttp(get);
stopOverHttp(get);
houseOverHttp(get);
