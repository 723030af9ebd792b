import { hedges, retries } from '../core/metrics.ts';
import { type Policy, stack } from '../core/source.ts';
import { Budget } from './budget.ts';
import { Guard, guarded, type GuardRules } from './guarded.ts';
import { hedged } from './hedged.ts';
import { Latencies, timed } from './latencies.ts';
import { limited } from './limited.ts';
import { retried } from './retried.ts';
import type { LimitRules } from './room.ts';

/** How a system is asked, each time that it is. */
export interface AttemptRules {
  /** A source that fails is asked less, and rests. */
  readonly guard?: GuardRules | undefined;
  /** Where nothing of an answer had come, it is asked once more, out of a budget. Not for what must not be asked twice, nor for databases. */
  readonly retry?: boolean | undefined;
  /** A slow answer is asked for a second time. Only where there is a second endpoint to ask. */
  readonly hedge?: boolean | undefined;
  /** How many attempts are under way and how many wait. Of a batched load its `inFlightMax` says that. */
  readonly limit?: LimitRules | undefined;
}

/** A tenth, as Google's SRE book has it: in an outage that is all that retries add. Ten, so that a burst after quiet is no storm. */
const extraRetries = { oneIn: 10, savedMax: 10 };

/** Two in a hundred bring most of what hedging can (The Tail at Scale). */
const extraHedges = { oneIn: 50, savedMax: 5 };

/** What each attempt to ask a system passes. This is the only place where their order is written; `source` has the rest of it. */
export function attempted(name: string, { guard: rules, retry, hedge, limit }: AttemptRules): Policy {
  const guard = rules && new Guard(name, rules);
  const latencies = new Latencies();
  const budget = new Budget(extraRetries);
  return (next) => stack(
    next,
    // Outermost, because a retry is an attempt as good as the first.
    retry && retried({ budget, latencies, guard, count: retries.of(name) }),
    hedge && hedged({ own: new Budget(extraHedges), shared: retry ? budget : undefined, latencies, guard, counts: winners(name) }),
    (retry || hedge) && timed(latencies),
    // Above the bulkhead, because who is refused must not wait for a place.
    guard && guarded(guard),
    limit && limited(name, limit),
  );
}

const winners = (name: string) => ({ first: hedges.of(name, 'first'), second: hedges.of(name, 'second'), none: hedges.of(name, 'none') });
