import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { failing, internals } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { activeQueries, createDatabase, type Database, lockTable, query, waitUntilBusy, waitUntilDisconnected, waitUntilIdle } from '../support/postgres.ts';
import { eventually } from '../support/redis.ts';
import { startRelay } from '../support/relay.ts';
import { type Connected, connectPostgres, gone, statement } from './postgres-client.ts';

let database: Database;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, 'create table things (id int primary key, whole int references things deferrable initially deferred)');
  // At the commit of a transaction that has put in a thing above 1000, it sleeps: so that something can happen meanwhile.
  await query(database.url, `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return null; end $$`);
  await query(database.url, 'create constraint trigger slow after insert on things deferrable initially deferred for each row when (new.id > 1000) execute function slow()');
});
beforeEach(async () => { await query(database.url, 'delete from things'); });
afterAll(async () => { await database.drop(); });

const put = statement('insert into things (id) values ($1)');
const backend = statement('select pg_backend_pid()::text');
const things = async () => (await query(database.url, 'select id from things order by id')).map(({ id }) => id);
const seconds = () => startCall(20_000);

/** Of the connection that transactions run on. */
async function backendOf(postgres: Connected) {
  using call = seconds();
  const [row] = await postgres.transaction(call, ({ rows }) => rows(backend, []));
  return row?.[0];
}

test('what is done together is there together, and not before', async () => {
  await using postgres = connectPostgres(database.url);
  using call = seconds();
  const answer = await postgres.transaction(call, async ({ rows }) => {
    await rows(put, [1]);
    await rows(put, [2]);
    expect(await things()).toEqual([]);
    return 'done';
  });
  expect(answer).toBe('done');
  expect(await things()).toEqual([1, 2]);
  await waitUntilIdle(database.url);
});

test.each([
  ['work that fails', async () => { throw new Failure('not_found', 'nothing'); }, { code: 'not_found', message: 'nothing' }],
  ['a statement that fails', async (rows: (values: readonly unknown[]) => Promise<unknown>) => { await rows([1]); }, { code: 'source_failed', message: 'a query of the user database failed' }],
])('%s leaves nothing, and its connection goes on', async (_, go, expected) => {
  await using postgres = connectPostgres(database.url);
  const before = await backendOf(postgres);
  using call = seconds();
  const failure = await failing(postgres.transaction(call, async ({ rows }) => {
    await rows(put, [1]);
    await go((values) => rows(put, values));
  }));
  expect(failure).toMatchObject(expected);
  expect(await things()).toEqual([]);
  expect(await backendOf(postgres)).toBe(before);
  await waitUntilIdle(database.url);
});

test('a failed statement that the work passes over is not taken for a success', async () => {
  await using postgres = connectPostgres(database.url);
  using call = seconds();
  await expect(postgres.transaction(call, async ({ rows }) => {
    await rows(put, [1]);
    await rows(put, [1]).catch(() => undefined);
  })).rejects.toThrow('expected COMMIT, but got ROLLBACK');
  expect(await things()).toEqual([]);
});

test('who leaves in a statement has it cancelled and nothing done, and the connection goes on', async () => {
  await using postgres = connectPostgres(database.url);
  const before = await backendOf(postgres);
  const call = seconds();
  const failed = failing(postgres.transaction(call, async ({ rows }) => {
    await rows(put, [1]);
    await rows(statement('select pg_sleep(60)::text'), []);
  }));
  await waitUntilBusy(database.url, { applicationName: 'tributary' });
  call.stop(gone);
  expect(await failed).toBe(gone);
  expect(await things()).toEqual([]);
  expect(await backendOf(postgres)).toBe(before);
});

test('who leaves between statements has nothing done either', async () => {
  await using postgres = connectPostgres(database.url);
  for (const more of [true, false]) {
    const call = seconds();
    expect(await failing(postgres.transaction(call, async ({ rows }) => {
      await rows(put, [1]);
      call.stop(gone);
      if (more) await rows(put, [2]);
    }))).toBe(gone);
  }
  expect(await things()).toEqual([]);
  await waitUntilIdle(database.url);
});

