import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reply } from '../support/http-client.ts';
import { type Database, query } from '../support/postgres.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { emptyShop, listIn, moka, nextOf, openBranch, path, productIn, type Shop, stock } from './shop.ts';

// Two gateways over one Postgres and one Redis. No trigger is installed: what one hears of the other it hears from its writes.

let database: Database;
let redis: RedisServer;
let shops: readonly [Shop, Shop];

beforeAll(async () => {
  [database, redis] = await Promise.all([emptyShop(), startRedis()]);
  shops = await Promise.all([openBranch(database, redis), openBranch(database, redis)]);
});
afterAll(async () => {
  await Promise.all(shops.map((shop) => shop[Symbol.asyncDispose]()));
  await Promise.all([redis[Symbol.asyncDispose](), database.drop()]);
});

const crowd = <T>(count: number, each: (shop: Shop, at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => each(shops[at % 2]!, at)));

async function created(more: object = {}): Promise<string> {
  const reply = await shops[0].send('POST', path, { body: { ...moka, ...more } });
  expect(reply.status).toBe(201);
  return String(reply.headers['location']);
}

/** Of a busy machine a request may be told to come again. */
const again = ({ status }: Reply): boolean => status === 503 || status === 504;

/** Comes again for as long as it is told to. A change that had no answer by the deadline may have been made just then: that is told. */
async function untilTold(send: () => Promise<Reply>, onUnknown: () => void = () => {}): Promise<Reply> {
  for (;;) {
    const reply = await send();
    if (!again(reply)) return reply;
    if (reply.status === 504) onUnknown();
  }
}

test('of two hundred that change what they have all seen, one does', async () => {
  const at = await created({ stock: 0 });
  for (let round = 1; round <= 3; round++) {
    const { etag = '' } = (await untilTold(() => shops[0].send('GET', at, { headers: { 'cache-control': 'no-cache' } }))).headers;
    let unknown = 0;
    const replies = await crowd(200, (shop) => untilTold(() => shop.send('PATCH', at, { body: { stock: round }, headers: { 'if-match': etag } }), () => { unknown += 1; }));
    const won = replies.filter(({ status }) => status === 200);
    expect(replies.filter(({ status }) => status !== 200 && status !== 412)).toEqual([]);
    const product = productIn(await untilTold(() => shops[0].send('GET', at)));
    expect(product.stock).toBe(round);
    // Nobody is told that it was theirs only where whose it was had no answer in time.
    if (won.length === 0) expect(unknown).toBeGreaterThan(0);
    else expect(won.map(({ json }) => json)).toEqual([product]);
  }
});

test('no change is lost: what thirty add one by one is thirty', async () => {
  const at = await created({ stock: 0 });
  const count = { done: 0, refused: 0, unknown: 0 };
  await crowd(30, async (shop) => {
    for (;;) {
      const read = await untilTold(() => shop.send('GET', at));
      const reply = await shop.send('PATCH', at, { body: { stock: productIn(read).stock + 1 }, headers: { 'if-match': String(read.headers['etag']) } });
      if (reply.status === 200) return void (count.done += 1);
      // No answer by the deadline: it may have been made just then, besides the one that follows.
      if (reply.status === 504) count.unknown += 1;
      else if (reply.status === 412 || reply.status === 503) count.refused += 1;
      else throw new Error(`expected 200 or 412, but got ${reply.status} ${reply.text}`);
    }
  });
  const { stock: sum } = productIn(await shops[0].send('GET', at));
  expect(count.done).toBe(30);
  expect(sum).toBeGreaterThanOrEqual(30);
  expect(sum).toBeLessThanOrEqual(30 + count.unknown);
  expect(count.refused).toBeGreaterThan(0);
});

test('three hundred times the same POST is one product and one answer', async () => {
  const key = randomUUID();
  const name = `Only ${key}`;
  const statuses = new Set<number>();
  const replies = await crowd(300, async (shop) => {
    for (;;) {
      const reply = await shop.send('POST', path, { body: { ...moka, name }, headers: { 'idempotency-key': `"${key}"` } });
      statuses.add(reply.status);
      if (reply.status === 201) return reply;
      if (reply.status !== 409 && !again(reply)) throw new Error(`expected 201 or 409, but got ${reply.status} ${reply.text}`);
    }
  });
  expect(new Set(replies.map(({ text, headers }) => `${String(headers['location'])} ${String(headers['etag'])} ${text}`)).size).toBe(1);
  expect(await query(database.url, 'select count(*)::int from products where name = $1', [name])).toEqual([{ count: 1 }]);
  expect(statuses).toContain(409);
});

