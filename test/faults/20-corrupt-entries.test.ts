// Row 20. What Redis holds under our keys is cut off, changed, of another version, another user's or no text at all: it is
// a miss for that key alone, and makes room for what is loaded instead.
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { hang, json } from '../support/answers.ts';
import { type Database, lockTable } from '../support/postgres.ts';
import { eventually, type RedisServer, startRedis } from '../support/redis.ts';
import { seedDatabase } from '../system/gateway.ts';
import { isKept, type RedisGateway, startRedisGateway } from '../system/redis-gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('an entry was kept', 'a spoiled one was a miss', 'a spoiled one was deleted', 'it was kept anew');

let database: Database;
let redis: RedisServer;
let gateway: RedisGateway;

beforeAll(async () => {
  [database, redis] = await Promise.all([seedDatabase(), startRedis()]);
  gateway = await startRedisGateway(redis, { database });
});
/** User 1's three parts are kept, and nothing else is. */
beforeEach(async () => {
  await redis.send('FLUSHALL');
  await gateway.untilKept(1);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await Promise.all([database.drop(), redis[Symbol.asyncDispose]()]);
});

/** With a sum that is right, so that what is wrong is what it says. */
const summed = (text: string) => `${crc32(text)}\n${text}`;
/** The line about the value, and the value, as another version of this service would have written them. */
const otherwise = (text: string, change: (about: unknown[]) => unknown) => {
  const [, about = '', ...value] = text.split('\n');
  return summed(`${JSON.stringify(change(JSON.parse(about) as unknown[]))}\n${value.join('\n')}`);
};
const withAt = (at: number, value: unknown) => (about: unknown[]) => about.with(at, value);

/** What becomes of an entry's text. */
const ways: readonly [string, (text: string) => string][] = [
  ['is empty', () => ''],
  ['is garbage', () => '\u0000\u00ff{"a":'],
  ['is JSON of somebody else', () => '{"user_data":{"name":"Mallory"}}'],
  ['lost its end', (text) => text.slice(0, -1)],
  ['lost its beginning', (text) => text.slice(1)],
  ['was cut in half', (text) => text.slice(0, text.length / 2)],
  ['has one more character', (text) => `${text} `],
  ['has a changed value', (text) => text.replace(/[a-z](?=[^a-z]*$)/, 'Z')],
  ['has a changed sum', (text) => `9${text}`],
  ['is of version 0', (text) => otherwise(text, withAt(0, 0))],
  ['is of version 1', (text) => otherwise(text, withAt(0, 1))],
  ['is of a version to come', (text) => otherwise(text, withAt(0, 99))],
  ['is another user’s', (text) => otherwise(text, withAt(1, '2'))],
  ['has limits that are none', (text) => otherwise(text, withAt(2, -1))],
  ['says less than it should', (text) => otherwise(text, (about) => about.slice(0, 5))],
  ['says null', (text) => otherwise(text, () => null)],
];

const keysOf = async (): Promise<readonly string[]> => (await redis.send('KEYS', 'test:1:{*}')) as string[];

/** Asks for what is spoiled, and sees it loaded and kept anew. */
async function expectMended(): Promise<void> {
  const reply = await gateway.ask(1);
  expectComplete([reply]);
  expect(reply.json).toMatchObject({ user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 12, purchase: 3 } });
  expect(String(reply.headers['cache-status']).match(/fwd=miss/g)).toHaveLength(3);
  saw('a spoiled one was a miss');
  await gateway.untilKept(1);
  saw('it was kept anew');
}

async function spoilAll(spoil: (text: string) => string): Promise<void> {
  saw('an entry was kept', isKept(await gateway.ask(1)));
  for (const key of await keysOf()) await redis.send('SET', key, spoil(String(await redis.send('GET', key))), 'KEEPTTL');
}

test.each(ways)('an entry that %s is a miss, and is replaced', async (_, spoil) => {
  await spoilAll(spoil);
  await expectMended();
});

test('an entry that is no good is deleted by whoever reads it, before there is anything to replace it', async () => {
  await using _users = await lockTable(database.url, 'users');
  await using _counts = await lockTable(database.url, 'analytics');
  gateway.upstream.answer(hang);
  await spoilAll(() => 'garbage');
  expect(await keysOf()).toHaveLength(3);
  using exchange = await gateway.open(1);
  await eventually(async () => (await keysOf()).length === 0, () => 'expected all three to be deleted');
  saw('a spoiled one was deleted');
  exchange.destroy();
  gateway.upstream.answer(json(['a', 'b']));
});

test('an entry that is no text at all is not read, and costs nobody an answer', async () => {
  for (const key of await keysOf()) {
    await redis.send('DEL', key);
    await redis.send('RPUSH', key, 'x');
  }
  for (let turn = 0; turn < 3; turn++) expectComplete([await gateway.ask(1)]);
  for (const key of await keysOf()) await redis.send('DEL', key);
  await gateway.untilKept(1);
});

test('an entry without an end is not for ever', async () => {
  for (const key of await keysOf()) await redis.send('PERSIST', key);
  await expectMended();
  for (const key of await keysOf()) expect(Number(await redis.send('PTTL', key))).toBeGreaterThan(0);
});
