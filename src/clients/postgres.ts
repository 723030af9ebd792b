import type { Client, Pool, PoolClient } from 'pg';
import type { Call } from '../core/call.ts';
import { failureOf } from '../core/failure.ts';
import type { JsonText } from '../core/json-text.ts';
import { type Attributes, endSpan, type Span, SpanKind, startSpan } from '../core/trace.ts';
import { untilOver } from '../core/until-over.ts';
import { KeyedQuery } from './keyed-query.ts';
import type { Row, Sql, Statement } from './sql.ts';
import { Cancellation } from './postgres-cancel.ts';
import { connectFailure, isConnectionLost, queryFailure, sqlStateOf } from './postgres-failure.ts';
import { createPool, type PoolOptions } from './postgres-pool.ts';
import { connectToOne, Servers } from './postgres-servers.ts';
import { parsePostgresUrl } from './postgres-url.ts';

export interface PostgresOptions extends PoolOptions {
  /** As clients of the API will read it in problems: 'the user database'. */
  readonly name: string;
  /** postgres://… of one server, or of several between commas; an `options` parameter of its own replaces ours. */
  readonly url: string;
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
  readonly #servers: Servers;
  readonly #pool: Pool;
  readonly #attributes: Attributes;
  readonly #keyed: KeyedQuery<unknown>[] = [];
  /** Statements are prepared under one name for each text, the same on every connection. */
  readonly #prepared = new Map<string, string>();

  constructor(options: PostgresOptions) {
    const parsed = parsePostgresUrl(options.url);
    const { hostname, port, pathname } = new URL(parsed.urls[0]!);
    this.#name = options.name;
    this.#servers = new Servers(parsed);
    this.#pool = createPool(this.#servers, options);
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
    if (span && this.#several) span.setAttributes(addressOf(client));
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
    const connect = () => untilOver(this.#pool.connect(), call, { late: (client) => { client.release(); } });
    try {
      return await (this.#several ? connectToOne(this.#servers, connect) : connect());
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

  get #several(): boolean {
    return this.#servers.urls.length > 1;
  }

  #nameOf(text: string): string {
    let name = this.#prepared.get(text);
    if (!name) this.#prepared.set(text, (name = `tributary_${this.#prepared.size + 1}`));
    return name;
  }
}

/** Of several servers the one that is asked; its types leave out what pg knows. */
function addressOf(client: PoolClient): Attributes {
  const { host, port } = client as PoolClient & Pick<Client, 'host' | 'port'>;
  return { 'server.address': host, 'server.port': port };
}
