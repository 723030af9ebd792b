import { SpanStatusCode } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import { endSpan, isRecording, linkBoth, spanned, SpanKind, startSpan, traceparent } from '../../src/core/trace.ts';
import { recordSpans, sampledTrace, unsampledTrace } from './spans.ts';

const ended = recordSpans();

test('a span without a parent is a root', () => {
  const { span, traceId, spanId } = startSpan('root', { kind: SpanKind.SERVER, parent: undefined, attributes: { route: '/' } });
  span.end();
  expect(ended).toMatchObject([{ name: 'root', kind: SpanKind.SERVER, parent: undefined, attributes: { route: '/' }, traceId, spanId }]);
});

test('a span below another one is in its trace', () => {
  const parent = sampledTrace();
  const { span, traceId } = startSpan('child', { kind: SpanKind.INTERNAL, parent });
  span.end();
  expect(traceId).toBe(parent.traceId);
  expect(ended[0]?.parent?.spanId).toBe(parent.spanId);
});

test('a span below a caller who sent nothing but ids is in its trace, and knows that the caller is remote', () => {
  startSpan('child', { kind: SpanKind.SERVER, parent: unsampledTrace() }).span.end();
  expect(ended[0]?.parent).toMatchObject({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isRemote: true });
});

test('a span is linked with those that are sampled, and with 32 at most', () => {
  const others = [unsampledTrace(), ...Array.from({ length: 40 }, () => sampledTrace())];
  startSpan('batch', { kind: SpanKind.INTERNAL, parent: undefined, links: others }).span.end();
  expect(ended[0]?.links).toEqual(others.slice(1, 32).map(({ spanId }) => spanId));
});

test('two spans are linked with each other', () => {
  const [one, other] = [sampledTrace('one'), sampledTrace('other')];
  linkBoth(one, other);
  one.span.end();
  other.span.end();
  expect(ended.map(({ links }) => links)).toEqual([[other.spanId], [one.spanId]]);
});

test.each([
  ['nothing', undefined],
  ['a request that is not sampled', unsampledTrace()],
])('a span is not linked with %s', (_, other) => {
  const one = sampledTrace();
  linkBoth(one, other);
  linkBoth(other, one);
  one.span.end();
  expect(ended[0]?.links).toEqual([]);
});

test('a span that has ended takes no link any more, and can still be linked to', () => {
  const [gone, here] = [sampledTrace('gone'), sampledTrace('here')];
  gone.span.end();
  linkBoth(gone, here);
  linkBoth(here, gone);
  here.span.end();
  expect(ended.map(({ links }) => links)).toEqual([[], [gone.spanId, gone.spanId]]);
});

test('a span that failed says how, in the words of the client', () => {
  const { span } = sampledTrace();
  endSpan(span, new Failure('bad_answer', 'the recommender answered nonsense', { cause: new Error('secret') }));
  expect(ended[0]).toMatchObject({ attributes: { 'error.type': 'bad_answer' }, status: { code: SpanStatusCode.ERROR, message: 'the recommender answered nonsense' } });
});

test('the type of an error may be more exact than its code', () => {
  const { span } = sampledTrace();
  endSpan(span, new Failure('source_failed', 'failed'), '503');
  expect(ended[0]?.attributes['error.type']).toBe('503');
});

test.each<FailureCode | undefined>([undefined, 'client_gone', 'call_over'])('a span that ends with %s is no error', (code) => {
  const { span } = sampledTrace();
  endSpan(span, code && new Failure(code, 'gone'));
  expect(ended[0]).toMatchObject({ status: { code: SpanStatusCode.UNSET } });
  expect(ended[0]?.attributes).not.toHaveProperty(['error.type']);
});

test('work of a sampled request has a span, and stands below it', async () => {
  const parent = sampledTrace();
  const answer = await spanned('SELECT users', SpanKind.CLIENT, parent, { db: 'users' }, async (own) => own?.spanId);
  expect(ended).toMatchObject([{ name: 'SELECT users', kind: SpanKind.CLIENT, attributes: { db: 'users' }, parent: { spanId: parent.spanId }, spanId: answer }]);
});

test('work that fails fails its span, and is passed on', async () => {
  const lost = new Error('lost');
  await expect(spanned('SELECT users', SpanKind.CLIENT, sampledTrace(), {}, () => Promise.reject(lost))).rejects.toBe(lost);
  expect(ended[0]).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: 'the source failed' } });
});

test.each([['a request that is not sampled', unsampledTrace()], ['nobody', undefined]])('work of %s has no span', async (_, parent) => {
  expect(await spanned('SELECT users', SpanKind.CLIENT, parent, {}, async (own) => own)).toBe(parent);
  expect(ended).toEqual([]);
});

test('the header for the next service says whether the request is sampled', () => {
  const { traceId, spanId, span } = sampledTrace();
  expect(traceparent({ traceId, spanId, span })).toBe(`00-${traceId}-${spanId}-01`);
  expect(traceparent(unsampledTrace())).toBe(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`);
});

test('with an SDK spans are recorded', () => {
  expect(isRecording()).toBe(true);
});
