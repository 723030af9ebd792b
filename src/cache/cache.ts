import { Gone, groupOf, withLists } from './gone.ts';
import { Memory } from './memory.ts';
import type { SharedTier } from './tier.ts';

export interface CacheOptions {
  /** What the tier of this process may take of the heap. */
  readonly bytesMax: number;
  /** The tier of all processes; left out, each is on its own. */
  readonly shared?: SharedTier | undefined;
  /** Where several services share one Redis: whose keys these are. */
  readonly tenant?: string;
}

/** How other processes on this machine hear of an invalidation where there is no shared tier. */
export interface Relay {
  /** Tells all others. */
  tell(tags: readonly string[]): void;
  /** From now on `heard` is called with what the others tell. */
  listen(heard: (tags: readonly string[]) => void): void;
}

/** The longest that anything may be kept: the shared tier remembers invalidations a little longer. */
export const keptMsMax = 24 * 60 * 60 * 1_000;

/**
 * The two tiers, and the one way to make both forget. What is read from them, and when, is the policy's affair
 * (src/policies/cached.ts).
 */
export class Cache {
  readonly memory: Memory;
  readonly shared: SharedTier | undefined;
  readonly tenant: string;
  readonly #gone = new Gone();
  readonly #watching: ((tags: readonly string[] | undefined) => void)[] = [];
  #relay: Relay | undefined;
  /** Whose keys begin so: as many as there are sources. */
  readonly #owners = new Map<string, object>();

  constructor({ bytesMax, shared, tenant = '' }: CacheOptions) {
    this.memory = new Memory(bytesMax);
    this.shared = shared;
    this.tenant = tenant;
    shared?.listen({
      gone: (tags, token) => { this.forget(tags, token); },
      // What was said while nobody listened is lost, so whatever is here may be outdated.
      lost: () => { this.flush(); },
      back: () => { this.flush(); },
    });
  }

  /** True if from now on, or already, keys that begin so are those of this definition; false if they are another one's. */
  claim(prefix: string, definition: object): boolean {
    const owner = this.#owners.get(prefix) ?? definition;
    this.#owners.set(prefix, owner);
    return owner === definition;
  }

  /** From now on other processes hear of what is invalidated here, and the other way round. */
  join(relay: Relay): void {
    this.#relay = relay;
    relay.listen((tags) => { this.forget(tags); });
  }

  /**
   * Whatever bears one of these tags is outdated, here at once and everywhere else as soon as it is heard of;
   * `users:*` means all tags of the group, and any of them outdates what bears `users:?`. The same token again is the same invalidation.
   * Resolves with false if the shared tier could not be told: then other processes' time-outs apply.
   */
  invalidate(tags: readonly string[], token: string = crypto.randomUUID()): Promise<boolean> {
    this.#relay?.tell(tags);
    return this.heard(tags, token);
  }

  /** The same for a change that every process on this machine hears of by itself. */
  heard(tags: readonly string[], token: string): Promise<boolean> {
    this.forget(tags, token);
    return this.shared ? this.shared.invalidate(withLists(tags), token) : Promise.resolve(true);
  }

  /** From now on `told` hears what this process forgets: the tags, or undefined for everything. */
  watch(told: (tags: readonly string[] | undefined) => void): void {
    this.#watching.push(told);
  }

  /**
   * Makes this process alone forget what bears these tags. A change that is heard a second time, from the database and
   * then from the shared tier, is no other change: what was loaded in between is not forgotten again.
   */
  forget(tags: readonly string[], token?: string): void {
    const all = withLists(tags);
    const news = token === undefined ? all : all.filter((tag) => !this.#gone.by(token, tag));
    if (news.length === 0) return;
    this.#gone.tags(news, performance.now(), token);
    for (const tag of news) this.memory.dropTag(tag);
    for (const told of this.#watching) told(news);
  }

  /** Makes this process alone forget everything. */
  flush(): void {
    this.#gone.all();
    this.memory.clear();
    for (const told of this.#watching) told(undefined);
  }

  /**
   * Whether something with these tags was invalidated at this moment or later, so that a load begun then is outdated.
   * Where nobody knows the tags, anything that was invalidated counts.
   */
  goneSince(at: number, tags: readonly string[] | undefined): boolean {
    return this.#gone.since(at, tags);
  }

  /** Whether this process knows that what another one loaded at this moment is outdated, though the shared tier does not. */
  knownGone(at: number, tags: readonly string[]): boolean {
    return this.#gone.told(at, tags);
  }
}

/** The tags that the shared tier is asked about: each with its group, since that may be invalidated as a whole. */
export const withGroups = (tags: readonly string[]): string[] => [...new Set(tags.flatMap((tag) => [tag, groupOf(tag)]))];
