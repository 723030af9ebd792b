import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Edge } from './edge.ts';
import { parentOf, plainTrace } from './trace-context.ts';
import { account } from './visit.ts';

/** What pages may send besides what browsers always allow: tokens, and what this service or its traces understand. */
const requestHeaders = 'authorization, cache-control, content-type, idempotency-key, if-match, if-none-match, last-event-id, prefer, traceparent, tracestate, baggage';

/** How long a browser remembers a preflight's answer: two hours, above which Chromium cuts it off. */
const maxAgeS = '7200';

/** Answers what browsers ask before they send a page's request: true if it was such a question. Whether that origin may is in the headers of every reply. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse, edge: Edge): boolean {
  const { method, headers } = request;
  if (method !== 'OPTIONS' || headers.origin === undefined || headers['access-control-request-method'] === undefined) return false;
  const startedAt = performance.now();
  if (edge.draining) response.shouldKeepAlive = false;
  response.writeHead(204, [
    'access-control-allow-methods', 'GET, HEAD, POST, PATCH, DELETE', 'access-control-allow-headers', requestHeaders, 'access-control-max-age', maxAgeS,
  ]).end();
  account(edge.log, { method, route: '*', status: 204, tookMs: performance.now() - startedAt, trace: plainTrace(parentOf(request)) });
  return true;
}
