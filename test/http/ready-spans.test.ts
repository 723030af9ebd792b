import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Memory } from '../../src/cache/memory.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { definedBy, type Source, speaks } from '../../src/core/source.ts';
import type { EdgeOptions } from '../../src/http/edge.ts';
import { Ready } from '../../src/http/ready.ts';
import { traced } from '../../src/policies/traced.ts';
import { type Ended, recordSpans, sampledTrace } from '../core/spans.ts';
import { edgeInMemory } from './in-memory.ts';

const ended = recordSpans();

/** A source that a cache answers for. */
function kept(name: string): Source<object, JsonText<number>> {
  const now = performance.now();
  return definedBy(speaks(traced(name)((_, call) => {
    call.flight.served = 'cache';
    call.flight.kept = { storedAt: now, freshUntil: now + 60_000, dropped: false, held: true, tags: [], because: 'miss' };
    return Promise.resolve(new JsonText<number>('1'));
  })), { name });
}

const inner = aggregate({ name: 'shop-page', input: z.object({}), deadline: '1s', parts: { stock: kept('warehouse'), offers: kept('marketing') } });
const asked = aggregate({ name: 'overview', input: z.object({}), deadline: '2s', parts: { user: kept('profile'), shop: inner } });

/** What the lane keeps of this aggregate's answer, asked by somebody whose request is recorded. */
async function askReady(options: Partial<EdgeOptions>): Promise<void> {
  const ready = new Ready(edgeInMemory({ sampling: { ratio: 1, trustParent: false }, ...options }).edge, new Memory(100_000));
  using call = startCall(1_950);
  ready.keep({ target: '/', route: '/overview', answer: await asked({}, call), body: '1', etag: '"1"', readers: 'anybody', partsMs: 1_950 });
  const response = { writeHead(statusCode: number) { return Object.assign(this, { statusCode }); }, end() {} };
  expect(ready.answer({ method: 'GET', url: '/', headers: {} } as IncomingMessage, response as unknown as ServerResponse)).toBe(true);
}

/** Those of requests: when an edge is made, it tries whether anything records. */
const recorded = (): readonly Ended[] => ended.filter(({ name }) => name !== 'tributary.start');

/** Each span, with the source that it asks and the name of the span that it lies below. */
const lines = (spans: readonly Ended[]) => spans.map(({ name, parent, attributes }) =>
  `${name} (${String(attributes['tributary.source'])}) in ${spans.find(({ spanId }) => spanId === parent?.spanId)?.name}`).toSorted((a, b) => a.localeCompare(b));

test('the parts of what is nested lie below it, as they do where they are asked', async () => {
  await askReady({});
  const ready = recorded();
  expect(lines(ready)).toEqual([
    'GET /overview (undefined) in undefined', 'offers (marketing) in shop', 'shop (shop-page) in GET /overview',
    'stock (warehouse) in shop', 'user (profile) in GET /overview',
  ]);
  expect(ready.find(({ name }) => name === 'stock')?.attributes).toMatchObject({
    'tributary.part': 'stock', 'tributary.outcome': 'answered', 'tributary.served': 'cache', 'tributary.left_ms': 1_950, 'tributary.age_ms': expect.any(Number),
  });
  const trace = sampledTrace('GET /overview');
  using call = startCall(1_950, trace);
  await asked({}, call);
  trace.span.end();
  expect(lines(recorded().slice(ready.length))).toEqual(lines(ready));
});

test('one that is not let in, for it asks too often, has the span of the request alone', async () => {
  const tooMany = new Failure('rate_limited', 'too many requests', { retryAfterMs: 1_000 });
  const limits = { take: () => tooMany, takeFor: () => undefined } as unknown as NonNullable<EdgeOptions['limits']>;
  await askReady({ limits });
  expect(recorded().map(({ name, attributes, status }) => [name, attributes['http.response.status_code'], attributes['tributary.complete'], status.code])).toEqual([['GET /overview', 429, false, 0]]);
});
