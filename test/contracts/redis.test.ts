import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { type RedisGroup, eventually, startCluster, startRedis, startSentinel } from '../support/redis.ts';
import { connectListening, connectTier, type Connected, wanted } from './redis-client.ts';

describe.each([
  ['one server', async (): Promise<RedisGroup> => {
    const server = await startRedis();
    return { url: server.url, servers: [server], [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }],
  ['a cluster', startCluster],
  ['a server behind a sentinel', startSentinel],
] as const)('%s', (_, start) => {
  let redis: RedisGroup;
  let tier: Connected;

  beforeAll(async () => {
    redis = await start();
    tier = connectTier(redis.url);
    await tier.answers();
  });
  afterAll(async () => {
    await tier.close();
    await redis[Symbol.asyncDispose]();
  });

  /** Nobody waits for a `put`, but on its connection what is asked later is answered later. */
  const text = async (key: string, of = tier) => (await of.read(key, []))?.text;

  test('what was put is read, with the time it has left, by everybody in the namespace and nobody else', async () => {
    await using other = connectTier(redis.url, { namespace: tier.namespace });
    await using stranger = connectTier(redis.url);
    await Promise.all([other.answers(), stranger.answers()]);
    expect(await tier.read('put', [])).toEqual({ text: undefined, leftMs: 0, versions: [], lease: 'none' });
    const put = '{"name":"Żółć \u{1f600}\\u0000"}';
    tier.put('put', put, 60_000);
    const found = await tier.read('put', []);
    expect(found).toEqual({ text: put, leftMs: expect.any(Number), versions: [], lease: 'none' });
    expect(found?.leftMs).toBeGreaterThan(1_000);
    expect(found?.leftMs).toBeLessThanOrEqual(60_000);
    expect(await text('put', other)).toBe(put);
    expect(await text('put', stranger)).toBeUndefined();
  });

  test('what was put again is replaced, with its time', async () => {
    tier.put('again', 'old', 60_000);
    tier.put('again', '', 10_000);
    const found = await tier.read('again', []);
    expect(found?.text).toBe('');
    expect(found?.leftMs).toBeLessThanOrEqual(10_000);
  });

  test.each([20, 0.5, 0, -1])('what was put for %d ms is gone', async (ttlMs) => {
    tier.put('short', 'text', ttlMs);
    await eventually(async () => (await text('short')) === undefined, () => 'expected the entry to be gone');
  });

  test('what was dropped is gone', async () => {
    tier.put('dropped', 'text', 60_000);
    expect(await text('dropped')).toBe('text');
    tier.drop('dropped');
    expect(await text('dropped')).toBeUndefined();
  });

  test('of all who miss one gets the lease, and the next one when it was given back with the right token', async () => {
    const tokens = ['a', 'b', 'c'];
    const leases = await Promise.all(tokens.map(async (token) => (await tier.read('lease', [], wanted(token)))?.lease));
    expect(leases.filter((lease) => lease === 'won')).toHaveLength(1);
    expect(leases.filter((lease) => lease === 'lost')).toHaveLength(2);
    const [winner = '', loser = ''] = [tokens[leases.indexOf('won')], tokens[leases.indexOf('lost')]];
    tier.release('lease', loser);
    expect((await tier.read('lease', [], wanted('d')))?.lease).toBe('lost');
    tier.release('lease', winner);
    expect((await tier.read('lease', [], wanted('d')))?.lease).toBe('won');
    expect((await tier.read('lease', []))?.lease).toBe('none');
  });

  test('a lease comes back with what was loaded under it, and not with what another one loaded', async () => {
    expect((await tier.read('loaded', [], wanted('mine')))?.lease).toBe('won');
    tier.put('loaded', 'theirs', 60_000, 'theirs');
    tier.drop('loaded');
    expect((await tier.read('loaded', [], wanted('next')))?.lease).toBe('lost');
    tier.put('loaded', 'anybody’s', 60_000);
    tier.drop('loaded');
    expect((await tier.read('loaded', [], wanted('next')))?.lease).toBe('lost');
    tier.put('loaded', 'mine', 60_000, 'mine');
    tier.drop('loaded');
    expect((await tier.read('loaded', [], wanted('next')))?.lease).toBe('won');
  });

  test('the lease of one who died ends by itself', async () => {
    expect((await tier.read('dead', [], wanted('dead', 30)))?.lease).toBe('won');
    await eventually(async () => (await tier.read('dead', [], wanted('next')))?.lease === 'won', () => 'expected the lease to end');
  });

  test('a lease is for what is missing or has too little time left', async () => {
    tier.put('stale', 'text', 10_000);
    expect(await tier.read('stale', [], { ...wanted('a'), unlessLeftMs: 1 })).toMatchObject({ text: 'text', lease: 'none' });
    expect(await tier.read('stale', [], { ...wanted('b'), unlessLeftMs: 20_000 })).toMatchObject({ text: 'text', lease: 'won' });
    expect(await tier.read('stale', [], { ...wanted('c'), unlessLeftMs: 20_000 })).toMatchObject({ text: 'text', lease: 'lost' });
    expect((await tier.read('missing', [], { ...wanted('a'), unlessLeftMs: 1 }))?.lease).toBe('won');
  });

  test('tags have the token they were last invalidated with', async () => {
    expect((await tier.read('tagged', ['users:1', 'users:2']))?.versions).toEqual(['', '']);
    expect(await tier.invalidate(['users:1'], 'one')).toBe(true);
    expect((await tier.read('tagged', ['users:2', 'users:1']))?.versions).toEqual(['', 'one']);
    expect(await tier.invalidate(['users:1', 'users:2', 'Ż'], 'two')).toBe(true);
    expect((await tier.read('tagged', ['users:1', 'Ż', 'users:2', 'users:1']))?.versions).toEqual(['two', 'two', 'two', 'two']);
    expect(await tier.invalidate([], 'three')).toBe(true);
  });

  test('everybody hears of an invalidation, and of the same one once', async () => {
    await using here = await connectListening(redis.url);
    await using there = await connectListening(redis.url, { namespace: here.tier.namespace });
    await using elsewhere = await connectListening(redis.url);
    // In braces what makes the slot: one node tells of all of them, and so in this order.
    expect(await here.tier.invalidate(['a{1}'], 'one')).toBe(true);
    expect(await there.tier.invalidate(['a{1}'], 'one')).toBe(true);
    expect(await there.tier.invalidate(['a{1}', 'Ż/"{1}'], 'one')).toBe(true);
    expect(await here.tier.invalidate(['a{1}'], 'two')).toBe(true);
    for (const { ear } of [here, there]) {
      await ear.hears(4);
      expect(ear.heard).toEqual(['back', ['a{1}'], ['Ż/"{1}'], ['a{1}']]);
    }
    expect(await elsewhere.tier.invalidate(['mine{1}'], 'one')).toBe(true);
    await elsewhere.ear.hears(2);
    expect(elsewhere.ear.heard).toEqual(['back', ['mine{1}']]);
  });

  test('all of it goes on when the server has forgotten the scripts', async () => {
    tier.put('scripts', 'before', 60_000);
    expect(await text('scripts')).toBe('before');
    for (const server of redis.servers) await server.send('SCRIPT', 'FLUSH');
    const reads = await Promise.all(Array.from({ length: 20 }, () => text('scripts')));
    expect(new Set(reads)).toEqual(new Set(['before']));
    for (const server of redis.servers) await server.send('SCRIPT', 'FLUSH');
    tier.put('scripts', 'after', 60_000);
    await eventually(async () => (await text('scripts')) === 'after', () => 'expected what was put');
    expect(await tier.invalidate(['scripts'], 'x')).toBe(true);
  });

  test('it can be checked, and is in no trouble', async () => {
    using call = startCall(5_000);
    expect(await tier.check(call)).toBeUndefined();
    expect(tier.troubles.filter(({ what }) => what === 'refused a command')).toEqual([]);
    expect(() => {
      tier.listen({ gone() {}, lost() {}, back() {} });
      tier.listen({ gone() {}, lost() {}, back() {} });
    }).toThrow('expected one listener at most, but got another');
  });
});

test('the database and the user of the URL are used', async () => {
  await using server = await startRedis();
  await server.send('ACL', 'SETUSER', 'Ann', 'on', '>p@ss/1', '+@all', '~*', '&*');
  await using tier = connectTier(`${server.url.replace('//', '//Ann:p%40ss%2F1@')}/3`);
  await tier.answers();
  tier.put('key', 'text', 60_000);
  expect((await tier.read('key', []))?.text).toBe('text');
  expect(await server.send('INFO', 'keyspace')).toMatch(/^db3:keys=1,/m);
  expect(await server.send('CLIENT', 'LIST')).toMatch(/ user=Ann /);
});
