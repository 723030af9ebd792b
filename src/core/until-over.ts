import { type Call, Listener } from './call.ts';
import type { Failure } from './failure.ts';

export interface UntilOverOptions<T> {
  /** How long after its call's end the work is still waited for. */
  readonly graceMs?: number;
  /** Given a value that comes when nobody waits any more, to give it back. */
  readonly late?: (value: T) => void;
}

/**
 * Waits for work only as long as the call goes on: rejects with its reason once it is stopped. For work that does not
 * listen by itself, or may not.
 */
export function untilOver<T>(work: PromiseLike<T>, call: Call, { graceMs = 0, late }: UntilOverOptions<T> = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const leaving = new Leaving(reject, graceMs);
    if (call.reason) leaving.stopped(call.reason);
    else call.listen(leaving);
    work.then(
      (value) => {
        call.unlisten(leaving);
        clearTimeout(leaving.timer);
        if (leaving.left) late?.(value);
        else resolve(value);
      },
      (error: unknown) => {
        call.unlisten(leaving);
        clearTimeout(leaving.timer);
        reject(error);
      },
    );
  });
}

class Leaving extends Listener {
  left = false;
  timer: NodeJS.Timeout | undefined;
  readonly #reject: (reason: Failure) => void;
  readonly #graceMs: number;

  constructor(reject: (reason: Failure) => void, graceMs: number) {
    super();
    this.#reject = reject;
    this.#graceMs = graceMs;
  }

  override stopped(reason: Failure): void {
    if (this.#graceMs > 0) this.timer = setTimeout(() => { this.#leave(reason); }, this.#graceMs);
    else this.#leave(reason);
  }

  #leave(reason: Failure): void {
    this.left = true;
    this.#reject(reason);
  }
}
