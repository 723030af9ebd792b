import { readFileSync } from 'node:fs';

/** A metric as docs/metrics.md has it. */
export interface Metric {
  readonly kind: string;
  readonly labels: readonly string[];
  /** What its row puts between backticks: the values of its labels, where there are so few that they are listed. */
  readonly values: readonly string[];
}

/** What Prometheus itself puts on every series. */
const scraped = ['job', 'instance'];

/** Labels whose values are listed where they are explained. */
export const listed: ReadonlySet<string> = new Set(['state', 'tier', 'result', 'outcome', 'by', 'winner', 'priority']);

const quoted = (text: string): string[] => [...text.matchAll(/`(\w+)`/g)].map(([, word]) => word!);

/** The table of docs/metrics.md, by the names of its metrics; histograms by those of their series. */
function metricsOf(page: string): ReadonlyMap<string, Metric> {
  const rows = page.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split(/ *\| */).slice(1));
  return new Map(rows.flatMap(([names = '', kind = '', labels = '', what = '']) => quoted(names).flatMap((name): [string, Metric][] => {
    const metric = { kind, labels: quoted(labels), values: quoted(what) };
    if (kind !== 'histogram') return [[name, metric]];
    return [[`${name}_sum`, metric], [`${name}_count`, metric], [`${name}_bucket`, { ...metric, labels: [...metric.labels, 'le'] }]];
  })));
}

export const metrics = metricsOf(readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8'));

/** What a query in PromQL says about metrics, those of the page unless others are given, that is not so: names, labels, values, and counters that are read without a rate. Empty if all is well. */
export function complaintsAbout(expr: string, legend = '', recorded: ReadonlySet<string> = new Set(), known: ReadonlyMap<string, Metric> = metrics): string[] {
  const used = new Set(scraped);
  const complaints: string[] = [];
  // What is grouped or matched by is looked at apart, and is no name of a metric.
  const grouped = [...expr.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right) *\(([^)]*)\)/g)].flatMap(([, list]) => list!.split(',').map((each) => each.trim()));
  const rest = expr.replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)/g, '');
  for (const [, name, matchers = '', after] of rest.matchAll(/(?<![\w$."])([a-z_:][\w:]*)(?:\{([^}]*)\})?(?= *([[(]?))/gi)) {
    if (words.has(name!) || after === '(' || (recorded.has(name!) && matchers === '')) continue;
    const metric = known.get(name!);
    if (!metric) {
      complaints.push(`expected a metric of docs/metrics.md, but got ${name}`);
      continue;
    }
    for (const label of metric.labels) used.add(label);
    const counts = metric.kind !== 'gauge';
    if (counts !== (after === '[') && !rest.includes('_over_time') && !rest.startsWith('label_values')) complaints.push(`expected ${counts ? 'a rate of' : 'no rate of'} ${name}`);
    complaints.push(...mismatches(name!, metric, matchers));
  }
  const unknown = [...grouped.filter((label) => label !== ''), ...[...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!)].filter((label) => !used.has(label));
  return [...complaints, ...unknown.map((label) => `expected a label of ${[...used].join(', ')}, but got ${label}`)];
}

function mismatches(name: string, { labels, values }: Metric, matchers: string): string[] {
  return [...matchers.matchAll(/(\w+) *(?:=~|!~|!=|=) *"([^"]*)"/g)].flatMap(([, label, value]) => {
    if (scraped.includes(label!)) return [];
    if (!labels.includes(label!)) return [`expected ${name} to have the label ${label}`];
    if (!listed.has(label!)) return [];
    return value!.split('|').filter((one) => !values.includes(one)).map((one) => `expected ${label} to be one of ${values.join(', ')}, but got ${one}`);
  });
}

const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'm', 's', 'h', 'd', ...scraped]);
