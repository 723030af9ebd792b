import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { scripted } from './scripted.ts';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

test('answers land in the order in which the test gives them', async () => {
  const script = scripted<string, number>();
  using call = startCall(1_000);
  const landed: unknown[] = [];
  const answers = ['a', 'b'].map((input) => script.source(input, call).then((value) => landed.push(value), (error: unknown) => landed.push(error)));
  const [a, b] = [await script.next(), await script.next()];
  expect([a.input, b.input, b.call]).toEqual(['a', 'b', call]);
  b.reject('lost');
  await answers[1];
  a.resolve(1);
  await Promise.all(answers);
  expect(landed).toEqual(['lost', 1]);
  expect(script.asked).toEqual([a, b]);
  expect(() => a.resolve(2)).toThrow('it has landed before');
});

test('next waits for an ask to come, and two who wait get two', async () => {
  const script = scripted<string, number>();
  using call = startCall(1_000);
  const coming = Promise.all([script.next(), script.next()]);
  void script.source('a', call);
  void script.source('b', call);
  expect((await coming).map(({ input }) => input)).toEqual(['a', 'b']);
});

test('an ask knows whether its call was stopped before it landed, and can land with the reason', async () => {
  const script = scripted<string, number>();
  using call = startCall(10);
  const answers = Promise.allSettled([script.source('a', call), script.source('b', call)]);
  const [early, late] = [await script.next(), await script.next()];
  expect(() => early.stop()).toThrow('expected a call that was stopped');
  early.resolve(1);
  expect([early.stopped, late.stopped, late.landed]).toEqual([false, false, false]);
  await vi.advanceTimersByTimeAsync(10);
  expect([early.stopped, late.stopped, late.landed]).toEqual([false, true, false]);
  late.stop();
  expect(await answers).toMatchObject([{ value: 1 }, { reason: { code: 'deadline_exceeded' } }]);
  expect(late.stopped).toBe(true);
});
