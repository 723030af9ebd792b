import { Listener } from '../../src/core/call.ts';
import type { Failure } from '../../src/core/failure.ts';

/** A listener that keeps what it heard, and may do something when it hears. */
export class Ear extends Listener {
  readonly heard: Failure[] = [];
  readonly #whenStopped: (() => void) | undefined;

  constructor(whenStopped?: () => void) {
    super();
    this.#whenStopped = whenStopped;
  }

  override stopped(reason: Failure): void {
    this.heard.push(reason);
    this.#whenStopped?.();
  }
}
