import { expect, test } from 'vitest';
import { compare } from '../../bench/figures.ts';
import type { Measured } from '../../bench/measure.ts';
import { betweenMarks } from '../../bench/readme.ts';
import { mainTable, page, type Report } from '../../bench/report.ts';
import { services } from '../../bench/services.ts';

const cold = { upstream: 1, users: 1, analytics: 8 };

const row = (name: string, round: number, changes: Partial<Measured> = {}): Measured => ({
  name, round, requests: 10_000, rps: 10_000, p50Ms: 2, p99Ms: 4, errors: 0, serverCpu: 0.5, postgresCpu: 0.2, stubCpu: 0.1,
  loadCpu: 0.1, cores: [90, 80], others: 1, sampled: 10, whole: 10, healthMs: 20, firstMs: 30, peakMiB: 100, asks: cold, ...changes,
});

const report = (measured: Measured[]): Report => ({ facts: [['node', 'v24']], services, measured, absent: [], noise: 4 });

test('each round is compared with its own base, since the machine is not equally fast in each', () => {
  const measured = [row('rust', 1), row('rust', 2, { serverCpu: 1 }), row('go', 1, { serverCpu: 1 }), row('go', 2, { serverCpu: 2 })];
  const efficiency = compare(measured, 'go', 'rust').find(({ figure }) => figure.title === 'req / server-CPU-s');
  expect(efficiency).toMatchObject({ times: 0.5, least: 0.5, most: 0.5 });
});

test('a ratio under 1 is worse, also where less is better', () => {
  const compared = compare([row('rust', 1), row('go', 1, { p99Ms: 8, peakMiB: 50 })], 'go', 'rust');
  const times = Object.fromEntries(compared.map((one) => [one.figure.title, one.times]));
  expect(times).toMatchObject({ 'p99 ms': 0.5, 'peak RSS MiB': 2, RPS: 1 });
});

test('a round that the base lacks is not compared', () => {
  expect(compare([row('rust', 1), row('go', 2)], 'go', 'rust')).toEqual([]);
});

test('losses are told as plainly as wins', () => {
  const text = page(report([row('rust', 1), row('tributary', 1, { p99Ms: 8, postgresCpu: 0 })]));
  expect(text).toContain('**tributary** beside rust. Better: server + Postgres µs / req 1.40 (1.40 to 1.40). Worse: p99 ms 0.50 (0.50 to 0.50). No difference: RPS 1.00');
});

test('the engine is held to its budget above no engine', () => {
  const over = row('tributary', 1, { serverCpu: 0.6 });
  expect(page(report([row('no-engine', 1), over]))).toContain('10.0 µs of server CPU a request above no engine at all; its budget is 6 µs: **over it**.');
  expect(page(report([row('no-engine', 1), row('tributary', 1)]))).not.toContain('over it');
});

test.each([
  [{ others: 9 }, 'NOISY'],
  [{ asks: { ...cold, users: 0.4 } }, 'NOT COLD'],
  [{ asks: { ...cold, upstream: 0.4 } }, 'NOT COLD'],
  [{ whole: 9 }, 'PARTS MISSING'],
])('a window with %j is marked', (changes, mark) => {
  expect(mainTable(report([row('go', 1, changes)]))).toContain(mark);
  expect(mainTable(report([row('go', 1)]))).not.toContain(mark);
});

test('what was left out is told with its reason', () => {
  const text = page({ ...report([row('rust', 1)]), absent: [{ title: 'go', reason: 'expected go on the PATH' }] });
  expect(text).toContain('- go: expected go on the PATH');
});

test('the table of the README is replaced between its marks, and only there', () => {
  expect(betweenMarks('a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n', '| new |')).toBe('a\n<!-- bench -->\n| new |\n<!-- /bench -->\nb\n');
  expect(betweenMarks('a <!-- bench --> b', '| new |')).toBeUndefined();
});
