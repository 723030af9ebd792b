/**
 * What do idle clients cost? 10,000 connections, each of which has had one answer, and then nothing: the resident memory of
 * the service after five seconds. `npm run bench:idle`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { alone } from './alone.ts';
import { commit } from './commit.ts';
import { idleCrowd } from './crowd.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { keepIdleRatio } from './idle-figures.ts';
import { chooseCores, residentMiB } from './machine.ts';
import { type Absent, leaveOut, prepare } from './prepare.ts';
import { assertAlive } from './processes.ts';
import { run } from './script.ts';
import { type Service, serviceNamed, startService, variant } from './services.ts';
import { table } from './table.ts';

/** Time for what the requests left behind to be collected, shorter than services keep idle connections. */
const restMs = 5_000;

const own = serviceNamed('tributary');
const rows = [
  own,
  variant(own, 'tributary-memory', 'tributary, cache on', { CACHE: 'memory' }),
  ...['fastify', 'no-engine', 'rust'].map(serviceNamed),
];

interface Idle {
  readonly name: string;
  readonly title: string;
  readonly startMiB: number;
  readonly idleMiB: number;
  /** How many connections the service has not closed meanwhile. */
  readonly open: number;
}

/** The shell's limit may be 1,024 files, and not every service raises its own. */
const withFiles = (service: Service): Service => ({ ...service, command: ['bash', '-c', 'ulimit -n "$(ulimit -Hn)" && exec "$@"', 'bash', ...service.command] });

async function measureIdle(service: Service, fixture: Fixture, count: number): Promise<Idle> {
  const running = await startService(withFiles(service), fixture);
  try {
    const startMiB = residentMiB(running.pid);
    const sockets = await idleCrowd(running.port, count);
    await sleep(restMs);
    const idleMiB = residentMiB(running.pid);
    const open = sockets.filter(({ readyState }) => readyState === 'open').length;
    for (const socket of sockets) socket.resetAndDestroy(); // With a reset, so that no port waits for a minute.
    assertAlive(running);
    return { name: service.name, title: service.title, startMiB, idleMiB, open };
  } finally {
    await running.stop();
  }
}

function told(measured: readonly Idle[], count: number): string {
  const base = measured.find(({ name }) => name === 'fastify');
  const lines = measured.map(({ title, startMiB, idleMiB, open }) => [
    title, startMiB.toFixed(0), idleMiB.toFixed(0), (((idleMiB - startMiB) * 1_024) / count).toFixed(1),
    base ? (idleMiB / base.idleMiB).toFixed(2) : '', open === count ? open : `${open} OF ${count}`,
  ]);
  return table(['', 'RSS MiB after the first 200', `with ${count} idle connections`, 'KiB more for each', '× fastify', 'still open'], lines);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { connections: { type: 'string', default: '10000' }, peers: { type: 'string', default: rows.map(({ name }) => name).join(',') } },
  });
  const count = Number(values.connections);
  const leave = alone();
  const absent: Absent[] = [];
  const ready = await prepare(rows.filter(({ name }) => values.peers.split(',').includes(name)), absent);
  const fixture = await startFixture(chooseCores(true));
  const measured: Idle[] = [];
  try {
    for (const service of ready) {
      await measureIdle(service, fixture, count).then((idle) => measured.push(idle), (error: unknown) => leaveOut(absent, service, error));
    }
  } finally {
    await fixture.stop();
    await leave();
  }
  console.log(told(measured, count));
  const of = (name: string) => measured.find((idle) => idle.name === name)?.idleMiB;
  const [mine, fastify] = [of('tributary-memory'), of('fastify')];
  if (count === 10_000 && mine && fastify) keepIdleRatio(commit(), mine / fastify);
}

await run(main);
