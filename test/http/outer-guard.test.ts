import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { outerGuarded } from '../../src/http/outer-guard.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { keptLog } from './in-memory.ts';

fakeTime();
const listening = watchListeners();

function guard() {
  const { log, lines } = keptLog();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  return { lines, promise, resolve, reject, options: { graceMs: 50, name: 'user-overview', log } };
}

test('an answer in time passes, and nothing stays', async () => {
  const { lines, promise, resolve, options } = guard();
  using call = startCall(1_000);
  const answer = outerGuarded(promise, call, options);
  expect(vi.getTimerCount()).toBe(1);
  resolve(1);
  expect(await answer).toBe(1);
  expect(listening.size).toBe(0);
  call.end();
  expect(vi.getTimerCount()).toBe(0);
  expect(lines).toEqual([]);
});

test('a failure in time passes, and nothing stays', async () => {
  const { lines, promise, reject, options } = guard();
  using call = startCall(1_000);
  const answer = watch(outerGuarded(promise, call, options));
  const lost = new Failure('source_failed', 'lost');
  reject(lost);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: lost });
  expect(listening.size).toBe(0);
  expect(lines).toEqual([]);
});

test.each([
  ['answers', (of: ReturnType<typeof guard>) => { of.resolve(1); }, { state: 'answered', value: 1, atMs: 1_049 }],
  ['fails', (of: ReturnType<typeof guard>) => { of.reject(new Failure('bad_answer', 'nonsense')); }, { state: 'failed', error: { code: 'bad_answer' }, atMs: 1_049 }],
])('an answer that %s a little after the end passes as it is, and is no bug', async (_, land, expected) => {
  const of = guard();
  using call = startCall(1_000);
  const answer = watch(outerGuarded(of.promise, call, of.options));
  await pass(1_049);
  expect(answer.now).toEqual({ state: 'pending' });
  land(of);
  await settled();
  expect(answer.now).toMatchObject(expected);
  await pass(1_000);
  expect(of.lines).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer that is deaf to its end is given up after the grace, and the log says that this is a bug', async () => {
  const { lines, promise, options } = guard();
  using call = startCall(1_000);
  const answer = watch(outerGuarded(promise, call, options));
  await pass(1_050);
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 1_050, error: { code: 'deadline_exceeded', message: 'no answer by the deadline' } });
  expect(lines).toMatchObject([{ level: 'error', aggregate: 'user-overview', msg: 'an aggregate ignored its end: this is a bug in the engine' }]);
});

test('what a deaf answer says afterwards is not heard', async () => {
  const { promise, reject, options } = guard();
  using call = startCall(1_000);
  const answer = watch(outerGuarded(promise, call, options));
  await pass(1_050);
  const { now } = answer;
  reject(new Error('far too late'));
  await settled();
  expect(answer.now).toBe(now);
});

test('the grace begins when the call is stopped, by whoever', async () => {
  const { promise, options } = guard();
  using call = startCall(1_000);
  const answer = watch(outerGuarded(promise, call, options));
  await pass(100);
  call.stop(new Failure('client_gone', 'the client went away'));
  await pass(50);
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 150 });
});

test('for a call that is over already the grace begins at once', async () => {
  const { promise, options } = guard();
  using call = startCall(1_000);
  call.end();
  const answer = watch(outerGuarded(promise, call, options));
  await pass(49);
  expect(answer.now).toEqual({ state: 'pending' });
  await pass(1);
  expect(answer.now).toMatchObject({ state: 'failed', error: { code: 'deadline_exceeded' } });
});
