import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../support/postgres.ts';
import { connectWire, type RedisServer, startRedis } from '../support/redis.ts';
import { seedDatabase } from './gateway.ts';
import { isKept, type RedisGateway, startRedisGateway } from './redis-gateway.ts';

let database: Database;
let redis: RedisServer;

beforeAll(async () => {
  [database, redis] = await Promise.all([seedDatabase(), startRedis({ 'key-load-delay': '0' })]);
});
afterAll(async () => { await Promise.all([database.drop(), redis[Symbol.asyncDispose]()]); });

let gateway: RedisGateway;
const untilKept = (user: number) => gateway.untilKept(user);

beforeEach(async () => { gateway = await startRedisGateway(redis, { database }); });
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
  await redis.restart();
});

/** Ten users at the same time, all answered, all complete. */
async function allIsWell(): Promise<void> {
  for (const reply of await Promise.all(Array.from({ length: 10 }, (_, at) => gateway.ask(at + 1)))) {
    expect([reply.status, Object.keys(reply.json as object)]).toEqual([200, ['user_data', 'recommendations', 'analytics']]);
  }
}

test('answers come from Redis while it is well', async () => {
  await allIsWell();
  await untilKept(1);
  const { upstream } = gateway;
  const asked = upstream.requests.length;
  expect(isKept(await gateway.ask(1))).toBe(true);
  expect(upstream.requests).toHaveLength(asked);
});

test('Redis is killed: nobody notices; it is back: it is used again', async () => {
  await untilKept(1);
  await redis.kill();
  await expect(connectWire(redis.port)).rejects.toThrow('ECONNREFUSED');
  await allIsWell();
  await allIsWell();
  expect(gateway.troubles).toHaveLength(1);
  await redis.start();
  await untilKept(2);
});

test('Redis is frozen: nobody waits for it but the first; thawed, it is used again', async () => {
  await untilKept(1);
  using wire = await connectWire(redis.port);
  redis.freeze();
  let answered = false;
  const pong = wire.send('PING').then(() => { answered = true; });
  await allIsWell();
  expect(gateway.tier.ready).toBe(false);
  await allIsWell();
  expect([answered, gateway.troubles.length]).toEqual([false, 1]);
  redis.thaw();
  await pong;
  await untilKept(2);
});

test('Redis is full: what it has is still read', async () => {
  await untilKept(1);
  await redis.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await redis.send('CONFIG', 'SET', 'maxmemory', '1');
  await expect(redis.send('SET', 'x', 'y')).rejects.toThrow('OOM');
  expect(isKept(await gateway.ask(1))).toBe(true);
  await allIsWell();
  expect(isKept(await gateway.ask(9))).toBe(false);
  await redis.send('CONFIG', 'SET', 'maxmemory', '0');
  await untilKept(9);
});

test('Redis is a replica that only reads: what it has is still read', async () => {
  await untilKept(1);
  await using master = await startRedis();
  // As a replica it takes over what its master has; with that frozen it keeps what it had.
  master.freeze();
  await redis.send('REPLICAOF', '127.0.0.1', String(master.port));
  await expect(redis.send('SET', 'x', 'y')).rejects.toThrow('READONLY');
  expect(isKept(await gateway.ask(1))).toBe(true);
  await allIsWell();
  expect(isKept(await gateway.ask(9))).toBe(false);
  await redis.send('REPLICAOF', 'NO', 'ONE');
  await untilKept(9);
});

test('Redis is still loading its data: it is done without until it has', async () => {
  for (let at = 0; at < 200; at++) await redis.send('SET', `filler${at}`, 'x'.repeat(2_000));
  await redis.send('SAVE');
  await redis.kill();
  // A tenth of a second for each key: it would take 20 s, and the test does not wait for that.
  await redis.start({ 'key-load-delay': '100000', 'loading-process-events-interval-bytes': '1024' });
  await expect(redis.send('GET', 'x')).rejects.toThrow('LOADING');
  await allIsWell();
  expect(isKept(await gateway.ask(1))).toBe(false);
  await redis.restart({ dbfilename: 'another.rdb' });
  await untilKept(1);
});

test('Redis forgets everything: it is loaded anew, and kept again', async () => {
  await untilKept(1);
  await redis.send('FLUSHALL');
  expect((await gateway.ask(1)).status).toBe(200);
  await untilKept(1);
});

test('one user’s entry under another one’s key is served to nobody', async () => {
  await untilKept(1);
  await untilKept(2);
  const keys = (await redis.send('KEYS', 'test:1:{*}')) as string[];
  const texts = await Promise.all(keys.map((key) => redis.send('GET', key)));
  const ofOne = texts.find((text) => String(text).includes('User 1'))!;
  const keyOfTwo = keys[texts.findIndex((text) => String(text).includes('User 2'))]!;
  await redis.send('SET', keyOfTwo, String(ofOne), 'PX', '60000');
  expect((await gateway.ask(2)).json).toMatchObject({ user_data: { name: 'User 2' } });
});
