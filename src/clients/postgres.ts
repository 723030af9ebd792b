import type { Pool, PoolClient } from 'pg';
import type { Call } from '../core/call.ts';
import { inSpan } from '../core/in-span.ts';
import type { Span } from '../core/trace.ts';
import { untilOver } from '../core/until-over.ts';
import { type JsonByKey, Questions } from './json-by-key.ts';
import { KeyedQuery } from './keyed-query.ts';
import { Cancellation } from './postgres-cancel.ts';
import { connectFailure, isConnectionLost, queryFailure } from './postgres-failure.ts';
import { createPool, type PoolOptions } from './postgres-pool.ts';
import { connectToOne, Servers } from './postgres-servers.ts';
import { addressOf, Statements } from './postgres-statements.ts';
import { inTransaction, type Transaction } from './postgres-transaction.ts';
import { parsePostgresUrl, type PostgresServers } from './postgres-url.ts';
import type { Row, Sql, Statement } from './sql.ts';

export type { Transaction } from './postgres-transaction.ts';

export interface PostgresOptions extends PoolOptions {
  /** As clients of the API will read it in problems: 'the user database'. */
  readonly name: string;
  /** postgres://… of one server, or of several between commas; an `options` parameter of its own replaces ours. */
  readonly url: string;
}

export interface Postgres extends Sql {
  jsonByKey<T>(column: `${string}.${string}`, text: string): JsonByKey<T>;
  /**
   * Statements that happen together or not at all: committed if `work` resolves before the call is stopped. Rejects as `rows`
   * does, with what `work` rejects with, and with `outcome_unknown` if nobody can say whether it was committed.
   */
  transaction<T>(call: Call, work: (transaction: Transaction) => Promise<T>): Promise<T>;
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

/** What is beyond the time in which the server itself ends a statement. */
const answerMs = 1_000;

/** Connections for one kind of work, to those servers that do it. */
interface Place {
  readonly servers: Servers;
  readonly pool: Pool;
}

class PooledPostgres implements Postgres {
  readonly #options: PostgresOptions;
  readonly #parsed: PostgresServers;
  readonly #reads: Place;
  #writes: Place | undefined;
  readonly #statements: Statements;
  readonly #questions = new Questions();

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#parsed = parsePostgresUrl(options.url);
    this.#reads = placeOf(this.#parsed, options);
    this.#statements = new Statements(this.#parsed.urls[0]!);
  }

  rows(statement: Statement, values: readonly unknown[], call: Call): Promise<readonly Row[]> {
    if (call.reason) return Promise.reject(call.reason);
    if (!call.trace?.span) return this.#query(statement, values, call);
    return this.#statements.recorded(statement, call.trace, (span) => this.#query(statement, values, call, span));
  }

  transaction<T>(call: Call, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (call.reason) return Promise.reject(call.reason);
    return inSpan('transaction', call, async (own) => {
      const { name, statementTimeoutMs, cancelMs } = this.#options;
      const client = await this.#connectTimed(this.#placeOfWrites(), own, own.trace?.span);
      return inTransaction(client, own, { name, statements: this.#statements, endMs: statementTimeoutMs + answerMs, cancelMs }, work);
    });
  }

  jsonByKey<T>(column: `${string}.${string}`, text: string): JsonByKey<T> {
    return this.#questions.add(new KeyedQuery<T>(this, column, text));
  }

  get tables(): readonly string[] {
    return this.#questions.tables;
  }

  warm(call: Call): Promise<void> {
    return this.#questions.learn(call);
  }

  async check(call: Call): Promise<void> {
    await this.#query({ summary: 'SELECT', text: 'select 1' }, [], call);
  }

  async close(): Promise<void> {
    await Promise.all([this.#reads.pool.end(), this.#writes?.pool.end()]);
  }

  /**
   * Transactions wait for one another where they change the same row: meanwhile they must not keep the connections of those
   * who only read. Of several servers one that takes changes is asked, whichever are read.
   */
  #placeOfWrites(): Place {
    const { label, poolSize } = this.#options;
    const { urls, wanted } = this.#parsed;
    return (this.#writes ??= placeOf({ urls, wanted: urls.length > 1 ? 'read-write' : wanted }, {
      ...this.#options, ...(label === undefined ? {} : { label: `${label}_writes` }), poolSize: Math.ceil(poolSize / 4),
    }));
  }

  async #query(statement: Statement, values: readonly unknown[], call: Call, span?: Span): Promise<readonly Row[]> {
    const client = span ? await this.#connectTimed(this.#reads, call, span) : await this.#connect(this.#reads, call);
    if (span && this.#several) span.setAttributes(addressOf(client));
    const cancellation = new Cancellation(client, this.#options.cancelMs);
    let usable = true;
    try {
      // A call may be stopped in the moment between being given a connection and using it.
      call.throwIfOver();
      call.listen(cancellation);
      return await this.#statements.run(client, statement, values);
    } catch (error) {
      usable = !isConnectionLost(error);
      throw call.reason ?? queryFailure(this.#options.name, error as Error);
    } finally {
      call.unlisten(cancellation);
      const through = await cancellation.through();
      client.release(!(usable && through));
    }
  }

  /** A connection that comes when its asker has left goes straight back. */
  async #connect({ servers, pool }: Place, call: Call): Promise<PoolClient> {
    const connect = () => untilOver(pool.connect(), call, { late: (client) => { client.release(); } });
    try {
      return await (this.#several ? connectToOne(servers, connect) : connect());
    } catch (error) {
      throw call.reason ?? connectFailure(this.#options.name, error as Error);
    }
  }

  /** Where none is free, its span says how long it waited, since to the database it was fast. */
  async #connectTimed(place: Place, call: Call, span: Span | undefined): Promise<PoolClient> {
    if (!span || place.pool.idleCount > 0) return this.#connect(place, call);
    const since = performance.now();
    try {
      return await this.#connect(place, call);
    } finally {
      span.setAttribute('tributary.pool.wait_ms', Math.round(performance.now() - since));
    }
  }

  get #several(): boolean {
    return this.#parsed.urls.length > 1;
  }
}

function placeOf(parsed: PostgresServers, options: PoolOptions): Place {
  const servers = new Servers(parsed);
  return { servers, pool: createPool(servers, options) };
}
