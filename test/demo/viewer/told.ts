import type { LogEntry } from '../../../demo/dev/viewer/log-entry.ts';
import type { Span } from '../../../demo/dev/viewer/otlp.ts';

/** 32 and 16 hex digits that a reader of a failed test can tell apart. */
export const traceId = (number: number): string => String(number).padStart(32, '0');
export const spanId = (number: number): string => String(number).padStart(16, '0');

/** A span of trace 1 from 0 to 1 ms, unless told otherwise. */
export const span = (own: number, told: Partial<Omit<Span, 'spanId'>> & { readonly parent?: number } = {}): Span => {
  const { parent, ...rest } = told;
  return {
    traceId: traceId(1), spanId: spanId(own), parentSpanId: parent === undefined ? undefined : spanId(parent),
    name: `span ${own}`, kind: 'internal', startMs: 0, durationMs: 1, attributes: {}, links: [], error: undefined, ...rest,
  };
};

/** The server's span of a request. */
export const served = (trace: number, told: Partial<Omit<Span, 'spanId'>> = {}): Span => span(trace, {
  traceId: traceId(trace), name: 'GET /api/aggregated', kind: 'server', startMs: trace, durationMs: 4,
  ...told, attributes: { 'http.response.status_code': 200, ...told.attributes },
});

/** The access line of a request that began at `trace` ms. */
export const accessLine = (trace: number, told: Partial<NonNullable<LogEntry['access']>> = {}): LogEntry => {
  const access = { method: 'GET', route: '/api/aggregated', status: 200, duration_ms: 4, missing: {}, ...told };
  return { traceId: traceId(trace), spanId: spanId(trace), atMs: trace + access.duration_ms, level: 'info', msg: 'request', fields: {}, access };
};
