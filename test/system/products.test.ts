import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../support/postgres.ts';
import { query } from '../support/postgres.ts';
import { type By, emptyShop, listIn, moka, nextOf, openShop, path, productIn, type Shop, stock } from './shop.ts';

let database: Database;
let shop: Shop;

beforeAll(async () => {
  database = await emptyShop();
  shop = await openShop(database);
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await database.drop();
});

/** A new product: where it is, and what it says. */
async function created(more: object = {}) {
  const reply = await shop.send('POST', path, { body: { ...moka, ...more } });
  expect(reply.status).toBe(201);
  return { at: String(reply.headers['location']), etag: String(reply.headers['etag']), product: productIn(reply), reply };
}

test('a product is made, and is where it is said to be, byte by byte', async () => {
  const { at, etag, product, reply } = await created({ description: 'For three cups' });
  expect(at).toBe(`${path}/${product.id}`);
  expect(product).toEqual({ ...moka, id: expect.stringMatching(/^[\da-f-]{36}$/), description: 'For three cups', created_at: product.updated_at, updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) });
  expect(reply.text).toContain('"price": 24.90');
  expect(reply.headers['cache-control']).toBe('no-store');
  for (const who of ['nobody', 'user', 'admin'] as const) {
    const read = await shop.send('GET', at, { by: who });
    expect([read.status, read.text, read.headers['etag']]).toEqual([200, reply.text, etag]);
    expect(read.headers['cache-control']).toBe('public, no-cache');
  }
  const again = await shop.send('GET', at, { by: 'nobody', headers: { 'if-none-match': etag } });
  expect([again.status, again.text, again.headers['cache-control']]).toEqual([304, '', 'public, no-cache']);
});

test.each<[string, By, number, string | undefined]>([
  ['POST', 'nobody', 401, 'Bearer realm="tributary"'], ['POST', 'user', 403, 'Bearer realm="tributary", error="insufficient_scope"'],
  ['PATCH', 'nobody', 401, 'Bearer realm="tributary"'], ['PATCH', 'user', 403, 'Bearer realm="tributary", error="insufficient_scope"'],
  ['DELETE', 'nobody', 401, 'Bearer realm="tributary"'], ['DELETE', 'user', 403, 'Bearer realm="tributary", error="insufficient_scope"'],
])('%s is not for %s', async (method, who, status, challenge) => {
  const { at } = await created();
  const body = method === 'DELETE' ? {} : { body: method === 'POST' ? moka : { stock: 0 } };
  const reply = await shop.send(method, method === 'POST' ? path : at, { by: who, ...body });
  expect([reply.status, reply.headers['www-authenticate']]).toEqual([status, challenge]);
  const bad = await shop.send(method, method === 'POST' ? path : at, { ...body, headers: { authorization: 'Bearer nonsense' } });
  expect([bad.status, String(bad.headers['www-authenticate'])]).toEqual([401, expect.stringMatching(/^Bearer /)]);
  expect(productIn(await shop.send('GET', at)).stock).toBe(moka.stock);
});

test.each<[string, unknown, string]>([
  ['no name', { name: undefined }, 'name: expected text of 1 to 100 characters'],
  ['an empty name', { name: '' }, 'name: expected text of 1 to 100 characters'],
  ['a long name', { name: 'x'.repeat(101) }, 'name: expected text of 1 to 100 characters'],
  ['a name that Postgres cannot store', { name: 'a\0b' }, 'name: expected text without U+0000'],
  ['half a character', { name: 'a\ud800' }, 'name: expected text without U+0000 and halves of characters'],
  ['a long description', { description: 'x'.repeat(501) }, 'description: expected text of 0 to 500 characters'],
  ['a price of 0', { price: 0 }, 'price: expected a number above 0, at most 1000000, with two decimals at most, but got 0'],
  ['too high a price', { price: 1_000_000.01 }, 'price: expected a number above 0'],
  ['three decimals', { price: 19.999 }, 'with two decimals at most, but got 19.999'],
  ['a sum of doubles', { price: 0.1 + 0.2 }, 'with two decimals at most, but got 0.30000000000000004'],
  ['a price as text', { price: '24.90' }, 'price: expected a number'],
  ['a stock below 0', { stock: -1 }, 'stock: expected a whole number from 0 to 2147483647, but got -1'],
  ['half a piece', { stock: 0.5 }, 'stock: expected a whole number'],
  ['more than there can be', { stock: 2 ** 31 }, 'stock: expected a whole number'],
  ['no category', { category: '' }, 'category: expected text of 1 to 100 characters'],
  ['a field that nobody knows', { colour: 'red' }, 'body: expected no fields but name, description, price, stock, category, and not "colour"'],
  ['an id', { id: randomUUID() }, 'and not "id"'],
  ['a field with a long name', { ['x'.repeat(60_000)]: 1 }, `and not "${'x'.repeat(80)}…"`],
])('what is wrong with a new product is said: %s', async (_, more, detail) => {
  const reply = await shop.send('POST', path, { body: { ...moka, ...(more as object) } });
  expect([reply.status, reply.json]).toMatchObject([400, { code: 'invalid_input' }]);
  expect((reply.json as { detail: string }).detail).toContain(detail);
});

