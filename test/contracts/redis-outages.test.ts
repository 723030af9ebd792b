import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRedis } from '../../src/clients/redis.ts';
import { startCall } from '../../src/core/call.ts';
import { failing } from '../support/failing.ts';
import { connectWire, createRedisServer, RedisError, type RedisServer, startRedis } from '../support/redis.ts';
import { startRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';
import { connectImpatient, connectListening, connectTier, Ear, wanted } from './redis-client.ts';

let own: RedisServer;

beforeAll(async () => { own = await startRedis({ 'loading-process-events-interval-bytes': '1024' }); });
// Whatever a test has done to it, the next one finds a new one.
afterEach(async () => { await own.restart(); });
afterAll(async () => { await own[Symbol.asyncDispose](); });

const many = Array.from({ length: 50 }, (_, at) => `key${at}`);

test('a frozen Redis costs one time-out: then nothing is sent, until it answers again', async () => {
  await using tier = connectImpatient(own.url);
  await tier.answers();
  tier.put('key', 'text', 60_000);
  expect((await tier.read('key', []))?.text).toBe('text');
  const before = await own.commandCounts();
  using wire = await connectWire(own.port);
  own.freeze();
  let frozen = true;
  const pong = wire.send('PING').then((reply) => {
    expect(frozen).toBe(false);
    return reply;
  });
  // All at once: the first time-out is the end of all of them, and they are sent together.
  expect(await Promise.all(many.slice(0, 5).map((key) => tier.read(key, [])))).toEqual(Array.from({ length: 5 }));
  expect(tier.ready).toBe(false);
  expect(tier.troubles).toEqual([{ what: 'does not answer', error: new Error('expected an answer within 300 ms, but got none') }]);
  for (const key of many) {
    expect(await tier.read(key, ['tag'], wanted('mine'))).toBeUndefined();
    tier.put(key, 'lost', 60_000);
    tier.release(key, 'mine');
    tier.drop(key);
  }
  expect(await tier.invalidate(['tag'], 'token')).toBe(false);
  using call = startCall(5_000);
  expect(await failing(tier.check(call))).toMatchObject({ code: 'source_failed', message: 'the shared cache could not be reached' });
  frozen = false;
  own.thaw();
  expect(await pong).toBe('PONG');
  await tier.answers();
  const after = await own.commandCounts();
  const more = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  // The five reads, and what was invalidated meanwhile.
  expect(more('evalsha')).toBe(6);
  expect(more('eval') + more('del')).toBe(0);
  expect(tier.troubles).toHaveLength(2);
  expect(tier.troubles[1]).toEqual({ what: 'answers again', error: undefined });
});

test('unless told otherwise it waits for 50 ms', async () => {
  const told = Promise.withResolvers<unknown>();
  const tier = createRedis({ url: own.url, namespace: 'usual', onTrouble: (what, error) => { told.resolve([what, error?.message]); } });
  try {
    await until(() => tier.ready, () => 'expected the tier to answer');
    own.freeze();
    await tier.read('key', []);
    expect(await told.promise).toEqual(['does not answer', 'expected an answer within 50 ms, but got none']);
  } finally {
    await tier.close();
  }
});

test('a pause of this process is not taken for one of Redis’s', async () => {
  await using tier = connectTier(own.url, { answerMs: 50 });
  await tier.answers();
  const underWay = Promise.all(many.map((key) => tier.read(key, [])));
  // After what is asked has left in the same way, and before any answer can be read.
  process.nextTick(() => {
    const endsAt = performance.now() + 350;
    while (performance.now() < endsAt);
  });
  expect(await underWay).not.toContain(undefined);
  expect(tier.ready).toBe(true);
  expect(tier.troubles).toEqual([]);
});

test('of many commands at once a bounded number is sent, and of long texts a bounded length', async () => {
  await using tier = connectTier(own.url);
  await tier.answers();
  const sent = async (ask: () => Promise<unknown>) => {
    await own.send('CONFIG', 'RESETSTAT');
    await ask();
    return (await own.commandCounts()).get('evalsha');
  };
  expect(await sent(async () => {
    const found = await Promise.all(Array.from({ length: 1_500 }, (_, at) => tier.read(`key${at}`, [])));
    expect(found.filter(Boolean)).toHaveLength(1_000);
  })).toBe(1_000);
  const megabyte = 'x'.repeat(1024 * 1024);
  expect(await sent(async () => {
    for (let at = 0; at < 40; at++) tier.put(`long${at}`, megabyte, 60_000);
    expect((await tier.read('long0', []))?.text).toHaveLength(megabyte.length);
  })).toBe(32 + 1);
  // What is through makes room.
  expect(await sent(async () => {
    tier.put('more', megabyte, 60_000);
    await tier.read('more', []);
  })).toBe(2);
});

test('a killed Redis is noticed, and used again once it is back', async () => {
  await using connected = await connectListening(own.url);
  const { tier, ear } = connected;
  tier.put('key', 'text', 60_000);
  expect((await tier.read('key', []))?.text).toBe('text');
  const underWay = Promise.all(many.map((key) => tier.read(key, [])));
  await own.kill();
  expect(await underWay).toHaveLength(many.length);
  await tier.rests();
  await ear.hears(2);
  expect(await Promise.all(many.map((key) => tier.read(key, ['tag'], wanted('mine'))))).toEqual(Array.from({ length: many.length }));
  expect(await tier.invalidate(['tag', 'other'], 'token')).toBe(false);
  expect(await tier.invalidate(['tag'], 'later')).toBe(false);
  await own.start();
  await tier.answers();
  // The first read after it knows what was invalidated meanwhile.
  expect(await tier.read('key', ['tag', 'other', 'third'])).toEqual({ text: undefined, leftMs: 0, versions: ['later', 'token', ''], lease: 'none' });
  await ear.hears(3);
  // What was invalidated meanwhile is told of after that, if it was not before.
  expect(ear.heard.slice(0, 3)).toEqual(['back', 'lost', 'back']);
  expect(tier.troubles.map(({ what }) => what)).toEqual(['does not answer', 'answers again']);
});

test('who listens to a frozen Redis learns that it hears nothing, and hears again after it', async () => {
  await using connected = await connectListening(own.url);
  const { tier, ear } = connected;
  own.freeze();
  await ear.hears(2);
  expect(ear.heard).toEqual(['back', 'lost']);
  own.thaw();
  await ear.hears(3);
  await tier.answers();
  expect(await tier.invalidate(['tag'], 'token')).toBe(true);
  await ear.hears(4);
  expect(ear.heard).toEqual(['back', 'lost', 'back', ['tag']]);
});

test('a Redis that is not there yet is used once it is', async () => {
  await using server = await createRedisServer();
  await using tier = connectImpatient(server.url);
  const ear = new Ear();
  tier.listen(ear);
  expect(await tier.read('key', [])).toBeUndefined();
  expect(await tier.invalidate(['tag'], 'token')).toBe(false);
  await server.start();
  await tier.answers();
  await ear.hears(1);
  expect((await tier.read('key', ['tag']))?.versions).toEqual(['token']);
  expect(ear.heard[0]).toBe('back');
});

test('a Redis that loads its data is not there yet', async () => {
  await own.send('DEBUG', 'POPULATE', '2000', 'filler', '100');
  await own.send('SAVE');
  await using before = await connectListening(own.url, { answerMs: 300 });
  // 10 ms for each key: 20 s in all.
  await own.restart({ 'key-load-delay': '10000' });
  await expect(own.send('GET', 'key')).rejects.toThrow(new RedisError('LOADING Redis is loading the dataset in memory'));
  await using during = connectImpatient(own.url);
  await before.tier.rests();
  for (const tier of [before.tier, during]) {
    expect(await tier.read('key', [])).toBeUndefined();
    expect(await tier.invalidate(['tag'], 'token')).toBe(false);
  }
  await expect(own.send('GET', 'key')).rejects.toThrow('LOADING');
  await own.send('CONFIG', 'SET', 'key-load-delay', '0');
  await Promise.all([before.tier.answers(), during.answers()]);
  expect(await before.tier.read('key', [])).toMatchObject({ text: undefined });
  expect(await during.read('key', [])).toMatchObject({ text: undefined });
});

test('a Redis that accepts and never answers is not there, and a network that falls silent is left for a new connection', async () => {
  await using relay = await startRelay(own.url);
  relay.welcome('swallow');
  await using tier = connectImpatient(relay.url);
  const ear = new Ear();
  tier.listen(ear);
  await relay.accepted(2);
  expect(await tier.read('key', [])).toBeUndefined();
  // It is tried again.
  await relay.accepted(4);
  expect(tier.ready).toBe(false);
  relay.welcome('pass on');
  await tier.answers();
  await ear.hears(1);
  expect(await tier.read('key', [])).toMatchObject({ text: undefined, lease: 'none' });
  relay.silence();
  expect(await tier.read('key', [])).toBeUndefined();
  expect(tier.ready).toBe(false);
  await tier.answers();
  await ear.hears(3);
  expect(ear.heard).toEqual(['back', 'lost', 'back']);
  expect(await tier.read('key', [])).toMatchObject({ text: undefined });
});

test.each([
  ['the wrong password', (port: number) => `redis://:not-hunter2@127.0.0.1:${port}`],
  ['nobody’s name', (port: number) => `redis://nobody:not-hunter2@127.0.0.1:${port}`],
  ['no password', (port: number) => `redis://127.0.0.1:${port}`],
])('with %s it is not there, which is said once and without the password', async (_, url) => {
  using admin = await connectWire(own.port);
  await admin.send('CONFIG', 'SET', 'requirepass', 'hunter2');
  await using wrong = connectImpatient(url(own.port));
  await using right = connectImpatient(`redis://:hunter2@127.0.0.1:${own.port}`);
  const [deaf, hearing] = [new Ear(), new Ear()];
  wrong.listen(deaf);
  await wrong.told();
  right.listen(hearing);
  await Promise.all([right.answers(), hearing.hears(1)]);
  expect(await wrong.read('key', [])).toBeUndefined();
  expect(deaf.heard).toEqual([]);
  expect(wrong.troubles).toHaveLength(1);
  expect(wrong.troubles[0]?.error?.message).toMatch(/^(?:WRONGPASS|NOAUTH) /);
  expect(inspect(wrong.troubles, { depth: 9 })).not.toContain('hunter2');
});
