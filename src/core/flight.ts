/** Until when a value that a cache keeps may be used. Times are those of `performance.now()`. */
export interface Freshness {
  /** When the value was loaded, perhaps by another process. */
  readonly storedAt: number;
  readonly freshUntil: number;
  /** Invalidated, or replaced by a newer value: whatever was built from it is outdated too. */
  readonly dropped: boolean;
  /** Once it has had to make room, nobody says so of it any more. */
  readonly held: boolean;
  /** What it is invalidated by. */
  readonly tags: readonly string[];
  /** Why it was loaded: there was none, it was too old, or the request asked for a new one. */
  readonly because: 'miss' | 'stale' | 'request';
}

/**
 * What there is for a call that is stopped by its deadline: what an aggregate has by then, or what a cache would rather
 * not serve. An object and no closure: closures that hang on a request's objects made V8 promote them all (docs/decisions/0013).
 */
export interface Fallback {
  /** The value, or undefined if there is none after all; says in the flight how it came. */
  insteadFor(flight: Flight): unknown;
}

/** How a part's value was obtained. Policies write it; the trace and the reply read it. */
export class Flight implements Fallback {
  served: 'live' | 'cache' | 'stale' = 'live';
  /** Where a cache keeps the value: for how long. */
  kept: Freshness | undefined = undefined;
  /** Somebody else's load brought it. */
  collapsed = false;
  /** When the oldest load began that the value was made from, if somebody else's was joined: on the clock of `performance.now()`. */
  since = Infinity;
  /** Whoever waits takes it in the moment of its deadline: the promise of it would be heard one moment too late. */
  fallback: Fallback | undefined = undefined;

  static of(served: Flight['served'], kept: Freshness | undefined): Flight {
    const flight = new Flight();
    flight.served = served;
    flight.kept = kept;
    return flight;
  }

  /** This part's value came as that one did. */
  follow({ served, kept, collapsed, since }: Flight): void {
    this.served = served;
    this.kept = kept;
    this.collapsed ||= collapsed;
    if (since < this.since) this.since = since;
  }

  /** What there is instead of an answer, if the deadline comes now. */
  inTime(): unknown {
    return this.fallback?.insteadFor(this);
  }

  /** For a flight that waits for what this one brings. */
  insteadFor(waiting: Flight): unknown {
    const value = this.inTime();
    // How it came is known only once it is taken.
    if (value !== undefined) waiting.follow(this);
    return value;
  }
}
