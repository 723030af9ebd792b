/** Longer than any load may take: what was asked for before has ended by then. */
const rememberedMs = 60_000;

/** Beyond so many, single tags are not remembered: then everything that is being loaded counts as outdated. */
const rememberedMax = 10_000;

/**
 * What has been invalidated lately, for loads that were under way then: what they bring may be the old value, and is
 * not kept.
 */
export class Gone {
  #at = new Map<string, number>();
  /** What each tag was last invalidated by, for as long as its moment is remembered. */
  readonly #by = new Map<string, string>();
  #allAt = -Infinity;
  #lastAt = -Infinity;
  #sweptAt = -Infinity;

  /** `token` says which change it was, where that is known. */
  tags(tags: readonly string[], now = performance.now(), token?: string): void {
    this.#sweep(now);
    this.#lastAt = now;
    if (this.#at.size + tags.length > rememberedMax) {
      this.#at = new Map();
      this.#by.clear();
      return this.all(now);
    }
    for (const tag of tags) {
      this.#at.set(tag, now);
      if (token === undefined) this.#by.delete(tag);
      else this.#by.set(tag, token);
    }
  }

  /** Whether this very change was the last that is remembered of the tag. */
  by(token: string, tag: string): boolean {
    return this.#by.get(tag) === token;
  }

  all(now = performance.now()): void {
    this.#allAt = this.#lastAt = now;
  }

  /**
   * Whether something that bears these tags was invalidated at this moment or later; without tags, anything at all.
   * Of moments longer ago than what is remembered nobody knows, so they count as outdated.
   */
  since(at: number, tags: readonly string[] | undefined, now = performance.now()): boolean {
    if (this.#allAt >= at || now - at >= rememberedMs) return true;
    return tags ? this.told(at, tags) : this.#lastAt >= at;
  }

  /** Whether it is remembered that one of these tags was invalidated at this moment or later. */
  told(at: number, tags: readonly string[]): boolean {
    if (this.#at.size === 0) return false;
    return tags.some((tag) => this.#goneAt(tag) >= at || this.#goneAt(groupOf(tag)) >= at);
  }

  #goneAt(tag: string): number {
    return this.#at.get(tag) ?? -Infinity;
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < rememberedMs) return;
    this.#sweptAt = now;
    this.#at = new Map([...this.#at].filter(([, at]) => now - at < rememberedMs));
    for (const tag of this.#by.keys()) if (!this.#at.has(tag)) this.#by.delete(tag);
  }
}

/** What a list of rows bears: `users:?` is outdated together with any of `users:*`. */
export const anyOf = (group: string): string => `${group}:?`;

/** These tags, and those of the lists that they outdate. */
export const withLists = (tags: readonly string[]): string[] => [...new Set(tags.flatMap((tag) => [tag, `${groupOf(tag).slice(0, -1)}?`]))];

/** `users:42` is one of the group `users:*`. */
export const groupOf = (tag: string): string => `${tag.slice(0, tag.indexOf(':') + 1)}*`;
