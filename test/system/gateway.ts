import { pino } from 'pino';
import { z } from 'zod';
import { userOverview } from '../../src/aggregates/user-overview.ts';
import { type ClientsConfig, closeClients, createClients } from '../../src/clients/clients.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import type { Duration } from '../../src/core/duration.ts';
import { optional } from '../../src/core/part.ts';
import { Edge } from '../../src/http/edge.ts';
import { type AppOptions, createApp } from '../../src/app.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { closeServer, listen, type ListenOptions, portOf } from '../../src/http/server.ts';
import { createSources, type Sources } from '../../src/sources/sources.ts';
import { UserId } from '../../src/sources/user.ts';
import { json } from '../support/answers.ts';
import { type Exchange, open, type Reply, request, type RequestOptions } from '../support/http-client.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';

export type LogLine = Readonly<Record<string, unknown>>;

export interface GatewayOptions extends Partial<ClientsConfig>, Partial<Pick<AppOptions, 'authentication' | 'timeoutStatus' | 'sampling' | 'cache' | 'mayReload' | 'serverTiming' | 'limits' | 'corsOrigins' | 'trustedCallers' | 'liveMax' | 'docs'>> {
  readonly database: Pick<Database, 'url'>;
  /** In place of the shipped aggregate's two seconds: short for what has to be missed, long for what must not wait for it. */
  readonly deadline?: Duration;
  /** In place of the server's own. */
  readonly listening?: ListenOptions['limits'];
}

/** The gateway on a free port, with a scripted recommender of its own. `await using` closes both. */
export interface Gateway extends AsyncDisposable {
  readonly url: string;
  readonly upstream: Upstream;
  readonly edge: Edge;
  /** What it logged, parsed. */
  readonly log: readonly LogLine[];
  /** Asks for a user's overview and reads the whole reply. */
  ask(userId: string | number, options?: RequestOptions): Promise<Reply>;
  /** Sends the question; what comes is in the hands of the test. */
  open(userId: string | number, options?: RequestOptions): Promise<Exchange>;
  /** Resolves once so many requests are under way: their parts have been asked by then. */
  underWay(count: number): Promise<void>;
  /** The access lines, once there are as many. */
  accessLines(count: number): Promise<readonly LogLine[]>;
}

export async function startGateway({ database, deadline, authentication, cache, mayReload = false, serverTiming = 'everybody', timeoutStatus = 504, sampling, limits, corsOrigins = [], listening, trustedCallers = [], liveMax = 10_000, docs = false, ...config }: GatewayOptions): Promise<Gateway> {
  const upstream = await startUpstream();
  upstream.answer(json(['a', 'b']));
  const log: LogLine[] = [];
  const logger = pino({ base: null }, { write: (line: string) => { log.push(JSON.parse(line) as LogLine); } });
  const clients = createClients({
    databaseUrl: database.url,
    analyticsUrl: database.url,
    recommendationsUrl: upstream.url,
    poolSize: 10,
    poolWaitMs: 3_000,
    statementTimeoutMs: 10_000,
    ...config,
  }, (client, error) => { logger.warn({ err: error, client }, 'an idle connection was lost'); });
  const options = { log: logger, timeoutStatus, sampling: sampling ?? { ratio: 0, trustParent: false }, authentication, mayReload, serverTiming, limits, corsOrigins, trustedCallers };
  const { app, edge, lanes, headers } = deadline === undefined ? createApp(clients, { ...options, cache, liveMax, docs }) : appWithin(deadline, new Edge(options), createSources({ ...clients, cache }));
  const server = await listen(app, 0, '127.0.0.1', lanes, { log: logger, headers, ...(listening ? { limits: listening } : {}) });
  const url = `http://127.0.0.1:${portOf(server)}`;
  const about = (userId: string | number) => `${url}/api/aggregated?user_id=${userId}`;
  const accessLines = () => log.filter(({ msg }) => msg === 'request');
  let closed: Promise<void> | undefined;
  const close = async () => {
    await closeServer(server, 0);
    await closeClients(clients);
    await upstream.stop();
  };
  return {
    url, upstream, edge, log,
    ask: (userId, options) => request(about(userId), options),
    open: (userId, options) => open(about(userId), options),
    underWay: (count) => until(() => edge.underWay === count, () => `expected ${count} requests under way, but got ${edge.underWay}`),
    async accessLines(count) {
      await until(() => accessLines().length >= count, () => `expected ${count} access lines, but got ${accessLines().length}`);
      return accessLines();
    },
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

/** The shipped aggregate with another deadline. */
function appWithin(deadline: Duration, edge: Edge, sources: Sources) {
  const { profile, recommendations, activity } = sources;
  const overview = aggregate({
    name: userOverview(sources).name,
    input: z.object({ user_id: UserId }),
    deadline,
    parts: {
      user_data: profile,
      recommendations: optional(recommendations, { otherwise: [] }),
      analytics: optional(activity, { otherwise: {} }),
    },
  });
  return { app: createRoutes(edge, { '/api/aggregated': overview }), edge, lanes: [], headers: {} };
}

/** A database with users 1 to 20, named `User 1` and so on; user 1 has looked at 12 things and bought 3. */
export async function seedDatabase(serverUrl?: string): Promise<Database> {
  const database = await createDatabase(serverUrl);
  await query(database.url, 'create table users (id integer primary key, data jsonb)');
  await query(database.url, 'create table analytics (user_id integer, event_type text, count bigint)');
  await query(database.url, `insert into users select n, jsonb_build_object('name', 'User ' || n) from generate_series(1, 20) as n`);
  await query(database.url, `insert into analytics values (1, 'view', 12), (1, 'purchase', 3)`);
  return database;
}

/** From now on each statement that reads users is counted: they become a view. Their rows are in the table `people`. */
export async function countStatements({ url }: Database): Promise<() => Promise<number>> {
  await query(url, 'alter table users rename to people');
  await query(url, 'create sequence statements minvalue 0');
  await query(url, `create view users as with counted as materialized (select nextval('statements')) select id, data from people, counted`);
  return async () => Number((await query(url, `select nextval('statements') as count`))[0]?.['count']);
}
