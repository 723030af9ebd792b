import { type Call, Listener } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { Flight } from '../core/flight.ts';
import { explain } from './shared-trace.ts';

/**
 * One answer that several callers wait for. An asker leaves when its own call ends, and nobody else notices; when the
 * last one has left, the work is `deserted`.
 */
export abstract class Shared<Out> {
  /** Emptied at the end: what outlives its use in a table of V8's (see Edge) must not keep its askers' requests alive. */
  readonly askers: Asker<Out>[] = [];
  /** How many have joined, those who left included. */
  protected callers = 0;

  /** Nobody waits any more: the last asker's call was stopped, for this reason. */
  protected abstract deserted(reason: Failure): void;

  /** Tells these askers' spans what they shared: before the askers hear their answer, and with that end their spans. Asked only where there are several. */
  protected explain(_askers: readonly { readonly call: Call }[]): void {}

  /** How the work goes, where it may have something to show to those who leave. */
  protected get flight(): Flight | undefined {
    return undefined;
  }

  /** Waits for the answer, or rejects with the reason why the asker's own call was stopped. */
  join(call: Call): Promise<Out> {
    if (call.reason) return Promise.reject(call.reason);
    this.callers++;
    return new Promise((resolve, reject) => {
      const asker = new Asker(this, call, resolve, reject);
      this.askers.push(asker);
      call.listen(asker);
    });
  }

  /** Gives everybody who still waits the answer, and says how it was served. */
  resolve(answer: Out, flight: Flight): void {
    if (this.callers > 1) this.explain(this.askers);
    for (const asker of this.askers) {
      asker.call.unlisten(asker);
      asker.call.flight.follow(flight);
      asker.resolve(answer);
    }
    this.askers.length = 0;
  }

  reject(error: unknown): void {
    if (this.callers > 1) this.explain(this.askers);
    for (const asker of this.askers) {
      asker.call.unlisten(asker);
      asker.reject(error);
    }
    this.askers.length = 0;
  }

  leave(asker: Asker<Out>, reason: Failure): void {
    if (this.callers > 1) this.explain([asker]);
    const { flight } = this;
    if (flight?.fallback) asker.call.flight.fallback = flight;
    asker.reject(reason);
    this.askers.splice(this.askers.indexOf(asker), 1);
    if (this.askers.length === 0) this.deserted(reason);
  }
}

/** Work in a call of its own, which tells its askers' spans what they shared. A batch, whose entries are shared as well, does so by itself. */
export abstract class SharedWork<Out> extends Shared<Out> {
  readonly call: Call;
  protected readonly startedAt = performance.now();

  constructor(call: Call) {
    super();
    this.call = call;
  }

  protected override explain(askers: readonly { readonly call: Call }[]): void {
    explain(askers, { callers: this.callers, startedAt: this.startedAt, trace: this.call.trace });
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
