import { expect, test } from 'vitest';
import { RateWindows } from '../../src/clients/rate-windows.ts';
import { fakeTime, pass } from '../core/fake-time.ts';

fakeTime();

const rate = { count: 2, windowMs: 1_000 };

test('a window begins with the first question, and ends after its time', async () => {
  const windows = new RateWindows(rate);
  expect(windows.take('a')).toEqual({ used: 1, leftMs: 1_000 });
  await pass(400);
  expect(windows.take('a')).toEqual({ used: 2, leftMs: 600 });
  expect(windows.take('b')).toEqual({ used: 1, leftMs: 1_000 });
  await pass(599);
  expect(windows.take('a')).toEqual({ used: 3, leftMs: 1 });
  await pass(1);
  expect(windows.take('a')).toEqual({ used: 1, leftMs: 1_000 });
});

test('who has used more than they may is known as long as the window lasts', async () => {
  const windows = new RateWindows(rate);
  windows.take('a');
  windows.take('a');
  expect(windows.spent('a')).toBeUndefined();
  windows.take('a');
  expect(windows.spent('a')).toEqual({ used: 3, leftMs: 1_000 });
  await pass(1_000);
  expect(windows.spent('a')).toBeUndefined();
});

test('what was counted elsewhere counts here', async () => {
  const windows = new RateWindows(rate);
  windows.note('a', { used: 7, leftMs: 300 });
  expect(windows.spent('a')).toEqual({ used: 7, leftMs: 300 });
  expect(windows.take('a')).toEqual({ used: 8, leftMs: 300 });
  await pass(300);
  expect(windows.take('a').used).toBe(1);
});

test('however many keys there are, so many are kept: the oldest make room', () => {
  const windows = new RateWindows(rate, 3);
  for (const key of ['a', 'b', 'c', 'd']) windows.take(key);
  expect(windows.size).toBe(3);
  expect(windows.take('b').used).toBe(2);
  expect(windows.take('a').used).toBe(1);
});

test('windows that have ended make room first, a few at a time, and no timer is needed for it', async () => {
  const windows = new RateWindows(rate, 1_000);
  for (let key = 0; key < 100; key++) windows.take(`flood ${key}`);
  await pass(1_000);
  for (let key = 0; key < 30; key++) windows.take(`later ${key}`);
  expect(windows.size).toBe(30);
});
