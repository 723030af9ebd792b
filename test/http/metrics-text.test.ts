import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type About, readings } from '../../src/core/meter.ts';
import { requestDuration } from '../../src/core/metrics.ts';
import { metricsText, prometheusName } from '../../src/http/metrics-text.ts';

const about = (more: Partial<About>): About => ({ name: 'a.b', help: 'What', kind: 'counter', unit: '', labels: [], bounds: [], together: 'sum', ...more });

test('a counter, its name in the form of Prometheus; an empty label is left out', () => {
  const points = [{ values: ['GET', ''], value: 2, counts: [] }, { values: ['GET', 'bad_answer'], value: 1, counts: [] }];
  expect(metricsText([{ about: about({ labels: ['http.request.method', 'error.type'] }), points }])).toBe([
    '# HELP a_b_total What', '# TYPE a_b_total counter', 'a_b_total{http_request_method="GET"} 2', 'a_b_total{http_request_method="GET",error_type="bad_answer"} 1', '',
  ].join('\n'));
});

test('a histogram counts in each bucket what is in those below it as well', () => {
  const points = [{ values: ['x'], value: 3.5, counts: [2, 0, 1] }];
  expect(metricsText([{ about: about({ kind: 'histogram', unit: 's', labels: ['part'], bounds: [0.005, 1] }), points }])).toBe([
    '# HELP a_b_seconds What', '# TYPE a_b_seconds histogram', 'a_b_seconds_bucket{part="x",le="0.005"} 2', 'a_b_seconds_bucket{part="x",le="1"} 2',
    'a_b_seconds_bucket{part="x",le="+Inf"} 3', 'a_b_seconds_sum{part="x"} 3.5', 'a_b_seconds_count{part="x"} 3', '',
  ].join('\n'));
});

test('a metric without a series is there by name', () => {
  expect(metricsText([{ about: about({ kind: 'gauge', unit: 'By' }), points: [] }])).toBe('# HELP a_b_bytes What\n# TYPE a_b_bytes gauge\n');
});

test('a value cannot break out of its quotes', () => {
  const points = [{ values: ['a"b\\c\nd'], value: 1, counts: [] }];
  expect(metricsText([{ about: about({ kind: 'gauge', labels: ['part'] }), points }])).toContain(String.raw`a_b{part="a\"b\\c\nd"} 1`);
});

test('docs/metrics.md has every metric with its kind and labels, in the same order, and no other', async () => {
  const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.replaceAll(/[` ]/g, '').split('|').slice(1, 4));
  expect(rows[0]![0]).toBe(prometheusName(requestDuration.about));
  expect(rows).toEqual(readings().map(({ about: one }) => [prometheusName(one), one.kind, one.labels.join().replaceAll('.', '_')]));
});
