// What a request leaves in the figures. Ready answers, refusals and what is shed are counted on real processes (test/system/metrics.test.ts).
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import { noCredentials, notAllowed } from '../../src/http/auth/refused.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { source } from '../../src/policies/source.ts';
import { growth } from '../core/counting.ts';
import { fakeTime, settled, watch } from '../core/fake-time.ts';
import { scripted } from '../support/scripted.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();

const name = 'counted';
const path = '/api/counted';

function stage() {
  const { edge } = edgeInMemory();
  const [user, tips] = [scripted<unknown, string>(), scripted<unknown, string>()];
  const parts = { user: user.source, tips: optional(source({ name: 'tips', load: tips.source })) };
  const routes = createRoutes(edge, { [path]: aggregate({ name, input: z.unknown(), deadline: '2s', parts }) });
  const ask = (headers: Record<string, string> = {}, target = path, method = 'GET') => {
    const outgoing = Object.assign(new EventEmitter(), { shouldKeepAlive: true, headersSent: false, writableFinished: true });
    const reply = watch(Promise.resolve(routes.request(target, { method, headers }, { outgoing, incoming: { method, url: target, headers } })));
    return { reply, leave: () => { outgoing.emit('close'); } };
  };
  return { edge, user: user.asked, tips: tips.asked, ask };
}

const requests = (status: string, errorType: string, route = path) => growth('http.server.request.duration', 'GET', route, status, errorType);
const part = (of: string, state: string, code: string) => growth('tributary.part.duration', name, of, state, code);
const answers = (complete: boolean) => growth('tributary.answers', name, String(complete));

test('an answer counts once its reply has left, and each of its parts by how it came', async () => {
  const [whole, incomplete, user, missing, sent] = [answers(true), answers(false), part('user', 'live', ''), part('tips', 'missing', 'bad_answer'), requests('200', '')];
  const { user: users, tips, ask } = stage();
  const one = ask();
  users[0]!.resolve('Ada');
  tips[0]!.resolve('tea');
  await settled();
  expect(sent()).toBe(0);
  one.leave();
  const other = ask();
  users[1]!.resolve('Ada');
  tips[1]!.reject(new Failure('bad_answer', 'nonsense'));
  await settled();
  other.leave();
  expect([whole(), incomplete(), user(), missing(), sent()]).toEqual([1, 1, 2, 1, 2]);
});

test.each<[FailureCode, string, string]>([['source_failed', '502', 'source_failed'], ['not_found', '404', ''], ['deadline_exceeded', '504', 'deadline_exceeded']])(
  'a request that fails of %s has status %s and the error "%s": a mistake of the client is none', async (code, status, errorType) => {
    const [failed, whole, incomplete] = [requests(status, errorType), answers(true), answers(false)];
    const { user, ask } = stage();
    const { leave } = ask();
    user[0]!.reject(new Failure(code, 'x'));
    await settled();
    leave();
    expect([failed(), whole(), incomplete()]).toEqual([1, 0, 0]);
  },
);

test('a stream that fails behind its status is an error', async () => {
  const failed = requests('200', 'source_failed');
  const { user, tips, ask } = stage();
  const { reply, leave } = ask({ accept: 'application/x-ndjson' });
  tips[0]!.resolve('tea');
  await settled();
  user[0]!.reject(new Failure('source_failed', 'x'));
  await settled();
  if (reply.now.state === 'answered') expect(await reply.now.value.text()).toContain('problem');
  leave();
  expect(failed()).toBe(1);
});

test('what is left out in a brownout is counted, and nothing else that is missing', async () => {
  const [tips, user] = [growth('tributary.left_out', name, 'tips'), growth('tributary.left_out', name, 'user')];
  const { edge, user: users, ask } = stage();
  edge.load = { inFlight: 0, brownout: true, landed: () => undefined, released: () => undefined };
  ask();
  users[0]!.resolve('Ada');
  await settled();
  expect([tips(), user()]).toEqual([1, 0]);
});

test.each([noCredentials, notAllowed])('$code: who is not let in is counted by why', async (refused) => {
  const counted = growth('tributary.unauthenticated', refused.code);
  const { user, ask } = stage();
  ask();
  user[0]!.reject(refused);
  await settled();
  expect(counted()).toBe(1);
});

test('paths that no route takes are one series', async () => {
  const nowhere = requests('404', '', '*');
  const { ask } = stage();
  for (const target of ['/a', '/b', '/users/42']) {
    const { leave } = ask({}, target);
    await settled();
    leave();
  }
  expect(nowhere()).toBe(3);
});

test('methods that nobody knows are counted as one: there are as many as anybody makes up', async () => {
  const others = growth('http.server.request.duration', '_OTHER', '*', '405', '');
  const { ask } = stage();
  for (const method of ['PROPFIND', 'QUERY']) {
    const { reply, leave } = ask({}, path, method);
    await settled();
    expect(reply.now.state).toBe('answered');
    leave();
  }
  expect(others()).toBe(2);
});
