import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { announce, type Ear, listenTo } from './notices-client.ts';

let database: Database;
let ear: Ear;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, `create table users (id integer primary key, data jsonb not null default '{}')`);
  await query(database.url, 'create table analytics (user_id integer, event_type text, count integer not null, unique (user_id, event_type))');
  await announce(database.url, ['users.id', 'analytics.user_id']);
  ear = listenTo(database.url);
});
afterAll(async () => {
  await ear.close();
  await database.drop();
});

/** A table of one key column, installed for. */
async function table(name: string, type: string): Promise<string> {
  await query(database.url, `create table ${name} (key ${type})`);
  await announce(database.url, [`${name}.key`]);
  return name;
}

describe('of users 1, 2 and 3', () => {
  beforeEach(async () => {
    await query(database.url, 'truncate users');
    await query(database.url, 'insert into users select generate_series(1, 3)');
  });

  test.each([
    ['an insert', 'insert into users values (7)', ['users:7']],
    ['an insert of several', 'insert into users values (7), (8), (-9)', ['users:-9', 'users:7', 'users:8']],
    ['an update', `update users set data = '[]' where id = 2`, ['users:2']],
    ['an update that writes what was there', 'update users set data = data where id = 2', ['users:2']],
    ['an update of all', `update users set data = '[]'`, ['users:1', 'users:2', 'users:3']],
    ['a new key', 'update users set id = 9 where id = 2', ['users:2', 'users:9']],
    ['keys that move', 'update users set id = id + 100', ['users:1', 'users:101', 'users:102', 'users:103', 'users:2', 'users:3']],
    ['a delete', 'delete from users where id > 1', ['users:2', 'users:3']],
    ['an upsert', `insert into users values (3), (4) on conflict (id) do update set data = '[]'`, ['users:3', 'users:4']],
    ['an upsert that does nothing', 'insert into users values (3) on conflict do nothing', []],
    ['a merge', `merge into users using (values (1), (5)) as given (key) on id = key when matched then delete when not matched then insert (id) values (key)`, ['users:1', 'users:5']],
    ['a statement with others inside', 'with moved as (delete from users where id = 1 returning id) insert into users select id + 10 from moved', ['users:1', 'users:11']],
    ['a copy', `copy users (id) from program 'echo 6'`, ['users:6']],
    ['a truncate', 'truncate users', ['users:*']],
    ['an update of nothing', 'update users set id = 0 where false', []],
    ['a delete of nothing', 'delete from users where false', []],
    ['a read', 'select * from users', []],
    ['100 keys', 'insert into users select generate_series(1001, 1100)', Array.from({ length: 100 }, (_, at) => `users:${1001 + at}`)],
    ['more than 100 keys', 'insert into users select generate_series(1001, 1101)', ['users:*']],
    ['a transaction that is rolled back', 'begin; insert into users values (7); truncate users; rollback', []],
    ['a savepoint that is rolled back', 'begin; insert into users values (7); savepoint here; insert into users values (8); rollback to here; commit', ['users:7']],
    ['a row that is changed twice', `begin; update users set data = '[]' where id = 1; update users set data = '{}' where id = 1; commit`, ['users:1']],
  ])('%s is heard of, exactly', async (_, sql, tags) => {
    expect(await ear.tags(sql)).toEqual(tags);
  });

  test('51 keys that change are 102, which is the whole table', async () => {
    await query(database.url, 'insert into users select generate_series(1001, 1051)');
    expect(await ear.tags('update users set id = id + 1000 where id > 1000')).toEqual(['users:*']);
  });

  test('a transaction has one token, and no other has it', async () => {
    const [first, ...more] = await ear.hears(`begin; insert into users values (7); insert into analytics values (7, 'view', 1); truncate users; commit`);
    const [other] = await ear.hears('insert into users values (7)');
    expect(more.map(({ token }) => token)).toEqual([first?.token, first?.token]);
    expect(first?.token).toMatch(/^\d+-\d+$/);
    expect(other).toMatchObject({ tag: 'users:7' });
    expect(other?.token).not.toBe(first?.token);
  });
});

