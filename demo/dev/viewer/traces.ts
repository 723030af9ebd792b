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
  /** Of the request's own span, which its access line names as well. */
  requestSpanId: string | undefined;
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
/** The page has the same number (requests.js). */
const oldestMax = 10;

type Told = Omit<RequestSummary, 'traceId' | 'slow'>;

/** One request, as far as it is told: the line knows why parts are missing, the span is what is drawn. At least one is there. */
interface Learnt {
  readonly spanId: string | undefined;
  readonly line: Told | undefined;
  readonly span: Told | undefined;
}

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
    const line = trace.logs.find(({ access, spanId }) => access && spanId === span.spanId);
    this.#learn(trace, { spanId: span.spanId, line: line && toldBy(line), span: requestOf(span) }, 'span');
    for (const each of trace.spans.values()) this.#typicalSpans.add(placeOf(each, trace.spans), each.durationMs);
  }

  addLog(entry: LogEntry): void {
    const { spanId } = entry;
    const trace = this.#at(entry.traceId);
    if (trace.logs.length < logsMax) trace.logs.push(entry);
    const line = toldBy(entry);
    if (!line) return;
    const span = spanId === undefined ? undefined : trace.spans.get(spanId);
    this.#learn(trace, { spanId, line, span: span && requestOf(span) }, 'line');
  }

  #at(traceId: string): Trace {
    const known = this.get(traceId);
    if (known) return known;
    const trace: Trace = { traceId, spans: new Map(), logs: [], request: undefined, requestSpanId: undefined };
    this.#ordinary.set(traceId, trace);
    if (this.size > this.#max) this.#drop();
    return trace;
  }

  /** The access line and the server's span tell of the same request: the line knows why parts are missing, the span is what is drawn. */
  #learn(trace: Trace, { spanId, line, span }: Learnt, by: Telling): void {
    const told = (line ?? span)!;
    const { atMs, durationMs } = (span ?? line)!;
    // What both have told is one request, and counted once.
    const same = spanId !== undefined && spanId === trace.requestSpanId ? trace.request : undefined;
    const slow = same?.slow ?? this.#typical.isSlow(told.route, durationMs);
    trace.requestSpanId = spanId;
    trace.request = { ...told, traceId: trace.traceId, slow, atMs, durationMs };
    if (isRemarkable(trace.request)) this.#keep(trace);
    this.#onRequest(trace, by);
  }

  #keep(trace: Trace): void {
    if (!this.#ordinary.delete(trace.traceId)) return;
    this.#remarkable.set(trace.traceId, trace);
    if (this.#remarkable.size > this.#remarkableMax) this.#dropRemarkable();
  }

  #drop(): void {
    const [oldest] = this.#ordinary.keys();
    if (oldest === undefined) this.#dropRemarkable();
    else this.#ordinary.delete(oldest);
  }

  /** Of the ten oldest the quickest: on a busy machine many are a little slow, and would push out what one looks for. */
  #dropRemarkable(): void {
    const [first, ...others] = [...this.#remarkable.values()].slice(0, oldestMax);
    if (!first) return;
    this.#remarkable.delete(others.reduce((quickest, each) => (tookMs(each) < tookMs(quickest) ? each : quickest), first).traceId);
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

const tookMs = ({ request }: Trace): number => request?.durationMs ?? 0;

const isRemarkable = ({ slow, missing, status }: RequestSummary): boolean => slow || status >= 500 || status === 499 || Object.keys(missing).length > 0;

function toldBy({ access, atMs }: LogEntry): Told | undefined {
  if (!access) return undefined;
  const { method, route, status, duration_ms: durationMs, missing, code } = access;
  return { method, route, status, durationMs, missing, code, atMs: atMs - durationMs };
}

function requestOf({ attributes, name, startMs, durationMs, error }: Span): Told {
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
