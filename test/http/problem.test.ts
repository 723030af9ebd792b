import { expect, test } from 'vitest';
import { Failure, type FailureCode, PartFailure } from '../../src/core/failure.ts';
import { edgeInMemory, replyOf } from './in-memory.ts';

const statuses: Readonly<Record<FailureCode, number>> = {
  bad_request: 400,
  invalid_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  idempotency_key_reused: 422,
  request_timeout: 408,
  payload_too_large: 413,
  uri_too_long: 414,
  unsupported_media_type: 415,
  expectation_failed: 417,
  headers_too_large: 431,
  rate_limited: 429,
  client_gone: 499,
  call_over: 500,
  internal_error: 500,
  source_failed: 502,
  bad_answer: 502,
  overloaded: 503,
  keys_unavailable: 503,
  source_resting: 503,
  unavailable: 503,
  deadline_exceeded: 504,
  outcome_unknown: 504,
};
const codes = Object.keys(statuses) as FailureCode[];

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const failing = (error: unknown) => () => Promise.reject(error);

async function problemOf(error: unknown, options?: Parameters<typeof edgeInMemory>[0]) {
  const { edge, lines } = edgeInMemory(options);
  const reply = await replyOf(edge, failing(error), { traceparent });
  return { reply, lines, body: await reply.json() as Record<string, unknown> };
}

test.each(codes)('%s has a status, and a body that says so too', async (code) => {
  const { reply, body } = await problemOf(new Failure(code, 'what the client may know', { cause: new Error('what it may not') }));
  expect(reply.status).toBe(statuses[code]);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    type: `urn:tributary:problem:${code.replaceAll('_', '-')}`,
    title: expect.stringMatching(/^[A-Z]/) as string,
    status: statuses[code],
    detail: 'what the client may know',
    code,
    trace_id: '0af7651916cd43dd8448eb211c80319c',
  });
});

test('a problem of a part names the part', async () => {
  const { reply, body } = await problemOf(new PartFailure('user.order', new Failure('not_found', 'no such order')));
  expect(reply.status).toBe(404);
  expect(body).toMatchObject({ code: 'not_found', part: 'user.order', detail: 'no such order' });
});

test('where a missed deadline is to be a 408, it is, and says so', async () => {
  const { reply, body } = await problemOf(new PartFailure('user_data', new Failure('deadline_exceeded', 'no answer within 2000 ms')), { timeoutStatus: 408 });
  expect([reply.status, body['status'], body['code']]).toEqual([408, 408, 'deadline_exceeded']);
});

test.each(codes.filter((code) => code !== 'deadline_exceeded'))('… and %s stays as it is', async (code) => {
  const { reply } = await problemOf(new Failure(code, 'failed'), { timeoutStatus: 408 });
  expect(reply.status).toBe(statuses[code]);
});

test('every reply says where it stands in its trace', async () => {
  const { reply } = await problemOf(new Failure('not_found', 'nothing'));
  expect(reply.headers.get('traceresponse')).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-00$/);
});

test.each(codes)('%s says how to authenticate only if that is what is missing', async (code) => {
  const { reply } = await problemOf(new Failure(code, 'failed'));
  expect(reply.headers.get('www-authenticate')).toBe(code === 'unauthenticated' ? 'Bearer realm="tributary"' : null);
});

test.each(codes)('%s says when to try again only if that helps', async (code) => {
  const { reply } = await problemOf(new Failure(code, 'failed', { retryAfterMs: 5_000 }));
  expect(reply.headers.get('retry-after')).toBe(['rate_limited', 'overloaded', 'keys_unavailable', 'source_resting', 'unavailable'].includes(code) ? '5' : null);
});

test.each([[undefined, '1'], [1, '1'], [1_000, '1'], [1_001, '2'], [60_000, '60']])('%d ms to wait are told in whole seconds, rounded up: %s', async (retryAfterMs, seconds) => {
  const { reply } = await problemOf(new Failure('overloaded', 'too busy', retryAfterMs === undefined ? {} : { retryAfterMs }));
  expect(reply.headers.get('retry-after')).toBe(seconds);
});

test('the time to wait of a part is that of the whole', async () => {
  const { reply } = await problemOf(new PartFailure('user_data', new Failure('source_resting', 'resting', { retryAfterMs: 7_000 })));
  expect(reply.headers.get('retry-after')).toBe('7');
});

test.each([
  ['an error', new TypeError('Cannot read properties of undefined (reading "secret")')],
  ['a string', 'select secret from users'],
])('%s that nobody foresaw is a 500 that says nothing; the log says all', async (_, thrown) => {
  const { reply, lines, body } = await problemOf(thrown);
  expect(reply.status).toBe(500);
  expect(body).toMatchObject({ code: 'internal_error', detail: 'something went wrong here' });
  expect(JSON.stringify(body)).not.toContain('secret');
  expect(lines).toMatchObject([{ level: 'error', code: 'internal_error', msg: 'something went wrong here' }]);
});

test.each(codes)('%s is logged with its cause if the fault is not the client’s', async (code) => {
  const { lines } = await problemOf(new Failure(code, 'failed', { cause: new Error('ECONNREFUSED') }));
  expect(lines).toMatchObject(statuses[code] >= 500 ? [{ level: 'error', code, err: { message: 'ECONNREFUSED' } }] : []);
});
