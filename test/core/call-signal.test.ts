import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { callOver, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { fakeTime, pass } from './fake-time.ts';

fakeTime();

const clientGone = new Failure('client_gone', 'the client went away');
let made = 0;

beforeEach(() => {
  made = 0;
  vi.stubGlobal('AbortController', class extends AbortController {
    constructor() {
      super();
      made++;
    }
  });
});
afterEach(() => { vi.unstubAllGlobals(); });

test('nothing makes a signal but to read it, and it is made once', async () => {
  using call = startCall(250);
  using own = call.fork('part').within(100);
  await pass(250);
  expect([own.over, call.over, made]).toEqual([true, true, 0]);
  expect(own.signal).toBe(own.signal);
  expect(made).toBe(1);
});

test('the signal aborts with the reason of the stop', () => {
  using call = startCall(250);
  const { signal } = call.inner();
  expect(signal.aborted).toBe(false);
  call.stop(clientGone);
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toBe(clientGone);
});

test('the signal of a call that is over has aborted when it is first read', () => {
  const call = startCall(250);
  call.end();
  expect(call.signal.aborted).toBe(true);
  expect(call.signal.reason).toBe(callOver);
});

test('the signal aborts once, however often the call is stopped', () => {
  using call = startCall(250);
  const aborted = vi.fn();
  call.signal.addEventListener('abort', aborted);
  call.stop(clientGone);
  call.end();
  expect(aborted).toHaveBeenCalledTimes(1);
  expect(call.signal.reason).toBe(clientGone);
});
