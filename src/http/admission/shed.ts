import type { ServerResponse } from 'node:http';
import { traceparent } from '../../core/trace.ts';
import { plainTrace } from '../trace-context.ts';

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

/** Refuses a request: the whole reply, before any route, in one write. */
export function shed(response: ServerResponse, closes: boolean): void {
  if (closes) response.shouldKeepAlive = false;
  response.writeHead(503, [
    'content-type', 'application/problem+json', 'content-length', length, 'cache-control', 'no-store',
    'retry-after', seconds[Math.floor(Math.random() * seconds.length)]!, 'traceresponse', traceparent(plainTrace(undefined)),
  ]).end(body, 'latin1');
}
