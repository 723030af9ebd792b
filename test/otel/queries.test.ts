import { describe, expect, test } from 'vitest';
import { dashboards, queries } from './board-queries.ts';
import { complaintsAbout, metrics } from './metric-names.ts';
import { recorded, rules } from './rules.ts';

describe('what is asked of Prometheus is what docs/metrics.md says there is', () => {
  test.each(rules)('the rule $name', ({ expr }) => {
    expect(expr).not.toBe('');
    expect(complaintsAbout(expr, '', recorded)).toEqual([]);
  });

  test.each(queries)('$where: $legend', ({ expr, legend }) => {
    expect(complaintsAbout(expr, legend)).toEqual([]);
  });

  test.each(dashboards.flatMap(([board, { templating }]) => templating.list.flatMap(({ name, definition }) => (definition === undefined ? [] : [{ board, name, definition }]))))('$board: the choice of $name', ({ definition }) => {
    const [, label] = /, (\w+)\)$/.exec(definition) ?? [];
    expect(complaintsAbout(definition.replace(/, \w+\)$/, ')'), `{{${label}}}`)).toEqual([]);
  });
});

test('the table is understood', () => {
  expect(metrics.get('tributary_cache_results_total')).toMatchObject({ kind: 'counter', labels: ['source', 'tier', 'result'] });
  expect(metrics.get('tributary_part_duration_seconds_bucket')?.labels).toContain('le');
  expect(metrics.has('tributary_part_duration_seconds')).toBe(false);
});

test.each([
  ['rate(tributary_shedd_total[5m])', '', 'expected a metric of docs/metrics.md, but got tributary_shedd_total'],
  ['tributary_part_duration_seconds{job="x"}', '', 'expected a metric of docs/metrics.md, but got tributary_part_duration_seconds'],
  ['sum by (aggregate) (rate(tributary_shed_total[5m]))', '', 'but got aggregate'],
  ['sum(rate(tributary_shed_total{tier="memory"}[5m]))', '', 'to have the label tier'],
  ['sum(rate(tributary_cache_results_total{result=~"hit|missed"}[5m]))', '', 'but got missed'],
  ['tributary_shed_total', '', 'a rate of tributary_shed_total'],
  ['rate(tributary_brownout[5m])', '', 'no rate of tributary_brownout'],
  ['max(tributary_pool_waiting)', '{{poool}}', 'but got poool'],
  ['job:tributary_slow:ratio_rate2m > 0.1', '', 'but got job:tributary_slow:ratio_rate2m'],
])('what is not so is found: %s %s', (expr, legend, complaint) => {
  expect(complaintsAbout(expr, legend, recorded).join('; ')).toContain(complaint);
});
