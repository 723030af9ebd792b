import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { untilOver } from '../../src/core/until-over.ts';
import { fakeTime, pass, settled, watch } from './fake-time.ts';
import { watchListeners } from './listening.ts';

fakeTime();
const listening = watchListeners();

const clientGone = new Failure('client_gone', 'the client went away');

test('work that ends in time passes, and nobody listens any more', async () => {
  using call = startCall(1_000);
  const late = vi.fn();
  expect(await untilOver(Promise.resolve(1), call, { late })).toBe(1);
  await expect(untilOver(Promise.reject(clientGone), call, { late })).rejects.toBe(clientGone);
  expect(listening.size).toBe(0);
  call.end();
  await settled();
  expect(late).not.toHaveBeenCalled();
});

test('when the call is stopped nobody waits for the work, and what it gives too late is given back, once', async () => {
  using call = startCall(1_000);
  const { promise, resolve } = Promise.withResolvers<number>();
  const late = vi.fn();
  const value = watch(untilOver(promise, call, { late }));
  await pass(10);
  call.stop(clientGone);
  await settled();
  expect(value.now).toMatchObject({ state: 'failed', atMs: 10, error: clientGone });
  resolve(1);
  await settled();
  expect(late.mock.calls).toEqual([[1]]);
});

test('a failure that comes too late is not heard', async () => {
  using call = startCall(1_000);
  const { promise, reject } = Promise.withResolvers<number>();
  const value = watch(untilOver(promise, call));
  await pass(1_000);
  reject(new Error('too late to matter'));
  await settled();
  expect(value.now).toMatchObject({ state: 'failed', atMs: 1_000, error: { code: 'deadline_exceeded' } });
});

test('for a call that is over there is no waiting, and what comes is given back', async () => {
  using call = startCall(1_000);
  call.stop(clientGone);
  const late = vi.fn();
  await expect(untilOver(Promise.resolve(1), call, { late })).rejects.toBe(clientGone);
  await settled();
  expect(late).toHaveBeenCalledWith(1);
  expect(listening.size).toBe(0);
});
