import { afterAll, beforeAll, expect, test } from 'vitest';
import { runNotifyInstallation } from '../../src/clients/notify-install.ts';
import { parseKeyColumn } from '../../src/clients/notify-sql.ts';
import { json } from '../support/answers.ts';
import { request } from '../support/http-client.ts';
import { type Database, query } from '../support/postgres.ts';
import { eventually, type RedisServer, startRedis } from '../support/redis.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { type Service, startService } from './service.ts';

// Two gateways as processes of their own, over one Redis and one Postgres: what a fleet is.

let database: Database;
let upstream: Upstream;
let redis: RedisServer;
let fleet: readonly [Service, Service];

const start = (more: Record<string, string> = {}): Promise<Service> =>
  startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, CACHE: 'redis', REDIS_URL: redis.url, ...more });

beforeAll(async () => {
  [database, upstream, redis] = await Promise.all([seedDatabase(), startUpstream(), startRedis()]);
  upstream.answer(json(['a', 'b']));
  await runNotifyInstallation({
    url: database.url, action: 'install', tables: ['users.id', 'analytics.user_id'].map(parseKeyColumn), onTable: (_, error) => { if (error) throw error; },
  });
  fleet = await Promise.all([start(), start()]);
  await Promise.all(fleet.map((gateway) => gateway.ask(20)));
  // Both have Redis by now: what one keeps the other one finds.
  await eventually(async () => (await Promise.all(fleet.map((gateway) => gateway.ask(20)))).every(isKept), () => 'expected both to keep answers');
});
afterAll(async () => {
  await Promise.all(fleet.map((gateway) => gateway[Symbol.asyncDispose]()));
  await Promise.all([upstream.stop(), redis[Symbol.asyncDispose](), database.drop()]);
});

const isKept = ({ headers }: { headers: Record<string, unknown> }): boolean => !String(headers['cache-status']).includes('fwd');
const nameOf = ({ json: body }: { json: unknown }) => (body as { user_data: { name: string } }).user_data.name;
const views = ({ json: body }: { json: unknown }) => (body as { analytics: { view?: number } }).analytics.view;
const rename = (id: number, name: string) => query(database.url, 'update users set data = jsonb_build_object($1::text, $2::text) where id = $3', ['name', name, id]);

test('what one gateway has loaded the other one finds in Redis', async () => {
  const [one, other] = fleet;
  const asked = upstream.requests.length;
  const first = await one.ask(1);
  await eventually(async () => isKept(await other.ask(1)), () => 'expected the other one to find it');
  expect((await other.ask(1)).text).toBe(first.text);
  expect(upstream.requests.length - asked).toBeLessThanOrEqual(2);
});

test.each([
  ['is changed', (id: number) => rename(id, 'Somebody Else')],
  ['is written anew', async (id: number) => {
    await query(database.url, 'delete from users where id = $1', [id]);
    await query(database.url, `insert into users values ($1, '{"name":"Somebody Else"}')`, [id]);
  }],
  ['is changed together with all others', (id: number) => query(database.url, `update users set data = data || '{"name":"Somebody Else"}' where id >= $1`, [id])],
])('a row that %s by anybody leaves the caches of both gateways', async (_, change) => {
  const id = 3;
  await rename(id, 'Before');
  await eventually(async () => (await Promise.all(fleet.map((gateway) => gateway.ask(id)))).every((reply) => isKept(reply) && nameOf(reply) === 'Before'), () => 'expected both to keep the old name');
  await change(id);
  // Far below any time-out of theirs: thirty seconds.
  await eventually(async () => (await Promise.all(fleet.map((gateway) => gateway.ask(id)))).every((reply) => nameOf(reply) === 'Somebody Else'), () => 'expected both to say the new name');
});

test('counts that change leave the caches as well, and the profile stays', async () => {
  await Promise.all(fleet.map((gateway) => gateway.ask(4)));
  await query(database.url, `insert into analytics values (4, 'view', 77)`);
  await eventually(async () => (await Promise.all(fleet.map((gateway) => gateway.ask(4)))).every((reply) => views(reply) === 77), () => 'expected both to count 77 views');
});

test('what an operator has forgotten at one gateway the other one forgets too', async () => {
  const [one, other] = fleet;
  await Promise.all(fleet.map((gateway) => gateway.ask(5)));
  await eventually(async () => isKept(await other.ask(5)), () => 'expected it to be kept');
  upstream.answer(json(['new']));
  const reply = await request(`${one.adminUrl}/cache/invalidate?tag=recommendations:5`, { method: 'POST' });
  expect([reply.status, reply.text]).toEqual([200, 'forgotten\n']);
  await eventually(async () => ((await other.ask(5)).json as { recommendations: string[] }).recommendations[0] === 'new', () => 'expected the other one to ask again', 2_000);
  upstream.answer(json(['a', 'b']));
  expect((await request(`${one.adminUrl}/cache/invalidate`, { method: 'POST' })).status).toBe(400);
  expect((await request(`${one.adminUrl}/cache/invalidate?tag=nonsense`, { method: 'POST' })).text).toContain('expected ?tag=group:id');
});

test('a gateway whose connection to Postgres is cut misses changes, and forgets what it had once it listens again', async () => {
  const [one] = fleet;
  await rename(6, 'Before');
  await eventually(async () => nameOf(await one.ask(6)) === 'Before', () => 'expected the old name');
  await query(database.url, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tributary-notices' and datname = current_database()`);
  await rename(6, 'After');
  await eventually(async () => (await Promise.all(fleet.map((gateway) => gateway.ask(6)))).every((reply) => nameOf(reply) === 'After'), () => 'expected the new name', 5_000);
});
