/**
 * Does it grow? A million requests to the built service with a cache so small that it evicts, and one client in a hundred
 * that hangs up early; ten looks at its memory on the way. Exits with 1 if anything grows. `npm run bench:soak`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { alone } from './alone.ts';
import { buildStripped } from './builds.ts';
import { startFixture } from './fixture/fixture.ts';
import { constructors, growth } from './heap-growth.ts';
import { leavers } from './leavers.ts';
import { findWrk, load } from './load.ts';
import { chooseCores } from './machine.ts';
import { build } from './paths.ts';
import { prepare } from './prepare.ts';
import { assertAlive } from './processes.ts';
import { run } from './script.ts';
import { type Running, type Service, serviceNamed, startService, variant } from './services.ts';
import { table } from './table.ts';
import { type Sample, type Trend, trends } from './trend.ts';

const out = join(build, 'soak.jsonl');
const sampleCount = 10;
/** Seconds of a slice of load. */
const slice = 2;
/** The two looks whose heaps are compared: the caches are full, and the end. */
const compared = [3, sampleCount];

const Line = z.object({ heapUsed: z.number(), external: z.number(), rss: z.number(), handles: z.number() });

async function probed(snapshot: boolean): Promise<Service> {
  const probe = await buildStripped('soak-probe');
  const own = serviceNamed('tributary');
  const [node = '', ...args] = own.command;
  return variant(own, 'soak', 'tributary under soak', {
    // A fifth or so of what all users need.
    CACHE: 'memory', CACHE_L1_BYTES: String(2 << 20), SOAK_OUT: out, ...(snapshot ? { SOAK_SNAPSHOTS: compared.join(',') } : {}),
  }, { command: [node, '--expose-gc', '--import', probe, ...args] });
}

const linesOf = (): string[] => (existsSync(out) ? readFileSync(out, 'utf8').split('\n').filter(Boolean) : []);

/** Until the upstream's pool has let go of connections that a burst has made it open; it keeps idle ones for some seconds. */
const restMs = 12_000;

/** Has the service look at itself, once what it was asked is done. A snapshot of its heap takes seconds. */
async function look(running: Running, requests: number): Promise<Sample> {
  await sleep(restMs);
  const before = linesOf().length;
  process.kill(running.pid, 'SIGUSR2');
  for (let tries = 0; linesOf().length === before; tries++) {
    assertAlive(running);
    if (tries > 1_200) throw new Error('expected a line from soak-probe.ts within two minutes, but got none');
    await sleep(100);
  }
  return { requests, ...Line.parse(JSON.parse(linesOf().at(-1) ?? '')) };
}

async function soak(running: Running, total: number, core: number | undefined): Promise<Sample[]> {
  const samples: Sample[] = [];
  let done = 0;
  let left = 0;
  while (samples.length < sampleCount) {
    while (done < (total * (samples.length + 1)) / sampleCount) {
      const owed = Math.floor(done / 100) - left;
      const leaving = leavers(running.port, owed, slice);
      const { requests, errors } = await load(running, { ids: 'mixed', connections: 50 }, slice, core);
      await leaving;
      if (errors > 0) console.error(`${errors} of ${requests} requests failed`);
      left += owed;
      done += requests + owed;
    }
    const sample = await look(running, done);
    samples.push(sample);
    console.error(`${done} requests, of which ${left} left early: ${JSON.stringify(sample)}`);
  }
  return samples;
}

const mib = (bytes: number): string => (bytes / (1 << 20)).toFixed(1);

function told(samples: readonly Sample[], found: readonly Trend[]): string {
  const rows = samples.map(({ requests, heapUsed, external, rss, handles }) => [requests, mib(heapUsed), mib(external), mib(rss), handles]);
  const lines = found.map(({ measure, from, to, verdict }) => {
    const shown = measure === 'handles' ? String : (bytes: number) => `${mib(bytes)} MiB`;
    return `${measure}: ${verdict}, from ${shown(from)} to ${shown(to)}`;
  });
  return [table(['requests', 'heap used MiB', 'external MiB', 'RSS MiB', 'handles'], rows), '', ...lines].join('\n');
}

function heaps(): string {
  const [before, after] = compared.map((nth) => constructors(readFileSync(`${out}.${nth}.heapsnapshot`, 'utf8')));
  if (!before || !after) throw new Error('expected two snapshots');
  const rows = growth(before, after, 20).map((one) => [`\`${one.title}\``, one.before, one.after, one.after - one.before]);
  return `\n${table(['what became more', `sample ${compared[0]}`, `sample ${compared[1]}`, 'more'], rows)}`;
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { requests: { type: 'string', default: '1000000' }, snapshot: { type: 'boolean', default: false } } });
  const leave = alone();
  await findWrk();
  const [service] = await prepare([await probed(values.snapshot)], []);
  if (!service) return false;
  rmSync(out, { force: true });
  const fixture = await startFixture(chooseCores(true));
  let running: Running | undefined;
  try {
    running = await startService(service, fixture);
    const samples = await soak(running, Number(values.requests), fixture.cores.rest);
    // To write a heap takes as much memory again, which stays with the process.
    const found = values.snapshot ? trends(samples, ['heapUsed', 'external', 'handles']) : trends(samples);
    console.log(told(samples, found));
    if (values.snapshot) console.log(heaps());
    return found.every(({ verdict }) => verdict === 'FLAT');
  } finally {
    await running?.stop();
    await fixture.stop();
    await leave();
  }
}

await run(main);
