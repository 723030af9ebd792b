import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { held, json } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { crowd } from './crowd.ts';
import { type LogLine, seedDatabase } from './gateway.ts';
import { scrape } from './scraped.ts';
import { type Environment, runService, type Service, startService } from './service.ts';

let database: Database;
let folder: string;

beforeAll(async () => {
  database = await seedDatabase();
  folder = await mkdtemp(join(tmpdir(), 'tributary-workers-'));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

const says = (msg: string) => (line: LogLine) => line['msg'] === msg;
const pidsOf = (lines: readonly LogLine[]) => lines.map(({ pid }) => Number(pid));

/** Two workers that listen, with a recommender of their own. */
async function serve(environment: Environment = {}, ...imports: readonly string[]) {
  const upstream: Upstream = await startUpstream();
  upstream.answer(json(['a', 'b']));
  const options = ['./otel/start.ts', ...imports].flatMap((file) => ['--import', file]);
  const service = await startService({ WORKERS: '2', DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, ...environment }, options);
  await service.logged('all workers listen');
  return {
    service, upstream,
    pids: pidsOf(await service.lines(says('listening'), 2)),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await upstream.stop();
    },
  };
}

/** Asks, each time on a connection of its own. Returns which processes answered. */
async function answerers(service: Service, count: number): Promise<Set<number>> {
  const before = service.log.filter(says('request')).length;
  for (let asked = 0; asked < count; asked++) expect((await service.ask(1)).status).toBe(200);
  return new Set(pidsOf((await service.lines(says('request'), before + count)).slice(before)));
}

// One after the other, since each starts three processes and more.
describe('several workers', () => {
  test('are scraped as one, whichever is asked, and what was counted stays when they are replaced', async () => {
    await using it = await serve();
    const { service, pids } = it;
    expect(await answerers(service, 8)).toEqual(new Set(pids));
    const count = async () => (await scrape(service)).sum('http_server_request_duration_seconds_count');
    // Each probe has a connection of its own, and so another worker.
    for (let asked = 0; asked < 4; asked++) expect(await count()).toBe(8);
    const both = (await scrape(service)).sum('process_resident_memory_bytes');
    service.signal('SIGHUP');
    await service.logged('all workers are new');
    for (let asked = 0; asked < 4; asked++) expect(await count()).toBe(8);
    // Of two processes, and not of the four that there were.
    expect((await scrape(service)).sum('process_resident_memory_bytes')).toBeLessThan(both * 1.8);
    expect((await answerers(service, 4)).size).toBe(2);
    for (let asked = 0; asked < 4; asked++) expect(await count()).toBe(12);
  });

  test('share one port, each of them answers, and all end with the first signal', async () => {
    await using it = await serve();
    const { service, pids } = it;
    const [one, other] = service.log.filter(says('listening'));
    expect([other!['port'], other!['admin_port']]).toEqual([one!['port'], one!['admin_port']]);
    expect(await answerers(service, 8)).toEqual(new Set(pids));
    expect(pids).not.toContain(service.pid);
    for (const path of ['/livez', '/readyz', '/startupz']) expect((await service.probe(path)).status).toBe(200);
    service.signal('SIGTERM');
    expect(await service.ended()).toBe(0);
    expect(new Set(pidsOf(service.log.filter(says('ended'))))).toEqual(new Set(pids));
    expect(service.stderr).toBe('');
  });

  test('finish what is under way when they are told to end, once the balancers know', async () => {
    await using it = await serve({ DRAIN_DELAY_MS: '500' });
    const { service, upstream } = it;
    const recommender = held(json(['a', 'b']));
    upstream.answer(recommender.answer);
    const inFlight = [service.ask(1), service.ask(2)];
    await upstream.received(2);
    service.signal('SIGTERM');
    expect(await service.lines(says('draining'), 2)).toMatchObject([{ delay_ms: 500 }, { delay_ms: 500 }]);
    recommender.release();
    for (const reply of await Promise.all(inFlight)) expect([reply.status, reply.headers['connection']]).toEqual([200, 'close']);
    expect(await service.ended()).toBe(0);
  });

  test('end at once with the second signal', async () => {
    await using it = await serve({ DRAIN_DELAY_MS: '120000' });
    it.service.signal('SIGINT');
    await it.service.logged('draining');
    it.service.signal('SIGTERM');
    expect(await it.service.ended()).toBe(130);
  });

  test('are replaced when they die, and the others answer meanwhile', async () => {
    await using it = await serve();
    const { service, pids: [victim, survivor] } = it;
    process.kill(victim!, 'SIGKILL');
    expect(await service.logged('a worker ended: another one takes its place')).toMatchObject({ worker: victim, signal: 'SIGKILL' });
    expect(await answerers(service, 4)).toContain(survivor);
    const fresh = pidsOf(await service.lines(says('listening'), 3))[2]!;
    expect(await answerers(service, 8)).toEqual(new Set([survivor, fresh]));
  });

  test('end in order when whoever supervises them is killed', async () => {
    await using it = await serve({ DRAIN_DELAY_MS: '120000' });
    const { service, upstream, pids } = it;
    const recommender = held(json(['a', 'b']));
    upstream.answer(recommender.answer);
    const inFlight = service.ask(1);
    await upstream.received();
    service.signal('SIGKILL');
    await service.lines(says('ended'), 1);
    recommender.release();
    expect((await inFlight).status).toBe(200);
    expect(await service.ended()).toBe(-1);
    expect(new Set(pidsOf(service.log.filter(says('ended'))))).toEqual(new Set(pids));
  });
});

test('what one worker tells is heard by all others, and by no other process', async () => {
  const talker = join(folder, 'talker.ts');
  const bus = JSON.stringify(new URL('../../src/process/cluster-bus.ts', import.meta.url).href);
  await writeFile(talker, `
    import { workerBus } from ${bus};
    const bus = workerBus();
    bus?.listen((tags) => console.log(JSON.stringify({ msg: 'heard', pid: process.pid, tags })));
    process.on('SIGUSR2', () => {
      process.send?.('nonsense');
      process.send?.({ about: 'weather' });
      bus?.tell(['users:1', 'by:' + process.pid]);
    });
  `);
  await using it = await serve({ WORKERS: '3' }, talker);
  const { service } = it;
  const [one, two, three] = pidsOf(await service.lines(says('listening'), 3));
  process.kill(two!, 'SIGUSR2');
  const heard = await service.lines(says('heard'), 2);
  expect(heard.map(({ tags }) => tags)).toEqual([['users:1', `by:${two}`], ['users:1', `by:${two}`]]);
  expect(new Set(pidsOf(heard))).toEqual(new Set([one, three]));
  process.kill(three!, 'SIGUSR2');
  expect(new Set(pidsOf((await service.lines(says('heard'), 4)).slice(2)))).toEqual(new Set([one, two]));
});

describe('SIGHUP', () => {
  test('replaces all workers under load, and no request is lost', async () => {
    await using it = await serve({ DRAIN_DELAY_MS: '120000' });
    const { service, pids } = it;
    const clients = crowd((id, options) => service.ask(id, options), 8);
    await until(() => clients.replies() > 40, () => `expected 40 replies, but got ${clients.replies()}`, 10_000);
    service.signal('SIGHUP');
    await service.logged('all workers are new');
    await clients.stop();
    expect(clients.statuses).toEqual(new Set([200]));
    expect(pidsOf(service.log.filter(says('ended')))).toEqual(pids);
    const fresh = new Set(pidsOf((await service.lines(says('listening'), 4)).slice(2)));
    expect(fresh.size).toBe(2);
    const before = clients.replies();
    await service.lines(says('request'), before);
    expect(await answerers(service, 8)).toEqual(fresh);
    expect(service.log.filter(says('request'))).toHaveLength(before + 8);
    expect((await service.probe('/readyz')).status).toBe(200);
    expect(service.stderr).toBe('');
  });

  test('is remembered while the workers are being replaced', async () => {
    await using it = await serve();
    const { service } = it;
    service.signal('SIGHUP');
    await service.logged('restarting the workers');
    service.signal('SIGHUP');
    await service.logged('a restart of the workers is remembered: they are being started');
    await service.lines(says('all workers are new'), 2);
    expect(new Set(pidsOf(await service.lines(says('listening'), 6))).size).toBe(6);
  });

  test('leaves the old workers where the new one does not start', async () => {
    const broken = join(folder, 'broken.mjs');
    await writeFile(broken, '');
    await using it = await serve({}, broken);
    const { service, pids } = it;
    await writeFile(broken, 'process.exit(3)');
    service.signal('SIGHUP');
    expect(await service.logged('a new worker did not start: the old one stays')).toMatchObject({ level: 50, err: { code: 3 } });
    expect(await answerers(service, 8)).toEqual(new Set(pids));
    await writeFile(broken, '');
    service.signal('SIGHUP');
    await service.logged('all workers are new');
    expect(await answerers(service, 8)).toEqual(new Set(pidsOf((await service.lines(says('listening'), 4)).slice(2))));
  });
});

describe.concurrent('the service does not start', () => {
  test.for([['WORKERS', 'abc'], ['WORKERS', '129'], ['PORT', 'eighty']] as const)('with %s=%s', async ([name, value]) => {
    const { code, stdout, stderr } = await runService({ WORKERS: '3', DATABASE_URL: database.url, RECOMMENDATIONS_URL: 'http://127.0.0.1:9', [name]: value });
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toMatch(new RegExp(`^The configuration is not valid:\n${name}: expected a whole number from 0 to \\d+, but got "${value}"\n$`));
  });

  test('with workers that cannot listen', async () => {
    const { code, stdout } = await runService({ WORKERS: '3', DATABASE_URL: database.url, RECOMMENDATIONS_URL: 'http://127.0.0.1:9', HOST: '203.0.113.1' });
    expect(code).toBe(1);
    expect(stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown)).toMatchObject([{ msg: 'could not listen' }]);
  });

  test('to print its configuration, which says how many workers there would be', async () => {
    const { code, stdout } = await runService({ WORKERS: '0', DATABASE_URL: database.url, RECOMMENDATIONS_URL: 'http://127.0.0.1:9' }, '--print-config');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ workers: 0 });
  });
});
