import * as fc from 'fast-check';
import { test } from 'vitest';
import { onStage } from '../../policies/cache-stage.ts';
import { fakeTime, pass, settled } from '../fake-time.ts';
import { LiveWorld, partNames, users } from './live-world.ts';

fakeTime();
onStage();

/** The words are for whoever reads a counterexample. */
type Deed = readonly [words: string, does: (world: LiveWorld) => void | Promise<void>];
const deedOf = (words: string, does: Deed[1]): Deed => [words, does];
const user = fc.constantFrom(...users);
const nth = fc.nat(20);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(user, fc.constantFrom(...partNames)).map(([who, part]) => deedOf(`${part} of ${who} changes`, (world) => { world.change(who, part); })) },
  { weight: 6, arbitrary: fc.nat(19).map((dice) => deedOf(dice === 0 ? 'everything is forgotten' : 'a notice comes', (world) => { world.hear(dice === 0); })) },
  { weight: 10, arbitrary: fc.tuple(nth, fc.nat(5)).map(([which, dice]) => deedOf(`load ${which} ${dice === 0 ? 'fails' : 'lands'}`, (world) => { world.land(which, dice === 0); })) },
  { weight: 4, arbitrary: fc.tuple(user, fc.boolean(), fc.nat(2)).map(([who, slow, dice]) => deedOf(`somebody${slow ? ' slow' : ''} watches ${who}${dice === 0 ? ' again' : ''}`, (world) => { world.join(who, slow, dice === 0); })) },
  { weight: 2, arbitrary: nth.map((at) => deedOf(`watcher ${at} leaves`, (world) => { world.leave(at); })) },
  { weight: 2, arbitrary: nth.map((at) => deedOf(`watcher ${at} takes`, (world) => { world.take(at); })) },
  { weight: 6, arbitrary: fc.oneof(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 150, max: 15_000 })).map((ms) => deedOf(`${ms} ms pass`, () => pass(ms))) },
);

/** Found by chance: what is loaded in the moment in which all is forgotten is kept by nobody, who would say that it is outdated. */
const unkept: Deed[] = [
  deedOf('everything is forgotten', (world) => { world.hear(true); }),
  deedOf('somebody watches bob', (world) => { world.join('bob', false, false); }),
  deedOf('load 0 lands', (world) => { world.land(0, false); }),
  deedOf('profile of bob changes', (world) => { world.change('bob', 'profile'); }),
  deedOf('a notice comes', (world) => { world.hear(false); }),
  deedOf('somebody watches bob', (world) => { world.join('bob', false, false); }),
];

test('whatever changes, fails, lands or leaves in whichever order: nobody is told anything older, and in the end all have what there is', async () => {
  await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 10, maxLength: 50, size: 'max' }), async (deeds) => {
    const world = new LiveWorld();
    try {
      for (const [, does] of deeds) {
        await does(world);
        world.check();
        await settled();
        world.check();
      }
      await world.settle(pass);
    } finally {
      await world.end(pass);
    }
  }), { numRuns: 150, examples: [[unkept]] });
});
