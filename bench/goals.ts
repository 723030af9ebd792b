import { cost, efficiency, type Figure, mean, p50, p99, pairs, ready, rps, serverCost } from './figures.ts';
import type { Measured } from './measure.ts';
import { hasErrors, honestly, type Section } from './section.ts';
import { table } from './table.ts';

/** What a goal is judged by: all windows of its workload, and the figures that other scripts have left. */
export interface Evidence {
  readonly windows: (workload: string) => readonly Measured[];
  /** Resident memory with idle connections, Tributary's as a multiple of Fastify's; undefined unless it was measured. */
  readonly idleRatio: number | undefined;
}

interface Goal {
  readonly title: string;
  readonly workload: string;
  readonly better: 'more' | 'less';
  readonly atLeast: number;
  readonly goal: number;
  readonly unit?: string;
  /** The value in each round; none if it was not measured. */
  readonly each: (evidence: Evidence) => readonly number[];
  /** The rows it uses, whose noise is its own. */
  readonly rows: readonly string[];
}

type Bounds = readonly [atLeast: number, goal: number];

/** The deadline of the aggregate. */
const deadlineMs = 2_000;

const compiled = ['go', 'rust'];
const peers = [...compiled, 'fastify', 'fastapi-aiohttp'];

/** The peer that is best by a figure, on the mean of its rounds. */
function best(windows: readonly Measured[], { of, better }: Figure, names: readonly string[]): string {
  const means = names
    .map((name) => ({ name, value: mean(windows.filter((row) => row.name === name).map(of)) }))
    .filter(({ value }) => !Number.isNaN(value))
    .toSorted((a, b) => (better === 'more' ? b.value - a.value : a.value - b.value));
  return means[0]?.name ?? '';
}

/** A figure of one row as a multiple of another's; of several the best one's. */
function against(title: string, workload: string, figure: Figure, [row, base]: readonly [string, string | readonly string[]], [atLeast, goal]: Bounds): Goal {
  const names = typeof base === 'string' ? [base] : base;
  const each = ({ windows }: Evidence) => {
    const all = windows(workload);
    return pairs(all, row, best(all, figure, names)).map((pair) => figure.of(pair.row) / figure.of(pair.other));
  };
  return { title, workload, better: figure.better, atLeast, goal, each, rows: [row, ...names] };
}

/** A figure of one row by itself, in milliseconds. */
function alone(title: string, workload: string, row: string, value: (row: Measured) => number, [atLeast, goal]: Bounds): Goal {
  const each = ({ windows }: Evidence) => windows(workload).filter(({ name }) => name === row).map(value);
  return { title, workload, better: 'less', atLeast, goal, unit: 'ms', each, rows: [row] };
}

const aboveNoEngine: Goal = {
  title: 'engine above no engine, server CPU a request', workload: 'cold', better: 'less', atLeast: 8, goal: 3, unit: 'µs',
  each: ({ windows }) => pairs(windows('cold'), 'tributary', 'no-engine').map(({ row, other }) => serverCost.of(row) - serverCost.of(other)),
  rows: ['tributary', 'no-engine'],
};

const idle: Goal = {
  title: 'RSS with 10,000 idle connections / fastify', workload: 'bench:idle', better: 'less', atLeast: 1, goal: 0.7,
  each: ({ idleRatio }) => (idleRatio === undefined ? [] : [idleRatio]),
  rows: [],
};

const goals: readonly Goal[] = [
  against('requests per server-CPU-s / bare, tracing off', 'hot', efficiency, ['tributary', 'bare'], [0.7, 0.9]),
  against('requests per server-CPU-s / bare, tracing 5 %', 'hot', efficiency, ['tributary-trace-5', 'bare'], [0.6, 0.85]),
  against('requests per server-CPU-s, AUTH=jwt / AUTH=none', 'hot', efficiency, ['tributary-jwt', 'tributary'], [0.85, 0.95]),
  against('requests per server-CPU-s / the best compiled peer', 'hot', efficiency, ['tributary', compiled], [2, 2.5]),
  against('requests per server-CPU-s / rust', 'cold', efficiency, ['tributary', 'rust'], [1, 1.3]),
  against('requests per server-CPU-s / rust, upstream in bulk', 'cold', efficiency, ['tributary-bulk', 'rust'], [1.5, 2]),
  aboveNoEngine,
  against('RPS / rust', 'cold', rps, ['tributary', 'rust'], [1.2, 1.6]),
  against("server's and Postgres's CPU a request / the best peer", 'cold', cost, ['tributary', peers], [0.6, 0.45]),
  against('p50 on one connection / fastify', 'one', p50, ['tributary', 'fastify'], [1.1, 0.9]),
  against('requests per server-CPU-s, tracing 5 % / off', 'cold', efficiency, ['tributary-trace-5', 'tributary'], [0.9, 0.95]),
  against('requests per server-CPU-s, tracing 100 % / off', 'cold', efficiency, ['tributary-trace-100', 'tributary'], [0.6, 0.75]),
  alone('p99 above the deadline, upstream hanging', 'hang', 'tributary', (row) => p99.of(row) - deadlineMs, [25, 5]),
  alone('start to the first 200, tracing on', 'cold', 'tributary-trace-5', ready.of, [600, 300]),
  idle,
  against('RPS of two workers / one, unpinned', 'workers', rps, ['tributary-workers-2', 'tributary-workers-1'], [1.6, 1.9]),
  against('RPS of two workers / one, unpinned', 'workers-hot', rps, ['tributary-workers-2', 'tributary-workers-1'], [1.6, 1.9]),
];

function verdict({ better, atLeast, goal }: Goal, value: number): string {
  const reaches = (bound: number) => (better === 'more' ? value >= bound : value <= bound);
  if (reaches(goal)) return 'goal reached';
  return reaches(atLeast) ? 'reached' : '**missed**';
}

function line(goal: Goal, evidence: Evidence, noise: number): (string | number)[] {
  const { title, workload, better, atLeast, unit = '', rows } = goal;
  const digits = unit === '' ? 2 : 1;
  const wanted = `${better === 'more' ? '≥' : '≤'} ${atLeast}, ${goal.goal} ${unit}`.trim();
  const each = goal.each(evidence);
  if (each.length === 0) return [workload, title, '', wanted, 'not measured'];
  const value = mean(each);
  const spread = each.length > 1 ? ` (${Math.min(...each).toFixed(digits)} to ${Math.max(...each).toFixed(digits)})` : '';
  const used = evidence.windows(workload).filter(({ name }) => rows.includes(name));
  const marks = `${used.some((row) => row.others > noise) ? ', NOISY' : ''}${used.some(hasErrors) ? ', ERRORS' : ''}`;
  return [workload, title, `${value.toFixed(digits)} ${unit}`.trim() + spread, wanted, verdict(goal, value) + marks];
}

/** Each goal with what was measured (in brackets the rounds), what it has to be at least and is to be, and whether it is. */
export function goalsTable(sections: readonly Section[], noise: number, idleRatio?: number): string {
  const windows = (workload: string) => sections.find((section) => section.workload.name === workload)?.measured ?? [];
  const lines = goals.map((goal) => line(goal, { windows, idleRatio }, noise));
  return `${table(['workload', 'goal', 'measured', 'at least, goal', ''], lines)}\n\n${honestly}`;
}
