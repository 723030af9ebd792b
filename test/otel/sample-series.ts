import { metrics } from './metric-names.ts';

/** Where docs/metrics.md lists no values: such as the queries look for. Anything else is an x, which is also what is chosen above the dashboards. */
const values: Readonly<Record<string, readonly string[]>> = { http_response_status_code: ['200', '502'], le: ['0.5', '1', '+Inf'] };

/** For promtool: of each metric of docs/metrics.md every series there can be, for `minutes`. Buckets grow as they should, each by more than the one before. */
export function sampleSeries(minutes: number): { series: string; values: string }[] {
  return [...metrics].flatMap(([name, { kind, labels }]) => {
    let all: readonly string[] = ['job="x", instance="x"'];
    for (const [label, listed = values[label] ?? ['x']] of labels) all = all.flatMap((one) => listed.map((value) => `${one}, ${label}="${value}"`));
    const counts = kind === 'histogram' || name.endsWith('_total');
    return all.map((one) => {
      const step = 60 * (1 + Math.max(0, values['le']!.findIndex((le) => one.endsWith(`le="${le}"`))));
      return { series: `${name}{${one}}`, values: `${counts ? 0 : 1}+${counts ? step : 0}x${minutes}` };
    });
  });
}
