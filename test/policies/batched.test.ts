import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { batched } from '../../src/policies/batched.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { answer, batch, keysOf } from './batch-script.ts';

fakeTime();
const listening = watchListeners();

/** The end of this turn of the event loop, when what was asked in it is sent. */
const turn = () => pass(0);

test('everything asked in one turn, by whichever requests, is one query, and each gets its own answer', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  using other = startCall(1_000);
  const answers = Promise.all([source('a', call), source('b', other), source('c', call)]);
  expect(queries).toEqual([]);
  // The two requests' own, and one for the turn.
  expect(vi.getTimerCount()).toBe(3);
  await turn();
  expect(keysOf(queries)).toEqual([['a', 'b', 'c']]);
  answer(queries[0]!);
  expect(await answers).toEqual(['answer a', 'answer b', 'answer c']);
  expect(listening.size).toBe(0);
});

test('what is asked later in the turn, after promises have settled, still travels with it', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const answers = Promise.all([source('a', call), Promise.resolve().then(() => source('b', call))]);
  await turn();
  expect(keysOf(queries)).toEqual([['a', 'b']]);
  answer(queries[0]!);
  await answers;
});

test('what is asked in another turn is another query', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const first = source('a', call);
  await turn();
  const second = source('a', call);
  await turn();
  expect(keysOf(queries)).toEqual([['a'], ['a']]);
  for (const query of queries) answer(query);
  expect(await Promise.all([first, second])).toEqual(['answer a', 'answer a']);
});

test('where the last one asked alone and has its answer, the next is not kept waiting; where others were there, it is', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const first = source('a', call);
  await turn();
  answer(queries[0]!);
  await first;
  await settled();
  const [second, third] = [source('b', call), source('c', call)];
  await settled();
  expect(keysOf(queries)).toEqual([['a'], ['b', 'c']]);
  answer(queries[1]!);
  await Promise.all([second, third]);
  await settled();
  const fourth = source('d', call);
  await settled();
  expect(queries).toHaveLength(2);
  await turn();
  answer(queries[2]!);
  await fourth;
  await settled();
  // Alone again, but while its query is under way the next waits for the end of its turn.
  const fifth = source('e', call);
  await settled();
  const sixth = source('f', call);
  await settled();
  expect(keysOf(queries.slice(3))).toEqual([['e']]);
  await turn();
  expect(keysOf(queries.slice(3))).toEqual([['e'], ['f']]);
  for (const query of queries.slice(3)) answer(query);
  await Promise.all([fifth, sixth]);
});

test('equal keys are asked once, and all who asked get the answer', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  using other = startCall(1_000);
  const answers = Promise.all([source('a', call), source('b', call), source('a', other), source('a', call)]);
  await turn();
  expect(keysOf(queries)).toEqual([['a', 'b']]);
  answer(queries[0]!);
  expect(await answers).toEqual(['answer a', 'answer b', 'answer a', 'answer a']);
});

test('the query runs in a call that no asker owns, with the time of the one who has most', async () => {
  const { queries, source } = batch();
  using call = startCall(100);
  using longer = startCall(1_000);
  const answers = [watch(source('a', call)), watch(source('a', longer)), watch(source('b', call))];
  await turn();
  const { call: own } = queries[0]!;
  expect(own.root).toBe(own);
  expect(own.deadlineAt).toBe(longer.deadlineAt);
  answer(queries[0]!);
  await settled();
  expect(own.reason?.code).toBe('call_over');
  expect(answers.map(({ now }) => now.state)).toEqual(['answered', 'answered', 'answered']);
  expect(vi.getTimerCount()).toBe(2);
});

test('each asker says how the query was served', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const part = call.fork('part');
  const answered = source('a', part);
  await turn();
  queries[0]!.call.flight.served = 'cache';
  answer(queries[0]!);
  await answered;
  expect(part.flight.served).toBe('cache');
});

test('more keys than fit are several queries, in the order in which they were asked', async () => {
  const { queries, source } = batch({ sizeMax: 2, inFlightMax: 10 });
  using call = startCall(1_000);
  const answers = Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => source(id, call)));
  await turn();
  expect(keysOf(queries)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  for (const query of queries) answer(query);
  expect(await answers).toHaveLength(5);
});

test('by default a query has a hundred keys, and two are under way', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const answers = Array.from({ length: 250 }, (_, id) => source(String(id), call));
  await turn();
  expect(keysOf(queries).map(({ length }) => length)).toEqual([100, 100]);
  answers.push(source('last', call));
  // No turn is waited for while no query could be sent at its end.
  expect(vi.getTimerCount()).toBe(1);
  answer(queries[1]!);
  await settled();
  expect(keysOf(queries).map(({ length }) => length)).toEqual([100, 100, 51]);
  answer(queries[0]!);
  answer(queries[2]!);
  expect(await Promise.all(answers)).toHaveLength(251);
});

