import { Failure } from './failure.ts';
import { Flight } from './flight.ts';
import type { Trace } from './trace.ts';

/**
 * Somebody who must hear that a call was stopped. A link of the call's own list: to join and to leave costs a few
 * assignments and no allocation, and a request does both about ten times.
 */
export abstract class Listener {
  /** @internal */ before: Listener | undefined = undefined;
  /** @internal */ after: Listener | undefined = undefined;
  /** @internal */ heardOf: Call | undefined = undefined;

  /** The call has been stopped. Called once, and only while listening; must not throw. */
  abstract stopped(reason: Failure): void;
}

/** The ending of work that is done. One for all: nobody reads its stack, and taking a stack costs more than a whole call. */
export const callOver = new Failure('call_over', 'the call is over');

/**
 * What travels beside the input: the time that is left, the way to stop, and what this request already knows.
 *
 * A call is one small object. Its timer exists only where its deadline is earlier than its parent's, its
 * AbortController only once somebody reads `signal`: with both made eagerly a request cost six times as much.
 */
export class Call extends Listener implements Disposable {
  /** Absolute, on the monotonic clock of `performance.now()`. */
  readonly deadlineAt: number;
  /** The whole request. */
  readonly root: Call;
  /** Shared with inner calls, so that a policy below says how the part was served. */
  readonly flight: Flight;
  /** The name of the part, on the call that an aggregate made for it; inner calls are not for the part itself. */
  readonly part: string | undefined;
  /** Set on the root: the client wants nothing from a cache, and may want that. */
  reload = false;
  /** Set on the root: the process is short of time, and leaves out what it can (a brownout). */
  brownout = false;
  /** For a part that is left out in a brownout: nothing is loaded for it, and what is kept is served. Inner calls inherit it. */
  spare: boolean;
  /** The endpoints that attempts of this work have asked already, if they are counted. Inner calls inherit it. */
  tried: Set<object> | undefined;
  /** Where this call stands in its trace. Set once, by whoever makes the call. */
  trace: Trace | undefined;
  /** When some timer, this call's or one above it, will stop it; Infinity if there is none. */
  #stopsAt: number;
  #first: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reason: Failure | undefined;
  #abort: AbortController | undefined;
  #memo: Map<unknown, Map<string, unknown>> | undefined;

  private constructor(deadlineAt: number, parent: Call | undefined, flight: Flight, part: string | undefined) {
    super();
    this.deadlineAt = deadlineAt;
    this.root = parent ? parent.root : this;
    this.flight = flight;
    this.part = part;
    this.trace = parent?.trace;
    this.spare = parent !== undefined && parent.spare;
    this.tried = parent?.tried;
    this.#stopsAt = parent ? parent.#stopsAt : Infinity;
    if (!parent) return;
    if (parent.#reason) this.#reason = parent.#reason;
    else parent.listen(this);
  }

  /** The call of a request: it is stopped `ms` from now, unless it ends before. */
  static start(ms: number, trace?: Trace): Call {
    const at = performance.now() + ms;
    const call = new Call(at, undefined, new Flight(), undefined);
    call.trace = trace;
    call.#arm(ms, at);
    return call;
  }

  /**
   * A call for work that several askers share and none of them owns. It has no timer: it is stopped when the last
   * asker leaves, and each asker leaves by its own deadline. `deadlineAt` is the latest of theirs.
   */
  static shared(deadlineAt: number, trace: Trace | undefined): Call {
    const call = new Call(deadlineAt, undefined, new Flight(), undefined);
    call.trace = trace;
    return call;
  }

  /** A shorter call inside this one: stopped after `ms`, or when this one is stopped. Its deadline is no later than this one's. */
  within(ms: number): Call {
    const at = performance.now() + ms;
    if (at >= this.#stopsAt) return this.inner();
    const call = new Call(Math.min(at, this.deadlineAt), this, this.flight, undefined);
    if (!call.#reason) call.#arm(ms, at);
    return call;
  }

  /** A call inside this one, with the same deadline: it can end before this one does. */
  inner(): Call {
    return new Call(this.deadlineAt, this, this.flight, undefined);
  }

  /** A call inside this one whose flight is its own: for a part, or for work that parts share. */
  fork(part?: string): Call {
    return new Call(this.deadlineAt, this, new Flight(), part);
  }

  /** What this request has already asked; kept by the root, so that all parts share it. */
  get memo(): Map<unknown, Map<string, unknown>> {
    return (this.root.#memo ??= new Map());
  }

  /** Why the call was stopped, or undefined while it goes on. */
  get reason(): Failure | undefined {
    return this.#reason;
  }

  get over(): boolean {
    return this.#reason !== undefined;
  }

  /** For APIs that want one, `fetch` for instance; made when it is first read. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#reason) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  /** Milliseconds until the deadline, never below 0. */
  leftMs(): number {
    return Math.max(0, this.deadlineAt - performance.now());
  }

  /** Throws the reason if the call has been stopped. */
  throwIfOver(): void {
    if (this.#reason) throw this.#reason;
  }

  /** From now on the listener hears if this call is stopped. The call must not be over, the listener not listening yet. */
  listen(listener: Listener): void {
    listener.heardOf = this;
    listener.after = this.#first;
    if (this.#first) this.#first.before = listener;
    this.#first = listener;
  }

  /** The listener hears nothing more. Nothing happens if it was not listening to this call. */
  unlisten(listener: Listener): void {
    if (listener.heardOf !== this) return;
    if (listener.before) listener.before.after = listener.after;
    else this.#first = listener.after;
    if (listener.after) listener.after.before = listener.before;
    listener.before = listener.after = listener.heardOf = undefined;
  }

  /** Ends the work, once: everybody who listens, or holds the signal, is told why. */
  stop(reason: Failure): void {
    if (this.#reason) return;
    this.#reason = reason;
    clearTimeout(this.#timer);
    this.heardOf?.unlisten(this);
    for (let next = this.#first; next; next = this.#first) {
      this.unlisten(next);
      next.stopped(reason);
    }
    this.#abort?.abort(reason);
  }

  /** The work is done: what it left running, if anything, is stopped. */
  end(): void {
    this.stop(callOver);
  }

  #arm(ms: number, at: number): void {
    this.#stopsAt = at;
    this.#timer = setTimeout(expire, ms, this, ms);
  }

  [Symbol.dispose](): void {
    this.stop(callOver);
  }

  override stopped(reason: Failure): void {
    this.stop(reason);
  }
}

/** Starts the call of a request, of a job or of a test. `using call = startCall(2_000)` ends it with its block. */
export const startCall = (ms: number, trace?: Trace): Call => Call.start(ms, trace);

function expire(call: Call, ms: number): void {
  call.stop(new Failure('deadline_exceeded', `no answer within ${Math.round(ms)} ms`));
}