test('at its bounds a product is taken as it is', async () => {
  const name = '🫖'.repeat(100);
  const { product, reply } = await created({ name, description: 'x'.repeat(500), price: 1_000_000, stock: 2 ** 31 - 1, category: '茶' });
  expect(product).toMatchObject({ name, price: 1_000_000, stock: 2 ** 31 - 1, category: '茶' });
  expect(reply.text).toContain('"price": 1000000.00');
  expect((await created({ price: 0.01, stock: 0 })).reply.text).toContain('"price": 0.01');
});

test('what is changed is changed, and nothing else', async () => {
  const { at, product } = await created({ description: 'old' });
  const reply = await shop.send('PATCH', at, { body: { price: 19.9, description: null } });
  expect([reply.status, reply.json]).toEqual([200, { ...product, price: 19.9, description: null, updated_at: expect.not.stringMatching(product.updated_at) }]);
  expect(productIn(reply).updated_at > product.updated_at).toBe(true);
  const read = await shop.send('GET', at, { by: 'nobody' });
  expect([read.text, read.headers['etag']]).toEqual([reply.text, reply.headers['etag']]);
  expect(productIn(await shop.send('PATCH', at, { body: { stock: 0, name: 'Other', category: 'other' } }))).toMatchObject({ stock: 0, name: 'Other', category: 'other', price: 19.9 });
});

test.each([['nothing', {}], ['null', { stock: null }], ['an unknown field', { colour: 'red' }], ['a bad one', { price: 19.999 }]])('a change of %s is refused', async (_, body) => {
  const { at, reply } = await created();
  expect((await shop.send('PATCH', at, { body })).status).toBe(400);
  expect((await shop.send('GET', at)).text).toBe(reply.text);
});

