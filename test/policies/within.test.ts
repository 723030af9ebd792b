import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import type { Duration } from '../../src/core/duration.ts';
import { Failure } from '../../src/core/failure.ts';
import { within } from '../../src/policies/within.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { scripted } from '../support/scripted.ts';

fakeTime();
const listening = watchListeners();

const clientGone = new Failure('client_gone', 'the client went away');

function limited(limit: Duration = '250ms') {
  const { source, asked } = scripted<string, number>();
  return { asked, source: within(limit)(source) };
}

test('the source is asked with the time it has', () => {
  const { asked, source } = limited();
  using call = startCall(1_000);
  void watch(source('a', call));
  expect(asked[0]!.input).toBe('a');
  expect(asked[0]!.call.leftMs()).toBe(250);
  expect(asked[0]!.call.flight).toBe(call.flight);
});

test('an answer in time passes, and neither a timer nor a listener stays', async () => {
  const { asked, source } = limited();
  using call = startCall(1_000);
  const answer = source('a', call);
  asked[0]!.resolve(1);
  expect(await answer).toBe(1);
  expect(asked[0]!.call.reason?.code).toBe('call_over');
  expect(vi.getTimerCount()).toBe(1);
  expect(listening.size).toBe(0);
});

test('a failure in time passes, and neither a timer nor a listener stays', async () => {
  const { asked, source } = limited();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  const failure = new Error('lost');
  asked[0]!.reject(failure);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: failure });
  expect(vi.getTimerCount()).toBe(1);
  expect(listening.size).toBe(0);
});

test('a source that is deaf to its end is given up when its time is over, and what it says then is not heard', async () => {
  const { asked, source } = limited();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  await pass(249);
  expect(answer.now).toEqual({ state: 'pending' });
  await pass(1);
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 250, error: { code: 'deadline_exceeded', message: 'no answer within 250 ms' } });
  expect(asked[0]!.stopped).toBe(true);
  expect(call.over).toBe(false);
  asked[0]!.resolve(1);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed' });
});

test('a caller who has less time gives up earlier, for its own reason', async () => {
  const { asked, source } = limited();
  using call = startCall(100);
  const answer = watch(source('a', call));
  expect(vi.getTimerCount()).toBe(1);
  await pass(100);
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 100, error: { code: 'deadline_exceeded', message: 'no answer within 100 ms' } });
  expect(asked[0]!.stopped).toBe(true);
});

test('a caller who leaves does not wait for a deaf source, and its reason reaches both', async () => {
  const { asked, source } = limited();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  await pass(10);
  call.stop(clientGone);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 10, error: clientGone });
  expect(asked[0]!.call.reason).toBe(clientGone);
  expect(vi.getTimerCount()).toBe(0);
});

test('a caller whose call is over asks nobody', async () => {
  const { asked, source } = limited();
  using call = startCall(1_000);
  call.stop(clientGone);
  await expect(source('a', call)).rejects.toBe(clientGone);
  expect(asked).toEqual([]);
});

test('a limit that is no duration is refused when it is defined', () => {
  expect(() => within('soon' as Duration)).toThrow(new TypeError("expected a duration such as '250ms', '2s' or '1m', but got: soon"));
});
