import { expect, test, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { startCall } from '../../src/core/call.ts';
import { CachePlan } from '../../src/policies/cache-plan.ts';
import { Stored } from '../../src/policies/stored.ts';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { asking, clientGone, json, land, loaded, lost, onStage, type Question, staged } from './cache-stage.ts';

fakeTime();
onStage();

test('what was loaded is served from the cache as long as it is fresh, and loaded anew after its last limit', async () => {
  const stage = staged();
  await loaded(stage, 'first');
  await pass(9_999);
  const hit = asking(stage);
  await settled();
  expect([hit.value, hit.served, hit.ageMs, stage.asked.length]).toEqual(['first', 'cache', 9_999, 1]);
  await pass(50_001);
  const late = asking(stage);
  await settled();
  expect([late.value, stage.asked.length]).toEqual(['pending', 2]);
  land(stage.asked[1]!, 'second');
  await settled();
  expect([late.value, late.served]).toEqual(['second', 'live']);
});

test('a hit makes no timer, no load and no call', async () => {
  const stage = staged();
  await loaded(stage, 'first');
  using call = startCall(1_000);
  await stage.ask('ada', call);
  expect(vi.getTimerCount()).toBe(1);
  expect(call.flight.fallback).toBeUndefined();
});

test('whoever asks while it is loaded shares the load, and says so unless they asked first', async () => {
  const stage = staged();
  const askers = [asking(stage), asking(stage), asking(stage)];
  const other = asking(stage, 'bob');
  await settled();
  expect(stage.asked.map(({ input }) => input.user)).toEqual(['ada', 'bob']);
  land(stage.asked[0]!, 1);
  land(stage.asked[1]!, 2);
  await settled();
  expect([...askers, other].map(({ value }) => value)).toEqual([1, 1, 1, 2]);
  expect([...askers, other].map(({ call }) => call.flight.collapsed)).toEqual([false, true, true, false]);
  expect(askers.map(({ served }) => served)).toEqual(['live', 'live', 'live']);
});

test('a joiner of a refresh says that somebody else brought it', async () => {
  const stage = staged({ rules: { stale: '1s' } });
  await loaded(stage, 'first');
  await pass(10_999);
  void asking(stage);
  await pass(1);
  const joiner = asking(stage);
  expect(stage.asked).toHaveLength(2);
  land(stage.asked[1]!, 'second');
  await settled();
  expect([joiner.value, joiner.call.flight.collapsed]).toEqual(['second', true]);
});

test('up to a tenth is taken off what is fresh, and off nothing else', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.999);
  const stage = staged();
  await loaded(stage, 'first');
  await pass(9_000);
  const early = asking(stage);
  await pass(1);
  const late = asking(stage);
  await settled();
  expect([early.served, late.served, stage.asked.length]).toEqual(['cache', 'stale', 2]);
  stage.asked[1]!.reject(lost);
  await pass(0);
});

test.each([0, 0.3, 0.5, 0.999_999])('with %f drawn, it is fresh for nine tenths of its time at least, and never for longer', async (drawn) => {
  vi.spyOn(Math, 'random').mockReturnValue(drawn);
  const stage = staged();
  const asker = asking(stage);
  land(stage.asked[0]!, 1);
  await settled();
  const { storedAt, freshUntil } = asker.call.flight.kept!;
  expect(freshUntil - storedAt).toBeGreaterThanOrEqual(9_000);
  expect(freshUntil - storedAt).toBeLessThanOrEqual(10_000);
});

test('only the keyed fields reach the load, so nothing else can change what others are served', async () => {
  const stage = staged();
  const one = asking(stage, { user: 'ada', page: 1, hint: 'from ada' });
  const other = asking(stage, { user: 'ada', page: 1, hint: 'something else' });
  const next = asking(stage, { user: 'ada', page: 2, hint: 'from ada' });
  await settled();
  expect(stage.asked.map(({ input }) => input)).toEqual([{ user: 'ada', page: 1 }, { user: 'ada', page: 2 }]);
  land(stage.asked[0]!, 1);
  land(stage.asked[1]!, 2);
  await settled();
  expect([one.value, other.value, next.value]).toEqual([1, 1, 2]);
});

test('tags are made of the keyed fields: one entry, one list of tags, whoever asks first', async () => {
  const stage = staged({ rules: { tags: ({ user, hint }) => [`users:${user}`, ...(hint ? [`hints:${hint}`] : [])] } });
  await loaded(stage, 1, { user: 'ada', hint: 'x' });
  await stage.cache.invalidate(['hints:x']);
  const hit = asking(stage, { user: 'ada', hint: 'y' });
  await settled();
  expect(hit.value).toBe(1);
});

