import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Access } from '../../src/core/access.ts';
import { aggregate, lookup } from '../../src/core/aggregate.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { operation, type Outcome, type Question } from '../../src/core/operation.ts';
import type { EdgeOptions } from '../../src/http/edge.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { asSomebody, caller, decided, operator } from '../support/callers.ts';
import { scripted } from '../support/scripted.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();

const Id = z.object({ id: z.string().regex(/^\d+$/, 'expected digits') });
const Thing = z.strictObject({ name: z.string({ error: 'expected text' }) });
const Version = z.object({ 'if-match': z.string().optional() });

type Asked = Question<{ id: string }, { name: string }, { 'if-match'?: string | undefined }>;

function serving({ access = 'public', ...options }: Partial<EdgeOptions> & { access?: Access<'id'> } = {}) {
  const { source, asked } = scripted<Asked, Outcome>();
  const { edge, lines } = edgeInMemory(options);
  const rename = operation({ name: 'rename-thing', input: Id, body: Thing, headers: Version, access, deadline: '2s', answers: { 200: Thing, 201: null, 202: null, 204: null }, perform: source });
  const routes = createRoutes(edge, { '/things/:id': { PATCH: rename } });
  const send = (path: string, body: string | undefined, headers: Record<string, string> = {}) =>
    Promise.resolve(routes.request(path, { method: 'PATCH', ...(body === undefined ? {} : { body }), headers: { 'content-type': 'application/json', ...headers } }));
  return { asked, lines, routes, send };
}

/** What has been asked, once everything before it has been looked at. */
async function askedSoFar(asked: ReturnType<typeof serving>['asked']) {
  await settled();
  return asked;
}

test('path, headers and body are the question, and the outcome is the reply', async () => {
  const { asked, send } = serving();
  const reply = send('/things/7?id=8', '{"name":"lamp"}', { 'if-match': '"a"' });
  const [one] = await askedSoFar(asked);
  expect(one!.input).toEqual({ input: { id: '7' }, body: { name: 'lamp' }, headers: { 'if-match': '"a"' }, caller: undefined });
  one!.resolve({ status: 201, body: new JsonText('{"name": "lamp" }'), headers: { location: '/things/7' } });
  const { status, headers } = await reply;
  expect([status, headers.get('location'), headers.get('cache-control'), headers.get('content-type')]).toEqual([201, '/things/7', 'no-store', 'application/json']);
  expect(await (await reply).text()).toBe('{"name": "lamp" }');
  expect(vi.getTimerCount()).toBe(0);
});

test('an outcome without a body has none, and says nothing of one', async () => {
  const { asked, send } = serving();
  const reply = send('/things/7', '{"name":"lamp"}');
  (await askedSoFar(asked))[0]!.resolve({ status: 204 });
  expect((await reply).status).toBe(204);
  expect((await reply).headers.get('content-type')).toBeNull();
  expect(await (await reply).text()).toBe('');
});

test.each([
  ['a parameter', '/things/x', '{"name":"lamp"}', 'invalid_input', 'id: expected digits, but got "x"'],
  ['a member', '/things/7', '{"name":7}', 'invalid_input', 'name: expected text, but got 7'],
  ['a member that nobody knows', '/things/7', '{"name":"lamp","colour":"red"}', 'invalid_input', 'body: Unrecognized key: "colour", but got an object'],
  ['the whole', '/things/7', '[1,2]', 'invalid_input', 'body: Invalid input: expected object, received array, but got 2 values'],
  ['no JSON', '/things/7', '{"name":', 'bad_request', 'expected a JSON body, but got something else'],
  ['nothing', '/things/7', undefined, 'bad_request', 'expected a JSON body, but got none'],
])('what is wrong is said, and nothing is done: %s', async (_, path, body, code, detail) => {
  const { asked, send } = serving();
  const reply = await send(path, body);
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ code, detail });
  expect(asked).toEqual([]);
});

test('what has not happened by the deadline is stopped, and given up if it does not listen', async () => {
  const { asked, send } = serving();
  const reply = watch(send('/things/7', '{"name":"lamp"}'));
  const [one] = await askedSoFar(asked);
  await pass(1_950);
  expect(one!.call.reason?.code).toBe('deadline_exceeded');
  await pass(50);
  await settled();
  expect(reply.now).toMatchObject({ state: 'answered', value: { status: 504 } });
});

test('a failure is its problem, and an error that nobody foresaw says nothing', async () => {
  const { asked, send, lines } = serving();
  const refused = send('/things/7', '{"name":"lamp"}');
  (await askedSoFar(asked))[0]!.reject(new Failure('not_found', 'there is no such thing'));
  expect(await (await refused).json()).toMatchObject({ status: 404, detail: 'there is no such thing' });
  const broken = send('/things/7', '{"name":"lamp"}');
  (await askedSoFar(asked))[1]!.reject(new Error('SELECT secret'));
  expect(await (await broken).text()).not.toContain('secret');
  expect(lines.some(({ err }) => JSON.stringify(err)?.includes('SELECT secret'))).toBe(true);
});

const admin = { role: 'admin' } as const;
const by = (who: ReturnType<typeof caller>) => ({ authentication: decided(() => who) });

