import type { Policy } from '../core/source.ts';

/** Enough for a p95 that a dozen samples stand behind, few enough to follow a source whose pace changes. */
const samplesMax = 256;

/** Sorted anew after so many: in between a quantile is as good as it was. */
const sortedFor = 32;

/** How long the last attempts took that were answered. */
export class Latencies {
  readonly #samples = new Float64Array(samplesMax);
  #count = 0;
  #sorted = new Float64Array(0);
  #sortedAt = -sortedFor;

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    this.#samples[this.#count++ % samplesMax] = ms;
  }

  /** The time within which this share of them was answered, in milliseconds; 0 as long as there are none. */
  quantile(share: number): number {
    if (this.#count - this.#sortedAt >= sortedFor || this.#sorted.length === 0) {
      this.#sorted = this.#samples.subarray(0, Math.min(this.#count, samplesMax)).toSorted();
      this.#sortedAt = this.#count;
    }
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(share * this.#sorted.length))] ?? 0;
  }
}

/** Remembers how long attempts take that are answered. */
export const timed = (latencies: Latencies): Policy => (next) => (input, call) => {
  const startedAt = performance.now();
  const answer = next(input, call);
  answer.then(() => { latencies.add(performance.now() - startedAt); }, () => undefined);
  return answer;
};
