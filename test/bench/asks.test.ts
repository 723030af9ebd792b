import { expect, test } from 'vitest';
import { asksEach, isCold, isHot } from '../../bench/asks.ts';

const none = { upstream: 0, users: 0, analytics: 0, redis: 0 };

test('without a cache each request asks for one user, one list and eight rows', () => {
  const asks = asksEach(none, { upstream: 5_000, users: 5_000, analytics: 40_000, redis: 0 }, 5_000, 0);
  expect(asks).toEqual({ upstream: 1, users: 1, analytics: 8, redis: 0 });
  expect(isCold(asks)).toBe(true);
  expect(isHot(asks)).toBe(false);
});

test('what filling a cache has asked once for each of 10,000 users is left out', () => {
  const asks = asksEach(none, { upstream: 10_500, users: 10_000, analytics: 80_000, redis: 300 }, 100_000, 1);
  expect(asks).toEqual({ upstream: 0.005, users: 0, analytics: 0, redis: 0.003 });
  expect(isHot(asks)).toBe(true);
  expect(isCold(asks)).toBe(false);
});

test('one store that is still asked once in forty requests is enough not to be hot', () => {
  expect(isHot({ ...none, analytics: 8 / 40 })).toBe(false);
  expect(isHot({ ...none, users: 1 / 40 })).toBe(false);
  expect(isHot({ ...none, users: 1 / 60 })).toBe(true);
});

test('in bulk a request for many users counts as so many', () => {
  expect(isCold({ upstream: 0.98, users: 0.98, analytics: 7.9, redis: 0 })).toBe(true);
  expect(isCold({ upstream: 0.02, users: 0.98, analytics: 7.9, redis: 0 })).toBe(false);
});
