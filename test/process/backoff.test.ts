import { expect, test } from 'vitest';
import { pauseMs } from '../../src/process/backoff.ts';

test('those that die young are replaced ever more slowly, up to a bound', () => {
  const pauses = [];
  for (let last = 0; pauses.length < 9;) pauses.push((last = pauseMs(5, last)));
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
});

test('one that lived a while is replaced at once, and the next pause is a short one', () => {
  expect(pauseMs(10_000, 5_000)).toBe(0);
  expect(pauseMs(9_999, 0)).toBe(100);
  expect(pauseMs(Infinity, 0)).toBe(0);
});
