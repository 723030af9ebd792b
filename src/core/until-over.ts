import { type Call, Listener } from './call.ts';
import type { Failure } from './failure.ts';

/**
 * Waits for work only as long as the call goes on: rejects with its reason as soon as it is stopped. For work that does
 * not listen by itself; a value that comes too late is handed to `late`, to be given back.
 */
export function untilOver<T>(work: PromiseLike<T>, call: Call, late?: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const leaving = new Leaving(reject);
    if (call.reason) leaving.stopped(call.reason);
    else call.listen(leaving);
    work.then(
      (value) => {
        call.unlisten(leaving);
        if (leaving.left) late?.(value);
        else resolve(value);
      },
      (error: unknown) => {
        call.unlisten(leaving);
        reject(error);
      },
    );
  });
}

class Leaving extends Listener {
  left = false;
  readonly #reject: (reason: Failure) => void;

  constructor(reject: (reason: Failure) => void) {
    super();
    this.#reject = reject;
  }

  override stopped(reason: Failure): void {
    this.left = true;
    this.#reject(reason);
  }
}
