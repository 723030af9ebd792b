import { z } from 'zod';

export type AttributeValue = string | number | boolean | null | readonly AttributeValue[] | { readonly [name: string]: AttributeValue };
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
}

/** A span as the page shows it. */
export interface Span extends SpanLink {
  /** Of this process; undefined for a root, and for one whose parent is its client's. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  /** Since the epoch. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  readonly links: readonly SpanLink[];
  /** What it failed of; undefined if it did not. */
  readonly error: string | undefined;
}

/** Longer texts are cut: a statement of four thousand characters is long enough to be recognised. */
const textMax = 4_096;
/** Nobody reads more of one span. */
const attributesMax = 64;
const linksMax = 64;
/** OpenTelemetry's kinds: server is 2 and client 3, and we make no others. */
const kinds: Readonly<Record<number, Span['kind']>> = { 2: 'server', 3: 'client' };
/** opentelemetry-proto, trace.proto, SpanFlags: the parent is in another process. */
const parentIsRemote = 0x200;

const id = (length: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${length}}$`), `expected ${length} hex digits`).toLowerCase();
/** An exporter may send 64-bit numbers as text, as JSON of protobuf has it. */
const Nanoseconds = z.union([z.string().regex(/^\d{1,20}$/), z.number()]).transform((ns) => Number(BigInt(ns) / 1_000n) / 1_000);
const AttributeList = z.array(z.object({ key: z.string(), value: z.unknown() })).default([]).transform((list) =>
  // fromEntries defines its keys, so that an attribute named `__proto__` stays an attribute.
  Object.fromEntries(list.slice(0, attributesMax).map(({ key, value }) => [cut(key), plain(value)])));

const SpanJson = z.object({
  traceId: id(32),
  spanId: id(16),
  parentSpanId: z.union([z.literal(''), id(16)]).optional(),
  flags: z.number().default(0),
  name: z.string(),
  kind: z.number().default(1),
  startTimeUnixNano: Nanoseconds,
  endTimeUnixNano: Nanoseconds,
  attributes: AttributeList,
  links: z.array(z.object({ traceId: id(32), spanId: id(16) })).default([]),
  status: z.object({ code: z.number().default(0), message: z.string().default('') }).optional(),
});

const Export = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(SpanJson).default([]) })).default([]) })).default([]),
});

/** The spans of an ExportTraceServiceRequest in JSON (OTLP 1.x, "JSON Protobuf Encoding"). Throws a ZodError that says what was expected. */
export function readSpans(request: unknown): Span[] {
  const { resourceSpans } = Export.parse(request);
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(spanOf)));
}

function spanOf({ traceId, spanId, parentSpanId, flags, name, kind, startTimeUnixNano, endTimeUnixNano, attributes, links, status }: z.infer<typeof SpanJson>): Span {
  const type = attributes['error.type'];
  return {
    traceId, spanId, attributes,
    parentSpanId: parentSpanId === '' || (flags & parentIsRemote) !== 0 ? undefined : parentSpanId,
    name: cut(name),
    kind: kinds[kind] ?? 'internal',
    startMs: startTimeUnixNano,
    durationMs: Math.max(0, endTimeUnixNano - startTimeUnixNano),
    links: links.slice(0, linksMax),
    error: status?.code === 2 ? typeof type === 'string' ? type : cut(status.message || 'error') : undefined,
  };
}

/** An AnyValue: an object with one member, which says of what type it is. */
function plain(value: unknown, depth = 0): AttributeValue {
  const [kind, held] = Object.entries(value ?? {})[0] ?? [];
  if (kind === 'stringValue' || kind === 'bytesValue') return cut(String(held));
  if (kind === 'boolValue') return held === true;
  if (kind === 'intValue' || kind === 'doubleValue') return Number(held);
  const { data } = z.object({ values: z.array(z.unknown()) }).safeParse(held);
  // What is nested deeper than anybody nests it is somebody's joke.
  return kind === 'arrayValue' && data && depth < 4 ? data.values.slice(0, attributesMax).map((each) => plain(each, depth + 1)) : null;
}

const cut = (text: string): string => (text.length > textMax ? `${text.slice(0, textMax)}…` : text);
