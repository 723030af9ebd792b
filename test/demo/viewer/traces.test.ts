import { expect, test } from 'vitest';
import { Traces } from '../../../demo/dev/viewer/traces.ts';
import { accessLine, served, span, spanId, traceId } from './told.ts';

const idsOf = (traces: Traces) => traces.requests().map(({ traceId }) => Number(traceId));

test('requests are listed newest first, told by their access lines or by their spans', () => {
  const traces = new Traces();
  traces.addLog(accessLine(1));
  traces.addSpan(served(3));
  traces.addSpan(served(2));
  expect(idsOf(traces)).toEqual([3, 2, 1]);
  expect(traces.requests()[2]).toEqual({ traceId: traceId(1), atMs: 1, method: 'GET', route: '/api/aggregated', status: 200, durationMs: 4, missing: {}, code: undefined, slow: false });
});

test('the access line knows why parts are missing and the span what is drawn, in whichever order they come', () => {
  const line = accessLine(1, { missing: { analytics: 'deadline_exceeded' }, code: 'x' });
  const own = served(1, { startMs: 1.5, durationMs: 4.2, attributes: { 'tributary.missing': ['analytics'] } });
  const whole = { missing: { analytics: 'deadline_exceeded' }, code: 'x', status: 200 };
  const first = new Traces();
  first.addLog(line);
  first.addSpan(own);
  expect(first.requests()).toMatchObject([{ ...whole, atMs: 1.5, durationMs: 4.2 }]);
  const last = new Traces();
  last.addSpan(own);
  expect(last.requests()).toMatchObject([{ missing: { analytics: 'missing' } }]);
  last.addLog(line);
  expect(last.requests()).toEqual(first.requests());
});

test('a request that uses a trace id again is a new one', () => {
  const traces = new Traces();
  traces.addLog(accessLine(1, { status: 503 }));
  traces.addSpan({ ...served(1), spanId: spanId(2) });
  expect(traces.requests()).toMatchObject([{ status: 200 }]);
});

test('of requests that have a trace id in common, each span finds its own access line', () => {
  const traces = new Traces();
  const missing = { analytics: 'deadline_exceeded' };
  traces.addLog(accessLine(1, { missing }));
  traces.addLog({ ...accessLine(1), spanId: spanId(2) });
  traces.addSpan(served(1));
  expect(traces.requests()).toMatchObject([{ missing }]);
});

test('as many traces are kept as were asked for, and the oldest make room', () => {
  const traces = new Traces({ max: 3 });
  for (const at of [1, 2, 3, 4, 5]) traces.addSpan(served(at));
  expect(idsOf(traces)).toEqual([5, 4, 3]);
  expect(traces.get(traceId(1))).toBeUndefined();
});

test('spans that belong to no request count as well', () => {
  const traces = new Traces({ max: 3 });
  for (const at of [1, 2, 3, 4, 5]) traces.addSpan(span(at, { traceId: traceId(at) }));
  expect([traces.size, traces.requests()]).toEqual([3, []]);
});

test('a trace does not grow without end, and yet its request is known', () => {
  const traces = new Traces();
  for (let at = 0; at < 1_000; at++) traces.addSpan(span(1_000 + at));
  for (let at = 0; at < 1_000; at++) traces.addLog({ ...accessLine(1), access: undefined });
  traces.addSpan(served(1));
  const trace = traces.get(traceId(1));
  expect([trace?.spans.size, trace?.logs.length, trace?.request?.status]).toEqual([201, 100, 200]);
});

test.each([
  ['failed', { status: 502 }],
  ['incomplete', { missing: { analytics: 'deadline_exceeded' } }],
  ['left', { status: 499 }],
  ['slow', { duration_ms: 400 }],
])('a request that was %s outlives ordinary ones', (_, told) => {
  const traces = new Traces({ max: 4 });
  for (let at = 1; at <= 30; at++) traces.addLog(accessLine(at));
  traces.addLog(accessLine(31, told));
  for (let at = 32; at <= 60; at++) traces.addLog(accessLine(at));
  expect(idsOf(traces)).toEqual([60, 59, 58, 31]);
});

test('those hold no more than their places', () => {
  const traces = new Traces({ max: 4, remarkableMax: 2 });
  for (let at = 1; at <= 10; at++) traces.addLog(accessLine(at, { status: 502 }));
  for (let at = 11; at <= 20; at++) traces.addLog(accessLine(at));
  expect(idsOf(traces)).toEqual([20, 19, 10, 9]);
});

test('a slow one is not pushed out by many that are over sooner', () => {
  const traces = new Traces({ max: 40, remarkableMax: 20 });
  traces.addLog(accessLine(1, { duration_ms: 900 }));
  for (let at = 2; at <= 100; at++) traces.addLog(accessLine(at, { duration_ms: 60, status: 502 }));
  expect([traces.size, idsOf(traces).slice(0, 3), idsOf(traces).at(-1)]).toEqual([20, [100, 99, 98], 1]);
});

test('slow is what takes much longer than its route usually does', () => {
  const traces = new Traces();
  for (let at = 1; at <= 30; at++) traces.addLog(accessLine(at, { duration_ms: 300 }));
  traces.addLog(accessLine(31, { duration_ms: 310 }));
  traces.addLog(accessLine(32, { duration_ms: 1_000 }));
  expect(traces.requests().map(({ slow }) => slow).slice(0, 2)).toEqual([true, false]);
});

test('whoever listens hears of a request by its line, and again when its spans are there', () => {
  const heard: string[] = [];
  const traces = new Traces({ onRequest: ({ spans }, by) => { heard.push(`${by} with ${spans.size} spans`); } });
  traces.addLog(accessLine(1));
  traces.addSpan(span(7));
  traces.addSpan(served(1));
  expect(heard).toEqual(['line with 0 spans', 'span with 2 spans']);
});
