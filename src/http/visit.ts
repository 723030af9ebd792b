import type { Logger } from 'pino';
import type { Caller, Readers } from '../core/access.ts';
import type { PartReport } from '../core/answer.ts';
import type { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { answers, leftOut, partDuration, requestDuration } from '../core/metrics.ts';
import { type Attributes, endSpan, type Span, type Trace } from '../core/trace.ts';
import { headerOf, type HttpContext, replyOf } from './context.ts';
import type { Edge } from './edge.ts';
import { tenths } from './tenths.ts';
import { startTrace } from './trace-context.ts';

/** One for all of them: it is never thrown at anybody who would read its stack. */
const clientGone = new Failure('client_gone', 'the client went away');

/** The status under which a request is logged whose client left before the reply: nginx's, and nobody receives it. */
export const clientGoneStatus = 499;

interface Access {
  readonly method: string;
  /** The route and not the path: ids do not belong in logs. */
  readonly route: string;
  readonly status: number;
  readonly tookMs: number;
  readonly trace: Trace;
  readonly failure?: Failure | undefined;
  readonly missing?: readonly PartReport[];
}

/** As the HTTP conventions of OpenTelemetry have it: of other methods there are as many as anybody makes up, and each would have figures of its own. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

export const methodOf = (given: string | undefined): string => (given !== undefined && methods.has(given) ? given : '_OTHER');

/** What every request that is over leaves: one line in the log, and one in the figures. */
export function account(log: Logger, access: Access): void {
  const { method, route, status, tookMs, failure } = access;
  // As spans have it, a client's mistake is no error, nor is it one that the client left. A stream may fail behind its 200.
  const type = failure && (status >= 500 || status < 400) ? failure.code : '';
  requestDuration.of(method, route, String(status), type).record(tookMs / 1_000);
  logAccess(log, access);
}

/** The one line that a request leaves in the log. */
export function logAccess(log: Logger, { method, route, status, tookMs, trace, failure, missing = [] }: Access): void {
  // Checked here, because building the line costs more than asking.
  if (!log.isLevelEnabled('info')) return;
  log.info({
    method,
    route,
    status,
    duration_ms: tenths(tookMs),
    trace_id: trace.traceId,
    span_id: trace.spanId,
    ...(failure ? { code: failure.code } : {}),
    ...(missing.length > 0 ? { missing: Object.fromEntries(missing.map((report) => [report.part, report.failure?.code])) } : {}),
  }, 'request');
}

/**
 * A client's request from its arrival until its reply has left, or the client has: the server's span and the one
 * access line. A wrapper around handlers and not a Hono middleware, which would cost every request a promise chain.
 */
export class Visit {
  readonly trace: Trace;
  status = 0;
  /** The aggregate that is asked, if one is. */
  aggregate = '';
  /** How long its parts have, for callers who state no deadline. */
  partsMs = 0;
  /** Why the request failed, if it did. */
  failure: Failure | undefined;
  /** Who asks, if they said so and it is true. */
  caller: Caller | undefined;
  /** Who may read the answer; as few as possible until it is known. */
  readers: Readers = 'operators';
  /**
   * Stopped if the client leaves before its reply is complete. The call and no closure, which would hold on to all that
   * its function knows of the request: what outlives it in V8's old generation must not take that along.
   */
  call: Call | undefined;
  /** The reply is a whole answer, which says how long answers take: a stream or a problem does not. */
  answers = false;
  readonly #route: string;
  readonly #method: string;
  readonly #edge: Edge;
  readonly #startedAt = performance.now();
  readonly #inFlight: number;
  #missing: readonly PartReport[] = [];
  /** It has been counted, and its span has ended: what goes on is a stream. */
  #staysOpen = false;

  constructor(c: HttpContext, route: string, edge: Edge) {
    this.#route = route;
    this.#method = methodOf(c.req.method);
    this.#edge = edge;
    this.#inFlight = edge.load?.inFlight ?? 0;
    this.trace = startTrace(`${this.#method} ${route}`, headerOf(c, 'traceparent'), edge.sampling, this.#startedAt);
    const reply = replyOf(c);
    if (!reply || !('shouldKeepAlive' in reply)) return;
    const underWay = { reply, place: 0, visit: this };
    edge.arrived(underWay);
    reply.once('close', () => {
      edge.left(underWay);
      this.#closed(reply.writableFinished);
    });
  }

  /** What of the answer is missing, for the access line and the span. */
  lacks(missing: readonly PartReport[]): void {
    this.#missing = missing;
    for (const { part, failure } of missing) if (failure) this.#edge.complaints.about(failure, this.trace, 'warn', part);
  }

  /** Counts an answer of an aggregate, once it is known what there is of it. */
  answered(parts: readonly PartReport[]): void {
    const { aggregate } = this;
    let complete = true;
    for (const { part, state, tookMs, failure } of parts) {
      partDuration.of(aggregate, part, state, failure?.code ?? '').record(tookMs / 1_000);
      if (state !== 'missing') continue;
      complete = false;
      // In a brownout nothing is asked for such a part, so nothing else can have been too much.
      if (this.call?.brownout && failure?.code === 'overloaded') leftOut.of(aggregate, part).add();
    }
    answers.of(aggregate, String(complete)).add();
  }

  /**
   * The reply goes on, perhaps for hours. What counts is how long it took to begin: so the figures and the span end here,
   * and the access line, which comes at the end, calls it no failure that its client leaves.
   */
  staysOpen(): void {
    this.#staysOpen = true;
    this.status = 200;
    const now = performance.now();
    requestDuration.of(this.#method, this.#route, '200', '').record((now - this.#startedAt) / 1_000);
    this.#endSpan(now);
  }

  #closed(complete: boolean): void {
    // One moment for the line, the figures and the span: else each would count what the ones before it took to write.
    const now = performance.now();
    const { failure } = this;
    if (this.#staysOpen) {
      return logAccess(this.#edge.log, { method: this.#method, route: this.#route, status: this.status, tookMs: now - this.#startedAt, trace: this.trace, failure, missing: this.#missing });
    }
    if (!complete) {
      this.call?.stop(clientGone);
      this.failure = clientGone;
      this.status = clientGoneStatus;
    } else if (this.answers && !this.failure) {
      this.#landed(now);
    }
    account(this.#edge.log, { method: this.#method, route: this.#route, status: this.status, tookMs: now - this.#startedAt, trace: this.trace, failure: this.failure, missing: this.#missing });
    this.#endSpan(now);
  }

  /** An answer that waited for something in vain says nothing about the load, nor does one without a part that failed. */
  #landed(now: number): void {
    const { load } = this.#edge;
    const spared = this.call?.brownout === true && this.#missing.length > 0;
    if (!load || (spared ? this.#missing.some(({ failure }) => failure?.code !== 'overloaded') : this.#missing.length > 0)) return;
    load.landed(now - this.#startedAt, this.#inFlight, spared);
  }

  #endSpan(now: number): void {
    const { span } = this.trace;
    if (!span) return;
    endServerSpan(span, { method: this.#method, route: this.#route, status: this.status, failure: this.failure, now }, {
      'tributary.complete': this.#missing.length === 0 && !this.failure,
      ...(this.#missing.length > 0 ? { 'tributary.missing': this.#missing.map(({ part }) => part) } : {}),
    });
  }
}

interface Served {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly failure?: Failure | undefined;
  readonly now: number;
}

/** Ends the span of a request, with what every server's span says and `more`. */
export function endServerSpan(span: Span, { method, route, status, failure, now }: Served, more: Attributes): void {
  span.setAttributes({ 'http.request.method': method, 'http.route': route, 'url.path': route, 'url.scheme': 'http', 'http.response.status_code': status, ...more });
  // A client's mistake is no error of the server's (OTel HTTP conventions); that it left is none either.
  endSpan(span, status >= 500 ? failure : undefined, undefined, now);
}
