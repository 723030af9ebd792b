import type { Row } from './waterfall.ts';

/** Where most of a request's time went: one span, and what it did with it. */
export interface Reason {
  readonly spanId: string;
  readonly name: string;
  /** The part it was for. */
  readonly part: string | undefined;
  /** Of the request's time. */
  readonly tookMs: number;
  readonly totalMs: number;
  readonly usualMs: number | undefined;
  /** `work`: it, or the system that it asked, took so long. `place`: it waited before what is below it began. `pool`: for a connection. */
  readonly kind: 'work' | 'place' | 'pool';
  /** How long it waited, where that is what it did. */
  readonly waitedMs: number;
  readonly error: string | undefined;
  /** Another request had asked for it, and this one waited. */
  readonly shared: boolean;
  readonly traceId: string;
  /** The system that was asked. */
  readonly asked: string | undefined;
}

/** From here on a span explains the one above it: whatever else is below that took less. */
const most = 0.5;
/** Every question begins a moment after its part does. */
const muchMs = 5;

/** Goes down from the request, each time to what took most of the time of what is above it. Undefined where the request itself has no span. */
export function reasonOf(rows: readonly Row[]): Reason | undefined {
  let at = rows.findIndex(({ kind, depth, from }) => kind === 'server' && depth === 0 && from === 'own');
  const request = rows[at];
  if (!request) return undefined;
  let part = partNameOf(request);
  let spentMs = request.durationMs;
  for (let next = longestBelow(rows, at); next && next.spentMs >= most * spentMs; next = longestBelow(rows, at)) {
    at = next.at;
    spentMs = next.spentMs;
    part = partNameOf(rows[at]!) ?? part;
  }
  const row = rows[at]!;
  const { spanId, name, traceId, error, usualMs } = row;
  const { 'server.address': address, 'server.port': port } = row.attributes;
  const asked = row.kind === 'client' && typeof address === 'string' ? `${address}${typeof port === 'number' ? `:${port}` : ''}` : undefined;
  return { spanId, name, part, tookMs: spentMs, totalMs: request.durationMs, usualMs, error, traceId, asked, ...waitOf(rows, at), shared: row.from === 'shared' };
}

function longestBelow(rows: readonly Row[], at: number): { readonly at: number; readonly spentMs: number } | undefined {
  const above = rows[at]!;
  const spent = below(rows, at).map((each) => ({ at: each, spentMs: overlap(rows[each]!, above) }));
  return spent.toSorted((a, b) => b.spentMs - a.spentMs)[0];
}

/** What is directly below a row, but for what nobody waited for. */
function below(rows: readonly Row[], at: number): number[] {
  const { depth } = rows[at]!;
  const found: number[] = [];
  for (let next = at + 1; next < rows.length && rows[next]!.depth > depth; next++) {
    if (rows[next]!.depth === depth + 1 && rows[next]!.from !== 'behind') found.push(next);
  }
  return found;
}

/** What was shared may have begun long before somebody waited for it. */
const overlap = (row: Row, above: Row): number =>
  Math.max(0, Math.min(row.startMs + row.durationMs, above.startMs + above.durationMs) - Math.max(row.startMs, above.startMs));

function waitOf(rows: readonly Row[], at: number): Pick<Reason, 'kind' | 'waitedMs'> {
  const row = rows[at]!;
  const pool = row.attributes['tributary.pool.wait_ms'];
  if (typeof pool === 'number' && pool >= most * row.durationMs) return { kind: 'pool', waitedMs: pool };
  const begins = below(rows, at).map((each) => rows[each]!.startMs - row.startMs);
  const waitedMs = begins.length > 0 ? Math.min(...begins) : 0;
  return waitedMs >= muchMs && waitedMs >= most * row.durationMs ? { kind: 'place', waitedMs } : { kind: 'work', waitedMs: 0 };
}

function partNameOf({ attributes }: Row): string | undefined {
  const part = attributes['tributary.part'];
  return typeof part === 'string' ? part : undefined;
}
