import { expect, test } from 'vitest';
import { Traces } from '../../../demo/dev/viewer/traces.ts';
import { waterfall } from '../../../demo/dev/viewer/waterfall.ts';
import type { Span } from '../../../demo/dev/viewer/otlp.ts';
import { accessLine, served, span, spanId, traceId } from './told.ts';

const to = (trace: number, own: number) => ({ traceId: traceId(trace), spanId: spanId(own) });
const part = (name: string, more: Span['attributes'] = {}) => ({ 'tributary.source': name, 'tributary.part': name, ...more });
const follower = { 'tributary.shared.role': 'follower' };

const drawn = (spans: readonly Span[], of = 1) => {
  const traces = new Traces();
  for (const each of spans) traces.addSpan(each);
  return waterfall(traces.get(traceId(of))!, traces);
};
/** A row a line, indented; whose it is where it is not the request's own. */
const lines = (spans: readonly Span[], of = 1) => drawn(spans, of).rows.map(({ depth, name, from }) => `${'  '.repeat(depth)}${name}${from === 'own' ? '' : ` (${from})`}`);

test('spans lie below their parents, in the order in which they began, whatever the order of their arrival', () => {
  const spans = [
    span(4, { parent: 3, name: 'SELECT users', startMs: 3 }), span(3, { parent: 1, name: 'user_data', startMs: 2 }),
    span(2, { parent: 1, name: 'analytics', startMs: 1.5 }), served(1),
  ];
  expect(lines(spans)).toEqual(['GET /api/aggregated', '  analytics', '  user_data', '    SELECT users']);
  expect(drawn(spans)).toMatchObject({ startMs: 1, durationMs: 4, rows: [{ startMs: 0 }, { startMs: 0.5 }, { startMs: 1 }, { startMs: 2 }] });
});

test('a span whose parent has not come stands at the top, and below it when it has', () => {
  const late = [span(3, { parent: 2, name: 'SELECT users', startMs: 2 })];
  expect(drawn([...late, served(1)]).rows).toMatchObject([{ name: 'GET /api/aggregated', depth: 0, orphan: false }, { name: 'SELECT users', depth: 0, orphan: true }]);
  expect(lines([...late, served(1), span(2, { parent: 1, name: 'user_data', startMs: 1.5 })])).toEqual(['GET /api/aggregated', '  user_data', '    SELECT users']);
});

const leader = [
  served(1), span(10, { parent: 1, name: 'user_data', startMs: 2, attributes: part('user_data', { 'tributary.shared.role': 'leader' }) }),
  span(11, { parent: 10, name: 'batch', startMs: 4, links: [to(2, 20), to(3, 30)] }), span(12, { parent: 11, name: 'SELECT users', kind: 'client', startMs: 5 }),
];
const waiting = (trace: number) => [
  served(trace), span(trace * 10, { traceId: traceId(trace), parent: trace, name: 'user_data', startMs: 3, attributes: part('user_data', follower), links: [to(1, 11)] }),
];

test('a batch that another request started lies below the part that waited for it', () => {
  const spans = [...leader, ...waiting(2), ...waiting(3)];
  expect(lines(spans, 2)).toEqual(['GET /api/aggregated', '  user_data', '    batch (shared)', '      SELECT users (shared)']);
  expect(drawn(spans, 2).rows[2]).toMatchObject({ traceId: traceId(1), links: [{ name: 'user_data' }, { name: 'user_data' }] });
});

test('whose batch it is sees it once, and those who waited only as links', () => {
  expect(lines([...leader, ...waiting(2), ...waiting(3)])).toEqual(['GET /api/aggregated', '  user_data', '    batch', '      SELECT users']);
});

test('a load that is joined is followed to who asked first, and from there no further than to its work', () => {
  const first = [served(1), span(10, { parent: 1, name: 'recommendations', startMs: 2, attributes: part('recommendations', follower), links: [to(2, 20), to(3, 30), to(4, 41)] })];
  const joining = (trace: number) => [served(trace), span(trace * 10, { traceId: traceId(trace), parent: trace, name: 'recommendations', startMs: 2 + trace, attributes: part('recommendations', follower), links: [to(1, 10)] })];
  const work = [served(4), span(41, { traceId: traceId(4), parent: 4, name: 'batch', startMs: 1, durationMs: 9 })];
  expect(lines([...first, ...joining(2), ...joining(3), ...work], 2)).toEqual(['GET /api/aggregated', '  recommendations', '    recommendations (shared)', '      batch (shared)']);
});

test('what went on behind the reply lies below the part that was served meanwhile, and stretches the scale', () => {
  const spans = [
    served(1), span(10, { parent: 1, name: 'analytics', startMs: 2, attributes: part('analytics', { 'tributary.served': 'stale' }), links: [to(2, 20)] }),
    span(20, { traceId: traceId(2), name: 'refresh', startMs: 3, durationMs: 50, links: [to(1, 10)] }), span(21, { traceId: traceId(2), parent: 20, name: 'SELECT analytics', startMs: 4 }),
  ];
  expect(lines(spans)).toEqual(['GET /api/aggregated', '  analytics', '    refresh (behind)', '      SELECT analytics (behind)']);
  expect(drawn(spans).durationMs).toBe(52);
});

test('a link to a trace that is not kept leads nowhere and says so', () => {
  expect(drawn(waiting(2), 2).rows).toMatchObject([{}, { links: [{ ...to(1, 11), name: undefined }] }]);
});

test('links in a circle, and spans that are their own parents, end', () => {
  const circle = [
    served(1), span(10, { parent: 1, attributes: follower, links: [to(2, 20)] }),
    served(2), span(20, { traceId: traceId(2), parent: 2, attributes: follower, links: [to(1, 10)] }),
  ];
  expect(lines(circle)).toEqual(['GET /api/aggregated', '  span 10', '    span 20 (shared)']);
  expect(lines([span(5, { parent: 5 }), served(1)])).toEqual(['GET /api/aggregated']);
});

test('a part says what became of it: stale where its load failed and nothing is missing', () => {
  const parts = [
    span(10, { parent: 1, startMs: 2, attributes: part('user_data', { 'tributary.served': 'cache' }) }),
    span(11, { parent: 1, startMs: 3, attributes: part('analytics'), error: 'deadline_exceeded' }),
    span(12, { parent: 1, startMs: 4, attributes: part('recommendations'), error: 'source_failed' }),
  ];
  const traces = new Traces();
  for (const each of [...parts, served(1)]) traces.addSpan(each);
  traces.addLog(accessLine(1, { missing: { 'home.recommendations': 'source_failed' } }));
  const { rows, logs } = waterfall(traces.get(traceId(1))!, traces);
  expect(rows.map(({ state }) => state)).toEqual([undefined, 'cache', 'stale', 'missing']);
  expect(logs).toHaveLength(1);
});

test('a request that was refused before any span was made has none', () => {
  const traces = new Traces();
  traces.addLog(accessLine(1, { status: 503 }));
  expect(waterfall(traces.get(traceId(1))!, traces)).toMatchObject({ startMs: 1, durationMs: 4, rows: [] });
});
