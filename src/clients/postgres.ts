import { Pool, type PoolClient } from 'pg';
import type { Call } from '../core/call.ts';
import { failureOf } from '../core/failure.ts';
import type { JsonText } from '../core/json-text.ts';
import { observePool, observePoolWaiting } from '../core/metrics.ts';
import { type Attributes, endSpan, type Span, SpanKind, startSpan } from '../core/trace.ts';
import { untilOver } from '../core/until-over.ts';
import { KeyedQuery } from './keyed-query.ts';
import type { Row, Sql, Statement } from './sql.ts';
import { Cancellation } from './postgres-cancel.ts';
import { connectFailure, isConnectionLost, queryFailure, sqlStateOf } from './postgres-failure.ts';

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

/** A question for many keys at once, for `batched`, and what its answers are invalidated by: see KeyedQuery. */
export interface JsonByKey<T> {
  (keys: readonly string[], call: Call): Promise<Map<string, JsonText<T>>>;
  readonly tagsOf: (key: string) => readonly string[] | undefined;
}

export interface Postgres extends Sql {
  jsonByKey<T>(column: `${string}.${string}`, text: string): JsonByKey<T>;
  /** Those that questions by key are about. */
  readonly tables: readonly string[];
  /** Connects, and learns what the first question would have to wait for. */
  warm(call: Call): Promise<void>;
  check(call: Call): Promise<void>;
  /** Waits for queries under way, then closes all connections. */
  close(): Promise<void>;
}

/** Connects when it is first asked. */
export const createPostgres = (options: PostgresOptions): Postgres => new PooledPostgres(options);

class PooledPostgres implements Postgres {
  readonly #name: string;
  readonly #pool: Pool;
  readonly #attributes: Attributes;
  readonly #keyed: KeyedQuery<unknown>[] = [];
  /** Statements are prepared under one name for each text, the same on every connection. */
  readonly #prepared = new Map<string, string>();

  constructor(options: PostgresOptions) {
    const { hostname, port, pathname } = new URL(options.url);
    this.#name = options.name;
    this.#pool = createPool(options);
    if (options.label !== undefined) observe(this.#pool, options.label);
    this.#attributes = {
      'db.system.name': 'postgresql',
      'db.namespace': pathname.slice(1),
      'server.address': hostname,
      'server.port': Number(port) || 5432,
    };
  }

  rows(statement: Statement, values: readonly unknown[], call: Call): Promise<readonly Row[]> {
    if (call.reason) return Promise.reject(call.reason);
    return call.trace?.span ? this.#recorded(statement, values, call) : this.#query(statement, values, call);
  }

  jsonByKey<T>(column: `${string}.${string}`, text: string): JsonByKey<T> {
    const keyed = new KeyedQuery<T>(this, column, text);
    this.#keyed.push(keyed);
    return Object.assign((keys: readonly string[], call: Call) => keyed.load(keys, call), { tagsOf: (key: string) => keyed.tagsOf(key) });
  }

  get tables(): readonly string[] {
    return this.#keyed.map(({ table }) => table);
  }

  async warm(call: Call): Promise<void> {
    await Promise.all(this.#keyed.map((keyed) => keyed.learn(call)));
  }

  async check(call: Call): Promise<void> {
    await this.#query({ summary: 'SELECT', text: 'select 1' }, [], call);
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #query({ text }: Statement, values: readonly unknown[], call: Call, span?: Span): Promise<readonly Row[]> {
    const client = span && this.#pool.idleCount === 0 ? await this.#connectTimed(call, span) : await this.#connect(call);
    const cancellation = new Cancellation(client);
    let usable = true;
    try {
      // A call may be stopped in the moment between being given a connection and using it.
      call.throwIfOver();
      call.listen(cancellation);
      const result = await client.query<(string | null)[]>({ name: this.#nameOf(text), text, values: [...values], rowMode: 'array' });
      return result.rows;
    } catch (error) {
      usable = !isConnectionLost(error);
      throw call.reason ?? queryFailure(this.#name, error as Error);
    } finally {
      call.unlisten(cancellation);
      const through = await cancellation.through();
      client.release(!(usable && through));
    }
  }

  /** A connection that comes when its asker has left goes straight back. */
  async #connect(call: Call): Promise<PoolClient> {
    try {
      return await untilOver(this.#pool.connect(), call, { late: (client) => { client.release(); } });
    } catch (error) {
      throw call.reason ?? connectFailure(this.#name, error as Error);
    }
  }

  /** None is free: its span says how long it waited, since to the database it was fast. */
  async #connectTimed(call: Call, span: Span): Promise<PoolClient> {
    const since = performance.now();
    try {
      return await this.#connect(call);
    } finally {
      span.setAttribute('tributary.pool.wait_ms', Math.round(performance.now() - since));
    }
  }

  async #recorded(statement: Statement, values: readonly unknown[], call: Call): Promise<readonly Row[]> {
    const { summary, text } = statement;
    const [operation = '', collection = ''] = summary.split(' ');
    const { span } = startSpan(summary, {
      kind: SpanKind.CLIENT,
      parent: call.trace,
      attributes: {
        ...this.#attributes,
        'db.query.summary': summary,
        'db.query.text': text,
        'db.operation.name': operation,
        'db.collection.name': collection,
      },
    });
    try {
      const rows = await this.#query(statement, values, call, span);
      span.setAttribute('db.response.returned_rows', rows.length);
      endSpan(span);
      return rows;
    } catch (error) {
      const failure = failureOf(error);
      const state = sqlStateOf(failure.cause);
      if (state) span.setAttribute('db.response.status_code', state);
      endSpan(span, failure, state);
      throw error;
    }
  }

  #nameOf(text: string): string {
    let name = this.#prepared.get(text);
    if (!name) this.#prepared.set(text, (name = `tributary_${this.#prepared.size + 1}`));
    return name;
  }
}

function observe(pool: Pool, label: string): void {
  observePool(() => pool.totalCount - pool.idleCount, label, 'used');
  observePool(() => pool.idleCount, label, 'idle');
  observePoolWaiting(() => pool.waitingCount, label);
}

function createPool({ url, poolSize, poolWaitMs, statementTimeoutMs, onConnectionLost }: PostgresOptions): Pool {
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
      // If this process dies, or the network, its queries end within 100 ms instead of running to their end (PostgreSQL ≥ 14).
      '-c client_connection_check_interval=100',
    ].join(' '),
  });
  // Without listeners a restart of Postgres would end this process: pg emits 'error' on clients, in the pool and out of it.
  pool.on('error', onConnectionLost);
  pool.on('connect', (client) => { client.on('error', () => undefined); });
  return pool;
}
