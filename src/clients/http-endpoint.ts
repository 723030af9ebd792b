import { Pool } from 'undici';
import type { Call } from '../core/call.ts';
import { Failure, failureOf } from '../core/failure.ts';
import { endSpan, SpanKind, startSpan, type Trace, traceparent } from '../core/trace.ts';
import { answered } from './http-answer.ts';
import { connectsWithin } from './http-connect.ts';
import { Exchange, type Reply } from './http-exchange.ts';

/** What is sent: with a body by POST, without one by GET. */
export interface Sent {
  readonly path: string;
  readonly query: string;
  readonly body?: string;
  /** It changes nothing there: what has been sent may be sent again. */
  readonly safe: boolean;
}

/** A service that is asked over HTTP, at one endpoint or several. */
export interface Upstream {
  /** The body of an answer with status 200; rejects with a Failure for every other (see HttpClient). */
  ask(sent: Sent, call: Call): Promise<string>;
  check(call: Call): Promise<void>;
  close(): Promise<void>;
}

export interface EndpointOptions {
  readonly name: string;
  readonly url: string;
  readonly connections: number;
  readonly waitingMax: number;
  /** How long a connection may take to be made, TLS included. */
  readonly connectMs: number;
}

/** A megabyte is far above what a part of a screen needs, and parsing it blocks the loop for some milliseconds at most. */
const bodyBytesMax = 1024 * 1024;

/** One scheme, host and port, and the connections there. */
export class Endpoint implements Upstream {
  readonly #name: string;
  readonly #base: URL;
  readonly #prefix: string;
  readonly #pool: Pool;
  readonly #connections: number;
  readonly #waitingMax: number;
  /** What waits for a connection, first come first. Not in undici's queue: there, who has left would keep their place until a connection is free. */
  readonly #waiting = new Map<Exchange, () => void>();
  #underWay = 0;

  constructor({ name, url, connections, waitingMax, connectMs }: EndpointOptions) {
    this.#name = name;
    this.#base = new URL(url);
    this.#prefix = this.#base.pathname.replace(/\/$/, '');
    this.#connections = connections;
    this.#waitingMax = waitingMax;
    this.#pool = new Pool(this.#base.origin, {
      connections,
      // With two requests on a connection, the end of one caller would be the end of another's request.
      pipelining: 1,
      maxResponseSize: bodyBytesMax,
      connect: connectsWithin(connectMs),
      // Backstops, for calls without a deadline of their own; undici's fire up to half a second late.
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
  }

  /** Host and port. */
  get address(): string {
    const { hostname } = this.#base;
    return `${hostname}:${this.#port}`;
  }

  /** Requests that undici has not let go of, and those that wait for a connection. */
  get underWay(): number {
    return this.#underWay + this.#waiting.size;
  }

  async ask(sent: Sent, call: Call): Promise<string> {
    const reply = await (call.trace?.span ? this.#recorded(sent, call) : this.#exchange(sent, call.trace, call));
    if (reply.status !== 200) throw answered(this.#name, reply, sent.safe ? call.leftMs() : 0);
    return reply.body;
  }

  async check(call: Call): Promise<void> {
    await this.#exchange({ path: '/', query: '', safe: true }, undefined, call);
  }

  close(): Promise<void> {
    const closed = this.#pool.destroy();
    // What still waits hears from undici that there is nobody to ask.
    this.#proceed();
    return closed;
  }

  #exchange(sent: Sent, trace: Trace | undefined, call: Call): Promise<Reply> {
    const isFree = this.#isFree;
    if (!isFree && this.#waiting.size >= this.#waitingMax) return Promise.reject(new Failure('overloaded', `too many requests wait for ${this.#name}`));
    return new Promise<Reply>((resolve, reject) => {
      const exchange = new Exchange(this.#name, sent.safe, call, resolve, reject, this.#over);
      if (isFree) this.#send(exchange, sent, trace, call);
      else this.#waiting.set(exchange, () => { this.#send(exchange, sent, trace, call); });
    });
  }

  #send(exchange: Exchange, { path, query, body, safe }: Sent, trace: Trace | undefined, call: Call): void {
    this.#underWay++;
    const headers = ['accept', 'application/json', deadlineHeader, String(Math.floor(call.leftMs()))];
    if (trace) headers.push('traceparent', traceparent(trace));
    if (body !== undefined) headers.push('content-type', 'application/json');
    const asked = body === undefined ? { method: 'GET' as const } : { method: 'POST' as const, body, idempotent: safe };
    exchange.sent = true;
    this.#pool.dispatch({ ...asked, path: `${this.#prefix}${path}${query}`, headers }, exchange);
  }

  /** An exchange has ended, or was given up before it was sent. One for all of them. */
  readonly #over = (exchange: Exchange): void => {
    if (!exchange.sent) {
      this.#waiting.delete(exchange);
      return;
    }
    this.#underWay--;
    if (this.#waiting.size > 0 && !this.#pool.destroyed) this.#proceed();
  };

  /** Once it is closed nobody has to wait to hear so. */
  get #isFree(): boolean {
    return this.#underWay < this.#connections || this.#pool.destroyed;
  }

  #proceed(): void {
    for (const [exchange, send] of this.#waiting) {
      if (!this.#isFree) return;
      this.#waiting.delete(exchange);
      send();
    }
  }

  get #port(): number {
    return Number(this.#base.port) || (this.#base.protocol === 'https:' ? 443 : 80);
  }

  async #recorded(sent: Sent, call: Call): Promise<Reply> {
    const { origin, hostname } = this.#base;
    const method = sent.body === undefined ? 'GET' : 'POST';
    const trace = startSpan(`${method} ${sent.path}`, {
      kind: SpanKind.CLIENT,
      parent: call.trace,
      attributes: {
        'http.request.method': method,
        'server.address': hostname,
        'server.port': this.#port,
        // Without the query, which holds ids, and without the body, which may be anything.
        'url.full': `${origin}${this.#prefix}${sent.path}`,
      },
    });
    try {
      const reply = await this.#exchange(sent, trace, call);
      trace.span.setAttribute('http.response.status_code', reply.status);
      endSpan(trace.span, reply.status < 400 ? undefined : answered(this.#name, reply, 0), String(reply.status));
      return reply;
    } catch (error) {
      endSpan(trace.span, call.reason ?? failureOf(error));
      throw error;
    }
  }
}

/** How long the upstream still has, in milliseconds: Envoy's header, which service meshes understand as it is. */
const deadlineHeader = 'x-envoy-expected-rq-timeout-ms';
