import type { Service } from './service.ts';

/** What a service told Prometheus. */
export class Scraped {
  readonly text: string;
  readonly #series: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.text = text;
    this.#series = new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }));
  }

  /** The series as they are written, without their values. */
  get series(): readonly string[] {
    return [...this.#series.keys()];
  }

  /** The metrics by their names, those without a series included. */
  get names(): readonly string[] {
    return [...this.text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name!);
  }

  /** The sum of all series of this name that have these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    let sum = 0;
    for (const [series, value] of this.#series) {
      const [own, rest = ''] = series.split('{');
      if (own === name && wanted.every((pair) => rest.slice(0, -1).split(',').includes(pair))) sum += value;
    }
    return sum;
  }
}

export async function scrape(service: Service): Promise<Scraped> {
  const { status, headers, text } = await service.probe('/metrics');
  if (status !== 200 || headers['content-type'] !== 'text/plain; version=0.0.4; charset=utf-8') throw new Error(`expected metrics, but got ${status} ${headers['content-type']}: ${text}`);
  return new Scraped(text);
}
