import type { FailureCode } from '../../core/failure.ts';
import { problemStatuses, problemType } from '../problem.ts';
import type { Schema } from './schemas.ts';

/** Whatever is asked, a request can fail of these: at the edge, for who asks, and for the state that the service is in. */
const anywhere: readonly FailureCode[] = [
  'bad_request', 'invalid_input', 'unauthenticated', 'forbidden', 'request_timeout', 'payload_too_large', 'uri_too_long', 'unsupported_media_type',
  'expectation_failed', 'headers_too_large', 'rate_limited', 'internal_error', 'overloaded', 'keys_unavailable', 'source_resting', 'source_failed', 'bad_answer', 'deadline_exceeded',
];

const text = (description: string): Schema => ({ description, schema: { type: 'string' } });

/** Headers of replies, each described once. */
export const headers: Readonly<Record<string, Schema>> = {
  'Accept': text('What a body has to be'),
  'Accept-Encoding': text('How a body may be encoded'),
  'Age': { description: 'Seconds since the oldest part was loaded', schema: { type: 'integer', minimum: 0 } },
  'Allow': text('The methods that there are'),
  'Cache-Control': text('For how long the answer may be used'),
  'Cache-Status': text('What the cache of each part did (RFC 9211)'),
  'ETag': text('A strong validator, for If-None-Match and If-Match (RFC 9110)'),
  'Link': text('Related resources, the next page among them (RFC 8288)'),
  'Location': { description: 'Where what was made can be read', schema: { type: 'string', format: 'uri-reference' } },
  'RateLimit': text('What is left to this caller, where there is a limit (draft-ietf-httpapi-ratelimit-headers)'),
  'RateLimit-Policy': text('The limit, where there is one'),
  'Retry-After': { description: 'Seconds to wait before another try', schema: { type: 'integer', minimum: 0 } },
  'Server-Timing': text('How long each part took, and how it was served'),
  'Vary': text('What of the request the reply depends on'),
  'WWW-Authenticate': text('What is wrong with the token, or that one is needed (RFC 6750)'),
  'X-Accel-Buffering': text('Of streams: that proxies are not to collect them'),
  'traceresponse': text('Where the request stands in its trace (W3C Trace Context, level 2)'),
};

/** Those that any reply may have. What it has for browsers' sake (docs/http-edge.md) is nothing that clients read. */
const anyReplys = ['Cache-Control', 'RateLimit', 'RateLimit-Policy', 'Vary', 'traceresponse'];

/** These headers, and those that any reply may have. */
export const headersNamed = (...names: readonly string[]): Schema =>
  Object.fromEntries([...names, ...anyReplys].map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** The problem (RFC 9457) that every failure is told as. */
export const problemSchema: Schema = {
  type: 'object',
  description: 'Why there is no answer (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'code', 'trace_id'],
  properties: {
    type: { type: 'string', pattern: '^urn:tributary:problem:[a-z-]+$' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What was expected, and what came' },
    code: { type: 'string', description: 'Why, in one word that never changes' },
    part: { type: 'string', description: 'The part that failed, if one did' },
    issues: {
      type: 'array',
      description: 'Everything that is wrong with the input',
      items: { type: 'object', required: ['parameter', 'detail'], properties: { parameter: { type: 'string' }, detail: { type: 'string' } } },
    },
    trace_id: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  },
};

/** Why a part is missing, in an answer that lacks it. */
export const partErrorSchema: Schema = {
  type: 'object',
  description: 'Why a part is missing',
  required: ['part', 'code', 'detail'],
  properties: { part: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } },
};

const report: Schema = {
  part: { type: 'string', description: 'Its name; dotted where it lies in a nested aggregate' },
  state: { enum: ['live', 'cache', 'stale', 'missing'] },
  took_ms: { type: 'number', description: 'Only for those who are told' },
  age_ms: { type: 'integer', minimum: 0, description: 'Of what was kept' },
};

const missing: Schema = { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/PartError' } };

/** What the events of a stream carry, by their names. A third one, `problem`, carries a problem. */
export const eventSchemas: Readonly<Record<'StreamedPart' | 'StreamEnd', Schema>> = {
  StreamedPart: {
    type: 'object',
    description: 'The data of an event `part`',
    required: ['part', 'state'],
    properties: { ...report, error: { $ref: '#/components/schemas/PartError' }, errors: { ...missing, description: 'Of streams that stay open: what is missing inside a part that is an aggregate' }, data: { description: 'What the answer holds under the name of the part; none where a required part is outdated and nothing takes its place' } },
  },
  StreamEnd: {
    type: 'object',
    description: 'The data of the event `end`, and of `current` where the stream stays open',
    required: ['complete', 'parts'],
    properties: {
      complete: { type: 'boolean' },
      parts: { type: 'array', items: { type: 'object', required: ['part', 'state'], properties: report } },
      errors: missing,
    },
  },
};

const codesByStatus = new Map<number, FailureCode[]>();
for (const [code, [status]] of Object.entries<readonly [number, string]>(problemStatuses)) codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), code as FailureCode]);

const nameOf = (status: number): string => `Problem${status}`;

const headersByStatus: Readonly<Record<number, readonly string[]>> = {
  400: ['WWW-Authenticate'], 401: ['WWW-Authenticate'], 403: ['WWW-Authenticate'], 405: ['Allow'], 415: ['Accept', 'Accept-Encoding'], 429: ['Retry-After'], 503: ['Retry-After'],
};

/** A reply for each status that a problem has. */
export const problemReplies: Readonly<Record<string, Schema>> = Object.fromEntries([...codesByStatus].filter(([status]) => status !== 499).map(([status, codes]) => [nameOf(status), {
  description: codes.map((code) => `\`${code}\`: ${problemStatuses[code][1].toLowerCase()}`).join('; '),
  headers: headersNamed(...(headersByStatus[status] ?? [])),
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example: exampleOf(status, codes.at(-1)!) } },
}]));

function exampleOf(status: number, code: FailureCode): Schema {
  const title = problemStatuses[code][1];
  return { type: problemType(code), title, status, detail: 'expected …, but got …', code, trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' };
}

/** References to the problems that an endpoint may answer with: those of everywhere, and its own. */
export function problems(own: readonly FailureCode[], timeoutStatus: number): Schema {
  const statuses = [...anywhere, ...own].map((code) => (code === 'deadline_exceeded' ? timeoutStatus : problemStatuses[code][0]));
  return Object.fromEntries([...new Set(statuses)].toSorted((a, b) => a - b).map((status) => [status, { $ref: `#/components/responses/${nameOf(status)}` }]));
}
