/** Test clocks: time that is moved by hand. Advancing answers `advancing` at once and is `ready` when all that fell due is done. */
import { invalid } from '../core/fault.ts';
import { LIVEMODE, type TestClock } from '../core/objects.ts';
import { alwaysWhole } from '../core/read.ts';
import { lister, pathId, retrieve, type Call, type Route } from '../core/router.ts';
import { runTestClock } from '../core/timeline.ts';
import { DAY_SECONDS, type World } from '../core/world.ts';

const SECONDS_MAX = 32_503_680_000;

function create(world: World, { owner, params }: Call): object {
  const frozen = alwaysWhole(params, 'frozen_time', 0, SECONDS_MAX);
  const name = params.text('name') ?? null;
  params.done();
  const at = world.now(null);
  const object: TestClock = {
    id: world.id('clock'), object: 'test_helpers.test_clock', created: at, deletes_after: at + 30 * DAY_SECONDS, frozen_time: frozen,
    livemode: LIVEMODE, name, status: 'ready', status_details: {},
  };
  world.put('testClock', { owner, clock: null, object });
  world.emit({ type: 'test_helpers.test_clock.created', kind: 'testClock', object, at: frozen, owner });
  return object;
}

/** `later` runs the given work after the answer has been given, and is waited for by `control.idle`. */
export function clockRoutes(later: (work: () => void) => void): readonly Route[] {
  const advance = (world: World, call: Call): object => {
    const target = alwaysWhole(call.params, 'frozen_time', 0, SECONDS_MAX);
    call.params.done();
    const { object } = world.find('testClock', pathId(call), call.owner);
    if (object.status !== 'ready') throw invalid('A test clock can only be advanced while it is ready.', { code: 'test_clock_not_ready' });
    if (target <= object.frozen_time) throw invalid('A test clock can only be advanced forward in time.', { param: 'frozen_time' });
    object.status = 'advancing';
    object.status_details = { advancing: { target_frozen_time: target } };
    world.emit({ type: 'test_helpers.test_clock.advancing', kind: 'testClock', object, at: object.frozen_time, owner: call.owner });
    later(() => finishAdvance(world, object, call.owner, target));
    return structuredClone(object);
  };
  return [
    ['POST', 'test_helpers/test_clocks', create],
    ['GET', 'test_helpers/test_clocks', lister('testClock')],
    ['GET', 'test_helpers/test_clocks/:id', retrieve('testClock')],
    ['POST', 'test_helpers/test_clocks/:id/advance', advance],
  ];
}

/** Brings an advancing clock to its target. Also called at start for a clock that was advancing when the process ended. */
export function finishAdvance(world: World, clock: TestClock, owner: string, target: number): void {
  runTestClock(world, clock.id, target);
  clock.status = 'ready';
  clock.status_details = {};
  world.emit({ type: 'test_helpers.test_clock.ready', kind: 'testClock', object: clock, at: target, owner });
}
