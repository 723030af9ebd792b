/** Tributary beside its peers, workload by workload: `npm run bench`. bench/README.md says how, and how far to trust it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { alone } from './alone.ts';
import { commit } from './commit.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { learnHeaders } from './hot-headers.ts';
import { idleRatio } from './idle-figures.ts';
import { findWrk } from './load.ts';
import { chooseCores, describeMachine } from './machine.ts';
import { measure, type Measured } from './measure.ts';
import { type Options, parseOptions } from './options.ts';
import { repo, results } from './paths.ts';
import { type Absent, leaveOut, prepare } from './prepare.ts';
import { betweenMarks } from './readme.ts';
import { goalsOf, page, readmeText, type Report } from './report.ts';
import { run } from './script.ts';
import type { Section } from './section.ts';
import type { Service } from './services.ts';
import { usual, type Workload, workloads } from './workloads.ts';

/** How it is measured, what of it could be built, and what fell out. */
interface Plan {
  readonly options: Options;
  readonly ready: ReadonlySet<Service>;
  readonly absent: Absent[];
}

/** The bare server sends the headers that Tributary sends; without them it is no measure. */
async function readyRows(workload: Workload, fixture: Fixture, { ready, absent }: Plan): Promise<Service[]> {
  const rows = workload.rows.filter((row) => ready.has(row));
  const bare = rows.find(({ name }) => name === 'bare');
  const like = workload.rows.find(({ name }) => name === 'tributary');
  if (!bare || !like) return rows;
  try {
    await learnHeaders(like, fixture);
    return rows;
  } catch (error) {
    leaveOut(absent, bare, error);
    return rows.filter((row) => row !== bare);
  }
}

/** All rounds: each takes every row once, every other one backwards, so that a drift of the machine favours nobody. */
async function rounds(workload: Workload, shared: Fixture, plan: Plan): Promise<Section> {
  const { options, absent } = plan;
  const fixture = shared.on(chooseCores(!options['no-pin'] && !workload.unpinned));
  const rows = await readyRows(workload, fixture, plan);
  const failed = new Set<Service>();
  const measured: Measured[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const service of round % 2 === 1 ? rows : rows.toReversed()) {
      if (failed.has(service)) continue;
      try {
        const row = await measure(service, round, fixture, workload, options);
        measured.push(row);
        const each = (row.requests / row.serverCpu).toFixed(0);
        console.error(`${workload.name}, round ${round}: ${service.title}: ${row.rps.toFixed(0)} RPS, ${each} a server-CPU-second, others ${row.others.toFixed(1)} %`);
      } catch (error) {
        failed.add(service);
        leaveOut(absent, { title: `${workload.name}: ${service.title}` }, error);
      }
    }
  }
  return { workload, measured };
}

function facts(options: Options, { postgres, stub, cores }: Fixture): Report['facts'] {
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  return [
    ['date', new Date().toISOString()],
    ['commit', commit()],
    ['node', process.version],
    ['machine', describeMachine()],
    ['command', `\`${command}\``],
    ['load', `wrk, ${options.rounds} rounds of ${options.duration} s after ${options.warmup} s of warm-up, 10,000 users${options.connections ? `, ${options.connections} connections` : ''}`],
    ['cores', cores.server === undefined ? 'not pinned' : 'the server on core 0; stores, stub, collector, wrk and this script on core 1; workers not pinned'],
    ['stores', `Postgres ${postgres.version} and a stub upstream written in ${stub.kind}`],
    ['logs', 'no service logs requests, but "access log on" (to /dev/null)'],
  ];
}

function publish(report: Report, { out, 'write-readme': writeReadme }: Options): void {
  const file = out ?? nextPage(commit());
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, page(report));
  console.log(`${goalsOf(report)}\n\n${relative(process.cwd(), file)}`);
  const readme = join(repo, 'README.md');
  if (!writeReadme || !existsSync(readme)) return;
  const text = readmeText(report);
  if (text === undefined) throw new Error('--write-readme: expected the workload cold among those measured, but it was not');
  const filled = betweenMarks(readFileSync(readme, 'utf8'), text);
  if (filled !== undefined) writeFileSync(readme, filled);
}

/** A second run of one commit has a page of its own. */
function nextPage(of: string, nth = 1): string {
  const file = join(results, nth === 1 ? `${of}.md` : `${of}-${nth}.md`);
  return existsSync(file) ? nextPage(of, nth + 1) : file;
}

/** The workloads asked for, with those of their rows that take part. */
function choose({ workload: names, peers }: Options): Workload[] {
  return names
    .flatMap((name) => workloads.filter((workload) => workload.name === name))
    .map((workload) => ({ ...workload, rows: workload.rows.filter(({ name }) => peers.includes(name)) }));
}

async function main(): Promise<void> {
  const rowNames = new Set(workloads.flatMap(({ rows }) => rows.map(({ name }) => name)));
  const options = parseOptions(process.argv.slice(2), { rows: [...rowNames], workloads: workloads.map(({ name }) => name), usual });
  const chosen = choose(options);
  const rows = [...new Set(chosen.flatMap((workload) => workload.rows))];
  const leave = alone();
  const absent: Absent[] = [];
  await findWrk();
  const ready = new Set(await prepare(rows, absent));
  const extras = new Set(rows.flatMap(({ needs }) => needs ?? []));
  const fixture = await startFixture(chooseCores(!options['no-pin']), extras);
  try {
    const sections: Section[] = [];
    for (const workload of chosen) {
      const { connections = workload.connections } = options;
      sections.push(await rounds({ ...workload, connections }, fixture, { options, ready, absent }));
    }
    publish({ facts: facts(options, fixture), sections, absent, noise: options.noise, idleRatio: idleRatio(commit()) }, options);
  } finally {
    await fixture.stop();
    await leave();
  }
}

await run(main);
