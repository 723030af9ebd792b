// Row 34. Somebody asks first, in a way that is meant to change what is kept for everybody after: with any header, parameter,
// fragment or method. Who asks after them, at this gateway or at its neighbour over the same Redis, has the answer that is
// theirs; and what failed or lacked something is kept as whole nowhere.
import { METHODS } from 'node:http';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { createRedis, type RedisTier } from '../../src/clients/redis.ts';
import { type Answer, body, json, reset, status } from '../support/answers.ts';
import type { Reply } from '../support/http-client.ts';
import { type Database, query } from '../support/postgres.ts';
import { eventually, type RedisServer, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a strange request filled the caches', 'a strange request was refused', 'who came after was answered from memory', 'who came after was answered from Redis', 'an answer lacked something', 'an answer failed');

let database: Database;
let redis: RedisServer;
let tiers: readonly RedisTier[];
let gateway: Gateway;
let neighbour: Gateway;
/** Nobody has asked for them yet: there are enough users for each to be asked for in one way. */
let nextUser = 100;

beforeAll(async () => {
  [database, redis] = await Promise.all([seedDatabase(), startRedis()]);
  await query(database.url, `insert into users select n, jsonb_build_object('name', 'User ' || n) from generate_series(100, 2000) as n`);
  tiers = [0, 1].map(() => createRedis({ url: redis.url, namespace: 'test', answerMs: 5_000, onTrouble: () => undefined }));
  await until(() => tiers.every(({ ready }) => ready), () => 'expected Redis to answer');
  const [cache, another] = tiers.map((shared) => new Cache({ bytesMax: 10 * 1024 * 1024, shared }));
  gateway = await startGateway({ database, cache });
  neighbour = await startGateway({ database, cache: another, recommendationsUrl: gateway.upstream.url });
  gateway.upstream.answer(telling);
  // Both have learned the types of their keys, and so keep answers.
  await Promise.all([gateway, neighbour].map((each) => eventually(async () => isKept(await each.ask(20)), () => 'expected answers to be kept')));
});
afterAll(async () => {
  await Promise.all([gateway, neighbour].map((each) => each[Symbol.asyncDispose]()));
  await Promise.all(tiers.map((tier) => tier.close()));
  await Promise.all([redis[Symbol.asyncDispose](), database.drop()]);
});

/** An upstream that answers with all that it was told: whatever a client could pass on would be in the answer. */
const telling: Answer = (asked, response) => {
  const { traceparent: _, 'x-envoy-expected-rq-timeout-ms': __, ...headers } = asked.headers;
  json([asked.method!, asked.url!, ...Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`)])(asked, response);
};
const answerFor = (user: number) => ({
  user_data: { name: `User ${user}` },
  recommendations: ['GET', `/recommendations?user=${user}`, `host: ${new URL(gateway.upstream.url).host}`, 'connection: keep-alive', 'accept: application/json'],
  analytics: {},
});

const isKept = ({ headers }: Reply): boolean => !String(headers['cache-status']).includes('fwd');

/** Who asks plainly has the whole answer, here and next door. */
async function expectUntouched(user: number): Promise<void> {
  const before = gateway.upstream.requests.length;
  const [here, there] = [await gateway.ask(user), await neighbour.ask(user)];
  for (const { status, headers, json } of [here, there, await gateway.ask(user)]) {
    expect([status, headers['content-type'], json]).toEqual([200, 'application/json', answerFor(user)]);
    expect(headers['set-cookie']).toBeUndefined();
  }
  saw('who came after was answered from memory', isKept(here));
  saw('who came after was answered from Redis', isKept(here) && gateway.upstream.requests.length === before);
}

// Headers that some server, proxy or framework obeys; of those that frame a message, which no cache survives, others speak.
const known = [
  'accept', 'accept-charset', 'accept-encoding', 'accept-language', 'authorization', 'baggage', 'cache-control', 'cookie', 'content-type', 'dnt', 'forwarded', 'from', 'host', 'if-match',
  'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'max-forwards', 'origin', 'pragma', 'prefer', 'proxy-authorization', 'range', 'referer', 'sec-fetch-mode', 'te', 'traceparent',
  'tracestate', 'true-client-ip', 'upgrade-insecure-requests', 'user-agent', 'via', 'x-client-ip', 'x-envoy-expected-rq-timeout-ms', 'x-envoy-original-path', 'x-forwarded-for', 'x-forwarded-host',
  'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-proto', 'x-forwarded-scheme', 'x-host', 'x-http-method', 'x-http-method-override', 'x-original-url', 'x-real-ip', 'x-rewrite-url', 'x-user-id',
] as const;
const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, fc.stringMatching(/^x-[a-z0-9!#$%&'*+.^_`|~-]{1,20}$/));
const value = fc.oneof(
  fc.constantFrom('evil.example', 'POST', '/api/aggregated?user_id=1', 'text/html', 'text/event-stream', 'no-cache', 'no-store, max-age=0', 'bytes=0-3', '*', '1', 'gzip', '<script>alert(1)</script>', 'user=1; admin=1'),
  fc.stringMatching(/^[ -~]{0,40}$/).map((text) => text.trim()),
);
const strange = fc.record({
  method: fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, fc.constantFrom(...METHODS.filter((method) => method !== 'CONNECT'))),
  headers: fc.dictionary(name, value, { maxKeys: 6 }),
  more: fc.constantFrom('', '&user_id=1', '&user=1', '&callback=evil', '&utm_source=evil', '&_method=DELETE', ';user_id=1', '#evil', '&user_id[]=1', '&__proto__[user_id]=1', '%20', '&'),
});

