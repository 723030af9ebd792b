import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { json, status } from '../support/answers.ts';
import { type Database, query } from '../support/postgres.ts';
import { bounded } from '../support/until.ts';
import { countStatements, type Gateway, type GatewayOptions, seedDatabase, startGateway } from './gateway.ts';
import { type LiveEvent, watchLive } from './live.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

// Only this process's clock, by which parts grow old: what waits for sockets, or looks once a second, does so for real.
beforeEach(() => { vi.useFakeTimers({ toFake: ['performance'] }); });
afterEach(() => { vi.useRealTimers(); });
const later = (seconds: number): void => { vi.advanceTimersByTime(seconds * 1_000); };

async function start(options: Partial<GatewayOptions> = {}): Promise<Gateway & { readonly cache: Cache }> {
  const cache = new Cache({ bytesMax: 50_000_000 });
  const gateway = await startGateway({ database, cache, ...options });
  // Learns the types of the key columns: nothing is kept before they are known.
  await gateway.ask(20);
  return Object.assign(gateway, { cache });
}

const rename = (id: number, name: string, own = database) => query(own.url, 'update users set data = jsonb_build_object($1::text, $2::text) where id = $3', ['name', name, id]);
/** What is loaded in the very moment of an invalidation is not kept, and this clock stands still. */
async function invalidate(gateway: { readonly cache: Cache }, ...tags: string[]): Promise<void> {
  // And a part is asked ten times a second at most.
  later(0.11);
  await gateway.cache.invalidate(tags);
  later(0.001);
}
const long = (at: number) => `${at}`.padStart(1_000_000, 'x');
const partsOf = (events: readonly LiveEvent[]) => events.map(({ part }) => part);
const byPart = (events: readonly LiveEvent[]) => Object.fromEntries(events.map(({ part, data }) => [part, data]));

test('it begins as a stream does, stays open, and says what changes', async () => {
  await using gateway = await start();
  using viewer = await watchLive(gateway.url, 1);
  expect(viewer.head.statusCode).toBe(200);
  expect(viewer.head.headers).toMatchObject({
    'content-type': 'text/event-stream', 'cache-control': 'no-store', vary: 'accept', 'x-accel-buffering': 'no', 'x-content-type-options': 'nosniff',
    traceresponse: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/) as string,
  });
  const parts = await viewer.untilCurrent();
  expect(byPart(parts)).toEqual({ user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 12, purchase: 3 } });
  expect(new Set(parts.map(({ state }) => state))).toEqual(new Set(['live']));
  await rename(1, 'Renamed');
  await invalidate(gateway, 'users:1');
  expect(await viewer.next()).toEqual({ event: 'part', id: expect.stringMatching(/^[\w-]{8}\.[\w-]{8}\.[\w-]{8}$/) as string, part: 'user_data', state: 'live', data: { name: 'Renamed' } });
});

test('the event behind the first parts says how all of them came about', async () => {
  await using gateway = await start();
  gateway.upstream.answer(status(500));
  await gateway.ask(2);
  later(3);
  using viewer = await watchLive(gateway.url, 2);
  const events = [await viewer.next(), await viewer.next(), await viewer.next(), await viewer.next()];
  const error = { part: 'recommendations', code: 'source_failed', detail: 'the recommendations service answered with an error' };
  expect(events[3]).toMatchObject({
    event: 'current', complete: false, errors: [error],
    parts: [{ part: 'user_data', state: 'cache', age_ms: 3_000 }, { part: 'recommendations', state: 'missing' }, { part: 'analytics', state: 'cache' }],
  });
  expect(events).toContainEqual({ event: 'part', id: expect.any(String) as string, part: 'recommendations', state: 'missing', error, data: [] });
});

test('however many watch, one change is one statement, and each is told once', async () => {
  await using own = await seedDatabase();
  await using gateway = await start({ database: own });
  const statements = await countStatements(own);
  const viewers = await Promise.all(Array.from({ length: 200 }, () => watchLive(gateway.url, 1)));
  await Promise.all(viewers.map((viewer) => viewer.untilCurrent()));
  const before = await statements() + 1;
  await query(own.url, `update people set data = '{"name":"Ada"}' where id = 1`);
  await invalidate(gateway, 'users:1');
  const told = await Promise.all(viewers.map((viewer) => viewer.next()));
  expect(new Set(told.map((event) => JSON.stringify(event?.['data'])))).toEqual(new Set(['{"name":"Ada"}']));
  expect(await statements() - before).toBe(1);
  for (const viewer of viewers) viewer.leave();
});

