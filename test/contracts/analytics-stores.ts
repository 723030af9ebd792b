import type { Analytics } from '../../src/clients/analytics.ts';
import { createAnalytics } from '../../src/clients/analytics.ts';
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse-server.ts';
import { createDatabase, type Database, lockTable, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';

export type EventRow = readonly [user: number, type: string | null, count: string | null];

/** A store of event counts, made to hold what a test says. */
export interface Store extends AsyncDisposable {
  readonly analytics: Analytics;
  /** The same without its table. */
  readonly empty: Analytics;
  /** What the server calls a table that is not there. */
  readonly noTable: string;
  /** What is made of two rows of 1 and 2 for one event. */
  readonly twice: number;
  /** Holds these rows and no others. */
  hold(rows: readonly EventRow[]): Promise<void>;
  /** From now on a count takes longer than anybody waits, until what is returned is called. */
  slow(): Promise<() => Promise<void>>;
  untilBusy(): Promise<unknown>;
  untilIdle(): Promise<void>;
}

const options = { name: 'the analytics store', poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000, onConnectionLost: () => undefined };

export async function inPostgres(): Promise<Store> {
  const database = await createDatabase();
  const none = await createDatabase();
  await query(database.url, 'create table analytics (user_id integer, event_type text, count bigint)');
  const analytics = createAnalytics({ ...options, url: database.url });
  const empty = createAnalytics({ ...options, url: none.url });
  return {
    analytics, empty, noTable: '42P01',
    // What is written to a column takes the place of what was there.
    twice: 2,
    async hold(rows) {
      await query(database.url, 'truncate analytics');
      for (const row of rows) await query(database.url, 'insert into analytics values ($1, $2, $3)', row);
    },
    slow: async () => {
      const lock = await lockTable(database.url, 'analytics');
      return () => lock.release();
    },
    untilBusy: () => waitUntilBusy(database.url),
    untilIdle: () => waitUntilIdle(database.url),
    [Symbol.asyncDispose]: () => closed([analytics, empty], [database, none]),
  };
}

async function closed(clients: readonly Analytics[], databases: readonly Database[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(databases.map((one) => one.drop()));
}

/** Or the reason why there is none here. */
export async function inClickHouse(): Promise<Store | { readonly missing: string }> {
  const server = await startClickHouse();
  return 'missing' in server ? server : storeIn(server);
}

async function storeIn(server: ClickHouseServer): Promise<Store> {
  for (const name of ['shop', 'none']) await server.query(`create database ${name}`);
  const make = 'create table shop.analytics (user_id UInt32, event_type LowCardinality(Nullable(String)), count Nullable(Int64)) engine = MergeTree order by user_id';
  await server.query(make);
  const analytics = createAnalytics({ ...options, url: `${server.url}/shop` });
  const empty = createAnalytics({ ...options, url: `${server.url}/none` });
  const running = `select count() from system.processes where query ilike 'select toString%'`;
  return {
    analytics, empty, noTable: '60', twice: 3,
    async hold(rows) {
      await server.query('truncate table shop.analytics');
      if (rows.length === 0) return;
      await server.query(`insert into shop.analytics format JSONCompactEachRow\n${rows.map(([user, type, count]) => `[${user},${JSON.stringify(type)},${count}]`).join('\n')}`);
    },
    async slow() {
      await server.query('rename table shop.analytics to shop.kept');
      // Three seconds for each of a thousand rows.
      await server.query('create view shop.analytics as select toUInt32(1 + sleepEachRow(3)) as user_id, \'view\' as event_type, 1 as count from numbers(1000) settings max_block_size = 1');
      return async () => {
        await server.query('drop view shop.analytics');
        await server.query('rename table shop.kept to shop.analytics');
      };
    },
    untilBusy: () => until(async () => await server.query(running) !== '0'),
    untilIdle: () => until(async () => await server.query(running) === '0'),
    async [Symbol.asyncDispose]() {
      await closed([analytics, empty], []);
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Asks again and again, because ClickHouse tells nobody. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 8_000;
  while (!await holds()) {
    if (performance.now() > endsAt) throw new Error('expected the queries of ClickHouse to change, but they did not within 8 s');
  }
}
