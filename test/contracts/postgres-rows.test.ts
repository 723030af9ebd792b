import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { failing, internals } from '../support/failing.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { backend, connectPostgres, gone, statement } from './postgres-client.ts';

let database: Database;
/** Of somebody who may connect and read nothing. */
let strangerUrl: string;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, `create table users (id integer, data jsonb)`);
  await query(database.url, `create role stranger_${database.name} login password 'stranger'`);
  strangerUrl = Object.assign(new URL(database.url), { username: `stranger_${database.name}`, password: 'stranger' }).href;
});

afterAll(async () => {
  const name = `stranger_${database.name}`;
  await database.drop();
  await query(Object.assign(new URL(database.url), { pathname: 'postgres' }).href, `drop role ${name}`);
});

test('rows come in their order, their columns as Postgres prints them', async () => {
  await using postgres = connectPostgres(database.url);
  using call = startCall(5_000);
  const rows = await postgres.rows(statement(`select n::text, data::text from (values (2, '{"b": 1, "a": [null]}'::jsonb), (1, null)) as t (n, data)`), [], call);
  expect(rows).toEqual([['2', '{"a": [null], "b": 1}'], ['1', null]]);
});

test('values travel beside the statement, so nothing in them is ever SQL', async () => {
  await using postgres = connectPostgres(database.url);
  const hostile = `'); drop table users; -- \\ é € 🙂`;
  expect(await postgres.value('select $1::text', hostile)).toBe(hostile);
  expect(await postgres.value(`select ($1::text[])[2]`, ['{', `",'{}\\`])).toBe(`",'{}\\`);
});

test('a statement is prepared once on each connection, however often it is asked', async () => {
  await using postgres = connectPostgres(database.url);
  for (const n of [1, 2, 3]) expect(await postgres.value('select $1::text', String(n))).toBe(String(n));
  expect(await postgres.value(`select count(*)::text from pg_prepared_statements where statement = 'select $1::text'`)).toBe('1');
});

test('connections are named after us, and the server itself ends what no cancel can reach', async () => {
  await using postgres = connectPostgres(database.url, { statementTimeoutMs: 1_234 });
  const settings = ['application_name', 'statement_timeout', 'lock_timeout', 'client_connection_check_interval'];
  const values: unknown[] = [];
  for (const name of settings) values.push(await postgres.value(`select current_setting($1)`, name));
  expect(values).toEqual(['tributary', '1234ms', '1234ms', '100ms']);
});

test.each([
  ['a table that is not there', 'select * from nobody', '42P01'],
  ['a column that is not there', 'select nothing from users', '42703'],
  ['what is not SQL', 'selec 1', '42601'],
  ['a function that is not there', 'select nothing(1)', '42883'],
])('%s is a failed source, and its connection goes on', async (_, text, state) => {
  await using postgres = connectPostgres(database.url);
  const before = await postgres.value(backend);
  using call = startCall(5_000);
  const failure = await failing(postgres.rows(statement(text), [], call));
  expect(failure).toMatchObject({ code: 'source_failed', message: 'a query of the user database failed', divisible: false, cause: { code: state } });
  expect(await postgres.value(backend)).toBe(before);
  expect(postgres.lost).toEqual([]);
});

test.each([
  ['a number that is none', 'select $1::int::text', 'abc', '22P02'],
  ['a number too large', 'select ($1::text)::int::text', '99999999999', '22003'],
  ['a division by zero', 'select (1 / ($1::text)::int)::text', '0', '22012'],
  ['a NUL in a text', 'select $1::text', 'a\u0000b', '22021'],
])('%s may be the fault of one value among many, so halves are worth a try', async (_, text, value, state) => {
  await using postgres = connectPostgres(database.url);
  using call = startCall(5_000);
  const failure = await failing(postgres.rows(statement(text), [value], call));
  expect(failure).toMatchObject({ code: 'source_failed', divisible: true, cause: { code: state } });
  expect(failure.message).not.toMatch(internals);
});

test('a table that may not be read is a failed source, and whose it is stays inside', async () => {
  await using postgres = connectPostgres(strangerUrl);
  using call = startCall(5_000);
  const failure = await failing(postgres.rows(statement('select data::text from users'), [], call));
  expect(failure).toMatchObject({ code: 'source_failed', cause: { code: '42501' } });
  expect(failure.message).not.toMatch(internals);
});

test('a call that is over asks nothing, not even for a connection', async () => {
  await using relay = await startRelay(database.url);
  await using postgres = connectPostgres(relay.url);
  using call = startCall(5_000);
  call.stop(gone);
  expect(await failing(postgres.rows(statement('select 1'), [], call))).toBe(gone);
  expect(relay.openings).toEqual([]);
});

test('a check passes where a query would', async () => {
  await using postgres = connectPostgres(database.url);
  using call = startCall(5_000);
  await expect(postgres.check(call)).resolves.toBeUndefined();
});
