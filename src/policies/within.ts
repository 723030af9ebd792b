import { Listener } from '../core/call.ts';
import { type Duration, toMs } from '../core/duration.ts';
import type { Failure } from '../core/failure.ts';
import type { Policy } from '../core/source.ts';

/**
 * The source has this long, or what is left of its caller's time where that is less. The call asks it to stop;
 * hearing of the call's end as well makes sure that nobody waits for a source that does not.
 */
export const within = (limit: Duration): Policy => {
  const limitMs = toMs(limit);
  return (next) => (input, call) => {
    if (call.reason) return Promise.reject(call.reason);
    const own = call.within(limitMs);
    return new Promise((resolve, reject) => {
      own.listen(new Deaf(reject));
      next(input, own).then(
        (answer) => { resolve(answer); own.end(); },
        (error: unknown) => { reject(error); own.end(); },
      );
    });
  };
};

/** Rejects for a source that may not be listening. */
class Deaf extends Listener {
  readonly #reject: (reason: Failure) => void;

  constructor(reject: (reason: Failure) => void) {
    super();
    this.#reject = reject;
  }

  override stopped(reason: Failure): void {
    this.#reject(reason);
  }
}
