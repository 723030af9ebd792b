// npm run check:otel: what Prometheus' and the collector's own programs say of the files in otel/. Each check is skipped, with its reason, where the
// program is not to be had. Apart from the other tests, because the collector takes a minute and a half to build, once; with --no-build it is tried only
// if that was done.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onPath } from '../../demo/process/on-path.ts';
import { buildCollector, findCollector } from '../support/collector-build.ts';
import { filledIn, queries } from './board-queries.ts';
import { tryCollector } from './collector-trial.ts';
import { sampleSeries } from './sample-series.ts';

const run = promisify(execFile);
const file = (name: string): string => fileURLToPath(new URL(`../../otel/${name}`, import.meta.url));
const say = (line: string): void => { process.stdout.write(`${line}\n`); };

async function check(what: string, does: () => Promise<string | undefined>): Promise<void> {
  try {
    const more = await does();
    say(`ok       ${what}${more === undefined ? '' : `: ${more}`}`);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    say(`FAILED   ${what}\n${[stdout, stderr].filter(Boolean).join('\n') || String(error)}`);
    process.exitCode = 1;
  }
}

const skip = (what: string, reason: string): void => { say(`skipped  ${what}, since ${reason}`); };

// A day and an hour, because some look a day back.
const minutes = 25 * 60;

/** Asks everything that the dashboards ask, where every series is that there can be: what finds nothing there is a panel that shows nothing. */
async function ask(promtool: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-boards-'));
  try {
    const path = join(folder, 'queries.json');
    const asked = queries.map(({ expr }) => ({ expr: `count(${filledIn(expr)}) > bool 0`, eval_time: `${minutes}m`, exp_samples: [{ labels: '{}', value: 1 }] }));
    // In JSON, which is YAML.
    await writeFile(path, JSON.stringify({ tests: [{ interval: '1m', input_series: sampleSeries(minutes), promql_expr_test: asked }] }));
    await run(promtool, ['test', 'rules', path]);
    return `${asked.length} queries`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function checkRules(): Promise<void> {
  const promtool = onPath('promtool');
  if (promtool === undefined) {
    skip('the rules and the dashboards', 'there is no promtool on the PATH (Debian: apt-get install prometheus)');
    return;
  }
  await check('the rules are valid', async () => (await run(promtool, ['check', 'rules', file('alerts.yaml')])).stdout.match(/\d+ rules/)?.[0]);
  await check('each alert fires for its fault, and none in health', async () => { await run(promtool, ['test', 'rules', file('alerts.test.yaml')]); return undefined; });
  await check('whatever the dashboards ask finds something', () => ask(promtool));
}

async function checkCollector(): Promise<void> {
  const collector = process.argv.includes('--no-build') ? await findCollector() : await buildCollector();
  if ('reason' in collector) {
    skip('the collector', collector.reason);
    return;
  }
  await check('the configuration of the collector is valid', async () => { await run(collector.path, ['validate', '--config', file('collector.yaml')]); return undefined; });
  await check('the collector keeps what it should', () => tryCollector(collector.path, file('collector.yaml')));
}

await checkRules();
await checkCollector();
