import type { About, Point, Reading } from '../core/meter.ts';

const units: Readonly<Record<About['unit'], string>> = { s: '_seconds', By: '_bytes', '': '' };

/** A metric's name as Prometheus has it. */
export const prometheusName = ({ name, unit, kind }: About): string => `${underscored(name)}${units[unit]}${kind === 'counter' ? '_total' : ''}`;

/** The text format of Prometheus, 0.0.4. A metric without a series is there with its name, so that a query can be checked before it happens. */
export function metricsText(readings: readonly Reading[]): string {
  let text = '';
  for (const { about, points } of readings) {
    const name = prometheusName(about);
    text += `# HELP ${name} ${about.help}\n# TYPE ${name} ${about.kind}\n`;
    for (const point of points) text += about.kind === 'histogram' ? buckets(name, about, point) : `${name}${labelled(about, point)} ${point.value}\n`;
  }
  return text;
}

/** Each bucket counts what is in those below it as well. */
function buckets(name: string, about: About, point: Point): string {
  let text = '';
  let count = 0;
  for (let at = 0; at < point.counts.length; at++) {
    count += point.counts[at]!;
    text += `${name}_bucket${labelled(about, point, `le="${about.bounds[at] ?? '+Inf'}"`)} ${count}\n`;
  }
  const labels = labelled(about, point);
  return `${text}${name}_sum${labels} ${point.value}\n${name}_count${labels} ${count}\n`;
}

/** An empty value is no label to Prometheus: it is left out. */
function labelled({ labels }: About, { values }: Point, last = ''): string {
  const pairs = values.flatMap((value, at) => (value === '' ? [] : [`${underscored(labels[at]!)}="${escaped(value)}"`]));
  if (last !== '') pairs.push(last);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const underscored = (name: string): string => name.replaceAll('.', '_');

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
