import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Call, startCall } from '../../src/core/call.ts';
import type { JsonText } from '../../src/core/json-text.ts';
import { batched } from '../../src/policies/batched.ts';
import { failing, internals } from '../support/failing.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { type Connected, connectPostgres } from './postgres-client.ts';

let database: Database;
let postgres: Connected;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, `create domain account as integer`);
  await query(database.url, `create domain handle as text check (value ~ '^[a-z]+$')`);
  postgres = connectPostgres(database.url, { poolSize: 2 });
});

afterAll(async () => {
  await postgres.close();
  await database.drop();
});

/** A table of its own, with a row for each of these. */
async function table(type: string, rows: readonly (readonly [key: string, data: string | null])[]): Promise<string> {
  const name = `users_${tables++}`;
  await query(database.url, `create table ${name} (id ${type}, data jsonb)`);
  for (const row of rows) await query(database.url, `insert into ${name} values ($1, $2)`, row);
  return name;
}
let tables = 0;

const keyed = (name: string) => postgres.jsonByKey(`${name}.id`, `select id::text, data::text from ${name} where id = any($1)`);

async function load(name: string, keys: readonly string[]): Promise<Record<string, string>> {
  using call = startCall(5_000);
  return textsOf(await keyed(name)(keys, call));
}

const textsOf = (found: ReadonlyMap<string, JsonText<unknown>>): Record<string, string> =>
  Object.fromEntries([...found].map(([key, { text }]) => [key, text]));

const [one, two] = ['0189d2d0-6d5a-7c3e-8b1a-2f4c6e8a0b1d', 'ffffffff-ffff-4fff-bfff-ffffffffffff'] as const;

/** Ids as people send them; no column but a text one holds any. */
const poison = ['abc', '-', '_', '--1', '1-', '0x10', '1_000', '1e3', '99999999999999999999', '-99999999999999999999', 'a'.repeat(64), '9'.repeat(64), 'NaN', 'null', 'g189d2d0-6d5a-7c3e-8b1a-2f4c6e8a0b1d'];

const types = [
  { type: 'smallint', good: ['1', '-32768', '32767'], beyond: ['32768', '-32769'] },
  { type: 'integer', good: ['1', '-2147483648', '2147483647'], beyond: ['2147483648', '-2147483649'] },
  { type: 'bigint', good: ['1', '-9223372036854775808', '9223372036854775807'], beyond: ['9223372036854775808', '-9223372036854775809'] },
  { type: 'uuid', good: [one, two], beyond: [`${one}0`, one.slice(1)] },
  { type: 'text', good: ['1', 'a-b_C', '-0'], beyond: [] },
  { type: 'varchar(64)', good: ['1', 'a'.repeat(63), '_'], beyond: [] },
  { type: 'character(8)', good: ['1', 'abcdefgh', '-_'], beyond: ['abcdefghi'] },
  { type: 'numeric', good: ['1', '-7', '18446744073709551616'], beyond: [] },
  { type: 'account', good: ['1', '-2147483648', '2147483647'], beyond: ['2147483648'] },
  { type: 'handle', good: ['a', 'bob'], beyond: ['Alice'] },
];

describe.each(types)('keys of type $type', ({ type, good, beyond }) => {
  test('are found, each with its own row, the ends of its range included', async () => {
    const name = await table(type, good.map((key) => [key, JSON.stringify({ of: key })]));
    expect(await load(name, good)).toEqual(Object.fromEntries(good.map((key) => [key, `{"of": "${key}"}`])));
  });

  test('are found among keys that no row can have, which cost their neighbours nothing', async () => {
    const name = await table(type, good.map((key) => [key, '1']));
    const loadMany = keyed(name);
    const ask = batched({ key: (key: string) => key, loadMany: (keys: readonly string[], call: Call) => loadMany(keys, call) });
    using call = startCall(5_000);
    const strange = [...poison, ...beyond].filter((key) => !good.includes(key));
    const asked = strange.flatMap((key, at) => [key, good[at % good.length]!]);
    const outcomes = await Promise.all(asked.map((key) => ask(key, call).then(() => 'found', ({ code }: { code: string }) => code)));
    expect(Object.fromEntries(asked.map((key, at) => [key, outcomes[at]]))).toEqual({
      ...Object.fromEntries(strange.map((key) => [key, 'not_found'])),
      ...Object.fromEntries(good.map((key) => [key, 'found'])),
    });
  });

  test('that nobody has are left out', async () => {
    const name = await table(type, []);
    for (const key of [good[0]!, beyond[0] ?? 'abc']) expect(await load(name, [key])).toEqual({});
  });
});

