import { randomUUID } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';
import { inject } from 'vitest';
import { patienceMs } from './until.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a superuser of the throw-away Postgres that the whole test run shares. Make a database of your own in it. */
    postgresUrl: string;
  }
}

// Taken at import: a database is another system, and its clock is not ours to fake.
const { setTimeout: startTimer } = globalThis;
const now = performance.now.bind(performance);

/** What the connections of the tests themselves are called, so that nobody takes them for those under test. */
const ourName = 'tributary-test';

/** Runs `work` on a connection that is closed afterwards. */
async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, application_name: ourName });
  // An idle connection whose server goes away emits this; the next query tells it better.
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs SQL on a connection of its own and returns the rows. */
export const query = (url: string, sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> =>
  connected(url, async (client) => (await client.query<Record<string, unknown>>(sql, [...values])).rows);

export interface Database extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Ends whoever is still connected to it. */
  drop(): Promise<void>;
}

/** An empty database for one test file, so that files can run side by side. Drop it in `afterAll`. */
export async function createDatabase(serverUrl: string = inject('postgresUrl')): Promise<Database> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(serverUrl, `create database ${escapeIdentifier(name)}`);
  const url = new URL(serverUrl);
  url.pathname = name;
  const drop = async () => {
    await query(serverUrl, `drop database if exists ${escapeIdentifier(name)} with (force)`);
  };
  return { name, url: url.href, drop, [Symbol.asyncDispose]: drop };
}

export interface ActiveQuery {
  readonly pid: number;
  readonly applicationName: string;
  /** `active`, or a transaction somebody left open. */
  readonly state: string;
  readonly query: string;
  /** What it waits for: `Lock`, `Client`, …; null while it computes. */
  readonly waitsFor: string | null;
}

const connections = `
  select pid, application_name as "applicationName", state, query, wait_event_type as "waitsFor"
  from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend'
    and application_name <> $1 and ($2::text is null or application_name = $2)`;

const activity = `${connections} and state <> 'idle' order by pid`;

/** What other connections to this database are doing right now; those of the tests themselves are left out. */
export const activeQueries = (url: string, applicationName?: string): Promise<ActiveQuery[]> =>
  connected(url, (client) => askActivity(client, applicationName));

async function askActivity(client: Client, applicationName?: string, sql = activity): Promise<ActiveQuery[]> {
  return (await client.query<ActiveQuery>(sql, [ourName, applicationName ?? null])).rows;
}

/** A cancelled query is gone within milliseconds; one that nobody cancelled is ended by the server after ten seconds, or as late as its test says. */
const goneMs = 5_000;

export interface WaitOptions {
  readonly applicationName?: string;
  readonly withinMs?: number;
}

/**
 * Resolves as soon as nothing runs in this database. Rejects after `withinMs` with what still does: the bound is what
 * the test asserts (a cancelled query is gone by then). Before the first query it holds too: `waitUntilBusy` comes first.
 */
export async function waitUntilIdle(url: string, { applicationName, withinMs = goneMs }: WaitOptions = {}): Promise<void> {
  await untilActivity(url, { applicationName, withinMs, wanted: 'no query', holds: (running) => running.length === 0 });
}

/** Resolves with what runs in this database as soon as that is `count` queries or more. */
export const waitUntilBusy = (
  url: string,
  { applicationName, withinMs = patienceMs, count = 1 }: WaitOptions & { readonly count?: number } = {},
): Promise<ActiveQuery[]> =>
  untilActivity(url, { applicationName, withinMs, wanted: `${count} queries`, holds: (running) => running.length >= count });

/** Resolves once nobody is connected to this database, not even idly: what holds when a client has been closed. */
export const waitUntilDisconnected = (url: string, { applicationName, withinMs = goneMs }: WaitOptions = {}): Promise<ActiveQuery[]> =>
  untilActivity(url, { applicationName, withinMs, wanted: 'no connection', holds: (open) => open.length === 0, sql: connections });

interface Wait {
  readonly sql?: string;
  readonly applicationName: string | undefined;
  readonly withinMs: number;
  readonly wanted: string;
  readonly holds: (running: ActiveQuery[]) => boolean;
}

/** Asks again and again, because Postgres tells nobody. */
const untilActivity = (url: string, { applicationName, withinMs, wanted, holds, sql = activity }: Wait): Promise<ActiveQuery[]> =>
  connected(url, async (client) => {
    const endsAt = now() + withinMs;
    for (;;) {
      const running = await askActivity(client, applicationName, sql);
      if (holds(running)) return running;
      if (now() > endsAt) throw new Error(`after ${withinMs} ms: expected ${wanted}, but got ${list(running)}`);
      await new Promise<void>((resolve) => { startTimer(resolve, 5); });
    }
  });

const list = (running: readonly ActiveQuery[]): string =>
  running
    .map(({ pid, state, waitsFor, query }) => `\n- ${pid} ${state}, waits for ${waitsFor ?? 'nothing'}: ${query}`)
    .join('') || 'none';

export interface TableLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Locks a table (`users`, or `schema.users`) against everybody, readers included, until released. */
export async function lockTable(url: string, table: string): Promise<TableLock> {
  const client = new Client({ connectionString: url, application_name: ourName });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('begin');
    await client.query(`lock table ${table.split('.').map(escapeIdentifier).join('.')} in access exclusive mode`);
  } catch (error) {
    await client.end();
    throw error;
  }
  let released: Promise<void> | undefined;
  // Ending the connection rolls the transaction back.
  const release = () => (released ??= client.end());
  return { release, [Symbol.asyncDispose]: release };
}

/**
 * Stands in line for a table that is locked: behind the queries that wait for it now, and before all that come after
 * this has resolved. `taken` is the lock, once its turn has come.
 */
export async function lockTableNext(url: string, table: string): Promise<{ readonly taken: Promise<TableLock> }> {
  const taken = lockTable(url, table);
  const waiting = `select 1 from pg_locks where relation = $1::regclass and mode = 'AccessExclusiveLock' and not granted`;
  await connected(url, async (client) => {
    const endsAt = now() + patienceMs;
    while ((await client.query(waiting, [table])).rowCount === 0) {
      if (now() > endsAt) throw new Error(`after ${patienceMs} ms: expected somebody to wait for ${table}, but nobody does`);
    }
  });
  return { taken };
}
