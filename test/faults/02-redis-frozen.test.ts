// Row 2. Redis is frozen under load: its sockets live and nobody answers. One time-out is waited for, once and together;
// after that nothing is sent, so nothing piles up, and thawed it is used again.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../support/postgres.ts';
import { connectWire, type RedisServer, startRedis } from '../support/redis.ts';
import { traffic } from '../support/traffic.ts';
import { seedDatabase } from '../system/gateway.ts';
import { isKept, startRedisGateway } from '../system/redis-gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('answers came from Redis', 'Redis said nothing', 'the gateway gave it up', 'answers came from it again');

let database: Database;
let redis: RedisServer;

beforeAll(async () => { [database, redis] = await Promise.all([seedDatabase(), startRedis()]); });
afterAll(async () => { await Promise.all([database.drop(), redis[Symbol.asyncDispose]()]); });

const callers = 32;
const asked = (counts: ReadonlyMap<string, number>) => (counts.get('evalsha') ?? 0) + (counts.get('eval') ?? 0);

test('a Redis that is frozen under load costs no request, and what waits for it is bounded', async () => {
  await using gateway = await startRedisGateway(redis, { database });
  const { tier, troubles } = gateway;
  await gateway.untilKept(1);
  const requests = traffic((user, options) => gateway.ask((user % 20) + 1, options), callers);
  await requests.more(200);
  saw('answers came from Redis', requests.replies.some(isKept));
  using wire = await connectWire(redis.port);
  await gateway.untilKept(1);
  const before = await redis.commandCounts();
  redis.freeze();
  const troublesBefore = troubles.length;
  let pong = false;
  const thawed = wire.send('PING').then(() => { pong = true; });
  await requests.more(2_000);
  saw('Redis said nothing', !pong);
  saw('the gateway gave it up', !tier.ready);
  // Given up once, and not by each request anew.
  expect(troubles.length - troublesBefore).toBeLessThanOrEqual(1);
  expectComplete(await requests.stop());
  redis.thaw();
  await thawed;
  // What it finds in its sockets: what its callers asked for when it froze, of 6,000 parts that were asked for since.
  expect(asked(await redis.commandCounts()) - asked(before)).toBeLessThan(10 * callers);
  await gateway.untilKept(2);
  saw('answers came from it again');
});
