import { expect, test } from 'vitest';
import { Cache, type Relay } from '../../src/cache/cache.ts';
import { Failure } from '../../src/core/failure.ts';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { asking, land, loaded, lost, notFound, onStage, staged } from './cache-stage.ts';

fakeTime();
onStage();

const invalidations: readonly [string, readonly string[]][] = [['a tag', ['users:ada']], ['its group', ['users:*']], ['one of several tags', ['orders:1', 'users:ada']]];

test.each(invalidations)('what is invalidated by %s is gone at once, and what bears other tags stays', async (_, tags) => {
  const stage = staged();
  const other = staged({ cache: stage.cache, name: 'orders', rules: { tags: () => ['books:1'] } });
  await loaded(stage, 'old');
  await loaded(other, 'other');
  expect(await stage.cache.invalidate(tags)).toBe(true);
  await pass(1);
  const asker = asking(stage);
  await settled();
  expect([asker.value, stage.asked.length, stage.cache.memory.size]).toEqual(['pending', 2, 1]);
});

test.each(invalidations)('a load that was under way when it was invalidated by %s is answered, but neither kept nor joined', async (_, tags) => {
  const stage = staged();
  const early = asking(stage);
  await pass(1);
  await stage.cache.invalidate(tags);
  await pass(1);
  const late = asking(stage);
  expect(stage.asked).toHaveLength(2);
  land(stage.asked[0]!, 'old');
  await settled();
  expect([early.value, early.call.flight.kept, late.value, stage.cache.memory.size]).toEqual(['old', undefined, 'pending', 0]);
  land(stage.asked[1]!, 'new');
  await settled();
  const hit = asking(stage);
  await settled();
  expect([late.value, hit.value, hit.served]).toEqual(['new', 'new', 'cache']);
});

test('the older of two loads that lands last takes nothing from the newer one', async () => {
  const stage = staged();
  void asking(stage);
  await pass(1);
  await stage.cache.invalidate(['users:ada']);
  await pass(1);
  void asking(stage);
  land(stage.asked[1]!, 'new');
  await settled();
  land(stage.asked[0]!, 'old');
  await settled();
  const hit = asking(stage);
  await settled();
  expect([hit.value, hit.served]).toEqual(['new', 'cache']);
});

test.each([['has found nothing', notFound], ['may not see it', new Failure('forbidden', 'no')]])('the older of two loads that lands last and %s takes nothing from the newer one', async (_, failure) => {
  const stage = staged();
  const early = asking(stage);
  await pass(1);
  const reloading = asking({ ask: (input, call) => { call.reload = true; return stage.ask(input, call); } });
  land(stage.asked[1]!, 'new');
  await settled();
  stage.asked[0]!.reject(failure);
  await settled();
  const hit = asking(stage);
  await settled();
  expect([early.error, reloading.value, hit.value, hit.served]).toEqual([failure, 'new', 'new', 'cache']);
});

test('a refresh under way when it was invalidated brings nothing, and nobody waits for it', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(10_000);
  void asking(stage);
  await pass(1);
  await stage.cache.invalidate(['users:ada']);
  await pass(1);
  const late = asking(stage);
  land(stage.asked[1]!, 'old, too');
  await settled();
  expect([late.value, stage.cache.memory.size]).toEqual(['pending', 0]);
  land(stage.asked[2]!, 'new');
  await settled();
  expect(late.value).toBe('new');
});

test('what is stale is served after its invalidation to nobody, neither instead of a failure nor in time', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  const askers = [asking(stage, 'ada', 100), asking(stage, 'ada', 200)];
  expect(askers[0]!.call.flight.inTime()).toBeDefined();
  await pass(1);
  await stage.cache.invalidate(['users:ada']);
  expect(askers.map(({ call }) => call.flight.inTime())).toEqual([undefined, undefined]);
  stage.asked[1]!.reject(lost);
  await settled();
  expect(askers.map(({ error }) => error)).toEqual([lost, lost]);
});

