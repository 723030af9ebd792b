import { type Comparison, compare, cost, efficiency, type Figure, judged, mean, memory, nothing, p50, p99, postgresCost, ready, rps, serverCost } from './figures.ts';
import type { Measured } from './measure.ts';
import type { Absent } from './prepare.ts';
import type { Service } from './services.ts';

export interface Report {
  /** Facts about the run, a line each: what, and its value. */
  readonly facts: readonly (readonly [string, string])[];
  readonly services: readonly Service[];
  readonly measured: readonly Measured[];
  /** Rows that could not be measured, and why. */
  readonly absent: readonly Absent[];
  /** Per cent of the machine above which others spoil a window. */
  readonly noise: number;
}

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

export const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');

const rowsOf = ({ measured }: Report, name: string) => measured.filter((row) => row.name === name);

const shown = (figure: Figure, rows: readonly Measured[]): string => mean(rows.map(figure.of)).toFixed(figure.digits);

/** A row with fewer reads than requests answered some from a cache, and is no cold path. */
const isCold = ({ asks }: Measured): boolean => asks.upstream > 0.9 && asks.users > 0.9 && asks.analytics > 7.2;

function marks(rows: readonly Measured[], noise: number): string {
  const all = [
    ...(rows.some((row) => row.others > noise) ? ['NOISY'] : []),
    ...(rows.every(isCold) ? [] : ['NOT COLD']),
    ...(rows.every((row) => row.whole === row.sampled) ? [] : ['PARTS MISSING']),
  ];
  return all.join(', ');
}

const columns = [rps, p50, p99, efficiency, serverCost, postgresCost, cost, memory, ready];

/** The table for readers: a line a service, the mean of its rounds, and how it stands beside rust and the floor. */
export function mainTable(report: Report): string {
  const times = (name: string, base: string) => {
    const found = compare(report.measured, name, base).find(({ figure }) => figure === efficiency);
    return found ? found.times.toFixed(2) : '';
  };
  const head = ['', ...columns.map(({ title }) => title), 'errors', '× rust', '× no engine', ''];
  const rows = report.services.flatMap(({ name, title }) => {
    const own = rowsOf(report, name);
    if (own.length === 0) return [];
    const errors = own.reduce((sum, row) => sum + row.errors, 0);
    const figures = columns.map((figure) => shown(figure, own));
    return [[title, ...figures, errors, times(name, 'rust'), times(name, 'no-engine'), marks(own, report.noise)]];
  });
  return table(head, rows);
}

const spoken = ({ figure, times, least, most }: Comparison): string =>
  `${figure.title} ${times.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;

const say = (word: string, some: readonly Comparison[]) => (some.length > 0 ? ` ${word}: ${some.map(spoken).join(', ')}.` : '');

/** Wins, losses and what is neither, in one sentence each. */
function sentences(title: string, base: string, compared: readonly Comparison[]): string {
  const wins = compared.filter(({ times }) => times >= nothing);
  const losses = compared.filter(({ times }) => times <= 1 / nothing);
  const neither = compared.filter((one) => !wins.includes(one) && !losses.includes(one));
  return `- **${title}** beside ${base}.${say('Better', wins)}${say('Worse', losses)}${say('No difference', neither)}`;
}

function comparisons(report: Report): string {
  const lines = ['rust', 'no-engine'].flatMap((base) => {
    const baseTitle = report.services.find(({ name }) => name === base)?.title ?? base;
    return report.services
      .filter(({ name }) => name !== base)
      .map(({ name, title }) => ({ title, compared: compare(report.measured, name, base) }))
      .filter(({ compared }) => compared.length > 0)
      .map(({ title, compared }) => sentences(title, baseTitle, compared));
  });
  return lines.length > 0 ? lines.join('\n') : 'Neither rust nor the floor was measured in this run.';
}

/** What Tributary costs above no engine, beside the budget that the design gives it. */
function budget(report: Report): string {
  const own = rowsOf(report, 'tributary');
  const floor = rowsOf(report, 'no-engine');
  if (own.length === 0 || floor.length === 0) return '';
  const above = mean(own.map(serverCost.of)) - mean(floor.map(serverCost.of));
  return `The engine costs ${above.toFixed(1)} µs of server CPU a request above no engine at all; its budget is 6 µs${above > 6 ? ': **over it**' : ''}.\n`;
}

function everyWindow({ measured, services, noise }: Report): string {
  const head = ['round', 'service', 'RPS', 'p50 ms', 'p99 ms', 'errors', 'CPU s: server', 'Postgres', 'stub', 'wrk', 'cores busy %',
    'reads a request: upstream', 'users', 'analytics', 'whole answers', 'first 200 ms: health', 'aggregated', 'others %'];
  const rows = measured.map((row) => [
    row.round,
    services.find(({ name }) => name === row.name)?.title ?? row.name,
    row.rps.toFixed(0), row.p50Ms.toFixed(2), row.p99Ms.toFixed(2), row.errors,
    row.serverCpu.toFixed(2), row.postgresCpu.toFixed(2), row.stubCpu.toFixed(2), row.loadCpu.toFixed(2),
    row.cores.map((core) => core.toFixed(0)).join(', '),
    row.asks.upstream.toFixed(2), row.asks.users.toFixed(2), row.asks.analytics.toFixed(2),
    `${row.whole} of ${row.sampled}`, row.healthMs.toFixed(0), row.firstMs.toFixed(0),
    row.others.toFixed(1) + (row.others > noise ? ' NOISY' : ''),
  ]);
  return table(head, rows);
}

const absences = ({ absent }: Report): string =>
  absent.length === 0 ? '' : `Left out:\n\n${absent.map(({ title, reason }) => `- ${title}: ${reason}`).join('\n')}\n`;

/** The whole page. `bench/README.md` says what the columns mean and how far to trust them. */
export function page(report: Report): string {
  const judgedNames = judged.map(({ title }) => title).join(', ');
  return [
    '# Bench: the cold path',
    report.facts.map(([what, value]) => `- ${what}: ${value}`).join('\n'),
    'Means of the rounds. × rust and × no engine are ratios of requests per server-CPU-second, so under 1 is a loss.',
    mainTable(report),
    budget(report),
    absences(report),
    '## Beside rust, and beside no engine',
    `How many times better (${judgedNames}), so under 1 is worse; in brackets the worst and the best round. Differences under 10 % are taken for none.`,
    comparisons(report),
    '## Every window',
    everyWindow(report),
  ].filter(Boolean).join('\n\n') + '\n';
}
