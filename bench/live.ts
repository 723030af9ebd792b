/**
 * What do live answers cost? 5,000 streams on one worker, each of another user and then all of the same: the resident memory for each,
 * and from a row that is changed by SQL until all who watch it have been told. `npm run bench:live`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { runNotifyInstallation } from '../src/clients/notify-install.ts';
import { parseKeyColumn } from '../src/clients/notify-sql.ts';
import { alone } from './alone.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { userCount } from './fixture/postgres.ts';
import { type Watcher, watchingCrowd } from './live-crowd.ts';
import { chooseCores, cpuSeconds, residentMiB } from './machine.ts';
import { type Absent, prepare } from './prepare.ts';
import { assertAlive } from './processes.ts';
import { run } from './script.ts';
import { serviceNamed, startService, variant } from './services.ts';
import { table } from './table.ts';

/** Time for what opening them left behind to be collected. */
const restMs = 5_000;

/** How long is looked at what they cost while nothing happens: a heartbeat of each is in it. */
const idleMs = 15_000;

const tables = ['users.id', 'analytics.user_id'].map(parseKeyColumn);

// Parts stay fresh for half a minute and are looked at again then: that is in what they cost while nothing happens.
const live = variant(serviceNamed('tributary'), 'tributary-live', 'tributary, live answers', { CACHE: 'memory', LIVE_MAX: '20000' });

interface Crowd {
  readonly title: string;
  readonly pathOf: (nth: number) => string;
  /** Who watches user 1. */
  readonly watches: (watchers: readonly Watcher[]) => readonly Watcher[];
}

const path = '/api/aggregated/live?user_id=';
const crowds: readonly Crowd[] = [
  { title: 'each another user', pathOf: (nth) => `${path}${1 + (nth % userCount)}`, watches: (watchers) => watchers.slice(0, 1) },
  { title: 'all the same user', pathOf: () => `${path}1`, watches: (watchers) => watchers },
];

async function measure(crowd: Crowd, fixture: Fixture, count: number, changes: number): Promise<string[]> {
  const running = await startService(withFiles, fixture);
  const database = new Client({ connectionString: fixture.postgres.url });
  await database.connect();
  try {
    await sleep(restMs);
    const startMiB = residentMiB(running.pid);
    const watchers = await watchingCrowd(running.port, count, crowd.pathOf);
    await sleep(restMs);
    const openMiB = residentMiB(running.pid);
    const cpu = cpuSeconds(running.pid);
    await sleep(idleMs);
    const idleCpu = ((cpuSeconds(running.pid) - cpu) / idleMs) * 100_000;
    const { first, last } = await told(crowd.watches(watchers), database, changes);
    const open = watchers.filter(({ isOpen }) => isOpen).length;
    for (const watcher of watchers) watcher.leave();
    assertAlive(running);
    return [
      crowd.title, startMiB.toFixed(0), openMiB.toFixed(0), (((openMiB - startMiB) * 1_024) / count).toFixed(1), `${idleCpu.toFixed(0)} %`,
      middle(first).toFixed(1), middle(last).toFixed(1), Math.max(...last).toFixed(1), open === count ? String(open) : `${open} OF ${count}`,
    ];
  } finally {
    await database.end();
    await running.stop();
  }
}

/** From the moment in which the change is sent, in milliseconds: until the first has been told of it, and the last. */
async function told(watchers: readonly Watcher[], database: Client, changes: number): Promise<{ first: number[]; last: number[] }> {
  const first: number[] = [];
  const last: number[] = [];
  for (let change = 0; change < changes; change++) {
    const name = `bench-${process.pid}-${change}`;
    const all = Promise.all(watchers.map((watcher) => watcher.told(name)));
    const from = performance.now();
    await database.query(`update users set data = data || jsonb_build_object('name', $1::text) where id = 1`, [name]);
    const times = (await all).map((at) => at - from);
    first.push(Math.min(...times));
    last.push(Math.max(...times));
    await sleep(200); // A part that changes all the time is asked ten times a second at most.
  }
  return { first, last };
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** The shell's limit of open files may be 1,024. */
const withFiles = { ...live, command: ['bash', '-c', 'ulimit -n "$(ulimit -Hn)" && exec "$@"', 'bash', ...live.command] };

const notify = (fixture: Fixture, action: 'install' | 'uninstall') =>
  runNotifyInstallation({ url: fixture.postgres.url, tables, action, onTable: (_, error) => { if (error) throw error; } });

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { streams: { type: 'string', default: '5000' }, changes: { type: 'string', default: '20' } } });
  const count = Number(values.streams);
  const leave = alone();
  const absent: Absent[] = [];
  await prepare([live], absent);
  if (absent.length > 0) throw new Error(`expected what is measured to be built, but got ${JSON.stringify(absent)}`);
  const fixture = await startFixture(chooseCores(true));
  const rows: string[][] = [];
  try {
    await notify(fixture, 'install');
    for (const crowd of crowds) rows.push(await measure(crowd, fixture, count, Number(values.changes)));
  } finally {
    // Its Postgres is used again by the other benches, whose writes would pay for them.
    await notify(fixture, 'uninstall');
    await fixture.stop();
    await leave();
  }
  console.log(table([`${count} streams`, 'RSS MiB without', 'RSS MiB with them', 'KiB for each', 'CPU while nothing happens', 'first told ms', 'last told ms', 'at worst', 'still open'], rows));
}

await run(main);
