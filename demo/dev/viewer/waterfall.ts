import type { LogEntry } from './log-entry.ts';
import type { Span, SpanLink } from './otlp.ts';
import { partState, type PartState } from './part-state.ts';
import { type Reason, reasonOf } from './reason.ts';
import type { RequestSummary, Trace, Traces } from './traces.ts';

/** A line of the waterfall. */
export interface Row extends Omit<Span, 'startMs' | 'links' | 'parentSpanId'> {
  readonly depth: number;
  /** After the beginning of the waterfall. */
  readonly startMs: number;
  readonly state: PartState | undefined;
  /** How long spans like it usually take, as far as that is known. */
  readonly usualMs: number | undefined;
  /** Whose work it is: this request's own; another's that this one waited for; or what went on behind its back. */
  readonly from: 'own' | 'shared' | 'behind';
  /** Its parent has not arrived: it stands at the top until it does. */
  readonly orphan: boolean;
  /** Spans of other traces that it has to do with, and whether these are still kept. */
  readonly links: readonly (SpanLink & { readonly name: string | undefined })[];
}

export interface Waterfall {
  readonly traceId: string;
  readonly request: RequestSummary | undefined;
  /** Since the epoch. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly rows: readonly Row[];
  /** Where its time went. */
  readonly reason: Reason | undefined;
  readonly logs: readonly LogEntry[];
}

/** Links lead to other traces, and from there on: enough for what anybody reads. */
const rowsMax = 400;

/**
 * One trace, top down as its work was started. What its parts waited for and another request had started (a batch, a
 * coalesced load) lies below the part that waited, and so does what was started behind its back (a refresh).
 */
export function waterfall(trace: Trace, traces: Traces): Waterfall {
  const found: Placed[] = [];
  const seen = new Set<string>();
  const spans = [...trace.spans.values()];
  for (const root of byStart(spans.filter((span) => !parentOf(span, trace)))) place(root, { trace, depth: 0, from: 'own' });

  function place(span: Span, { trace, depth, from }: Omit<Placed, 'span'>): void {
    if (seen.has(span.spanId) || found.length >= rowsMax) return;
    seen.add(span.spanId);
    found.push({ span, trace, depth, from });
    for (const child of byStart([...trace.spans.values()].filter(({ parentSpanId }) => parentSpanId === span.spanId))) place(child, { trace, depth: depth + 1, from });
    for (const link of span.links) {
      const other = traces.get(link.traceId);
      const target = other?.spans.get(link.spanId);
      const kind = other && target && reasonToFollow(span, target);
      if (kind) place(target, { trace: other, depth: depth + 1, from: kind });
    }
  }

  const startMs = Math.min(...found.map(({ span }) => span.startMs));
  const endMs = Math.max(...found.map(({ span }) => span.startMs + span.durationMs));
  const rows = found.map((each) => rowOf(each, startMs, traces));
  return {
    rows,
    reason: reasonOf(rows),
    traceId: trace.traceId,
    request: trace.request,
    startMs: found.length > 0 ? startMs : (trace.request?.atMs ?? 0),
    durationMs: found.length > 0 ? endMs - startMs : (trace.request?.durationMs ?? 0),
    logs: trace.logs,
  };
}

interface Placed {
  readonly span: Span;
  /** The one it was found in. */
  readonly trace: Trace;
  readonly depth: number;
  readonly from: Row['from'];
}

/** A link says nothing of its direction: the work of all is linked with all who wait for it, and they with the work. */
function reasonToFollow(span: Span, target: Span): 'shared' | 'behind' | undefined {
  if (target.kind === 'internal' && target.parentSpanId === undefined) return 'behind';
  if (span.attributes['tributary.shared.role'] !== 'follower') return undefined;
  // Another asker of the same work came later, or waits below the same batch: its waiting explains nothing.
  const asks = 'tributary.source' in target.attributes;
  return !asks || target.startMs < span.startMs ? 'shared' : undefined;
}

function rowOf({ span, trace, depth, from }: Placed, startMs: number, traces: Traces): Row {
  const { parentSpanId, links, ...rest } = span;
  return {
    ...rest,
    depth,
    from,
    startMs: span.startMs - startMs,
    state: partState(span, trace.request),
    usualMs: traces.usualMs(span, trace),
    orphan: parentSpanId !== undefined && !parentOf(span, trace),
    links: links.map((link) => ({ ...link, name: traces.get(link.traceId)?.spans.get(link.spanId)?.name })),
  };
}

const parentOf = ({ parentSpanId }: Span, { spans }: Trace): Span | undefined => (parentSpanId === undefined ? undefined : spans.get(parentSpanId));

const byStart = (spans: readonly Span[]): Span[] => spans.toSorted((a, b) => a.startMs - b.startMs);
