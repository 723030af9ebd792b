import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import type { JsonText } from '../core/json-text.ts';
import { observeUpstream } from '../core/metrics.ts';
import { parsed, validated } from './http-answer.ts';
import { Endpoint, type Sent, type Upstream } from './http-endpoint.ts';
import { Endpoints } from './http-endpoints.ts';

export interface HttpOptions {
  /** As clients of the API will read it in problems: 'recommendations'. */
  readonly name: string;
  /** As its metrics name it: 'recommender'. Left out, it has none. */
  readonly label?: string;
  /** Scheme, host and port; a path is put before every path asked. Several, if several endpoints answer the same. */
  readonly url: string | readonly string[];
  /** Connections to each endpoint, and so requests under way. A bulkhead: a hanging upstream holds no more than these. */
  readonly connections?: number;
  /** How long a connection may take to be made, TLS included. */
  readonly connectMs?: number;
  /** It answers for many at once: see getEach. */
  readonly bulk?: boolean;
  /** Requests that wait for a connection; beyond them requests are refused as `overloaded`. */
  readonly waitingMax?: number;
}

type Query = Readonly<Record<string, string | readonly string[]>>;

export interface HttpQuestion<Out> {
  /** A fixed path, so that it may name spans; everything that varies is in the query. */
  readonly path: `/${string}`;
  /** A list repeats its parameter: `user=1&user=2`. */
  readonly query?: Query;
  /** What the answer has to be. What leaves the gateway is what this let through: unknown members are gone. */
  readonly answer: StandardSchemaV1<unknown, Out>;
}

export interface HttpPost<Out> extends Omit<HttpQuestion<Out>, 'query'> {
  /** Sent as JSON. It appears in no trace. */
  readonly body: object;
  /** It changes nothing there, as with GET. Left out, no failure of it is `retryable`: it may have happened. */
  readonly safe?: boolean;
}

export interface HttpClient {
  /**
   * Asks, and answers with validated JSON. Rejects with a Failure: `not_found` for a 404, `bad_answer` for what is too
   * long, not JSON or of another shape, `source_failed` for other statuses and broken connections, `overloaded`,
   * `source_resting` where no endpoint may be asked, or the call's reason. It is `retryable` where nothing of an answer had
   * come, or where the service says when to come again and that is in time. Redirects are not followed: they could lead anywhere.
   */
  get<Out>(question: HttpQuestion<Out>, call: Call): Promise<JsonText<Out>>;
  /**
   * The same for an answer that is an object with a member for each thing asked, `{ "1": …, "2": … }`: validates each
   * member and answers with them by name. A member of another shape fails the whole as `divisible`: asked alone, the
   * others are found.
   */
  getEach<Out>(question: HttpQuestion<Out>, call: Call): Promise<ReadonlyMap<string, JsonText<Out>>>;
  /** As `get`, for a question that does not fit a URL. */
  post<Out>(question: HttpPost<Out>, call: Call): Promise<JsonText<Out>>;
  /** The service answers for many at once. */
  readonly bulk: boolean;
  /** How many there are to choose from. */
  readonly endpoints: number;
  /** Resolves if the service answers at all, whatever it says; with several endpoints, if all of them do. */
  check(call: Call): Promise<void>;
  close(): Promise<void>;
}

/** Connects when it is first asked. */
export const createHttpClient = (options: HttpOptions): HttpClient => new PooledHttp(options);

class PooledHttp implements HttpClient {
  readonly bulk: boolean;
  readonly endpoints: number;
  readonly #name: string;
  readonly #upstream: Upstream;

  constructor({ name, label, url, connections = 128, waitingMax = 1_000, connectMs = 300, bulk = false }: HttpOptions) {
    const endpoints = [url].flat().map((one) => new Endpoint({ name, url: one, connections, waitingMax, connectMs }));
    this.bulk = bulk;
    this.endpoints = endpoints.length;
    this.#name = name;
    this.#upstream = endpoints.length === 1 ? endpoints[0]! : new Endpoints(name, endpoints, label);
    if (label !== undefined) observeUpstream(() => endpoints.reduce((sum, { underWay }) => sum + underWay, 0), label);
  }

  async get<Out>({ answer, path, query }: HttpQuestion<Out>, call: Call): Promise<JsonText<Out>> {
    return this.#validated(await this.#body({ path, query: queryOf(query), safe: true }, call), answer);
  }

  async post<Out>({ answer, path, body, safe = false }: HttpPost<Out>, call: Call): Promise<JsonText<Out>> {
    return this.#validated(await this.#body({ path, query: '', body: JSON.stringify(body), safe }, call), answer);
  }

  async getEach<Out>({ answer, path, query }: HttpQuestion<Out>, call: Call): Promise<ReadonlyMap<string, JsonText<Out>>> {
    const members = parsed(this.#name, await this.#body({ path, query: queryOf(query), safe: true }, call));
    if (typeof members !== 'object' || members === null || Array.isArray(members)) {
      throw new Failure('bad_answer', `${this.#name} answered in an unexpected shape`, { cause: new Error('expected an object') });
    }
    return new Map(Object.entries(members).map(([name, member]) => [name, validated(this.#name, member, answer)]));
  }

  #body(sent: Sent, call: Call): Promise<string> {
    call.throwIfOver();
    return this.#upstream.ask(sent, call);
  }

  #validated<Out>(body: string, schema: StandardSchemaV1<unknown, Out>): JsonText<Out> {
    return validated(this.#name, parsed(this.#name, body), schema, body);
  }

  check(call: Call): Promise<void> {
    return this.#upstream.check(call);
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }
}

function queryOf(query: Query = {}): string {
  let text = '';
  for (const [name, values] of Object.entries(query)) {
    for (const value of typeof values === 'string' ? [values] : values) {
      // Half a surrogate pair has no UTF-8, and encodeURIComponent throws for it.
      if (!value.isWellFormed()) throw new Failure('invalid_input', `expected ${name} to be well-formed text, but got half a character`);
      text += `${text === '' ? '?' : '&'}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
    }
  }
  return text;
}
