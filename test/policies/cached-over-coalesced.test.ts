import { expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { CachePlan } from '../../src/policies/cache-plan.ts';
import { cached } from '../../src/policies/cached.ts';
import { coalesced } from '../../src/policies/coalesced.ts';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { scripted } from '../support/scripted.ts';
import { asking, land, onStage, type Question, type Text } from './cache-stage.ts';

fakeTime();
onStage();

/** A cached source whose load asks another one, which is kept by nobody and whose loads are shared. */
function stage() {
  const cache = new Cache({ bytesMax: 1_000_000 });
  const { source: load, asked } = scripted<Question, Text>();
  const rows = coalesced<Question, Text>(({ user }) => user)(load);
  const rules = { in: cache, subject: 'user', fresh: '10s', tags: ({ user }: Question) => [`users:${user}`] } as const;
  const source = cached<Question, Text>(cache, new CachePlan<Question>('profile', rules))((input, call) => rows(input, call));
  return { cache, asked, direct: { ask: (input: Question | string, call: Parameters<typeof rows>[1]) => rows(typeof input === 'string' ? { user: input } : input, call) }, ask: (input: Question | string, call: Parameters<typeof rows>[1]) => source(typeof input === 'string' ? { user: input } : input, call) };
}

test('what was made from a load that began before an invalidation is answered, and not kept', async () => {
  const world = stage();
  void asking(world.direct);
  await pass(1);
  await world.cache.invalidate(['users:ada']);
  await pass(1);
  const asker = asking(world);
  await settled();
  expect(world.asked, 'it has joined').toHaveLength(1);
  land(world.asked[0]!, 'old');
  await settled();
  expect([asker.value, asker.call.flight.kept, world.cache.memory.size]).toEqual(['old', undefined, 0]);
});

test('… and is as old as that load, where nothing was invalidated', async () => {
  const world = stage();
  void asking(world.direct);
  await pass(400);
  const asker = asking(world);
  await settled();
  land(world.asked[0]!, 'shared');
  await settled();
  expect([asker.value, asker.ageMs]).toEqual(['shared', 400]);
});
