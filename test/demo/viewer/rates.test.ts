import { expect, test } from 'vitest';
import { Rates } from '../../../demo/dev/viewer/rates.ts';
import { Traces } from '../../../demo/dev/viewer/traces.ts';
import { served, span, traceId } from './told.ts';

/** A request whose part came from `state`, in so many milliseconds, with a query. */
function request(state: string, durationMs: number) {
  const traces = new Traces();
  traces.addSpan(span(3, { parent: 2, name: 'SELECT users', kind: 'client' }));
  traces.addSpan(span(2, { parent: 1, durationMs, attributes: { 'tributary.part': 'user_data', 'tributary.served': state } }));
  traces.addSpan(served(1));
  return traces.get(traceId(1))!;
}

test('what came within ten seconds is told a second, by what became of it', () => {
  const rates = new Rates();
  for (let at = 0; at < 5; at++) rates.add(request('live', 10), 1_000 * at);
  rates.add(request('cache', 4), 5_000);
  expect(rates.read(5_500)).toEqual({
    '/api/aggregated': { perSecond: 0.6, parts: { user_data: { states: { live: 0.5, cache: 0.1 }, meanMs: 9, asks: ['SELECT users'] } } },
  });
});

test('what is older is forgotten', () => {
  const rates = new Rates();
  rates.add(request('live', 10), 1_000);
  rates.add(request('cache', 10), 9_000);
  expect(rates.read(15_000)['/api/aggregated']?.parts['user_data']?.states).toEqual({ cache: 0.1 });
  expect(rates.read(60_000)).toEqual({});
});

test('routes that nobody has written do not pile up', () => {
  const rates = new Rates();
  for (let at = 0; at < 1_000; at++) {
    const trace = request('live', 1);
    rates.add({ ...trace, request: { ...trace.request!, route: `/${at}` } }, 0);
  }
  expect(Object.keys(rates.read(0)).length).toBe(50);
});

test('spans that are each other\'s parents end', () => {
  const traces = new Traces();
  for (const each of [span(2, { parent: 3, kind: 'client' }), span(3, { parent: 2 }), served(1)]) traces.addSpan(each);
  const rates = new Rates();
  rates.add(traces.get(traceId(1))!, 0);
  expect(rates.read(0)['/api/aggregated']?.parts).toEqual({});
});
