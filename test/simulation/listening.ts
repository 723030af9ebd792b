import { Call, type Listener } from '../../src/core/call.ts';

/** Who listens to any call. By hand and not by a spy: one that remembers what it was told fills the heap in an hour. */
export class Listening implements Disposable {
  readonly #listening = new Set<Listener>();
  readonly #restore: () => void;

  constructor() {
    // eslint-disable-next-line typescript/unbound-method -- bound to the call that is asked, below
    const { listen, unlisten } = Call.prototype;
    const listening = this.#listening;
    Call.prototype.listen = function watched(this: Call, listener) {
      listening.add(listener);
      listen.call(this, listener);
    };
    Call.prototype.unlisten = function watched(this: Call, listener) {
      if (listener.heardOf === this) listening.delete(listener);
      unlisten.call(this, listener);
    };
    this.#restore = () => { Object.assign(Call.prototype, { listen, unlisten }); };
  }

  get size(): number {
    return this.#listening.size;
  }

  to(call: Call): number {
    let count = 0;
    for (const { heardOf } of this.#listening) if (heardOf === call) count++;
    return count;
  }

  [Symbol.dispose](): void {
    this.#restore();
  }
}
