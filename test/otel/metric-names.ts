import { readFileSync } from 'node:fs';

/** A metric as docs/metrics.md has it. */
interface Metric {
  readonly kind: string;
  /** With the values it may have, where there are so few that they are listed. */
  readonly labels: ReadonlyMap<string, readonly string[] | undefined>;
}

/** What Prometheus itself puts on every series. */
const scraped = ['job', 'instance'];

/** The table of docs/metrics.md, by the names of its metrics; histograms by those of their series. */
export function metricsOf(page: string): ReadonlyMap<string, Metric> {
  const metrics = new Map<string, Metric>();
  for (const line of page.split('\n')) {
    const [, , kind = '', labels = ''] = line.replaceAll('`', '').split(/ *\| */);
    for (const [name] of line.matchAll(/\b(?:http|tributary|process|nodejs)_\w+/g)) {
      const about = { kind: kind.split(' ')[0]!, labels: labelsOf(labels) };
      if (about.kind !== 'histogram') metrics.set(name, about);
      else for (const end of ['sum', 'count', 'bucket']) metrics.set(`${name}_${end}`, { ...about, labels: new Map([...about.labels, ...(end === 'bucket' ? [['le', undefined] as const] : [])]) });
    }
  }
  return metrics;
}

export const metrics = metricsOf(readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8'));

/** `state (live, stale), code (only missing), source (hedges: winner first, second)`: what is in brackets are values if there are several. */
function labelsOf(cell: string): Metric['labels'] {
  const plain = cell.replace(/\(\w+: (\w+) ([^)]*)\)/, ', $1 ($2)');
  return new Map([...plain.matchAll(/([a-z_]+)(?: \(([^)]*)\))?/g)].map(([, label, values]) => [label!, values?.includes(',') ? values.split(/, */) : undefined]));
}

/** What a query in PromQL says about metrics that is not so: names, labels, values, and counters that are read without a rate. Empty if all is well. */
export function complaintsAbout(expr: string, legend = '', recorded: ReadonlySet<string> = new Set()): string[] {
  const used = new Set(scraped);
  const complaints: string[] = [];
  // What is grouped or matched by is looked at apart, and is no name of a metric.
  const grouped = [...expr.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right) *\(([^)]*)\)/g)].flatMap(([, list]) => list!.split(',').map((each) => each.trim()));
  const rest = expr.replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)/g, '');
  for (const [, name, matchers = '', after] of rest.matchAll(/(?<![\w$."])([a-z_:][\w:]*)(?:\{([^}]*)\})?(?= *([[(]?))/gi)) {
    if (words.has(name!) || after === '(' || (recorded.has(name!) && matchers === '')) continue;
    const metric = metrics.get(name!);
    if (!metric) {
      complaints.push(`expected a metric of docs/metrics.md, but got ${name}`);
      continue;
    }
    for (const label of metric.labels.keys()) used.add(label);
    const counts = metric.kind === 'histogram' || name!.endsWith('_total');
    if (counts !== (after === '[') && !rest.includes('_over_time') && !rest.startsWith('label_values')) complaints.push(`expected ${counts ? 'a rate of' : 'no rate of'} ${name}`);
    complaints.push(...mismatches(name!, metric, matchers));
  }
  const unknown = [...grouped.filter((label) => label !== ''), ...[...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!)].filter((label) => !used.has(label));
  return [...complaints, ...unknown.map((label) => `expected a label of ${[...used].join(', ')}, but got ${label}`)];
}

function mismatches(name: string, { labels }: Metric, matchers: string): string[] {
  return [...matchers.matchAll(/(\w+) *(?:=~|!~|!=|=) *"([^"]*)"/g)].flatMap(([, label, value]) => {
    if (scraped.includes(label!)) return [];
    if (!labels.has(label!)) return [`expected ${name} to have the label ${label}`];
    const values = labels.get(label!);
    return value!.startsWith('$') || !values ? [] : value!.split('|').filter((one) => !values.includes(one)).map((one) => `expected ${label} to be one of ${values.join(', ')}, but got ${one}`);
  });
}

const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'm', 's', 'h', 'd', ...scraped]);
