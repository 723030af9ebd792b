// What policies count, by source. Retries and hedges are counted in their own tests.
import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Source } from '../../src/core/source.ts';
import { batched } from '../../src/policies/batched.ts';
import { source } from '../../src/policies/source.ts';
import { growth, seriesNow } from '../core/counting.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { scripted } from '../support/scripted.ts';
import { asking, clientGone, fleet, land, loaded, lost, onStage, staged } from './cache-stage.ts';

fakeTime();
onStage();

const results = (name: string, tier: string) => {
  const kinds = ['hit', 'stale', 'miss', 'mended'];
  const grown = kinds.map((kind) => growth('tributary.cache.results', name, tier, kind));
  return () => Object.fromEntries(kinds.map((kind, at) => [kind, grown[at]!()]).filter(([, count]) => count !== 0)) as Record<string, number>;
};

test('of a cache in memory: misses, hits, and what was stale; a load that fails behind a stale answer mends nothing', async () => {
  const memory = results('profile', 'memory');
  const stage = staged();
  await loaded(stage, 1);
  expect(memory()).toEqual({ miss: 1 });
  asking(stage);
  expect(memory()).toEqual({ miss: 1, hit: 1 });
  await pass(15_000);
  asking(stage);
  expect(memory()).toEqual({ miss: 1, hit: 1, stale: 1 });
  stage.asked.at(-1)!.reject(lost);
  await pass(46_000 - 15_000);
  const late = asking(stage);
  expect([late.served, memory()]).toEqual(['stale', { miss: 1, hit: 1, stale: 2 }]);
  stage.asked.at(-1)!.reject(lost);
  await settled();
  expect(memory()).toEqual({ miss: 1, hit: 1, stale: 2 });
});

test('what is only good enough instead of a failure is a miss, and mended once loading has failed', async () => {
  const memory = results('profile', 'memory');
  const stage = staged();
  await loaded(stage, 1);
  await pass(35_000);
  const asker = asking(stage);
  stage.asked.at(-1)!.reject(lost);
  await settled();
  expect([asker.served, memory()]).toEqual(['stale', { miss: 2, mended: 1 }]);
});

test('of the shared tier: a miss once for each load, and a hit for who finds what another process has loaded', async () => {
  const shared = results('profile', 'shared');
  const { one, other } = fleet();
  const asker = asking(one);
  await settled();
  land(one.asked[0]!, 1);
  await settled();
  expect([asker.value, shared()]).toEqual([1, { miss: 1 }]);
  const second = asking(other);
  await settled();
  expect([second.value, other.asked.length, shared()]).toEqual([1, 0, { miss: 1, hit: 1 }]);
});

const attempts = (name: string) => {
  const kinds = ['works', 'fails', 'stopped'];
  const grown = kinds.map((kind) => growth('tributary.attempts', name, kind));
  return () => grown.map((count) => count());
};

test('each attempt by its outcome; who is refused by the guard has made none', async () => {
  const counted = attempts('ill');
  const refused = growth('tributary.refused', 'ill', 'guard');
  const { source: load, asked } = scripted<string, number>();
  const ill = source({ name: 'ill', load, guard: { slow: '1s' } });
  const calls = Array.from({ length: 12 }, () => startCall(60_000));
  for (const call of calls) void watch(ill('a', call));
  asked[0]!.resolve(1);
  asked[1]!.reject(new Failure('not_found', 'nobody'));
  calls[2]!.stop(clientGone);
  for (const ask of asked.slice(3)) ask.reject(lost);
  await settled();
  expect([counted(), refused()]).toEqual([[2, 9, 1], 0]);
  using call = startCall(1_000);
  void watch(ill('a', call));
  await settled();
  expect([counted(), refused(), seriesNow('tributary.guard.refusing_share', 'ill') > 0]).toEqual([[2, 9, 1], 1, true]);
  for (const one of calls) one.end();
});

test('who is refused below the guard has made no attempt either: there is no place, or no endpoint', async () => {
  const counted = attempts('busy');
  const refused = ['limit', 'breakers'].map((by) => growth('tributary.refused', 'busy', by));
  const { source: load, asked } = scripted<string, number>();
  const busy = source({ name: 'busy', load, guard: { slow: '1s' }, limit: { underWay: 1, waiting: 0 } });
  using call = startCall(60_000);
  void watch(busy('a', call));
  void watch(busy('b', call));
  await settled();
  expect([counted(), refused.map((count) => count())]).toEqual([[0, 0, 0], [1, 0]]);
  asked[0]!.reject(new Failure('source_resting', 'all endpoints rest'));
  await settled();
  expect([counted(), refused.map((count) => count())]).toEqual([[0, 0, 0], [1, 1]]);
});

const unlessPoisoned: Source<readonly string[], ReadonlyMap<string, string>> = (keys) => (keys.includes('poison')
  ? Promise.reject(new Failure('source_failed', 'refused', { divisible: true }))
  : Promise.resolve(new Map(keys.map((key) => [key, key]))));

test('a batch by the keys of each query, its halves included', async () => {
  const sizes = growth('tributary.batch.size', 'users');
  const users = source({ name: 'users', load: batched({ key: (id: string) => id, loadMany: unlessPoisoned }) });
  using call = startCall(1_000);
  for (const key of ['a', 'poison', 'b', 'c']) void watch(users(key, call));
  await pass(1);
  // Four, then two and two, then one and one.
  expect(sizes()).toBe(5);
});
