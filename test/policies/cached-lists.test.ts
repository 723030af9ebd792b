import { expect, test } from 'vitest';
import { anyOf } from '../../src/cache/gone.ts';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { asking, fleet, land, loaded, onStage, staged } from './cache-stage.ts';

fakeTime();
onStage();

// A list is made of many rows: whichever of them is changed, it is outdated.
const ofUsers = { tags: () => [anyOf('users')] };

test('a list is outdated by any of its group, by the whole group, and by no other', async () => {
  for (const [tag, outdates] of [['users:ada', true], ['users:*', true], ['users:?', true], ['orders:ada', false], ['orders:*', false], ['users2:ada', false]] as const) {
    const stage = staged({ rules: ofUsers });
    await loaded(stage, 'old');
    await stage.cache.invalidate([tag]);
    await pass(1);
    const asker = asking(stage);
    await settled();
    expect([tag, asker.value]).toEqual([tag, outdates ? 'pending' : 'old']);
  }
});

test('one of a group is not outdated by what outdates lists, nor by another one', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await stage.cache.invalidate(['users:bob', 'users:?']);
  await pass(1);
  const asker = asking(stage);
  await settled();
  expect(asker.value).toBe('old');
});

test('a list that was being loaded when one of its group was changed is answered and not kept', async () => {
  const stage = staged({ rules: ofUsers });
  const early = asking(stage);
  await pass(1);
  await stage.cache.invalidate(['users:ada']);
  land(stage.asked[0]!, 'old');
  await settled();
  expect([early.value, early.call.flight.kept, stage.cache.memory.size]).toEqual(['old', undefined, 0]);
});

test('another process forgets its lists as well, and does not find the old one in the shared tier', async () => {
  const { one, other } = fleet(ofUsers);
  await loaded(one, 'old');
  const found = asking(other);
  await settled();
  expect([found.value, found.served]).toEqual(['old', 'cache']);
  await pass(1);
  await one.cache.invalidate(['users:ada']);
  await pass(1);
  const asker = asking(other);
  await settled();
  expect([asker.value, other.asked.length]).toEqual(['pending', 1]);
});
