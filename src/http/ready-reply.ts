import { Kept } from '../cache/kept.ts';
import type { Readers } from '../core/access.ts';
import type { PartReport } from '../core/answer.ts';
import type { Freshness } from '../core/flight.ts';
import { recordKept } from '../core/in-span.ts';
import { readyAnswers, requestDuration } from '../core/metrics.ts';
import type { Span, Trace } from '../core/trace.ts';
import { ages, cacheControl, cacheStatus } from './caching.ts';
import type { SentAnswer } from './edge.ts';
import { endServerSpan } from './visit.ts';

/**
 * A complete answer as it was sent, to be sent again as long as every part of it is fresh. It bears the tags of its parts
 * and knows their times, and does not hold on to the parts themselves: they may have to make room before it does.
 */
export class Reply extends Kept {
  readonly route: string;
  /** Of the server's span. */
  readonly spanName: string;
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
  readonly #partsMs: number;
  #second = -1;
  #about: readonly [cacheControl: string, age: string, cacheStatus: string] = ['', '', ''];

  /** `first` is of the part that ends first. */
  constructor({ target, route, answer: { parts, headers = {} }, body: text, etag, readers, partsMs }: SentAnswer, first: Freshness) {
    const body = Buffer.from(text).toString('latin1');
    super(target, [...new Set(parts.flatMap(({ kept }) => kept?.tags ?? []))], body.length + 250 * parts.length);
    this.route = route;
    this.spanName = `GET ${route}`;
    this.etag = etag;
    this.readers = readers;
    const { 'cache-control': control, ...others } = headers;
    this.#control = control;
    this.headers = Object.entries(others).flat();
    this.body = body;
    this.length = String(body.length);
    this.counted = countedFor(route);
    this.#parts = parts.map(({ part, source, kept }) => ({ part, source, state: 'cache' as const, tookMs: 0, kept: kept && timesOf(kept) }));
    this.timings = parts.map(({ part }) => `${part};dur=0;desc=cache, `).join('');
    this.#first = timesOf(first);
    this.#partsMs = partsMs;
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

  /** Leaves the spans of a request that was recorded, as the long way would: the server's, and below it one for each part. */
  record(trace: Trace, span: Span, status: number, startTime: number): void {
    const nested = new Map<string, Trace>();
    for (const { part: path, source, kept } of this.#parts) {
      if (source === undefined) continue;
      const dot = path.lastIndexOf('.');
      // What it is nested in comes before it.
      const parent = nested.get(path.slice(0, Math.max(dot, 0))) ?? trace;
      nested.set(path, recordKept(parent, { part: path.slice(dot + 1), source, leftMs: this.#partsMs, kept }, startTime));
    }
    endServerSpan(span, { method: 'GET', route: this.route, status, now: performance.now() }, { 'tributary.complete': true, 'tributary.ready': true });
  }

  /** The same for one that was not let in. */
  recordRefused(span: Span, status: number): void {
    endServerSpan(span, { method: 'GET', route: this.route, status, now: performance.now() }, { 'tributary.complete': false });
  }
}

const timesOf = ({ storedAt, freshUntil, because }: Freshness): Freshness => ({ storedAt, freshUntil, because, dropped: false, held: false, tags: [] });

const countedFor = (route: string) => ({
  answers: readyAnswers.of(route), whole: requestDuration.of('GET', route, '200', ''), unchanged: requestDuration.of('GET', route, '304', ''),
});

type Counted = ReturnType<typeof countedFor>;
