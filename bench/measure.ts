import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Asked, askedSoFar, asksEach } from './asks.ts';
import type { Fixture } from './fixture/fixture.ts';
import { load } from './load.ts';
import { type Busy, busySeconds, cpuSeconds, ourSeconds, peakMiB, pinTree } from './machine.ts';
import type { Options } from './options.ts';
import { assertAlive } from './processes.ts';
import { fill, sample, type Sampled } from './sample.ts';
import { type Running, type Service, startService } from './services.ts';
import type { Workload } from './workloads.ts';

/** What one window of load showed. Seconds of CPU are user and system together. */
export interface Window extends Sampled {
  readonly requests: number;
  readonly rps: number;
  /** Bytes of an answer, its head included. */
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly serverCpu: number;
  readonly postgresCpu: number;
  readonly redisCpu: number;
  readonly stubCpu: number;
  readonly collectorCpu: number;
  readonly loadCpu: number;
  /** Bytes of traces that came to the collector, for each request. */
  readonly traceBytes: number;
  /** Per cent that each core was busy. */
  readonly cores: readonly number[];
  /** Per cent of the machine that others used; it can be slightly negative, for clock ticks. */
  readonly others: number;
}

export interface Measured extends Window {
  readonly name: string;
  readonly round: number;
  readonly healthMs: number;
  readonly firstMs: number;
  readonly peakMiB: number;
  /** Asked of the stores for each request since the service started, or since its caches were filled. */
  readonly asks: Asked;
}

/** Waits until nobody uses the machine, or the patience ends. */
async function calm({ quiet, noise }: Options): Promise<void> {
  const until = performance.now() + quiet * 1_000;
  for (;;) {
    const before = busySeconds().total;
    await sleep(Math.min(1_000, quiet * 1_000));
    const busy = ((busySeconds().total - before) / cpus().length) * 100;
    if (busy < noise || performance.now() > until) return;
  }
}

type Part = 'server' | 'postgres' | 'redis' | 'stub' | 'collector' | 'script' | 'load';

interface Reading {
  readonly at: number;
  /** CPU seconds of each so far. */
  readonly cpu: Readonly<Record<Part, number>>;
  readonly busy: Busy;
  readonly traceBytes: number;
}

const seconds = (process: { readonly pid: number } | undefined): number => (process ? cpuSeconds(process.pid) : 0);

async function read(server: Running, { postgres, stub, redis, collector }: Fixture): Promise<Reading> {
  const traceBytes = (await collector?.bytes()) ?? 0;
  const { own, load } = ourSeconds();
  return {
    at: performance.now(),
    cpu: {
      server: seconds(server), postgres: seconds(postgres), redis: seconds(redis), stub: seconds(stub),
      collector: seconds(collector), script: own, load,
    },
    busy: busySeconds(),
    traceBytes,
  };
}

async function window(server: Running, fixture: Fixture, workload: Workload, { duration }: Options): Promise<Window> {
  const before = await read(server, fixture);
  const ending = new AbortController();
  const samples = sample(server, ending.signal);
  const loaded = load(server, workload, Math.max(duration, workload.leastS ?? 0), fixture.cores.rest).finally(() => ending.abort());
  const { requests, bytes, seconds, p50, p99, errors } = await loaded;
  if (requests === 0) throw new Error(`expected answers within ${seconds.toFixed(0)} s of load, but got none`);
  const after = await read(server, fixture);
  const tookS = (after.at - before.at) / 1_000;
  const used = (part: Part) => after.cpu[part] - before.cpu[part];
  const ours = (Object.keys(after.cpu) as Part[]).reduce((sum, part) => sum + used(part), 0);
  const busy = after.busy.total - before.busy.total + after.busy.steal - before.busy.steal;
  return {
    requests, rps: requests / seconds, bytes: bytes / requests, p50Ms: p50, p99Ms: p99, errors,
    serverCpu: used('server'), postgresCpu: used('postgres'), redisCpu: used('redis'), stubCpu: used('stub'),
    collectorCpu: used('collector'), loadCpu: used('load'),
    traceBytes: (after.traceBytes - before.traceBytes) / requests,
    cores: after.busy.cores.map((core, at) => ((core - (before.busy.cores[at] ?? 0)) / tookS) * 100),
    others: ((busy - ours) / tookS / cpus().length) * 100,
    ...(await samples),
  };
}

/** A process gets about its share of what is asked, so the memories of several take several times to fill. */
const passes = (caches: number): number => (caches > 1 ? 2 * caches : caches);

/** The quietest of at most `retries` + 1 times that a service is measured. */
export async function measure(service: Service, round: number, fixture: Fixture, workload: Workload, options: Options): Promise<Measured> {
  let best = await measureOnce(service, round, fixture, workload, options);
  for (let retry = 0; retry < options.retries && best.others > options.noise; retry++) {
    const again = await measureOnce(service, round, fixture, workload, options);
    if (again.others < best.others) best = again;
  }
  return best;
}

/**
 * Starts a service, measures it and stops it. Nothing is waited for once its cache is filled: what it keeps is fresh for half a
 * minute, and all of it was loaded at once, so that beyond that a window would show thousands of loads and no hot reads.
 */
async function measureOnce(service: Service, round: number, fixture: Fixture, workload: Workload, options: Options): Promise<Measured> {
  await calm(options);
  await fixture.redis?.flush();
  const before = await askedSoFar(fixture);
  const server = await startService(service, fixture);
  try {
    pinTree(fixture.postgres.pid, fixture.cores.rest);
    const { caches = 0 } = service;
    await fill(server, passes(caches));
    const filled = { ...before, redis: (await fixture.redis?.commands()) ?? 0 };
    await fixture.stub.control(workload.stub);
    const warmed = await load(server, workload, options.warmup, fixture.cores.rest);
    const seen = await window(server, fixture, workload, options);
    assertAlive(server);
    const peak = peakMiB(server.pid);
    await server.stop(); // Its backends end with it, and tell what they have read.
    const asks = asksEach(filled, await askedSoFar(fixture), warmed.requests + seen.requests + seen.sampled, caches);
    return { ...seen, name: service.name, round, healthMs: server.healthMs, firstMs: server.firstMs, peakMiB: peak, asks };
  } finally {
    await fixture.stub.control('mode=ok&delay_ms=0');
    await server.stop();
  }
}