test('values of other types are other questions', () => {
  const plan = new CachePlan<{ user: string | number | undefined }>('profile', { in: undefined, subject: 'user', fresh: '1s' });
  expect(new Set(['1', 1, 'undefined', undefined].map((user) => plan.keyOf({ user }))).size).toBe(4);
});

test('two sources never share a key, nor do two tenants or two scopes', () => {
  const cache = new Cache({ bytesMax: 1_000 });
  const keyOf = (name: string, rules: object, inside = cache) =>
    new CachePlan<Question>(name, { in: inside, subject: 'user', fresh: '1s', ...rules }).keyOf({ user: 'ada' });
  const keys = [
    keyOf('one', {}), keyOf('two', {}), keyOf('one', { scope: 'v2' }), keyOf('one', {}, new Cache({ bytesMax: 1_000, tenant: 'v2' })),
    keyOf('one', { by: ['page'] }), keyOf('one', { by: ['hint', 'page'] }), keyOf('one3:', {}),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('a value of somebody else under my key is not served, neither at once nor instead of a failure', async () => {
  const stage = staged();
  const key = stage.plan.keyOf({ user: 'ada' });
  const times = { storedAt: performance.now(), freshMs: 10_000, staleMs: 10_000, errorMs: 10_000, because: 'miss' } as const;
  stage.cache.memory.put(new Stored(key, [], 'bob', json('of bob'), times));
  const asker = asking(stage, 'ada', 100);
  await settled();
  expect([asker.value, stage.asked.length]).toEqual(['pending', 1]);
  expect(asker.call.flight.inTime()).toBeUndefined();
  stage.asked[0]!.reject(lost);
  await settled();
  expect(asker.error).toBe(lost);
});

test.each([['a string', 'text'], ['an object', { name: 'Ada' }], ['nothing', undefined]])('a load that answers %s and no JsonText fails, and says what was expected', async (_, wrong) => {
  const stage = staged();
  const asker = asking(stage);
  stage.asked[0]!.resolve(wrong as never);
  await settled();
  expect(asker.error).toMatchObject({ code: 'source_failed', cause: { message: 'expected a cached source to answer with JsonText, but got something else' } });
  expect(stage.cache.memory.size).toBe(0);
});

test('the answer says until when it is fresh and why it was loaded', async () => {
  const stage = staged();
  const miss = asking(stage);
  await pass(100);
  land(stage.asked[0]!, 1);
  await settled();
  const storedAt = performance.now() - 100;
  expect(miss.call.flight.kept).toMatchObject({ storedAt, freshUntil: storedAt + 10_000, because: 'miss', dropped: false });
  await pass(20_000);
  const stale = asking(stage);
  await settled();
  expect(stale.call.flight.kept).toBe(miss.call.flight.kept);
  land(stage.asked[1]!, 2);
  await settled();
  expect(miss.call.flight.kept!.dropped).toBe(true);
  const hit = asking(stage);
  await settled();
  expect(hit.call.flight.kept).toMatchObject({ because: 'stale', dropped: false });
});

test('a load says how it went by itself, whatever the cached sources that it asks have said', async () => {
  const stage = staged();
  const asker = asking(stage);
  const { flight } = stage.asked[0]!.call;
  Object.assign(flight, { served: 'cache', collapsed: true, kept: { storedAt: 0, freshUntil: 0, dropped: true, because: 'stale' } });
  land(stage.asked[0]!, 1);
  await settled();
  expect(asker.call.flight).toMatchObject({ served: 'live', collapsed: false, kept: { because: 'miss' } });
});

test('what was made from something stale says so, and is not kept', async () => {
  const stage = staged();
  const asker = asking(stage);
  stage.asked[0]!.call.flight.served = 'stale';
  land(stage.asked[0]!, 1);
  await settled();
  expect([asker.value, asker.served, stage.cache.memory.size]).toEqual([1, 'stale', 0]);
});

test('a call that is over asks nobody', async () => {
  const stage = staged();
  const call = startCall(1_000);
  call.stop(clientGone);
  await expect(stage.ask('ada', call)).rejects.toBe(clientGone);
  expect(stage.asked).toEqual([]);
});

test.each([
  ['by what answers differ', { subject: undefined, by: undefined }, 'by what its answers differ'],
  ['24 hours at most', { fresh: '720m', staleIfError: '721m' }, '24 hours at most'],
  ['24 hours at most, nothing included', { negative: '1441m' }, '24 hours at most'],
] as const)('at definition: %s', (_, wrong, message) => {
  expect(() => new CachePlan<Question>('profile', { in: undefined, subject: 'user', fresh: '1s', ...wrong } as never)).toThrow(message);
});
