import { type Call, Listener } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { Count } from '../core/meter.ts';
import type { Policy, Source } from '../core/source.ts';
import { note } from '../core/trace.ts';
import type { Budget } from './budget.ts';
import type { Guard } from './guarded.ts';
import type { Latencies } from './latencies.ts';

export interface HedgeMeans {
  /** For hedges alone. */
  readonly own: Budget;
  /** Shared with retries, if there are any. */
  readonly shared: Budget | undefined;
  readonly latencies: Latencies;
  readonly guard: Guard | undefined;
  /** By which attempt has won. */
  readonly counts: { readonly first: Count; readonly second: Count; readonly none: Count };
}

/** Before so many answers have been timed, nobody knows what slow is. */
const samplesMin = 100;

/** Below this a timer is no more precise than what it waits for. */
const afterMsMin = 5;

/**
 * Where an answer takes longer than 95 of 100 do, asks a second time, elsewhere: the first answer wins, and the other
 * attempt is stopped. Only where there is an elsewhere: to ask the same endpoint twice helps nobody when it is slow.
 */
export const hedged = (means: HedgeMeans): Policy => (next) => (input, call) => {
  if (call.reason) return Promise.reject(call.reason);
  const { own, latencies } = means;
  own.earn();
  // With nothing to spend there is nothing to wait for, and no timer.
  if (!own.affords || latencies.count < samplesMin) return next(input, call);
  return new Promise((resolve, reject) => { new Race(means, next, input, call, resolve, reject).start(); });
};

/** One attempt, or two of which one wins. */
class Race<In, Out> extends Listener {
  readonly #means: HedgeMeans;
  readonly #next: Source<In, Out>;
  readonly #input: In;
  readonly #call: Call;
  readonly #resolve: (answer: Out) => void;
  readonly #reject: (error: unknown) => void;
  readonly #startedAt = performance.now();
  readonly #attempts: Call[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failed: { readonly error: unknown } | undefined;
  #over = false;

  constructor(means: HedgeMeans, next: Source<In, Out>, input: In, call: Call, resolve: (answer: Out) => void, reject: (error: unknown) => void) {
    super();
    this.#means = means;
    this.#next = next;
    this.#input = input;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    // Both attempts know of each other's endpoint by it, and so does a retry.
    this.#call.tried ??= new Set();
    this.#call.listen(this);
    this.#timer = setTimeout(hedge, Math.max(afterMsMin, this.#means.latencies.quantile(0.95)), this);
    this.#attempt();
  }

  hedge(): void {
    const { own, shared, guard } = this.#means;
    this.#timer = undefined;
    if (!own.affords || (shared && !shared.affords) || guard?.refusing) return;
    own.spend();
    shared?.spend();
    note(this.#call.trace, 'tributary.hedged', 'no winner');
    this.#attempt();
  }

  override stopped(reason: Failure): void {
    this.#end('none');
    this.#reject(reason);
  }

  #attempt(): void {
    const own = this.#call.inner();
    const at = this.#attempts.push(own) - 1;
    this.#next(this.#input, own).then((answer) => { this.#won(at, answer); }, (error: unknown) => { this.#lost(error); });
  }

  #won(at: number, answer: Out): void {
    if (this.#over) return;
    if (this.#attempts.length > 1) note(this.#call.trace, 'tributary.hedged', at === 0 ? 'the first attempt won' : 'the second attempt won');
    // The one that is stopped took at least this long: without it slow attempts would be forgotten, and all seem fast.
    if (at > 0) this.#means.latencies.add(performance.now() - this.#startedAt);
    this.#end(at === 0 ? 'first' : 'second');
    this.#resolve(answer);
  }

  #lost(error: unknown): void {
    if (this.#over) return;
    if (this.#attempts.length > 1 && !this.#failed) {
      this.#failed = { error };
      return;
    }
    this.#end('none');
    this.#reject(this.#failed ? this.#failed.error : error);
  }

  #end(winner: keyof HedgeMeans['counts']): void {
    this.#over = true;
    if (this.#attempts.length > 1) this.#means.counts[winner].add();
    clearTimeout(this.#timer);
    this.#call.unlisten(this);
    for (const attempt of this.#attempts) attempt.end();
  }
}

function hedge(race: { hedge(): void }): void {
  race.hedge();
}