test('what waits for a place among the queries under way gathers, and travels together when one ends', async () => {
  const { queries, source } = batch({ inFlightMax: 1 });
  using call = startCall(1_000);
  const first = watch(source('a', call));
  await turn();
  const others = [watch(source('b', call))];
  await turn();
  others.push(watch(source('c', call)), watch(source('b', call)));
  await turn();
  expect(keysOf(queries)).toEqual([['a']]);
  queries[0]!.reject(new Error('lost'));
  await settled();
  expect(keysOf(queries)).toEqual([['a'], ['b', 'c']]);
  answer(queries[1]!);
  await settled();
  expect([first, ...others].map(({ now }) => now.state)).toEqual(['failed', 'answered', 'answered', 'answered']);
});

test('beyond as many keys as may wait, questions are refused as overloaded; a key that waits already is not one more', async () => {
  const { queries, source } = batch({ waitingMax: 2, inFlightMax: 1 });
  using call = startCall(1_000);
  const waiting = [watch(source('a', call)), watch(source('b', call))];
  await expect(source('c', call)).rejects.toMatchObject({ code: 'overloaded', message: 'too many questions are waiting' });
  waiting.push(watch(source('b', call)));
  await turn();
  const next = watch(source('c', call));
  answer(queries[0]!);
  await settled();
  answer(queries[1]!);
  await settled();
  expect([...waiting, next].map(({ now }) => now.state)).toEqual(['answered', 'answered', 'answered', 'answered']);
});

test('a key that a query has no answer for is not found', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const [found, missing] = [watch(source('a', call)), watch(source('b', call))];
  await turn();
  answer(queries[0]!, { but: ['b'] });
  await settled();
  expect(found.now).toMatchObject({ state: 'answered', value: 'answer a' });
  expect(missing.now).toMatchObject({ state: 'failed', error: { code: 'not_found', message: 'there is nothing under this key' } });
});

test('where no answer means something, that is the answer', async () => {
  const { queries, source } = batch({ otherwise: 'nothing yet' });
  using call = startCall(1_000);
  const answers = Promise.all([source('a', call), source('b', call)]);
  await turn();
  answer(queries[0]!, { but: ['b'] });
  expect(await answers).toEqual(['answer a', 'nothing yet']);
});

test.each([
  ['without an otherwise', {}],
  ['with one', { otherwise: 'nothing yet' }],
])('an answer of null is an answer, and not a missing one: %s', async (_, spec) => {
  const source = batched({ key: (id: string) => id, loadMany: async () => new Map<string, string | null>([['a', null]]), ...spec });
  using call = startCall(1_000);
  const answered = watch(source('a', call));
  await turn();
  expect(answered.now).toMatchObject({ state: 'answered', value: null });
});

test('a query that answers for keys nobody asked for gives them to nobody', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  const answered = source('a', call);
  await turn();
  queries[0]!.resolve(new Map([['z', 'answer z'], ['a', 'answer a']]));
  expect(await answered).toBe('answer a');
});

test.each([
  ['rejects', () => Promise.reject(new Error('lost'))],
  ['throws', () => { throw new Error('lost'); }],
  ['answers with something else', () => Promise.resolve(undefined as unknown as Map<string, string>)],
])('a query that %s fails all who asked, and an otherwise does not hide it', async (_, loadMany) => {
  const source = batched({ key: (id: string) => id, loadMany, otherwise: 'nothing yet' });
  using call = startCall(1_000);
  const answers = [watch(source('a', call)), watch(source('b', call)), watch(source('a', call))];
  await turn();
  const failed = { state: 'failed', error: { code: 'source_failed', message: 'the source failed' } };
  expect(answers.map(({ now }) => now)).toMatchObject([failed, failed, failed]);
  expect(listening.size).toBe(0);
});

test('a failed query is over: what is asked next is another one', async () => {
  const { queries, source } = batch({ inFlightMax: 1 });
  using call = startCall(1_000);
  const failed = watch(source('a', call));
  await turn();
  queries[0]!.reject(new Failure('source_failed', 'the user database failed'));
  await settled();
  const answered = source('a', call);
  await turn();
  answer(queries[1]!);
  expect(await answered).toBe('answer a');
  expect(failed.now).toMatchObject({ error: { message: 'the user database failed' } });
});

test.each([{ sizeMax: 0 }, { inFlightMax: 0 }, { waitingMax: 0 }, { sizeMax: Number.NaN }, { inFlightMax: 1.5 }])('with %j nothing would ever be asked: that is no batch', (most) => {
  expect(() => batched({ key: (input: string) => input, loadMany: () => Promise.resolve(new Map<string, string>()), ...most })).toThrow(/^expected \w+ of a batch to be a whole number from 1, but got: /);
});
