import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Postgres } from '../../demo/postgres.ts';
import { hang, json, reset } from '../support/answers.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { type Database, lockTable, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { traffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { seedDatabase, startGateway } from './gateway.ts';

let own: Postgres;
let database: Database;

beforeAll(async () => {
  own = await startOwnPostgres();
  database = await seedDatabase(own.url);
});
// Whatever a test has done to it, the next one finds it running.
afterEach(async () => { await own.up(); });
afterAll(async () => { await own.stop(); });

test.each(['fast', 'immediate'] as const)('a %s restart of Postgres in the middle of traffic fails requests in order, and those after it are answered', async (mode) => {
  await using gateway = await startGateway({ database });
  const requests = traffic((user, options) => gateway.ask(user, options));
  await requests.more(20);
  await own.down(mode);
  await requests.more(20);
  await own.up();
  // Whoever found Postgres starting up may still be told so.
  await requests.more(20);
  const statuses = (await requests.stop()).map(({ status }) => status);
  expect(new Set(statuses).difference(new Set([200, 502, 503]))).toEqual(new Set());
  expect(statuses).toContain(502);
  // What was resting is asked again little by little.
  let last = await gateway.ask(1);
  while (last.status !== 200 || 'errors' in (last.json as object)) last = await gateway.ask(1);
  expect(last.json).toEqual({ user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 12, purchase: 3 } });
});

test('connections that break while nobody uses them are replaced, and the log says so', async () => {
  await using gateway = await startGateway({ database });
  await gateway.ask(1);
  await query(own.url, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'tributary'`);
  const lost = () => gateway.log.filter(({ msg }) => msg === 'an idle connection was lost');
  await until(() => lost().length >= 2, () => `expected to be told of two connections, but got ${lost().length}`);
  expect((await gateway.ask(1)).json).not.toHaveProperty('errors');
  expect(new Set(lost().map(({ client }) => client))).toEqual(new Set(['the analytics store', 'the user database']));
});

test('a database that hears no cancel does not keep its requests', async () => {
  await using relay = await startRelay(database.url);
  await using gateway = await startGateway({ database, databaseUrl: relay.url, deadline: '1m' });
  await gateway.ask(1);
  await using _lock = await lockTable(database.url, 'users');
  const exchange = await gateway.open(1);
  await waitUntilBusy(database.url);
  await relay.refuse();
  exchange.reset();
  await gateway.underWay(0);
  await waitUntilIdle(database.url);
});

test('a recommender that restarts is missing meanwhile, and there again after', async () => {
  await using gateway = await startGateway({ database });
  gateway.upstream.answer(json(['before']));
  expect((await gateway.ask(1)).json).toMatchObject({ recommendations: ['before'] });
  gateway.upstream.answer(reset);
  expect((await Promise.all([1, 2, 3].map((id) => gateway.ask(id)))).map(({ json }) => json)).toMatchObject([{ errors: [{}] }, { errors: [{}] }, { errors: [{}] }]);
  gateway.upstream.answer(json(['after']));
  expect((await gateway.ask(1)).json).toMatchObject({ recommendations: ['after'] });
});

test('one slow store does not hold up those who do not need it', async () => {
  await using gateway = await startGateway({ database, deadline: '1m' });
  await gateway.ask(1);
  await using _lock = await lockTable(database.url, 'analytics');
  gateway.upstream.answer(hang);
  const waiting = await Promise.all(Array.from({ length: 50 }, (_, at) => gateway.open((at % 20) + 1)));
  await gateway.underWay(50);
  expect((await gateway.ask(99)).status).toBe(404);
  for (const exchange of waiting) exchange.destroy();
  await gateway.underWay(0);
});
