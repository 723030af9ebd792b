import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { SpanKind, spanned, type Trace, traceparent } from '../core/trace.ts';
import { untilOver } from '../core/until-over.ts';
import { ClickHouseKeyed } from './clickhouse-keyed.ts';
import { type JsonByKey, Questions } from './json-by-key.ts';
import type { Row, Statement } from './sql.ts';

export interface ClickHouseOptions {
  /** As clients of the API will read it in problems: 'the analytics store'. */
  readonly name: string;
  /** clickhouse://user:password@host:8123/database over HTTP, or clickhouses://…:8443 over HTTPS. */
  readonly url: string;
  /** Queries under way at a time; more wait for as long as their calls go on. */
  readonly poolSize: number;
  /** What the server itself ends. */
  readonly statementTimeoutMs: number;
}

export interface ClickHouse {
  /** A statement that takes keys as `{keys}`, an array, and gives rows of (key, JSON), both as strings: see `Postgres.jsonByKey`. */
  jsonByKey<T>(column: `${string}.${string}`, text: string): JsonByKey<T>;
  readonly tables: readonly string[];
  /** Connects, and learns what the first question would have to wait for. */
  warm(call: Call): Promise<void>;
  check(call: Call): Promise<void>;
  close(): Promise<void>;
}

/** Far above what a batch answers with: beyond it the server fails the query. */
const resultBytesMax = 32 * 1024 * 1024;

/** Connects when it is first asked. */
export const createClickHouse = (options: ClickHouseOptions): ClickHouse => new HttpClickHouse(options);

class HttpClickHouse implements ClickHouse {
  readonly #options: ClickHouseOptions;
  readonly #url: URL;
  readonly #questions = new Questions();
  /** Loaded where it is used: other stores' services do not read it at their start. */
  #client: Promise<ClickHouseClient> | undefined;

  constructor(options: ClickHouseOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
  }

  jsonByKey<T>(column: `${string}.${string}`, text: string): JsonByKey<T> {
    return this.#questions.add(new ClickHouseKeyed<T>((statement, parameters, call) => this.#rows(statement, parameters, call), column, text));
  }

  get tables(): readonly string[] {
    return this.#questions.tables;
  }

  warm(call: Call): Promise<void> {
    return this.#questions.learn(call);
  }

  async check(call: Call): Promise<void> {
    await this.#rows({ summary: 'SELECT', text: 'select \'1\'' }, {}, call);
  }

  async close(): Promise<void> {
    await (await this.#client)?.close();
  }

  #rows(statement: Statement, parameters: Readonly<Record<string, unknown>>, call: Call): Promise<readonly Row[]> {
    if (call.reason) return Promise.reject(call.reason);
    const { summary, text } = statement;
    const [operation = '', collection = ''] = summary.split(' ');
    return spanned(summary, SpanKind.CLIENT, call.trace, {
      'db.system.name': 'clickhouse', 'db.namespace': databaseOf(this.#url), 'server.address': this.#url.hostname, 'server.port': portOf(this.#url),
      'db.query.summary': summary, 'db.query.text': text, 'db.operation.name': operation, 'db.collection.name': collection,
    }, (trace) => this.#query(text, parameters, call, trace));
  }

  async #query(query: string, query_params: Readonly<Record<string, unknown>>, call: Call, trace: Trace | undefined): Promise<readonly Row[]> {
    try {
      this.#client ??= connect(this.#options, this.#url);
      const client = await this.#client;
      call.throwIfOver();
      const query_id = randomUUID();
      const ended = () => { kill(client, query_id); };
      call.signal.addEventListener('abort', ended, { once: true });
      const asked = client.query({
        query, query_params, query_id, format: 'JSONCompactEachRow', abort_signal: call.signal,
        // It traces what it does with a query below the span that it is told (opentelemetry_span_log).
        ...(trace ? { http_headers: { traceparent: traceparent(trace) } } : {}),
      }).then((result) => result.json<Row>()).finally(() => { call.signal.removeEventListener('abort', ended); });
      return await untilOver(asked, call);
    } catch (error) {
      throw call.reason ?? failureFrom(this.#options.name, error as ClickHouseError);
    }
  }
}

async function connect({ poolSize, statementTimeoutMs }: ClickHouseOptions, { protocol, hostname, port, username, password, pathname, search }: URL): Promise<ClickHouseClient> {
  const { ClickHouseLogLevel, createClient } = await import('@clickhouse/client');
  return createClient({
    url: `${protocol === 'clickhouses:' ? 'https' : 'http'}://${hostname}:${port || (protocol === 'clickhouses:' ? '8443' : '8123')}/${search}`,
    username: decodeURIComponent(username) || 'default',
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || 'default',
    application: 'tributary',
    max_open_connections: poolSize,
    request_timeout: statementTimeoutMs + 1_000,
    // It logs to the console, queries included.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: {
      max_execution_time: statementTimeoutMs / 1_000,
      max_result_bytes: String(resultBytesMax),
      // Numbers as numbers, with all their digits; what has no JSON is null.
      output_format_json_quote_64bit_integers: 0,
      output_format_json_quote_decimals: 0,
      output_format_json_quote_denormals: 0,
    },
  });
}

/** Closing its connection ends a query only where the user may do nothing but read. Where this does not arrive, max_execution_time holds. */
function kill(client: ClickHouseClient, query_id: string): void {
  void client.command({ query: 'kill query where query_id = {query_id:String} async', query_params: { query_id } }).catch(() => undefined);
}

const databaseOf = ({ pathname }: URL): string => decodeURIComponent(pathname.slice(1)) || 'default';
const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'clickhouses:' ? 8443 : 8123);

/** With a `code` from the server, or from the system where there is no server. */
type ClickHouseError = Error & { readonly code?: string; readonly type?: string };

/** What it ended itself: TIMEOUT_EXCEEDED, QUERY_WAS_CANCELLED. */
const endings: readonly unknown[] = ['159', '394'];
/** TOO_MANY_SIMULTANEOUS_QUERIES, MEMORY_LIMIT_EXCEEDED. */
const shortages: readonly unknown[] = ['202', '241'];

function failureFrom(name: string, cause: ClickHouseError): Failure {
  const { code } = cause;
  if (code === undefined || !/^\d+$/.test(code)) return new Failure('source_failed', `${name} could not be reached`, { cause });
  if (endings.includes(code)) return new Failure('deadline_exceeded', `${name} gave up on a query`, { cause });
  if (shortages.includes(code)) return new Failure('overloaded', `${name} is out of resources`, { cause, retryAfterMs: 1_000 });
  return new Failure('source_failed', `a query of ${name} failed`, { cause });
}
