import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { RateWindows } from '../../src/clients/rate-windows.ts';
import type { Authentication } from '../../src/http/edge.ts';
import { Limits } from '../../src/http/limits.ts';
import { hang } from '../support/answers.ts';
import { caller, decided } from '../support/callers.ts';
import { keepAlive, open, type Reply, request, type RequestOptions } from '../support/http-client.ts';
import { type Database, lockTable, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { type Gateway, type GatewayOptions, seedDatabase, startGateway } from './gateway.ts';
import { watchLive } from './live.ts';

// What a live answer has of the edge: who may, how many may, and that nothing is left of those who go.

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const start = (options: Partial<GatewayOptions> = {}): Promise<Gateway> => startGateway({ database, cache: new Cache({ bytesMax: 1_000_000 }), ...options });
const ask = (gateway: Gateway, user: string | number, options: RequestOptions = {}) => request(`${gateway.url}/api/aggregated/live?user_id=${user}`, options);
const connectionsOf = ({ edge }: Gateway): number => edge.streams!.size;

function expectRefused({ status, headers, json: body }: Reply, wanted: number, code: string): void {
  expect([status, headers['content-type'], body]).toMatchObject([wanted, 'application/problem+json', { status: wanted, code }]);
}

test('what is wrong before it begins has its own status', async () => {
  await using gateway = await start();
  expectRefused(await ask(gateway, 777), 404, 'not_found');
  expectRefused(await ask(gateway, '!'), 400, 'invalid_input');
  const post = await ask(gateway, 1, { method: 'POST' });
  expectRefused(post, 405, 'method_not_allowed');
  expect(post.headers['allow']).toBe('GET, HEAD');
  await using _ = await lockTable(database.url, 'users');
  expectRefused(await ask(gateway, 2), 504, 'deadline_exceeded');
  await waitUntilIdle(database.url);
  expect(await gateway.accessLines(4)).toMatchObject([404, 400, 405, 504].map((status) => ({ status })));
});

test('who may ask may watch, and nobody else', async () => {
  await using gateway = await start({ authentication: decided((authorization) => caller(authorization.slice('Bearer '.length))) });
  expectRefused(await ask(gateway, 1), 401, 'unauthenticated');
  expectRefused(await ask(gateway, 1, { headers: { authorization: 'Bearer 2' } }), 403, 'forbidden');
  using viewer = await watchLive(gateway.url, 1, { headers: { authorization: 'Bearer 1' } });
  expect(viewer.head.headers['vary']).toBe('authorization, accept');
  await viewer.untilCurrent();
});

test('when the token ends, so does the stream, and says so', async () => {
  const valid = new Set(['1', '2']);
  const authentication: Authentication = { ...decided((authorization) => caller(authorization.slice('Bearer '.length))), holds: ({ subject }) => valid.has(subject) };
  await using gateway = await start({ authentication });
  using one = await watchLive(gateway.url, 1, { headers: { authorization: 'Bearer 1' } });
  using other = await watchLive(gateway.url, 2, { headers: { authorization: 'Bearer 2' } });
  await Promise.all([one.untilCurrent(), other.untilCurrent()]);
  valid.delete('1');
  expect(await one.next()).toMatchObject({ event: 'problem', status: 401, code: 'unauthenticated', detail: 'the token has expired' });
  expect(await one.next()).toBeUndefined();
  expect(await gateway.accessLines(1)).toMatchObject([{ status: 200, code: 'unauthenticated', route: '/api/aggregated/live' }]);
  expect(gateway.edge.underWay).toBe(1);
});

test('to open one counts as one request', async () => {
  await using gateway = await start({ limits: new Limits(new RateWindows({ count: 2, windowMs: 60_000 }), 0) });
  using one = await watchLive(gateway.url, 1);
  using other = await watchLive(gateway.url, 1);
  expect(one.head.headers['ratelimit']).toMatch(/^"default";r=1;/);
  await Promise.all([one.untilCurrent(), other.untilCurrent()]);
  expectRefused(await ask(gateway, 1), 429, 'rate_limited');
});

test('beyond as many as there may be one more is refused, and asked to come back; who leaves makes room', async () => {
  await using gateway = await start({ liveMax: 2 });
  using one = await watchLive(gateway.url, 1);
  using _other = await watchLive(gateway.url, 2);
  const refused = await ask(gateway, 3);
  expectRefused(refused, 503, 'overloaded');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  one.leave();
  await gateway.underWay(1);
  using third = await watchLive(gateway.url, 3);
  expect(third.head.statusCode).toBe(200);
});

test('where none may be open there is no such route', async () => {
  await using gateway = await start({ liveMax: 0 });
  expectRefused(await ask(gateway, 1), 404, 'not_found');
});

test('HEAD is answered with the head, and leaves nothing open', async () => {
  await using gateway = await start();
  using connection = keepAlive();
  const reply = await ask(gateway, 1, { method: 'HEAD', connection });
  expect([reply.status, reply.text, reply.headers['content-type']]).toEqual([200, '', 'text/event-stream']);
  expectRefused(await ask(gateway, 777), 404, 'not_found');
  await gateway.underWay(0);
  expect(connectionsOf(gateway)).toBe(0);
});

test.each(['destroy', 'reset'] as const)('a client that goes away with a %s while parts are still loaded takes all work along', async (way) => {
  await using gateway = await start();
  // Learns the types of the key columns.
  await gateway.ask(20);
  gateway.upstream.answer(hang);
  using viewer = await watchLive(gateway.url, 1);
  await gateway.upstream.received(2);
  viewer.exchange[way]();
  await gateway.upstream.allClosed();
  await gateway.underWay(0);
  expect(connectionsOf(gateway)).toBe(0);
  expect(gateway.log.filter(({ level }) => level !== 30)).toEqual([]);
});

test('a client that leaves before anything was sent is logged as one that left', async () => {
  await using gateway = await start();
  await gateway.ask(20);
  await using _ = await lockTable(database.url, 'users');
  const exchange = await open(`${gateway.url}/api/aggregated/live?user_id=4`);
  await waitUntilBusy(database.url);
  exchange.destroy();
  await waitUntilIdle(database.url);
  expect((await gateway.accessLines(2))[1]).toMatchObject({ status: 499, code: 'client_gone', route: '/api/aggregated/live' });
  expect(connectionsOf(gateway)).toBe(0);
});

test('two hundred that hang up at the same time leave nothing open', async () => {
  await using gateway = await start();
  const viewers = await Promise.all(Array.from({ length: 200 }, (_, at) => watchLive(gateway.url, (at % 20) + 1)));
  await gateway.underWay(200);
  for (const [at, { exchange }] of viewers.entries()) exchange[at % 2 === 0 ? 'destroy' : 'reset']();
  await gateway.underWay(0);
  await until(() => connectionsOf(gateway) === 0, () => `expected no stream to be open, but got ${connectionsOf(gateway)}`);
  expect((await gateway.accessLines(200)).every(({ status, code }) => status === 200 && code === undefined)).toBe(true);
});
