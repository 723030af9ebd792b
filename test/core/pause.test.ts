import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { pause } from '../../src/core/pause.ts';
import { fakeTime, pass, settled, watch } from './fake-time.ts';
import { watchListeners } from './listening.ts';

fakeTime();
const listening = watchListeners();

test('a pause takes its time, and leaves nobody listening', async () => {
  using call = startCall(1_000);
  const paused = watch(pause(50, call));
  await pass(49);
  expect(paused.now.state).toBe('pending');
  await pass(1);
  expect([paused.now.state, listening.size, call.over]).toEqual(['answered', 0, false]);
});

test('the end of the call is the end of the pause: at once, and its timer goes', async () => {
  using call = startCall(1_000);
  const paused = watch(pause(50, call));
  await pass(10);
  call.end();
  expect(vi.getTimerCount()).toBe(0);
  await settled();
  expect([paused.now, listening.size]).toEqual([{ state: 'answered', value: undefined, atMs: 10 }, 0]);
});

test('in a call that is over there is no pause', async () => {
  const call = startCall(1_000);
  call.end();
  const paused = watch(pause(50, call));
  await settled();
  expect([paused.now.state, vi.getTimerCount()]).toEqual(['answered', 0]);
});
