import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SpanKind, startSpan, type Trace } from '../core/trace.ts';

/** Which requests are recorded. Decided here, before the SDK: a request that is not sampled makes no span at all. */
export interface Sampling {
  /** 0 to 1: this share of the requests that bring no decision with them. */
  readonly ratio: number;
  /** Whether the sampled flag of an incoming `traceparent` decides. Not at a public edge: there any client could fill the tracing backend. */
  readonly trustParent: boolean;
}

/**
 * A request's place in its trace: the caller's, if it sent a W3C `traceparent`, else a new one. `ratio` is rolled with
 * dice and not taken from the trace id, because the client picks that.
 */
export function startTrace(name: string, traceparent: string | undefined, sampling: Sampling, startTime = performance.now()): Trace {
  const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  if (isSampled(parent, sampling)) {
    const trace = startSpan(name, { kind: SpanKind.SERVER, parent, startTime });
    if (trace.span.isRecording()) return trace;
  }
  return plainTrace(parent);
}

/** The decision whether a request is recorded; each call throws the dice anew. */
export function isSampled(parent: RemoteParent | undefined, { ratio, trustParent }: Sampling): boolean {
  return parent && trustParent ? parent.sampled : ratio > 0 && (ratio >= 1 || Math.random() < ratio);
}

/** Of a request that is not recorded: ids only. */
export const plainTrace = (parent: RemoteParent | undefined): Trace => ({ traceId: parent?.traceId ?? hex(32), spanId: hex(16), span: undefined });

export interface RemoteParent extends Trace {
  readonly sampled: boolean;
}

/** W3C Trace Context, level 2, §3.2: undefined for what is not valid, which is then ignored as the standard asks. */
export function parseTraceparent(header: string): RemoteParent | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header);
  if (!match) return undefined;
  const [, version, traceId, spanId, flags, more] = match;
  // Version 00 has four fields; a later one may append some. ff is forbidden, and so are ids of zeros.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  return { traceId: traceId!, spanId: spanId!, span: undefined, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

/** The caller's place in its trace, of a request on a socket. Only `traceparent` is read: `tracestate` and `baggage` of strangers go no further. */
export function parentOf({ headers }: Pick<IncomingMessage, 'headers'>): RemoteParent | undefined {
  const given = headers['traceparent'];
  return typeof given === 'string' ? parseTraceparent(given) : undefined;
}

const pool = Buffer.alloc(4_096);
let digits = '';
let used = 0;

/** Random hex digits. Cut from a pool, since one call of the generator costs more than the rest of a request's ids. */
function hex(length: number): string {
  if (used + length > digits.length) {
    digits = randomFillSync(pool).toString('hex');
    used = 0;
  }
  return digits.slice(used, (used += length));
}
