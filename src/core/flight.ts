/** Until when a value that a cache keeps may be used. Times are those of `performance.now()`. */
export interface Freshness {
  /** When the value was loaded, perhaps by another process. */
  readonly storedAt: number;
  readonly freshUntil: number;
  /** Invalidated, or replaced by a newer value: whatever was built from it is outdated too. */
  readonly dropped: boolean;
  /** Why it was loaded: there was none, it was too old, or the request asked for a new one. */
  readonly because: 'miss' | 'stale' | 'request';
}

/** How a part's value was obtained. Policies write it; the trace and the reply read it. */
export class Flight {
  served: 'live' | 'cache' | 'stale' = 'live';
  /** Where a cache keeps the value: for how long. */
  kept: Freshness | undefined = undefined;
  /** Somebody else's load brought it. */
  collapsed = false;
  /**
   * What there is if the call is stopped by its deadline: what an aggregate has by then, or what a cache would rather
   * not serve. Whoever waits takes it in the same moment: the promise of it would be heard one moment too late.
   */
  inTime: (() => unknown) | undefined = undefined;

  static of(served: Flight['served'], kept: Freshness | undefined): Flight {
    const flight = new Flight();
    flight.served = served;
    flight.kept = kept;
    return flight;
  }

  /** This part's value came as that one did. */
  follow({ served, kept, collapsed }: Flight): void {
    this.served = served;
    this.kept = kept;
    this.collapsed ||= collapsed;
  }
}
