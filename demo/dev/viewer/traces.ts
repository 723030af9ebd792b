import type { LogEntry } from './log-entry.ts';
import type { Span } from './otlp.ts';
import { Typical } from './typical.ts';

/** A request in one line of the page's list. */
export interface RequestSummary {
  readonly traceId: string;
  /** When it came, since the epoch. */
  readonly atMs: number;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** The parts that are not there, each with its code as far as it is known. */
  readonly missing: Readonly<Record<string, string>>;
  /** Why the whole answer failed. */
  readonly code: string | undefined;
  /** Much slower than those of its route before it. */
  readonly slow: boolean;
}

/** What is known of one trace. */
export interface Trace {
  readonly traceId: string;
  readonly spans: Map<string, Span>;
  readonly logs: LogEntry[];
  /** Undefined until the request has ended, and for work that went on behind one. */
  request: RequestSummary | undefined;
}

/** Who tells of a request: its access line, or the span of the server. */
export type Telling = 'line' | 'span';

export interface TracesOptions {
  /** Traces that are kept. */
  readonly max?: number;
  /** How many of these places slow, incomplete and failed requests may hold while ordinary ones make room. */
  readonly remarkableMax?: number;
  /** A request has ended: told by its access line, and by its span when that has come, which is usually later. */
  readonly onRequest?: (trace: Trace, by: Telling) => void;
}

/** A request here makes a dozen; two hundred is one that asks for a hundred parts. */
const spansMax = 200;
const logsMax = 100;

/**
 * The last traces. Of 500, 250 places may be held by requests that are worth a look, which outlive the others: one in a
 * thousand would else be gone before anybody has looked.
 */
export class Traces {
  readonly #ordinary = new Map<string, Trace>();
  readonly #remarkable = new Map<string, Trace>();
  readonly #typical = new Typical();
  readonly #typicalSpans = new Typical();
  readonly #max: number;
  readonly #remarkableMax: number;
  readonly #onRequest: (trace: Trace, by: Telling) => void;

  constructor({ max = 500, remarkableMax = max >> 1, onRequest = () => undefined }: TracesOptions = {}) {
    this.#max = max;
    this.#remarkableMax = remarkableMax;
    this.#onRequest = onRequest;
  }

  get size(): number {
    return this.#ordinary.size + this.#remarkable.size;
  }

  get(traceId: string): Trace | undefined {
    return this.#ordinary.get(traceId) ?? this.#remarkable.get(traceId);
  }

  all(): Trace[] {
    return [...this.#ordinary.values(), ...this.#remarkable.values()];
  }

  /** Newest first. */
  requests(): RequestSummary[] {
    return this.all().flatMap(({ request }) => request ?? []).toSorted((a, b) => b.atMs - a.atMs);
  }

  /** How long spans of this name, below spans of these names, usually take; undefined while nobody knows. */
  usualMs(span: Span, { spans }: Trace): number | undefined {
    return this.#typicalSpans.of(placeOf(span, spans));
  }

  addSpan(span: Span): void {
    const trace = this.#at(span.traceId);
    const isRequest = span.kind === 'server';
    if (trace.spans.size >= spansMax && !isRequest) return;
    trace.spans.set(span.spanId, span);
    if (!isRequest) return;
    this.#learn(trace, requestOf(span), 'span');
    for (const each of trace.spans.values()) this.#typicalSpans.add(placeOf(each, trace.spans), each.durationMs);
  }

  addLog(entry: LogEntry): void {
    const { access } = entry;
    const trace = this.#at(entry.traceId);
    if (trace.logs.length < logsMax) trace.logs.push(entry);
    if (!access) return;
    const { method, route, status, duration_ms: durationMs, missing, code } = access;
    this.#learn(trace, { method, route, status, durationMs, missing, code, atMs: entry.atMs - durationMs }, 'line');
  }

  #at(traceId: string): Trace {
    const known = this.get(traceId);
    if (known) return known;
    const trace: Trace = { traceId, spans: new Map(), logs: [], request: undefined };
    this.#ordinary.set(traceId, trace);
    if (this.size > this.#max) this.#drop();
    return trace;
  }

  /** The access line and the server's span tell of the same request: the line knows why parts are missing, the span is what is drawn. */
  #learn(trace: Trace, told: Omit<RequestSummary, 'traceId' | 'slow'>, by: Telling): void {
    const before = trace.request;
    const same = before && before.route === told.route && Math.abs(before.atMs - told.atMs) < sameMs ? before : undefined;
    const slow = same?.slow ?? this.#typical.isSlow(told.route, told.durationMs);
    const [line, span] = by === 'line' ? [told, same ?? told] : [same ?? told, told];
    trace.request = { ...line, traceId: trace.traceId, slow, atMs: span.atMs, durationMs: span.durationMs };
    if (isRemarkable(trace.request)) this.#keep(trace);
    this.#onRequest(trace, by);
  }

  #keep(trace: Trace): void {
    if (!this.#ordinary.delete(trace.traceId)) return;
    this.#remarkable.set(trace.traceId, trace);
    if (this.#remarkable.size > this.#remarkableMax) this.#drop(this.#remarkable);
  }

  #drop(from: Map<string, Trace> = this.#ordinary.size > 0 ? this.#ordinary : this.#remarkable): void {
    const [oldest] = from.keys();
    if (oldest !== undefined) from.delete(oldest);
  }
}

/** The names from the request down to the span: the same query for another part is another thing. */
function placeOf(span: Span, spans: ReadonlyMap<string, Span>): string {
  const names: string[] = [];
  // As many steps as there are spans, so that spans that are each other's parents end as well.
  for (let at: Span | undefined = span; at && names.length <= spans.size; at = at.parentSpanId === undefined ? undefined : spans.get(at.parentSpanId)) names.push(at.name);
  // What was kept takes no time: that says nothing of what has to be asked for.
  const { 'tributary.served': served } = span.attributes;
  return `${typeof served === 'string' ? served : ''} ${names.join(' < ')}`;
}

/** How far apart the line and the span may put one request: their clocks are the same, but the line rounds. */
const sameMs = 100;

const isRemarkable = ({ slow, missing, status }: RequestSummary): boolean => slow || status >= 500 || status === 499 || Object.keys(missing).length > 0;

function requestOf({ attributes, name, startMs, durationMs, error }: Span): Omit<RequestSummary, 'traceId' | 'slow'> {
  const [method = '', route = ''] = name.split(' ');
  const missing = attributes['tributary.missing'];
  return {
    method, route, durationMs,
    atMs: startMs,
    status: Number(attributes['http.response.status_code'] ?? 0),
    missing: Array.isArray(missing) ? Object.fromEntries(missing.map((part) => [String(part), 'missing'])) : {},
    code: error,
  };
}
