import { type Call, Listener } from './call.ts';

/** Resolves after `ms`, or as soon as the call is stopped: whoever paused looks whether it is over. */
export function pause(ms: number, call: Call): Promise<void> {
  return new Promise((resolve) => {
    if (call.reason) return resolve();
    call.listen(new Pausing(ms, call, resolve));
  });
}

class Pausing extends Listener {
  readonly #timer: NodeJS.Timeout;
  readonly #resolve: () => void;

  constructor(ms: number, call: Call, resolve: () => void) {
    super();
    this.#resolve = resolve;
    this.#timer = setTimeout(() => {
      call.unlisten(this);
      resolve();
    }, ms);
  }

  override stopped(): void {
    clearTimeout(this.#timer);
    this.#resolve();
  }
}
