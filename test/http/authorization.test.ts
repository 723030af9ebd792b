import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Access } from '../../src/core/access.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import { Tokens } from '../../src/http/auth/tokens.ts';
import type { EdgeOptions } from '../../src/http/edge.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { fakeTime } from '../core/fake-time.ts';
import { bearer, inS, jwksOf, newPair, rules, token } from '../support/issuer.ts';
import { stagedKeys } from './auth/keys-stage.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();

type Name = 'one' | 'two' | 'scope' | 'admin' | 'expired' | 'unknown';
let headers: Readonly<Record<Name, { authorization: string }>>;
let published: ReturnType<typeof jwksOf>;

beforeAll(async () => {
  const pair = await newPair('one');
  published = jwksOf(pair);
  const as = async (more: Readonly<Record<string, unknown>>, by = pair) => ({ authorization: bearer(await token(by, more)) });
  const far = { exp: inS(1e9) };
  headers = {
    one: await as({ sub: '1', ...far }), two: await as({ sub: '2', ...far }), scope: await as({ sub: 'job', scope: 'x aggregates:read:any', ...far }),
    admin: await as({ sub: 'ops', roles: ['admin'], ...far }), expired: await as({ exp: 1 }), unknown: await as({ ...far }, await newPair('two')),
  };
});

const user = { one: { name: 'Ada' } } as Readonly<Record<string, unknown>>;
const Input = z.object({ user_id: z.string({ error: 'expected an id' }), customer_id: z.string().optional() });

/** An aggregate with user 1 and no other. */
async function serving(access?: Access<'user_id' | 'customer_id'>, options: Partial<EdgeOptions> = {}) {
  const { keys } = stagedKeys(published);
  await keys.start();
  const asked: string[] = [];
  const profile = ({ user_id }: { user_id: string }) => {
    asked.push(user_id);
    return user_id === '1' ? Promise.resolve(user['one']) : Promise.reject(new Failure('not_found', 'no such user'));
  };
  const nested = aggregate({ name: 'nested', input: Input, deadline: '1s', access: 'public', parts: { profile, more: optional(() => Promise.resolve(1)) } });
  const outer = aggregate({ name: 'outer', input: Input, deadline: '1s', ...(access === undefined ? {} : { access }), parts: { user: nested } });
  const { edge, lines } = edgeInMemory({ authentication: new Tokens(keys, rules), ...options });
  const routes = createRoutes(edge, { '/api/user': outer });
  const ask = (query: string, as?: Name, more: Record<string, string> = {}) => Promise.resolve(routes.request(`/api/user${query}`, { headers: { ...(as ? headers[as] : {}), ...more } }));
  return { ask, asked, lines, [Symbol.asyncDispose]: () => keys.close() };
}

test.each<[string, string, Name | undefined, number]>([
  ['its subject', '1', 'one', 200],
  ['its subject, who does not exist', '2', 'two', 404],
  ['somebody else', '1', 'two', 403],
  ['somebody else, about who does not exist', '3', 'two', 403],
  ['a service that may read any', '1', 'scope', 200],
  ['an operator', '1', 'admin', 200],
  ['an operator, about who does not exist', '3', 'admin', 404],
  ['nobody in particular', '1', undefined, 401],
  ['an old token', '1', 'expired', 401],
  ['a token of a key that nobody knows', '1', 'unknown', 401],
])('an answer asked for by %s', async (_, id, as, status) => {
  await using stage = await serving();
  expect((await stage.ask(`?user_id=${id}`, as)).status).toBe(status);
  expect(stage.asked).toEqual([200, 404].includes(status) ? [id] : []);
});

test.each<[string, Access<'customer_id'>, string, Name | undefined, number]>([
  ['public: nobody is asked who they are', 'public', '?user_id=1', undefined, 200],
  ['public: whoever says it has to say the truth', 'public', '?user_id=1', 'expired', 401],
  ['authenticated: any caller may', 'authenticated', '?user_id=1', 'two', 200],
  ['authenticated: who is none may not', 'authenticated', '?user_id=1', undefined, 401],
  ['of another field: its subject may', { own: 'customer_id' }, '?user_id=1&customer_id=2', 'two', 200],
  ['of another field: others may not', { own: 'customer_id' }, '?user_id=1&customer_id=2', 'one', 403],
  ['of a field that is not given: nobody may', { own: 'customer_id' }, '?user_id=1', 'one', 403],
  ['of a field that is not given: but operators', { own: 'customer_id' }, '?user_id=1', 'admin', 200],
])('%s, whatever a nested aggregate says', async (_, access, query, as, status) => {
  await using stage = await serving(access);
  expect((await stage.ask(query, as)).status).toBe(status);
});