test('many rows of one key are one notice, and rows without a key are none', async () => {
  expect(await ear.tags(`insert into analytics select 42, 'event ' || n, 1 from generate_series(1, 300) as n`)).toEqual(['analytics:42']);
  expect(await ear.tags(`insert into analytics values (null, 'view', 1)`)).toEqual([]);
  expect(await ear.tags(`update analytics set user_id = 43 where user_id is null`)).toEqual(['analytics:43']);
});

test('rows that a foreign key deletes are heard of too', async () => {
  await query(database.url, 'create table notes (author integer references users on delete cascade)');
  await announce(database.url, ['notes.author']);
  await query(database.url, 'truncate users cascade; insert into users values (70), (71); insert into notes values (70), (70), (71)');
  expect(await ear.tags('delete from users')).toEqual(['notes:70', 'notes:71', 'users:70', 'users:71']);
});

test.each([
  ['bigint', '9223372036854775807'],
  ['uuid', '0b1f1ee1-95a4-4a67-9e3f-4f2f25b5e2c1'],
  ['char(8)', 'short'],
  ['text', 'a b'],
  ['text', ' a 1-2 '],
  ['text', `it's "quoted" \\ $tributary$ %1$I`],
  ['text', 'two\nlines'],
  ['text', ''],
  ['text', '🦜:ü'],
])('a key of type %s comes as it is: %j', async (type, key) => {
  const name = await table(`t_${randomUUID().replaceAll('-', '')}`, type);
  expect(await ear.tags(`insert into ${name} values ($1)`, [key])).toEqual([`${name}:${key}`]);
});

test('a key too long for a notification is the whole table', async () => {
  const name = await table('long_keys', 'text');
  expect(await ear.tags(`insert into ${name} values ($1)`, ['k'.repeat(7_900)])).toEqual([`${name}:${'k'.repeat(7_900)}`]);
  expect(await ear.tags(`insert into ${name} values ($1), ('short')`, ['k'.repeat(8_000)])).toEqual([`${name}:*`]);
  expect(await ear.tags(`insert into ${name} values ($1)`, ['€'.repeat(2_700)])).toEqual([`${name}:*`]);
  // At the very border: the write itself must never fail.
  const tags = await ear.tags(`do $$ begin for length in 7940..8000 loop insert into ${name} values (repeat('k', length)); end loop; end $$`);
  expect(tags.length).toBeGreaterThan(1);
  expect(tags[0]).toBe(`${name}:*`);
});

test('keys that a collation takes for equal are two keys', async () => {
  await query(database.url, `create collation no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`);
  const name = await table('no_cases', 'text collate no_case');
  expect(await ear.tags(`insert into ${name} values ('a'), ('A')`)).toEqual([`${name}:A`, `${name}:a`]);
});

test.each(['keys', 'key', 'token', 'prefix', 'changed', 'tributary_new', 'tg_op', 'id$tributary$'])('a column may be called %s, whatever the function calls its own', async (column) => {
  const name = `c_${randomUUID().replaceAll('-', '')}`;
  await query(database.url, `create table ${name} ("${column}" integer)`);
  await announce(database.url, [`${name}.${column}`]);
  expect(await ear.tags(`insert into ${name} values (1); update ${name} set "${column}" = 2; delete from ${name}`)).toEqual([`${name}:1`, `${name}:2`]);
});

test('names of tables and columns may be odd, and schemas are part of the tag', async () => {
  await query(database.url, `create schema "Sho'p"; create table "Sho'p"."Or\\der" ("se'lect" integer)`);
  await announce(database.url, [`Sho'p.Or\\der.se'lect`]);
  expect(await ear.tags(`insert into "Sho'p"."Or\\der" values (1)`)).toEqual([`Sho'p.Or\\der:1`]);
});

test('a column that is renamed fails no write: the whole table is told', async () => {
  const name = await table('renamed', 'integer');
  // In one session too, which has its plan already.
  expect(await ear.tags(`insert into ${name} values (1); alter table ${name} rename key to id; insert into ${name} values (1)`)).toEqual([`${name}:*`, `${name}:1`]);
  expect(await ear.tags(`update ${name} set id = 3`)).toEqual([`${name}:*`]);
  await announce(database.url, [`${name}.id`]);
  expect(await ear.tags(`insert into ${name} values (2)`)).toEqual([`${name}:2`]);
});

