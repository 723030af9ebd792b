// What clients tell of themselves when somebody looks.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { seriesNow } from '../core/counting.ts';
import { hang, json, reset } from '../support/answers.ts';
import { failing } from '../support/failing.ts';
import { createDatabase, type Database, lockTable, query, waitUntilBusy } from '../support/postgres.ts';
import { startUpstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { connectPostgres, gone, statement } from './postgres-client.ts';
import { about, connectRecommender } from './recommender.ts';

const good = json({ recommendations: [] });

let database: Database;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, 'create table users as select 1 as id');
});
afterAll(async () => { await database.drop(); });

const pool = () => [...['used', 'idle'].map((state) => seriesNow('tributary.pool.connections', 'observed', state)), seriesNow('tributary.pool.waiting', 'observed')];
const underWay = () => seriesNow('tributary.upstream.requests', 'observed');
const open = ({ port }: { readonly port: number }, label = 'several') => seriesNow('tributary.endpoint.open', label, `127.0.0.1:${port}`);

test('connections by what they do, and who waits for one', async () => {
  await using postgres = connectPostgres(database.url, { label: 'observed', poolSize: 2 });
  expect(pool()).toEqual([0, 0, 0]);
  await postgres.value('select 1');
  expect(pool()).toEqual([0, 1, 0]);
  await using lock = await lockTable(database.url, 'users');
  using call = startCall(30_000);
  const answers = [1, 2, 3].map(() => postgres.rows(statement('select id::text from users'), [], call));
  await waitUntilBusy(database.url, { count: 2 });
  expect(pool()).toEqual([2, 0, 1]);
  await lock.release();
  await Promise.all(answers);
  expect(pool()).toEqual([0, 2, 0]);
});

test('requests under way, until they have been let go of', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { label: 'observed' });
  upstream.answer(hang);
  const call = startCall(30_000);
  const asked = ['1', '2'].map((user) => failing(client.get(about(user), call)));
  await upstream.received(2);
  expect(underWay()).toBe(2);
  call.stop(gone);
  await Promise.all(asked);
  await until(() => underWay() === 0, () => `expected no request under way, but got ${underWay()}`);
});

test('which endpoint is open: where it is, and only where there are several', async () => {
  await using broken = await startUpstream();
  await using working = await startUpstream();
  broken.answer(reset);
  working.answer(good);
  await using client = connectRecommender([broken.url, working.url], { label: 'several' });
  await using alone = connectRecommender(broken.url, { label: 'alone' });
  expect([open(broken), open(working)]).toEqual([0, 0]);
  for (let at = 0; at < 100 && open(broken) === 0; at++) {
    using call = startCall(5_000);
    await client.get(about('1'), call).catch(() => undefined);
    await failing(alone.get(about('1'), call));
  }
  expect([open(broken), open(working), open(broken, 'alone')]).toEqual([1, 0, 0]);
  // It is tried again when its rest is over, and closed where that works.
  broken.answer(good);
  while (open(broken) === 1) {
    using call = startCall(5_000);
    await client.get(about('1'), call);
  }
});
