import { expect, test } from 'vitest';
import { constructors, growth } from '../../bench/heap-growth.ts';
import { type Sample, trends } from '../../bench/trend.ts';

const mib = 1 << 20;
const sample = (nth: number, changes: Partial<Sample> = {}): Sample =>
  ({ requests: nth * 100_000, heapUsed: 40 * mib, external: 8 * mib, rss: 200 * mib, handles: 10, ...changes });
const samples = (of: (nth: number) => Partial<Sample>) => Array.from({ length: 10 }, (_, at) => sample(at + 1, of(at + 1)));
const growing = (of: (nth: number) => Partial<Sample>) => trends(samples(of)).filter(({ verdict }) => verdict === 'GROWING').map(({ measure }) => measure);

test('what stays as it is is flat, and so is what fills up at the start', () => {
  expect(growing(() => ({}))).toEqual([]);
  expect(growing((nth) => ({ heapUsed: (nth < 3 ? 10 : 40) * mib, rss: (nth < 3 ? 90 : 200) * mib }))).toEqual([]);
});

test.each([
  ['heapUsed', (nth: number) => ({ heapUsed: (40 + nth) * mib })],
  ['external', (nth: number) => ({ external: (8 + nth) * mib })],
  ['rss', (nth: number) => ({ rss: (200 + 5 * nth) * mib })],
  ['handles', (nth: number) => ({ handles: 10 + 20 * nth })],
])('a leak of %s is seen', (measure, of) => {
  expect(growing(of)).toEqual([measure]);
});

test('one sample out of line is no growth', () => {
  expect(growing((nth) => (nth === 10 ? { heapUsed: 80 * mib, handles: 400 } : {}))).toEqual([]);
});

test('with too few samples it says so', () => {
  expect(() => trends([sample(1)])).toThrow('expected at least 8 samples');
});

const heap = (nodes: number[]) => JSON.stringify({
  snapshot: { meta: { node_fields: ['type', 'name', 'id'], node_types: [['object', 'string', 'closure'], 'string', 'number'] } },
  nodes, strings: ['Call', 'text', 'stop'],
});

test('objects of a heap snapshot are counted by constructor, closures by name, strings not at all', () => {
  const before = constructors(heap([0, 0, 1, 1, 1, 2]));
  const after = constructors(heap([0, 0, 1, 0, 0, 2, 2, 2, 3, 1, 1, 4, 1, 1, 5]));
  expect(growth(before, after, 20)).toEqual([
    { title: 'Call', before: 1, after: 2 },
    { title: 'stop (function)', before: 0, after: 1 },
  ]);
  expect(growth(before, after, 1)).toHaveLength(1);
});
