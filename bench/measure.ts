import http from 'node:http';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fixture } from './fixture/fixture.ts';
import { rowsRead, userCount } from './fixture/postgres.ts';
import { load } from './load.ts';
import { type Busy, busySeconds, cpuSeconds, ourSeconds, peakMiB, pinTree } from './machine.ts';
import type { Options } from './options.ts';
import { assertAlive, get } from './processes.ts';
import { path, type Running, type Service, startService } from './services.ts';

/** What one window of load showed. Seconds of CPU are user and system together. */
export interface Window {
  readonly requests: number;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly serverCpu: number;
  readonly postgresCpu: number;
  readonly stubCpu: number;
  readonly loadCpu: number;
  /** Per cent that each core was busy. */
  readonly cores: readonly number[];
  /** Per cent of the machine that others used; it can be slightly negative, for clock ticks. */
  readonly others: number;
  /** Of the answers that this script asked for meanwhile: how many had all three parts. */
  readonly sampled: number;
  readonly whole: number;
}

export interface Measured extends Window {
  readonly name: string;
  readonly round: number;
  readonly healthMs: number;
  readonly firstMs: number;
  readonly peakMiB: number;
  /** Asked of the stub, and read from each table, for each request since the service started: shows that nothing was cached. */
  readonly asks: { readonly upstream: number; readonly users: number; readonly analytics: number };
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

/** Ten times a second looks into an answer: wrk sees only its status, and a part that is missing is a 200 too. */
async function sample(port: number, signal: AbortSignal): Promise<{ sampled: number; whole: number }> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const counts = { sampled: 0, whole: 0 };
  while (!signal.aborted) {
    const { status, body } = await get(port, path + (1 + Math.floor(Math.random() * userCount)), { agent });
    counts.sampled++;
    if (status === 200 && isWhole(body)) counts.whole++;
    await sleep(100);
  }
  agent.destroy();
  return counts;
}

function isWhole(body: string): boolean {
  try {
    return Object.keys(JSON.parse(body) as object).toSorted().join() === 'analytics,recommendations,user_data';
  } catch {
    return false;
  }
}

interface Reading {
  readonly at: number;
  readonly server: number;
  readonly postgres: number;
  readonly stub: number;
  readonly ours: { readonly own: number; readonly load: number };
  readonly busy: Busy;
}

const read = (server: Running, { postgres, stub }: Fixture): Reading => ({
  at: performance.now(),
  server: cpuSeconds(server.pid),
  postgres: cpuSeconds(postgres.pid),
  stub: cpuSeconds(stub.pid),
  ours: ourSeconds(),
  busy: busySeconds(),
});

async function window(server: Running, fixture: Fixture, { connections, duration }: Options): Promise<Window> {
  const before = read(server, fixture);
  const ending = new AbortController();
  const samples = sample(server.port, ending.signal);
  const loaded = load(server.port, connections, duration, fixture.cores.rest).finally(() => ending.abort());
  const { requests, seconds, p50, p99, errors } = await loaded;
  const after = read(server, fixture);
  const tookS = (after.at - before.at) / 1_000;
  const serverCpu = after.server - before.server;
  const postgresCpu = after.postgres - before.postgres;
  const stubCpu = after.stub - before.stub;
  const loadCpu = after.ours.load - before.ours.load;
  const ours = serverCpu + postgresCpu + stubCpu + loadCpu + after.ours.own - before.ours.own;
  const busy = after.busy.total - before.busy.total + after.busy.steal - before.busy.steal;
  return {
    requests, rps: requests / seconds, p50Ms: p50, p99Ms: p99, errors, serverCpu, postgresCpu, stubCpu, loadCpu,
    cores: after.busy.cores.map((core, at) => ((core - (before.busy.cores[at] ?? 0)) / tookS) * 100),
    others: ((busy - ours) / tookS / cpus().length) * 100,
    ...(await samples),
  };
}

/** The quietest of at most `retries` + 1 windows, each after a warm-up, and how many requests all of it took. */
async function quietest(server: Running, fixture: Fixture, options: Options): Promise<{ best: Window; requests: number }> {
  let best: Window | undefined;
  let requests = 0;
  for (let attempt = 0; attempt <= options.retries; attempt++) {
    await calm(options);
    requests += (await load(server.port, options.connections, options.warmup, fixture.cores.rest)).requests;
    const one = await window(server, fixture, options);
    requests += one.requests + one.sampled;
    if (best === undefined || one.others < best.others) best = one;
    if (best.others <= options.noise) break;
  }
  if (best === undefined) throw new Error('expected at least one window');
  return { best, requests };
}

/** Starts a service, measures it and stops it. */
export async function measure(service: Service, round: number, fixture: Fixture, options: Options): Promise<Measured> {
  await calm(options);
  const rows = await rowsRead(fixture.postgres.url);
  const { served } = await fixture.stub.control();
  const server = await startService(service, fixture);
  try {
    pinTree(fixture.postgres.pid, fixture.cores.rest);
    const { best, requests } = await quietest(server, fixture, options);
    assertAlive(server);
    const peak = peakMiB(server.pid);
    const upstream = (await fixture.stub.control()).served - served;
    await server.stop(); // Its backends end with it, and tell what they have read.
    const now = await rowsRead(fixture.postgres.url);
    const asks = {
      upstream: upstream / requests,
      users: (now.users - rows.users) / requests,
      analytics: (now.analytics - rows.analytics) / requests,
    };
    return { ...best, name: service.name, round, healthMs: server.healthMs, firstMs: server.firstMs, peakMiB: peak, asks };
  } finally {
    await server.stop();
  }
}
