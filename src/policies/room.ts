import { Listener } from '../core/call.ts';
import { wholeFrom } from '../core/whole.ts';

export interface LimitRules {
  /** Attempts that are under way at the same time. */
  readonly underWay: number;
  /** Questions that wait for their turn; beyond them they are refused as `overloaded`. */
  readonly waiting: number;
}

/** Who waits, as a room sees them: a link of its queue. */
export abstract class Waiting extends Listener {
  ahead: Waiting | undefined = undefined;
  behind: Waiting | undefined = undefined;

  /** A place has become free, and is theirs. */
  abstract enter(): void;
}

/** Who is under way and who waits. A list linked by the waiters themselves, so that leaving it costs the same for all. */
export class Room {
  #free: number;
  #seats: number;
  #first: Waiting | undefined;
  #last: Waiting | undefined;

  constructor({ underWay, waiting }: LimitRules) {
    this.#free = wholeFrom(1, underWay, 'underWay of a limit');
    this.#seats = wholeFrom(0, waiting, 'waiting of a limit');
  }

  get full(): boolean {
    return this.#seats === 0;
  }

  /** Takes a place, if there is one. As long as anybody waits there is none. */
  enter(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** A place has become free: it is the first waiter's. */
  leave(): void {
    const first = this.#first;
    if (!first) {
      this.#free++;
      return;
    }
    this.unqueue(first);
    first.enter();
  }

  queue(waiter: Waiting): void {
    this.#seats--;
    waiter.ahead = this.#last;
    if (this.#last) this.#last.behind = waiter;
    else this.#first = waiter;
    this.#last = waiter;
  }

  unqueue(waiter: Waiting): void {
    this.#seats++;
    if (waiter.ahead) waiter.ahead.behind = waiter.behind;
    else this.#first = waiter.behind;
    if (waiter.behind) waiter.behind.ahead = waiter.ahead;
    else this.#last = waiter.ahead;
    waiter.ahead = waiter.behind = undefined;
  }
}
