import { expect, test } from 'vitest';
import { goalsTable } from '../../bench/goals.ts';
import type { Measured } from '../../bench/measure.ts';
import { workloads } from '../../bench/workloads.ts';
import { row } from './rows.ts';

/** The line of a goal, from the measured value on. */
function line(workload: string, title: string, measured: Measured[], idleRatio?: number): string {
  const sections = workloads.filter(({ name }) => name === workload).map((found) => ({ workload: found, measured }));
  const lines = goalsTable(sections, 4, idleRatio).split('\n');
  const begin = `| ${workload} | ${title} | `;
  return lines.find((text) => text.startsWith(begin))?.slice(begin.length) ?? '';
}

const efficiency = 'requests per server-CPU-s / rust';

test.each([
  [0.38, '1.32 | ≥ 1, 1.3 | goal reached |'],
  [0.45, '1.11 | ≥ 1, 1.3 | reached |'],
  [0.6, '0.83 | ≥ 1, 1.3 | **missed** |'],
])('more is better: with %d s of CPU beside 0.5 s it says %s', (serverCpu, expected) => {
  expect(line('cold', efficiency, [row('rust', 1), row('tributary', 1, { serverCpu })])).toBe(expected);
});

test.each([
  [1, '0.50 | ≤ 1.1, 0.9 | goal reached |'],
  [2.1, '1.05 | ≤ 1.1, 0.9 | reached |'],
  [4, '2.00 | ≤ 1.1, 0.9 | **missed** |'],
])('less is better: %d ms beside 2 ms is %s', (p50Ms, expected) => {
  expect(line('one', 'p50 on one connection / fastify', [row('fastify', 1), row('tributary', 1, { p50Ms })])).toBe(expected);
});

test('the rounds are told beside their mean', () => {
  const measured = [row('rust', 1), row('tributary', 1), row('rust', 2), row('tributary', 2, { serverCpu: 0.25 })];
  expect(line('cold', efficiency, measured)).toContain('1.50 (1.00 to 2.00)');
});

test('what the engine costs is a difference, in µs', () => {
  const measured = [row('no-engine', 1), row('tributary', 1, { serverCpu: 0.6 })];
  expect(line('cold', 'engine above no engine, server CPU a request', measured)).toBe('10.0 µs | ≤ 8, 3 µs | **missed** |');
});

test('the best of several peers is the one that is beaten', () => {
  const measured = [row('go', 1, { serverCpu: 1 }), row('rust', 1), row('tributary', 1, { serverCpu: 0.25 })];
  expect(line('hot', 'requests per server-CPU-s / the best compiled peer', measured)).toContain('2.00 |');
});

test('p99 with the upstream hanging counts from the deadline on', () => {
  expect(line('hang', 'p99 above the deadline, upstream hanging', [row('tributary', 1, { p99Ms: 2_012 })])).toBe('12.0 ms | ≤ 25, 5 ms | reached |');
});

test('noise in a row that a goal uses is told, and in another row is not', () => {
  const own = row('tributary', 1);
  expect(line('cold', efficiency, [row('rust', 1, { others: 9 }), own])).toContain(', NOISY');
  expect(line('cold', efficiency, [row('rust', 1), own, row('go', 1, { others: 9 })])).not.toContain('NOISY');
});

test('a goal whose answers were refused is not one that was reached without a word', () => {
  const told = [101, 100].map((errors) => line('hang', 'p99 above the deadline, upstream hanging', [row('tributary', 1, { p99Ms: 1_900, errors })]));
  expect(told).toEqual(['-100.0 ms | ≤ 25, 5 ms | goal reached, ERRORS |', '-100.0 ms | ≤ 25, 5 ms | goal reached |']);
});

test('what was not measured is told as that', () => {
  expect(line('cold', efficiency, [row('tributary', 1)])).toBe(' | ≥ 1, 1.3 | not measured |');
  expect(line('bench:idle', 'RSS with 10,000 idle connections / fastify', [])).toContain('not measured');
  expect(line('bench:idle', 'RSS with 10,000 idle connections / fastify', [], 0.8)).toBe('0.80 | ≤ 1, 0.7 | reached |');
});
