import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import type { Duration } from '../../src/core/duration.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import type { EdgeOptions } from '../../src/http/edge.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { asSomebody, decided, operator } from '../support/callers.ts';
import { scripted } from '../support/scripted.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();

const authentication = decided((authorization) => {
  if (authorization !== 'Bearer good') throw new Failure('unauthenticated', 'expected a valid token');
  return operator;
});

const Input = z.object({ user_id: z.string({ error: 'expected an id' }) });

function serving({ deadline = '2s', ...options }: Partial<EdgeOptions> & { deadline?: Duration } = {}) {
  const { source, asked } = scripted<{ user_id: string }, unknown>();
  const { edge, lines } = edgeInMemory(options);
  const user = aggregate({ name: 'user', input: Input, deadline, parts: { profile: source, more: optional(() => Promise.resolve(1)) } });
  return { asked, lines, routes: createRoutes(edge, { '/api/user': user }) };
}

test('the query is the input, and the answer the reply', async () => {
  const { asked, routes } = serving();
  const reply = routes.request('/api/user?user_id=42');
  expect(asked[0]!.input).toEqual({ user_id: '42' });
  asked[0]!.resolve('Ada');
  expect((await reply).status).toBe(200);
  expect(await (await reply).json()).toEqual({ profile: 'Ada', more: 1 });
  expect(vi.getTimerCount()).toBe(0);
});

test('an input that is not valid is a 400 that says what is wrong, and asks nobody', async () => {
  const { asked, routes } = serving();
  const reply = await routes.request('/api/user');
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ code: 'invalid_input', detail: 'user_id: expected an id, but got nothing', issues: [{ parameter: 'user_id', detail: 'expected an id, but got nothing' }] });
  expect(asked).toEqual([]);
});

test.each<[Duration, number]>([['2s', 1_950], ['10s', 9_950], ['500ms', 450], ['100ms', 90]])(
  'of a deadline of %s the parts have %d ms: the rest is for the reply',
  async (deadline, ms) => {
    const { asked, routes } = serving({ deadline });
    const reply = watch(Promise.resolve(routes.request('/api/user?user_id=42')));
    expect(asked[0]!.call.leftMs()).toBe(ms);
    await pass(ms);
    await settled();
    expect(reply.now).toMatchObject({ state: 'answered', value: { status: 504 }, atMs: ms });
  },
);

test('where a missed deadline is to be a 408, it is', async () => {
  const { routes } = serving({ timeoutStatus: 408 });
  const reply = routes.request('/api/user?user_id=42');
  await pass(2_000);
  expect((await reply).status).toBe(408);
});

test('HEAD is answered as GET is, without a body', async () => {
  const { asked, routes } = serving();
  const reply = routes.request('/api/user?user_id=42', { method: 'HEAD' });
  asked[0]!.resolve('Ada');
  expect((await reply).status).toBe(200);
  expect(await (await reply).text()).toBe('');
});

test('HEAD leaves nothing running, whatever is accepted', async () => {
  const { asked, routes } = serving();
  const reply = routes.request('/api/user?user_id=42', { method: 'HEAD', headers: { accept: 'text/event-stream' } });
  await settled();
  expect((await reply).status).toBe(200);
  const running = asked.filter(({ stopped }) => !stopped).length;
  await pass(2_000);
  expect(running).toBe(0);
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is not allowed, and the reply says what is', async (method) => {
  const { asked, routes } = serving();
  const reply = await routes.request('/api/user?user_id=42', { method });
  expect(reply.status).toBe(405);
  expect(reply.headers.get('allow')).toBe('GET, HEAD');
  expect(await reply.json()).toMatchObject({ code: 'method_not_allowed', detail: `expected GET or HEAD, but got ${method}` });
  expect(asked).toEqual([]);
});

test.each(['/', '/api', '/api/user/', '/api/users', '/constructor', '/__proto__', '/toString'])('%s is no route', async (path) => {
  const { routes } = serving();
  const reply = await routes.request(path);
  expect(reply.status).toBe(404);
  expect(await reply.json()).toMatchObject({ code: 'not_found', detail: 'there is no such route' });
});

test('who is not who they say asks nobody, and is told why', async () => {
  const { asked, routes } = serving({ authentication });
  const refused = await routes.request('/api/user', { headers: { authorization: 'Bearer bad' } });
  expect([refused.status, asked.length]).toEqual([401, 0]);
  const admitted = routes.request('/api/user?user_id=42', { headers: asSomebody });
  await settled();
  asked[0]!.resolve('Ada');
  expect((await admitted).status).toBe(200);
});

test('to find out who asks takes no more time than the parts would have', async () => {
  const { asked, routes } = serving({ authentication: decided(() => new Promise(() => {})) });
  const reply = watch(Promise.resolve(routes.request('/api/user?user_id=42', { headers: asSomebody })));
  await pass(1_950);
  await settled();
  expect(reply.now).toMatchObject({ state: 'answered', value: { status: 504 }, atMs: 1_950 });
  expect(asked).toEqual([]);
});

test('a value that has no JSON is a 500 that says nothing, and leaves nothing running', async () => {
  const { asked, lines, routes } = serving();
  const reply = routes.request('/api/user?user_id=42');
  asked[0]!.resolve(1n);
  expect((await reply).status).toBe(500);
  expect(lines).toMatchObject([{ level: 'error', code: 'internal_error', err: { message: expect.stringContaining('BigInt') as string } }]);
  expect(vi.getTimerCount()).toBe(0);
});
