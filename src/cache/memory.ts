import { groupOf } from './gone.ts';
import type { Kept } from './kept.ts';
import { TagIndex } from './tag-index.ts';

/**
 * The tier of this process: what was asked lately, bounded in bytes.
 *
 * Makes room by SIEVE (Zhang et al., NSDI 2024): a hand goes from the oldest to the newest, spares what has been asked
 * for since it last passed, and drops what has not. It keeps more of what is asked for again than LRU does, and a hit
 * writes one boolean where LRU would move a link.
 */
export class Memory {
  readonly bytesMax: number;
  readonly #kept = new Map<string, Kept>();
  readonly #tags = new TagIndex();
  #newest: Kept | undefined;
  #oldest: Kept | undefined;
  #hand: Kept | undefined;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** How many tags are borne by what is kept. */
  get tagCount(): number {
    return this.#tags.size;
  }

  get(key: string): Kept | undefined {
    const found = this.#kept.get(key);
    if (found) found.asked = true;
    return found;
  }

  /** Keeps something in place of what had its key. What is larger than a tenth of the whole is not worth what would make room for it. */
  put(kept: Kept): void {
    this.drop(kept.key);
    if (kept.bytes > this.bytesMax / 10) return;
    while (this.#bytes + kept.bytes > this.bytesMax) this.#makeRoom();
    this.#kept.set(kept.key, kept);
    this.#tags.add(kept);
    this.#link(kept);
    this.#bytes += kept.bytes;
    kept.held = true;
  }

  /** Forgets what has this key, as outdated. */
  drop(key: string): void {
    const found = this.#kept.get(key);
    if (!found) return;
    found.dropped = true;
    this.#forget(found);
  }

  /** Forgets whatever bears this tag; `users:*` stands for all tags that begin with `users:`. */
  dropTag(tag: string): void {
    for (const found of groupOf(tag) === tag ? this.#inGroup(tag) : this.#tags.of(tag)) this.drop(found.key);
  }

  clear(): void {
    for (const key of this.#kept.keys()) this.drop(key);
  }

  /** A whole group is rare, and then worth a look at everything: an index of groups would be one long list for each table. */
  #inGroup(group: string): Kept[] {
    return [...this.#kept.values()].filter(({ tags }) => tags.some((tag) => groupOf(tag) === group));
  }

  #makeRoom(): void {
    let hand = this.#hand ?? this.#oldest;
    while (hand?.asked) {
      hand.asked = false;
      hand = hand.newer ?? this.#oldest;
    }
    if (!hand) return;
    this.#hand = hand.newer;
    this.#forget(hand);
  }

  #forget(kept: Kept): void {
    this.#kept.delete(kept.key);
    this.#tags.remove(kept);
    this.#unlink(kept);
    this.#bytes -= kept.bytes;
    kept.held = false;
  }

  #link(kept: Kept): void {
    kept.older = this.#newest;
    if (this.#newest) this.#newest.newer = kept;
    this.#newest = kept;
    this.#oldest ??= kept;
  }

  #unlink(kept: Kept): void {
    if (this.#hand === kept) this.#hand = kept.newer;
    if (kept.newer) kept.newer.older = kept.older;
    else this.#newest = kept.older;
    if (kept.older) kept.older.newer = kept.newer;
    else this.#oldest = kept.newer;
    kept.newer = kept.older = undefined;
  }
}
