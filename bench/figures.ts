import type { Measured } from './measure.ts';

/** A figure of a row, and whether more of it is better. */
export interface Figure {
  readonly title: string;
  readonly of: (row: Measured) => number;
  readonly better: 'more' | 'less';
  readonly digits: number;
}

const perSecond = (row: Measured) => row.requests / row.serverCpu;
const micros = (cpu: number, row: Measured) => (cpu / row.requests) * 1e6;

export const rps: Figure = { title: 'RPS', of: (row) => row.rps, better: 'more', digits: 0 };
export const efficiency: Figure = { title: 'req / server-CPU-s', of: perSecond, better: 'more', digits: 0 };
export const serverCost: Figure = { title: 'server µs / req', of: (row) => micros(row.serverCpu, row), better: 'less', digits: 1 };
export const postgresCost: Figure = { title: 'Postgres µs / req', of: (row) => micros(row.postgresCpu, row), better: 'less', digits: 1 };
export const cost: Figure = {
  title: 'server + Postgres µs / req',
  of: (row) => micros(row.serverCpu + row.postgresCpu, row),
  better: 'less',
  digits: 1,
};
export const redisCost: Figure = { title: 'Redis µs / req', of: (row) => micros(row.redisCpu, row), better: 'less', digits: 1 };
export const p50: Figure = { title: 'p50 ms', of: (row) => row.p50Ms, better: 'less', digits: 2 };
export const p99: Figure = { title: 'p99 ms', of: (row) => row.p99Ms, better: 'less', digits: 2 };
export const memory: Figure = { title: 'peak RSS MiB', of: (row) => row.peakMiB, better: 'less', digits: 0 };
export const ready: Figure = { title: 'first 200 ms', of: (row) => row.firstMs, better: 'less', digits: 0 };

/** What two rows are compared by. Server and Postgres apart are shown, but only their sum is judged. */
export const judged: readonly Figure[] = [rps, efficiency, cost, p50, p99, memory, ready];

export const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

export interface Comparison {
  readonly figure: Figure;
  /** How many times better, so under 1 is a loss: the mean of the rounds, the least and the most. */
  readonly times: number;
  readonly least: number;
  readonly most: number;
}

/** Differences under a tenth are taken for none: the machine's own speed drifts by as much. */
export const nothing = 1.1;

export interface Pair {
  readonly row: Measured;
  readonly other: Measured;
}

/** The windows of two services round by round, since the machine is not equally fast in each. */
export const pairs = (all: readonly Measured[], name: string, base: string): Pair[] =>
  all
    .filter((row) => row.name === name)
    .flatMap((row) => all.filter((other) => other.name === base && other.round === row.round).map((other) => ({ row, other })));

/** Compares two services round by round. Empty if they share none. */
export function compare(all: readonly Measured[], name: string, base: string): Comparison[] {
  const shared = pairs(all, name, base);
  if (shared.length === 0) return [];
  return judged.map((figure) => {
    const each = shared.map(({ row, other }) => {
      const ratio = figure.of(row) / figure.of(other);
      return figure.better === 'more' ? ratio : 1 / ratio;
    });
    return { figure, times: mean(each), least: Math.min(...each), most: Math.max(...each) };
  });
}
