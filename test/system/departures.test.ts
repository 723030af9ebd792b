import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import { type Answer, hang, json, stalled } from '../support/answers.ts';
import type { Exchange } from '../support/http-client.ts';
import { type Database, lockTable, lockTableNext, type TableLock, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { bounded } from '../support/until.ts';
import { countStatements, type Gateway, seedDatabase, startGateway } from './gateway.ts';
import { eventsOf, streamTypes } from './streams.ts';

let database: Database;
let gateway: Gateway;
let locks: readonly TableLock[];
let statements: () => Promise<number>;
/** How many had been counted when the test began, this count included. */
let before: number;

// Nothing here ends by itself: what ends does so because somebody left.
beforeAll(async () => {
  database = await seedDatabase();
  statements = await countStatements(database);
});
beforeEach(async () => {
  before = await statements() + 1;
  gateway = await startGateway({ database, deadline: '1m', statementTimeoutMs: 60_000 });
  locks = [];
});
afterEach(async () => {
  await unlock();
  await gateway[Symbol.asyncDispose]();
});
afterAll(async () => { await database.drop(); });

async function lock(...tables: string[]): Promise<void> {
  // Reads the key columns' types, so that from now on each request is one query of each table.
  await gateway.ask(20);
  locks = await Promise.all(tables.map((table) => lockTable(database.url, table)));
}
const unlock = () => Promise.all(locks.map((lock) => lock.release()));

const ways = ['destroy', 'reset'] as const;

describe.each(ways)('a client that goes away with a %s', (way) => {
  test.each<[string, Answer]>([['before the recommender has answered', hang], ['while it answers', stalled]])('%s takes all its work with it', async (_, answer) => {
    await lock('people', 'analytics');
    gateway.upstream.answer(answer);
    const exchange = await gateway.open(1);
    const asked = await gateway.upstream.received(2);
    await waitUntilBusy(database.url, { count: 2 });
    exchange[way]();
    await waitUntilIdle(database.url);
    expect(await asked.closed).toBe('cut');
    await gateway.underWay(0);
    expect((await gateway.accessLines(2))[1]).toMatchObject({ status: 499, code: 'client_gone', route: '/api/aggregated' });
    expect(gateway.log.filter(({ level }) => level !== 30)).toEqual([]);
  });

  test.each(streamTypes)('in the middle of a stream of %s takes what is left of it', async (accept) => {
    await lock('people');
    const exchange = await gateway.open(1, { headers: { accept } });
    const { next } = await eventsOf(exchange, accept);
    await next();
    await next();
    await waitUntilBusy(database.url);
    exchange[way]();
    await waitUntilIdle(database.url);
    await gateway.underWay(0);
    expect((await gateway.accessLines(2))[1]).toMatchObject({ status: 499, code: 'client_gone' });
  });

  test('leaves the neighbour in its batch with an answer', async () => {
    await lock('people');
    // Two queries are under way, so the next two users wait together and travel in one; which then waits for a lock as well.
    const ahead = [gateway.ask(1)];
    await waitUntilBusy(database.url);
    ahead.push(gateway.ask(2));
    await waitUntilBusy(database.url, { count: 2 });
    const next = await lockTableNext(database.url, 'people');
    const [leaving, staying] = [await gateway.open(3), gateway.ask(4)];
    await gateway.underWay(4);
    await unlock();
    locks = [await next.taken];
    expect((await Promise.all(ahead)).map(({ status }) => status)).toEqual([200, 200]);
    await waitUntilBusy(database.url);
    leaving[way]();
    await gateway.underWay(1);
    await unlock();
    expect((await staying).json).toMatchObject({ user_data: { name: 'User 4' }, recommendations: ['a', 'b'] });
    // User 20's, those ahead, and the one that both shared: nobody's leaving made it start again.
    expect(await statements() - before).toBe(4);
  });

  test('leaves whoever shares its question to the recommender with an answer', async () => {
    const released = Promise.withResolvers<void>();
    gateway.upstream.answer((request, response) => { void released.promise.then(() => { json(['shared'])(request, response); }); });
    const leaving = await gateway.open(1);
    const asked = await gateway.upstream.received();
    const staying = gateway.ask(1);
    await gateway.underWay(2);
    leaving[way]();
    await gateway.underWay(1);
    expect(gateway.upstream.openRequests).toBe(1);
    released.resolve();
    expect((await staying).json).toMatchObject({ user_data: { name: 'User 1' }, recommendations: ['shared'] });
    expect(await asked.closed).toBe('answered');
    expect(gateway.upstream.requests).toHaveLength(1);
  });

  test('last takes the shared question with it', async () => {
    gateway.upstream.answer(hang);
    const both = [await gateway.open(1), await gateway.open(1)];
    const asked = await gateway.upstream.received();
    await gateway.underWay(2);
    for (const exchange of both) exchange[way]();
    expect(await asked.closed).toBe('cut');
    await gateway.underWay(0);
    expect(gateway.upstream.requests).toHaveLength(1);
    gateway.upstream.answer(json(['anew']));
    expect((await gateway.ask(1)).json).toMatchObject({ recommendations: ['anew'] });
  });

  test('before its turn has come is never asked for', async () => {
    await lock('people');
    const ahead = [gateway.ask(1)];
    await waitUntilBusy(database.url);
    ahead.push(gateway.ask(2));
    await waitUntilBusy(database.url, { count: 2 });
    const leaving = await gateway.open(3);
    await gateway.underWay(3);
    leaving[way]();
    await gateway.underWay(2);
    await unlock();
    expect((await Promise.all(ahead)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await gateway.ask(4)).status).toBe(200);
    // Users 20, 1, 2 and 4.
    expect(await statements() - before).toBe(4);
  });
});

test('two hundred clients that hang up at the same time leave nothing running, and the next one is answered', async () => {
  await lock('people', 'analytics');
  gateway.upstream.answer(hang);
  const exchanges = await Promise.all(Array.from({ length: 200 }, (_, at): Promise<Exchange> => gateway.open((at % 20) + 1)));
  await gateway.underWay(200);
  exchanges.forEach((exchange, at) => { exchange[ways[at % 2]!](); });
  await bounded(Promise.all(exchanges.map(({ closed }) => closed)), () => 'expected all connections to close');
  await gateway.underWay(0);
  await waitUntilIdle(database.url);
  await gateway.upstream.allClosed();
  expect((await gateway.accessLines(201)).filter(({ status }) => status === 499)).toHaveLength(200);
  await unlock();
  gateway.upstream.answer(json(['a', 'b']));
  expect((await gateway.ask(1)).json).toEqual({ user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 12, purchase: 3 } });
});
