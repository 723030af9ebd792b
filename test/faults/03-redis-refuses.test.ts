// Row 3. Redis is there and refuses: it has no memory left (OOM), has become a replica (READONLY), or is still loading its
// data (LOADING). What it does not take is a miss and costs nobody anything; what it still reads is still used.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Database } from '../support/postgres.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { traffic } from '../support/traffic.ts';
import { closedPort } from '../support/upstream.ts';
import { seedDatabase } from '../system/gateway.ts';
import { isKept, startRedisGateway } from '../system/redis-gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('OOM', 'READONLY', 'LOADING', 'what a full one has was read', 'what a replica has was read', 'a loading one was done without');

let database: Database;
let redis: RedisServer;

beforeAll(async () => { [database, redis] = await Promise.all([seedDatabase(), startRedis({ 'loading-process-events-interval-bytes': '1024' })]); });
// Whatever a test has done to it, the next one finds a new one.
afterEach(async () => { await redis.restart(); });
afterAll(async () => { await Promise.all([database.drop(), redis[Symbol.asyncDispose]()]); });

const kinds = [
  ['OOM', {
    ail: () => redis.send('CONFIG', 'SET', 'maxmemory', '1'),
    cure: () => redis.send('CONFIG', 'SET', 'maxmemory', '0'),
    proof: 'what a full one has was read',
  }],
  ['READONLY', {
    ail: async () => redis.send('REPLICAOF', '127.0.0.1', String(await closedPort())),
    cure: () => redis.send('REPLICAOF', 'NO', 'ONE'),
    proof: 'what a replica has was read',
  }],
  ['LOADING', {
    ail: async () => {
      await redis.send('DEBUG', 'POPULATE', '2000', 'filler', '100');
      await redis.send('SAVE');
      // 10 ms for each key: 20 s in all, for which the test does not wait.
      await redis.restart({ 'key-load-delay': '10000' });
    },
    cure: () => redis.send('CONFIG', 'SET', 'key-load-delay', '0'),
    proof: 'a loading one was done without',
  }],
] as const;

test.each(kinds)('a Redis that says %s costs no request, and takes what is loaded once it can', async (code, { ail, cure, proof }) => {
  await using gateway = await startRedisGateway(redis, { database });
  await gateway.untilKept(1);
  const requests = traffic((user, options) => gateway.ask(user, options), 10);
  await requests.more(100);
  await ail();
  const refusal = await redis.send('SET', 'x', 'y').then(() => '', String);
  saw(code, refusal.includes(code));
  await requests.more(100);
  // It still has user 1, and never had user 19; while it loads, nobody is asked.
  if (code === 'LOADING') expect(isKept(await gateway.ask(1))).toBe(false);
  else await gateway.untilKept(1);
  saw(proof);
  expect(isKept(await gateway.ask(19))).toBe(false);
  expect(isKept(await gateway.ask(19))).toBe(false);
  await cure();
  await gateway.untilKept(19);
  expectComplete(await requests.stop());
});
