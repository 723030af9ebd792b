import { expect, test } from 'vitest';
import { type Bucket, median, recoverySeconds, spanOf } from '../../bench/overload-figures.ts';

const bucket = (more: Partial<Bucket>): Bucket => ({ began: 10, whole: 0, partial: 0, shed: 0, lost: 0, ms: [], ...more });
const times = (count: number, one: Bucket) => Array.from({ length: count }, () => one);

test('a span is what happened from one second to another', () => {
  const all = [...times(10, bucket({ whole: 10 })), ...times(20, bucket({ began: 100, whole: 3, partial: 7, shed: 80, lost: 10, ms: [1, 2, 3] }))];
  expect(spanOf(all, 1, 3)).toEqual({ goodput: 100, offered: 1_000, partialShare: 0.7, shedShare: 0.8, lostShare: 0.1, p99: 3 });
});

test('it has recovered when whole answers come for a second', () => {
  const bad = bucket({ partial: 10 });
  const good = bucket({ whole: 10 });
  expect(recoverySeconds([...times(10, bad), ...times(20, good)], 0)).toBe(1);
  expect(recoverySeconds([...times(5, good), ...times(10, bad), ...times(10, good)], 0)).toBe(1.5);
  expect(recoverySeconds([...times(10, bad), ...times(9, good)], 0)).toBeUndefined();
  expect(recoverySeconds(times(30, good), 2)).toBe(0);
});

test('a median is the one in the middle, or between two', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
});