const triggers = async (name: string) => (await query(database.url, `select tgname as name from pg_trigger where tgrelid = $1::regclass and not tgisinternal order by 1`, [name])).map((row) => row['name']);
const ours = ['delete', 'insert', 'truncate', 'update'].map((event) => `tributary_gone_${event}`);

test('of a partitioned table is heard what is written to it, wherever the rows go', async () => {
  await query(database.url, 'create table parts (id integer) partition by range (id); create table parts_low partition of parts for values from (0) to (10); create table parts_high partition of parts for values from (10) to (20)');
  await announce(database.url, ['parts.id']);
  expect(await ear.tags('insert into parts values (1), (11); update parts set id = 12 where id = 1; delete from parts where id = 11; insert into parts_low values (2)')).toEqual(['parts:1', 'parts:11', 'parts:12']);
});

test('what is installed twice is there once, and what is uninstalled is gone', async () => {
  const name = await table('twice', 'integer');
  await Promise.all([1, 2, 3].map(() => announce(database.url, ['twice.key'])));
  expect(await triggers(name)).toEqual(ours);
  await announce(database.url, ['twice.key'], 'uninstall');
  expect(await triggers(name)).toEqual([]);
  expect(await ear.tags(`insert into ${name} values (1)`)).toEqual([]);
  await announce(database.url, ['twice.key'], 'uninstall');
});

test('tables of one schema are uninstalled one by one, and nothing is left', async () => {
  await query(database.url, 'create schema lone; create table lone.a (id integer); create table lone.b (id integer)');
  const functions = async () => (await query(database.url, `select proname as name from pg_proc where pronamespace = 'lone'::regnamespace order by 1`)).map((row) => row['name']);
  await announce(database.url, ['lone.a.id', 'lone.b.id']);
  expect(await functions()).toEqual(['tributary_gone_a', 'tributary_gone_b']);
  await announce(database.url, ['lone.a.id'], 'uninstall');
  expect(await functions()).toEqual(['tributary_gone_b']);
  expect(await ear.tags('insert into lone.a values (1); insert into lone.b values (1)')).toEqual(['lone.b:1']);
  await announce(database.url, ['lone.b.id'], 'uninstall');
  expect(await functions()).toEqual([]);
});

test.each([
  ['a table that is not there', 'nothing.id', /relation "nothing" does not exist/],
  ['a column that is not there', 'bare.nothing', /column "nothing" does not exist/],
  ['a view', 'shown.id', /"shown" is a view/],
])('%s is refused, and nothing is left of it', async (_, column, reason) => {
  await query(database.url, 'create table if not exists bare (id integer); create or replace view shown as select id from bare');
  await expect(announce(database.url, [column, 'users.id'])).rejects.toThrow(reason);
  expect([await triggers('bare'), await triggers('shown'), await triggers('users')]).toEqual([[], [], ours]);
});

test('the rights of a table\'s owner suffice to install, and the right to write suffices to write', async () => {
  const [owner, writer] = ['owner', 'writer'].map((name) => `${name}_${randomUUID().replaceAll('-', '')}`);
  const as = (role = '') => `${database.url}?options=${encodeURIComponent(`-c role=${role}`)}`;
  await query(database.url, `create role ${owner}; create role ${writer}; create schema owned authorization ${owner}`);
  try {
    await query(as(owner), `create table owned.users (id integer); grant usage on schema owned to ${writer}; grant insert on owned.users to ${writer}`);
    await announce(as(owner), ['owned.users.id']);
    const before = ear.gone.length;
    await query(as(writer), 'insert into owned.users values (5)');
    await ear.until(() => ear.gone.length > before);
    expect(ear.gone.at(-1)).toMatchObject({ tag: 'owned.users:5' });
    await announce(as(owner), ['owned.users.id'], 'uninstall');
  } finally {
    await query(database.url, `drop owned by ${owner}, ${writer} cascade; drop role ${owner}, ${writer}`);
  }
});

test('everybody who listens hears', async () => {
  await using other = listenTo(database.url);
  await other.heard;
  const heard = await ear.hears('insert into users values (800)');
  await other.until(() => other.gone.some(({ tag }) => tag === 'users:800'));
  expect(heard).toHaveLength(1);
  expect(other.gone).toContainEqual(heard[0]);
});
