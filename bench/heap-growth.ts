import { z } from 'zod';

/** V8 says itself which numbers mean what. */
const Description = z.object({ meta: z.object({ node_fields: z.array(z.string()), node_types: z.tuple([z.array(z.string())]).rest(z.unknown()) }) });

interface Snapshot {
  readonly snapshot: unknown;
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** How many objects of each constructor a heap snapshot of V8 holds; closures by their function's name. */
export function constructors(text: string): Map<string, number> {
  // Millions of numbers: to check each would take longer than to count them.
  const { snapshot, nodes, strings } = JSON.parse(text) as Snapshot;
  const { node_fields: fields, node_types: [types] } = Description.parse(snapshot).meta;
  const [type, name] = [fields.indexOf('type'), fields.indexOf('name')];
  const counts = new Map<string, number>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[nodes[at + type] ?? 0];
    if (kind !== 'object' && kind !== 'closure') continue;
    const title = `${strings[nodes[at + name] ?? 0]}${kind === 'closure' ? ' (function)' : ''}`;
    counts.set(title, (counts.get(title) ?? 0) + 1);
  }
  return counts;
}

export interface Growth {
  readonly title: string;
  readonly before: number;
  readonly after: number;
}

/** The constructors whose objects have become more, the most first. */
export const growth = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, limit: number): Growth[] =>
  [...after]
    .map(([title, count]) => ({ title, before: before.get(title) ?? 0, after: count }))
    .filter((one) => one.after > one.before)
    .toSorted((a, b) => b.after - b.before - (a.after - a.before))
    .slice(0, limit);
