import { expect, test } from 'vitest';
import { counter, countedElsewhere, gauge, histogram, type Metric, readings, type Reading, type Spread, together } from '../../src/core/meter.ts';

const named = (all: readonly Reading[], name: string) => all.find(({ about }) => about.name === name)!;
const pointsOf = (name: string) => named(readings(), name).points;

test('a series is what it was for the same values, whoever asks for it', () => {
  const asked = counter({ name: 'test.asked', help: 'x', labels: ['source', 'outcome'] });
  asked.of('profile', 'works').add();
  asked.of('profile', 'fails').add(2);
  asked.of('profile', 'works').add();
  expect(asked.of('profile', 'works')).toBe(asked.of('profile', 'works'));
  expect(pointsOf('test.asked')).toEqual([{ values: ['profile', 'works'], value: 2, counts: [] }, { values: ['profile', 'fails'], value: 2, counts: [] }]);
});

test('a value falls into the first bucket whose bound it does not exceed, or into the last one', () => {
  const sizes = histogram({ name: 'test.sizes', help: 'x', bounds: [1, 2, 5] });
  for (const size of [0, 1, 1.5, 2, 5, 6, 1_000]) sizes.of().record(size);
  expect(pointsOf('test.sizes')).toEqual([{ values: [], value: 1_015.5, counts: [2, 2, 1, 2] }]);
});

test('what is observed is read when somebody looks, and is what was said last', () => {
  const observe = gauge({ name: 'test.waiting', help: 'x', labels: ['pool'] });
  let waiting = 1;
  observe(() => 7, 'users');
  observe(() => waiting, 'users');
  expect(pointsOf('test.waiting')).toMatchObject([{ values: ['users'], value: 1 }]);
  waiting = 2;
  expect(pointsOf('test.waiting')).toMatchObject([{ values: ['users'], value: 2 }]);
});

test('series are bounded: beyond 500 all others are one', () => {
  const wild = counter({ name: 'test.wild', help: 'x', labels: ['a', 'b'] });
  for (let at = 0; at < 2_000; at++) wild.of(`user-${at}`, '').add();
  const points = pointsOf('test.wild');
  expect([points.length, points.at(-1)]).toEqual([501, { values: ['_OTHER', '_OTHER'], value: 1_500, counts: [] }]);
  wild.of('user-3', '').add();
  expect(pointsOf('test.wild')[3]).toMatchObject({ values: ['user-3', ''], value: 2 });
});

test('several processes have together what each has: sums, and of what is no amount that of the one that is worst off', () => {
  const [one, other] = [countedElsewhere, gauge].map((kind, at) => {
    const observe = kind({ name: `test.together.${at}`, help: 'x', labels: ['source'], together: at === 0 ? 'sum' : 'highest' });
    observe(() => 2 + at, 'profile');
    return observe;
  });
  gauge({ name: 'test.together.2', help: 'x', together: 'lowest' })(() => 1);
  const spread: Metric<Spread> = histogram({ name: 'test.together.3', help: 'x', bounds: [1] });
  spread.of().record(1);
  const first = readings();
  one!(() => 10, 'profile');
  other!(() => 1, 'profile');
  one!(() => 5, 'activity');
  spread.of().record(7);
  const both = together([first, readings()]);
  expect(named(both, 'test.together.0').points).toEqual([{ values: ['profile'], value: 12, counts: [] }, { values: ['activity'], value: 5, counts: [] }]);
  expect(named(both, 'test.together.1').points[0]).toMatchObject({ value: 3 });
  expect(named(both, 'test.together.2').points[0]).toMatchObject({ value: 1 });
  expect(named(both, 'test.together.3').points).toEqual([{ values: [], value: 9, counts: [2, 1] }]);
  expect(together([])).toEqual([]);
});
