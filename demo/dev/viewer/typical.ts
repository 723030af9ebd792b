/** How many of the last durations of a route are known: enough for a middle that one slow request does not move. */
const known = 101;
/** Below this many the middle says nothing. */
const enough = 20;
/** Faster than this nobody calls slow, whatever is typical. */
const slowMs = 50;
/** By how much slower than the middle a request has to be: what varies by less is only noise on a laptop. */
const times = 3;
/** The routes are few and fixed; what else came would be a mistake. */
const routesMax = 100;

/** How long requests of each route take, to tell which are slow: a threshold in milliseconds fits no two routes. */
export class Typical {
  readonly #durations = new Map<string, number[]>();

  /** True if the request was much slower than those of its route before it. */
  isSlow(route: string, durationMs: number): boolean {
    const before = this.#durations.get(route);
    const slow = durationMs >= slowMs && (!before || before.length < enough || durationMs >= times * middle(before));
    if (before) {
      before.push(durationMs);
      if (before.length > known) before.shift();
    } else if (this.#durations.size < routesMax) {
      this.#durations.set(route, [durationMs]);
    }
    return slow;
  }
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
