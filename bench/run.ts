/** Tributary beside its peers, on the cold path: `npm run bench`. bench/README.md says how, and how far to trust it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { alone } from './alone.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { findWrk } from './load.ts';
import { chooseCores, describeMachine } from './machine.ts';
import { measure, type Measured } from './measure.ts';
import { type Options, parseOptions } from './options.ts';
import { repo, results } from './paths.ts';
import { type Absent, leaveOut, message, prepare } from './prepare.ts';
import { betweenMarks } from './readme.ts';
import { mainTable, page, type Report } from './report.ts';
import { type Service, services } from './services.ts';

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: repo, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** The short commit, or 'uncommitted' when what is measured is not what was committed. */
function commit(): string {
  try {
    const changed = git('status', '--porcelain', '--', '.', ':!bench/results', ':!README.md');
    return changed === '' ? git('rev-parse', '--short', 'HEAD') : 'uncommitted';
  } catch {
    return 'uncommitted';
  }
}

/** All rounds: each takes every service once, every other one backwards, so that a drift of the machine favours nobody. */
async function rounds(ready: readonly Service[], fixture: Fixture, options: Options, absent: Absent[]): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const service of round % 2 === 1 ? ready : ready.toReversed()) {
      if (absent.some(({ title }) => title === service.title)) continue;
      try {
        const row = await measure(service, round, fixture, options);
        measured.push(row);
        const each = (row.requests / row.serverCpu).toFixed(0);
        console.error(`round ${round}: ${service.title}: ${row.rps.toFixed(0)} RPS, ${each} a server-CPU-second, others ${row.others.toFixed(1)} %`);
      } catch (error) {
        leaveOut(absent, service, error);
      }
    }
  }
  return measured;
}

function facts(options: Options, fixture: Fixture): Report['facts'] {
  const { cores: { server }, postgres, stub } = fixture;
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  return [
    ['date', new Date().toISOString()],
    ['commit', commit()],
    ['node', process.version],
    ['machine', describeMachine()],
    ['command', `\`${command}\``],
    ['load', `wrk, ${options.connections} connections, ${options.rounds} rounds of ${options.duration} s after ${options.warmup} s of warm-up, random users of 10,000`],
    ['cores', server === undefined ? 'not pinned' : 'the server on core 0; Postgres, stub, wrk and this script on core 1'],
    ['stores', `Postgres ${postgres.version} and a stub upstream written in ${stub.kind}`],
    ['logs', 'no service logs requests, but "access log on" (to /dev/null)'],
  ];
}

function publish(report: Report, { out, 'write-readme': writeReadme }: Options): void {
  const file = out ?? join(results, `${commit()}.md`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, page(report));
  console.log(`${mainTable(report)}\n\n${relative(process.cwd(), file)}`);
  const readme = join(repo, 'README.md');
  if (!writeReadme || !existsSync(readme)) return;
  const filled = betweenMarks(readFileSync(readme, 'utf8'), mainTable(report));
  if (filled !== undefined) writeFileSync(readme, filled);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), services.map(({ name }) => name));
  const wanted = options.peers.flatMap((peer) => services.filter(({ name }) => name === peer));
  const leave = alone();
  const absent: Absent[] = [];
  await findWrk();
  const ready = await prepare(wanted, absent);
  const fixture = await startFixture(chooseCores(!options['no-pin']));
  try {
    const measured = await rounds(ready, fixture, options, absent);
    publish({ facts: facts(options, fixture), services: wanted, measured, absent, noise: options.noise }, options);
  } finally {
    await fixture.stop();
    await leave();
  }
}

try {
  await main();
} catch (error) {
  console.error(message(error));
  process.exitCode = 1;
}
