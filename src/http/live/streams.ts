import { Failure } from '../../core/failure.ts';
import { Topics } from '../../core/live/topics.ts';
import { liveAsks, observeStreams, observeTopics, partDuration } from '../../core/metrics.ts';
import { SpanKind, startSpan } from '../../core/trace.ts';
import type { Edge, OpenStreams } from '../edge.ts';
import { isSampled, plainTrace } from '../trace-context.ts';
import type { Visit } from '../visit.ts';
import { endingFailure, type Keeping, LiveStream } from './live-stream.ts';

/** What the texts of everything that is watched may take together, in characters: beyond it nothing new is opened. */
const charsMax = 128 * 1024 * 1024;

/** So many streams are written to in one turn: some milliseconds, in which nobody else is answered. */
const flushedAtOnce = 256;

const lookMs = 1_000;

/** Within how long clients come back to a stream that has ended: 500 a second, and at least within four seconds. */
const backMsLeast = 1_000;
const backMsUsual = 4_000;
const backMsPerStream = 2;

/** All streams of a process that stay open: how many there may be, and what they do together. */
export class Streams implements OpenStreams, Keeping {
  readonly edge: Edge;
  readonly topics: Topics;
  readonly #max: number;
  readonly #open = new Set<LiveStream>();
  #queue: LiveStream[] = [];
  #flushing = false;
  #look: NodeJS.Timeout | undefined;
  #ending = false;

  constructor(edge: Edge, max: number) {
    this.edge = edge;
    this.#max = max;
    this.topics = new Topics({
      brownout: () => edge.load?.brownout ?? false,
      trace: (aggregate) => (isSampled(undefined, edge.sampling) ? startSpan(`live ${aggregate}`, { kind: SpanKind.INTERNAL, parent: undefined }) : plainTrace(undefined)),
      asks: (aggregate, because) => { liveAsks.of(aggregate, because).add(); },
      landed: (aggregate, { part, text, failure, reports }, trace) => {
        for (const { part: name, state, tookMs, failure: why } of reports) {
          partDuration.of(aggregate, name, state, why?.code ?? '').record(tookMs / 1_000);
          if (why && trace) edge.complaints.about(why, trace, 'warn', name);
        }
        if (text === undefined && failure && trace) edge.complaints.about(failure, trace, 'error', part);
      },
    });
    observeStreams(() => this.#open.size);
    observeTopics(() => this.topics.size);
  }

  get size(): number {
    return this.#open.size;
  }

  /** When a client is to come back, in milliseconds: not all of them at the same time. */
  get retryMs(): number {
    return Math.round(backMsLeast + Math.random() * Math.max(backMsUsual, this.#open.size * backMsPerStream));
  }

  /** A place for one more. Throws a Failure where there is none. */
  open(visit: Visit): LiveStream {
    const retryAfterMs = this.retryMs;
    if (this.#ending) throw endingFailure(retryAfterMs);
    if (this.#open.size >= this.#max || this.topics.chars >= charsMax) throw new Failure('overloaded', 'as many live answers are open as can be', { retryAfterMs });
    const stream = new LiveStream(this, visit);
    this.#open.add(stream);
    this.#look ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.#open) each.look(now);
    }, lookMs);
    return stream;
  }

  flushSoon(stream: LiveStream): void {
    if (stream.queued) return;
    stream.queued = true;
    this.#queue.push(stream);
    if (!this.#flushing) this.#flushNext();
  }

  closed(stream: LiveStream): void {
    if (!this.#open.delete(stream) || this.#open.size > 0) return;
    clearInterval(this.#look);
    this.#look = undefined;
  }

  end(): void {
    this.#ending = true;
    for (const stream of this.#open) stream.drain(this.retryMs);
  }

  #flush(): void {
    for (const stream of this.#queue.splice(0, flushedAtOnce)) {
      stream.queued = false;
      stream.flush();
    }
    this.#flushing = false;
    if (this.#queue.length > 0) this.#flushNext();
  }

  #flushNext(): void {
    this.#flushing = true;
    setImmediate(() => { this.#flush(); });
  }
}
