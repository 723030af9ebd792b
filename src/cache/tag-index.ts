import type { Kept } from './kept.ts';

/** Who bears a tag. Nearly every tag is borne by one or two, so a list each, and no list for a single one. */
export class TagIndex {
  readonly #bearers = new Map<string, Kept | Kept[]>();

  /** How many tags are borne by anybody. */
  get size(): number {
    return this.#bearers.size;
  }

  add(kept: Kept): void {
    for (const tag of kept.tags) {
      const others = this.#bearers.get(tag);
      if (others === undefined) this.#bearers.set(tag, kept);
      else if (Array.isArray(others)) others.push(kept);
      else this.#bearers.set(tag, [others, kept]);
    }
  }

  remove(kept: Kept): void {
    for (const tag of kept.tags) {
      const bearers = this.#bearers.get(tag);
      if (bearers === kept) this.#bearers.delete(tag);
      if (!Array.isArray(bearers)) continue;
      const at = bearers.indexOf(kept);
      if (at < 0) continue;
      const last = bearers.pop()!;
      if (at < bearers.length) bearers[at] = last;
      if (bearers.length === 0) this.#bearers.delete(tag);
    }
  }

  of(tag: string): readonly Kept[] {
    const bearers = this.#bearers.get(tag);
    if (bearers === undefined) return [];
    return Array.isArray(bearers) ? [...bearers] : [bearers];
  }
}
