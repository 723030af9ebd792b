/** A stream of numbers that is the same on every machine. */
export interface Random {
  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number;
  /** A whole number, both ends included. */
  between(low: number, high: number): number;
  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** A position in `weights`, the heavier the likelier. */
  weighted(weights: readonly number[]): number;
}

/**
 * mulberry32 (Tommy Ettinger): 32 bits of state are plenty for seeds. Only whole numbers leave it: engines may
 * differ in the last bit of `Math.log` and its like, and the rows have to be the same everywhere.
 */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (bound: number) => next() % bound;
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (percent) => below(100) < percent,
    pick: (choices) => at(choices, below(choices.length)),
    weighted: (weights) => {
      let rest = below(weights.reduce((sum, weight) => sum + weight, 0));
      return weights.findIndex((weight) => (rest -= weight) < 0);
    },
  };
}

/** The entry at a position that is known to exist. */
export function at<T>(list: readonly T[], index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new RangeError(`expected an index below ${list.length}, but got ${index}`);
  return entry;
}
