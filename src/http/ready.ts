import type { IncomingMessage, ServerResponse } from 'node:http';
import { Kept } from '../cache/kept.ts';
import type { Memory } from '../cache/memory.ts';
import { type Caller, mayRead, type Readers } from '../core/access.ts';
import type { Answer, PartReport } from '../core/answer.ts';
import type { Failure } from '../core/failure.ts';
import type { Freshness } from '../core/flight.ts';
import { readyAnswers, requestDuration } from '../core/metrics.ts';
import { type Trace, traceparent } from '../core/trace.ts';
import { ages, cacheControl, cacheStatus, matches, wantsReload } from './caching.ts';
import type { Edge, Keeper } from './edge.ts';
import { mediaType } from './media-type.ts';
import { refuse } from './refusal.ts';
import { isSampled, parseTraceparent, plainTrace } from './trace-context.ts';
import { logAccess } from './visit.ts';

interface ReplyOptions {
  readonly target: string;
  readonly route: string;
  readonly parts: readonly PartReport[];
  /** Of the part that ends first. */
  readonly first: Freshness;
  readonly bytes: Buffer;
  readonly etag: string;
  readonly readers: Readers;
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/**
 * A complete answer as it was sent, to be sent again as long as every part of it is fresh. It bears the tags of its parts
 * and knows their times, and does not hold on to the parts themselves: they may have to make room before it does.
 */
class Reply extends Kept {
  readonly route: string;
  readonly etag: string;
  /** The bytes of the body, a character each: Node joins such a string with the headers and writes both at once. */
  readonly body: string;
  readonly length: string;
  readonly timings: string;
  /** Its own headers but for `Cache-Control`, names and values by turns. */
  readonly headers: readonly string[];
  readonly #control: string | undefined;
  /** Who may read it, where anybody has to say who they are. */
  readonly readers: Readers;
  /** Where its answers are counted: looked up once. */
  readonly counted: Counted;
  readonly #parts: readonly PartReport[];
  readonly #first: Freshness;
  #second = -1;
  #about: readonly [cacheControl: string, age: string, cacheStatus: string] = ['', '', ''];

  constructor({ target, route, parts, first, bytes, etag, readers, headers = {} }: ReplyOptions) {
    const body = bytes.toString('latin1');
    super(target, [...new Set(parts.flatMap(({ kept }) => kept?.tags ?? []))], body.length + 250 * parts.length);
    this.route = route;
    this.etag = etag;
    this.readers = readers;
    const { 'cache-control': control, ...others } = headers;
    this.#control = control;
    this.headers = Object.entries(others).flat();
    this.body = body;
    this.length = String(body.length);
    this.counted = countedFor(route);
    this.#parts = parts.map(({ part, kept }) => ({ part, state: 'cache' as const, tookMs: 0, kept: kept && timesOf(kept) }));
    this.timings = parts.map(({ part }) => `${part};dur=0;desc=cache, `).join('');
    this.#first = timesOf(first);
  }

  /** No part of it is too old. */
  good(now: number): boolean {
    return now < this.#first.freshUntil;
  }

  /** The headers that tell its age; they change once a second. */
  about(now: number): readonly [cacheControl: string, age: string, cacheStatus: string] {
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      // As they are at the end of this second: a client is told to use it for too short a time rather than too long.
      const then = (second + 1) * 1_000;
      const first = ages(this.#first, then);
      this.#about = [this.#control ?? cacheControl(first), String(first.ageS), cacheStatus(this.#parts, then) ?? ''];
    }
    return this.#about;
  }
}

const timesOf = ({ storedAt, freshUntil, because }: Freshness): Freshness => ({ storedAt, freshUntil, because, dropped: false, tags: [] });

const countedFor = (route: string) => ({
  answers: readyAnswers.of(route), whole: requestDuration.of('GET', route, '200', ''), unchanged: requestDuration.of('GET', route, '304', ''),
});

type Counted = ReturnType<typeof countedFor>;

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
  keep(target: string, route: string, { parts, kept, headers }: Answer<unknown>, bytes: Buffer, etag: string, readers: Readers): void {
    // What was dropped since it came is outdated, and nothing would say so of this.
    if (!kept || parts.some((report) => report.state === 'stale' || report.kept?.dropped)) return;
    this.#memory.put(new Reply({ target, route, parts, first: kept, bytes, etag, readers, headers }));
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
    const parent = typeof given === 'string' ? parseTraceparent(given) : undefined;
    if (isSampled(parent, this.#edge.sampling)) {
      this.#edge.choose(request);
      return false;
    }
    const sending: Sending = { trace: plainTrace(parent), now, unchanged: matches(known, reply.etag), timed: this.#edge.tellsTimes(caller) };
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
    return (this.#edge.open || mayRead(readers, caller)) && caller;
  }

  #settle(reply: Reply, request: IncomingMessage, response: ServerResponse, sending: Sending, tooMany: Failure | undefined): void {
    if (tooMany) refuse(request, response, tooMany, { log: this.#edge.log, closes: false });
    else this.#send(reply, response, sending);
  }

  /** It wants JSON, from a cache if need be, and brings no body. */
  #isPlain({ headers }: IncomingMessage, caller: Caller | undefined): boolean {
    if (this.#edge.draining || headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
    if (headers['cache-control'] !== undefined && this.#edge.mayReload(caller) && wantsReload(headers['cache-control'])) return false;
    return headers.accept === undefined || mediaType(headers.accept) === 'application/json';
  }

  #send(reply: Reply, response: ServerResponse, { trace, now, unchanged, timed }: Sending): void {
    const context = traceparent(trace);
    const [control, age, status] = reply.about(now);
    const headers = [
      'cache-control', control, 'age', age, 'cache-status', status, 'etag', reply.etag, 'vary', this.#edge.vary,
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
    (unchanged ? reply.counted.unchanged : reply.counted.whole).record(tookMs / 1_000);
    logAccess(this.#edge.log, { method: 'GET', route: reply.route, status: unchanged ? 304 : 200, tookMs, trace });
  }
}
