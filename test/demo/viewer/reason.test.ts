import { expect, test } from 'vitest';
import type { Span } from '../../../demo/dev/viewer/otlp.ts';
import { Traces } from '../../../demo/dev/viewer/traces.ts';
import { waterfall } from '../../../demo/dev/viewer/waterfall.ts';
import { served, span, spanId, traceId } from './told.ts';

const reasonOf = (spans: readonly Span[], of = 1) => {
  const traces = new Traces();
  for (const each of spans) traces.addSpan(each);
  return waterfall(traces.get(traceId(of))!, traces).reason;
};
const part = (name: string) => ({ 'tributary.part': name, 'tributary.source': name });
const quick = span(2, { parent: 1, name: 'user_data', startMs: 1, durationMs: 5, attributes: part('user_data') });
const slow = span(3, { parent: 1, name: 'recommendations', startMs: 1, durationMs: 900, attributes: part('recommendations') });

test('it is the lowest span that took most of what is above it', () => {
  const asked = span(4, { parent: 3, name: 'GET /recommendations', kind: 'client', startMs: 3, durationMs: 890, attributes: { 'server.address': '10.0.0.1', 'server.port': 7070 } });
  expect(reasonOf([served(1, { durationMs: 905 }), quick, slow, asked])).toMatchObject({
    name: 'GET /recommendations', part: 'recommendations', tookMs: 890, totalMs: 905, kind: 'work', asked: '10.0.0.1:7070', usualMs: undefined, shared: false, error: undefined,
  });
});

test('of several attempts none of which took most, the part itself is it', () => {
  const attempts = [1, 301, 601].map((startMs, at) => span(10 + at, { parent: 3, name: 'GET /recommendations', startMs, durationMs: 300 }));
  expect(reasonOf([served(1, { durationMs: 905 }), slow, ...attempts])).toMatchObject({ name: 'recommendations', kind: 'work' });
});

test('what waited before anything was asked, and for a connection, is told from what worked', () => {
  const late = span(4, { parent: 3, name: 'SELECT users', startMs: 701, durationMs: 200 });
  expect(reasonOf([served(1, { durationMs: 905 }), slow, late])).toMatchObject({ name: 'recommendations', kind: 'place', waitedMs: 700 });
  const pooled = span(4, { parent: 3, name: 'SELECT users', startMs: 1, durationMs: 900, attributes: { 'tributary.pool.wait_ms': 800 } });
  expect(reasonOf([served(1, { durationMs: 905 }), slow, pooled])).toMatchObject({ name: 'SELECT users', kind: 'pool', waitedMs: 800 });
  const brief = span(4, { parent: 3, name: 'SELECT users', startMs: 1, durationMs: 900, attributes: { 'tributary.pool.wait_ms': 8 } });
  expect(reasonOf([served(1, { durationMs: 905 }), slow, brief])).toMatchObject({ kind: 'work', waitedMs: 0 });
});

test('of shared work only what was waited for counts, and it says whose it is; what went on behind the reply never does', () => {
  const leader = [served(2, { startMs: 0, durationMs: 1_000 }), span(20, { traceId: traceId(2), parent: 2, name: 'batch', startMs: 0, durationMs: 1_000 })];
  const waiting = span(3, { parent: 1, name: 'analytics', startMs: 900, durationMs: 100, attributes: { ...part('analytics'), 'tributary.shared.role': 'follower' }, links: [{ traceId: traceId(2), spanId: spanId(20) }] });
  expect(reasonOf([...leader, served(1, { startMs: 899, durationMs: 102 }), waiting])).toMatchObject({ name: 'batch', part: 'analytics', tookMs: 100, shared: true, traceId: traceId(2) });
  const refresh = span(30, { traceId: traceId(3), name: 'refresh', startMs: 901, durationMs: 5_000 });
  const stale = span(3, { parent: 1, name: 'analytics', startMs: 900, durationMs: 100, attributes: part('analytics'), links: [{ traceId: traceId(3), spanId: spanId(30) }] });
  expect(reasonOf([refresh, served(1, { startMs: 899, durationMs: 102 }), stale])).toMatchObject({ name: 'analytics', shared: false });
});

test('spans are compared with those of their name at their place, once enough are known; what was kept is not what was asked for', () => {
  const traces = new Traces();
  const ask = (trace: number, durationMs: number, state: string) => {
    traces.addSpan(span(trace + 1_000, { traceId: traceId(trace), parent: trace, name: 'analytics', startMs: trace, durationMs, attributes: { ...part('analytics'), 'tributary.served': state } }));
    traces.addSpan(served(trace, { durationMs }));
    return waterfall(traces.get(traceId(trace))!, traces).rows.find(({ name }) => name === 'analytics')?.usualMs;
  };
  for (let trace = 1; trace < 20; trace++) expect(ask(trace, 40, 'live')).toBeUndefined();
  expect(ask(20, 40, 'live')).toBe(40);
  for (let trace = 21; trace < 60; trace++) ask(trace, 1, 'cache');
  expect(ask(60, 900, 'live')).toBe(40);
});

test('where the request has no span of its own, nothing is said', () => {
  expect(reasonOf([span(1, { name: 'refresh' })])).toBeUndefined();
});
