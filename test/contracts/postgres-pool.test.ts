import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { recordSpans, sampledTrace } from '../core/spans.ts';
import { failing, internals } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { createDatabase, type Database, lockTable, query, waitUntilBusy, waitUntilDisconnected, waitUntilIdle } from '../support/postgres.ts';
import { bounded } from '../support/until.ts';
import { backend, connectPostgres, gone, sleeping, statement } from './postgres-client.ts';

let database: Database;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, 'create table users as select 1 as id');
});
afterAll(async () => { await database.drop(); });

const ended = recordSpans();
const users = statement('select id::text from users');

test('who finds no connection in time is refused as overloaded, and nobody is left waiting', async () => {
  await using postgres = connectPostgres(database.url, { poolSize: 2, poolWaitMs: 200 });
  await Promise.all([postgres.value('select 1'), postgres.value('select 1')]);
  await using lock = await lockTable(database.url, 'users');
  using call = startCall(30_000);
  const outcomes = Array.from({ length: 200 }, () =>
    postgres.rows(users, [], call).then((rows) => rows[0]?.[0], ({ code, message, retryAfterMs }: Record<string, unknown>) => ({ code, message, retryAfterMs })));
  const refused = await Promise.all(outcomes.slice(2));
  expect(new Set(refused.map((outcome) => JSON.stringify(outcome)))).toEqual(new Set([
    JSON.stringify({ code: 'overloaded', message: 'no connection to the user database became free in time', retryAfterMs: 1_000 }),
  ]));
  expect(await waitUntilBusy(database.url, { count: 2 })).toHaveLength(2);
  await lock.release();
  expect(await Promise.all(outcomes.slice(0, 2))).toEqual(['1', '1']);
  expect(await postgres.value('select 2::text')).toBe('2');
});

test('who leaves while waiting for a connection asks nothing once there is one', async () => {
  await query(database.url, 'create sequence asked');
  await using postgres = connectPostgres(database.url);
  using first = startCall(30_000);
  const held = failing(postgres.rows(sleeping, [], first));
  await waitUntilBusy(database.url);
  const second = startCall(30_000);
  const waiting = failing(postgres.rows(statement(`select nextval('asked')::text`), [], second));
  second.stop(gone);
  first.stop(gone);
  expect(await held).toBe(gone);
  expect(await waiting).toBe(gone);
  expect(await postgres.value(`select nextval('asked')::text`)).toBe('1');
});

test('who leaves at any moment while a connection is handed to them has no query left running', async () => {
  await using postgres = connectPostgres(database.url);
  // The connection goes from one query to the next within some microtasks; each of these leaves at another one.
  for (let microtasks = 0; microtasks < 16; microtasks++) {
    const second = startCall(30_000);
    const first = postgres.value('select 1::text');
    const waiting = failing(postgres.rows(sleeping, [], second));
    await first;
    for (let left = microtasks; left > 0; left--) await Promise.resolve();
    second.stop(gone);
    expect(await bounded(waiting, () => `expected the query to end that was given up after ${microtasks} microtasks`)).toBe(gone);
  }
  await waitUntilIdle(database.url);
});

test.each([
  ['a slow query', sleeping.text],
  ['a query that waits for a lock', users.text],
])('%s is ended by the server itself, which counts as a missed deadline', async (_, text) => {
  await using _lock = await lockTable(database.url, 'users');
  await using postgres = connectPostgres(database.url, { statementTimeoutMs: 250 });
  const before = await postgres.value(backend);
  using call = startCall(30_000);
  const failure = await failing(postgres.rows(statement(text), [], call));
  expect(failure).toMatchObject({ code: 'deadline_exceeded', message: 'the user database gave up on a query', cause: { code: expect.stringMatching(/57014|55P03/) } });
  expect(await postgres.value(backend)).toBe(before);
});

test('a server without a connection to spare is overloaded', async () => {
  const role = `narrow_${database.name}`;
  await query(database.url, `create role ${role} login password 'narrow' connection limit 1`);
  const url = Object.assign(new URL(database.url), { username: role, password: 'narrow' }).href;
  {
    await using first = connectPostgres(url);
    await first.value('select 1');
    await using second = connectPostgres(url);
    using call = startCall(5_000);
    const failure = await failing(second.rows(statement('select 1'), [], call));
    expect(failure).toMatchObject({ code: 'overloaded', cause: { code: '53300' } });
    expect(failure.message).not.toMatch(internals);
  }
  await query(database.url, `drop role ${role}`);
});

test('the span of a query that found no connection free says how long it waited, and no other does', async () => {
  await using postgres = connectPostgres(database.url);
  await postgres.value('select 1');
  const trace = sampledTrace('part');
  using call = startCall(30_000, trace);
  const lock = await lockTable(database.url, 'users');
  const first = postgres.rows(users, [], call);
  await waitUntilBusy(database.url);
  const second = postgres.rows(users, [], call);
  await lock.release();
  await Promise.all([first, second]);
  trace.span.end();
  const waits = ended.filter(({ name }) => name === users.summary).map(({ attributes }) => attributes['tributary.pool.wait_ms']);
  expect(waits).toEqual([undefined, expect.any(Number)]);
});

test('closing waits for the query under way and leaves nothing, here or there', async () => {
  const leaks = watchLeaks();
  const postgres = connectPostgres(database.url, { poolSize: 3 });
  await Promise.all([postgres.value('select 1'), postgres.value('select 1'), postgres.value('select 1')]);
  const lock = await lockTable(database.url, 'users');
  const last = postgres.value(users.text);
  await waitUntilBusy(database.url);
  const closed = postgres.close();
  await lock.release();
  expect(await last).toBe('1');
  await closed;
  await leaks.assertNone();
  await waitUntilDisconnected(database.url);
});

test('closing a client that was never asked does nothing', async () => {
  const leaks = watchLeaks();
  await connectPostgres(database.url).close();
  await leaks.assertNone();
});

test('a closed client is a failed source', async () => {
  const postgres = connectPostgres(database.url);
  await postgres.close();
  using call = startCall(5_000);
  expect(await failing(postgres.rows(statement('select 1'), [], call))).toMatchObject({ code: 'source_failed', message: 'the user database could not be reached' });
});
