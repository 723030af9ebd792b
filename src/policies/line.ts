import type { Cache } from '../cache/cache.ts';
import type { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import { Flight, type Freshness } from '../core/flight.ts';
import type { Source } from '../core/source.ts';
import type { Trace } from '../core/trace.ts';
import type { CachePlan } from './cache-plan.ts';
import { Places } from './places.ts';
import type { SharedEntry } from './shared-entry.ts';
import { type Limits, Stored } from './stored.ts';

/** What one load is for. */
export interface Wanted<In, Out> {
  readonly key: string;
  readonly input: In;
  /** What there is, though it is not fresh. */
  readonly known: Stored<Out> | undefined;
  readonly trace: Trace | undefined;
  readonly because: Freshness['because'];
}

/** A load under way, as those see it who would join. */
export interface Running<Out> {
  readonly call: Call;
  /** Whoever asks now may have its answer. */
  readonly takesAboard: boolean;
  join(call: Call): Promise<Out>;
}

/** What all loads of one cached source have in common. */
export class Line<In, Out> {
  readonly cache: Cache;
  readonly plan: CachePlan<In>;
  readonly next: Source<In, Out>;
  readonly places = new Places<Running<Out>>();

  constructor(cache: Cache, plan: CachePlan<In>, next: Source<In, Out>) {
    this.cache = cache;
    this.plan = plan;
    this.next = next;
  }

  /**
   * Keeps what the shared tier had, and returns it; or what is here, if that is better: newer and fresh, or good enough
   * where both may only be served instead of a failure, because it knows when the source has failed. Undefined for
   * what was invalidated since it was asked for at `askedAt`, or before and the shared tier has not heard of it.
   */
  hold(found: Stored<Out>, askedAt: number, now: number): Stored<Out> | undefined {
    if (this.cache.goneSince(askedAt, found.tags) || this.cache.knownGone(found.storedAt, found.tags)) return undefined;
    const held = this.cache.memory.get(found.key) as Stored<Out> | undefined;
    const usable = now < found.freshUntil || found.inGrace(now);
    if (held?.subject === found.subject && (usable ? now < held.freshUntil && held.storedAt > found.storedAt : held.mends(now))) return held;
    this.cache.memory.put(found);
    return found;
  }

  /** How an answer comes that is served to so many instead of a failure. */
  mended(known: Stored<Out>, askers: number): Flight {
    this.plan.memory.mended.add(askers);
    return Flight.of('stale', known);
  }

  /** Forgets what was loaded before this moment. */
  drop(key: string, before: number): void {
    const held = this.cache.memory.get(key) as Stored<Out> | undefined;
    if (held && held.storedAt <= before) this.cache.memory.drop(key);
  }

  /**
   * Keeps what a load that began at `startedAt` has brought: an answer, or that there is none. Keeps nothing of what
   * was outdated before it came, or if nobody knows what would outdate it.
   */
  keep(wanted: Wanted<In, Out>, startedAt: number, answer: Out | Failure, { freshMs, staleMs, errorMs }: Limits, entry: SharedEntry<Out> | undefined): Stored<Out> | undefined {
    const { cache, plan } = this;
    const { input, key, because } = wanted;
    // Asked anew: the first load of a process may have taught the client what is needed to tell.
    const tags = plan.tagsOf ? plan.tagsOf(input) : [];
    if (!tags || cache.goneSince(startedAt, tags)) return undefined;
    const held = cache.memory.get(key) as Stored<Out> | undefined;
    // A load that began later has ended earlier: what it brought is newer.
    if (held && held.storedAt > startedAt) return undefined;
    // Off what is fresh only. In whole milliseconds, because the shared tier counts in them.
    const jittered = { freshMs: Math.ceil(freshMs * (1 - Math.random() / 10)), staleMs, errorMs };
    const stored = new Stored<Out>(key, tags, plan.subjectOf(input), answer, { ...jittered, storedAt: startedAt, because });
    cache.memory.put(stored);
    entry?.put(stored, jittered);
    return stored;
  }
}
