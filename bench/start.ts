/**
 * How soon does a service answer? Starts each one many times, in turn, and prints the medians from the spawn to the first
 * 200 of an aggregated answer. Tributary also with every request traced.
 *   node bench/start.ts --runs 10 --peers tributary,tributary-trace-100,no-engine,fastify
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { alone } from './alone.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { chooseCores, pidsOf } from './machine.ts';
import { type Absent, leaveOut, prepare } from './prepare.ts';
import { run } from './script.ts';
import { type Service, serviceNamed, startService } from './services.ts';

interface Run {
  readonly firstMs: number;
  /** CPU that it had used by then: says more on a machine that others use too. */
  readonly cpuMs: number;
}

/** CPU of all threads of a process and its children so far: schedstat counts nanoseconds, where /proc/…/stat counts ticks. */
function cpuMs(pid: number): number {
  const threads = pidsOf(pid).flatMap((one) => readdirSync(`/proc/${one}/task`).map((thread) => `/proc/${one}/task/${thread}/schedstat`));
  return threads.reduce((sum, path) => sum + Number(readFileSync(path, 'utf8').split(' ')[0]) / 1e6, 0);
}

async function startOnce(service: Service, fixture: Fixture): Promise<Run> {
  const running = await startService(service, fixture);
  try {
    return { firstMs: running.firstMs, cpuMs: cpuMs(running.pid) };
  } finally {
    await running.stop();
  }
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.round(share * (sorted.length - 1))] ?? NaN).toFixed(0);
  return `${at(0.5)} (${at(0)}–${at(1)})`;
}

/** Every other round backwards, so that a machine that slows down favours nobody. */
async function measure(services: readonly Service[], runs: number, fixture: Fixture, absent: Absent[]): Promise<Map<Service, Run[]>> {
  const found = new Map<Service, Run[]>(services.map((service) => [service, []]));
  for (let run = 0; run < runs; run++) {
    for (const service of run % 2 === 0 ? services : services.toReversed()) {
      if (!found.has(service)) continue;
      try {
        found.get(service)?.push(await startOnce(service, fixture));
      } catch (error) {
        found.delete(service);
        leaveOut(absent, service, error);
      }
    }
  }
  return found;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '10' },
      peers: { type: 'string', default: 'tributary,tributary-trace-100,no-engine,fastify' },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs: expected a whole number from 1, but got ${values.runs}`);
  const wanted = values.peers.split(',').map(serviceNamed);
  const leave = alone();
  const absent: Absent[] = [];
  const ready = await prepare(wanted, absent);
  const extras = new Set(ready.flatMap(({ needs }) => (needs ? [needs] : [])));
  // Not pinned: a start uses more than one core, and that is what it has where it is deployed.
  const fixture = await startFixture(chooseCores(false), extras);
  try {
    const found = await measure(ready, runs, fixture, absent);
    console.log(`Milliseconds until the first 200, and CPU by then: median (fastest–slowest) of ${runs}, Node ${process.version}`);
    for (const [{ title }, results] of found) {
      console.log(`${title.padEnd(30)} ${spread(results.map(({ firstMs }) => firstMs)).padEnd(20)} ${spread(results.map(({ cpuMs }) => cpuMs))} ms of CPU`);
    }
  } finally {
    await fixture.stop();
    await leave();
  }
}

await run(main);
