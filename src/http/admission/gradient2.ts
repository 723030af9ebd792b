/** Netflix's figures (concurrency-limits, Gradient2Limit): below 20 a limit says more about chance than about load. */
const limitLeast = 20;
/** Added with each step, so that a limit that is reached grows; and how much of a step is taken. */
const queueSize = 4;
const smoothing = 0.2;
/** An answer may take half as long again as usual before the limit falls. */
const tolerance = 1.5;
const longWindow = 600;
/** So many first samples are averaged as they are: one of them says nothing yet. */
const warmUp = 10;
/** What is left of the limit when the loop is late: ten late looks leave a third. */
const lowered = 0.9;

/** How long answers usually take: an exponential average over some 600 samples, in milliseconds. */
export class UsualTime {
  #ms = 0;
  #count = 0;
  #sum = 0;

  get ms(): number {
    return this.#ms;
  }

  add(ms: number): void {
    if (this.#count < warmUp) {
      this.#sum += ms;
      this.#ms = this.#sum / ++this.#count;
      return;
    }
    this.#ms += (ms - this.#ms) * (2 / (longWindow + 1));
  }

  /** It fades when answers take less than half of it, so that the limit recovers soon after a long overload. */
  fade(): void {
    this.#ms *= 0.95;
  }
}

/**
 * Finds how many requests can be under way: fewer when answers begin to take longer than usual, which says that they wait
 * for each other; more as long as they do not. A port of Netflix's Gradient2Limit.
 */
export class Gradient2 {
  readonly #most: number;
  #limit = limitLeast;

  constructor(most: number) {
    this.#most = Math.max(most, limitLeast);
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** A sample: how long answers took, what that usually is, and how many requests were under way. */
  sample(ms: number, inFlight: number, usual: UsualTime): void {
    usual.add(ms);
    const usualMs = usual.ms;
    if (usualMs > 2 * ms) usual.fade();
    // So few did not try the limit.
    if (inFlight < this.#limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (tolerance * usualMs) / ms));
    this.#move(this.#limit * (1 - smoothing) + (this.#limit * gradient + queueSize) * smoothing);
  }

  /** Takes a tenth away. Where answers take long for long enough, that becomes usual; a loop that is late never does. */
  lower(): void {
    this.#move(this.#limit * lowered);
  }

  #move(limit: number): void {
    this.#limit = Math.max(limitLeast, Math.min(this.#most, limit));
  }
}
