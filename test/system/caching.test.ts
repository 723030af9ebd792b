import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { json, status } from '../support/answers.ts';
import { keepAlive } from '../support/http-client.ts';
import { type Database, lockTable, query } from '../support/postgres.ts';
import { raw } from '../support/raw-http.ts';
import { type Gateway, type GatewayOptions, seedDatabase, startGateway } from './gateway.ts';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(() => database.drop());

// Only this process's clock, which answers grow old by: what waits for sockets goes on waiting for real.
beforeEach(() => { vi.useFakeTimers({ toFake: ['performance'] }); });
afterEach(() => { vi.useRealTimers(); });
const later = (seconds: number): void => { vi.advanceTimersByTime(seconds * 1_000); };

/** A gateway that keeps answers, and has learned the types of its keys. */
async function startCaching(options: Partial<GatewayOptions> = {}): Promise<Gateway & { readonly cache: Cache }> {
  const cache = new Cache({ bytesMax: 1024 * 1024 });
  const gateway = await startGateway({ database, cache, ...options });
  await gateway.ask(20);
  return Object.assign(gateway, { cache });
}

/** What became of each part, by the reply's own account. */
const told = ({ headers }: { headers: Record<string, unknown> }) => String(headers['cache-status']).replaceAll('tributary.', '').replaceAll(/ttl=-?\d+/g, (ttl) => (ttl.includes('-') ? 'old' : 'ttl'));
/** Without what differs from one reply to the next. */
const blurred = (value: unknown) => String(value).replaceAll(/00-[0-9a-f]{32}-[0-9a-f]{16}-00/g, 'ids').replaceAll(/dur=[\d.]+/g, 'dur').replaceAll(/(?<=ttl=|max-age=|^)\d+/g, 'n');
const bytes = (user: number, more = '') => `GET /api/aggregated?user_id=${user} HTTP/1.1\r\nHost: test\r\n${more}\r\n`;
const allKept = 'user_data; hit; ttl, recommendations; hit; ttl, analytics; hit; ttl';
const allLoaded = 'user_data; fwd=miss; stored, recommendations; fwd=miss; stored, analytics; fwd=miss; stored';

test('what was asked a moment ago is answered without asking anybody, and the reply says so', async () => {
  await using gateway = await startCaching();
  const first = await gateway.ask(1);
  expect(told(first)).toBe(allLoaded);
  expect(first.headers['age']).toBeUndefined();
  const asked = gateway.upstream.requests.length;
  // No statement gets through any more, and none is needed.
  await using _users = await lockTable(database.url, 'users');
  await using _counts = await lockTable(database.url, 'analytics');
  later(10);
  // By the routes, then by the lane of ready answers, and again.
  for (let turn = 0; turn < 3; turn++) {
    const reply = await gateway.ask(1);
    const { headers } = reply;
    expect([reply.status, reply.text]).toEqual([200, first.text]);
    expect(told(reply)).toBe(allKept);
    expect(headers['age']).toMatch(/^1[01]$/);
    expect(headers['cache-control']).toMatch(/^private, max-age=(2[6-9]|30)$/);
    expect(headers['etag']).toBe(first.headers['etag']);
    expect(headers['server-timing']).toMatch(/^user_data;dur=[\d.]+;desc=cache, recommendations;dur=[\d.]+;desc=cache, analytics;dur=[\d.]+;desc=cache, traceparent/);
  }
  expect(gateway.upstream.requests).toHaveLength(asked);
});

test('a client that does as Age and Cache-Control say never uses a part for longer than it is fresh', async () => {
  await using gateway = await startCaching();
  await gateway.ask(1);
  for (let second = 0; second < 29; second += 4) {
    const { headers } = await gateway.ask(1);
    const left = Number(/max-age=(\d+)/.exec(String(headers['cache-control']))![1]) - Number(headers['age'] ?? 0);
    expect(left).toBeLessThanOrEqual(30 - second);
    later(4);
  }
});

test('the lane of ready answers sends what the routes send: the same headers, and values that differ in times and ids only', async () => {
  await using gateway = await startCaching();
  await gateway.ask(2);
  const routed = await gateway.ask(2);
  const ready = await gateway.ask(2);
  const comparable = ({ headers }: typeof ready) => {
    const { date: _, ...others } = headers;
    return Object.fromEntries(Object.entries(others).map(([name, value]) => [name, name === 'etag' ? value : blurred(value)]));
  };
  expect(comparable(ready)).toEqual(comparable(routed));
  expect([ready.text, ready.status]).toEqual([routed.text, routed.status]);
  expect(ready.headers['traceresponse']).not.toBe(routed.headers['traceresponse']);
  expect(await gateway.accessLines(4)).toMatchObject(Array.from({ length: 4 }, () => ({ route: '/api/aggregated', status: 200, method: 'GET' })));
});