test('with the id of the last event another instance tells what differs, and nothing else', async () => {
  await using one = await start();
  await using other = await start();
  using viewer = await watchLive(one.url, 3);
  const id = (await viewer.untilCurrent()).at(-1)!.id!;
  viewer.leave();
  using same = await watchLive(other.url, 3, { headers: { 'last-event-id': id } });
  expect(await same.untilCurrent()).toEqual([]);
  await rename(3, 'Changed meanwhile');
  await invalidate(other, 'users:3');
  using back = await watchLive(other.url, 3, { headers: { 'last-event-id': id } });
  expect(byPart(await back.untilCurrent())).toEqual({ user_data: { name: 'Changed meanwhile' } });
  using stranger = await watchLive(other.url, 3, { headers: { 'last-event-id': '../../etc/passwd' } });
  expect(partsOf(await stranger.untilCurrent())).toHaveLength(3);
});

test('what nobody told is found when the time of a part is over', async () => {
  await using gateway = await start();
  using viewer = await watchLive(gateway.url, 4);
  await viewer.untilCurrent();
  await rename(4, 'Changed by nobody who tells');
  later(33);
  // What is stale is looked at once a second until its successor is there.
  const clock = setInterval(() => { later(1); }, 50);
  try {
    expect(await viewer.next()).toMatchObject({ part: 'user_data', data: { name: 'Changed by nobody who tells' } });
  } finally {
    clearInterval(clock);
  }
});

test('a row that is deleted ends the stream with the problem that it would be', async () => {
  await using gateway = await start();
  using viewer = await watchLive(gateway.url, 5);
  await viewer.untilCurrent();
  await query(database.url, 'delete from users where id = 5');
  await invalidate(gateway, 'users:5');
  expect(await viewer.next()).toMatchObject({ event: 'problem', status: 404, code: 'not_found', part: 'user_data' });
  expect(await viewer.next()).toBeUndefined();
  expect((await gateway.accessLines(2))[1]).toMatchObject({ status: 200, code: 'not_found', route: '/api/aggregated/live' });
});

test('where nothing happens a comment comes before anybody takes the connection for dead', async () => {
  await using gateway = await start();
  using viewer = await watchLive(gateway.url, 6);
  const bytes = viewer.head[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let text = '';
  const read = async (wanted: RegExp) => {
    while (!wanted.test(text)) text += String((await bounded(bytes.next(), () => `expected ${wanted}, but got ${text}`)).value);
  };
  await read(/event: current\nid: .*\ndata: .*\n\n$/);
  expect(text).toMatch(/^retry: [1-5]\d{3}\n\n/);
  later(16);
  await read(/\n\n:\n\n$/);
});

test('a reader who takes nothing holds no more than what there is now, and gets that when it reads again', async () => {
  await using gateway = await start();
  using viewer = await watchLive(gateway.url, 7);
  using witness = await watchLive(gateway.url, 7);
  await Promise.all([viewer.untilCurrent(), witness.untilCurrent()]);
  viewer.head.pause();
  const changes = 30;
  for (let at = 1; at <= changes; at++) {
    await rename(7, long(at));
    await invalidate(gateway, 'users:7');
    await witness.next();
  }
  viewer.head.resume();
  let events = 0;
  let last = '';
  while (!last.endsWith(`x${changes}`)) {
    last = ((await viewer.next())!['data'] as { name: string }).name;
    events++;
  }
  // The kernel has taken some megabytes of the 30 that were told to whoever reads.
  expect(events).toBeLessThan(20);
});

test('a reader who takes nothing for too long is not there any more', async () => {
  await using gateway = await start();
  using viewer = await watchLive(gateway.url, 8);
  await viewer.untilCurrent();
  viewer.head.pause();
  using witness = await watchLive(gateway.url, 8);
  await witness.untilCurrent();
  for (let at = 1; at <= 15; at++) {
    await rename(8, long(at));
    await invalidate(gateway, 'users:8');
    await witness.next();
  }
  witness.leave();
  await gateway.underWay(1);
  later(21);
  await gateway.underWay(0);
  expect(gateway.edge.streams!.size).toBe(0);
});

test('a part that no cache keeps is looked at again as well', async () => {
  await using gateway = await startGateway({ database });
  using viewer = await watchLive(gateway.url, 9);
  await viewer.untilCurrent();
  gateway.upstream.answer(json(['new']));
  later(2);
  expect(await viewer.next()).toMatchObject({ part: 'recommendations', data: ['new'] });
});
