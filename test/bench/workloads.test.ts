import { expect, test } from 'vitest';
import { usual, workloads } from '../../bench/workloads.ts';

const unique = (names: readonly string[]) => expect(new Set(names).size).toBe(names.length);

test('every workload and every row in it has a name of its own', () => {
  unique(workloads.map(({ name }) => name));
  for (const { rows } of workloads) {
    unique(rows.map(({ name }) => name));
    unique(rows.map(({ title }) => title));
  }
});

test.each(workloads.map((workload) => [workload.name, workload] as const))('%s compares with rows that it has', (_name, { bases, rows }) => {
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining([...bases]));
});

test('the usual workloads exist', () => {
  expect(workloads.map(({ name }) => name)).toEqual(expect.arrayContaining([...usual]));
});

test('on the cold path nothing caches', () => {
  const cold = workloads.filter((workload) => workload.cold).flatMap(({ rows }) => rows).filter(({ name }) => name.startsWith('tributary'));
  for (const { env } of cold) expect(env['CACHE']).toBe('off');
});