test('what had to make room while it was stale is outdated by its tags all the same', async () => {
  const stage = staged({ cache: new Cache({ bytesMax: 8_000 }) });
  const crowd = staged({ cache: stage.cache, name: 'crowd' });
  await loaded(stage, 'old');
  await pass(30_000);
  const users = Array.from({ length: 11 }, (_, at) => String(at));
  for (const user of users) await loaded(crowd, user, user);
  // All are asked for, so the hand goes round once, and then the oldest has to make room.
  for (const user of users) asking(crowd, user).call.end();
  const asker = asking(stage);
  await loaded(crowd, 'one more', 'more');
  expect(stage.cache.memory.get(stage.plan.keyOf({ user: 'ada' }))).toBeUndefined();
  expect(asker.call.flight.inTime()).toBeDefined();
  await pass(1);
  await stage.cache.invalidate(['users:ada']);
  expect(asker.call.flight.inTime()).toBeUndefined();
  stage.asked[1]!.reject(lost);
  await settled();
  expect(asker.error).toBe(lost);
});

test('an answer whose tags nobody knows is not kept; once they are known, it is', async () => {
  let tags: readonly string[] | undefined;
  const stage = staged({ rules: { tags: () => tags } });
  await loaded(stage, 'first');
  expect(stage.cache.memory.size).toBe(0);
  const teaching = asking(stage);
  tags = ['users:ada'];
  land(stage.asked[1]!, 'second');
  await settled();
  expect(teaching.value).toBe('second');
  const hit = asking(stage);
  await settled();
  expect([hit.value, hit.served]).toEqual(['second', 'cache']);
});

test('a load whose tags nobody knows is joined by nobody once anything was invalidated', async () => {
  const stage = staged({ rules: { tags: () => undefined } });
  void asking(stage);
  void asking(stage);
  expect(stage.asked).toHaveLength(1);
  await pass(1);
  await stage.cache.invalidate(['orders:7']);
  await pass(1);
  void asking(stage);
  expect(stage.asked).toHaveLength(2);
});

test('a load of more than a minute is not kept: what was invalidated when it began is not remembered any more', async () => {
  const stage = staged({ rules: { fresh: '10m' } });
  const asker = asking(stage, 'ada', 120_000);
  await pass(1);
  await stage.cache.invalidate(['users:ada']);
  await pass(61_000);
  // The sweep forgets it.
  await stage.cache.invalidate(['users:bob']);
  land(stage.asked[0]!, 'old');
  await settled();
  expect([asker.value, stage.cache.memory.size]).toEqual(['old', 0]);
});

test('whoever wants nothing from the cache has it loaded, and it is kept for the others', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  const reloading = asking({ ask: (input, call) => { call.reload = true; return stage.ask(input, call); } });
  expect(stage.asked).toHaveLength(2);
  const others = asking(stage);
  await settled();
  expect(others.value).toBe('old');
  land(stage.asked[1]!, 'new');
  await settled();
  const hit = asking(stage);
  await settled();
  expect([reloading.value, reloading.served, reloading.call.flight.kept?.because, hit.value]).toEqual(['new', 'live', 'request', 'new']);
});

test('a reload joins no load that is under way; whoever asks then joins the reload, and the older load overwrites nothing', async () => {
  const stage = staged();
  const early = asking(stage);
  await pass(1);
  const reloading = asking({ ask: (input, call) => { call.root.reload = true; return stage.ask(input, call.fork('part')); } });
  const late = asking(stage);
  expect(stage.asked).toHaveLength(2);
  land(stage.asked[1]!, 'new');
  await settled();
  land(stage.asked[0]!, 'old');
  await settled();
  expect([early.value, reloading.value, late.value]).toEqual(['old', 'new', 'new']);
  const hit = asking(stage);
  await settled();
  expect(hit.value).toBe('new');
});

test('a reload that fails says so: who wants nothing from the cache gets nothing from it', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  const reloading = asking({ ask: (input, call) => { call.reload = true; return stage.ask(input, call); } });
  expect(reloading.call.flight.inTime()).toBeUndefined();
  stage.asked[1]!.reject(lost);
  await settled();
  const hit = asking(stage);
  await settled();
  expect([reloading.error, hit.value]).toEqual([lost, 'old']);
});

test('processes of one machine tell each other', async () => {
  const ears: ((tags: readonly string[]) => void)[] = [];
  const relay = (): Relay => ({ tell: (tags) => { for (const ear of ears) ear(tags); }, listen: (heard) => { ears.push(heard); } });
  const [one, other] = [staged(), staged()];
  for (const { cache } of [one, other]) cache.join(relay());
  await loaded(one, 1);
  await loaded(other, 1);
  await one.cache.invalidate(['users:ada']);
  expect([one.cache.memory.size, other.cache.memory.size]).toEqual([0, 0]);
});
