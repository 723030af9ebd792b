import { expect, test, vi } from 'vitest';
import { LoopDelay } from '../../../src/http/admission/loop-delay.ts';
import { fakeTime, pass } from '../../core/fake-time.ts';

fakeTime();

/** Looks that come so many milliseconds after each other. */
function looks(...gaps: readonly number[]): number {
  const loop = new LoopDelay(() => undefined);
  let now = 0;
  for (const gap of gaps) loop.look((now += gap));
  return loop.ms;
}

test('a loop that is on time is not late, nor is one that looks too early', () => {
  expect(looks(20, 20, 20)).toBe(0);
  expect(looks(5, 1, 0)).toBe(0);
});

test('one pause, however long, stays below every threshold; several in a row do not', () => {
  expect(looks(20, 600_000)).toBe(30);
  expect(looks(120, 120)).toBeCloseTo(51);
  expect(looks(...Array.from({ length: 20 }, () => 120))).toBeGreaterThan(99);
});

test('when it is over it is soon forgotten', () => {
  expect(looks(120, 120, ...Array.from({ length: 10 }, () => 20))).toBeLessThan(2);
});

test('it looks fifty times a second until it is stopped, and holds nothing up', async () => {
  const looked = vi.fn();
  const loop = new LoopDelay(looked);
  loop.start();
  loop.start();
  expect(vi.getTimerCount()).toBe(1);
  await pass(1_000);
  expect(looked).toHaveBeenCalledTimes(50);
  expect(loop.ms).toBe(0);
  loop.stop();
  await pass(1_000);
  expect(looked).toHaveBeenCalledTimes(50);
});
