import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import type { Answer } from '../support/answers.ts';
import { hang, json, status } from '../support/answers.ts';
import { type Reply, request } from '../support/http-client.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { type SentimentModel, startSentimentModel } from '../support/sentiment-model.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { watchAt } from './live.ts';

const id = (at: number) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
const statements = readFileSync(new URL('../../src/migrations/0001_products.sql', import.meta.url), 'utf8');

let database: Database;
let model: SentimentModel;
beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, statements);
  await query(database.url, 'create table reviews (id integer primary key, product_id uuid not null, rating smallint not null, text text not null, created_at timestamptz not null)');
  await query(database.url, `insert into products select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Product ' || n, null, 19.9, 3, 'kitchen' from generate_series(1, 9) as n`);
  for (const [at, [rating, text]] of ([[5, 'I love it, great quality!'], [1, 'Broke after a day, terrible.'], [4, 'Very good.'], [2, 'Old.']] as const).entries()) {
    await query(database.url, `insert into reviews values ($1::int, $2, $3, $4, timestamptz '2026-01-09 00:00Z' - $1::int * interval '1 day')`, [at, id(1), rating, text]);
  }
  model = await startSentimentModel({ missing: 'the twin will do' });
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await database.drop();
});
beforeEach(() => model.fault());

/** A gateway that has been asked before, and so is connected: a page has a second, and on a busy machine that alone may take it. */
async function withSimilar(answer: Answer, options: { readonly cache?: Cache; readonly sentimentUrl?: string } = {}): Promise<Gateway> {
  const gateway = await startGateway({ database, sentimentUrl: model.url, ...options });
  gateway.upstream.answer(json([]));
  await page(gateway, id(8));
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer(answer);
  return gateway;
}

const page = ({ url }: Gateway, product = id(1)): Promise<Reply> => request(`${url}/api/v1/products/${product}/page`, { timeoutMs: 10_000 });

interface Page {
  readonly product: { readonly name: string };
  readonly similar: readonly { readonly name: string }[];
  readonly reviews: { readonly summary: unknown; readonly latest: readonly { readonly text: string }[]; readonly sentiment: readonly { readonly sentiment: string }[] | null } | null;
  readonly errors?: readonly { readonly part: string; readonly code: string }[];
}

const pageIn = (reply: Reply) => reply.json as Page;

test('a page has its product, those like it, its reviews, and what the model makes of the latest', async () => {
  await using gateway = await withSimilar(json([id(2), id(77), id(3)]));
  const reply = await page(gateway);
  expect(reply.status).toBe(200);
  const { product, similar, reviews, errors } = pageIn(reply);
  expect(product).toMatchObject({ id: id(1), name: 'Product 1', stock: 3 });
  // One of them is not there any more.
  expect(similar.map(({ name }) => name)).toEqual(['Product 2', 'Product 3']);
  expect(reviews!.summary).toEqual({ count: 4, average: 3, histogram: { 1: 1, 2: 1, 3: 0, 4: 1, 5: 1 } });
  expect(reviews!.latest.map(({ text }) => text)).toEqual(['I love it, great quality!', 'Broke after a day, terrible.', 'Very good.']);
  expect(reviews!.sentiment!.map(({ sentiment }) => sentiment)).toEqual(['POSITIVE', 'NEGATIVE', 'POSITIVE']);
  expect(errors).toBeUndefined();
  expect(gateway.upstream.requests.map(({ url }) => url)).toEqual([`/similar?product=${id(1)}`]);
});

test('products that are alike are read by one statement, and the latest reviews once for both who want them', async () => {
  const own = await createDatabase();
  await query(own.url, statements);
  await query(own.url, 'alter table products rename to goods');
  await query(own.url, 'create sequence statements minvalue 0');
  await query(own.url, `create view products as with counted as materialized (select nextval('statements')) select goods.* from goods, counted`);
  await query(own.url, `insert into goods select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Product ' || n, null, 19.9, 3, 'kitchen' from generate_series(1, 9) as n`);
  await query(own.url, 'create table reviews (id integer primary key, product_id uuid not null, rating smallint not null, text text not null, created_at timestamptz not null)');
  await using gateway = await startGateway({ database: own, sentimentUrl: model.url });
  gateway.upstream.answer(json([2, 3, 4, 5, 6, 7].map(id)));
  expect(pageIn(await page(gateway)).similar).toHaveLength(6);
  // The product's own, and one for those like it.
  expect(await query(own.url, `select nextval('statements')::int as count`)).toEqual([{ count: 2 }]);
  await gateway[Symbol.asyncDispose]();
  await own.drop();
});