test('an answer past its time is served once more while a new one is loaded behind it', async () => {
  await using gateway = await startCaching();
  await gateway.ask(3);
  await query(database.url, `update users set data = '{"name":"New"}' where id = 3`);
  later(31);
  const stale = await gateway.ask(3);
  expect(told(stale)).toBe('user_data; hit; old, recommendations; hit; ttl, analytics; hit; old');
  expect([stale.headers['cache-control'], stale.headers['age']]).toEqual(['private, max-age=0', '31']);
  expect(stale.json).toMatchObject({ user_data: { name: 'User 3' } });
  await vi.waitUntil(async () => (await gateway.ask(3)).text.includes('New'), { timeout: 15_000 });
  expect(told(await gateway.ask(3))).toBe(allKept);
});

test('nobody waits for a new answer while there is an old one: not even for a source that hangs', async () => {
  // Longer than the test waits for a reply.
  await using gateway = await startCaching({ deadline: '30s' });
  const { text } = await gateway.ask(15);
  await using _users = await lockTable(database.url, 'users');
  await using _counts = await lockTable(database.url, 'analytics');
  later(31);
  for (let turn = 0; turn < 5; turn++) {
    const reply = await gateway.ask(15);
    expect([reply.status, reply.text, told(reply)]).toEqual([200, text, 'user_data; hit; old, recommendations; hit; ttl, analytics; hit; old']);
  }
});

test('where loading fails, an old answer is better than none, and complete; beyond its hard limit it is not', async () => {
  await using gateway = await startCaching({ deadline: '300ms' });
  const first = await gateway.ask(4);
  gateway.upstream.answer(status(500));
  await using _ = await lockTable(database.url, 'users');
  later(31 + 5 * 60 + 6 * 60);
  const mended = await gateway.ask(4);
  expect([mended.status, mended.text]).toEqual([200, first.text]);
  expect(told(mended)).toBe('user_data; hit; old, recommendations; hit; old, analytics; fwd=stale; stored');
  expect(mended.headers['etag']).toBe(first.headers['etag']);
  later(61 * 60);
  expect((await gateway.ask(4)).status).toBe(504);
});

test('a source that rests is not asked, and what was last good is served in its place: complete, and the reply says how old it is', async () => {
  await using gateway = await startCaching();
  const first = await gateway.ask(1);
  later(12 * 60);
  gateway.upstream.answer(status(500));
  // Whoever may be refused is.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  for (let id = 2; id <= 11; id++) await gateway.ask(id);
  expect((await gateway.ask(12)).json).toMatchObject({ recommendations: [], errors: [{ part: 'recommendations', code: 'source_resting' }] });
  const asked = gateway.upstream.requests.length;
  const reply = await gateway.ask(1);
  expect([reply.status, reply.text]).toEqual([200, first.text]);
  expect(gateway.upstream.requests).toHaveLength(asked);
  expect(told(reply)).toContain('recommendations; hit; old');
  expect(reply.headers['cache-control']).toBe('private, max-age=0');
  expect(reply.headers['age']).toMatch(/^72\d$/);
  expect(reply.headers['server-timing']).toMatch(/recommendations;dur=[\d.]+;desc=stale/);
});

test('what is invalidated is asked for anew at once; the other parts stay', async () => {
  await using gateway = await startCaching();
  await gateway.ask(5);
  await gateway.ask(5);
  await query(database.url, `update users set data = '{"name":"Renamed"}' where id = 5`);
  await gateway.cache.invalidate(['users:5']);
  // What is loaded in the very moment of an invalidation is not kept.
  later(0.001);
  const reply = await gateway.ask(5);
  expect(reply.json).toMatchObject({ user_data: { name: 'Renamed' } });
  expect(told(reply)).toBe('user_data; fwd=miss; stored, recommendations; hit; ttl, analytics; hit; ttl');
});

test('a key that is written otherwise is invalidated with its row', async () => {
  await using gateway = await startCaching();
  await gateway.ask('006');
  await gateway.ask('006');
  await query(database.url, `update users set data = '{"name":"Renamed"}' where id = 6`);
  await gateway.cache.invalidate(['users:6']);
  expect((await gateway.ask('006')).json).toMatchObject({ user_data: { name: 'Renamed' } });
});