test('however strangely somebody has asked before, whoever asks plainly has the same answer', async () => {
  await fc.assert(fc.asyncProperty(strange, async ({ method, headers, more }) => {
    const user = nextUser++;
    const reply = await gateway.ask(`${user}${more}`, { method, headers });
    // Whoever asks strangely is told no more than others, if anything.
    const isWhole = method === 'GET' && reply.status === 200 && reply.headers['content-type'] === 'application/json';
    if (isWhole) expect(reply.json).toEqual(answerFor(user));
    saw('a strange request filled the caches', isWhole && !isKept(reply) && (more !== '' || Object.keys(headers).length > 0));
    saw('a strange request was refused', reply.status >= 400);
    await expectUntouched(user);
  }), { numRuns: 100 });
});

test.each(known)('%s changes nothing for whoever comes after', async (header) => {
  const user = nextUser++;
  await gateway.ask(user, { headers: { [header]: 'evil.example' } });
  await expectUntouched(user);
});

test.each<[string, Answer]>([['fails', status(500, 'Error')], ['resets', reset], ['says nonsense', body('{"recommendations"')], ['says something else', json({ a: 1 })], ['redirects', status(302, '', { location: '/' })]])('an answer without its recommendations, whose service %s, is whole for whoever comes after', async (_, failing) => {
  const user = nextUser++;
  gateway.upstream.answer(failing);
  for (const each of [gateway, neighbour, gateway]) {
    const reply = await each.ask(user);
    expect([reply.status, reply.headers['cache-control'], reply.headers['etag'], reply.json]).toMatchObject([200, 'no-store', undefined, { recommendations: [], errors: [{ part: 'recommendations' }] }]);
    saw('an answer lacked something');
  }
  gateway.upstream.answer(telling);
  await expectUntouched(user);
});

test('an answer that failed as a whole is there for whoever comes after', async () => {
  const user = nextUser++;
  await query(database.url, 'alter table users rename to gone');
  for (const each of [gateway, neighbour]) {
    const reply = await each.ask(user);
    expect([reply.status, reply.headers['cache-control']]).toEqual([502, 'no-store']);
    saw('an answer failed');
  }
  await query(database.url, 'alter table gone rename to users');
  await expectUntouched(user);
});
