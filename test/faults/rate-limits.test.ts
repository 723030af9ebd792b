import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SharedRateLimits } from '../../src/clients/rate-limits.ts';
import { connectTier, type Connected } from '../contracts/redis-client.ts';
import { type Reply, request } from '../support/http-client.ts';
import { type RedisServer, startCluster, startRedis, startSentinel } from '../support/redis.ts';
import { type EdgeAlone, rates, startEdge } from './edge.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('two processes counted together', 'Redis was gone', 'Redis was frozen', 'a process counted alone', 'Redis was asked again');

let redis: RedisServer;
beforeAll(async () => { redis = await startRedis(); });
afterEach(async () => { await redis.restart(); });
afterAll(async () => { await redis[Symbol.asyncDispose](); });

const rate = { count: 5, windowMs: 60_000 };

/** A process of the service, as far as limits go. */
interface Counting extends AsyncDisposable {
  readonly edge: EdgeAlone;
  readonly tier: Connected;
  ask(address?: string): Promise<Reply>;
}

async function counting(url: string, namespace: string, answerMs = 5_000): Promise<Counting> {
  const tier = connectTier(url, { namespace, answerMs });
  await tier.answers();
  const edge = await startEdge({ rates: new SharedRateLimits(rate, tier) });
  return {
    edge,
    tier,
    ask: (address = '192.0.2.1') => request(`${edge.url}/api/aggregated?user_id=1`, { headers: { 'x-forwarded-for': address } }),
    async [Symbol.asyncDispose]() {
      await edge[Symbol.asyncDispose]();
      await tier.close();
    },
  };
}

const left = ({ headers }: Reply): number => Number(/;r=(\d+);/.exec(String(headers['ratelimit']))?.[1]);

test.each([
  ['one server', async () => ({ url: redis.url, async [Symbol.asyncDispose]() {} })],
  ['Sentinel', startSentinel],
  ['a cluster', startCluster],
])('on %s two processes count together, and nothing of the caller is in the names of keys', async (_, start) => {
  await using place = await start();
  const namespace = `test-${randomUUID()}`;
  await using one = await counting(place.url, namespace);
  await using other = await counting(place.url, namespace);
  const replies: Reply[] = [];
  for (let at = 0; at < 6; at++) replies.push(await (at % 2 === 0 ? one : other).ask());
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
  expect(replies.map(left)).toEqual([4, 3, 2, 1, 0, 0]);
  saw('two processes counted together');
  expect((await one.ask('192.0.2.2')).status).toBe(200);
});

test('a key lives as long as its window, and says nothing of whom it is about', async () => {
  const namespace = `test-${randomUUID()}`;
  await using one = await counting(redis.url, namespace);
  await one.ask();
  const keys = await redis.send('KEYS', `${namespace}:*`) as string[];
  expect(keys).toEqual([expect.stringMatching(/:1:rate:[\w-]{22}$/)]);
  expect(await redis.send('PTTL', keys[0]!)).toSatisfy((ms: unknown) => Number(ms) > 0 && Number(ms) <= rate.windowMs);
});

test('who has used up a window is refused without asking Redis', async () => {
  await using one = await counting(redis.url, `test-${randomUUID()}`);
  for (let at = 0; at < 6; at++) await one.ask();
  await redis.send('CONFIG', 'RESETSTAT');
  for (let at = 0; at < 20; at++) expect((await one.ask()).status).toBe(429);
  expect((await redis.commandCounts()).get('evalsha') ?? 0).toBe(0);
});

test('Redis is killed: each process goes on by its own count, and nobody gets an error; it is back: it is asked again', async () => {
  await using one = await counting(redis.url, `test-${randomUUID()}`);
  await one.ask();
  await redis.kill();
  const replies: Reply[] = [];
  for (let at = 0; at < 7; at++) replies.push(await one.ask());
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 429]));
  expect(replies.at(-1)?.status).toBe(429);
  saw('Redis was gone', !one.tier.ready);
  saw('a process counted alone', replies.filter(({ status }) => status === 200).length === 5);
  await redis.start();
  await one.tier.answers();
  expect((await one.ask('192.0.2.9')).status).toBe(200);
  saw('Redis was asked again', (await redis.commandCounts()).has('evalsha') || (await redis.commandCounts()).has('eval'));
});

test('Redis is frozen: those who wait for it go on after its time, and all others do not wait', async () => {
  await using one = await counting(redis.url, `test-${randomUUID()}`, 50);
  expect((await one.ask()).status).toBe(200);
  redis.freeze();
  try {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, at) => one.ask(`192.0.2.${at + 1}`)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(one.tier.ready).toBe(false);
    saw('Redis was frozen');
    // Its gate is shut: who comes now is counted here, and does not even try.
    for (let at = 0; at < 10; at++) expect((await one.ask('198.51.100.1')).status).toBe(at < rate.count ? 200 : 429);
    expect(one.tier.ready).toBe(false);
  } finally {
    redis.thaw();
  }
});

test('without Redis a process counts alone, and everything is counted once: answers, problems, what is not there', async () => {
  await using edge = await startEdge({ rates: rates(4, 60_000) });
  const ask = (path: string) => request(`${edge.url}${path}`);
  const replies = [await ask('/api/aggregated?user_id=1'), await ask('/api/aggregated?user_id=!'), await ask('/none'), await ask('/api/aggregated?user_id=1')];
  expect(replies.map(({ status }) => status)).toEqual([200, 400, 404, 200]);
  expect(replies.map(left)).toEqual([3, 2, 1, 0]);
  const refused = await ask('/api/aggregated?user_id=1');
  expect(refused.json).toMatchObject({ status: 429, code: 'rate_limited', detail: 'expected at most 4 requests within 60 s' });
  expect(refused.headers).toMatchObject({ 'ratelimit-policy': '"default";q=4;w=60', 'retry-after': expect.stringMatching(/^(60|5\d)$/) });
  expect((await request(`${edge.adminUrl}/livez`)).headers).not.toHaveProperty('ratelimit-policy');
});