test('a key is somebody\'s, for one request and one day', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const [shop] = shops;
  const first = await shop.send('POST', path, { body: moka, headers });
  const { category, stock: count, price, name } = moka;
  expect((await shop.send('POST', path, { body: { category, stock: count, price, name, description: null }, headers })).text).toBe(first.text);
  expect((await shop.send('POST', path, { body: { ...moka, stock: 8 }, headers })).json).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  await query(database.url, `update idempotency_keys set created_at = now() - interval '24 hours' where key = $1`, [headers['idempotency-key']]);
  const next = await shop.send('POST', path, { body: { ...moka, stock: 8 }, headers });
  expect([next.status, productIn(next).id === productIn(first).id]).toEqual([201, false]);
  for (const bad of ['', 'a, b', '"a', 'x'.repeat(256), 'ключ']) {
    const reply = await shop.send('POST', path, { body: moka, headers: { 'idempotency-key': Buffer.from(bad).toString('latin1') } });
    expect([reply.status, reply.json]).toMatchObject([400, { code: 'invalid_input' }]);
  }
});

test('a request that was refused leaves its key unused, and what is over is swept', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const [shop] = shops;
  expect((await shop.send('POST', path, { body: { ...moka, price: 0 }, headers })).status).toBe(400);
  await query(database.url, `insert into idempotency_keys select 'ops', 'old ' || n, '', 201, '{}', '', now() - interval '25 hours' from generate_series(1, 15) as n`);
  expect((await shop.send('POST', path, { body: moka, headers })).status).toBe(201);
  const left = () => query(database.url, `select count(*)::int from idempotency_keys where key like 'old %'`);
  expect(await left()).toEqual([{ count: 5 }]);
  await shop.send('POST', path, { body: moka, headers: { 'idempotency-key': randomUUID() } });
  expect(await left()).toEqual([{ count: 0 }]);
});

test.each([[0, 1], [1, 0]] as const)('what gateway %d writes gateway %d has forgotten as soon as it is told', async (here, there) => {
  const [writer, reader] = [shops[here], shops[there]];
  const list = `${path}?category=fleet&limit=50`;
  const at = await created({ category: 'fleet' });
  const tag = `products:${at.slice(path.length + 1)}`;
  const kept = async (target: string) => {
    for (;;) {
      const reply = await reader.send('GET', target, { by: 'nobody' });
      if (String(reply.headers['cache-status']).includes('hit')) return reply;
    }
  };
  expect(productIn(await kept(at)).stock).toBe(7);
  expect(listIn(await kept(list)).find(({ id }) => at.endsWith(id))?.stock).toBe(7);
  for (const count of [1, 2, 3]) {
    const told = reader.told(tag);
    expect((await writer.send('PATCH', at, { body: { stock: count } })).status).toBe(200);
    expect(productIn(await writer.send('GET', at)).stock).toBe(count);
    await told;
    expect(productIn(await reader.send('GET', at, { by: 'nobody' })).stock).toBe(count);
    expect(listIn(await reader.send('GET', list, { by: 'nobody' })).find(({ id }) => at.endsWith(id))?.stock).toBe(count);
  }
  const told = reader.told(tag);
  expect((await writer.send('DELETE', at)).status).toBe(204);
  await told;
  expect((await reader.send('GET', at, { by: 'nobody' })).status).toBe(404);
  expect(listIn(await reader.send('GET', list, { by: 'nobody' })).find(({ id }) => at.endsWith(id))).toBeUndefined();
});

test('pages have each product once, however many come meanwhile', async () => {
  await stock(database, 120, ['paged']);
  const before = await query(database.url, `select id::text from products where category = 'paged' order by created_at desc, id desc`);
  const adders = { wanted: true, added: 0 };
  const adding = crowd(4, async (shop) => {
    while (adders.wanted) {
      const { status } = await shop.send('POST', path, { body: { ...moka, category: 'paged' } });
      if (status === 201) adders.added += 1;
    }
  });
  const seen: string[] = [];
  for (let target: string | undefined = `${path}?category=paged&limit=10`; target !== undefined;) {
    const reply = await shops[seen.length % 20 === 0 ? 0 : 1].send('GET', target, { by: 'nobody' });
    expect(reply.status).toBe(200);
    seen.push(...listIn(reply).map(({ id }) => id));
    target = nextOf(reply);
  }
  adders.wanted = false;
  await adding;
  expect(new Set(seen).size).toBe(seen.length);
  const ids = before.map(({ id }) => id);
  expect(seen.filter((id) => ids.includes(id))).toEqual(ids);
  expect(adders.added).toBeGreaterThan(0);
});
