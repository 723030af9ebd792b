import type { Call } from '../../src/core/call.ts';
import type { Source } from '../../src/core/source.ts';
import { Changes } from './until.ts';

/** One ask of a scripted source, for the test to land when and how it likes. */
export class Ask<In, Out> {
  readonly input: In;
  readonly call: Call;
  readonly answer: Promise<Out>;
  readonly #landing = Promise.withResolvers<Out>();
  // Read once, as a driver does, and without a listener: a script must not add what a leak test then finds.
  readonly #signal: AbortSignal;
  #stoppedFirst: boolean | undefined;

  constructor(input: In, call: Call) {
    this.input = input;
    this.call = call;
    this.answer = this.#landing.promise;
    this.#signal = call.signal;
  }

  get landed(): boolean {
    return this.#stoppedFirst !== undefined;
  }

  /** Whether the call was stopped before this ask landed. Landing is still up to the test. */
  get stopped(): boolean {
    return this.#stoppedFirst ?? this.#signal.aborted;
  }

  resolve(value: Out): void {
    this.#land();
    this.#landing.resolve(value);
  }

  reject(error: unknown): void {
    this.#land();
    this.#landing.reject(error);
  }

  /** Lands as the contract of a source asks of a load whose call was stopped: with the reason of the stop. */
  stop(): void {
    if (!this.#signal.aborted) throw new Error('expected a call that was stopped, but it goes on');
    this.reject(this.#signal.reason);
  }

  #land(): void {
    if (this.landed) throw new Error('expected an ask that is open, but it has landed before');
    this.#stoppedFirst = this.#signal.aborted;
  }
}

export interface Script<In, Out> {
  readonly source: Source<In, Out>;
  /** Every ask so far, in order. */
  readonly asked: readonly Ask<In, Out>[];
  /** The first ask that `next` has not given yet; waits for it if it is still to come. */
  next(): Promise<Ask<In, Out>>;
}

/** A source whose every answer is given by the test, in the order in which the test gives it; it uses no timer. */
export function scripted<In, Out>(): Script<In, Out> {
  const asked: Ask<In, Out>[] = [];
  const changes = new Changes();
  let given = 0;

  return {
    asked,
    source(input, call) {
      const ask = new Ask<In, Out>(input, call);
      asked.push(ask);
      changes.announce();
      return ask.answer;
    },
    async next() {
      // Claimed before waiting, so that two who wait at the same time get two different asks.
      const mine = given++;
      await changes.until(
        () => asked.length > mine,
        () => `expected ask number ${mine + 1}, but got ${asked.length}`,
      );
      return asked[mine] as Ask<In, Out>;
    },
  };
}
