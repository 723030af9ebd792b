import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open } from '../support/http-client.ts';
import { type Database, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { eventually, startRedis } from '../support/redis.ts';
import { startRelay } from '../support/relay.ts';
import { by, emptyShop, moka, openBranch, openShop, path, productIn, type Shop } from './shop.ts';

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

async function created(): Promise<string> {
  const reply = await shop.send('POST', path, { body: moka });
  expect(reply.status).toBe(201);
  return String(reply.headers['location']);
}

/** Somebody else, in psql say, who is changing a product and takes their time. */
async function holding(at: string) {
  const client = new Client({ connectionString: database.url, application_name: 'tributary-test' });
  await client.connect();
  await client.query('begin');
  await client.query('select from products where id = $1 for update', [at.slice(path.length + 1)]);
  return { [Symbol.asyncDispose]: () => client.end() };
}

/** Holds the lock that commits wait for, until it ends. */
async function advisoryLock(): Promise<Client> {
  const client = new Client({ connectionString: database.url, application_name: 'tributary-test' });
  await client.connect();
  await client.query('select pg_advisory_lock(1)');
  return client;
}

test('a change that has to wait for longer than its deadline is not made, not even later', async () => {
  const at = await created();
  {
    await using held = await holding(at);
    void held;
    const replies = await Promise.all([shop.send('PATCH', at, { body: { stock: 1 } }), shop.send('DELETE', at)]);
    expect(replies.map(({ status, json }) => [status, (json as { code: string }).code])).toEqual([[504, 'deadline_exceeded'], [504, 'deadline_exceeded']]);
    await waitUntilIdle(database.url, { applicationName: 'tributary' });
  }
  expect(await query(database.url, 'select stock from products where id = $1', [at.slice(path.length + 1)])).toEqual([{ stock: 7 }]);
});

test('a client that leaves while its change waits takes it along', async () => {
  const at = await created();
  {
    await using held = await holding(at);
    void held;
    using left = await open(`${shop.url}${at}`, { method: 'PATCH', headers: { ...by.admin, 'content-type': 'application/json' }, body: '{"stock":1}' });
    await waitUntilBusy(database.url, { applicationName: 'tributary', count: 1 });
    left.destroy();
    await waitUntilIdle(database.url, { applicationName: 'tributary' });
  }
  expect(productIn(await shop.send('GET', at)).stock).toBe(7);
});

test('reading goes on while changes wait', async () => {
  const [at, other] = await Promise.all([created(), created()]);
  await using held = await holding(at);
  void held;
  const waiting = Array.from({ length: 10 }, () => shop.send('PATCH', at, { body: { stock: 1 } }));
  await waitUntilBusy(database.url, { applicationName: 'tributary', count: 1 });
  expect((await shop.send('GET', other)).status).toBe(200);
  // Refused for want of a connection, or not made by the deadline.
  expect((await Promise.all(waiting)).filter(({ status }) => status !== 503 && status !== 504)).toEqual([]);
});

test('where nobody can say whether a product was made, its key says it', async () => {
  await using relay = await startRelay(database.url);
  await using unlucky = await openShop(relay);
  const headers = { 'idempotency-key': 'once-only' };
  expect((await unlucky.send('POST', path, { body: moka })).status).toBe(201);
  const body = { ...moka, name: 'Made or not' };
  // It is committed, and the answer to that does not come.
  await query(database.url, `create function lengthen() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(1); return null; end $$`);
  await query(database.url, 'create constraint trigger lengthen after insert on products deferrable initially deferred for each row execute function lengthen()');
  const holder = await advisoryLock();
  const sent = unlucky.send('POST', path, { body, headers });
  await eventually(async () => (await query(database.url, `select from pg_stat_activity where query = 'commit' and state = 'active' and datname = current_database()`)).length > 0, () => 'expected a commit');
  await relay.suffer({ kind: 'hang' });
  await holder.end();
  const reply = await sent;
  await relay.suffer(undefined);
  await query(database.url, 'drop trigger lengthen on products');
  // `outcome_unknown`, or on a busy machine `deadline_exceeded`: of a change they say the same.
  expect(reply.status).toBe(504);
  const again = await unlucky.send('POST', path, { body, headers });
  expect(again.status).toBe(201);
  expect(await query(database.url, `select id::text from products where name = 'Made or not'`)).toEqual([{ id: productIn(again).id }]);
});

test('a Redis that is frozen keeps nobody from changing, and tells the others once it is back', async () => {
  await using redis = await startRedis();
  await using one = await openBranch(database, redis, 50);
  await using other = await openBranch(database, redis, 50);
  const at = await created();
  for (const each of [one, other]) expect(productIn(await each.send('GET', at)).stock).toBe(7);
  redis.freeze();
  try {
    expect((await one.send('PATCH', at, { body: { stock: 8 } })).status).toBe(200);
    expect(productIn(await one.send('GET', at)).stock).toBe(8);
  } finally {
    redis.thaw();
  }
  await eventually(async () => productIn(await other.send('GET', at)).stock === 8, () => 'expected the other one to hear of it', 15_000);
});
