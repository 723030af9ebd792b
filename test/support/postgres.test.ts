import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startOwnPostgres } from './own-postgres.ts';
import { activeQueries, createDatabase, lockTable, lockTableNext, query, waitUntilBusy, waitUntilDisconnected, waitUntilIdle, type Database } from './postgres.ts';

// Runs in projects that have `test/setup/postgres.ts` as their globalSetup.
const isThere = Boolean(inject('postgresUrl'));
const testPostgres = test.skipIf(!isThere);

let database: Database;

beforeAll(async () => {
  if (!isThere) return;
  database = await createDatabase();
  await query(database.url, 'create table users (id int)');
});

afterAll(async () => {
  if (isThere) await database.drop();
});

async function connect(applicationName: string, url = database.url) {
  const client = new Client({ connectionString: url, application_name: applicationName });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

testPostgres('is Postgres 18', async () => {
  expect(await query(database.url, 'show server_version_num')).toEqual([{ server_version_num: expect.stringMatching(/^18/) }]);
});

testPostgres('each database is its own, and dropped with those who use it', async () => {
  const other = await createDatabase();
  await expect(query(other.url, 'select * from users')).rejects.toThrow('relation "users" does not exist');
  await using client = await connect('user', other.url);
  const told = new Promise((resolve) => { client.on('error', resolve); });
  await other.drop();
  expect(await told).toMatchObject({ code: '57P01' });
  await expect(query(other.url, 'select 1')).rejects.toThrow('does not exist');
});

testPostgres('a locked table holds up its readers, who are seen, by name if asked, until it is released', async () => {
  await using one = await connect('one');
  await using two = await connect('two');
  const lock = await lockTable(database.url, 'public.users');
  const reads = Promise.all([one.query('select * from users'), two.query('select id from users')]);
  const running = await waitUntilBusy(database.url, { count: 2 });
  expect(running.map(({ applicationName }) => applicationName).toSorted()).toEqual(['one', 'two']);
  expect(await activeQueries(database.url, 'two')).toMatchObject([{ state: 'active', query: 'select id from users' }]);
  await expect(waitUntilIdle(database.url, { withinMs: 50 })).rejects.toThrow(/expected no query, but got \n- \d+ active, waits for Lock: select/);
  await lock.release();
  await reads;
  await waitUntilIdle(database.url);
});

testPostgres('a transaction left open counts as something that still runs', async () => {
  {
    await using client = await connect('forgetful');
    await client.query('begin');
    expect(await activeQueries(database.url)).toMatchObject([{ state: 'idle in transaction', query: 'begin' }]);
  }
  await waitUntilIdle(database.url);
});

testPostgres('what is not there cannot be locked, and who waits for nobody is told so', async () => {
  await expect(lockTable(database.url, 'nobody')).rejects.toThrow('does not exist');
  await expect(waitUntilBusy(database.url, { withinMs: 1 })).rejects.toThrow('after 1 ms: expected 1 queries, but got none');
});

testPostgres('who stands in line for a lock has it before those who ask later', async () => {
  await using reader = await connect('reader');
  const lock = await lockTable(database.url, 'users');
  const next = await lockTableNext(database.url, 'users');
  const read = reader.query('select * from users');
  await waitUntilBusy(database.url);
  await lock.release();
  const taken = await next.taken;
  expect(await activeQueries(database.url, 'reader')).toHaveLength(1);
  await taken.release();
  await read;
});

testPostgres('an idle connection is one, until it is closed', async () => {
  {
    await using client = await connect('idle');
    await client.query('select 1');
    await waitUntilIdle(database.url);
    await expect(waitUntilDisconnected(database.url, { withinMs: 20 })).rejects.toThrow(/expected no connection, but got \n- \d+ idle/);
  }
  await waitUntilDisconnected(database.url);
});

testPostgres('a Postgres of its own can be restarted', async () => {
  await using own = await startOwnPostgres({ max_connections: '7' });
  await own.restart('immediate');
  expect(await query(own.url, 'show max_connections')).toEqual([{ max_connections: '7' }]);
});
