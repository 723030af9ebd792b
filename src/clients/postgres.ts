import type { Pool } from 'pg';
import type { Call } from '../core/call.ts';
import { inSpan } from '../core/in-span.ts';
import type { JsonText } from '../core/json-text.ts';
import { KeyedQuery } from './keyed-query.ts';
import { Cancellation } from './postgres-cancel.ts';
import { isConnectionLost, queryFailure } from './postgres-failure.ts';
import { createPool, type PostgresOptions, takeConnection } from './postgres-pool.ts';
import { Statements } from './postgres-statements.ts';
import { inTransaction, type Transaction } from './postgres-transaction.ts';
import type { Row, Sql, Statement } from './sql.ts';

export type { PostgresOptions } from './postgres-pool.ts';
export type { Transaction } from './postgres-transaction.ts';

/** A question for many keys at once, for `batched`, and what its answers are invalidated by: see KeyedQuery. */
export interface JsonByKey<T> {
  (keys: readonly string[], call: Call): Promise<Map<string, JsonText<T>>>;
  readonly tagsOf: (key: string) => readonly string[] | undefined;
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

/** Beyond the time in which the server itself ends a statement. */
const answerMs = 1_000;

class PooledPostgres implements Postgres {
  readonly #name: string;
  readonly #reads: Pool;
  readonly #options: PostgresOptions;
  #writes: Pool | undefined;
  readonly #statements: Statements;
  readonly #keyed: KeyedQuery<unknown>[] = [];

  constructor(options: PostgresOptions) {
    this.#name = options.name;
    this.#options = options;
    this.#reads = createPool(options);
    this.#statements = new Statements(options.url);
  }

  rows(statement: Statement, values: readonly unknown[], call: Call): Promise<readonly Row[]> {
    if (call.reason) return Promise.reject(call.reason);
    if (!call.trace?.span) return this.#query(statement, values, call);
    return this.#statements.recorded(statement, call.trace, () => this.#query(statement, values, call));
  }

  transaction<T>(call: Call, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (call.reason) return Promise.reject(call.reason);
    return inSpan('transaction', call, async (own) => {
      const client = await takeConnection(this.#writePool(), this.#name, own);
      return inTransaction(client, own, { name: this.#name, statements: this.#statements, endMs: this.#options.statementTimeoutMs + answerMs }, work);
    });
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

  async close(): Promise<void> {
    await Promise.all([this.#reads.end(), this.#writes?.end()]);
  }

  /** Transactions wait for one another where they change the same row: meanwhile they must not keep the connections of those who only read. */
  #writePool(): Pool {
    const { label, poolSize } = this.#options;
    return (this.#writes ??= createPool({ ...this.#options, ...(label === undefined ? {} : { label: `${label}_writes` }), poolSize: Math.ceil(poolSize / 4) }));
  }

  async #query(statement: Statement, values: readonly unknown[], call: Call): Promise<readonly Row[]> {
    const client = await takeConnection(this.#reads, this.#name, call);
    const cancellation = new Cancellation(client);
    let usable = true;
    try {
      // A call may be stopped in the moment between being given a connection and using it.
      call.throwIfOver();
      call.listen(cancellation);
      return await this.#statements.run(client, statement, values);
    } catch (error) {
      usable = !isConnectionLost(error);
      throw call.reason ?? queryFailure(this.#name, error as Error);
    } finally {
      call.unlisten(cancellation);
      const through = await cancellation.through();
      client.release(!(usable && through));
    }
  }
}