test('what is not there cannot be read, changed or taken away', async () => {
  const { at } = await created();
  expect((await shop.send('GET', at)).status).toBe(200);
  const gone = await shop.send('DELETE', at);
  expect([gone.status, gone.text, gone.headers['content-type']]).toEqual([204, '', undefined]);
  for (const target of [at, `${path}/${randomUUID()}`]) {
    const replies = await Promise.all([shop.send('GET', target, { by: 'nobody' }), shop.send('PATCH', target, { body: { stock: 1 } }), shop.send('DELETE', target), shop.send('DELETE', target, { headers: { 'if-match': '*' } })]);
    expect(replies.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  }
  const bad = await shop.send('GET', `${path}/nonsense`);
  expect([bad.status, bad.json]).toMatchObject([400, { detail: 'id: expected a UUID, but got "nonsense"' }]);
});

test('If-Match changes what one has seen, and nothing that is newer', async () => {
  const { at, etag } = await created();
  for (const other of ['"other"', `W/${etag}`, 'nonsense']) {
    for (const [method, body] of [['PATCH', { body: { stock: 1 } }], ['DELETE', {}]] as const) {
      const reply = await shop.send(method, at, { ...body, headers: { 'if-match': other } });
      expect([reply.status, reply.json]).toMatchObject([412, { code: 'precondition_failed' }]);
    }
  }
  const first = await shop.send('PATCH', at, { body: { stock: 1 }, headers: { 'if-match': `"x", ${etag}` } });
  expect(first.status).toBe(200);
  expect((await shop.send('PATCH', at, { body: { stock: 2 }, headers: { 'if-match': etag } })).status).toBe(412);
  expect((await shop.send('PATCH', at, { body: { stock: 3 }, headers: { 'if-match': '*' } })).status).toBe(200);
  expect((await shop.send('DELETE', at, { headers: { 'if-match': String(first.headers['etag']) } })).status).toBe(412);
  expect((await shop.send('DELETE', at, { headers: { 'if-match': String((await shop.send('GET', at)).headers['etag']) } })).status).toBe(204);
});

test('lists are filtered, bounded, and the newest first', async () => {
  await query(database.url, 'delete from products');
  await stock(database, 250, ['tea', 'coffee']);
  await shop.cache.invalidate(['products:*']);
  const list = async (question: string) => listIn(await shop.send('GET', `${path}?${question}`, { by: 'nobody' }));
  expect((await list('')).map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, at) => `Product ${250 - at}`));
  expect(await list('limit=100')).toHaveLength(100);
  expect((await list('category=tea&limit=2')).map(({ name }) => name)).toEqual(['Product 250', 'Product 248']);
  expect((await list('min_price=0.10&max_price=0.12')).map(({ price }) => price)).toEqual([0.12, 0.11, 0.1]);
  expect((await list('category=coffee&min_price=2.48')).map(({ price }) => price)).toEqual([2.49]);
  expect(await list('category=nothing')).toEqual([]);
});

test.each(['limit=0', 'limit=101', 'limit=ten', 'limit=1&limit=2', 'min_price=-1', 'min_price=1e3', 'max_price=1.999', 'min_price=2&max_price=1.99', 'category=', 'cursor=nonsense', 'colour=red&limit=1'])('a list is not made up for %s', async (question) => {
  const reply = await shop.send('GET', `${path}?${question}`, { by: 'nobody' });
  expect([reply.status, reply.json]).toMatchObject([400, { code: 'invalid_input' }]);
  if (question.startsWith('colour')) expect((reply.json as { detail: string }).detail).toContain('expected no parameters but category, min_price, max_price, limit, cursor, and not "colour"');
});

test('whoever writes sees it in every list and in the product at once, also where it was kept', async () => {
  await query(database.url, 'delete from products');
  await shop.cache.invalidate(['products:*']);
  const names = async (question: string) => {
    const reply = await shop.send('GET', `${path}?${question}`, { by: 'nobody' });
    return [listIn(reply).map(({ name }) => name), String(reply.headers['cache-status']).includes('hit')];
  };
  expect(await names('category=kitchen')).toEqual([[], false]);
  expect(await names('category=kitchen')).toEqual([[], true]);
  const { at } = await created();
  expect(await names('category=kitchen')).toEqual([[moka.name], false]);
  expect(await names('category=kitchen')).toEqual([[moka.name], true]);
  expect((await shop.send('GET', at)).status).toBe(200);
  await shop.send('PATCH', at, { body: { category: 'attic' } });
  expect(await names('category=kitchen')).toEqual([[], false]);
  expect(await names('category=attic')).toEqual([[moka.name], false]);
  expect(productIn(await shop.send('GET', at)).category).toBe('attic');
  await shop.send('DELETE', at);
  expect((await shop.send('GET', at)).status).toBe(404);
  expect(await names('category=attic')).toEqual([[], false]);
});

test('pages follow one another to the last, filters and all', async () => {
  await query(database.url, 'delete from products');
  await stock(database, 57, ['tea', 'coffee & cake']);
  await shop.cache.invalidate(['products:*']);
  const seen: string[] = [];
  for (let target: string | undefined = `${path}?category=${encodeURIComponent('coffee & cake')}&max_price=0.55&limit=7`; target !== undefined;) {
    const reply = await shop.send('GET', target, { by: 'nobody' });
    seen.push(...listIn(reply).map(({ name }) => name));
    target = nextOf(reply);
  }
  expect(seen).toEqual(Array.from({ length: 28 }, (_, at) => `Product ${55 - 2 * at}`));
});
