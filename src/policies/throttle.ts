/** Sends at most twice what is accepted: fewer and it would refuse while every second request is still answered. */
const perAccepted = 2;

/** Some are always let through, or nobody would notice that the fault is gone. With 0.95 the slowest recovery took 4 s and not 3. */
const shareMax = 0.9;

/** So many have to be remembered before any is refused: three failures in a quiet night are no outage. */
const volumeMin = 10;

/**
 * What is half a second old counts for 1/e, and what is older than a second and a half hardly at all. Simulated: after an outage
 * everything passes again within 3 s; with a second in place of the half, within 6 (docs/decisions/0016).
 */
const memoryMs = 500;

/**
 * Google's client-side throttling (Site Reliability Engineering, chapter 21): of what is asked the share
 * `(asked − 2 · accepted) / (asked + 1)` is refused, asked being what was refused included. No state is open or closed:
 * it refuses more the less is accepted, and a source that recovers is given twice what it accepts, and twice that.
 */
export class Throttle {
  #asked = 0;
  #accepted = 0;
  #at = 0;

  /** The share of questions that is refused now, from 0 to 0.9. `now` is in milliseconds and never goes back. */
  share(now: number): number {
    this.#forget(now);
    if (this.#asked < volumeMin) return 0;
    return Math.min(shareMax, Math.max(0, (this.#asked - perAccepted * this.#accepted) / (this.#asked + 1)));
  }

  /** Whether this question is refused; then it counts as asked. One that is not counts when it is known how it ended. */
  refuses(now: number): boolean {
    const share = this.share(now);
    if (share === 0 || Math.random() >= share) return false;
    this.#asked++;
    return true;
  }

  count(accepted: boolean, now: number): void {
    this.#forget(now);
    this.#asked++;
    if (accepted) this.#accepted++;
  }

  #forget(now: number): void {
    const kept = Math.exp((this.#at - now) / memoryMs);
    this.#asked *= kept;
    this.#accepted *= kept;
    this.#at = now;
  }
}
