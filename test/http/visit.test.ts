import { EventEmitter } from 'node:events';
import { SpanStatusCode } from '@opentelemetry/api';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Caller } from '../../src/core/access.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import type { EdgeOptions } from '../../src/http/edge.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { recordSpans } from '../core/spans.ts';
import { asSomebody, decided, operator } from '../support/callers.ts';
import { scripted } from '../support/scripted.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();
const ended = recordSpans();

/** As much of Node's reply as is looked at: it closes when it has been sent, or when its client has gone. */
class Outgoing extends EventEmitter {
  shouldKeepAlive = true;
  headersSent = false;
  writableFinished = false;

  close(complete: boolean): void {
    this.writableFinished = complete;
    this.emit('close');
  }
}

function visiting(options: Partial<EdgeOptions> = {}) {
  const [user, tips] = [scripted<unknown, string>(), scripted<unknown, string>()];
  const { edge, lines } = edgeInMemory(options);
  const asked = aggregate({ name: 'user', input: z.unknown(), deadline: '2s', parts: { user: user.source, tips: optional(tips.source) } });
  const routes = createRoutes(edge, { '/api/user': asked });
  const outgoing = new Outgoing();
  const visit = (path = '/api/user?id=secret', headers: Record<string, string> = {}) => {
    const reply = watch(Promise.resolve(routes.request(path, {}, { outgoing, incoming: { url: path, headers } })));
    return reply;
  };
  return { user: user.asked, tips: tips.asked, edge, lines, outgoing, visit };
}

test('a visit is one line, once the reply has left, and says the route and not the path', async () => {
  const { user, tips, edge, lines, outgoing, visit } = visiting();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const reply = visit('/api/user?id=secret', { traceparent: `00-${traceId}-b7ad6b7169203331-00` });
  user[0]!.resolve('Ada');
  tips[0]!.resolve('tea');
  await settled();
  expect(reply.now.state).toBe('answered');
  expect([edge.underWay, lines.length]).toEqual([1, 0]);
  await pass(12);
  outgoing.close(true);
  expect(edge.underWay).toBe(0);
  expect(lines).toEqual([{
    level: 'info', msg: 'request', method: 'GET', route: '/api/user', status: 200, duration_ms: 12, trace_id: traceId, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
  }]);
});

test('the line says what failed, and what was missing', async () => {
  const failed = visiting();
  failed.visit();
  failed.user[0]!.reject(new Failure('not_found', 'no such user'));
  await settled();
  failed.outgoing.close(true);
  expect(failed.lines.at(-1)).toMatchObject({ status: 404, code: 'not_found' });

  const partial = visiting();
  partial.visit();
  partial.user[0]!.resolve('Ada');
  partial.tips[0]!.reject(new Failure('overloaded', 'too busy'));
  await settled();
  partial.outgoing.close(true);
  expect(partial.lines.at(-1)).toMatchObject({ status: 200, missing: { tips: 'overloaded' } });
  expect(partial.lines.at(-1)).not.toHaveProperty('code');
});

test('what is not a route is logged as no route, since a path may hold anything', async () => {
  const { lines, outgoing, visit } = visiting();
  visit('/api/../etc/passwd');
  await settled();
  outgoing.close(true);
  expect(lines).toMatchObject([{ route: '*', status: 404, code: 'not_found' }]);
});

test('a stream that fails after something was sent is logged with its code, under the status that was sent', async () => {
  const { user, tips, lines, outgoing, visit } = visiting();
  const reply = visit('/api/user', { accept: 'application/x-ndjson' });
  tips[0]!.resolve('tea');
  await settled();
  user[0]!.reject(new Failure('overloaded', 'too busy'));
  await (reply.now as { value: Response }).value.text();
  outgoing.close(true);
  expect(lines.at(-1)).toMatchObject({ msg: 'request', status: 200, code: 'overloaded' });
});

test('where lines of this level are not wanted, none is written', async () => {
  const { edge, lines, outgoing, visit } = visiting();
  edge.log.level = 'warn';
  const written = vi.spyOn(edge.log, 'info');
  visit('/nowhere');
  await settled();
  outgoing.close(true);
  expect(lines).toEqual([]);
  expect(written).not.toHaveBeenCalled();
});

test('a client that leaves stops all work at once, and counts as 499', async () => {
  const { user, tips, lines, outgoing, visit } = visiting();
  visit();
  await pass(30);
  outgoing.close(false);
  expect([user[0]!.call.reason?.code, tips[0]!.call.reason?.code]).toEqual(['client_gone', 'client_gone']);
  await settled();
  expect(vi.getTimerCount()).toBe(0);
  expect(lines).toMatchObject([{ level: 'info', status: 499, code: 'client_gone', duration_ms: 30 }]);
});

test('a client that leaves a stream stops what is left of it', async () => {
  const { user, tips, outgoing, visit } = visiting();
  const reply = visit('/api/user', { accept: 'text/event-stream' });
  tips[0]!.resolve('tea');
  await settled();
  expect(reply.now.state).toBe('answered');
  outgoing.close(false);
  expect(user[0]!.call.reason?.code).toBe('client_gone');
  await settled();
});

test('a client that leaves while it is found out who it is asks nobody', async () => {
  const { promise: found, resolve } = Promise.withResolvers<Caller>();
  const { user, outgoing, visit } = visiting({ authentication: decided(() => found) });
  visit('/api/user', asSomebody);
  outgoing.close(false);
  resolve(operator);
  await settled();
  const running = user.filter(({ stopped }) => !stopped).length;
  await pass(2_000);
  expect(running).toBe(0);
});

const sampled = { sampling: { ratio: 1, trustParent: false } };

test('the span of a visit says what the line says', async () => {
  const { user, tips, outgoing, visit } = visiting(sampled);
  visit();
  user[0]!.resolve('Ada');
  tips[0]!.reject(new Failure('overloaded', 'too busy'));
  await settled();
  outgoing.close(true);
  expect(ended.at(-1)).toMatchObject({ name: 'GET /api/user', status: { code: SpanStatusCode.UNSET } });
  expect(ended.at(-1)?.attributes).toEqual({
    'http.request.method': 'GET', 'http.route': '/api/user', 'url.path': '/api/user', 'url.scheme': 'http', 'http.response.status_code': 200, 'tributary.complete': false, 'tributary.missing': ['tips'],
  });
});

test.each([
  ['a fault of the server', new Failure('source_failed', 'failed'), 502, SpanStatusCode.ERROR],
  ['no fault of the server', new Failure('not_found', 'no such user'), 404, SpanStatusCode.UNSET],
])('the span of a visit fails for %s as it should', async (_, failure, status, code) => {
  const { user, outgoing, visit } = visiting(sampled);
  visit();
  user[0]!.reject(failure);
  await settled();
  outgoing.close(true);
  expect(ended.at(-1)).toMatchObject({ attributes: { 'http.response.status_code': status, 'tributary.complete': false }, status: { code } });
});

test('that a client left is no error of its span', async () => {
  const { outgoing, visit } = visiting(sampled);
  visit();
  outgoing.close(false);
  await settled();
  expect(ended.find(({ name }) => name === 'GET /api/user')).toMatchObject({ attributes: { 'http.response.status_code': 499 }, status: { code: SpanStatusCode.UNSET } });
});
