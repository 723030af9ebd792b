import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Trace } from '../../src/core/trace.ts';
import { coalesced } from '../../src/policies/coalesced.ts';
import { memoised } from '../../src/policies/memoised.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { recordSpans, sampledTrace, unsampledTrace } from '../core/spans.ts';
import { scripted } from '../support/scripted.ts';
import { answer, batch } from './batch-script.ts';

fakeTime();
const ended = recordSpans();

const turn = () => pass(0);
const end = (...traces: readonly Trace[]) => { for (const { span } of traces) span?.end(); };
const spanOf = ({ spanId }: Trace) => ended.find((span) => span.spanId === spanId);

test('who joins a load of another request says so, and both show the way to each other', async () => {
  const { source, asked } = scripted<string, number>();
  const load = coalesced((input: string) => input)(source);
  const [one, other] = [sampledTrace('one'), sampledTrace('other')];
  using first = startCall(1_000, one);
  using second = startCall(1_000, other);
  const answers = Promise.all([load('a', first), load('a', second)]);
  expect(asked[0]!.call.trace).toBe(one);
  asked[0]!.resolve(1);
  await answers;
  end(one, other);
  expect(spanOf(one)).toMatchObject({ attributes: {}, links: [other.spanId] });
  expect(spanOf(other)).toMatchObject({ attributes: { 'tributary.shared.role': 'follower' }, links: [one.spanId] });
});

test.each(['on its way', 'there'])('who asks what the request knows already, %s, says so', async (when) => {
  const { source, asked } = scripted<string, number>();
  const known = memoised((input: string) => input)(source);
  const [one, other] = [sampledTrace('one'), sampledTrace('other')];
  using call = startCall(1_000, one);
  const [first, second] = [call.fork(), call.fork()];
  second.trace = other;
  const asks = [known('a', first)];
  if (when === 'on its way') asks.push(known('a', second));
  asked[0]!.resolve(1);
  await asks[0];
  if (when === 'there') asks.push(known('a', second));
  await Promise.all(asks);
  end(one, other);
  expect(spanOf(other)).toMatchObject({ attributes: { 'tributary.shared.role': 'follower' }, links: [one.spanId] });
});

test('what a request asks once lies below the one who asked first', () => {
  const { source, asked } = scripted<string, number>();
  using call = startCall(1_000, sampledTrace('request'));
  const first = call.fork();
  first.trace = sampledTrace('first');
  void watch(memoised<string, number>((input) => input)(source)('a', first));
  expect(asked[0]!.call.trace).toBe(first.trace);
});

test('who joins a load whose first asker has left is linked to it, and leaves its span alone', async () => {
  const { source, asked } = scripted<string, number>();
  const load = coalesced<string, number>((input) => input)(source);
  const [one, other] = [sampledTrace('one'), sampledTrace('other')];
  using gone = startCall(1_000, one);
  using stayed = startCall(1_000);
  using late = startCall(1_000, other);
  void watch(load('a', gone));
  const answers = [load('a', stayed)];
  gone.end();
  end(one);
  answers.push(load('a', late));
  asked[0]!.resolve(1);
  await Promise.all(answers);
  end(other);
  expect([spanOf(one)?.links, spanOf(other)?.links]).toEqual([[], [one.spanId]]);
});

test('who has left a batch is not told what it shared', async () => {
  const { queries, source } = batch();
  const [one, other] = [sampledTrace('one'), sampledTrace('other')];
  using gone = startCall(1_000, one);
  using stayed = startCall(1_000, other);
  void watch(source('a', gone));
  const answered = source('b', stayed);
  await turn();
  gone.end();
  end(one);
  answer(queries[0]!);
  await answered;
  end(other);
  expect(spanOf(one)?.attributes).toEqual({});
  expect(spanOf(other)?.attributes).toMatchObject({ 'tributary.shared.role': 'follower', 'tributary.shared.callers': 2 });
});

test('a span is not linked with itself, and an asker that is not sampled leaves no trace', async () => {
  const { source, asked } = scripted<string, number>();
  const load = coalesced((input: string) => input)(source);
  const trace = sampledTrace();
  using call = startCall(1_000, trace);
  using dark = startCall(1_000, unsampledTrace());
  const answers = Promise.all([load('a', call), load('a', call), load('a', dark)]);
  asked[0]!.resolve(1);
  await answers;
  end(trace);
  expect(ended.map(({ name, links }) => ({ name, links }))).toEqual([{ name: 'GET /', links: [] }]);
});

test('a batch has a span below the first asker that is sampled, linked with the others, who say what they shared', async () => {
  const { queries, source } = batch();
  const [one, other] = [sampledTrace('one'), sampledTrace('other')];
  using dark = startCall(1_000, unsampledTrace());
  using first = startCall(1_000, one);
  using second = startCall(1_000, other);
  const answers = Promise.all([source('a', dark), source('a', first), source('b', second)]);
  await turn();
  const { trace } = queries[0]!.call;
  await pass(30);
  answer(queries[0]!);
  await answers;
  end(one, other);
  const [span] = ended;
  expect(span).toMatchObject({ name: 'batch', spanId: trace?.spanId, parent: { spanId: one.spanId }, links: [other.spanId] });
  expect(span?.attributes).toEqual({ 'tributary.shared.callers': 3, 'tributary.batch.size': 2 });
  const shared = { 'tributary.shared.callers': 3, 'tributary.shared.work_ms': 30 };
  expect(spanOf(one)?.attributes).toEqual({ ...shared, 'tributary.shared.role': 'leader' });
  expect(spanOf(other)).toMatchObject({ attributes: { ...shared, 'tributary.shared.role': 'follower' }, links: [trace?.spanId] });
});

test('a batch of one asker shares nothing: its query lies below the asker, without a span in between', async () => {
  const { queries, source } = batch();
  const trace = sampledTrace();
  using call = startCall(1_000, trace);
  const answered = source('a', call);
  await turn();
  expect(queries[0]!.call.trace).toBe(trace);
  answer(queries[0]!);
  await answered;
  end(trace);
  expect(ended).toMatchObject([{ name: 'GET /', attributes: {} }]);
});

test('a batch for nobody who is sampled makes no span, and still has ids to send on', async () => {
  const { queries, source } = batch();
  const dark = unsampledTrace();
  using call = startCall(1_000, dark);
  const answers = Promise.all([source('a', call), source('b', call)]);
  await turn();
  expect(queries[0]!.call.trace).toBe(dark);
  answer(queries[0]!);
  await answers;
  expect(ended).toEqual([]);
});

test('the span of a batch that fails says how', async () => {
  const { queries, source } = batch();
  const trace = sampledTrace();
  using call = startCall(1_000, trace);
  void watch(source('a', call));
  void watch(source('b', call));
  await turn();
  queries[0]!.reject(new Failure('overloaded', 'no connection is free'));
  await settled();
  expect(ended).toMatchObject([{ name: 'batch', attributes: { 'error.type': 'overloaded' } }]);
});
