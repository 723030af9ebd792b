import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { answer, batch, keysOf } from './batch-script.ts';

// A query that was stopped and goes on keeps its place for a second.
fakeTime(1_000);
const listening = watchListeners();

const clientGone = new Failure('client_gone', 'the client went away');
const turn = () => pass(0);

test('a call that is over asks nothing', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  call.stop(clientGone);
  await expect(source('a', call)).rejects.toBe(clientGone);
  await turn();
  expect(queries).toEqual([]);
});

test('who leaves before the query is sent takes the key with it, unless somebody else asked for it too', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  using gone = startCall(1_000);
  const left = [watch(source('a', gone)), watch(source('b', gone))];
  const stayed = watch(source('b', call));
  gone.stop(clientGone);
  await turn();
  expect(keysOf(queries)).toEqual([['b']]);
  answer(queries[0]!);
  await settled();
  expect(left.map(({ now }) => now)).toMatchObject([{ error: clientGone }, { error: clientGone }]);
  expect(stayed.now).toMatchObject({ value: 'answer b' });
});

test('when all leave before the query is sent, there is none', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  void watch(source('a', call));
  void watch(source('b', call));
  call.stop(clientGone);
  await turn();
  expect(queries).toEqual([]);
  expect(listening.size).toBe(0);
});

test('a key that was left may be asked for again in the same turn', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  using gone = startCall(1_000);
  void watch(source('a', gone));
  gone.stop(clientGone);
  const answered = source('a', call);
  await turn();
  expect(keysOf(queries)).toEqual([['a']]);
  answer(queries[0]!);
  expect(await answered).toBe('answer a');
});

test('keys that nobody waits for any more make place for others', async () => {
  const { source } = batch({ waitingMax: 1 });
  using call = startCall(1_000);
  using gone = startCall(1_000);
  void watch(source('a', gone));
  gone.stop(clientGone);
  const next = watch(source('b', call));
  await turn();
  expect(next.now).toEqual({ state: 'pending' });
});

test('who leaves while the query is under way hears at once why; the query goes on for the others', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  using gone = startCall(1_000);
  const [left, stayed] = [watch(source('a', gone)), watch(source('b', call))];
  await turn();
  gone.stop(clientGone);
  await settled();
  expect(left.now).toMatchObject({ state: 'failed', error: clientGone });
  expect(queries[0]!.stopped).toBe(false);
  answer(queries[0]!);
  await settled();
  expect(stayed.now).toMatchObject({ value: 'answer b' });
});

test('the last asker to leave stops the query, with its reason, though others left before', async () => {
  const { queries, source } = batch();
  const calls = [startCall(100), startCall(200), startCall(300)];
  const answers = calls.map((call, at) => watch(source(at < 2 ? 'a' : 'b', call)));
  await turn();
  await pass(100);
  await pass(100);
  expect(queries[0]!.stopped).toBe(false);
  await pass(100);
  expect(queries[0]!.call.reason).toMatchObject({ code: 'deadline_exceeded', message: 'no answer within 300 ms' });
  queries[0]!.stop();
  await settled();
  expect(answers.map(({ now }) => now)).toMatchObject([{ atMs: 100 }, { atMs: 200 }, { atMs: 300 }]);
});

test('a query that is stopped leaves the others under way untouched', async () => {
  const { queries, source } = batch({ sizeMax: 1 });
  using call = startCall(1_000);
  using gone = startCall(1_000);
  void watch(source('a', gone));
  const stayed = source('b', call);
  await turn();
  gone.stop(clientGone);
  expect(queries.map(({ stopped }) => stopped)).toEqual([true, false]);
  answer(queries[1]!);
  expect(await stayed).toBe('answer b');
});

test('a query that is stopped keeps its place until it has ended, and then gives it to the next', async () => {
  const { queries, source } = batch({ inFlightMax: 1 });
  using call = startCall(1_000);
  using gone = startCall(1_000);
  void watch(source('a', gone));
  await turn();
  gone.stop(clientGone);
  const next = source('b', call);
  await turn();
  expect(queries).toHaveLength(1);
  queries[0]!.stop();
  await settled();
  answer(queries[1]!);
  expect(await next).toBe('answer b');
});

test('a query that ends well after everybody left answers nobody', async () => {
  const { queries, source } = batch();
  using gone = startCall(1_000);
  const left = watch(source('a', gone));
  await turn();
  gone.stop(clientGone);
  answer(queries[0]!);
  await settled();
  expect(left.now).toMatchObject({ state: 'failed', error: clientGone });
});

test('a key asked for again while its query is under way travels with the next one', async () => {
  const { queries, source } = batch();
  using call = startCall(1_000);
  using gone = startCall(1_000);
  void watch(source('a', gone));
  await turn();
  const again = source('a', call);
  gone.stop(clientGone);
  expect(queries[0]!.stopped).toBe(true);
  await turn();
  expect(keysOf(queries)).toEqual([['a'], ['a']]);
  answer(queries[1]!);
  expect(await again).toBe('answer a');
});

test('a query that never ends loses its place a second after it was stopped', async () => {
  const { queries, source } = batch({ inFlightMax: 1 });
  const first = startCall(1_000);
  const left = watch(source('a', first));
  await turn();
  first.stop(clientGone);
  using call = startCall(10_000);
  const next = watch(source('b', call));
  await pass(999);
  expect([left.now.state, queries.length]).toEqual(['failed', 1]);
  await pass(1);
  expect(queries).toHaveLength(2);
  answer(queries[1]!);
  await settled();
  expect(next.now).toMatchObject({ value: 'answer b' });
});
