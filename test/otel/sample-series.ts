import { listed, metrics } from './metric-names.ts';

/** Of labels whose values are not listed: such as the queries look for. Anything else is an x, which is also what is chosen above the dashboards. */
const sought: Readonly<Record<string, readonly string[]>> = { http_response_status_code: ['200', '502'], le: ['0.5', '1', '+Inf'], complete: ['true', 'false'] };

/** For promtool: of each metric of docs/metrics.md every series there can be and some that cannot, for `minutes`. Buckets grow as they should, each by more than the one before. */
export function sampleSeries(minutes: number): { series: string; values: string }[] {
  return [...metrics].flatMap(([name, { kind, labels, values }]) => {
    let all: readonly string[] = ['job="x", instance="x"'];
    for (const label of labels) {
      const some = listed.has(label) ? values : (sought[label] ?? ['x']);
      all = all.flatMap((one) => some.map((value) => `${one}, ${label}="${value}"`));
    }
    const counts = kind !== 'gauge';
    return all.map((one) => {
      const step = 60 * (1 + Math.max(0, sought['le']!.findIndex((le) => one.endsWith(`le="${le}"`))));
      return { series: `${name}{${one}}`, values: `${counts ? 0 : 1}+${counts ? step : 0}x${minutes}` };
    });
  });
}
