import { expect, test } from 'vitest';
import { eventually, failOver, type RedisServer, replaced, startCluster, startRedis, startSentinel } from '../support/redis.ts';
import { closedPort } from '../support/upstream.ts';
import { connectImpatient, connectListening } from './redis-client.ts';

const many = Array.from({ length: 60 }, (_, at) => `key${at}`);
const nothing = Array.from({ length: many.length });

const roleOf = async (server: RedisServer): Promise<string | undefined> => /role:(\w+)/.exec(String(await server.send('INFO', 'replication')))?.[1];

test('a failover that a sentinel makes is followed, in commands and in hearing', async () => {
  await using redis = await startSentinel();
  const [master, replica] = redis.servers as [RedisServer, RedisServer];
  await using connected = await connectListening(redis.url);
  const { tier, ear } = connected;
  tier.put('key', 'text', 60_000);
  expect((await tier.read('key', []))?.text).toBe('text');
  // Else it may be lost with its master: replication is later than the answer.
  await eventually(async () => (await replica.send('GET', `${tier.namespace}:1:{key}`)) === 'text', () => 'expected the replica to follow');
  await failOver(redis.sentinel, master);
  await ear.hears(3);
  // Within the bound of this wait: the sentinel itself makes a replica of the old master, and hangs up on its clients, only ten seconds later.
  await eventually(async () => {
    await tier.invalidate(['tag'], 'token');
    return (await replica.send('GET', `${tier.namespace}:1:tag:tag`)) === 'token';
  }, () => 'expected the new master to be told');
  expect(await roleOf(master)).toBe('master');
  await ear.hears(4);
  expect(ear.heard.slice(0, 4)).toEqual(['back', 'lost', 'back', ['tag']]);
  await tier.answers();
  expect(await tier.read('key', ['tag'])).toMatchObject({ text: 'text', versions: ['token'] });
});

test('a master that was killed is replaced, though one sentinel is away and one does not know it', async () => {
  await using redis = await startSentinel();
  await using stranger = await startRedis({ 'sentinel monitor another': '127.0.0.1 1 1' });
  const [master, replica] = redis.servers as [RedisServer, RedisServer];
  await using tier = connectImpatient(redis.url.replace('//', `//127.0.0.1:${await closedPort()},127.0.0.1:${stranger.port},`));
  await tier.answers();
  await master.kill();
  await tier.rests();
  expect(await Promise.all(many.map((key) => tier.read(key, [])))).toEqual(nothing);
  expect(await tier.invalidate(['tag'], 'token')).toBe(false);
  await replaced(redis.sentinel, master);
  await tier.answers();
  expect(await roleOf(replica)).toBe('master');
  expect((await tier.read('key', ['tag']))?.versions).toEqual(['token']);
});

test('a cluster with one frozen master rests as a whole, after one time-out', async () => {
  await using redis = await startCluster();
  await using tier = connectImpatient(redis.url);
  await tier.answers();
  const [, frozen, ...others] = redis.servers as [RedisServer, RedisServer, RedisServer];
  const asked = async () => Promise.all([redis.servers[0] as RedisServer, ...others].map(async (server) => (await server.commandCounts()).get('evalsha') ?? 0));
  frozen.freeze();
  // Some of them are its keys.
  const found = await Promise.all(many.map((key) => tier.read(key, [])));
  expect(found.filter((entry) => entry === undefined).length).toBeGreaterThan(0);
  expect(tier.ready).toBe(false);
  const before = await asked();
  for (const key of many) expect(await tier.read(key, [])).toBeUndefined();
  expect(await asked()).toEqual(before);
  frozen.thaw();
  await tier.answers();
  expect(await Promise.all(many.map((key) => tier.read(key, [])))).not.toContain(undefined);
});

test('a cluster whose master was killed is used again once it is back', async () => {
  await using redis = await startCluster();
  await using connected = await connectListening(redis.url, { answerMs: 300 });
  const { tier, ear } = connected;
  const [killed] = redis.servers as [RedisServer];
  const underWay = Promise.all(many.map((key) => tier.read(key, ['tag'])));
  await killed.kill();
  await underWay;
  await tier.rests();
  expect(await Promise.all(many.map((key) => tier.read(key, [])))).toEqual(nothing);
  expect(await tier.invalidate(['tag'], 'token')).toBe(false);
  await killed.start();
  await tier.answers();
  expect((await tier.read('key', ['tag']))?.versions).toEqual(['token']);
  expect(ear.heard[0]).toBe('back');
});
