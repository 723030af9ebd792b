// Taken at import, before any test fakes time: the clock that ends a hopeless wait must be the real one.
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;
const now = performance.now.bind(performance);

/** Far longer than anything takes on a busy machine, and under every project's own time-out, so that a test fails with what it waited for and not with a bare timeout. */
export const patienceMs = 15_000;

/** Passes `wait` on; rejects with what `tell` says if it takes longer. The bound ends tests, it never paces them. */
export async function bounded<T>(wait: Promise<T>, tell: () => string, timeoutMs = patienceMs): Promise<T> {
  const expired = Promise.withResolvers<never>();
  const timer = startTimer(() => expired.reject(new Error(`after ${timeoutMs} ms: ${tell()}`)), timeoutMs);
  try {
    return await Promise.race([wait, expired.promise]);
  } finally {
    stopTimer(timer);
  }
}

/** Something that changes, and those who wait until it is as they want it: woken by the change, never by a clock. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  announce(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves in the very turn in which `holds` is true. Rejects if `holds` throws, or at the bound with `tell`. */
  async until(holds: () => boolean, tell: () => string, timeoutMs = patienceMs): Promise<void> {
    if (holds()) return;
    const held = Promise.withResolvers<undefined>();
    const look = () => {
      try {
        if (holds()) held.resolve(undefined);
      } catch (error) {
        held.reject(error);
      }
    };
    this.#waiting.add(look);
    try {
      await bounded(held.promise, tell, timeoutMs);
    } finally {
      this.#waiting.delete(look);
    }
  }
}

/** Resolves once `holds`, for what tells nobody when it changes: looks every millisecond, and leaves the CPU to what it waits for. */
export async function until(holds: () => boolean, tell: () => string, timeoutMs = patienceMs): Promise<void> {
  const endsAt = now() + timeoutMs;
  while (!holds()) {
    if (now() > endsAt) throw new Error(`after ${timeoutMs} ms: ${tell()}`);
    await new Promise<void>((resolve) => { startTimer(resolve, 1); });
  }
}
