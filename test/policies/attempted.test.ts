import { beforeEach, expect, test, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { batched } from '../../src/policies/batched.ts';
import { source } from '../../src/policies/source.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { scripted } from '../support/scripted.ts';
import { answer, batch, keysOf } from './batch-script.ts';
import { asking, json, lost, onStage, type Question, type Text } from './cache-stage.ts';

fakeTime();
onStage();
beforeEach(() => { vi.spyOn(Math, 'random').mockReturnValue(0); });

const refused = new Failure('source_failed', 'the connection was refused', { retryable: true });
const guard = { slow: '1s' } as const;

/** Fails so often that the guard refuses whoever comes next. */
async function outage(ask: (at: number) => { readonly reject: (error: unknown) => void }, count = 10): Promise<void> {
  for (let at = 0; at < count; at++) {
    ask(at).reject(lost);
    await settled();
  }
}

test('a retry passes the guard and the bulkhead as the first attempt did', async () => {
  const { source: load, asked } = scripted<string, number>();
  const asks = source({ name: 'recommendations', load, retry: true, guard, limit: { underWay: 1, waiting: 10 } });
  using call = startCall(60_000);
  for (let at = 0; at < 10; at++) {
    void watch(asks('early', call));
    asked[at]!.resolve(1);
    await settled();
  }
  void watch(asks('first', call));
  void watch(asks('second', call));
  asked[10]!.reject(refused);
  await settled();
  // It gave its place back, and waits behind whoever came meanwhile.
  expect(asked.slice(10).map(({ input }) => input)).toEqual(['first', 'second']);
  await pass(50);
  asked[11]!.resolve(1);
  await settled();
  expect(asked.slice(10).map(({ input }) => input)).toEqual(['first', 'second', 'first']);
  asked[12]!.resolve(1);
  await settled();
});

test('an outage is not made worse: of a hundred questions none is retried once the guard refuses', async () => {
  const { source: load, asked } = scripted<string, number>();
  const asks = source({ name: 'recommendations', load, retry: true, guard });
  using call = startCall(60_000);
  for (let at = 0; at < 100; at++) {
    void watch(asks('a', call));
    for (const ask of asked) if (!ask.landed) ask.reject(refused);
    await settled();
  }
  await pass(60);
  expect(asked.length).toBeLessThanOrEqual(11);
});

test('who is refused by the guard takes no place and does not wait for one', async () => {
  const { source: load, asked } = scripted<string, number>();
  const asks = source({ name: 'recommendations', load, guard, limit: { underWay: 1, waiting: 0 } });
  using call = startCall(60_000);
  await outage((at) => { void watch(asks('a', call)); return asked[at]!; });
  const refusedBy = watch(asks('b', call));
  await settled();
  expect(refusedBy.now).toMatchObject({ state: 'failed', error: { code: 'source_resting' } });
});

test('a time-out is for all attempts together', async () => {
  const { source: load, asked } = scripted<string, number>();
  const asks = source({ name: 'recommendations', load, retry: true, timeout: '300ms' });
  using call = startCall(60_000);
  for (let at = 0; at < 10; at++) {
    void watch(asks('early', call));
    asked[at]!.resolve(1);
    await settled();
  }
  const late = watch(asks('a', call));
  await pass(200);
  asked[10]!.reject(refused);
  await pass(100);
  expect([asked.length, late.now]).toMatchObject([12, { state: 'failed', atMs: 300, error: { code: 'deadline_exceeded' } }]);
});

test('of a batch, attempts are queries: one is retried with all of its keys', async () => {
  const { source: load, queries } = batch();
  const asks = source({ name: 'many', load, retry: true, guard });
  using call = startCall(60_000);
  const turn = async (...keys: string[]) => {
    const answers = keys.map((key) => watch(asks(key, call)));
    await pass(0);
    await settled();
    return answers;
  };
  for (let at = 0; at < 10; at++) {
    await turn('early');
    answer(queries[at]!);
    await settled();
  }
  const answers = await turn('a', 'b', 'c');
  queries[10]!.reject(refused);
  await pass(50);
  expect(keysOf(queries.slice(10))).toEqual([['a', 'b', 'c'], ['a', 'b', 'c']]);
  answer(queries[11]!);
  await settled();
  expect(answers.map(({ now }) => now.state)).toEqual(['answered', 'answered', 'answered']);
});

test('of a batch, the guard counts queries: thirty keys of three that failed are three', async () => {
  const { source: load, queries } = batch();
  const asks = source({ name: 'many', load, guard });
  using call = startCall(60_000);
  const keys = Array.from({ length: 10 }, (_, at) => String(at));
  for (let at = 0; at < 10; at++) {
    for (const key of keys) void watch(asks(key, call));
    await pass(0);
    await settled();
    expect(queries).toHaveLength(at + 1);
    queries[at]!.reject(lost);
    await settled();
  }
  const resting = keys.map((key) => watch(asks(key, call)));
  await pass(0);
  await settled();
  expect(queries).toHaveLength(10);
  expect(resting.map(({ now }) => now)).toMatchObject(keys.map(() => ({ error: { code: 'source_resting' } })));
});

test('a batch says itself how much is under way', () => {
  const load = batched({ key: (id: string) => id, loadMany: () => Promise.resolve(new Map<string, number>()) });
  expect(() => source({ name: 'many', load, limit: { underWay: 1, waiting: 1 } }))
    .toThrow(new TypeError('expected source many to have no limit, since its load is batched and has inFlightMax, but got one'));
});

const rules = { subject: 'user', fresh: '10s', stale: '20s', staleIfError: '50s' } as const;

/** A guarded source over a cache, which has answered once, 30 seconds ago. */
async function aged(limit?: { underWay: number; waiting: number }) {
  const { source: load, asked } = scripted<Question, Text>();
  const asks = source({ name: 'profile', load, guard, limit, cache: { in: new Cache({ bytesMax: 1_000_000 }), ...rules } });
  const stage = { ask: (input: Question | string, call: Parameters<typeof asks>[1]) => asks(typeof input === 'string' ? { user: input } : input, call) };
  const first = asking(stage);
  await settled();
  asked[0]!.resolve(json('old'));
  await settled();
  expect(first.value).toBe('old');
  await pass(30_000);
  return { stage, asked };
}

test('a source that rests: what was last good is served, and says that it is stale', async () => {
  const { stage, asked } = await aged();
  await outage((at) => { asking(stage, `other ${at}`); return asked[at + 1]!; });
  const asker = asking(stage);
  await settled();
  expect([asker.value, asker.served, asked.length]).toEqual(['old', 'stale', 11]);
  const unknown = asking(stage, 'nobody known');
  await settled();
  expect(unknown.error).toMatchObject({ code: 'source_resting' });
});

test('a source without a place: what was last good is served, and says that it is stale', async () => {
  const { stage, asked } = await aged({ underWay: 1, waiting: 0 });
  asking(stage, 'somebody else');
  const asker = asking(stage);
  await settled();
  expect([asker.value, asker.served, asked.length]).toEqual(['old', 'stale', 2]);
  asked[1]!.resolve(json('answer'));
});
