import { SpanStatusCode } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { SpanKind } from '../../src/core/trace.ts';
import { traced } from '../../src/policies/traced.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { recordSpans, sampledTrace, unsampledTrace } from '../core/spans.ts';
import { scripted } from '../support/scripted.ts';

fakeTime();
const ended = recordSpans();

function asked() {
  const { source, asked } = scripted<string, number>();
  return { asked, source: traced('profile')(source) };
}

test.each([['nobody', undefined], ['a request that is not sampled', unsampledTrace()]])('for %s the call goes straight through', async (_, trace) => {
  const { asked: asks, source } = asked();
  using call = startCall(1_000, trace);
  const answer = source('a', call);
  expect(asks[0]!.call).toBe(call);
  expect(asks[0]!.answer).toBe(answer);
  asks[0]!.resolve(1);
  await answer;
  expect(ended).toEqual([]);
});

test('an ask of a sampled request has a span with the source and the time that was left', async () => {
  const { asked: asks, source } = asked();
  const trace = sampledTrace();
  using call = startCall(1_000, trace);
  await pass(250);
  const answer = source('a', call);
  asks[0]!.resolve(1);
  await answer;
  expect(ended).toMatchObject([{ name: 'profile', kind: SpanKind.INTERNAL, parent: { spanId: trace.spanId } }]);
  expect(ended[0]?.attributes).toEqual({ 'tributary.source': 'profile', 'tributary.left_ms': 750, 'tributary.served': 'live', 'tributary.outcome': 'answered' });
});

test('the span of a part is named after the part', async () => {
  const { asked: asks, source } = asked();
  using call = startCall(1_000, sampledTrace());
  const answer = source('a', call.fork('user_data'));
  asks[0]!.call.flight.served = 'cache';
  asks[0]!.resolve(1);
  await answer;
  expect(ended[0]).toMatchObject({ name: 'user_data', attributes: { 'tributary.source': 'profile', 'tributary.part': 'user_data', 'tributary.served': 'cache' } });
});

test('what the source asks in turn lies below its span, and is not taken for the part', async () => {
  const inner = asked();
  const outer = traced('offers')((input: string, call) => inner.source(input, call));
  using call = startCall(1_000, sampledTrace());
  const answer = outer('a', call.fork('offers'));
  inner.asked[0]!.resolve(1);
  await answer;
  const [profile, offers] = ended;
  expect([profile?.name, offers?.name]).toEqual(['profile', 'offers']);
  expect(profile?.parent?.spanId).toBe(offers?.spanId);
  expect(profile?.attributes).not.toHaveProperty(['tributary.part']);
});

test('the call of a source is over when its span has ended', async () => {
  const { asked: asks, source } = asked();
  using call = startCall(1_000, sampledTrace());
  const answer = source('a', call);
  asks[0]!.resolve(1);
  await answer;
  expect([asks[0]!.call.over, call.over]).toEqual([true, false]);
});

test('a source that fails fails its span, and passes on what it threw', async () => {
  const { asked: asks, source } = asked();
  using call = startCall(1_000, sampledTrace());
  const answer = watch(source('a', call));
  const lost = new Error('lost');
  asks[0]!.reject(lost);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: lost });
  expect(ended[0]).toMatchObject({ attributes: { 'error.type': 'source_failed' }, status: { code: SpanStatusCode.ERROR, message: 'the source failed' } });
});

test('where the call was stopped the span says so, whatever the driver made of it', async () => {
  const { asked: asks, source } = asked();
  using call = startCall(1_000, sampledTrace());
  void watch(source('a', call));
  await pass(1_000);
  asks[0]!.reject(new Error('canceling statement due to user request'));
  await settled();
  expect(ended[0]?.attributes['error.type']).toBe('deadline_exceeded');
});

test('… also where it was stopped before the source was asked', async () => {
  const { asked: asks, source } = asked();
  using call = startCall(1_000, sampledTrace());
  call.stop(new Failure('client_gone', 'the client went away'));
  void watch(source('a', call));
  asks[0]!.reject(new Error('canceling statement due to user request'));
  await settled();
  expect(ended[0]?.status.code).toBe(SpanStatusCode.UNSET);
});

test('a client that leaves is no error of the source', async () => {
  const { asked: asks, source } = asked();
  using call = startCall(1_000, sampledTrace());
  void watch(source('a', call));
  call.stop(new Failure('client_gone', 'the client went away'));
  asks[0]!.stop();
  await settled();
  expect(ended[0]?.status.code).toBe(SpanStatusCode.UNSET);
});

test('the span of a source that is deaf to its end ends when its caller gives it up', async () => {
  const { source } = asked();
  using call = startCall(1_000, sampledTrace());
  void watch(source('a', call));
  await pass(1_000);
  await settled();
  expect(ended).toMatchObject([{ name: 'profile', attributes: { 'error.type': 'deadline_exceeded' } }]);
});

test('an aggregate has a span as a part, for its parts to lie under, and none as an endpoint', async () => {
  const { asked: asks, source } = asked();
  const inner = aggregate({ name: 'inner', input: z.string(), deadline: '1s', parts: { user: source } });
  const outer = aggregate({ name: 'outer', input: z.string(), deadline: '1s', parts: { nested: inner } });
  const trace = sampledTrace();
  using call = startCall(1_000, trace);
  const answer = outer('a', call);
  asks[0]!.resolve(1);
  await answer;
  expect(ended.map(({ name, attributes }) => [name, attributes['tributary.source']])).toEqual([['user', 'profile'], ['nested', 'inner']]);
  expect(ended[0]?.parent?.spanId).toBe(ended[1]?.spanId);
  expect(ended[1]?.parent?.spanId).toBe(trace.spanId);
});
