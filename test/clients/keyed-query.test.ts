import { expect, test } from 'vitest';
import { KeyedQuery } from '../../src/clients/keyed-query.ts';
import type { Row, Sql, Statement } from '../../src/clients/sql.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { fakeTime } from '../core/fake-time.ts';

fakeTime();

const text = 'select id::text, data::text from users where id = any($1)';

/** A table of one column type, and what it was asked. */
function table(type: string | undefined, rows: (keys: readonly string[]) => readonly Row[]) {
  const asked: { statement: Statement; values: readonly unknown[] }[] = [];
  const sql: Sql = {
    async rows(statement, values) {
      asked.push({ statement, values });
      return statement.text === text ? rows(values[0] as readonly string[]) : type === undefined ? [] : [[type]];
    },
  };
  const statements = () => asked.filter(({ statement }) => statement.text === text).map(({ values }) => values[0]);
  return { query: new KeyedQuery<unknown>(sql, 'users.id', text), asked, statements };
}

const stored = (keys: readonly string[]) => keys.map((key): Row => [key, `{"id":${key}}`]);

test('keys are asked for in one statement, and answers come under the keys as they were asked', async () => {
  const { query, statements } = table('integer', stored);
  using call = startCall(1_000);
  const found = await query.load(['7', '42'], call);
  expect(statements()).toEqual([['7', '42']]);
  expect([...found].map(([key, json]) => [key, json.text])).toEqual([['7', '{"id":7}'], ['42', '{"id":42}']]);
});

test('two ways to write one key are one key of the statement, and both are answered', async () => {
  const { query, statements } = table('integer', stored);
  using call = startCall(1_000);
  const found = await query.load(['7', '007'], call);
  expect(statements()).toEqual([['7']]);
  expect([...found.keys()]).toEqual(['7', '007']);
});

test('keys that the column cannot hold are not asked for; where no other is left there is no statement', async () => {
  const { query, statements } = table('integer', stored);
  using call = startCall(1_000);
  expect([...(await query.load(['abc', '7', '99999999999'], call)).keys()]).toEqual(['7']);
  expect((await query.load(['abc'], call)).size).toBe(0);
  expect(statements()).toEqual([['7']]);
});

test('the type of the column is asked for once', async () => {
  const { query, asked } = table('integer', stored);
  using call = startCall(1_000);
  await query.load(['1'], call);
  await query.load(['2'], call);
  const [first, ...others] = asked;
  expect(first).toMatchObject({ statement: { summary: 'SELECT pg_attribute' }, values: ['users', 'id'] });
  expect(others.map(({ statement }) => statement)).toEqual([{ summary: 'SELECT users', text }, { summary: 'SELECT users', text }]);
});

test('a table may be named with its schema', async () => {
  const asked: unknown[] = [];
  const sql: Sql = { rows: async (_, values) => { asked.push(values); return []; } };
  using call = startCall(1_000);
  await new KeyedQuery(sql, 'app.users.id', text).load(['1'], call);
  expect(asked[0]).toEqual(['app.users', 'id']);
});

test('as long as there is no such column, its type is asked for again, and keys are taken as they are', async () => {
  const { query, asked, statements } = table(undefined, () => []);
  using call = startCall(1_000);
  await query.load(['abc'], call);
  await query.load(['007'], call);
  expect(asked).toHaveLength(4);
  expect(statements()).toEqual([['abc'], ['007']]);
});

test('a row without a value is the JSON null, and a row that nobody asked for is left out', async () => {
  const { query } = table('text', () => [['a', null], ['z', '1'], [null, '2']]);
  using call = startCall(1_000);
  const found = await query.load(['a'], call);
  expect([...found].map(([key, json]) => [key, json.text])).toEqual([['a', 'null']]);
});

const failing = (code: string) => new Failure('source_failed', 'failed', { cause: Object.assign(new Error('invalid'), { code }) });

test.each(['22P02', '22003'])('state %s: alone, a key of an unknown type that it cannot hold is not there', async (code) => {
  const { query } = table('inet', () => { throw failing(code); });
  using call = startCall(1_000);
  expect((await query.load(['abc'], call)).size).toBe(0);
});

test('… and among others it fails the statement, to be asked again in halves', async () => {
  const failure = failing('22P02');
  const { query } = table('inet', () => { throw failure; });
  using call = startCall(1_000);
  await expect(query.load(['abc', '10.0.0.7'], call)).rejects.toBe(failure);
});

test('any other failure is passed on', async () => {
  const failure = failing('42P01');
  const { query } = table('inet', () => { throw failure; });
  using call = startCall(1_000);
  await expect(query.load(['abc'], call)).rejects.toBe(failure);
});