test('an integer is the same whichever way it is written, and each way has its answer', async () => {
  const name = await table('integer', [['7', '"seven"'], ['0', '"none"']]);
  expect(await load(name, ['007', '7', '0', '-0', '000'])).toEqual({ '007': '"seven"', 7: '"seven"', 0: '"none"', '-0': '"none"', '000': '"none"' });
});

test('a text is the same only letter by letter', async () => {
  const name = await table('text', [['7', '"seven"'], ['A', '"capital"']]);
  expect(await load(name, ['007', '7', 'a', 'A'])).toEqual({ 7: '"seven"', A: '"capital"' });
});

test('a uuid is the same in capitals and without hyphens', async () => {
  const name = await table('uuid', [[one, '1']]);
  const ways = [one, one.toUpperCase(), one.replaceAll('-', '')];
  expect(await load(name, ways)).toEqual(Object.fromEntries(ways.map((way) => [way, '1'])));
});

test('no keys ask for nothing', async () => {
  expect(await load(await table('integer', [['1', '1']]), [])).toEqual({});
});

test('of two rows with one key the later one answers', async () => {
  const name = await table('integer', [['1', '"first"'], ['1', '"second"'], ['2', '"other"']]);
  expect(await load(name, ['1', '2'])).toEqual({ 1: '"second"', 2: '"other"' });
});

test('a row without data is an answer: null', async () => {
  const name = await table('integer', [['1', null], ['2', 'null']]);
  expect(await load(name, ['1', '2', '3'])).toEqual({ 1: 'null', 2: 'null' });
});

test.each([
  ['what is no JSON', 'text', 'nonsense'],
  ['nothing', 'text', ''],
  ['half a character', 'json', String.raw`"\ud800"`],
])('a row that holds %s is a failed source, and no missing one; its neighbours are found', async (_, type, data) => {
  await query(database.url, 'drop table if exists broken');
  await query(database.url, `create table broken (id integer, data ${type})`);
  await query(database.url, `insert into broken values (1, '1'), (2, $1), (3, '3')`, [data]);
  const loadMany = postgres.jsonByKey('broken.id', 'select id::text, data::jsonb::text from broken where id = any($1)');
  const ask = batched({ key: (key: string) => key, loadMany: (keys: readonly string[], call: Call) => loadMany(keys, call) });
  using call = startCall(5_000);
  const outcomes = await Promise.all(['1', '2', '3', '4'].map((key) => ask(key, call).then(({ text }) => text, ({ code }: { code: string }) => code)));
  expect(outcomes).toEqual(['1', 'source_failed', '3', 'not_found']);
});

test.each([
  ['the table', 'create table later (other integer)', '42P01'],
  ['the key column', 'create table later (data jsonb)', '42703'],
  ['the data column', 'create table later (id integer)', '42703'],
])('%s is missing: a failed source, until it is there', async (missing, made, state) => {
  await query(database.url, 'drop table if exists later');
  if (missing !== 'the table') await query(database.url, made);
  const ask = keyed('later');
  using call = startCall(5_000);
  const failure = await failing(ask(['1'], call));
  expect(failure).toMatchObject({ code: 'source_failed', cause: { code: state } });
  expect(failure.message).not.toMatch(internals);
  await query(database.url, 'drop table if exists later');
  await query(database.url, `create table later as select 1 as id, '"here"'::jsonb as data`);
  expect(textsOf(await ask(['1', 'abc'], call))).toEqual({ 1: '"here"' });
});

test('a table that was dropped and made anew is read again', async () => {
  const name = await table('integer', [['1', '"old"']]);
  const ask = keyed(name);
  using call = startCall(5_000);
  expect(textsOf(await ask(['1'], call))).toEqual({ 1: '"old"' });
  await query(database.url, `drop table ${name}`);
  expect(await failing(ask(['1'], call))).toMatchObject({ code: 'source_failed', cause: { code: '42P01' } });
  await query(database.url, `create table ${name} as select 1 as id, '"new"'::jsonb as data`);
  expect(textsOf(await ask(['1'], call))).toEqual({ 1: '"new"' });
});
