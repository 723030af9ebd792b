import { Pool, type PoolClient } from 'pg';
import type { Call } from '../core/call.ts';
import { observePool, observePoolWaiting } from '../core/metrics.ts';
import { untilOver } from '../core/until-over.ts';
import { connectFailure } from './postgres-failure.ts';

export interface PostgresOptions {
  /** As clients of the API will read it in problems: 'the user database'. */
  readonly name: string;
  /** As its metrics name it: 'postgres'. Left out, it has none. */
  readonly label?: string;
  /** postgres://… ; an `options` parameter of its own replaces ours. */
  readonly url: string;
  readonly poolSize: number;
  /** How long a query waits for a connection before it is refused as `overloaded`. */
  readonly poolWaitMs: number;
  /** What the server itself ends: above every aggregate's deadline, for when no cancel can reach it. */
  readonly statementTimeoutMs: number;
  /** Told when a connection breaks that nobody uses: the pool replaces it. */
  readonly onConnectionLost: (error: Error) => void;
}

/** A connection that comes when its asker has left goes straight back. */
export async function takeConnection(pool: Pool, name: string, call: Call): Promise<PoolClient> {
  try {
    return await untilOver(pool.connect(), call, { late: (client) => { client.release(); } });
  } catch (error) {
    throw call.reason ?? connectFailure(name, error as Error);
  }
}

/** Connections are made when they are needed. */
export function createPool({ label, url, poolSize, poolWaitMs, statementTimeoutMs, onConnectionLost }: PostgresOptions): Pool {
  const pool = new Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: poolWaitMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    fallback_application_name: 'tributary',
    options: [
      `-c statement_timeout=${statementTimeoutMs}`,
      // A lock that outlasts a statement's time is a slow statement too; this one says in the server's log that it was a lock.
      `-c lock_timeout=${statementTimeoutMs}`,
      // What a transaction has locked is not to stay locked where this process, or the network, has gone silent in its middle.
      `-c idle_in_transaction_session_timeout=${statementTimeoutMs}`,
      // If this process dies, or the network, its queries end within 100 ms instead of running to their end (PostgreSQL ≥ 14).
      '-c client_connection_check_interval=100',
    ].join(' '),
  });
  // Without listeners a restart of Postgres would end this process: pg emits 'error' on clients, in the pool and out of it.
  pool.on('error', onConnectionLost);
  pool.on('connect', (client) => { client.on('error', () => undefined); });
  if (label !== undefined) observe(pool, label);
  return pool;
}

function observe(pool: Pool, label: string): void {
  observePool(() => pool.totalCount - pool.idleCount, label, 'used');
  observePool(() => pool.idleCount, label, 'idle');
  observePoolWaiting(() => pool.waitingCount, label);
}