test('what Postgres refuses at the commit was not done, and is known not to be', async () => {
  await using postgres = connectPostgres(database.url);
  using call = seconds();
  const failure = await failing(postgres.transaction(call, async ({ rows }) => { await rows(statement('insert into things values ($1, 999)'), [1]); }));
  expect(failure).toMatchObject({ code: 'source_failed', cause: { code: '23503' } });
  expect(await things()).toEqual([]);
});

test('where the answer to a commit is lost, nobody claims to know', async () => {
  await using relay = await startRelay(database.url);
  await using postgres = connectPostgres(relay.url, { statementTimeoutMs: 1_000 });
  using call = seconds();
  const failure = await failing(postgres.transaction(call, async ({ rows }) => {
    await rows(put, [1]);
    await relay.suffer({ kind: 'hang' });
  }));
  expect(failure.code).toBe('outcome_unknown');
  expect(failure.message).not.toMatch(internals);
  // It was done, as it happens.
  expect(await things()).toEqual([1]);
  await relay.suffer(undefined);
  expect(await backendOf(postgres)).toMatch(/^\d+$/);
});

test('a commit whose backend is killed is as uncertain, and the caller who leaves meanwhile does not cancel it', async () => {
  await using postgres = connectPostgres(database.url);
  const call = seconds();
  const failed = failing(postgres.transaction(call, async ({ rows }) => { await rows(put, [1_001]); }));
  const committing = async () => (await activeQueries(database.url, 'tributary')).find((running) => running.query === 'commit')?.pid;
  await eventually(async () => (await committing()) !== undefined, () => 'expected a commit that takes its time');
  const pid = await committing();
  call.stop(gone);
  expect(await committing()).toBe(pid);
  await query(database.url, 'select pg_terminate_backend($1, 5000)', [pid]);
  expect((await failed).code).toBe('outcome_unknown');
  expect(await things()).toEqual([]);
});

test('transactions that wait for a row leave readers their connections', async () => {
  await using postgres = connectPostgres(database.url, { poolSize: 4 });
  await query(database.url, 'create table if not exists hot (id int)');
  const lock = await lockTable(database.url, 'hot');
  using call = seconds();
  const waiting = Array.from({ length: 8 }, () => postgres.transaction(call, ({ rows }) => rows(statement('insert into hot values (1)'), [])));
  await waitUntilBusy(database.url, { applicationName: 'tributary' });
  expect(await postgres.value('select 1::text')).toBe('1');
  await lock.release();
  await Promise.all(waiting);
});

test('what stands idle in the middle of a transaction is ended by the server, locks and all', async () => {
  await using postgres = connectPostgres(database.url, { statementTimeoutMs: 1_000 });
  using call = seconds();
  const failure = await failing(postgres.transaction(call, async ({ rows }) => {
    await rows(put, [1]);
    await waitUntilDisconnected(database.url, { applicationName: 'tributary', withinMs: 10_000 });
    await rows(put, [2]);
  }));
  expect(failure.code).toBe('source_failed');
  expect(await things()).toEqual([]);
  expect(await backendOf(postgres)).toMatch(/^\d+$/);
});

test('transactions leave no timer, connection or rejection behind', async () => {
  await using relay = await startRelay(database.url);
  const leaks = watchLeaks();
  {
    await using postgres = connectPostgres(relay.url, { statementTimeoutMs: 1_000 });
    await backendOf(postgres);
    const call = seconds();
    const failed = failing(postgres.transaction(call, ({ rows }) => rows(statement('select pg_sleep(0.1)'), []).finally(() => { call.stop(gone); })));
    expect(await failed).toBe(gone);
    using lost = seconds();
    await failing(postgres.transaction(lost, async () => { await relay.suffer({ kind: 'hang' }); }));
    call.end();
  }
  await leaks.assertNone();
});
