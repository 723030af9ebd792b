import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, RedisError, type RedisServer, startRedis } from '../support/redis.ts';
import { closedPort } from '../support/upstream.ts';
import { connectListening, type Connected, type Ear, wanted } from './redis-client.ts';

let own: RedisServer;
let connected: Awaited<ReturnType<typeof connectListening>>;
let tier: Connected;
let ear: Ear;

beforeEach(async () => {
  own = await startRedis();
  connected = await connectListening(own.url);
  ({ tier, ear } = connected);
  tier.put('key', 'text', 60_000);
  await tier.invalidate(['tag'], 'first');
  await ear.hears(2);
});
afterEach(async () => {
  await connected[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

/** A Redis that reads and does not write, and how it is cured. */
const kinds = [
  ['without memory', 'OOM', () => own.send('CONFIG', 'SET', 'maxmemory', '1'), () => own.send('CONFIG', 'SET', 'maxmemory', '0')],
  ['that is a replica', 'READONLY', async () => own.send('REPLICAOF', '127.0.0.1', String(await closedPort())), () => own.send('REPLICAOF', 'NO', 'ONE')],
] as const;

test.each(kinds)('a Redis %s is read, and what it refuses to write is lost', async (_, code, ail, cure) => {
  await ail();
  await expect(own.send('SET', 'plain', 'text')).rejects.toThrow(new RegExp(`^${code} `));
  tier.put('new', 'secret text', 60_000);
  tier.put('key', 'secret text', 60_000);
  expect(await tier.read('new', ['tag'], wanted('mine'))).toEqual({ text: undefined, leftMs: 0, versions: ['first'], lease: 'none' });
  expect(await tier.read('key', ['tag'], { ...wanted('mine'), unlessLeftMs: 90_000 })).toMatchObject({ text: 'text', versions: ['first'], lease: 'none' });
  expect(tier.ready).toBe(true);
  // Several were refused within a second, and one is told of, with no word of what was to be stored.
  expect(tier.troubles).toEqual([{ what: 'refused a command', error: expect.objectContaining({ message: expect.stringMatching(new RegExp(`^${code} `)) }) }]);
  expect(inspect(tier.troubles, { depth: 9 })).not.toContain('secret');
  await cure();
  tier.put('new', 'later', 60_000);
  expect((await tier.read('new', []))?.text).toBe('later');
  expect((await tier.read('other', [], wanted('mine')))?.lease).toBe('won');
});

test.each(kinds)('what a Redis %s did not invalidate it is asked again, until it does', async (_, code, ail, cure) => {
  await ail();
  await expect(own.send('SET', 'plain', 'text')).rejects.toThrow(RedisError);
  expect(await tier.invalidate(['tag', 'more'], 'second')).toBe(false);
  expect((await tier.read('key', ['tag', 'more']))?.versions).toEqual(['first', '']);
  expect(tier.ready).toBe(true);
  expect(tier.troubles[0]?.error?.message).toContain(code);
  await cure();
  await ear.hears(3);
  expect((await tier.read('key', ['tag', 'more']))?.versions).toEqual(['second', 'second']);
  expect(ear.heard).toEqual(['back', ['tag'], ['tag', 'more']]);
});

test('a lease goes back even where there is no memory for what was loaded under it', async () => {
  expect((await tier.read('new', [], wanted('mine')))?.lease).toBe('won');
  await own.send('CONFIG', 'SET', 'maxmemory', '1');
  tier.put('new', 'text', 60_000, 'mine');
  await tier.read('new', []);
  await own.send('CONFIG', 'SET', 'maxmemory', '0');
  expect(await tier.read('new', [], wanted('next'))).toMatchObject({ text: undefined, lease: 'won' });
});

test('what of several tags is taken is told of, though a later one is refused', async () => {
  // A user whose scripts may write one of them and only read the other.
  const { namespace } = tier;
  await own.send('ACL', 'SETUSER', 'half', 'on', '>secret', '+@all', '-set', '&*', '~*', `(+set ~${namespace}:1:tag:may)`);
  await using half = await connectListening(own.url.replace('//', '//half:secret@'), { namespace });
  expect(await half.tier.invalidate(['may', 'may not'], 'x')).toBe(false);
  await ear.hears(3);
  expect(ear.heard).toEqual(['back', ['tag'], ['may']]);
  expect((await tier.read('key', ['may', 'may not']))?.versions).toEqual(['x', '']);
  expect(half.tier.ready).toBe(true);
  expect(half.tier.troubles).toMatchObject([{ what: 'refused a command', error: { message: expect.stringContaining('user executing the script') } }]);
});

test('what anybody else publishes is not heard', async () => {
  const channel = `${tier.namespace}:1:gone`;
  for (const text of ['', 'x', 'null', '1', '"tags"', '[]', '{}', '{"tags":null}', '{"tags":"a"}', '{"tags":[1]}', '{"tags":["a",null]}', '{"tags":{"length":1}}']) {
    expect(await own.send('PUBLISH', channel, text)).toBe(1);
  }
  await own.send('PUBLISH', 'another', '{"tags":["a"]}');
  expect(await own.send('PUBLISH', channel, '{"tags":["last"],"more":1}')).toBe(1);
  await ear.hears(3);
  expect(ear.heard).toEqual(['back', ['tag'], ['last']]);
});

test('what somebody else has put at our keys costs that key alone', async () => {
  const key = (name: string) => `${tier.namespace}:1:${name}`;
  await own.send('SADD', key('{set}'), 'x');
  await own.send('SET', key('{eternal}'), 'x');
  await own.send('SADD', key('tag:set'), 'x');
  expect(await tier.read('set', [])).toBeUndefined();
  expect(await tier.read('eternal', [])).toEqual({ text: 'x', leftMs: 0, versions: [], lease: 'none' });
  expect(tier.ready).toBe(true);
  expect(await tier.invalidate(['set'], 'token')).toBe(true);
  expect((await tier.read('key', ['set']))?.versions).toEqual(['token']);
  tier.drop('set');
  await eventually(async () => (await tier.read('set', [])) !== undefined, () => 'expected the set to be dropped');
  expect(tier.troubles).toMatchObject([{ what: 'refused a command', error: { message: expect.stringMatching(/^WRONGTYPE/) } }]);
});

test('one round trip is one command', async () => {
  await own.send('CONFIG', 'RESETSTAT');
  await tier.read('key', ['a', 'b', 'c'], wanted('mine'));
  const counts = await own.commandCounts();
  // The entry and three tags, inside of the script.
  expect(Object.fromEntries(counts)).toMatchObject({ evalsha: 1, get: 4, pttl: 1 });
  expect(counts.has('eval')).toBe(false);
});
