// Row 6. All connections of a pool are taken by slow queries, and two hundred callers want one: each is answered in bounded
// time, nothing queues up in Postgres, and nobody is left waiting.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reply } from '../support/http-client.ts';
import { watchLeaks } from '../support/leaks.ts';
import { type Database, lockTable, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('all connections were taken', 'callers met their deadline', 'callers were refused a connection');

let database: Database;

beforeAll(async () => {
  database = await seedDatabase();
  await query(database.url, `insert into users select n, '{"name":"More"}' from generate_series(21, 200) as n`);
});
afterAll(() => database.drop());

const callers = 200;
const askAll = (gateway: Gateway): Promise<Reply>[] => Array.from({ length: callers }, (_, at) => gateway.ask(at + 1, { timeoutMs: 40_000 }));
const connections = async () =>
  Number((await query(database.url, `select count(*) from pg_stat_activity where datname = current_database() and application_name = 'tributary'`))[0]?.['count']);

test('two hundred callers of a pool of two are all answered by the deadline, wave after wave, and Postgres sees two queries', async () => {
  const leaks = watchLeaks();
  {
    await using gateway = await startGateway({ database, poolSize: 2, statementTimeoutMs: 60_000, poolWaitMs: 60_000 });
    await gateway.ask(1);
    for (let wave = 0; wave < 2; wave++) {
      await using _ = await lockTable(database.url, 'users');
      const asked = askAll(gateway);
      const busy = await waitUntilBusy(database.url, { count: 2 });
      saw('all connections were taken', busy.length === 2);
      for (const { status, json } of await Promise.all(asked)) {
        expect([status, json]).toEqual([504, expect.objectContaining({ code: 'deadline_exceeded', part: 'user_data' })]);
        saw('callers met their deadline');
      }
      await gateway.underWay(0);
      await waitUntilIdle(database.url, { applicationName: 'tributary' });
      // Two of users and two of counts.
      expect(await connections()).toBeLessThanOrEqual(4);
    }
    expectComplete([await gateway.ask(1)]);
  }
  await leaks.assertNone();
});

test('who would wait for a connection too long is refused before the deadline, and told when to come again', async () => {
  await using gateway = await startGateway({ database, poolSize: 1, poolWaitMs: 200, deadline: '1m', statementTimeoutMs: 60_000 });
  await gateway.ask(1);
  await using lock = await lockTable(database.url, 'users');
  const first = gateway.ask(1, { timeoutMs: 20_000 });
  await waitUntilBusy(database.url);
  const refused = await Promise.all(askAll(gateway));
  for (const { status, json, headers } of refused) {
    expect([status, json, headers['retry-after']]).toEqual([503, expect.objectContaining({ code: 'overloaded', part: 'user_data' }), '1']);
    saw('callers were refused a connection');
  }
  expect(await waitUntilBusy(database.url)).toHaveLength(1);
  await lock.release();
  expectComplete([await first, await gateway.ask(2)]);
});