test('a product without reviews, and without anything like it', async () => {
  await using gateway = await withSimilar(json([]));
  expect(pageIn(await page(gateway, id(9)))).toMatchObject({
    similar: [], reviews: { summary: { count: 0, average: null, histogram: { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 } }, latest: [], sentiment: [] },
  });
});

test.each<[string, Answer, string, Partial<Page>, readonly unknown[]]>([
  ['the recommender is down', status(500), '', { similar: [] }, [{ part: 'similar', code: 'source_failed' }]],
  ['the recommender hangs', hang, '', { similar: [] }, [{ part: 'similar', code: 'deadline_exceeded' }]],
  ['the model fails', json([]), '?mode=error', { similar: [] }, [{ part: 'reviews.sentiment', code: 'source_failed' }]],
  ['the model hangs', json([]), '?mode=hang', { similar: [] }, [{ part: 'reviews.sentiment', code: 'deadline_exceeded' }]],
])('a page says what it goes without: %s', async (_, answer, fault, expected, errors) => {
  await using gateway = await withSimilar(answer);
  await model.fault(fault);
  const reply = await page(gateway);
  expect(reply.status).toBe(200);
  const body = pageIn(reply);
  expect(body).toMatchObject({ product: { name: 'Product 1' }, ...expected, reviews: { summary: { count: 4 }, latest: [{}, {}, {}] } });
  expect(body.errors).toMatchObject(errors);
  if (fault !== '') expect(body.reviews!.sentiment).toBeNull();
});

test('without a model the page goes without it', async () => {
  await using gateway = await startGateway({ database });
  gateway.upstream.answer(json([]));
  expect(pageIn(await page(gateway)).errors).toMatchObject([{ part: 'reviews.sentiment', code: 'unavailable' }]);
});

test('a model that answers 404 is no model: what it was asked is missing, and not left out', async () => {
  await using elsewhere = await withSimilar(json([]));
  elsewhere.upstream.answer(status(404));
  await using gateway = await withSimilar(json([]), { sentimentUrl: elsewhere.upstream.url });
  expect((await page(gateway)).json).toMatchObject({ reviews: { sentiment: null }, errors: [{ part: 'reviews.sentiment', code: 'source_failed' }] });
});

test('a review without words costs the others nothing, and is asked of nobody', async () => {
  await query(database.url, `insert into reviews values (10, $1, 5, 'I love it, great quality!', '2026-01-03 00:00Z'), (11, $1, 4, ' ', '2026-01-02 00:00Z'), (12, $1, 1, 'Broke after a day, terrible.', '2026-01-01 00:00Z')`, [id(5)]);
  await using gateway = await withSimilar(json([]));
  const reply = await page(gateway, id(5));
  expect(reply.json).not.toHaveProperty('errors');
  expect(reply.json).toMatchObject({ reviews: { sentiment: [{ sentiment: 'POSITIVE' }, { sentiment: 'NEUTRAL', confidence: 0, model: 'none' }, { sentiment: 'NEGATIVE' }] } });
});

test('a product that is not there has no page, and what is no id is said', async () => {
  await using gateway = await withSimilar(json([]));
  const missing = await page(gateway, id(77));
  expect([missing.status, missing.json]).toMatchObject([404, { code: 'not_found', part: 'product' }]);
  const wrong = await page(gateway, '7');
  expect([wrong.status, wrong.json]).toMatchObject([400, { code: 'invalid_input', detail: 'id: expected a UUID, but got "7"' }]);
});

test('a page that was asked for before asks nobody', async () => {
  await using gateway = await withSimilar(json([id(2)]), { cache: new Cache({ bytesMax: 1024 * 1024 }) });
  const first = await page(gateway);
  const { analysed } = await model.health();
  const again = await page(gateway);
  expect(again.text).toBe(first.text);
  expect(gateway.upstream.requests).toHaveLength(1);
  expect((await model.health()).analysed).toBe(analysed);
});

test('live, a part says what is missing inside it, as the description of the API has it', async () => {
  await using gateway = await withSimilar(json([]));
  await model.fault('?mode=error');
  using viewer = await watchAt(`${gateway.url}/api/v1/products/${id(1)}/page/live`);
  const events = await viewer.untilCurrent();
  const reviews = events.find(({ part }) => part === 'reviews');
  expect(reviews).toMatchObject({ data: { sentiment: null }, errors: [{ part: 'reviews.sentiment', code: 'source_failed', detail: expect.any(String) as string }] });
  const { components } = JSON.parse(readFileSync('openapi.json', 'utf8')) as { components: { schemas: { StreamedPart: { properties: object } } } };
  const known = Object.keys(components.schemas.StreamedPart.properties);
  for (const { event: _, id: __, ...data } of events) expect(known).toEqual(expect.arrayContaining(Object.keys(data)));
});
