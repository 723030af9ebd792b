import { type Failure, type FailureCode, PartFailure } from '../core/failure.ts';
import { unauthenticated } from '../core/metrics.ts';
import { type Trace, traceparent } from '../core/trace.ts';
import { noCredentials, Refused } from './auth/refused.ts';
import type { Edge } from './edge.ts';
import { InvalidInput } from './input.ts';
import { clientGoneStatus, type Visit } from './visit.ts';

/** What a request failed of, as its client sees it. The codes are stable; docs/problems.md explains each. */
export const problemStatuses = {
  bad_request: [400, 'The request could not be read'],
  invalid_input: [400, 'The request is not valid'],
  unauthenticated: [401, 'Authentication is needed'],
  forbidden: [403, 'Not allowed'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'Method not allowed'],
  conflict: [409, 'Something else is under way'],
  precondition_failed: [412, 'It has changed since'],
  idempotency_key_reused: [422, 'The key was used for another request'],
  request_timeout: [408, 'The request came too slowly'],
  payload_too_large: [413, 'The body is too long'],
  uri_too_long: [414, 'The target is too long'],
  unsupported_media_type: [415, 'The body is of a kind that is not taken'],
  expectation_failed: [417, 'What the client expects cannot be met'],
  headers_too_large: [431, 'The headers are too long'],
  rate_limited: [429, 'Too many requests'],
  client_gone: [clientGoneStatus, 'The client went away'],
  call_over: [500, 'Internal error'],
  internal_error: [500, 'Internal error'],
  source_failed: [502, 'A required part failed'],
  bad_answer: [502, 'A required part answered nonsense'],
  overloaded: [503, 'Overloaded'],
  keys_unavailable: [503, 'Tokens cannot be checked now'],
  source_resting: [503, 'A required part is resting'],
  unavailable: [503, 'Not available now'],
  deadline_exceeded: [504, 'A required part did not answer in time'],
  outcome_unknown: [504, 'It is not known whether it was done'],
} as const satisfies Readonly<Record<FailureCode, readonly [status: number, title: string]>>;

/** How long a client should wait after a 429 or 503 that names no time of its own. */
const retryAfterMsDefault = 1_000;

export const problemType = (code: FailureCode): string => `urn:tributary:problem:${code.replaceAll('_', '-')}`;

/** The body of a problem (RFC 9457), with a stable `code`, the trace id and, where a part is to blame, its name. */
export function problemBody(failure: Failure, { trace }: Pick<Visit, 'trace'>, edge: StatusOptions): Record<string, unknown> {
  const [, title] = problemStatuses[failure.code];
  return {
    type: problemType(failure.code),
    title,
    status: statusOf(failure, edge),
    detail: failure.message,
    code: failure.code,
    ...(failure instanceof PartFailure ? { part: failure.part } : {}),
    ...(failure instanceof InvalidInput ? { issues: failure.issues } : {}),
    trace_id: trace.traceId,
  };
}

/** The reply to a request that failed. What nobody foresaw is a 500 that says nothing, and a log line that says all. */
export function problem(failure: Failure, visit: Visit, edge: Edge, headers: Readonly<Record<string, string>> = {}): Response {
  const status = statusOf(failure, edge);
  visit.status = status;
  visit.failure = failure;
  if (status === 401 || status === 403) unauthenticated.of(failure.code).add();
  complain(failure, visit, edge);
  return new Response(JSON.stringify(problemBody(failure, visit, edge)), {
    status,
    headers: { ...problemHeaders(failure, status, visit.trace), ...headers },
  });
}

/** The headers that belong to its status. */
export function problemHeaders(failure: Failure, status: number, trace: Trace): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    traceresponse: traceparent(trace),
    ...(failure instanceof Refused ? { 'www-authenticate': failure.challenge } : status === 401 ? { 'www-authenticate': noCredentials.challenge } : {}),
    ...(status === 429 || status === 503
      ? { 'retry-after': String(Math.ceil((failure.retryAfterMs ?? retryAfterMsDefault) / 1_000)) }
      : {}),
  };
}

/** What a client is told is its own affair up to 499; from 500 on, those who run the service are told why. */
export function complain(failure: Failure, visit: Visit, edge: Edge): void {
  if (statusOf(failure, edge) >= 500) edge.complaints.about(failure, visit.trace, 'error');
}

type StatusOptions = Pick<Edge, 'timeoutStatus'>;

export function statusOf({ code }: Failure, { timeoutStatus }: StatusOptions): number {
  return code === 'deadline_exceeded' ? timeoutStatus : problemStatuses[code][0];
}
