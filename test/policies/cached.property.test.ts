import * as fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { type Place, Places } from '../../src/policies/places.ts';
import { fakeTime, settled } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { users, World } from './cache-world.ts';
import { onStage } from './cache-stage.ts';

fakeTime();
onStage();
const listening = watchListeners();
afterEach(() => { vi.restoreAllMocks(); });

/** The words are for whoever reads a counterexample. */
type Deed = readonly [words: string, does: (world: World) => void | Promise<void>];
const deedOf = (words: string, does: Deed[1]): Deed => [words, does];
const process = fc.nat(1);
const user = fc.constantFrom(...users);
const nth = fc.nat(20);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.tuple(process, user, fc.integer({ min: 5, max: 400 }), fc.nat(9)).map(([at, user, ms, dice]) =>
      deedOf(`${dice === 0 ? 'reload' : 'ask'} ${user} of process ${at} for ${ms} ms`, (world) => { world.ask(at, user, ms, dice === 0); })),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(process, nth, fc.constantFrom('answers', 'answers', 'answers', 'fails', 'finds nothing')).map(([at, which, how]) =>
      deedOf(`load ${which} of process ${at} ${how}`, (world) => { world.land(at, which, how); })),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(process, user).map(([at, user]) =>
      deedOf(`${user} is loaded by process ${at}, if nothing hinders`, async (world) => {
        world.ask(at, user, 400);
        await settled();
        world.land(at, -1, 'answers');
      })),
  },
  { weight: 8, arbitrary: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 60, max: 700 })).map((ms) => deedOf(`${ms} ms pass`, (world) => world.pass(ms))) },
  { weight: 2, arbitrary: fc.tuple(process, user, fc.boolean()).map(([at, user, group]) => deedOf(`${group ? 'everybody' : user} changes, process ${at} hears it`, (world) => world.change(at, user, group))) },
  { weight: 2, arbitrary: nth.map((at) => deedOf(`asker ${at} leaves`, (world) => { world.leave(at); })) },
  { weight: 1, arbitrary: process.map((at) => deedOf(`process ${at} loses the shared tier`, (world) => { world.close(at); })) },
  { weight: 1, arbitrary: process.map((at) => deedOf(`process ${at} has the shared tier again`, (world) => { world.open(at); })) },
  { weight: 1, arbitrary: fc.tuple(process, fc.boolean()).map(([at, refuses]) => deedOf(`the tier ${refuses ? 'refuses' : 'takes'} what process ${at} invalidates`, (world) => { world.processes[at]!.door.refuses = refuses; })) },
  { weight: 1, arbitrary: fc.tuple(process, fc.nat(15)).map(([at, ms]) => deedOf(`answers of the tier take ${ms} ms to process ${at}`, (world) => { world.processes[at]!.door.delayMs = ms; })) },
);

/** Where loads stand while they are under way. */
function watchPlaces(): Place<unknown>[] {
  const places: Place<unknown>[] = [];
  // eslint-disable-next-line typescript/unbound-method -- bound to the places that are asked, below
  const { take } = Places.prototype;
  vi.spyOn(Places.prototype, 'take').mockImplementation(function watched(this: Places<unknown>, id, held) {
    const place = take.call(this, id, held);
    places.push(place);
    return place;
  });
  return places;
}

test('two processes, and whatever may happen to them: each answer is its asker’s, as old as it says and not outdated, and nothing is left', async () => {
  const places = watchPlaces();
  await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 20, maxLength: 70, size: 'max' }), async (deeds) => {
    const faults: unknown[] = [];
    const world = new World((fault) => { faults.push(fault); });
    for (const [, does] of deeds) {
      await does(world);
      await settled();
      world.check();
      if (faults.length > 0) throw faults[0];
    }
    await world.end();
    if (faults.length > 0) throw faults[0];
    expect(listening.size).toBe(0);
    expect(places.splice(0).filter(({ held }) => held !== undefined)).toEqual([]);
  }), { numRuns: 250 });
});
