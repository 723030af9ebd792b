import { isCold, isHot } from './asks.ts';
import { type Comparison, compare, cost, efficiency, type Figure, judged, mean, memory, nothing, p50, p99, postgresCost, ready, redisCost, rps, serverCost } from './figures.ts';
import type { Measured } from './measure.ts';
import type { Service } from './services.ts';
import { table } from './table.ts';
import type { Workload } from './workloads.ts';

/** What was measured of one workload. */
export interface Section {
  readonly workload: Workload;
  readonly measured: readonly Measured[];
}

/** Stands wherever the cold path is compared with compiled code. */
export const honestly = 'Compiled code could batch as well; here it comes with the definition.';

const rowsOf = ({ measured }: Section, name: string) => measured.filter((row) => row.name === name);

const shown = (figure: Figure, rows: readonly Measured[]): string => mean(rows.map(figure.of)).toFixed(figure.digits);

/** One in a hundred was refused, or failed: what such answers cost, and how soon they come, says nothing about the others. */
export const hasErrors = (row: Measured): boolean => row.errors > row.requests / 100;

/** What would spoil a row unseen. `noise`: per cent of the machine above which others spoil a window. */
function marks({ workload }: Section, service: Service, rows: readonly Measured[], noise: number): string {
  const all = [
    ...(rows.some((row) => row.others > noise) ? ['NOISY'] : []),
    ...(rows.some(hasErrors) ? ['ERRORS'] : []),
    ...(workload.cold && !rows.every(({ asks }) => isCold(asks)) ? ['NOT COLD'] : []),
    ...(service.caches && !rows.every(({ asks }) => isHot(asks)) ? ['NOT HOT'] : []),
    ...(service.needs === 'collector' && !rows.every(({ traceBytes }) => traceBytes > 0) ? ['NO TRACES'] : []),
    // The script's own few commands are not a hundredth.
    ...(service.needs === 'redis' && !rows.every(({ asks }) => asks.redis > 0.01) ? ['NO REDIS'] : []),
    ...(workload.lacking || rows.every((row) => row.whole === row.sampled) ? [] : ['PARTS MISSING']),
  ];
  return all.join(', ');
}

const titleOf = ({ workload }: Section, name: string): string => workload.rows.find((row) => row.name === name)?.title ?? name;

const columns = [rps, p50, p99, efficiency, serverCost, postgresCost, cost, memory, ready];

/** The table for readers: a line a service, the mean of its rounds, and how it stands beside the workload's bases. */
export function mainTable(section: Section, noise: number): string {
  const { workload, measured } = section;
  const figures = workload.rows.some(({ needs }) => needs === 'redis') ? columns.toSpliced(6, 0, redisCost) : columns;
  const times = (name: string, base: string) =>
    compare(measured, name, base).find(({ figure }) => figure === workload.by)?.times.toFixed(2) ?? '';
  const head = ['', ...figures.map(({ title }) => title), 'errors', ...workload.bases.map((base) => `× ${titleOf(section, base)}`), ''];
  const rows = workload.rows.flatMap((service) => {
    const own = rowsOf(section, service.name);
    if (own.length === 0) return [];
    const errors = own.reduce((sum, row) => sum + row.errors, 0);
    const beside = workload.bases.map((base) => times(service.name, base));
    return [[service.title, ...figures.map((figure) => shown(figure, own)), errors, ...beside, marks(section, service, own, noise)]];
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

/** All rows beside the first base; beside the others only Tributary's. */
function comparisons(section: Section): string {
  const { workload: { bases, rows }, measured } = section;
  return bases
    .flatMap((base, at) => rows
      .filter(({ name }) => name !== base && (at === 0 || name.startsWith('tributary')))
      .map(({ name, title }) => ({ title, base, compared: compare(measured, name, base) })))
    .filter(({ compared }) => compared.length > 0)
    .map(({ title, base, compared }) => sentences(title, titleOf(section, base), compared))
    .join('\n');
}

function everyWindow(section: Section, noise: number): string {
  const head = ['round', 'service', 'RPS', 'p50 ms', 'p99 ms', 'errors', 'bytes an answer', 'CPU s: server', 'Postgres', 'Redis', 'stub',
    'collector', 'wrk', 'cores busy %', 'a request: upstream', 'users', 'analytics', 'Redis', 'trace bytes', 'whole answers',
    'first 200 ms: health', 'aggregated', 'others %'];
  const rows = section.measured.map((row) => [
    row.round,
    titleOf(section, row.name),
    row.rps.toFixed(0), row.p50Ms.toFixed(2), row.p99Ms.toFixed(2), row.errors, row.bytes.toFixed(0),
    ...[row.serverCpu, row.postgresCpu, row.redisCpu, row.stubCpu, row.collectorCpu, row.loadCpu].map((seconds) => seconds.toFixed(2)),
    row.cores.map((core) => core.toFixed(0)).join(', '),
    ...[row.asks.upstream, row.asks.users, row.asks.analytics, row.asks.redis].map((asks) => asks.toFixed(2)),
    row.traceBytes.toFixed(0),
    `${row.whole} of ${row.sampled}`, row.healthMs.toFixed(0), row.firstMs.toFixed(0),
    row.others.toFixed(1) + (row.others > noise ? ' NOISY' : ''),
  ]);
  return table(head, rows);
}

/** The part of the page that is about one workload. */
export function sectionText(section: Section, noise: number): string {
  const { workload: { name, title, by, bases, cold }, measured } = section;
  if (measured.length === 0) return '';
  const how = bases.length > 0 ? ` The columns with × say how many times better, by ${by.title}.` : '';
  const told = comparisons(section);
  return [
    `## ${name}`,
    `${title}.${how}${cold && bases.includes('rust') ? ` ${honestly}` : ''}`,
    mainTable(section, noise),
    told,
    `<details><summary>Every window of ${name}</summary>\n\n${everyWindow(section, noise)}\n\n</details>`,
  ].filter(Boolean).join('\n\n');
}

export const judgedNames: string = judged.map(({ title }) => title).join(', ');
