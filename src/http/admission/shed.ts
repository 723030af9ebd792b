import type { IncomingMessage, ServerResponse } from 'node:http';
import { SpanKind, SpanStatusCode, startSpan, type Trace, traceparent } from '../../core/trace.ts';
import type { Edge } from '../edge.ts';
import { isSampled, parentOf, plainTrace } from '../trace-context.ts';
import { methodOf } from '../visit.ts';

/** As problem.ts would say it, but for the trace id: made once, since a refusal has to cost next to nothing. */
const body = JSON.stringify({
  type: 'urn:tributary:problem:overloaded',
  title: 'Overloaded',
  status: 503,
  detail: 'more is asked than can be answered in time',
  code: 'overloaded',
});
const length = String(body.length);

/** Seconds after which clients may ask again: not all after the same time, or they would all come back together. */
const seconds = ['1', '2', '3'] as const;

/** How often one of those that are to be recorded is. In a storm one shows what all are like, and spans would make it worse. */
const recordMs = 100;
let recordedAt = -Infinity;

/** Refuses a request: the whole reply, before any route, in one write. */
export function shed(request: IncomingMessage, response: ServerResponse, edge: Pick<Edge, 'draining' | 'sampling'>): void {
  if (edge.draining) response.shouldKeepAlive = false;
  response.writeHead(503, [
    'content-type', 'application/problem+json', 'content-length', length, 'cache-control', 'no-store',
    'retry-after', seconds[Math.floor(Math.random() * seconds.length)]!, 'traceresponse', traceparent(traceOf(request, edge)),
  ]).end(body, 'latin1');
}

/** Its span has begun and ended: nothing of a refusal takes time. */
function traceOf(request: IncomingMessage, edge: Pick<Edge, 'sampling'>): Trace {
  const parent = parentOf(request);
  if (!isSampled(parent, edge.sampling)) return plainTrace(parent);
  const now = performance.now();
  if (now - recordedAt < recordMs) return plainTrace(parent);
  recordedAt = now;
  // No route in its name: nobody has looked for one.
  const method = methodOf(request.method);
  const trace = startSpan(method, {
    kind: SpanKind.SERVER, parent,
    attributes: { 'http.request.method': method, 'url.scheme': 'http', 'http.response.status_code': 503, 'error.type': 'overloaded', 'tributary.complete': false, 'tributary.shed': true },
  });
  trace.span.setStatus({ code: SpanStatusCode.ERROR });
  trace.span.end();
  return trace;
}
