/**
 * When clients leave, does their work end? A thousand clients ask Tributary while nothing behind it answers, and hang up
 * (RST). Exits with 1 unless every query and every upstream request was stopped well before the deadline would have done it,
 * and the service answers again once it can.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { alone } from './alone.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { chooseCores, waitingToBeAccepted } from './machine.ts';
import { prepare } from './prepare.ts';
import { get } from './processes.ts';
import { run } from './script.ts';
import { path, type Running, serviceNamed, startService } from './services.ts';
import { lockTable } from './stores.ts';

/** How many connect at once: fewer than the backlog (511 in Node), so that none has to knock again a second later. */
const waveSize = 200;

/** How long stopping may take. */
const boundMs = 800;

/** When everything has to be stopped at the latest, from the first client on: short of its deadline, 2 s, which stops it too. */
const beforeDeadlineMs = 1_900;

interface Work {
  /** Queries of the service that Postgres is busy with. */
  readonly queries: number;
  /** Requests that the stub holds open. */
  readonly upstream: number;
}

interface Crowd {
  readonly sockets: readonly Socket[];
  /** How many got an answer instead: those were turned away. */
  readonly answered: () => number;
}

async function crowd(port: number, count: number): Promise<Crowd> {
  const sockets: Socket[] = [];
  const answered = new Set<Socket>();
  while (sockets.length < count) {
    const wave = Array.from({ length: Math.min(waveSize, count - sockets.length) }, async (_, at) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('data', () => answered.add(socket));
      socket.on('error', () => undefined); // Whoever was refused shows in the numbers.
      await once(socket, 'connect');
      socket.write(`GET ${path}${1 + sockets.length + at} HTTP/1.1\r\nHost: bench\r\n\r\n`);
      return socket;
    });
    sockets.push(...(await Promise.all(wave)));
    // The kernel says "connected" before the service has taken the connection over, and it is the service that counts.
    for (let tries = 0; waitingToBeAccepted(port) > 0 && tries < 400; tries++) await sleep(5);
  }
  return { sockets, answered: () => answered.size };
}

/** Looks at the work until it is as wanted, or the time is up. Returns the last look, the most seen and the milliseconds. */
async function watch(look: () => Promise<Work>, wanted: (work: Work) => boolean, limitMs: number) {
  const from = performance.now();
  let most: Work = { queries: 0, upstream: 0 };
  for (;;) {
    const work = await look();
    const ms = performance.now() - from;
    most = { queries: Math.max(most.queries, work.queries), upstream: Math.max(most.upstream, work.upstream) };
    if (wanted(work) || ms > limitMs) return { work, most, ms };
    await sleep(5);
  }
}

function looker(watcher: Client, { stub }: Fixture): () => Promise<Work> {
  const text = `select count(*)::int as queries from pg_stat_activity
    where datname = current_database() and state = 'active' and application_name <> 'bench'`;
  return async () => {
    const [{ rows: [row] }, { open }] = await Promise.all([watcher.query<{ queries: number }>(text), stub.control()]);
    return { queries: row?.queries ?? 0, upstream: open };
  };
}

interface Outcome {
  readonly lines: readonly string[];
  readonly failures: readonly string[];
}

async function scenario(running: Running, fixture: Fixture, count: number, watcher: Client): Promise<Outcome> {
  const look = looker(watcher, fixture);
  const unlock = await lockTable(fixture.postgres.url, 'users');
  await fixture.stub.control('mode=hang');
  const from = performance.now();
  const { sockets, answered } = await crowd(running.port, count);
  const accepted = performance.now() - from;
  // Let it take up what it was asked, but not for so long that its deadline ends it.
  const busy = await watch(look, ({ queries, upstream }) => queries > 0 && upstream >= Math.min(100, count), 400);
  const early = answered();
  for (const socket of sockets) socket.resetAndDestroy();
  const left = performance.now() - from;
  const bound = Math.min(boundMs, beforeDeadlineMs - left);
  const stopped = await watch(look, ({ queries, upstream }) => queries === 0 && upstream === 0, bound);
  await unlock();
  await fixture.stub.control('mode=ok');
  const again = await get(running.port, `${path}4242`);
  const { work, most } = stopped;
  return {
    lines: [
      `${count} clients were accepted within ${accepted.toFixed(0)} ms; ${early} of them got an answer before they left.`,
      `At the height ${Math.max(busy.most.queries, most.queries)} queries waited in Postgres and ${Math.max(busy.most.upstream, most.upstream)} requests upstream.`,
      `They left ${left.toFixed(0)} ms after the first had come; ${stopped.ms.toFixed(0)} ms later ${work.queries} queries and ${work.upstream} requests were left.`,
      `Afterwards: ${again.status} after ${again.ms.toFixed(0)} ms.`,
    ],
    failures: [
      ...(bound < 100 ? ['the crowd came so slowly that its deadlines may have stopped the work: try fewer --clients'] : []),
      ...(most.queries + busy.most.queries === 0 ? ['no query was under way, so nothing was tried'] : []),
      ...(most.upstream + busy.most.upstream === 0 ? ['no request was under way upstream, so nothing was tried'] : []),
      ...(work.queries > 0 ? [`expected no query after ${bound.toFixed(0)} ms, but ${work.queries} went on`] : []),
      ...(work.upstream > 0 ? [`expected no request upstream after ${bound.toFixed(0)} ms, but ${work.upstream} went on`] : []),
      ...(again.status === 200 ? [] : [`expected 200 once everything works again, but got ${again.status}`]),
    ],
  };
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { clients: { type: 'string', default: '1000' }, peer: { type: 'string', default: 'tributary' } } });
  const service = serviceNamed(values.peer);
  const leave = alone();
  const [ready] = await prepare([service], []);
  if (ready === undefined) return false;
  const fixture = await startFixture(chooseCores(false));
  const watcher = new Client({ connectionString: fixture.postgres.url, application_name: 'bench', query_timeout: 5_000 });
  let running: Running | undefined;
  try {
    await watcher.connect();
    running = await startService(service, fixture);
    const { lines, failures } = await scenario(running, fixture, Number(values.clients), watcher);
    console.log([`${service.title}:`, ...lines, ...failures.map((failure) => `FAILED: ${failure}`)].join('\n'));
    return failures.length === 0;
  } finally {
    await running?.stop();
    await watcher.end();
    await fixture.stop();
    await leave();
  }
}

await run(main);
