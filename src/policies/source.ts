import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Duration } from '../core/duration.ts';
import type { Plain } from '../core/json-text.ts';
import { batchSize } from '../core/metrics.ts';
import { definedBy, type Source, speaks, stack } from '../core/source.ts';
import { attempted, type AttemptRules } from './attempted.ts';
import { isBatched } from './batched.ts';
import { CachePlan, type CacheRules } from './cache-plan.ts';
import { cached } from './cached.ts';
import { coalesced } from './coalesced.ts';
import { memoised } from './memoised.ts';
import { spared } from './spared.ts';
import { traced } from './traced.ts';
import { within } from './within.ts';

export interface SourceSpec<In, Out> extends AttemptRules {
  /** A noun; names spans. */
  readonly name: string;
  /** Asks the system. It should listen to its call (`call.signal`, or by handing it to a client) and stop with it. */
  readonly load: Source<In, Out>;
  /** What it answers, for the API's documentation. Nothing is validated by it: clients do that where they read. */
  readonly answers?: StandardSchemaV1<unknown, NoInfer<Plain<Out>>>;
  /** What of the input makes two questions the same: then equal questions asked at the same time share one load. */
  readonly key?: (input: NoInfer<In>) => string;
  /** The longest the source may take. Left out, it has whatever is left of its caller's time. */
  readonly timeout?: Duration;
  /** For how long answers are kept, and by what they differ. They have to be JsonText. */
  readonly cache?: CacheRules<NoInfer<In>>;
  /** Other sources ask this one: each request then asks it the same thing once. Needs a key. */
  readonly memoise?: boolean;
}

/** A source with its policies. Throws a TypeError at definition for what makes no sense. Their order is written here, and for those that each attempt passes in `attempted`. */
export function source<In, Out>(spec: SourceSpec<In, Out>): Source<In, Out> {
  const { name, timeout, cache: rules, memoise = false } = spec;
  const { load, isBatch } = loadOf(spec);
  const plan = planOf(spec);
  const key = keyOf(spec, plan);
  const asked = definedBy(stack(
    load,
    // Outermost, because a span that misses the wait for shared work does not explain a slow part.
    traced(name),
    // Above coalescing, because what a request already knows needs nobody else's load.
    memoise && key && memoised(key),
    // Above all that makes asking safe, because what is kept needs none of it. Its loads are shared already.
    // In a brownout it serves what it keeps; without it there is nothing to serve.
    plan && rules?.in ? cached(rules.in, plan) : spared,
    // Above the time-out, because callers share one load and one clock. A batch removes its duplicates itself.
    key && !rules?.in && !isBatch && coalesced(key),
    timeout && within(timeout),
  ), spec);
  return rules?.in ? speaks(asked) : asked;
}

function planOf<In, Out>(spec: SourceSpec<In, Out>): CachePlan<In> | undefined {
  const { name, cache: rules } = spec;
  if (!rules) return undefined;
  const plan = new CachePlan<In>(name, rules);
  if (rules.in?.claim(plan.prefix, spec) !== false) return plan;
  throw new TypeError(`expected one cached source with the name ${name}, but got another: each would be served what is kept for the other. It needs a name or a scope of its own`);
}

/** The load as each attempt of it is made. Of a batch attempts are queries, and how many there are at a time it says itself. */
function loadOf<In, Out>(spec: SourceSpec<In, Out>): { readonly load: Source<In, Out>; readonly isBatch: boolean } {
  const { name, load, limit } = spec;
  const policy = attempted(name, spec);
  if (!isBatched(load)) return { load: policy(load), isBatch: false };
  if (limit) throw new TypeError(`expected source ${name} to have no limit, since its load is batched and has inFlightMax, but got one`);
  return { load: load.byQuery(policy, batchSize.of(name)), isBatch: true };
}

function keyOf<In, Out>({ name, key, memoise }: SourceSpec<In, Out>, plan: CachePlan<In> | undefined): ((input: In) => string) | undefined {
  if (key) return key;
  if (plan) return (input) => plan.keyOf(input);
  if (memoise) throw new TypeError(`expected source ${name} to have a key, since it is memoised, but got none`);
  return undefined;
}
