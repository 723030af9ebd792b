import { expect, test } from 'vitest';
import { compare } from '../../bench/figures.ts';
import type { Measured } from '../../bench/measure.ts';
import { betweenMarks } from '../../bench/readme.ts';
import { page, readmeText, type Report } from '../../bench/report.ts';
import { mainTable, type Section } from '../../bench/section.ts';
import { workloads } from '../../bench/workloads.ts';
import { cold, row } from './rows.ts';

const section = (name: string, measured: Measured[]): Section => {
  const workload = workloads.find((one) => one.name === name);
  if (!workload) throw new Error(`no workload ${name}`);
  return { workload, measured };
};
const report = (...sections: Section[]): Report => ({ facts: [['node', 'v24']], sections, absent: [], noise: 4 });
const coldPage = (...measured: Measured[]) => page(report(section('cold', measured)));

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
  expect(coldPage(row('rust', 1), row('tributary', 1, { p99Ms: 8, postgresCpu: 0 }))).toContain(
    '**tributary** beside rust. Better: server + Postgres µs / req 1.40 (1.40 to 1.40). Worse: p99 ms 0.50 (0.50 to 0.50). No difference: RPS 1.00');
});

test('a workload that was not measured has no section', () => {
  const text = page(report(section('cold', [row('rust', 1)]), section('hot', [])));
  expect(text).toContain('## cold');
  expect(text).not.toContain('## hot');
});

test('where the cold path is compared with compiled code, the page says what is not alike', () => {
  expect(readmeText(report(section('cold', [row('rust', 1)])))).toContain('Compiled code could batch as well; here it comes with the definition.');
});

test.each<[string, string, Partial<Measured>, string]>([
  ['cold', 'go', { others: 9 }, 'NOISY'],
  ['cold', 'go', { asks: { ...cold, users: 0.4 } }, 'NOT COLD'],
  ['cold', 'go', { asks: { ...cold, upstream: 0.4 } }, 'NOT COLD'],
  ['cold', 'go', { whole: 9 }, 'PARTS MISSING'],
])('in %s a window of %s with %j is marked', (workload, name, changes, mark) => {
  expect(mainTable(section(workload, [row(name, 1, changes)]), 4)).toContain(mark);
  expect(mainTable(section(workload, [row(name, 1)]), 4)).not.toContain(mark);
});

test('a hot row that still asks the stores once in forty requests is marked; the peers cache nothing', () => {
  const hot = { upstream: 0.01, users: 0.01, analytics: 0.08, redis: 0 };
  expect(mainTable(section('hot', [row('tributary', 1, { asks: { ...hot, upstream: 0.025 } })]), 4)).toContain('NOT HOT');
  expect(mainTable(section('hot', [row('tributary', 1, { asks: { ...hot, analytics: 0.2 } })]), 4)).toContain('NOT HOT');
  expect(mainTable(section('hot', [row('tributary', 1, { asks: hot }), row('rust', 1)]), 4)).not.toContain('NOT HOT');
});

test('a traced row whose traces came nowhere is marked', () => {
  expect(mainTable(section('cold', [row('tributary-trace-5', 1)]), 4)).toContain('NO TRACES');
  expect(mainTable(section('cold', [row('tributary-trace-5', 1, { traceBytes: 12 })]), 4)).not.toContain('NO TRACES');
});

test('a row with Redis that did not ask it is marked', () => {
  expect(mainTable(section('mixed', [row('tributary-redis', 1)]), 4)).toContain('NO REDIS');
  expect(mainTable(section('mixed', [row('tributary-redis', 1, { asks: { ...cold, redis: 0.3 } })]), 4)).not.toContain('NO REDIS');
});

test('a row of which many were refused is marked', () => {
  expect(mainTable(section('hang', [row('tributary', 1, { errors: 101 })]), 4)).toContain('ERRORS');
  expect(mainTable(section('hang', [row('tributary', 1, { errors: 100 })]), 4)).not.toContain('ERRORS');
});

test('with the upstream hanging, missing parts are no fault', () => {
  expect(mainTable(section('hang', [row('tributary', 1, { whole: 0 })]), 4)).not.toContain('PARTS MISSING');
});

test('what was left out is told with its reason', () => {
  const text = page({ ...report(section('cold', [row('rust', 1)])), absent: [{ title: 'go', reason: 'expected go on the PATH' }] });
  expect(text).toContain('- go: expected go on the PATH');
});

test('the README gets nothing unless the cold path was measured', () => {
  expect(readmeText(report(section('hot', [row('bare', 1)])))).toBeUndefined();
});

test('the text of the README is replaced between its marks, and only there', () => {
  expect(betweenMarks('a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n', '| new |')).toBe('a\n<!-- bench -->\n| new |\n<!-- /bench -->\nb\n');
  expect(betweenMarks('a <!-- bench --> b', '| new |')).toBeUndefined();
});
