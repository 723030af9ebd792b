import type { StandardSchemaV1 } from '@standard-schema/spec';
import { Pool } from 'undici';
import type { Call } from '../core/call.ts';
import { Failure, failureOf } from '../core/failure.ts';
import type { JsonText } from '../core/json-text.ts';
import { endSpan, SpanKind, startSpan, type Trace, traceparent } from '../core/trace.ts';
import { parsed, validated } from './http-answer.ts';
import { Exchange, type Reply } from './http-exchange.ts';

export interface HttpOptions {
  /** As clients of the API will read it in problems: 'recommendations'. */
  readonly name: string;
  /** Scheme, host and port; a path is put before every path asked. */
  readonly url: string;
  /** Connections, and so requests under way. A bulkhead: a hanging upstream holds no more than these. */
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

export interface HttpClient {
  /**
   * Asks, and answers with validated JSON. Rejects with a Failure: `not_found` for a 404, `bad_answer` for what is too
   * long, not JSON or of another shape, `source_failed` for other statuses and broken connections, `overloaded`, or
   * the call's reason. Redirects are not followed: they could lead anywhere.
   */
  get<Out>(question: HttpQuestion<Out>, call: Call): Promise<JsonText<Out>>;
  /**
   * The same for an answer that is an object with a member for each thing asked, `{ "1": …, "2": … }`: validates each
   * member and answers with them by name. A member of another shape fails the whole as `divisible`: asked alone, the
   * others are found.
   */
  getEach<Out>(question: HttpQuestion<Out>, call: Call): Promise<ReadonlyMap<string, JsonText<Out>>>;
  /** The service answers for many at once. */
  readonly bulk: boolean;
  /** Resolves if the service answers at all, whatever it says. */
  check(call: Call): Promise<void>;
  close(): Promise<void>;
}

/** A megabyte is far above what a part of a screen needs, and parsing it blocks the loop for some milliseconds at most. */
const bodyBytesMax = 1024 * 1024;

/** Connects when it is first asked. */
export const createHttpClient = (options: HttpOptions): HttpClient => new PooledHttp(options);

class PooledHttp implements HttpClient {
  readonly #name: string;
  readonly #base: URL;
  readonly #prefix: string;
  readonly #pool: Pool;
  readonly #underWayMax: number;
  readonly bulk: boolean;
  #underWay = 0;

  constructor({ name, url, connections = 128, waitingMax = 1_000, connectMs = 300, bulk = false }: HttpOptions) {
    this.bulk = bulk;
    this.#name = name;
    this.#base = new URL(url);
    this.#prefix = this.#base.pathname.replace(/\/$/, '');
    this.#underWayMax = connections + waitingMax;
    this.#pool = new Pool(this.#base.origin, {
      connections,
      // With two requests on a connection, the end of one caller would be the end of another's request.
      pipelining: 1,
      maxResponseSize: bodyBytesMax,
      connect: { timeout: connectMs },
      // Backstops, for calls without a deadline of their own; undici's fire up to half a second late.
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
  }

  async get<Out>({ answer, ...question }: HttpQuestion<Out>, call: Call): Promise<JsonText<Out>> {
    const body = await this.#body(question, call);
    return validated(this.#name, parsed(this.#name, body), answer, body);
  }

  async getEach<Out>({ answer, ...question }: HttpQuestion<Out>, call: Call): Promise<ReadonlyMap<string, JsonText<Out>>> {
    const members = parsed(this.#name, await this.#body(question, call));
    if (typeof members !== 'object' || members === null || Array.isArray(members)) {
      throw new Failure('bad_answer', `${this.#name} answered in an unexpected shape`, { cause: new Error('expected an object') });
    }
    return new Map(Object.entries(members).map(([name, member]) => [name, validated(this.#name, member, answer)]));
  }

  async #body({ path, query = {} }: Omit<HttpQuestion<unknown>, 'answer'>, call: Call): Promise<string> {
    call.throwIfOver();
    const full = `${this.#prefix}${path}${queryOf(query)}`;
    const reply = await (call.trace?.span ? this.#recorded(full, path, call) : this.#exchange(full, call.trace, call));
    if (reply.status !== 200) throw answered(this.#name, reply.status);
    return reply.body;
  }

  async check(call: Call): Promise<void> {
    await this.#exchange(`${this.#prefix}/`, undefined, call);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  #exchange(path: string, trace: Trace | undefined, call: Call): Promise<Reply> {
    if (this.#underWay >= this.#underWayMax) return Promise.reject(new Failure('overloaded', `too many requests wait for ${this.#name}`));
    this.#underWay++;
    return new Promise<Reply>((resolve, reject) => {
      const headers = ['accept', 'application/json', deadlineHeader, String(Math.floor(call.leftMs()))];
      if (trace) headers.push('traceparent', traceparent(trace));
      this.#pool.dispatch({ method: 'GET', path, headers }, new Exchange(this.#name, call, resolve, reject, () => { this.#underWay--; }));
    });
  }

  async #recorded(path: string, fixedPath: string, call: Call): Promise<Reply> {
    const { origin, hostname, port, protocol } = this.#base;
    const trace = startSpan(`GET ${fixedPath}`, {
      kind: SpanKind.CLIENT,
      parent: call.trace,
      attributes: {
        'http.request.method': 'GET',
        'server.address': hostname,
        'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
        // Without the query: it holds ids.
        'url.full': `${origin}${this.#prefix}${fixedPath}`,
      },
    });
    try {
      const reply = await this.#exchange(path, trace, call);
      trace.span.setAttribute('http.response.status_code', reply.status);
      endSpan(trace.span, reply.status < 400 ? undefined : answered(this.#name, reply.status), String(reply.status));
      return reply;
    } catch (error) {
      endSpan(trace.span, call.reason ?? failureOf(error));
      throw error;
    }
  }
}

/** How long the upstream still has, in milliseconds: Envoy's header, which service meshes understand as it is. */
const deadlineHeader = 'x-envoy-expected-rq-timeout-ms';

function queryOf(query: Query): string {
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

function answered(name: string, status: number): Failure {
  const cause = new Error(`${name} answered with status ${status}`);
  return status === 404
    ? new Failure('not_found', `${name} has nothing for this question`, { cause })
    : new Failure('source_failed', `${name} answered with an error`, { cause });
}
