import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Analytics, createAnalytics } from '../../src/clients/analytics.ts';
import { startCall } from '../../src/core/call.ts';
import { clickHouseMs, startClickHouse } from '../support/clickhouse-server.ts';
import { createDatabase, query } from '../support/postgres.ts';

const product = (at: number) => `00000000-0000-4000-8000-00000000000${at}`;

/** Of the first product six, of the second two of one moment, of the third none; of the fourth and fifth as many as average 4.25 and 4.35. */
const rows = [
  ...[1, 2, 3, 4, 5, 6].map((n) => [n, product(1), n < 5 ? 5 : 2, `Text ${n}`, `2026-01-0${n + 1} 12:00:00`] as const),
  [7, product(2), 4, 'Ä "good" one', '2026-01-01 12:00:00'] as const,
  [8, product(2), 4, 'As old', '2026-01-01 12:00:00'] as const,
  ...[4, 4, 4, 5].map((rating, at) => [10 + at, product(4), rating, '', '2026-01-01 12:00:00'] as const),
  ...Array.from({ length: 20 }, (_, at) => [20 + at, product(5), at < 7 ? 5 : 4, '', '2026-01-01 12:00:00'] as const),
];

interface Store extends AsyncDisposable {
  readonly url: string;
}

async function inPostgres(): Promise<Store> {
  const database = await createDatabase();
  await query(database.url, 'create table reviews (id integer primary key, product_id uuid not null, rating smallint not null, text text not null, created_at timestamptz not null)');
  for (const [id, of, rating, text, at] of rows) await query(database.url, 'insert into reviews values ($1, $2, $3, $4, $5)', [id, of, rating, text, `${at}Z`]);
  return database;
}

const clickHouse = await startClickHouse();
if ('missing' in clickHouse) process.stderr.write(`Reviews are not read from ClickHouse: ${clickHouse.missing}\n`);

async function inClickHouse(): Promise<Store> {
  if ('missing' in clickHouse) throw new Error(clickHouse.missing);
  await clickHouse.query('create database shop');
  await clickHouse.query('create table shop.reviews (id UInt32, product_id UUID, rating UInt8, text String, created_at DateTime(\'UTC\')) engine = MergeTree order by (product_id, created_at)');
  await clickHouse.query(`insert into shop.reviews format JSONCompactEachRow\n${rows.map((row) => JSON.stringify(row)).join('\n')}`);
  return { url: `${clickHouse.url}/shop`, [Symbol.asyncDispose]: () => clickHouse[Symbol.asyncDispose]() };
}

describe.each([['Postgres', inPostgres] as const, ...('missing' in clickHouse ? [] : [['ClickHouse', inClickHouse] as const])])('in %s', (_, start) => {
  let store: Store;
  let analytics: Analytics;
  beforeAll(async () => {
    store = await start();
    analytics = createAnalytics({ name: 'the analytics store', url: store.url, poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000, onConnectionLost: () => undefined });
  }, clickHouseMs);
  afterAll(async () => {
    await analytics.close();
    await store[Symbol.asyncDispose]();
  });

  async function asked(question: 'reviewSummaries' | 'latestReviews', of: readonly string[] = [product(1), product(2).toUpperCase(), product(3), 'nonsense']): Promise<Record<string, unknown>> {
    using call = startCall(5_000);
    const found = await analytics[question](of, call);
    return Object.fromEntries([...found].map(([id, json]) => [id, json.parse()]));
  }

  test('reviews are counted and rated by product, whose id may be written in capitals; who has none is left out', async () => {
    expect(await asked('reviewSummaries')).toEqual({
      [product(1)]: { count: 6, average: 4, histogram: { 1: 0, 2: 2, 3: 0, 4: 0, 5: 4 } },
      [product(2)]: { count: 2, average: 4, histogram: { 1: 0, 2: 0, 3: 0, 4: 2, 5: 0 } },
    });
  });

  test('an average that lies between two is rounded up, in either store', async () => {
    const found = await asked('reviewSummaries', [product(4), product(5)]);
    expect(found).toMatchObject({ [product(4)]: { count: 4, average: 4.3 }, [product(5)]: { count: 20, average: 4.4 } });
  });

  test('the newest three come first, those of one moment by their ids', async () => {
    expect(await asked('latestReviews')).toEqual({
      [product(1)]: [6, 5, 4].map((n) => ({ id: n, rating: n < 5 ? 5 : 2, text: `Text ${n}`, created_at: `2026-01-0${n + 1}T12:00:00Z` })),
      [product(2)]: [[8, 'As old'], [7, 'Ä "good" one']].map(([id, text]) => ({ id, rating: 4, text, created_at: '2026-01-01T12:00:00Z' })),
    });
  });

  test('a new review outdates both', () => {
    expect(analytics.reviewSummaries.tagsOf(product(1))).toEqual([`reviews:${product(1)}`]);
    expect(analytics.latestReviews.tagsOf(product(1))).toEqual([`reviews:${product(1)}`]);
  });
});
