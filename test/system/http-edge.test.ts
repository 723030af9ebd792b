import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { RateWindows } from '../../src/clients/rate-windows.ts';
import { Failure } from '../../src/core/failure.ts';
import { Limits } from '../../src/http/limits.ts';
import { asSomebody, decided } from '../support/callers.ts';
import { keepAlive, type Reply, request } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { type Gateway, type GatewayOptions, seedDatabase, startGateway } from './gateway.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(() => database.drop());

const secure = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
};

/** A gateway that keeps answers: what is asked a second time comes from the lane of ready answers. */
const start = (options: Partial<GatewayOptions> = {}): Promise<Gateway> => startGateway({ database, cache: new Cache({ bytesMax: 1024 * 1024 }), ...options });

/** Replies from everywhere that a reply can come from. */
async function everyReply(gateway: Gateway): Promise<Record<string, Reply>> {
  const long = await gateway.ask(1);
  const ready = await gateway.ask(1);
  const headers = { 'if-none-match': String(ready.headers.etag) };
  const at = (path: string, options = {}) => request(`${gateway.url}${path}`, options);
  return {
    long,
    ready,
    unchanged: await gateway.ask(1, { headers }),
    head: await gateway.ask(1, { method: 'HEAD' }),
    events: await gateway.ask(1, { headers: { accept: 'text/event-stream' } }),
    lines: await gateway.ask(1, { headers: { accept: 'application/x-ndjson' } }),
    invalid: await gateway.ask('!'),
    missing: await at('/none'),
    method: await gateway.ask(1, { method: 'DELETE' }),
    tooLong: await at(`/${'a'.repeat(9_000)}`),
    expectation: await at('/', { headers: { expect: '200-ok' } }),
    headers: await at('/', { headers: { a: 'b'.repeat(17_000) } }),
    kind: await at('/', { method: 'POST', body: 'a' }),
  };
}

test('every reply, wherever it comes from, has the same security headers, and says nothing of what has made it', async () => {
  await using gateway = await start();
  const replies = await everyReply(gateway);
  expect(Object.values(replies).map(({ status }) => status)).toEqual([200, 200, 304, 200, 200, 200, 400, 404, 405, 414, 417, 431, 415]);
  expect(replies['ready']?.headers['cache-status']).not.toContain('fwd');
  for (const [name, { headers }] of Object.entries(replies)) {
    expect(headers, name).toMatchObject(secure);
    expect(Object.keys(headers).filter((header) => /^(?:server|x-powered-by|via|access-control-.*|timing-allow-origin|ratelimit.*)$/.test(header)), name).toEqual([]);
  }
});

test('where an origin may read, every reply says so to its pages, and to others that it depends on who asks', async () => {
  const origin = 'https://shop.example';
  await using gateway = await start({ corsOrigins: [origin] });
  await gateway.ask(1);
  for (const status of [200, 200, 304, 400]) {
    const user = status === 400 ? '!' : 1;
    const etag = status === 304 ? { 'if-none-match': '*' } : {};
    const allowed = await gateway.ask(user, { headers: { origin, ...etag } });
    expect([allowed.status, allowed.headers['access-control-allow-origin'], allowed.headers['timing-allow-origin']]).toEqual([status, origin, origin]);
    expect(String(allowed.headers.vary).split(', ')).toEqual(expect.arrayContaining(['origin']));
    expect(String(allowed.headers['access-control-expose-headers']).split(', ')).toEqual(expect.arrayContaining(['etag', 'traceresponse', 'retry-after', 'ratelimit']));
    for (const headers of [{ ...etag }, { origin: 'https://evil.example', ...etag }]) {
      const other = await gateway.ask(user, { headers });
      expect(other.headers).not.toHaveProperty('access-control-allow-origin');
      expect(String(other.headers.vary)).toContain('origin');
    }
  }
});

test.each([
  ['unauthenticated', 401], ['forbidden', 403], ['rate_limited', 429], ['overloaded', 503],
] as const)('a page can read that it is refused with %s', async (code, status) => {
  await using gateway = await start({ corsOrigins: ['*'], authentication: decided(() => { throw new Failure(code, 'no'); }) });
  const reply = await gateway.ask(1, { headers: { origin: 'https://shop.example', ...asSomebody } });
  expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([status, '*']);
});

test('what a browser asks before it sends a request is answered, for every path, and only where pages may read', async () => {
  const origin = 'https://shop.example';
  await using gateway = await start({ corsOrigins: [origin] });
  const ask = (headers: Record<string, string>) => gateway.ask(1, { method: 'OPTIONS', headers });
  const allowed = await ask({ origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' });
  expect([allowed.status, allowed.text]).toEqual([204, '']);
  expect(allowed.headers).toMatchObject({ ...secure, 'access-control-allow-origin': origin, 'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE', 'access-control-max-age': '7200' });
  expect(String(allowed.headers['access-control-allow-headers']).split(', ')).toEqual(expect.arrayContaining(['authorization', 'if-none-match', 'traceparent']));
  expect(allowed.headers).not.toHaveProperty('access-control-allow-credentials');
  expect((await ask({ origin: 'https://evil.example', 'access-control-request-method': 'GET' })).headers).not.toHaveProperty('access-control-allow-origin');
  expect((await ask({ origin })).status).toBe(405);
  await using closed = await start();
  expect((await closed.ask(1, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } })).status).toBe(405);
});

test('ready answers are counted as all others are, once, and run out as they do', async () => {
  await using gateway = await start({ limits: new Limits(new RateWindows({ count: 4, windowMs: 60_000 }), 0) });
  using connection = keepAlive();
  const replies: Reply[] = [];
  for (let at = 0; at < 6; at++) replies.push(await gateway.ask(1, { connection }));
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429]);
  expect(replies.map(({ headers }) => headers['ratelimit'])).toEqual([3, 2, 1, 0, 0, 0].map((left) => expect.stringMatching(new RegExp(`^"default";r=${left};t=\\d+$`)) as string));
  expect(String(replies[3]?.headers['cache-status'])).not.toContain('fwd');
  expect(replies[5]?.headers).toMatchObject({ ...secure, 'content-type': 'application/problem+json', 'retry-after': expect.stringMatching(/^\d+$/), connection: 'keep-alive' });
});

test.each(['/metrics', '/livez', '/readyz', '/startupz', '/cache/invalidate?tag=users:1'])('%s is not to be had where clients ask', async (path) => {
  await using gateway = await start();
  for (const method of ['GET', 'POST']) expect((await request(`${gateway.url}${path}`, { method })).status).toBe(404);
});
