import { anything, type LivePart } from './live-part.ts';

/** Which parts are outdated when a tag is invalidated. */
export class TagWatch {
  readonly #parts = new Map<string, Set<LivePart>>();
  readonly #tags = new Map<LivePart, readonly string[]>();

  get size(): number {
    return this.#parts.size;
  }

  /** From now on the part is invalidated by these tags, and by no others. */
  set(part: LivePart, tags: readonly string[]): void {
    const before = this.#tags.get(part) ?? [];
    if (before === tags || (before.length === tags.length && before.every((tag, at) => tag === tags[at]))) return;
    for (const tag of before) {
      const parts = this.#parts.get(tag);
      parts?.delete(part);
      if (parts?.size === 0) this.#parts.delete(tag);
    }
    for (const tag of tags) {
      const parts = this.#parts.get(tag);
      if (parts) parts.add(part);
      else this.#parts.set(tag, new Set([part]));
    }
    if (tags.length > 0) this.#tags.set(part, tags);
    else this.#tags.delete(part);
  }

  /** The parts that bear one of these tags; `users:*` stands for all tags that begin with `users:`. */
  of(tags: readonly string[]): Set<LivePart> {
    const found = new Set(this.#parts.get(anything));
    for (const tag of tags) {
      for (const part of this.#parts.get(tag) ?? []) found.add(part);
      // Rare, and then worth a look at everything.
      if (tag.endsWith(':*')) for (const part of this.#inGroup(tag.slice(0, -1))) found.add(part);
    }
    return found;
  }

  *#inGroup(beginning: string): Generator<LivePart> {
    for (const [tag, parts] of this.#parts) if (tag.startsWith(beginning)) yield* parts;
  }
}
