import { afterAll, beforeAll, expect, test } from 'vitest';
import { held, json, status } from '../support/answers.ts';
import { type Database, lockTable, waitUntilBusy } from '../support/postgres.ts';
import { countStatements, seedDatabase, startGateway } from './gateway.ts';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

test('requests for one user at the same time ask the recommender once, and all have its answer', async () => {
  await using gateway = await startGateway({ database, deadline: '1m' });
  const recommender = held(json(['shared']));
  gateway.upstream.answer(recommender.answer);
  const replies = Array.from({ length: 20 }, () => gateway.ask(1));
  await gateway.underWay(20);
  recommender.release();
  for (const { text } of await Promise.all(replies)) expect(text).toBe('{"user_data":{"name": "User 1"},"recommendations":["shared"],"analytics":{"view": 12, "purchase": 3}}');
  expect(gateway.upstream.requests).toHaveLength(1);
});

test('a shared question that fails is missing for all who shared it, and asked anew by the next', async () => {
  await using gateway = await startGateway({ database, deadline: '1m' });
  const recommender = held(status(500));
  gateway.upstream.answer(recommender.answer, json(['anew']));
  const replies = [gateway.ask(1), gateway.ask(1)];
  await gateway.underWay(2);
  recommender.release();
  for (const reply of await Promise.all(replies)) expect(reply.json).toMatchObject({ recommendations: [], errors: [{ part: 'recommendations' }] });
  expect((await gateway.ask(1)).json).toMatchObject({ recommendations: ['anew'] });
});

test('nobody\'s headers, trace or deadline reach whoever else shares their question', async () => {
  await using gateway = await startGateway({ database, deadline: '1m' });
  const recommender = held(json([]));
  gateway.upstream.answer(recommender.answer);
  const headers = { authorization: 'Bearer secret', cookie: 'a=b', baggage: 'user=1', tracestate: 'a=b', 'x-forwarded-for': '10.0.0.1' };
  const replies = [gateway.ask(1, { headers })];
  const asked = await gateway.upstream.received();
  replies.push(gateway.ask(1));
  await gateway.underWay(2);
  recommender.release();
  const [first, second] = await Promise.all(replies);
  expect(Object.keys(asked.headers).toSorted()).toEqual(['accept', 'connection', 'host', 'traceparent', 'x-envoy-expected-rq-timeout-ms']);
  expect(first?.headers['traceresponse']).not.toBe(second?.headers['traceresponse']);
});

test('users who are asked for while two queries are under way travel together in the next', async () => {
  await using own = await seedDatabase();
  const statements = await countStatements(own);
  await using gateway = await startGateway({ database: own, deadline: '1m' });
  await gateway.ask(20);
  const lock = await lockTable(own.url, 'people');
  const ahead = [gateway.ask(1)];
  await waitUntilBusy(own.url);
  ahead.push(gateway.ask(2));
  await waitUntilBusy(own.url, { count: 2 });
  const together = Array.from({ length: 17 }, (_, at) => gateway.ask(at + 3));
  // Users whom somebody waits for already, and who are not there.
  const besides = [gateway.ask(3), gateway.ask(99), gateway.ask('nobody')];
  await gateway.underWay(22);
  await lock.release();
  const replies = await Promise.all([...ahead, ...together, ...besides]);
  expect(replies.map(({ json }) => (json as { user_data?: { name: string } }).user_data?.name)).toEqual([
    ...Array.from({ length: 19 }, (_, at) => `User ${at + 1}`), 'User 3', undefined, undefined,
  ]);
  // User 20's, two that went ahead, and one for all the others.
  expect(await statements()).toBe(4);
});