test.each<[string, Parameters<typeof serving>[0], Record<string, string>, number]>([
  ['with the role', { access: admin, ...by(operator) }, asSomebody, 200],
  ['without it', { access: admin, ...by(caller('1')) }, asSomebody, 403],
  ['who may read any, but has no role', { access: admin, ...by(caller('job', { readsAny: true })) }, asSomebody, 403],
  ['who does not say who they are', { access: admin, ...by(operator) }, {}, 401],
  ['who does not say who they are, where reading is open', { access: admin, open: true, ...by(operator) }, {}, 401],
  ['with the role, where reading is open', { access: admin, open: true, ...by(operator) }, asSomebody, 200],
  ['where nobody can be believed', { access: admin }, asSomebody, 401],
  ['about themselves', { access: { own: 'id' }, ...by(caller('7')) }, asSomebody, 200],
  ['about somebody else', { access: { own: 'id' }, ...by(caller('8')) }, asSomebody, 403],
  ['about somebody else, who may read any', { access: { own: 'id' }, ...by(operator) }, asSomebody, 403],
  ['in particular, for callers of any kind', { access: 'authenticated', ...by(caller('8')) }, asSomebody, 200],
  ['in particular, for everybody', { access: 'public', ...by(caller('8')) }, {}, 200],
])('who may do it: somebody %s', async (_, options, headers, status) => {
  const { asked, send } = serving(options);
  const reply = send('/things/7', '{"name":"lamp"}', headers);
  const [one] = await askedSoFar(asked);
  one?.resolve({ status: 200, body: 1 });
  expect((await reply).status).toBe(status);
  expect(asked).toHaveLength(status === 200 ? 1 : 0);
});

test('who may not do it does not hear what is wrong with the body', async () => {
  const { send } = serving({ access: admin, ...by(caller('1')) });
  expect((await send('/things/7', 'no JSON', asSomebody)).status).toBe(403);
});

const found = ({ id }: { id: string }) => (id === '7' ? Promise.resolve(new JsonText<{ id: string }>('{"id": "7"}')) : Promise.reject(new Failure('not_found', 'there is no such thing')));

test('a path has the methods that are defined there, and says so', async () => {
  const { routes } = serving();
  const reply = await routes.request('/things/7');
  expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'PATCH']);
  const { edge } = edgeInMemory();
  const read = aggregate({ name: 'read', input: Id, deadline: '1s', parts: { found } });
  const write = operation({ name: 'write', input: Id, access: 'public', deadline: '1s', answers: { 204: null }, perform: () => Promise.resolve({ status: 204 as const }) });
  const both = createRoutes(edge, { '/things/:id': { GET: read, DELETE: write } });
  expect((await both.request('/things/7', { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD, DELETE');
  expect((await both.request('/things/7')).status).toBe(200);
  expect((await both.request('/things/7', { method: 'DELETE' })).status).toBe(204);
  expect((await both.request('/things/7', { method: 'HEAD' })).status).toBe(200);
  expect((await both.request('/things')).status).toBe(404);
});

test('a lookup answers with its one value, and with the headers that follow from it', async () => {
  const { edge } = edgeInMemory();
  const thing = lookup({ name: 'one-thing', input: Id, deadline: '1s', access: 'public', source: found, headersOf: ({ id }, data) => ({ link: `</things/${data.id}${id}>; rel="next"` }) });
  const routes = createRoutes(edge, { '/things/:id': thing });
  const reply = await routes.request('/things/7');
  expect(await reply.text()).toBe('{"id": "7"}');
  expect(reply.headers.get('link')).toBe('</things/77>; rel="next"');
  expect(reply.headers.get('etag')).toMatch(/^"[\w-]+"$/);
  expect(await (await routes.request('/things/8')).json()).toMatchObject({ status: 404, part: 'one_thing' });
});

test('a lookup may say for itself who may keep its answer, and for how long', async () => {
  const { edge } = edgeInMemory();
  const thing = lookup({ name: 'thing', input: Id, deadline: '1s', access: 'public', source: found, headersOf: () => ({ 'cache-control': 'public, no-cache' }) });
  const routes = createRoutes(edge, { '/things/:id': thing });
  const reply = await routes.request('/things/7');
  expect(reply.headers.get('cache-control')).toBe('public, no-cache');
  const unchanged = await routes.request('/things/7', { headers: { 'if-none-match': reply.headers.get('etag') ?? '' } });
  expect([unchanged.status, unchanged.headers.get('cache-control')]).toEqual([304, 'public, no-cache']);
});

test('headers that cannot be made of an answer fail it, and nothing else', async () => {
  const { edge } = edgeInMemory();
  const broken = lookup({ name: 'thing', input: Id, deadline: '1s', source: () => Promise.resolve(1), headersOf: () => { throw new Error('no'); } });
  expect((await createRoutes(edge, { '/things/:id': broken }).request('/things/7')).status).toBe(500);
});

test('a lookup nests as its value', async () => {
  const { edge } = edgeInMemory();
  const thing = lookup({ name: 'thing', input: Id, deadline: '1s', source: () => Promise.resolve(new JsonText<number>('7')) });
  const page = aggregate({ name: 'page', input: Id, deadline: '1s', parts: { thing } });
  expect(await (await createRoutes(edge, { '/pages/:id': page }).request('/pages/1')).text()).toBe('{"thing":7}');
});
