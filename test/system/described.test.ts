// The statuses and headers that can be seen are those that openapi.json knows, and what it promises comes.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { json } from '../support/answers.ts';
import type { Reply } from '../support/http-client.ts';
import { type Database, query } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { emptyShop, moka, openShop, path, type Shop } from './shop.ts';

interface Described {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
}

const { paths, components } = JSON.parse(await readFile('openapi.json', 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Described>> }>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Described>> };
};

/** The names of the headers that a reply is said to have, in lower case; undefined if there is no such reply. */
function headersIn(at: string, method: string, status: number): readonly string[] | undefined {
  const reply = paths[at]?.[method.toLowerCase()]?.responses[status];
  const { headers } = reply?.$ref === undefined ? reply ?? {} : components.responses[reply.$ref.split('/').at(-1) ?? ''] ?? {};
  return headers && Object.keys(headers).map((name) => name.toLowerCase());
}

/** Of HTTP itself, and for browsers: docs/http-edge.md. */
const ofAll = ['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding', 'x-content-type-options', 'referrer-policy', 'content-security-policy', 'cross-origin-resource-policy'];
/** Only with a cached part, a stream, a full page or a limit. */
const sometimes = ['age', 'link', 'x-accel-buffering', 'ratelimit', 'ratelimit-policy'];

let database: Database;
let model: Upstream;
let shop: Shop;
let at: string;
let etag: string;
beforeAll(async () => {
  database = await emptyShop();
  await query(database.url, 'create table reviews (id integer primary key, product_id uuid not null, rating smallint not null, text text not null, created_at timestamptz not null)');
  model = await startUpstream();
  model.answer(json({ sentiment: 'POSITIVE', confidence: 0.9, model: 'scripted' }));
  shop = await openShop(database, { sentimentUrl: model.url });
  const { headers } = await shop.send('POST', path, { body: moka });
  at = String(headers['location']);
  etag = String(headers['etag']);
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await model.stop();
  await database.drop();
});

const item = `${path}/{id}`;
const nonsense = { headers: { authorization: 'Bearer nonsense' } };
const unseen = { headers: { 'if-match': '"another"' } };

test.each<[string, string, number, () => Promise<Reply>]>([
  ['POST', path, 201, () => shop.send('POST', path, { body: moka })],
  ['POST', path, 400, () => shop.send('POST', path, { body: {} })],
  ['POST', path, 401, () => shop.send('POST', path, { body: moka, by: 'nobody' })],
  ['POST', path, 403, () => shop.send('POST', path, { body: moka, by: 'user' })],
  ['POST', path, 415, () => shop.send('POST', path, { body: 'text', headers: { 'content-type': 'text/plain' } })],
  ['GET', path, 200, () => shop.send('GET', `${path}?limit=1`)],
  ['GET', path, 200, () => shop.send('GET', path, { headers: { accept: 'text/event-stream' } })],
  ['GET', path, 304, () => shop.send('GET', path, { headers: { 'if-none-match': '*' } })],
  ['GET', path, 400, () => shop.send('GET', `${path}?colour=red`)],
  ['GET', item, 200, () => shop.send('GET', at)],
  ['GET', item, 304, () => shop.send('GET', at, { headers: { 'if-none-match': etag } })],
  ['GET', item, 401, () => shop.send('GET', at, nonsense)],
  ['GET', item, 404, () => shop.send('GET', `${path}/00000000-0000-4000-8000-000000000000`)],
  ['PATCH', item, 412, () => shop.send('PATCH', at, { body: { stock: 1 }, ...unseen })],
  ['PATCH', item, 200, () => shop.send('PATCH', at, { body: { stock: 1 } })],
  ['DELETE', item, 204, async () => shop.send('DELETE', String((await shop.send('POST', path, { body: moka })).headers['location']))],
  ['POST', '/analyze-sentiment', 200, () => shop.send('POST', '/analyze-sentiment', { body: { text: 'good' } })],
])('%s %s is answered with %i and the headers that are described', async (method, template, status, ask) => {
  const reply = await ask();
  expect(reply.status, reply.text).toBe(status);
  const described = headersIn(template, method, status);
  const seen = Object.keys(reply.headers).filter((name) => !ofAll.includes(name));
  expect(described).toEqual(expect.arrayContaining(seen));
  // Of problems one description is for all endpoints and causes, and a stream begins before it is known what it will hold.
  if (status < 400 && reply.headers['content-type'] !== 'text/event-stream') expect(seen).toEqual(expect.arrayContaining(described!.filter((name) => !sometimes.includes(name))));
});
