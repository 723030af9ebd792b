import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { onPath } from '../../demo/process/on-path.ts';
import { dashboards, queries } from '../otel/board-queries.ts';
import { complaintsAbout, type Metric } from '../otel/metric-names.ts';
import { recorded, rules } from '../otel/rules.ts';
import { type Captured, capture, metricsIn, seriesFor } from './captured.ts';

// What is asked of Prometheus and Tempo, against what a running service really tells them. docs/metrics.md is compared in test/otel.

let captured: Captured;
let known: ReadonlyMap<string, Metric>;

beforeAll(async () => {
  captured = await capture();
  known = metricsIn(captured.scraped);
});

/** Counted by what no test can do in a second: a hedge, a collector that does not keep up. They are there, without a series. */
const rare = (complaint: string): boolean => /^expected a metric of docs\/metrics.md, but got (tributary_hedges_total)$/.test(complaint);

test('every metric has a series, but for those of what is rare', () => {
  const without = captured.scraped.names.filter((name) => !known.has(name) && !known.has(`${name}_bucket`));
  expect(without.filter((name) => !['tributary_hedges_total', 'tributary_retries_total'].includes(name))).toEqual([]);
});

test.each(rules)('the rule $name asks for what there is', ({ expr }) => {
  expect(complaintsAbout(expr, '', recorded, known).filter((complaint) => !rare(complaint))).toEqual([]);
});

test('so do all panels, and the choices above them', () => {
  const complaints = queries.flatMap(({ where, expr, legend }) => complaintsAbout(expr, legend, new Set(), known).map((complaint) => `${where}: ${complaint}`));
  const choices = dashboards.flatMap(([, { templating }]) => templating.list.flatMap(({ definition }) => (definition === undefined ? [] : complaintsAbout(definition.replace(/, \w+\)$/, ')'), '', new Set(), known))));
  expect([...complaints, ...choices].filter((complaint) => !complaint.includes('but got tributary_hedges_total') && !complaint.includes('but got tributary_retries_total') && !complaint.includes('but got winner'))).toEqual([]);
});

test('the autoscaler scales by what there is', async () => {
  const text = await readFile(new URL('../../k8s/components/autoscaling/horizontal-pod-autoscaler.yaml', import.meta.url), 'utf8');
  const names = [...text.matchAll(/metric: \{ name: (\w+) \}/g)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(known.has(name), name).toBe(true);
});

test('what is asked of Tempo is on the spans', () => {
  const asked = dashboards.flatMap(([, { panels }]) => panels.flatMap(({ targets = [] }) => targets.flatMap(({ query }) => query ?? [])));
  const names = new Set(asked.flatMap((query) => [...query.matchAll(/\bspan\.([\w.]+)/g)].map(([, name]) => name!)));
  const resources = new Set(asked.flatMap((query) => [...query.matchAll(/\bresource\.([\w.]+)/g)].map(([, name]) => name!)));
  expect(names.size).toBeGreaterThan(0);
  for (const name of names) expect(captured.spans.some(({ attributes }) => name in attributes), name).toBe(true);
  for (const name of resources) expect(captured.spans.every(({ resource }) => name in resource), name).toBe(true);
});

const promtool = onPath('promtool');
if (promtool === undefined) process.stderr.write('promtool is not on the PATH (Debian: apt-get install prometheus): what it says of the metrics is not looked at\n');

async function inFolder(does: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-captured-'));
  try {
    await does(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.runIf(promtool !== undefined)('promtool', { timeout: 180_000 }, () => {
  const run = promisify(execFile);

  test('finds nothing to say of the metrics', () => inFolder(async (folder) => {
    const path = join(folder, 'metrics.txt');
    await writeFile(path, captured.scraped.text);
    const { stdout, stderr } = await run('sh', ['-c', '"$0" check metrics < "$1"', promtool!, path]);
    expect(stdout + stderr).toBe('');
  }));

  test('finds something for every rule that records and every panel, given these series for a day', () => inFolder(async (folder) => {
    const minutes = 25 * 60;
    const all = queries.filter(({ expr }) => !/hedges|retries/.test(expr)).map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'tributary').replaceAll(/\$\w+/g, '.+'));
    const recording = rules.filter(({ kind }) => kind === 'record').map(({ expr }) => expr);
    const asked = [...all, ...recording].map((expr) => ({ expr: `count(${expr}) > bool 0`, eval_time: `${minutes}m`, exp_samples: [{ labels: '{}', value: 1 }] }));
    const path = join(folder, 'queries.json');
    await writeFile(path, JSON.stringify({ tests: [{ interval: '2m', input_series: seriesFor(captured.scraped, minutes / 2), promql_expr_test: asked }] }));
    await run(promtool!, ['test', 'rules', path]);
  }));
});
