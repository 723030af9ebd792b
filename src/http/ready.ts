import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Memory } from '../cache/memory.ts';
import { type Caller, mayRead } from '../core/access.ts';
import type { Failure } from '../core/failure.ts';
import { type Trace, traceparent } from '../core/trace.ts';
import { matches, wantsReload } from './caching.ts';
import type { Edge, Keeper, SentAnswer } from './edge.ts';
import { mediaType } from './media-type.ts';
import { Reply } from './ready-reply.ts';
import { refuse } from './refusal.ts';
import { startTrace } from './trace-context.ts';
import { logAccess } from './visit.ts';

interface Sending {
  readonly trace: Trace;
  readonly now: number;
  /** The client has it already. */
  readonly unchanged: boolean;
  /** The client is told how long each part took. */
  readonly timed: boolean;
}

/**
 * Answers that are asked for again, ready to be sent: the lane before Hono. It knows a request by its target alone, so it
 * takes the plainest ones only; every other request goes the long way, and gets the same reply there.
 */
export class Ready implements Keeper {
  readonly #edge: Edge;
  readonly #memory: Memory;

  constructor(edge: Edge, memory: Memory) {
    this.#edge = edge;
    this.#memory = memory;
  }

  /** Keeps a complete answer whose parts are all fresh, in place of what was built of older ones. */
  keep(sent: SentAnswer): void {
    const { parts, kept } = sent.answer;
    // What was dropped since it came is outdated, what had to make room may be: nothing would say so of this.
    if (!kept || parts.some((report) => report.state === 'stale' || report.kept?.held === false)) return;
    this.#memory.put(new Reply(sent, kept));
  }

  /** True if the request has been answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== 'GET') return false;
    const reply = this.#memory.get(request.url ?? '');
    if (!(reply instanceof Reply)) return false;
    const now = performance.now();
    if (!reply.good(now)) return false;
    const { traceparent: given, 'if-none-match': known, authorization } = request.headers;
    const caller = this.#readerOf(reply, authorization, now);
    if (caller === false) return false;
    if (!this.#isPlain(request, caller)) return false;
    const trace = startTrace(reply.spanName, typeof given === 'string' ? given : undefined, this.#edge.sampling, now);
    const sending: Sending = { trace, now, unchanged: matches(known, reply.etag), timed: this.#edge.tellsTimes(caller) };
    // Counted only here, where it is certain to be answered: on the long way it is counted there.
    const counted = this.#edge.limits?.take(request, response, caller?.subject);
    if (counted instanceof Promise) void counted.then((tooMany) => { this.#settle(reply, request, response, sending, tooMany); });
    else this.#settle(reply, request, response, sending, counted);
    return true;
  }

  /** Who asks, where they may read it. Who cannot be let in here is verified, or refused, on the long way: false. */
  #readerOf({ readers }: Reply, authorization: string | undefined, now: number): Caller | undefined | false {
    const { authentication } = this.#edge;
    if (!authentication) return undefined;
    const caller = authorization === undefined ? undefined : authentication.known(authorization, now);
    if (authorization !== undefined && !caller) return false;
    return mayRead(readers, caller) && caller;
  }

  #settle(reply: Reply, request: IncomingMessage, response: ServerResponse, sending: Sending, tooMany: Failure | undefined): void {
    if (!tooMany) return this.#send(reply, response, sending);
    const { trace } = sending;
    refuse(request, response, tooMany, { log: this.#edge.log, closes: false, trace });
    if (trace.span) reply.recordRefused(trace.span, response.statusCode);
  }

  /** It wants JSON, from a cache if need be, and brings no body. */
  #isPlain({ headers }: IncomingMessage, caller: Caller | undefined): boolean {
    if (this.#edge.draining || headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
    if (headers['cache-control'] !== undefined && this.#edge.mayReload(caller) && wantsReload(headers['cache-control'])) return false;
    return headers.accept === undefined || mediaType(headers.accept) === 'application/json';
  }

  #send(reply: Reply, response: ServerResponse, { trace, now, unchanged, timed }: Sending): void {
    const context = traceparent(trace);
    const [control, age, cacheStatus] = reply.about(now);
    const headers = [
      'cache-control', control, 'age', age, 'cache-status', cacheStatus, 'etag', reply.etag, 'vary', this.#edge.vary,
      'traceresponse', context, 'server-timing', `${timed ? reply.timings : ''}traceparent;desc="${context}"`,
    ];
    if (reply.headers.length > 0) headers.push(...reply.headers);
    if (unchanged) {
      response.writeHead(304, headers).end();
    } else {
      headers.push('content-type', 'application/json', 'content-length', reply.length);
      response.writeHead(200, headers).end(reply.body, 'latin1');
    }
    reply.counted.answers.add();
    const tookMs = performance.now() - now;
    const status = unchanged ? 304 : 200;
    if (trace.span) reply.record(trace, trace.span, status, now);
    (unchanged ? reply.counted.unchanged : reply.counted.whole).record(tookMs / 1_000);
    logAccess(this.#edge.log, { method: 'GET', route: reply.route, status, tookMs, trace });
  }
}
