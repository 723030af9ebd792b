import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Analytics, createAnalytics } from '../../src/clients/analytics.ts';
import { startCall } from '../../src/core/call.ts';
import { failing, internals } from '../support/failing.ts';
import { createDatabase, type Database, lockTable, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { gone } from './postgres-client.ts';

/** Every store of event counts answers like this; today there is one. */
let database: Database;
let analytics: Analytics;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, 'create table analytics (user_id integer, event_type text, count bigint)');
  analytics = createAnalytics({
    name: 'the analytics store', url: database.url, poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000, onConnectionLost: () => undefined,
  });
});
afterAll(async () => {
  await analytics.close();
  await database.drop();
});

async function counted(rows: readonly (readonly [user: number, type: string | null, count: string | null])[], ...userIds: string[]) {
  await query(database.url, 'truncate analytics');
  for (const row of rows) await query(database.url, 'insert into analytics values ($1, $2, $3)', row);
  using call = startCall(5_000);
  return Object.fromEntries([...await analytics.eventCounts(userIds, call)].map(([id, { text }]) => [id, text]));
}

test('counts are by user and by event', async () => {
  expect(await counted([[1, 'view', '12'], [1, 'purchase', '0'], [2, 'view', '3']], '1', '2')).toEqual({
    1: '{"view": 12, "purchase": 0}',
    2: '{"view": 3}',
  });
});

test('nobody else\'s counts are in an answer', async () => {
  expect(await counted([[1, 'view', '1'], [2, 'view', '2'], [3, 'view', '3']], '2')).toEqual({ 2: '{"view": 2}' });
});

test('who has no events is left out, and so is who cannot exist', async () => {
  expect(await counted([[1, 'view', '1']], '1', '2', 'abc', '99999999999')).toEqual({ 1: '{"view": 1}' });
});

test('of two counts of one event the later one counts, and no member comes twice', async () => {
  expect(await counted([[1, 'view', '1'], [1, 'view', '2'], [1, 'click', '5']], '1')).toEqual({ 1: '{"view": 2, "click": 5}' });
});

test('an event without a type is none, and who has only such has none', async () => {
  expect(await counted([[1, null, '7'], [1, 'view', '1'], [2, null, '9']], '1', '2')).toEqual({ 1: '{"view": 1}' });
});

test('an event without a count has none: null', async () => {
  expect(await counted([[1, 'view', null]], '1')).toEqual({ 1: '{"view": null}' });
});

test('counts beyond what a double holds keep all their digits', async () => {
  expect(await counted([[1, 'view', '9223372036854775807'], [1, 'click', '-9007199254740993']], '1')).toEqual({
    1: '{"view": 9223372036854775807, "click": -9007199254740993}',
  });
});

test('names of events are texts, whatever is in them', async () => {
  const name = `"\\\n\u2028 é 🙂 __proto__`;
  const { 1: text } = await counted([[1, name, '1'], [1, '__proto__', '2'], [1, '', '3']], '1');
  const counts: unknown = JSON.parse(text ?? '');
  expect(new Map(Object.entries(counts as object))).toEqual(new Map([['', 3], ['__proto__', 2], [name, 1]]));
  expect(text).not.toMatch(/[\r\n]/);
});

test.each([
  ['an enumerated type', `create type event as enum ('view'); create table analytics (user_id text, event_type event, count integer)`, `insert into analytics values ('1', 'view', 3)`],
  ['a numeric type', 'create table analytics (user_id bigint, event_type integer, count numeric)', `insert into analytics values (1, 7, 3)`],
])('columns of %s are counted too', async (_, made, row) => {
  await using other = await createDatabase();
  await query(other.url, made);
  await query(other.url, row);
  const store = createAnalytics({ name: 'the analytics store', url: other.url, poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000, onConnectionLost: () => undefined });
  using call = startCall(5_000);
  expect((await store.eventCounts(['1'], call)).get('1')?.text).toMatch(/^\{"(view|7)": 3\}$/);
  await store.close();
});

test('whoever leaves stops the count in the store', async () => {
  const lock = await lockTable(database.url, 'analytics');
  const call = startCall(30_000);
  const failed = failing(analytics.eventCounts(['1'], call));
  await waitUntilBusy(database.url);
  call.stop(gone);
  expect(await failed).toBe(gone);
  await waitUntilIdle(database.url, { withinMs: 100 });
  await lock.release();
});

test('a store without its table is a failed source that leaks nothing', async () => {
  await using other = await createDatabase();
  const store = createAnalytics({ name: 'the analytics store', url: other.url, poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000, onConnectionLost: () => undefined });
  using call = startCall(5_000);
  const failure = await failing(store.eventCounts(['1'], call));
  expect(failure).toMatchObject({ code: 'source_failed', message: 'a query of the analytics store failed', cause: { code: '42P01' } });
  expect(failure.message).not.toMatch(internals);
  await expect(store.check(call)).resolves.toBeUndefined();
  await store.close();
});

test('a store of a kind that there is not is refused at once', () => {
  expect(() => createAnalytics({ name: 'x', url: 'mongodb://127.0.0.1/', poolSize: 1, poolWaitMs: 1, statementTimeoutMs: 1, onConnectionLost: () => undefined }))
    .toThrow('expected an analytics URL with one of postgres:, postgresql:, but got: mongodb:');
});
