/** What is asked of the shared tier together with a read: the right to load what is not there, before anybody else does. */
export interface LeaseWanted {
  /** Ours alone: only its holder gives the lease back. */
  readonly token: string;
  /** How long it lasts if its holder dies. */
  readonly ms: number;
  /** It is wanted where nothing is stored, and where what is stored has less than this left. */
  readonly unlessLeftMs: number;
}

/** What the shared tier said about a key. */
export interface Found {
  /** As it was put; undefined if there is nothing. */
  readonly text: string | undefined;
  /** Milliseconds until the tier forgets it, by the tier's own clock: no two machines' clocks are compared. */
  readonly leftMs: number;
  /** Of each tag asked about, in their order, the token it was last invalidated with; '' if it never was. */
  readonly versions: readonly string[];
  /** Ours, somebody else's, or neither wanted nor possible (a replica that only reads, no memory left). */
  readonly lease: 'won' | 'lost' | 'none';
}

/** Who wants to hear of invalidations. */
export interface BusListener {
  /** Whatever bears one of these tags is outdated; by which change, where that is said. */
  gone(tags: readonly string[], token?: string): void;
  /** From now on nothing is heard: what was heard before may not be all. */
  lost(): void;
  /** Heard again; what was said meanwhile is lost for good. */
  back(): void;
}

/**
 * The tier that all processes share. It is optional in every moment: no method throws, rejects or keeps its caller for
 * longer than 60 ms, and once it has been found not to answer, all return at once until it does.
 */
export interface SharedTier {
  /** Undefined if the tier could not be asked. */
  read(key: string, tags: readonly string[], lease?: LeaseWanted): Promise<Found | undefined>;
  /** Stores a text for `ttlMs`, and gives back the lease it was loaded under. Nobody waits for it; it may be lost. */
  put(key: string, text: string, ttlMs: number, token?: string): void;
  /** Gives a lease back without having anything to store. */
  release(key: string, token: string): void;
  /** Forgets what was found to be of no use. */
  drop(key: string): void;
  /**
   * Whatever bears one of these tags is outdated from now on, in this tier, and every process that listens is told.
   * The same token twice is one invalidation: many processes may have seen the same change. False: it could not be done.
   */
  invalidate(tags: readonly string[], token: string): Promise<boolean>;
  /** From now on the listener hears of invalidations, those of this process included. At most one listens. */
  listen(listener: BusListener): void;
}
