import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Analytics, createAnalytics } from '../../src/clients/analytics.ts';
import { startCall } from '../../src/core/call.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';

const product = (at: number) => `00000000-0000-4000-8000-00000000000${at}`;

let database: Database;
let analytics: Analytics;
beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, 'create table reviews (id integer primary key, product_id uuid not null, rating smallint not null, text text not null, created_at timestamptz not null)');
  await query(database.url, `insert into reviews select n, $1, case when n < 5 then 5 else 2 end, 'Text ' || n, timestamptz '2026-01-01 12:00Z' + n * interval '1 day' from generate_series(1, 6) as n`, [product(1)]);
  await query(database.url, `insert into reviews values (7, $1, 4, 'Ä "good" one', '2026-01-01 12:00Z'), (8, $1, 4, 'As old', '2026-01-01 12:00Z')`, [product(2)]);
  analytics = createAnalytics({ name: 'the analytics store', url: database.url, poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000, onConnectionLost: () => undefined });
});
afterAll(async () => {
  await analytics.close();
  await database.drop();
});

async function asked<T>(question: 'reviewSummaries' | 'latestReviews'): Promise<T> {
  using call = startCall(5_000);
  const found = await analytics[question]([product(1), product(2).toUpperCase(), product(3), 'nonsense'], call);
  return Object.fromEntries([...found].map(([id, { text }]) => [id, text])) as T;
}

test('reviews are counted and rated by product, whose id may be written in capitals; who has none is left out', async () => {
  expect(await asked('reviewSummaries')).toEqual({
    [product(1)]: '{"count": 6, "average": 4.0, "histogram": {"1": 0, "2": 2, "3": 0, "4": 0, "5": 4}}',
    [product(2)]: '{"count": 2, "average": 4.0, "histogram": {"1": 0, "2": 0, "3": 0, "4": 2, "5": 0}}',
  });
});

test('the newest three come first, those of one moment by their ids', async () => {
  const latest = await asked<Record<string, string>>('latestReviews');
  expect(JSON.parse(latest[product(1)]!)).toEqual([6, 5, 4].map((n) => ({ id: n, rating: n < 5 ? 5 : 2, text: `Text ${n}`, created_at: `2026-01-0${n + 1}T12:00:00Z` })));
  expect((JSON.parse(latest[product(2)]!) as { text: string }[]).map(({ text }) => text)).toEqual(['As old', 'Ä "good" one']);
  expect(Object.keys(latest)).toHaveLength(2);
});

test('a new review outdates both', () => {
  expect(analytics.reviewSummaries.tagsOf(product(1))).toEqual([`reviews:${product(1)}`]);
  expect(analytics.latestReviews.tagsOf(product(1))).toEqual([`reviews:${product(1)}`]);
});
