import { expect, test, vi } from 'vitest';
import { type Call, callOver, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { fakeTime, pass } from './fake-time.ts';

fakeTime();

const clientGone = new Failure('client_gone', 'the client went away');

test('a call is stopped at its deadline, not before, and says how long it had', async () => {
  using call = startCall(250);
  await pass(249);
  expect(call.over).toBe(false);
  await pass(1);
  expect(call.reason).toMatchObject({ code: 'deadline_exceeded', message: 'no answer within 250 ms' });
});

test('a call is told in whole milliseconds how long it had', async () => {
  using call = startCall(1_000);
  using shorter = call.within(99.6);
  await pass(100);
  expect(shorter.reason?.message).toBe('no answer within 100 ms');
});

test('a call that has ended keeps no timer', () => {
  const call = startCall(250);
  expect(vi.getTimerCount()).toBe(1);
  call.end();
  expect(vi.getTimerCount()).toBe(0);
  expect(call.reason).toBe(callOver);
});

test('a call ends with its block', () => {
  let left: Call;
  {
    using call = startCall(250);
    left = call;
    expect(left.over).toBe(false);
  }
  expect(left.reason).toBe(callOver);
});

test('a call is stopped once: the first reason stays', async () => {
  using call = startCall(250);
  call.stop(clientGone);
  call.end();
  await pass(250);
  expect(call.reason).toBe(clientGone);
});

test('the time left runs down to the deadline and no further', async () => {
  using call = startCall(250);
  expect(call.leftMs()).toBe(250);
  await pass(100);
  expect(call.leftMs()).toBe(150);
  await pass(1_000);
  expect(call.leftMs()).toBe(0);
});

test('only a call that is over throws its reason', () => {
  using call = startCall(250);
  expect(() => { call.throwIfOver(); }).not.toThrow();
  call.stop(clientGone);
  expect(() => { call.throwIfOver(); }).toThrow(clientGone);
});

test('a shorter call inside another one is stopped alone', async () => {
  using call = startCall(250);
  using shorter = call.within(100);
  expect(shorter.deadlineAt).toBe(call.deadlineAt - 150);
  await pass(99);
  expect(shorter.over).toBe(false);
  await pass(1);
  expect(shorter.reason).toMatchObject({ code: 'deadline_exceeded', message: 'no answer within 100 ms' });
  expect(call.over).toBe(false);
});

test.each([250, 251, 60_000])('a call of 250 ms has no timer for %d ms within it, and ends them itself', async (ms) => {
  using call = startCall(250);
  using own = call.within(ms);
  expect(vi.getTimerCount()).toBe(1);
  expect(own.deadlineAt).toBe(call.deadlineAt);
  await pass(250);
  expect(own.reason).toBe(call.reason);
  expect(own.reason?.message).toBe('no answer within 250 ms');
});

test.each([
  ['within', (call: Call) => call.within(100)],
  ['inner', (call: Call) => call.inner()],
  ['fork', (call: Call) => call.fork('part')],
])('%s: ends with its parent, for the same reason, and leaves no timer', (_, make) => {
  using call = startCall(250);
  const own = make(call);
  call.stop(clientGone);
  expect(own.reason).toBe(clientGone);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  ['within', (call: Call) => call.within(100)],
  ['inner', (call: Call) => call.inner()],
  ['fork', (call: Call) => call.fork('part')],
])('%s: is over from the start in a call that is over', (_, make) => {
  using call = startCall(250);
  call.stop(clientGone);
  const own = make(call);
  expect(own.reason).toBe(clientGone);
  expect(vi.getTimerCount()).toBe(0);
});

test('an inner call may end before its parent, and then does not hear of its end', () => {
  using call = startCall(250);
  const [inner, other] = [call.inner(), call.inner()];
  inner.end();
  expect([call.over, other.over]).toEqual([false, false]);
  call.stop(clientGone);
  expect([inner.reason, other.reason]).toEqual([callOver, clientGone]);
});

test('an inner call reports to the flight of its parent and is not for a part; a fork has its own', () => {
  using call = startCall(250);
  const part = call.fork('profile');
  const inner = part.inner();
  const within = inner.within(100);
  expect([part.part, inner.part, within.part]).toEqual(['profile', undefined, undefined]);
  within.flight.served = 'stale';
  expect([part.flight.served, call.flight.served]).toEqual(['stale', 'live']);
});

test('what a request knows is kept by its root: all calls in it share it, other requests do not', () => {
  using call = startCall(250);
  using other = startCall(250);
  const deep = call.fork('part').within(100).inner();
  expect(deep.root).toBe(call);
  expect(deep.memo).toBe(call.memo);
  expect(other.memo).not.toBe(call.memo);
});

test('a call stands where its parent stood in the trace when it was made', () => {
  const [at, below] = ['a', 'b'].map((digit) => ({ traceId: digit.repeat(32), spanId: digit.repeat(16), span: undefined }));
  using call = startCall(250, at);
  const before = call.inner();
  call.trace = below;
  expect([before.trace, call.inner().trace]).toEqual([at, below]);
});
