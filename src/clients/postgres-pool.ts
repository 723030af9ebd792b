import { Pool } from 'pg';
import { observePool, observePoolWaiting } from '../core/metrics.ts';
import { clientsOf, type Servers } from './postgres-servers.ts';

export interface PoolOptions {
  /** As its metrics name it: 'postgres'. Left out, it has none. */
  readonly label?: string;
  readonly poolSize: number;
  /** How long a query waits for a connection before it is refused as `overloaded`. */
  readonly poolWaitMs: number;
  /** What the server itself ends: above every aggregate's deadline, for when no cancel can reach it. */
  readonly statementTimeoutMs: number;
  /** The longest a connection is waited for whose query was cancelled, in place of the usual quarter of a second. */
  readonly cancelMs?: number;
  /** Told when a connection breaks that nobody uses: the pool replaces it. */
  readonly onConnectionLost: (error: Error) => void;
}

/** Connections to the servers, whichever of them answer. Connects when it is first asked. */
export function createPool(servers: Servers, { label, poolSize, poolWaitMs, statementTimeoutMs, onConnectionLost }: PoolOptions): Pool {
  const pool = new Pool({
    // Of several servers each has its share of the wait, so that the last one is still asked within it.
    Client: clientsOf(servers, Math.ceil(poolWaitMs / servers.urls.length)),
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
  // Without a listener a restart of Postgres would end this process.
  pool.on('error', onConnectionLost);
  if (label !== undefined) observe(pool, label);
  return pool;
}

function observe(pool: Pool, label: string): void {
  observePool(() => pool.totalCount - pool.idleCount, label, 'used');
  observePool(() => pool.idleCount, label, 'idle');
  observePoolWaiting(() => pool.waitingCount, label);
}
