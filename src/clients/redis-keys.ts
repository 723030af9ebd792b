/** 25 hours: an hour above what an entry may live for, so that no entry outlives the mark that it is outdated. */
const tagMs = 25 * 60 * 60 * 1_000;

/** The names of everything in Redis. The number is the layout's: who changes what a key holds raises it. */
export class Keys {
  readonly channel: string;
  /** Read to find out whether Redis answers; it never exists. */
  readonly probe: string;
  readonly tagMs = String(tagMs);
  readonly #prefix: string;

  constructor(namespace: string) {
    this.#prefix = `${namespace}:1:`;
    this.channel = `${this.#prefix}gone`;
    this.probe = `${this.#prefix}probe`;
  }

  /** In braces is what a cluster makes the slot of: an entry and its lease are in one. */
  entry(key: string): string {
    return `${this.#prefix}{${key}}`;
  }

  lease(key: string): string {
    return `${this.#prefix}{${key}}:lease`;
  }

  tag(tag: string): string {
    return `${this.#prefix}tag:${tag}`;
  }

  /** What is neither an entry nor about one. */
  other(name: string): string {
    return `${this.#prefix}${name}`;
  }
}
