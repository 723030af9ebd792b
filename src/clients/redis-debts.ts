/** A tag with its token is some 100 bytes; beyond these the oldest are forgotten. */
const tagsMax = 1_000;

/**
 * Invalidations that Redis has not taken. A read that fails costs a load, a lost invalidation shows what is outdated for
 * as long as an entry lives: so they are kept until they are taken.
 */
export class Debts {
  readonly #owed = new Map<string, string>();

  get size(): number {
    return this.#owed.size;
  }

  /** False if there are too many, and older ones were given up. */
  add(tags: readonly string[], token: string): boolean {
    for (const tag of tags) {
      this.#owed.delete(tag);
      this.#owed.set(tag, token);
    }
    let kept = true;
    for (const tag of this.#owed.keys()) {
      if (this.#owed.size <= tagsMax) break;
      this.#owed.delete(tag);
      kept = false;
    }
    return kept;
  }

  /** Asks for all that is owed. Resolves once all are taken, else rejects with why one was not. */
  async pay(invalidate: (tags: readonly string[], token: string) => Promise<unknown>): Promise<void> {
    const byToken = Map.groupBy(this.#owed, ([, token]) => token);
    const paid = await Promise.allSettled([...byToken].map(async ([token, owed]) => {
      await invalidate(owed.map(([tag]) => tag), token);
      // Owed again meanwhile, it has another token.
      for (const [tag] of owed) if (this.#owed.get(tag) === token) this.#owed.delete(tag);
    }));
    for (const { reason } of paid.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]) throw reason;
  }
}
