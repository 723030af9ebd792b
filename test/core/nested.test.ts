import { expect, test } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { type Call, startCall } from '../../src/core/call.ts';
import type { Duration } from '../../src/core/duration.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import { scripted } from '../support/scripted.ts';
import { fakeTime, pass, settled, watch } from './fake-time.ts';

fakeTime();

const notFound = new Failure('not_found', 'nothing there');

/** A user with an order in it: `user` and `order.last` are required, the order itself only where it says so. */
function nested({ orderDeadline = '500ms', required = false }: { orderDeadline?: Duration; required?: boolean } = {}) {
  const [user, last, total] = [scripted<string, string>(), scripted<string, string>(), scripted<string, number>()];
  const order = aggregate({
    name: 'order-overview',
    input: z.string(),
    deadline: orderDeadline,
    parts: { last: last.source, total: optional(total.source) },
  });
  const asked = aggregate({
    name: 'user-overview',
    input: z.string(),
    deadline: '1s',
    parts: { user: user.source, order: required ? order : optional(order) },
  });
  return { user: user.asked, last: last.asked, total: total.asked, asked };
}

test('an aggregate is a part like any other: its data is the value, its reports follow its own under dotted names', async () => {
  const { user, last, total, asked } = nested();
  using call = startCall(5_000);
  const answer = asked('42', call);
  await pass(10);
  last[0]!.resolve('book');
  user[0]!.resolve('Ada');
  await pass(10);
  total[0]!.resolve(3);
  const { data, parts } = await answer;
  expect(data).toEqual({ user: 'Ada', order: { last: 'book', total: 3 } });
  expect(parts).toEqual([
    { part: 'user', state: 'live', tookMs: 10 },
    { part: 'order', source: 'order-overview', state: 'live', tookMs: 20 },
    { part: 'order.last', state: 'live', tookMs: 10 },
    { part: 'order.total', state: 'live', tookMs: 20 },
  ]);
});

test('what is missing in a nested answer is missing in the whole: it is there, and not complete', async () => {
  const { user, last, total, asked } = nested({ required: true });
  using call = startCall(5_000);
  const answer = asked('42', call);
  user[0]!.resolve('Ada');
  last[0]!.resolve('book');
  total[0]!.reject(notFound);
  const { complete, data, parts } = await answer;
  expect(complete).toBe(false);
  expect(data).toEqual({ user: 'Ada', order: { last: 'book', total: null } });
  expect(parts.filter(({ state }) => state === 'missing')).toMatchObject([{ part: 'order.total', failure: notFound }]);
});

test('a required part that fails in an optional aggregate makes that aggregate missing, and nothing else', async () => {
  const { user, last, total, asked } = nested();
  using call = startCall(5_000);
  const answer = asked('42', call);
  last[0]!.reject(notFound);
  await settled();
  expect([total[0]!.stopped, user[0]!.stopped]).toEqual([true, false]);
  user[0]!.resolve('Ada');
  const { data, parts } = await answer;
  expect(data).toEqual({ user: 'Ada', order: null });
  expect(parts).toMatchObject([{ part: 'user' }, { part: 'order', state: 'missing', failure: { code: 'not_found', part: 'last' } }]);
  expect(parts).toHaveLength(2);
});

test('a required part that fails in a required aggregate fails the whole, under its dotted name', async () => {
  const { user, last, asked } = nested({ required: true });
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  last[0]!.reject(notFound);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: { code: 'not_found', message: 'nothing there', part: 'order.last', cause: notFound } });
  expect(user[0]!.stopped).toBe(true);
});

test('a shorter deadline of a nested aggregate is its own: it answers with what it has by then', async () => {
  const { user, last, total, asked } = nested();
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  last[0]!.resolve('book');
  await pass(500);
  expect([total[0]!.stopped, user[0]!.stopped]).toEqual([true, false]);
  user[0]!.resolve('Ada');
  await settled();
  expect(answer.now).toMatchObject({
    state: 'answered',
    value: { data: { order: { last: 'book', total: null } }, parts: [{}, { part: 'order', state: 'live' }, {}, { part: 'order.total', failure: { message: 'no answer within 500 ms' } }] },
  });
});

test('a longer deadline of a nested aggregate is cut short by the outer one, which takes what it has by then', async () => {
  const { user, last, asked } = nested({ orderDeadline: '10s' });
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  user[0]!.resolve('Ada');
  last[0]!.resolve('book');
  await pass(1_000);
  expect(answer.now).toMatchObject({
    state: 'answered',
    atMs: 1_000,
    value: { data: { order: { last: 'book', total: null } }, parts: [{}, { part: 'order', state: 'live' }, {}, { part: 'order.total', state: 'missing', failure: { code: 'deadline_exceeded', message: 'no answer within 1000 ms' } }] },
  });
});

test('a client that leaves stops the parts of nested aggregates as well', async () => {
  const { last, total, asked } = nested();
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  const clientGone = new Failure('client_gone', 'the client went away');
  call.stop(clientGone);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: clientGone });
  expect([last[0]!.call.reason, total[0]!.call.reason]).toEqual([clientGone, clientGone]);
});

test('a part that asks an aggregate by itself, and is failed by it, is blamed under a dotted name too', async () => {
  const { user, asked: inner } = nested();
  using call = startCall(5_000);
  const news = async (input: string, own: Call) => (await inner(input, own)).data.user;
  const answer = watch(aggregate({ name: 'feed', input: z.string(), deadline: '1s', parts: { news } })('42', call));
  user[0]!.reject(notFound);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: { code: 'not_found', part: 'news.user' } });
});
