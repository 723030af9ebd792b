import { expect, test } from 'vitest';
import { Gone, groupOf } from '../../src/cache/gone.ts';

test('what began before, or in the same moment, is outdated; what began after is not', () => {
  const gone = new Gone();
  gone.tags(['users:1'], 100);
  expect([99, 100, 101].map((at) => gone.since(at, ['users:1'], 101))).toEqual([true, true, false]);
  expect(gone.since(0, ['users:2', 'orders:1'], 101)).toBe(false);
  expect(gone.since(0, [], 101)).toBe(false);
  expect(gone.since(0, ['orders:1', 'users:1'], 101)).toBe(true);
});

test('a group stands for all its tags, and one tag for no group', () => {
  const gone = new Gone();
  gone.tags(['users:*'], 100);
  expect(['users:1', 'users:', 'users:a:b', 'orders:1', 'users', 'user:1'].map((tag) => gone.since(50, [tag], 100))).toEqual([true, true, true, false, false, false]);
  const single = new Gone();
  single.tags(['users:1'], 100);
  expect(single.since(50, ['users:*'], 100)).toBe(false);
});

test('of tags that nobody knows, anything that was invalidated counts', () => {
  const gone = new Gone();
  expect(gone.since(0, undefined, 10)).toBe(false);
  gone.tags(['users:1'], 100);
  expect([100, 101].map((at) => gone.since(at, undefined, 101))).toEqual([true, false]);
  gone.all(200);
  expect([200, 201].map((at) => gone.since(at, undefined, 201))).toEqual([true, false]);
});

test('after everything was forgotten, whatever began before is outdated, tags or not', () => {
  const gone = new Gone();
  gone.all(100);
  expect([gone.since(100, [], 101), gone.since(100, ['users:1'], 101), gone.since(101, ['users:1'], 101)]).toEqual([true, true, false]);
});

test('the latest time counts, and an earlier all takes nothing back', () => {
  const gone = new Gone();
  gone.tags(['users:1'], 100);
  gone.tags(['users:1'], 200);
  expect([gone.since(150, ['users:1'], 250), gone.since(201, ['users:1'], 250)]).toEqual([true, false]);
});

test('what is remembered is forgotten after a minute; what began that long ago counts as outdated then', () => {
  const gone = new Gone();
  gone.tags(['users:1'], 0);
  expect(gone.since(0, ['users:1'], 59_999)).toBe(true);
  gone.tags(['users:2'], 61_000);
  expect(gone.told(0, ['users:1'])).toBe(false);
  expect(gone.told(0, ['users:2'])).toBe(true);
  expect(gone.since(0, ['users:1'], 61_000)).toBe(true);
  expect(gone.since(0, ['never:1'], 60_000)).toBe(true);
  expect(gone.since(1_001, ['never:1'], 61_000)).toBe(false);
});

test('a sweep forgets nothing that a load of the last minute has to know', () => {
  const gone = new Gone();
  gone.tags(['first:1'], 0);
  gone.tags(['users:1'], 30_000);
  gone.tags(['other:1'], 60_000);
  expect(gone.told(0, ['first:1'])).toBe(false);
  expect(gone.since(30_000, ['users:1'], 60_000)).toBe(true);
});

test('with too many tags to remember, everything under way is outdated, and nothing is remembered singly', () => {
  const gone = new Gone();
  gone.tags(Array.from({ length: 10_000 }, (_, at) => `users:${at}`), 100);
  expect(gone.since(50, ['orders:1'], 100)).toBe(false);
  gone.tags(['one:more'], 101);
  expect([gone.since(101, ['orders:1'], 102), gone.since(102, ['users:1'], 102)]).toEqual([true, false]);
  expect(gone.told(50, ['users:1'])).toBe(false);
});

test.each([['users:42', 'users:*'], ['users:*', 'users:*'], ['a:b:c', 'a:*'], ['a:b:*', 'a:*'], [':1', ':*'], ['plain', '*'], ['*', '*']])('%s is of the group %s', (tag, group) => {
  expect(groupOf(tag)).toBe(group);
});
