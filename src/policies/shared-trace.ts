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

/** A batch as its askers' traces see it: one span below the first of them that is sampled, linked with the others. */
export class BatchTrace {
  /** Where the work of the batch belongs. Without a sampled asker it has ids only. */
  readonly trace: Trace | undefined;
  readonly #sampled: readonly Call[];
  readonly #callers: number;
  readonly #startedAt = performance.now();

  constructor(askers: readonly Call[], size: number) {
    this.#callers = askers.length;
    this.#sampled = askers.filter((asker) => asker.trace?.span);
    const [lead, ...rest] = this.#sampled;
    this.trace = (lead ?? askers[0])?.trace;
    // Nothing is shared: the query lies below its only asker, and there is nothing to explain.
    if (!lead || askers.length === 1) return;
    const traces = rest.flatMap(({ trace }) => trace ?? []);
    this.trace = startSpan('batch', {
      kind: SpanKind.INTERNAL,
      parent: lead.trace,
      links: traces,
      attributes: { 'tributary.shared.callers': askers.length, 'tributary.batch.size': size },
    });
    for (const trace of traces) trace.span?.addLink({ context: this.trace.span!.spanContext() });
  }

  /** Before the askers hear their answers, and with that end their spans. */
  end(failure?: Failure): void {
    if (this.#sampled.length === 0 || this.#callers === 1) return;
    const work = { 'tributary.shared.callers': this.#callers, 'tributary.shared.work_ms': performance.now() - this.#startedAt };
    this.#sampled.forEach(({ trace }, at) => {
      // The spans of those who have left have ended.
      if (trace?.span?.isRecording()) trace.span.setAttributes({ ...work, 'tributary.shared.role': at === 0 ? 'leader' : 'follower' });
    });
    if (this.trace?.span) endSpan(this.trace.span, failure);
  }
}
