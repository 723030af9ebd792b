import { afterAll, beforeAll, expect, test } from 'vitest';
import { runNotifyInstallation } from '../../src/clients/notify-install.ts';
import { parseKeyColumn } from '../../src/clients/notify-sql.ts';
import { json } from '../support/answers.ts';
import { request } from '../support/http-client.ts';
import { type Database, query } from '../support/postgres.ts';
import { eventually, type RedisServer, startRedis } from '../support/redis.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { watchLive } from './live.ts';
import { scrape } from './scraped.ts';
import { type Environment, type Service, startService } from './service.ts';

// Live answers of gateways as processes of their own, told by the database itself of what changes there.

let database: Database;
let upstream: Upstream;
let redis: RedisServer;

const start = (more: Environment = {}): Promise<Service> =>
  startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, CACHE: 'redis', REDIS_URL: redis.url, ADMISSION: 'on', ...more });

beforeAll(async () => {
  [database, upstream, redis] = await Promise.all([seedDatabase(), startUpstream(), startRedis()]);
  upstream.answer(json(['a', 'b']));
  await runNotifyInstallation({
    url: database.url, action: 'install', tables: ['users.id', 'analytics.user_id'].map(parseKeyColumn), onTable: (_, error) => { if (error) throw error; },
  });
});
afterAll(async () => { await Promise.all([upstream.stop(), redis[Symbol.asyncDispose](), database.drop()]); });

const rename = (id: number, name: string) => query(database.url, 'update users set data = jsonb_build_object($1::text, $2::text) where id = $3', ['name', name, id]);

/** Whether this process keeps answers, and so knows what invalidates them; and hears of changes. */
async function untilListening(...fleet: readonly Service[]): Promise<void> {
  await Promise.all(fleet.map((service) => eventually(async () => !String((await service.ask(20)).headers['cache-status']).includes('fwd'), () => 'expected it to keep answers')));
}

test('a row that is changed by SQL is told by two gateways, and loaded at most once by each', async () => {
  await using one = await start();
  await using other = await start();
  await untilListening(one, other);
  using here = await watchLive(one.url, 1);
  await here.untilCurrent();
  using there = await watchLive(other.url, 1);
  await there.untilCurrent();
  const asked = async () => (await Promise.all([one, other].map(async (service) => (await scrape(service)).sum('tributary_batch_size_count', { source: 'profile' })))).reduce((sum, count) => sum + count);
  const before = await asked();
  for (const name of ['Ada', 'Ada Lovelace', 'Countess of Lovelace']) {
    await rename(1, name);
    const told = await Promise.all([here.next(), there.next()]);
    expect(told).toMatchObject([{ event: 'part', part: 'user_data', data: { name } }, { event: 'part', part: 'user_data', data: { name } }]);
  }
  // Mostly once for both: who loses the lease waits for 50 ms at most, and then loads as well.
  expect(await asked() - before).toBeGreaterThanOrEqual(3);
  expect(await asked() - before).toBeLessThanOrEqual(6);
  await query(database.url, `insert into analytics values (1, 'share', 7)`);
  expect(await Promise.all([here.next(), there.next()])).toMatchObject([{ part: 'analytics', data: { share: 7 } }, { part: 'analytics', data: { share: 7 } }]);
});

// With Redis a change is heard twice: from the database, and then from there.
test.each([['memory', 2], ['redis', 5]] as const)('with CACHE=%s what is open is told by the metrics, is no request under way, and one change is one load', async (kept, id) => {
  await using service = await start({ CACHE: kept });
  await untilListening(service);
  using one = await watchLive(service.url, id);
  using other = await watchLive(service.url, id);
  await Promise.all([one.untilCurrent(), other.untilCurrent()]);
  const before = await scrape(service);
  expect(['tributary_live_streams', 'tributary_live_topics', 'tributary_in_flight_requests'].map((name) => before.sum(name))).toEqual([2, 1, 0]);
  const loads = before.sum('tributary_batch_size_count', { source: 'profile' });
  await rename(id, 'Grace');
  expect((await one.next())?.['data']).toEqual({ name: 'Grace' });
  expect((await other.next())?.['data']).toEqual({ name: 'Grace' });
  const after = await scrape(service);
  expect(after.sum('tributary_batch_size_count', { source: 'profile' }) - loads).toBe(1);
  expect(after.sum('tributary_live_asks_total', { because: 'change' })).toBe(1);
  expect(after.sum('http_server_request_duration_seconds_count', { http_route: '/api/aggregated/live', http_response_status_code: '200' })).toBe(2);
  for (const name of ['Ada', 'Edith', 'Jean']) {
    // Heard a second time, the change does not take along what was loaded since.
    expect(String((await service.ask(id)).headers['cache-status'])).toContain('tributary.user_data; hit');
    await rename(id, name);
    expect((await one.next())?.['data']).toEqual({ name });
  }
  one.leave();
  await eventually(async () => (await scrape(service)).sum('tributary_live_ends_total', { because: 'left' }) === 1, () => 'expected one to have left');
});

test('a process that ends tells each when to come back, and does not wait for them', async () => {
  await using service = await start({ CACHE: 'memory' });
  using viewer = await watchLive(service.url, 3);
  await viewer.untilCurrent();
  service.signal('SIGTERM');
  expect(await viewer.next()).toEqual({ event: 'end', id: expect.any(String) as string, retry_ms: expect.any(Number) as number });
  expect(await viewer.next()).toBeUndefined();
  expect(await service.ended()).toBe(0);
  expect(service.log.filter(({ level }) => Number(level) > 40)).toEqual([]);
});

test('workers without Redis tell each other', async () => {
  await using service = await start({ CACHE: 'memory', WORKERS: '2', CACHE_NOTIFY: 'off' });
  // Whichever of the two takes a connection: of so many, some are the other's.
  const viewers = await Promise.all(Array.from({ length: 12 }, () => watchLive(service.url, 4)));
  await Promise.all(viewers.map((viewer) => viewer.untilCurrent()));
  await rename(4, 'Told by a worker');
  expect((await request(`${service.adminUrl}/cache/invalidate?tag=users:4`, { method: 'POST' })).status).toBeLessThan(300);
  const told = await Promise.all(viewers.map((viewer) => viewer.next()));
  expect(told.map((event) => event?.['data'])).toEqual(told.map(() => ({ name: 'Told by a worker' })));
  for (const viewer of viewers) viewer.leave();
});
