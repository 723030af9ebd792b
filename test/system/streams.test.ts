import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hang, held, json, status } from '../support/answers.ts';
import { internals } from '../support/failing.ts';
import { keepAlive } from '../support/http-client.ts';
import { createDatabase, type Database, lockTable, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { type Gateway, type GatewayOptions, seedDatabase, startGateway } from './gateway.ts';
import { expectProblem } from './problems.ts';
import { eventsOf, type StreamType, streamTypes } from './streams.ts';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const start = (options: Omit<GatewayOptions, 'database'> = {}, own: Pick<Database, 'url'> = database): Promise<Gateway> =>
  startGateway({ database: own, deadline: '1m', ...options });

const took = expect.any(Number) as number;
const userData = { event: 'part', part: 'user_data', state: 'live', took_ms: took, data: { name: 'User 1' } };
const analytics = { event: 'part', part: 'analytics', state: 'live', took_ms: took, data: { view: 12, purchase: 3 } };
const recommended = { event: 'part', part: 'recommendations', state: 'live', took_ms: took, data: ['a', 'b'] };

const live = (...parts: string[]) => parts.map((part) => ({ part, state: 'live', took_ms: took }));
const byPart = (events: readonly (object | undefined)[]) => events.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

describe.each(streamTypes)('%s', (type: StreamType) => {
  const headers = { accept: type };

  test('sends each part as it lands, however long another one takes, and then how all of them came about', async () => {
    await using gateway = await start();
    const recommender = held(json(['a', 'b']));
    gateway.upstream.answer(recommender.answer);
    using exchange = await gateway.open(1, { headers });
    const stream = await eventsOf(exchange, type);
    const early = [await stream.next(), await stream.next()];
    expect(byPart(early)).toEqual(byPart([userData, analytics]));
    expect(gateway.upstream.openRequests).toBe(1);
    recommender.release();
    expect(await stream.rest()).toEqual([
      recommended,
      { event: 'end', complete: true, parts: [...early.map((part) => live(String(part?.['part']))), live('recommendations')].flat() },
    ]);
    await gateway.upstream.allClosed();
  });

  test('says by its headers what it is, and that nobody may keep it or hold it back', async () => {
    await using gateway = await start();
    const { head, rest } = await eventsOf(await gateway.open(1, { headers }), type);
    expect(head.statusCode).toBe(200);
    expect(head.headers).toMatchObject({
      'content-type': type, 'cache-control': 'no-store', vary: 'accept', 'x-accel-buffering': 'no', 'transfer-encoding': 'chunked',
      traceresponse: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
    });
    await rest();
    expect(await gateway.accessLines(1)).toMatchObject([{ status: 200, route: '/api/aggregated' }]);
  });

  test('says of a part that is missing why, where it stands and at the end', async () => {
    await using gateway = await start();
    gateway.upstream.answer(status(500, 'select * from secrets'));
    const { rest } = await eventsOf(await gateway.open(1, { headers }), type);
    const events = await rest();
    const error = { part: 'recommendations', code: 'source_failed', detail: 'the recommendations service answered with an error' };
    expect(byPart(events.slice(0, 3))).toEqual(byPart([userData, analytics, { ...recommended, state: 'missing', error, data: [] }]));
    expect(events[3]).toMatchObject({ event: 'end', complete: false, errors: [error] });
    expect(events).toHaveLength(4);
    expect(JSON.stringify(events)).not.toMatch(internals);
    expect(await gateway.accessLines(1)).toMatchObject([{ status: 200, missing: { recommendations: 'source_failed' } }]);
  });

  test('ends at the deadline, without the parts that are not there by then', async () => {
    await using gateway = await start({ deadline: '1s' });
    // Connects, which on a busy machine may take its time.
    await gateway.ask(1);
    gateway.upstream.answer(hang);
    const { rest } = await eventsOf(await gateway.open(1, { headers }), type);
    const error = { part: 'recommendations', code: 'deadline_exceeded', detail: 'no answer within 950 ms' };
    expect((await rest()).slice(2)).toMatchObject([{ part: 'recommendations', state: 'missing', error, data: [] }, { event: 'end', complete: false, errors: [error] }]);
    await gateway.upstream.allClosed();
  });

  test('closes with a problem when a required part fails after others have been sent', async () => {
    await using gateway = await start();
    await gateway.ask(1);
    const lock = await lockTable(database.url, 'users');
    const { head, next, rest } = await eventsOf(await gateway.open(1, { headers }), type);
    expect(byPart([await next(), await next()])).toEqual(byPart([recommended, analytics]));
    const [running] = await waitUntilBusy(database.url);
    await query(database.url, 'select pg_terminate_backend($1, 5000)', [running?.pid]);
    expect(await rest()).toEqual([{
      event: 'problem', type: 'urn:tributary:problem:source-failed', title: 'A required part failed', status: 502,
      detail: 'a query of the user database failed', code: 'source_failed', part: 'user_data', trace_id: String(head.headers['traceresponse']).split('-')[1],
    }]);
    await lock.release();
    expect((await gateway.accessLines(2))[1]).toMatchObject({ status: 200, code: 'source_failed' });
  });

  test('logs why a required part failed after others had been sent', async () => {
    await using gateway = await start({ statementTimeoutMs: 100 });
    await using _lock = await lockTable(database.url, 'users');
    const { rest } = await eventsOf(await gateway.open(1, { headers }), type);
    expect((await rest()).at(-1)).toMatchObject({ event: 'problem', status: 504, code: 'deadline_exceeded' });
    await gateway.accessLines(1);
    expect(gateway.log.filter(({ level }) => level === 50)).toMatchObject([{ code: 'deadline_exceeded', part: 'user_data', err: { code: expect.stringMatching(/^(55P03|57014)$/) } }]);
  });

  test('is a problem with its proper status when a required part fails first', async () => {
    await using gateway = await start();
    await using _lock = await lockTable(database.url, 'analytics');
    gateway.upstream.answer(hang);
    expectProblem(await gateway.ask(99, { headers }), { status: 404, code: 'not_found', title: 'Not found', detail: 'there is nothing under this key', part: 'user_data' });
    await gateway.upstream.allClosed();
    await waitUntilIdle(database.url);
  });

  test('is a problem when the input is not valid', async () => {
    await using gateway = await start();
    expect((await gateway.ask('!', { headers })).headers['content-type']).toBe('application/problem+json');
  });

  test('has each event on one line, however the data was stored', async () => {
    await using own = await createDatabase();
    await query(own.url, `create table users as select 1 as id, E'{\\r\\n  "name":\\n "Ada"\\n}'::json as data`);
    await query(own.url, 'create table analytics (user_id integer, event_type text, count bigint)');
    await using gateway = await start({}, own);
    const { rest } = await eventsOf(await gateway.open(1, { headers }), type);
    expect(await rest()).toContainEqual({ ...userData, data: { name: 'Ada' } });
  });

  test('asked for with HEAD leaves nothing running', async () => {
    await using gateway = await start();
    gateway.upstream.answer(hang);
    const reply = await gateway.ask(1, { method: 'HEAD', headers });
    expect([reply.status, reply.text]).toEqual([200, '']);
    await gateway.upstream.allClosed();
  });
});

test.each([
  ['application/json, text/event-stream;q=0.5', 'application/json'],
  ['text/html, */*', 'application/json'],
  ['text/event-stream;q=0', 'application/json'],
  ['application/x-ndjson;q=0.9, text/event-stream;q=0.8', 'application/x-ndjson'],
])('of what a client accepts, %s, it gets %s', async (accept, type) => {
  await using gateway = await start();
  expect((await gateway.ask(1, { headers: { accept } })).headers['content-type']).toBe(type);
});

test('a connection carries one stream after another', async () => {
  await using gateway = await start();
  using connection = keepAlive();
  const headers = { accept: 'application/x-ndjson' };
  const replies = [await gateway.ask(1, { headers, connection }), await gateway.ask(2, { headers, connection })];
  expect(replies.map(({ text, reused }) => [text.split('\n').length, reused])).toEqual([[5, false], [5, true]]);
});
