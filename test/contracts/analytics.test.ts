import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAnalytics } from '../../src/clients/analytics.ts';
import { startCall } from '../../src/core/call.ts';
import { clickHouseMs } from '../support/clickhouse-server.ts';
import { failing, internals } from '../support/failing.ts';
import { createDatabase, query } from '../support/postgres.ts';
import { type EventRow, inClickHouse, inPostgres, type Store } from './analytics-stores.ts';
import { gone } from './postgres-client.ts';

const clickHouse = await inClickHouse();
if ('missing' in clickHouse) process.stderr.write(`Analytics in ClickHouse are not tested: ${clickHouse.missing}\n`);

const stores: Readonly<Record<string, () => Promise<Store>>> = {
  Postgres: inPostgres,
  ...('missing' in clickHouse ? {} : { ClickHouse: () => Promise.resolve(clickHouse) }),
};

/** JSON as a value, whatever spaces there are and whatever the order of its members; numbers with all their digits. */
const plain = (json: string): unknown => JSON.parse(json, (_, value: unknown, { source }: { readonly source?: string }) => (typeof value === 'number' ? source : value));

describe.each(Object.entries(stores))('analytics in %s', (_, start) => {
  let store: Store;
  beforeAll(async () => { store = await start(); }, clickHouseMs);
  afterAll(() => store[Symbol.asyncDispose]());

  async function counted(rows: readonly EventRow[], ...userIds: string[]) {
    await store.hold(rows);
    using call = startCall(5_000);
    return Object.fromEntries([...await store.analytics.eventCounts(userIds, call)].map(([id, { text }]) => [id, plain(text)]));
  }

  test('counts are by user and by event', async () => {
    expect(await counted([[1, 'view', '12'], [1, 'purchase', '0'], [2, 'view', '3']], '1', '2')).toEqual({ 1: { view: '12', purchase: '0' }, 2: { view: '3' } });
  });

  test('nobody else\'s counts are in an answer', async () => {
    expect(await counted([[1, 'view', '1'], [2, 'view', '2'], [3, 'view', '3']], '2')).toEqual({ 2: { view: '2' } });
  });

  test('who has no events is left out, and so is who cannot exist', async () => {
    expect(await counted([[1, 'view', '1']], '1', '2', 'abc', '99999999999')).toEqual({ 1: { view: '1' } });
  });

  test('a key in another form is the same key', async () => {
    expect(await counted([[7, 'view', '1']], '007', '7')).toEqual({ '007': { view: '1' }, 7: { view: '1' } });
    expect(store.analytics.tagsOf('007')).toEqual(['analytics:7']);
  });

  test('of two counts of one event there is one, and no member comes twice', async () => {
    expect(await counted([[1, 'view', '1'], [1, 'view', '2'], [1, 'click', '5']], '1')).toEqual({ 1: { view: String(store.twice), click: '5' } });
  });

  test('an event without a type is none, and who has only such has none', async () => {
    expect(await counted([[1, null, '7'], [1, 'view', '1'], [2, null, '9']], '1', '2')).toEqual({ 1: { view: '1' } });
  });

  test('an event without a count has none: null', async () => {
    expect(await counted([[1, 'view', null]], '1')).toEqual({ 1: { view: null } });
  });

  test('counts beyond what a double holds keep all their digits', async () => {
    expect(await counted([[1, 'view', '9223372036854775807'], [1, 'click', '-9007199254740993']], '1')).toEqual({
      1: { view: '9223372036854775807', click: '-9007199254740993' },
    });
  });

  test('names of events are texts, whatever is in them', async () => {
    const name = `"\\\n\u2028 é 🙂 __proto__`;
    await store.hold([[1, name, '1'], [1, '__proto__', '2'], [1, '', '3']]);
    using call = startCall(5_000);
    const text = (await store.analytics.eventCounts(['1'], call)).get('1')?.text ?? '';
    expect(new Map(Object.entries(JSON.parse(text) as object))).toEqual(new Map([['', 3], ['__proto__', 2], [name, 1]]));
    expect(text).not.toMatch(/[\r\n]/);
  });

  test('whoever leaves stops the count in the store', async () => {
    await counted([[1, 'view', '1']], '1');
    const fast = await store.slow();
    const call = startCall(30_000);
    const failed = failing(store.analytics.eventCounts(['1'], call));
    await store.untilBusy();
    call.stop(gone);
    expect(await failed).toBe(gone);
    await store.untilIdle();
    await fast();
    expect(await counted([[1, 'view', '2']], '1')).toEqual({ 1: { view: '2' } });
  });

  test('a store without its table is a failed source that leaks nothing', async () => {
    using call = startCall(5_000);
    const failure = await failing(store.empty.eventCounts(['1'], call));
    expect(failure).toMatchObject({ code: 'source_failed', message: 'a query of the analytics store failed', cause: { code: store.noTable } });
    expect(failure.message).not.toMatch(internals);
    await expect(store.empty.check(call)).resolves.toBeUndefined();
  });
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

test.each(['postgres://127.0.0.1:9/none', 'clickhouse://127.0.0.1:9/none'])('a store that is not there could not be reached: %s', async (url) => {
  const store = createAnalytics({ name: 'the analytics store', url, poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000, onConnectionLost: () => undefined });
  using call = startCall(5_000);
  expect(await failing(store.eventCounts(['1'], call))).toMatchObject({ code: 'source_failed', message: 'the analytics store could not be reached' });
  await store.close();
});

test('a store of a kind that there is not is refused at once', () => {
  expect(() => createAnalytics({ name: 'x', url: 'mongodb://127.0.0.1/', poolSize: 1, poolWaitMs: 1, statementTimeoutMs: 1, onConnectionLost: () => undefined }))
    .toThrow('expected an analytics URL with one of postgres:, postgresql:, clickhouse:, clickhouses:, but got: mongodb:');
});
