import type { Span } from './otlp.ts';
import { partOf, partState, type PartState } from './part-state.ts';
import type { Trace } from './traces.ts';

/** What a part did within the window. */
export interface PartRate {
  /** A second, by what became of it. */
  readonly states: Readonly<Partial<Record<PartState, number>>>;
  readonly meanMs: number;
  /** The queries and requests that were made for it, by name. */
  readonly asks: readonly string[];
}

export interface RouteRate {
  readonly perSecond: number;
  readonly parts: Readonly<Record<string, PartRate>>;
}

/** Long enough for one who clicks, short enough to follow what they do. */
const windowS = 10;
/** Routes and their parts are written in the code; beyond this somebody sends us something else. */
const routesMax = 50;
const partsMax = 100;
const asksMax = 10;

interface PartCount {
  readonly states: Map<PartState, number>;
  readonly asks: Set<string>;
  count: number;
  totalMs: number;
}

interface RouteCount {
  count: number;
  readonly parts: Map<string, PartCount>;
}

/** How often what is asked, over the last seconds: counted in buckets of a second. `now` is in milliseconds, of any clock. */
export class Rates {
  #buckets: { readonly second: number; readonly routes: Map<string, RouteCount> }[] = [];

  /** Counts a request whose spans have arrived. */
  add({ request, spans }: Trace, now: number): void {
    if (!request) return;
    const { routes } = this.#bucket(now);
    const route = routes.get(request.route) ?? { count: 0, parts: new Map<string, PartCount>() };
    if (routes.size >= routesMax && !routes.has(request.route)) return;
    routes.set(request.route, route);
    route.count++;
    for (const span of spans.values()) {
      const part = partOf(span);
      const state = partState(span, request);
      if (part !== undefined && state) countPart(route.parts, part, span, state);
      else if (span.kind === 'client') countAsk(route.parts, span, spans);
    }
  }

  /** By route. */
  read(now: number): Record<string, RouteRate> {
    this.#forget(now);
    const rates: Record<string, RouteRate> = {};
    for (const route of new Set(this.#buckets.flatMap(({ routes }) => [...routes.keys()]))) {
      const counts = this.#buckets.flatMap(({ routes }) => routes.get(route) ?? []);
      const names = new Set(counts.flatMap(({ parts }) => [...parts.keys()]));
      rates[route] = {
        perSecond: sum(counts.map(({ count }) => count)) / windowS,
        parts: Object.fromEntries([...names].map((name) => [name, partRate(counts.flatMap(({ parts }) => parts.get(name) ?? []))])),
      };
    }
    return rates;
  }

  #bucket(now: number): { readonly routes: Map<string, RouteCount> } {
    const second = Math.floor(now / 1_000);
    const last = this.#buckets.at(-1);
    if (last?.second === second) return last;
    this.#forget(now);
    const bucket = { second, routes: new Map<string, RouteCount>() };
    this.#buckets.push(bucket);
    return bucket;
  }

  #forget(now: number): void {
    this.#buckets = this.#buckets.filter(({ second }) => second > now / 1_000 - windowS - 1);
  }
}

function countPart(parts: Map<string, PartCount>, name: string, { durationMs }: Span, state: PartState): void {
  const part = partIn(parts, name);
  if (!part) return;
  part.states.set(state, (part.states.get(state) ?? 0) + 1);
  part.count++;
  part.totalMs += durationMs;
}

/** For the part that it lies below: the nearest one, since a source may ask another. */
function countAsk(parts: Map<string, PartCount>, span: Span, spans: ReadonlyMap<string, Span>): void {
  let at = span.parentSpanId === undefined ? undefined : spans.get(span.parentSpanId);
  // As many steps as there are spans, so that spans that are each other's parents end as well.
  for (let left = spans.size; at && left > 0; left--) {
    const name = partOf(at);
    if (name !== undefined) {
      const part = partIn(parts, name);
      if (part && part.asks.size < asksMax) part.asks.add(span.name);
      return;
    }
    at = at.parentSpanId === undefined ? undefined : spans.get(at.parentSpanId);
  }
}

function partIn(parts: Map<string, PartCount>, name: string): PartCount | undefined {
  const known = parts.get(name);
  if (known || parts.size >= partsMax) return known;
  const part: PartCount = { states: new Map(), asks: new Set(), count: 0, totalMs: 0 };
  parts.set(name, part);
  return part;
}

function partRate(counts: readonly PartCount[]): PartRate {
  const states: Partial<Record<PartState, number>> = {};
  for (const count of counts) for (const [state, times] of count.states) states[state] = (states[state] ?? 0) + times / windowS;
  const count = sum(counts.map((each) => each.count));
  return {
    states,
    meanMs: count === 0 ? 0 : sum(counts.map(({ totalMs }) => totalMs)) / count,
    asks: [...new Set(counts.flatMap(({ asks }) => [...asks]))],
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
