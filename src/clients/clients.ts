import { startCall } from '../core/call.ts';
import { type Analytics, createAnalytics } from './analytics.ts';
import { createHttpClient, type HttpClient } from './http.ts';
import { createPostgres, type Postgres } from './postgres.ts';

/** Everything that is asked over a wire. */
export interface Clients {
  readonly postgres: Postgres;
  readonly analytics: Analytics;
  readonly recommender: HttpClient;
  /** Absent where no model is set up. */
  readonly sentiment?: HttpClient;
}

export interface ClientsConfig {
  readonly databaseUrl: string;
  readonly analyticsUrl: string;
  /** One, or several endpoints that answer the same. */
  readonly recommendationsUrl: string | readonly string[];
  /** The recommendations service answers for many users at once. */
  readonly recommendationsBulk?: boolean;
  /** Of the model that says whether a text is positive, if there is one. */
  readonly sentimentUrl?: string | readonly string[] | undefined;
  readonly poolSize: number;
  readonly poolWaitMs: number;
  readonly statementTimeoutMs: number;
}

/** A few more than questions of the source `sentiment` are under way: those that are being ended hold theirs a little longer. */
const modelConnections = 16;

/** Opens nothing yet: each client connects when it is first asked. */
export function createClients(config: ClientsConfig, onConnectionLost: (client: string, error: Error) => void): Clients {
  const { poolSize, poolWaitMs, statementTimeoutMs } = config;
  const store = (label: string, name: string, url: string) => ({
    label, name, url, poolSize, poolWaitMs, statementTimeoutMs,
    onConnectionLost: (error: Error) => { onConnectionLost(name, error); },
  });
  return {
    postgres: createPostgres(store('postgres', 'the user database', config.databaseUrl)),
    // A pool of its own even in the same database: a slow count must not keep users from being read.
    analytics: createAnalytics(store('analytics', 'the analytics store', config.analyticsUrl)),
    recommender: createHttpClient({ label: 'recommender', name: 'the recommendations service', url: config.recommendationsUrl, bulk: config.recommendationsBulk ?? false }),
    ...(config.sentimentUrl === undefined ? {} : { sentiment: createHttpClient({ label: 'sentiment', name: 'the sentiment model', url: config.sentimentUrl, connections: modelConnections }) }),
  };
}

/** How long the stores are waited for before the first question: not at all if they are slow, but their connections come. */
const warmMs = 2_000;

/** Connects to the stores, so that the first request does not have to. What fails now is tried again when it is asked. */
export async function warmClients({ postgres, analytics }: Clients): Promise<void> {
  using call = startCall(warmMs);
  await Promise.allSettled([postgres.warm(call), analytics.warm(call)]);
}

/** Closes all clients, waiting for what is under way. */
export async function closeClients(clients: Clients): Promise<void> {
  await Promise.allSettled(Object.values(clients).map((client: { close(): Promise<void> }) => client.close()));
}
