import { type Call, Listener } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { Flight } from '../core/flight.ts';

/**
 * One answer that several callers wait for. An asker leaves when its own call ends, and nobody else notices; when the
 * last one has left, the work is `deserted`.
 */
export abstract class Shared<Out> {
  /** Emptied at the end: what outlives its use in a table of V8's (see Edge) must not keep its askers' requests alive. */
  readonly askers: Asker<Out>[] = [];

  /** Nobody waits any more: the last asker's call was stopped, for this reason. */
  protected abstract deserted(reason: Failure): void;

  /** How the work goes, where it may have something to show to those who leave. */
  protected get flight(): Flight | undefined {
    return undefined;
  }

  /** Waits for the answer, or rejects with the reason why the asker's own call was stopped. */
  join(call: Call): Promise<Out> {
    if (call.reason) return Promise.reject(call.reason);
    return new Promise((resolve, reject) => {
      const asker = new Asker(this, call, resolve, reject);
      this.askers.push(asker);
      call.listen(asker);
    });
  }

  /** Gives everybody who still waits the answer, and says how it was served. */
  resolve(answer: Out, flight: Flight): void {
    for (const asker of this.askers) {
      asker.call.unlisten(asker);
      asker.call.flight.follow(flight);
      asker.resolve(answer);
    }
    this.askers.length = 0;
  }

  reject(error: unknown): void {
    for (const asker of this.askers) {
      asker.call.unlisten(asker);
      asker.reject(error);
    }
    this.askers.length = 0;
  }

  leave(asker: Asker<Out>, reason: Failure): void {
    const { flight } = this;
    if (flight?.fallback) asker.call.flight.fallback = flight;
    asker.reject(reason);
    this.askers.splice(this.askers.indexOf(asker), 1);
    if (this.askers.length === 0) this.deserted(reason);
  }
}

/** Somebody who waits, for as long as their own call goes on. */
class Asker<Out> extends Listener {
  readonly call: Call;
  readonly resolve: (answer: Out) => void;
  readonly reject: (error: unknown) => void;
  readonly #shared: Shared<Out>;

  constructor(shared: Shared<Out>, call: Call, resolve: (answer: Out) => void, reject: (error: unknown) => void) {
    super();
    this.call = call;
    this.resolve = resolve;
    this.reject = reject;
    this.#shared = shared;
  }

  override stopped(reason: Failure): void {
    this.#shared.leave(this, reason);
  }
}
