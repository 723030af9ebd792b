import { expect, test, vi } from 'vitest';
import { Call } from '../../src/core/call.ts';
import { fakeTime, pass } from './fake-time.ts';

fakeTime();

const sharedFor = (ms: number) => Call.shared(performance.now() + ms, undefined);

test('shared work has no timer: its deadline is what it tells others, and only its askers end it', async () => {
  using call = sharedFor(100);
  expect(vi.getTimerCount()).toBe(0);
  expect(call.leftMs()).toBe(100);
  await pass(1_000);
  expect(call.over).toBe(false);
});

test('shared work is a root of its own: no asker sees what another one has asked', () => {
  using call = sharedFor(100);
  expect(call.root).toBe(call);
  expect(call.inner().memo).toBe(call.memo);
});

test('a limit within shared work holds even past the deadline of the asker who began it', async () => {
  using call = sharedFor(100);
  using limited = call.within(250);
  await pass(249);
  expect(limited.over).toBe(false);
  await pass(1);
  expect(limited.reason).toMatchObject({ code: 'deadline_exceeded', message: 'no answer within 250 ms' });
});

test('… and tells others no more time than that asker has', async () => {
  using call = sharedFor(100);
  using limited = call.within(250);
  expect(limited.leftMs()).toBe(100);
  using shorter = limited.within(150);
  await pass(150);
  expect([limited.over, shorter.reason?.code]).toEqual([false, 'deadline_exceeded']);
});
