import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '../../src/core/access.ts';
import { Failure } from '../../src/core/failure.ts';
import { asSomebody, decided, operator } from '../support/callers.ts';
import { keepAlive, request } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { type Gateway, seedDatabase, startGateway } from './gateway.ts';
import { expectProblem } from './problems.ts';

let database: Database;
let gateway: Gateway;

beforeAll(async () => {
  database = await seedDatabase();
  gateway = await startGateway({ database });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database.drop();
});

test.each(['/', '/api', '/api/aggregated/', '/api/aggregated/1', '/API/aggregated', '/favicon.ico', '//api/aggregated', '/__proto__', '/constructor', '/livez', '/metrics'])('there is no route %s', async (path) => {
  expectProblem(await request(`${gateway.url}${path}`), { status: 404, code: 'not_found', title: 'Not found', detail: 'there is no such route' });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('%s is not allowed, and the reply says what is', async (method) => {
  const reply = await gateway.ask(1, { method });
  expectProblem(reply, { status: 405, code: 'method_not_allowed', title: 'Method not allowed', detail: `expected GET or HEAD, but got ${method}` });
  expect(reply.headers['allow']).toBe('GET, HEAD');
});

test('a body that nobody asked for is read, and the next request is answered', async () => {
  using connection = keepAlive();
  const refused = await gateway.ask(1, { method: 'POST', headers: { 'content-type': 'application/json' }, body: 'a'.repeat(60_000), connection });
  expect(refused.status).toBe(405);
  expect((await gateway.ask(1, { connection })).status).toBe(200);
});

test('a HEAD request that fails has the status and no body', async () => {
  for (const [id, status] of [[99, 404], ['!', 400]] as const) {
    const reply = await gateway.ask(id, { method: 'HEAD' });
    expect([reply.status, reply.text, reply.headers['content-type']]).toEqual([status, '', 'application/problem+json']);
  }
});

test.each([
  ['who has not said who they are', new Failure('unauthenticated', 'expected a bearer token, but got none'), { status: 401, title: 'Authentication is needed' }, { 'www-authenticate': 'Bearer realm="tributary"' }],
  ['who may not', new Failure('forbidden', 'this token is for other users'), { status: 403, title: 'Not allowed' }, {}],
  ['who asks too often', new Failure('rate_limited', 'expected 10 requests a second at most', { retryAfterMs: 2_100 }), { status: 429, title: 'Too many requests' }, { 'retry-after': '3' }],
  ['who is shed', new Failure('overloaded', 'too much to do'), { status: 503, title: 'Overloaded' }, { 'retry-after': '1' }],
])('%s is told so, and nothing is asked for them', async (_, failure, problem, headers) => {
  await using own = await startGateway({ database, authentication: decided(() => Promise.reject(failure)) });
  const reply = await own.ask(1, { headers: asSomebody });
  expectProblem(reply, { ...problem, code: failure.code, detail: failure.message });
  expect(reply.headers).toMatchObject(headers);
  expect(own.upstream.requests).toEqual([]);
});

test('who asks is found out before their input is looked at', async () => {
  await using own = await startGateway({
    database,
    authentication: decided((authorization) => {
      if (authorization !== asSomebody.authorization) throw new Failure('unauthenticated', 'expected another token');
      return operator;
    }),
  });
  expect((await own.ask('!')).status).toBe(401);
  expect((await own.ask('!', { headers: { authorization: 'Bearer bad' } })).status).toBe(401);
  expect((await own.ask('!', { headers: asSomebody })).status).toBe(400);
  expect((await own.ask(1, { headers: asSomebody })).status).toBe(200);
});

test('what nobody foresaw is a 500 that says nothing and a log line that says all', async () => {
  await using own = await startGateway({ database, authentication: decided(() => { throw new TypeError('select * from secrets at db.ts:12'); }) });
  expectProblem(await own.ask(1, { headers: asSomebody }), { status: 500, code: 'internal_error', title: 'Internal error', detail: 'something went wrong here' });
  await own.accessLines(1);
  expect(own.log).toMatchObject([
    { level: 50, code: 'internal_error', err: { type: 'TypeError', message: 'select * from secrets at db.ts:12', stack: expect.stringContaining('routes.test.ts') } },
    { status: 500, code: 'internal_error' },
  ]);
});

test('to find out who asks is given up at the deadline', async () => {
  await using own = await startGateway({ database, deadline: '300ms', authentication: decided(() => new Promise(() => undefined)) });
  expectProblem(await own.ask(1, { headers: asSomebody }), { status: 504, code: 'deadline_exceeded', title: 'A required part did not answer in time', detail: 'no answer within 270 ms' });
});

test('who leaves while it is found out who they are has nothing asked for them', async () => {
  const found = Promise.withResolvers<Caller>();
  await using own = await startGateway({ database, authentication: decided(() => found.promise) });
  const exchange = await own.open(1, { headers: asSomebody });
  await own.underWay(1);
  exchange.reset();
  await own.underWay(0);
  found.resolve(operator);
  await own.accessLines(1);
  expect((await own.ask(2, { headers: asSomebody })).status).toBe(200);
  expect(own.upstream.requests.map(({ url }) => url)).toEqual(['/recommendations?user=2']);
  await own.upstream.allClosed();
});
