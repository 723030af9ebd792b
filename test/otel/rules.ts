import { readFileSync } from 'node:fs';

export interface Rule {
  readonly kind: 'record' | 'alert';
  readonly name: string;
  readonly expr: string;
  /** Of the labels and annotations those that are one text on one line, which all are. */
  readonly texts: ReadonlyMap<string, string>;
}

/** The rules of otel/alerts.yaml. By their form, which is always the same; that it is valid YAML and PromQL is for promtool to say. */
export const rules: readonly Rule[] = readFileSync(new URL('../../otel/alerts.yaml', import.meta.url), 'utf8')
  .split(/^ {6}- (?=record|alert)/m).slice(1).map((text) => {
    const [, kind, name] = /^(record|alert): (\S+)$/m.exec(text) ?? [];
    const expr = /^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.+)\n)/m.exec(text);
    const texts = [...text.matchAll(/(?:^ {10}|\{ )(\w+): '?(.*?)'?(?: \})?$/gm)].map(([, key, value]) => [key!, value!] as const);
    return { kind: kind as Rule['kind'], name: name!, expr: (expr?.[1] ?? expr?.[2] ?? '').trim(), texts: new Map(texts) };
  });

export const alerts = rules.filter(({ kind }) => kind === 'alert');
export const recorded: ReadonlySet<string> = new Set(rules.filter(({ kind }) => kind === 'record').map(({ name }) => name));
