import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { recordSpans, sampledTrace, unsampledTrace } from '../core/spans.ts';
import { failing } from '../support/failing.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { connectPostgres } from './postgres-client.ts';

const ended = recordSpans();
let database: Database;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, 'create table things (id int primary key)');
});
afterAll(async () => { await database.drop(); });

const put = { summary: 'INSERT things', text: 'insert into things (id) values ($1)' };

test('a transaction is a span, and its statements lie below it, without their values', async () => {
  await using postgres = connectPostgres(database.url);
  const trace = sampledTrace();
  using call = startCall(20_000, trace);
  await postgres.transaction(call, ({ rows }) => rows(put, [471_147]));
  const own = ended.find(({ name }) => name === 'transaction');
  expect(own?.parent?.spanId).toBe(trace.spanId);
  expect(ended.map(({ name, parent }) => [name, parent?.spanId === own?.spanId])).toEqual([['BEGIN', true], ['INSERT things', true], ['COMMIT', true], ['transaction', false]]);
  expect(ended[1]?.attributes).toMatchObject({ 'db.system.name': 'postgresql', 'db.operation.name': 'INSERT', 'db.collection.name': 'things', 'db.query.text': put.text, 'server.port': Number(new URL(database.url).port) });
  expect(ended[2]?.attributes).not.toHaveProperty('db.collection.name');
  expect(JSON.stringify(ended.map(({ name, attributes, status }) => [name, attributes, status]))).not.toContain('471147');
});

test('one that fails says so, with what Postgres said in five characters', async () => {
  await using postgres = connectPostgres(database.url);
  using call = startCall(20_000, sampledTrace());
  await failing(postgres.transaction(call, async ({ rows }) => {
    await rows(put, [1]);
    await rows(put, [1]);
  }));
  expect(ended.map(({ name, attributes }) => [name, attributes['db.response.status_code'] ?? attributes['error.type']])).toEqual([
    ['BEGIN', undefined], ['INSERT things', undefined], ['INSERT things', '23505'], ['transaction', 'source_failed'],
  ]);
});

test('of a request that is not sampled there is no span', async () => {
  await using postgres = connectPostgres(database.url);
  using call = startCall(20_000, unsampledTrace());
  await postgres.transaction(call, ({ rows }) => rows(put, [2]));
  expect(ended).toEqual([]);
});
