/** Often enough to see an overload within a tenth of a second, and seldom enough to cost nothing. */
const everyMs = 20;
/** How much the last look counts. */
const weight = 0.3;
/**
 * What one look can say at most. One late look is a pause (a collection of garbage, a large parse) after which there may
 * be all the time in the world; only several in a row are a queue. So one alone stays below every threshold.
 */
const lookMsMax = 100;

/** How late the event loop is: what a request waits in the kernel before anybody here can count it. */
export class LoopDelay {
  readonly #looked: (now: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #at = 0;
  #ms = 0;

  /** `looked` is called after each look. */
  constructor(looked: (now: number) => void) {
    this.#looked = looked;
  }

  /** In milliseconds, smoothed. */
  get ms(): number {
    return this.#ms;
  }

  /** Nothing waits for its timer: a process may end with it. */
  start(): void {
    this.#at = performance.now();
    this.#timer ??= setInterval(() => { this.look(performance.now()); }, everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** For the timer, and for tests. */
  look(now: number): void {
    const lateMs = Math.min(Math.max(0, now - this.#at - everyMs), lookMsMax);
    this.#at = now;
    this.#ms += (lateMs - this.#ms) * weight;
    this.#looked(now);
  }
}
