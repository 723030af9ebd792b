import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { batched } from '../../src/policies/batched.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { answer, batch, keysOf } from './batch-script.ts';

// A query that was stopped and goes on keeps its place for a second.
fakeTime(1_000);

const divisible = new Failure('source_failed', 'the user database failed', { divisible: true });
const turn = () => pass(0);

test('a divisible failure is asked again in halves, one after the other, until the one to blame stands alone', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const answers = ['a', 'b', 'c', 'd'].map((id) => watch(source(id, call)));
  await turn();
  queries[0]!.reject(divisible);
  await settled();
  expect(keysOf(queries)).toEqual([['a', 'b', 'c', 'd'], ['a', 'b']]);
  answer(queries[1]!);
  await settled();
  queries[2]!.reject(divisible);
  await settled();
  answer(queries[3]!);
  await settled();
  expect(keysOf(queries).slice(2)).toEqual([['c', 'd'], ['c'], ['d']]);
  // Nobody waits for somebody else's poison to be found.
  expect(answers.map(({ now }) => now.state)).toEqual(['answered', 'answered', 'answered', 'pending']);
  queries[4]!.reject(divisible);
  await settled();
  expect(answers.map(({ now }) => now)).toMatchObject([{ value: 'answer a' }, { value: 'answer b' }, { value: 'answer c' }, { error: divisible }]);
});

test('a failure that is not divisible is not asked again: it fails all', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const answers = ['a', 'b'].map((id) => watch(source(id, call)));
  await turn();
  const failure = new Failure('overloaded', 'no connection is free');
  queries[0]!.reject(failure);
  await settled();
  expect(queries).toHaveLength(1);
  expect(answers.map(({ now }) => now)).toMatchObject([{ error: failure }, { error: failure }]);
});

test('each half fails as it fails', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const answers = ['a', 'b', 'c', 'd'].map((id) => watch(source(id, call)));
  await turn();
  queries[0]!.reject(divisible);
  await settled();
  queries[1]!.reject(new Error('ECONNRESET'));
  await settled();
  answer(queries[2]!);
  await settled();
  const lost = { error: { code: 'source_failed', cause: { message: 'ECONNRESET' } } };
  expect(answers.map(({ now }) => now)).toMatchObject([lost, lost, { value: 'answer c' }, { value: 'answer d' }]);
});

test('all halves hold one place among the queries under way', async () => {
  const { queries, source } = batch({ inFlightMax: 1 });
  using call = startCall(1_000);
  void watch(source('a', call));
  void watch(source('b', call));
  await turn();
  queries[0]!.reject(divisible);
  void watch(source('c', call));
  await turn();
  expect(keysOf(queries)).toEqual([['a', 'b'], ['a']]);
  answer(queries[1]!);
  await settled();
  expect(keysOf(queries)).toEqual([['a', 'b'], ['a'], ['b']]);
  answer(queries[2]!);
  await settled();
  expect(keysOf(queries)).toEqual([['a', 'b'], ['a'], ['b'], ['c']]);
});

test('a query that fails because everybody left is not asked again', async () => {
  const { queries, source } = batch();
  using call = startCall(100);
  void watch(source('a', call));
  void watch(source('b', call));
  await turn();
  await pass(100);
  queries[0]!.reject(divisible);
  await settled();
  expect(queries).toHaveLength(1);
});

test('when everybody leaves during the first half, the second is not asked', async () => {
  const { queries, source } = batch();
  using call = startCall(100);
  void watch(source('a', call));
  void watch(source('b', call));
  await turn();
  queries[0]!.reject(divisible);
  await settled();
  await pass(100);
  queries[1]!.stop();
  await settled();
  expect(keysOf(queries)).toEqual([['a', 'b'], ['a']]);
});

test('when the first half has its answer and the second hangs, it is stopped with the last of its own askers, and its place is free', async () => {
  const { queries, source } = batch({ inFlightMax: 1 });
  using call = startCall(100);
  void watch(source('a', call));
  void watch(source('b', call));
  await turn();
  queries[0]!.reject(divisible);
  await settled();
  answer(queries[1]!);
  await settled();
  expect([queries[2]!.input, queries[2]!.stopped]).toEqual([['b'], false]);
  await pass(100);
  expect(queries[2]!.stopped).toBe(true);
  queries[2]!.stop();
  using later = startCall(1_000);
  void watch(source('c', later));
  await turn();
  expect(keysOf(queries).at(-1)).toEqual(['c']);
});

test('when the askers of the second half leave during the first, the second is not asked', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  using short = startCall(100);
  const first = watch(source('a', call));
  void watch(source('b', short));
  await turn();
  queries[0]!.reject(divisible);
  await settled();
  await pass(100);
  answer(queries[1]!);
  await settled();
  expect(first.now).toMatchObject({ value: 'answer a' });
  expect(keysOf(queries)).toEqual([['a', 'b'], ['a']]);
});

test('whichever keys poison a query, exactly those fail, and it takes no more queries than halving needs', async () => {
  const keys = Array.from({ length: 40 }, (_, id) => String(id));
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.subarray(keys), async (size, poison) => {
    const asked = keys.slice(0, size);
    const poisoned = asked.filter((key) => poison.includes(key));
    let queries = 0;
    const source = batched({
      key: (id: string) => id,
      loadMany: async (keys) => {
        queries++;
        if (keys.some((key) => poisoned.includes(key))) throw divisible;
        return new Map(keys.map((key) => [key, `answer ${key}`]));
      },
    });
    using call = startCall(1_000);
    const answers = asked.map((id) => watch(source(id, call)));
    await turn();
    await settled();
    expect(answers.map(({ now }) => now)).toMatchObject(asked.map((key) => (poisoned.includes(key) ? { error: divisible } : { value: `answer ${key}` })));
    // Each poisoned key costs two queries a level of halving at most, and no set of them more than all keys one by one.
    const levels = Math.ceil(Math.log2(size));
    expect(queries).toBeLessThanOrEqual(Math.min(1 + 2 * levels * poisoned.length, 2 * size - 1));
  }), { numRuns: 300 });
});
