import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { failing } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { createDatabase, type Database, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { backend, type Connected, connectPostgres, gone, sleeping, statement } from './postgres-client.ts';

let database: Database;

beforeAll(async () => { database = await createDatabase(); });
afterAll(async () => { await database.drop(); });

/** A query that runs in Postgres by the time this resolves, and the way to stop it. */
async function running(postgres: Connected) {
  const call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(database.url, { applicationName: 'tributary' });
  return { failed, stop: () => { call.stop(gone); } };
}

test('a query whose caller leaves ends in Postgres too, and its connection goes on', async () => {
  await using postgres = connectPostgres(database.url);
  const before = await postgres.value(backend);
  const { failed, stop } = await running(postgres);
  stop();
  expect(await failed).toBe(gone);
  await waitUntilIdle(database.url);
  expect(await postgres.value(backend)).toBe(before);
  expect(postgres.lost).toEqual([]);
});

test('a query past its deadline ends in Postgres too', async () => {
  await using postgres = connectPostgres(database.url);
  await postgres.value('select 1');
  using call = startCall(50);
  expect(await failing(postgres.rows(sleeping, [], call))).toMatchObject({ code: 'deadline_exceeded', message: 'no answer within 50 ms' });
  await waitUntilIdle(database.url);
});

test('a query that waits for a lock ends as well', async () => {
  await query(database.url, 'create table if not exists locked (id int)');
  await using holder = connectPostgres(database.url);
  await using postgres = connectPostgres(database.url);
  using holding = startCall(30_000);
  const held = failing(holder.rows(statement(`with l as (select pg_advisory_lock(7)) select pg_sleep(60)::text from l`), [], holding));
  await waitUntilBusy(database.url);
  using call = startCall(30_000);
  const failed = failing(postgres.rows(statement('select pg_advisory_lock(7)::text'), [], call));
  await waitUntilBusy(database.url, { count: 2 });
  call.stop(gone);
  expect(await failed).toBe(gone);
  holding.stop(gone);
  await held;
  await waitUntilIdle(database.url);
});

test('a caller who leaves after the answer ends nobody else\'s query', async () => {
  await using relay = await startRelay(database.url);
  await using postgres = connectPostgres(relay.url);
  const call = startCall(5_000);
  await postgres.rows(statement('select 1::text'), [], call);
  call.stop(gone);
  expect(await postgres.value('select pg_sleep(0.01)::text')).toBe('');
  expect(relay.openings).toHaveLength(1);
});

test('however late a cancel comes, it never hits the next query on its connection', async () => {
  const turnsEach = 500;
  let killed = 0;
  let cancelled = 0;
  const race = async () => {
    await using postgres = connectPostgres(database.url);
    await postgres.value(briefly);
    for (let turn = 0; turn < turnsEach; turn++) {
      using call = startCall(10_000);
      const first = postgres.rows(statement(briefly), [], call).then(() => 0, () => 1);
      await moment(turn % 16);
      call.stop(gone);
      // Queued before the cancel has been through, as the next caller's is.
      const next = postgres.value(briefly).then(() => 0, () => 1);
      cancelled += await first;
      killed += await next;
    }
  };
  await Promise.all([race(), race(), race()]);
  expect(killed).toBe(0);
  // A race in which every query was cancelled, or none, would have been none.
  expect(cancelled).toBeGreaterThan(0);
  expect(cancelled).toBeLessThan(3 * turnsEach);
});

/** About as long as a cancel takes to arrive. */
const briefly = 'select pg_sleep(0.001)::text';

/** One of 16 moments from before a brief query is sent until after it has ended. */
async function moment(number: number): Promise<void> {
  const at = performance.now() + number / 8;
  while (performance.now() < at) await new Promise((resolve) => { setImmediate(resolve); });
}

test('a cancel that cannot be delivered costs the connection, and nothing more', async () => {
  await using relay = await startRelay(database.url);
  await using postgres = connectPostgres(relay.url);
  const { failed, stop } = await running(postgres);
  await relay.refuse();
  stop();
  expect(await failed).toBe(gone);
  await waitUntilIdle(database.url, { applicationName: 'tributary' });
});

/** As in production, where it is what does not come that a test is about. */
const impatient = { cancelMs: 250 };

test.each([
  ['nobody answers', 'swallow'],
  ['is answered with nonsense', { say: 'SSH-2.0-OpenSSH\r\n' }],
] as const)('a cancel that %s costs the connection, and the next query has a new one', async (_, welcome) => {
  await using relay = await startRelay(database.url);
  await using postgres = connectPostgres(relay.url, impatient);
  const before = await postgres.value(backend);
  const { failed, stop } = await running(postgres);
  relay.welcome(welcome);
  stop();
  expect(await failed).toBe(gone);
  relay.welcome('pass on');
  const after = await postgres.value(backend);
  expect(after).toMatch(/^\d+$/);
  expect(after).not.toBe(before);
  await waitUntilIdle(database.url, { applicationName: 'tributary' });
});

test('a connection that has gone silent is given up with its query', async () => {
  const relay = await startRelay(database.url);
  const postgres = connectPostgres(relay.url, impatient);
  const { failed, stop } = await running(postgres);
  relay.silence();
  stop();
  expect(await failed).toBe(gone);
  expect(await postgres.value('select 2::text')).toBe('2');
  await postgres.close();
  await relay[Symbol.asyncDispose]();
  await waitUntilIdle(database.url, { applicationName: 'tributary' });
});

test('cancels leave no timer, connection or rejection behind', async () => {
  await using relay = await startRelay(database.url);
  const leaks = watchLeaks();
  {
    await using postgres = connectPostgres(relay.url, { poolSize: 2, ...impatient });
    for (const welcome of ['pass on', 'swallow', { say: 'E' }] as const) {
      relay.welcome('pass on');
      const { failed, stop } = await running(postgres);
      relay.welcome(welcome);
      stop();
      await failed;
      await waitUntilIdle(database.url, { applicationName: 'tributary' });
    }
  }
  await leaks.assertNone();
});
