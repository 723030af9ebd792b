import type { ReceivedSpan } from './otlp-spans.ts';

/** A span's label, then the trees of its children. */
export type SpanTree = readonly [label: string, ...children: SpanTree[]];

/**
 * The spans of one trace as a tree to pin in a test: `['GET /users', ['user_data', ['SELECT users']]]`. Siblings are
 * sorted by what they are and not by when they ran, so parallel parts give the same tree each time.
 * A span whose parent is of this process but did not arrive shows up at the top, and says so.
 */
export function spanTree(
  spans: readonly ReceivedSpan[],
  traceId: string,
  label: (span: ReceivedSpan) => string = ({ name }) => name,
): SpanTree {
  const own = spans.filter((span) => span.traceId === traceId);
  const ids = new Set(own.map(({ spanId }) => spanId));
  const arrived = (parent: string | undefined) => parent !== undefined && ids.has(parent);

  const treeOf = (span: ReceivedSpan): SpanTree => {
    const children = own.filter(({ parentSpanId }) => parentSpanId === span.spanId);
    const lost = span.parentSpanId !== undefined && !span.parentIsRemote && !arrived(span.parentSpanId);
    return [lost ? `${label(span)} (parent never arrived)` : label(span), ...sorted(children.map(treeOf))];
  };

  const [first, ...others] = sorted(own.filter(({ parentSpanId }) => !arrived(parentSpanId)).map(treeOf));
  if (!first) throw new Error(`expected spans of trace ${traceId}, but got those of ${tracesOf(spans)}`);
  return others.length === 0 ? first : [`${others.length + 1} roots`, first, ...others];
}

// By code units: a locale would sort the same tree differently on another machine.
const sorted = (trees: SpanTree[]): SpanTree[] =>
  trees
    .map((tree) => ({ tree, key: JSON.stringify(tree) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
    .map(({ tree }) => tree);

const tracesOf = (spans: readonly ReceivedSpan[]): string =>
  [...new Set(spans.map(({ traceId }) => traceId))].join(', ') || 'none';