test('an answer that lacks something is nobody’s to keep, and neither is the part that it lacks', async () => {
  await using gateway = await startCaching();
  gateway.upstream.answer(status(500));
  for (let turn = 0; turn < 3; turn++) {
    const reply = await gateway.ask(7);
    const { headers } = reply;
    expect(reply.json).toMatchObject({ recommendations: [], errors: [{ part: 'recommendations', code: 'source_failed' }] });
    expect([headers['cache-control'], headers['etag'], headers['age']]).toEqual(['no-store', undefined, undefined]);
  }
  gateway.upstream.answer(json(['back']));
  expect((await gateway.ask(7)).json).toMatchObject({ recommendations: ['back'] });
});

test('that there is no such user is remembered for a second, and forgotten with the tag', async () => {
  await using gateway = await startCaching();
  expect((await gateway.ask(777)).status).toBe(404);
  await query(database.url, `insert into users values (777, '{"name":"Late"}')`);
  expect((await gateway.ask(777)).status).toBe(404);
  later(1);
  expect((await gateway.ask(777)).status).toBe(200);
  expect((await gateway.ask(778)).status).toBe(404);
  await query(database.url, `insert into users values (778, '{"name":"Later"}')`);
  await gateway.cache.invalidate(['users:778']);
  expect((await gateway.ask(778)).status).toBe(200);
});

test('a client that has the answer is told so, by the routes and by the lane of ready answers', async () => {
  await using gateway = await startCaching();
  const { headers: { etag } } = await gateway.ask(8);
  for (let turn = 0; turn < 3; turn++) {
    for (const known of [String(etag), `"other", W/${String(etag)}`, '*']) {
      const reply = await gateway.ask(8, { headers: { 'if-none-match': known } });
      expect([reply.status, reply.text, reply.headers['etag'], reply.headers['content-type']]).toEqual([304, '', etag, undefined]);
    }
    expect((await gateway.ask(8, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  }
  await query(database.url, `update users set data = '{"name":"Else"}' where id = 8`);
  await gateway.cache.invalidate(['users:*']);
  expect((await gateway.ask(8, { headers: { 'if-none-match': String(etag) } })).status).toBe(200);
});

test('whatever else a request says, the answer for a user is the same', async () => {
  await using gateway = await startCaching();
  const { text } = await gateway.ask(9);
  const headers = [
    { authorization: 'Bearer of somebody else' }, { 'x-user-id': '10' }, { 'accept-language': 'de' }, { cookie: 'user=10' }, { 'x-forwarded-host': 'evil' },
    { 'cache-control': 'no-cache' }, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }, { accept: 'text/html' }, { range: 'bytes=0-5' },
  ];
  for (const each of headers) expect((await gateway.ask(9, { headers: each })).text).toBe(text);
  for (const more of ['&user=10', '&x=1', '#10']) expect((await gateway.ask(`9${more}`)).text).toBe(text);
  expect((await gateway.ask(10)).text).not.toBe(text);
  expect((await gateway.ask(9)).text).toBe(text);
});

test('`no-cache` loads anew for those who may ask for it, and for nobody else', async () => {
  await using gateway = await startCaching({ mayReload: true });
  await gateway.ask(11);
  await gateway.ask(11);
  await query(database.url, `update users set data = '{"name":"Fresh"}' where id = 11`);
  const reload = await gateway.ask(11, { headers: { 'cache-control': 'max-age=0, no-cache' } });
  expect(told(reload)).toBe('user_data; fwd=request; stored, recommendations; fwd=request; stored, analytics; fwd=request; stored');
  expect(reload.json).toMatchObject({ user_data: { name: 'Fresh' } });
  // For the others too: what was built from the old one is gone.
  expect((await gateway.ask(11)).text).toBe(reload.text);
  await using other = await startCaching();
  await other.ask(11);
  expect(told(await other.ask(11, { headers: { 'cache-control': 'no-cache' } }))).toBe(allKept);
});

test('requests that come one upon the other on one connection get their ready answers in order', async () => {
  await using gateway = await startCaching();
  const texts = [];
  for (const user of [12, 13, 12, 13]) texts.push((await gateway.ask(user)).text);
  const all = (await raw(gateway.url, bytes(12) + bytes(13) + bytes(12) + bytes(13, 'Connection: close\r\n'))).toString();
  expect(all.split('\r\n\r\n').slice(1).map((body) => body.split('HTTP/1.1')[0])).toEqual([texts[0], texts[1], texts[0], texts[1]]);
});

test('once it drains, ready answers end their connections too', async () => {
  await using gateway = await startCaching();
  using connection = keepAlive();
  await gateway.ask(14);
  await gateway.ask(14);
  expect((await gateway.ask(14, { connection })).headers['connection']).toBe('keep-alive');
  gateway.edge.drain();
  expect((await gateway.ask(14, { connection })).headers['connection']).toBe('close');
});
