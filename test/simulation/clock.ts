import { vi } from 'vitest';
import { randomFrom } from '../../demo/seed/random.ts';
import { settled } from '../core/fake-time.ts';

/**
 * Everything that could differ between two runs of a seed, in one hand: time, timers, chance and ids. Timers come one
 * by one with all that promises have to do in between, as in Node.
 */
export class Clock implements Disposable {
  readonly #restore: () => void;
  /** Runs the next timer alone: `vi.advanceTimersToNextTimer` runs all that are due at its moment, and Node lets promises go on in between. */
  readonly #next: () => void;
  #stalledUntil = 0;

  constructor(seed: number) {
    const { random: chance } = Math;
    vi.useFakeTimers({ now: 0 });
    const now = performance.now.bind(performance);
    const start = globalThis.setTimeout;
    const { clock } = start as unknown as { readonly clock: { next(): void } };
    this.#next = () => { clock.next(); };
    const dice = randomFrom(seed);
    const startedAt = now();
    const ticked = (): number => now() - startedAt;
    performance.now = () => Math.max(ticked(), this.#stalledUntil);
    // What is started while the loop lags behind the time is not started earlier than that.
    const late = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => start(run, ms + Math.max(0, this.#stalledUntil - ticked()), ...args);
    globalThis.setTimeout = late as typeof setTimeout;
    Math.random = () => dice.below(1_000_000) / 1_000_000;
    let ids = 0;
    crypto.randomUUID = () => `0-0-0-0-${ids++}`;
    this.#restore = () => {
      Math.random = chance;
      performance.now = now;
      globalThis.setTimeout = start;
      Reflect.deleteProperty(crypto, 'randomUUID');
      vi.useRealTimers();
    };
  }

  /** The process does something else for so long: what is due meanwhile comes late, and all at once. */
  stall(ms: number): void {
    this.#stalledUntil = performance.now() + ms;
  }

  /** Lets time pass until this moment, or until nothing is left to happen. */
  async until(moment: number): Promise<void> {
    const goal = { reached: false };
    setTimeout(() => { goal.reached = true; }, Math.max(0, moment - performance.now()));
    await settled();
    while (!goal.reached) {
      this.#next();
      await settled();
    }
  }

  [Symbol.dispose](): void {
    this.#restore();
  }
}
