/** How many of the last durations of a name are known: enough for a middle that one slow request does not move. */
const known = 101;
/** Below this many the middle says nothing. */
const enough = 20;
/** Faster than this nobody calls slow, whatever is typical. */
const slowMs = 50;
/** By how much slower than the middle a request has to be: what varies by less is only noise on a laptop. */
const times = 3;
/** Routes and what lies below them are few and fixed; what else came would be a mistake. */
const namesMax = 1_000;

/** How long things of each name take, to tell which are slow: a threshold in milliseconds fits no two routes. */
export class Typical {
  readonly #durations = new Map<string, number[]>();

  add(name: string, durationMs: number): void {
    const before = this.#durations.get(name);
    if (before) {
      before.push(durationMs);
      if (before.length > known) before.shift();
    } else if (this.#durations.size < namesMax) {
      this.#durations.set(name, [durationMs]);
    }
  }

  /** The middle of the last ones; undefined while too few are known to say. */
  of(name: string): number | undefined {
    const durations = this.#durations.get(name);
    return durations && durations.length >= enough ? middle(durations) : undefined;
  }

  /** True if it was much slower than those of its name before it. */
  isSlow(name: string, durationMs: number): boolean {
    const usual = this.of(name);
    this.add(name, durationMs);
    return durationMs >= slowMs && (usual === undefined || durationMs >= times * usual);
  }
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
