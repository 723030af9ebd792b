/** How many questions of how long a window. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
}

/** What a key has used of its window, and how long that goes on. */
export interface Taken {
  readonly used: number;
  readonly leftMs: number;
}

/** Counts what each key asks. Never rejects: where it cannot be counted with others, it is counted alone. */
export interface RateLimits {
  readonly rate: Rate;
  /** Counts one question more; at once where nobody else has to be asked. */
  take(key: string): Taken | Promise<Taken>;
}

/** At some 200 bytes a key 20 MB; a flood from more addresses than that is no longer a matter of one caller's share. */
const keysMax = 100_000;
/** Ended windows that make room for a new one: more than one, so that they become fewer when the flood is over. */
const sweptMax = 4;

interface Window {
  used: number;
  endsAt: number;
}

/**
 * Fixed windows in this process, each beginning with its key's first question. Of rate-limiter-flexible's limiter in memory
 * neither the number of keys nor that of its timers is bounded, and it moves with the wall clock.
 */
export class RateWindows implements RateLimits {
  readonly rate: Rate;
  readonly #keysMax: number;
  /** In the order in which they began, so that the first ones end first. */
  readonly #windows = new Map<string, Window>();

  constructor(rate: Rate, keysMost = keysMax) {
    this.rate = rate;
    this.#keysMax = keysMost;
  }

  get size(): number {
    return this.#windows.size;
  }

  take(key: string): Taken {
    const now = performance.now();
    let window = this.#windows.get(key);
    if (!window || now >= window.endsAt) window = this.#begin(key, now, this.rate.windowMs);
    window.used += 1;
    return { used: window.used, leftMs: window.endsAt - now };
  }

  /** The window of a key that has used more than it may, as long as it lasts. */
  spent(key: string): Taken | undefined {
    const window = this.#windows.get(key);
    if (!window || window.used <= this.rate.count) return undefined;
    const leftMs = window.endsAt - performance.now();
    return leftMs > 0 ? { used: window.used, leftMs } : undefined;
  }

  /** Notes what was counted elsewhere. */
  note(key: string, { used, leftMs }: Taken): void {
    this.#begin(key, performance.now(), leftMs).used = used;
  }

  #begin(key: string, now: number, lastsMs: number): Window {
    // Anew, and so behind all others.
    this.#windows.delete(key);
    let swept = 0;
    for (const [oldest, { endsAt }] of this.#windows) {
      if (this.#windows.size < this.#keysMax && (endsAt > now || swept >= sweptMax)) break;
      this.#windows.delete(oldest);
      swept += 1;
    }
    const window = { used: 0, endsAt: now + lastsMs };
    this.#windows.set(key, window);
    return window;
  }
}
