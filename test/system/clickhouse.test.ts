import { expect, test } from 'vitest';
import { clickHouseMs, startClickHouse } from '../support/clickhouse-server.ts';
import { query } from '../support/postgres.ts';
import { seedDatabase, startGateway } from './gateway.ts';

const server = await startClickHouse();
if ('missing' in server) process.stderr.write(`Analytics in ClickHouse are not tested: ${server.missing}\n`);

test.runIf('query' in server)('what ClickHouse counts is a part of the answer, and without it the answer says so', { timeout: clickHouseMs }, async () => {
  if ('missing' in server) return;
  await using clickHouse = server;
  await clickHouse.query('create table analytics (user_id UInt64, event_type LowCardinality(String), count UInt64) engine = SummingMergeTree order by (user_id, event_type)');
  await clickHouse.query(`insert into analytics values (1, 'view', 40), (1, 'view', 2), (2, 'view', 7)`);
  await using database = await seedDatabase();
  await query(database.url, 'drop table analytics');
  await using gateway = await startGateway({ database, analyticsUrl: clickHouse.url });
  expect((await gateway.ask(1)).json).toEqual({ user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 42 } });
  await clickHouse.query('drop table analytics');
  expect((await gateway.ask(1)).json).toMatchObject({ analytics: {}, errors: [{ part: 'analytics', code: 'source_failed', detail: 'a query of the analytics store failed' }] });
});
