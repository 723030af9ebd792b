// Row 1. Redis is killed under load, and comes back empty: no request fails for it, and it is used again by itself.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../support/postgres.ts';
import { connectWire, type RedisServer, startRedis } from '../support/redis.ts';
import { traffic } from '../support/traffic.ts';
import { seedDatabase } from '../system/gateway.ts';
import { isKept, startRedisGateway } from '../system/redis-gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('answers came from Redis', 'Redis was gone', 'the gateway knew', 'answers came without it', 'answers came from the new one');

let database: Database;
let redis: RedisServer;

beforeAll(async () => { [database, redis] = await Promise.all([seedDatabase(), startRedis()]); });
afterAll(async () => { await Promise.all([database.drop(), redis[Symbol.asyncDispose]()]); });

test('a Redis that is killed under load costs no request, and is used again once it is back', async () => {
  await using gateway = await startRedisGateway(redis, { database });
  await gateway.untilKept(1);
  const requests = traffic((user, options) => gateway.ask(user, options), 16);
  await requests.more(100);
  saw('answers came from Redis', requests.replies.some(isKept));
  await redis.kill();
  await expect(connectWire(redis.port)).rejects.toThrow('ECONNREFUSED');
  saw('Redis was gone');
  await requests.more(100);
  saw('the gateway knew', !gateway.tier.ready && gateway.troubles.includes('does not answer'));
  saw('answers came without it', !isKept(requests.replies.at(-1)!));
  await redis.start();
  await gateway.untilKept(17);
  saw('answers came from the new one');
  await requests.more(100);
  expectComplete(await requests.stop());
});
