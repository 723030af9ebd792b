import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hang } from '../support/answers.ts';
import { type Database, lockTable, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { closedPort } from '../support/upstream.ts';
import { seedDatabase, startGateway } from './gateway.ts';
import { expectProblem } from './problems.ts';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const notFound = { status: 404, code: 'not_found', title: 'Not found', detail: 'there is nothing under this key', part: 'user_data' };
const failed = (detail: string) => ({ status: 502, code: 'source_failed', title: 'A required part failed', detail, part: 'user_data' });

test('a user who is not there is a 404 at once, and what was asked for them besides is given up', async () => {
  // Were the others waited for, there would be no answer for a minute.
  await using own = await seedDatabase();
  await using gateway = await startGateway({ database: own, deadline: '1m' });
  await using _lock = await lockTable(own.url, 'analytics');
  gateway.upstream.answer(hang);
  expectProblem(await gateway.ask(99), notFound);
  expect(await gateway.upstream.requests[0]?.closed).toBe('cut');
  await waitUntilIdle(own.url);
  expect(await gateway.accessLines(1)).toMatchObject([{ status: 404, code: 'not_found', route: '/api/aggregated' }]);
});

test.each(['abc', '99999999999999999999', '-', '_', 'a'.repeat(64)])('an id that no user can have is a 404 like any other: %s', async (id) => {
  await using gateway = await startGateway({ database });
  const [reply, neighbour] = await Promise.all([gateway.ask(id), gateway.ask(1)]);
  expectProblem(reply, notFound);
  expect(neighbour.status).toBe(200);
});

describe.concurrent('users that are locked', () => {
  test.for([504, 408] as const)('are a %s by the deadline, with nothing left behind', async (timeoutStatus) => {
    await using own = await seedDatabase();
    await using gateway = await startGateway({ database: own, deadline: '500ms', timeoutStatus });
    await using _lock = await lockTable(own.url, 'users');
    gateway.upstream.answer(hang);
    expectProblem(await gateway.ask(1), {
      status: timeoutStatus, code: 'deadline_exceeded', title: 'A required part did not answer in time', detail: 'no answer within 450 ms', part: 'user_data',
    });
    await waitUntilIdle(own.url);
    await gateway.upstream.allClosed();
  });

  test('and longer than the server itself lets anybody wait, are a 504 too', async () => {
    await using own = await seedDatabase();
    await using gateway = await startGateway({ database: own, deadline: '1m', statementTimeoutMs: 100 });
    await using _lock = await lockTable(own.url, 'users');
    expectProblem(await gateway.ask(1), {
      status: 504, code: 'deadline_exceeded', title: 'A required part did not answer in time', detail: 'the user database gave up on a query', part: 'user_data',
    });
  });
});

test('a table that is gone is a 502, the reason only in the log', async () => {
  await using own = await seedDatabase();
  await query(own.url, 'drop table users');
  await using gateway = await startGateway({ database: own });
  const reply = await gateway.ask(1);
  expectProblem(reply, failed('a query of the user database failed'));
  await gateway.accessLines(1);
  expect(gateway.log.filter(({ level }) => level === 50)).toMatchObject([{
    code: 'source_failed', part: 'user_data', err: { message: 'relation "users" does not exist' }, trace_id: String(reply.headers['traceresponse']).split('-')[1],
  }]);
});

test.each([
  ['that is not there', async () => `postgres://u:secret@127.0.0.1:${await closedPort()}/db`],
  ['that lets nobody in', async () => Object.assign(new URL(database.url), { password: 'wrong' }).href],
])('a database %s is a 502', async (_, url) => {
  await using gateway = await startGateway({ database, databaseUrl: await url() });
  const reply = await gateway.ask(1);
  expectProblem(reply, failed('the user database could not be reached'));
  expect(reply.text).not.toContain('secret');
});

test('who finds no connection in time is sent away with a 503, to come again', async () => {
  await using own = await seedDatabase();
  await using gateway = await startGateway({ database: own, deadline: '1m', poolSize: 1, poolWaitMs: 1_000 });
  await gateway.ask(1);
  const lock = await lockTable(own.url, 'users');
  const first = gateway.ask(2);
  await waitUntilBusy(own.url);
  const reply = await gateway.ask(3);
  expectProblem(reply, {
    status: 503, code: 'overloaded', title: 'Overloaded', detail: 'no connection to the user database became free in time', part: 'user_data',
  });
  expect(reply.headers['retry-after']).toBe('1');
  await lock.release();
  expect((await first).json).toMatchObject({ user_data: { name: 'User 2' } });
});
