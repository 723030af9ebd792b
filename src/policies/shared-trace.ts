import type { Call } from '../core/call.ts';
import { endSpan, linkBoth, SpanKind, startSpan, type Trace } from '../core/trace.ts';
import type { Failure } from '../core/failure.ts';

// Sampling follows no links: the trace on the other side may be gone. So each asker's span says by itself that its
// answer came from shared work, how many shared it and how long it took; the links are there for when they are kept.

/** An asker joins work that another one started. */
export function joined(asker: Call, work: Trace | undefined): void {
  const span = asker.trace?.span;
  if (!span) return;
  span.setAttribute('tributary.shared.role', 'follower');
  if (work?.span && work.span !== span) linkBoth(asker.trace, work);
}

/** What askers shared: how many there were, since when it goes on, and in whose trace it lies. */
interface Work {
  readonly callers: number;
  readonly startedAt: number;
  readonly trace: Trace | undefined;
}

/** Says on the span of each asker what it shared with others. The spans of those who have left have ended. */
export function explain(askers: readonly { readonly call: Call }[], { callers, startedAt, trace }: Work): void {
  for (const { call } of askers) {
    if (!call.trace?.span?.isRecording()) continue;
    call.trace.span.setAttributes({
      'tributary.shared.callers': callers,
      'tributary.shared.work_ms': performance.now() - startedAt,
      'tributary.shared.role': call.trace.span === trace?.span ? 'leader' : 'follower',
    });
  }
}

/**
 * The trace of work that goes on behind an asker's back: one of its own, linked with the asker's, because that one ends
 * first. Where the asker is not sampled there is no span, and its ids go along.
 */
export function behind(asker: Trace | undefined, name: string): Trace | undefined {
  if (!asker?.span) return asker;
  const own = startSpan(name, { kind: SpanKind.INTERNAL, parent: undefined, links: [asker] });
  if (asker.span.isRecording()) asker.span.addLink({ context: own.span.spanContext() });
  return own;
}

/** A batch as its askers' traces see it: one span below the first of them that is sampled, linked with the others. */
export class BatchTrace {
  /** Where the work of the batch belongs. Without a sampled asker it has ids only. */
  readonly trace: Trace | undefined;
  /** Why some key of the batch failed. */
  failed: Failure | undefined;
  /** The first asker that is sampled, if the batch has a span below it. */
  readonly #leader: Call | undefined;
  readonly #callers: number;
  readonly #startedAt = performance.now();

  constructor(askers: readonly Call[], size: number) {
    this.#callers = askers.length;
    const [leader, ...rest] = askers.filter((asker) => asker.trace?.span);
    this.trace = (leader ?? askers[0])?.trace;
    // Nothing is shared: the query lies below its only asker, and there is nothing to explain.
    if (!leader || askers.length === 1) return;
    this.#leader = leader;
    const followers = rest.flatMap(({ trace }) => trace ?? []);
    const own = startSpan('batch', {
      kind: SpanKind.INTERNAL,
      parent: leader.trace,
      links: followers,
      attributes: { 'tributary.shared.callers': askers.length, 'tributary.batch.size': size },
    });
    for (const { span } of followers) span?.addLink({ context: own.span.spanContext() });
    this.trace = own;
  }

  /** Before askers hear their answer, and with that end their spans. */
  explain(askers: readonly { readonly call: Call }[]): void {
    if (this.#leader) explain(askers, { callers: this.#callers, startedAt: this.#startedAt, trace: this.#leader.trace });
  }

  end(): void {
    if (this.#leader && this.trace?.span) endSpan(this.trace.span, this.failed);
  }
}