test('a refusal is the same whether there is such a user or not', async () => {
  await using stage = await serving();
  const told = async (id: string) => {
    const reply = await stage.ask(`?user_id=${id}`, 'two');
    const { trace_id: _, ...body } = await reply.json() as Record<string, unknown>;
    return { body, headers: [...reply.headers].filter(([name]) => name !== 'traceresponse') };
  };
  expect(await told('1')).toEqual(await told('404'));
  expect((await told('1')).body).toMatchObject({ status: 403, code: 'forbidden', detail: 'this token does not allow to read what was asked for' });
});

test('who asks comes first, then what, then whether they may', async () => {
  await using stage = await serving();
  expect((await stage.ask('')).status).toBe(401);
  expect((await stage.ask('', 'expired')).status).toBe(401);
  expect((await stage.ask('', 'two')).status).toBe(400);
  expect((await stage.ask('?user_id=1', 'two')).status).toBe(403);
});

test.each<[string, Record<string, string>, number, string, string]>([
  ['without credentials', {}, 401, 'unauthenticated', 'Bearer realm="tributary"'],
  ['with those of another scheme', { authorization: 'Basic dXNlcjpwYXNz' }, 401, 'unauthenticated', 'Bearer realm="tributary"'],
  ['with a header that is none', { authorization: 'Bearer a b' }, 400, 'invalid_input', 'Bearer realm="tributary", error="invalid_request", error_description="expected the header Authorization to be Bearer, one space and a token"'],
  ['with a bad token', { authorization: 'Bearer secret' }, 401, 'unauthenticated', 'Bearer realm="tributary", error="invalid_token", error_description="the token is not a signed JWT"'],
])('a request %s is told what is needed', async (_, more, status, code, challenge) => {
  await using stage = await serving();
  const reply = await stage.ask('?user_id=1', undefined, more);
  expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([status, challenge]);
  const body = await reply.text();
  expect(JSON.parse(body)).toMatchObject({ status, code });
  expect(body).not.toContain('secret');
});

test('who may not is told which scope would let them', async () => {
  await using stage = await serving();
  expect((await stage.ask('?user_id=1', 'two')).headers.get('www-authenticate')).toBe('Bearer realm="tributary", error="insufficient_scope", scope="aggregates:read:any"');
});

test('a token is nowhere but in the header', async () => {
  await using stage = await serving();
  const { authorization } = headers.one;
  expect((await stage.ask(`?user_id=1&access_token=${authorization.slice(7)}`)).status).toBe(401);
  expect((await stage.ask('?user_id=1', undefined, { cookie: `access_token=${authorization.slice(7)}`, 'x-authorization': authorization })).status).toBe(401);
});

test.each<[EdgeOptions['serverTiming'], Name, boolean]>([
  ['everybody', 'one', true], ['operators', 'one', false], ['operators', 'admin', true], ['operators', 'scope', true], ['nobody', 'admin', false],
])('where %s are told how long parts took, %s is: %s', async (serverTiming, as, told) => {
  await using stage = await serving(undefined, { serverTiming: serverTiming! });
  const whole = await stage.ask('?user_id=1', as);
  expect(whole.headers.get('server-timing')).toMatch(told ? /^user;dur=.*traceparent;desc=/ : /^traceparent;desc=/);
  expect(whole.headers.get('vary')).toBe('authorization, accept');
  const stream = await stage.ask('?user_id=1', as, { accept: 'application/x-ndjson' });
  expect((await stream.text()).includes('took_ms')).toBe(told);
  expect(stream.headers.get('vary')).toBe('authorization, accept');
});

test.each<[string, Access, Name | undefined, number]>([
  ['nobody has to say who they are', 'authenticated', undefined, 200],
  ['answers about users are for everybody', { own: 'user_id' }, undefined, 200],
  ['who has a role', { role: 'admin' }, 'admin', 200],
  ['who says nothing has no role', { role: 'admin' }, undefined, 401],
  ['who has not got the role', { role: 'admin' }, 'one', 403],
  ['who reads any, and has not got the role', { role: 'admin' }, 'scope', 403],
])('where answers are open, %s', async (_, access, as, status) => {
  await using stage = await serving(access as Access<'user_id'>, { open: true });
  expect((await stage.ask('?user_id=1', as)).status).toBe(status);
});

test('who has not got the role is told of no scope, since none would let them', async () => {
  await using stage = await serving({ role: 'admin' });
  expect((await stage.ask('?user_id=1', 'scope')).headers.get('www-authenticate')).toBe('Bearer realm="tributary", error="insufficient_scope"');
});
