import pTimeout from 'p-timeout';
import type { Logger } from 'pino';
import { type Call, Listener } from '../core/call.ts';
import { Failure } from '../core/failure.ts';

interface GuardOptions {
  /** What an answer may take after its call has been stopped. */
  readonly graceMs: number;
  readonly name: string;
  readonly log: Logger;
}

/**
 * The outer guard: nobody waits for an answer that ignores its end. The engine gives up on parts by itself, so if this
 * fires there is a bug in it, and it says so. p-timeout costs 6.7 µs, so it is started only once a call has been
 * stopped (docs/decisions/0005).
 */
export function outerGuarded<T>(answer: Promise<T>, call: Call, options: GuardOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const guard = new Guard(answer, reject, options);
    if (call.reason) guard.stopped();
    else call.listen(guard);
    answer.then(
      (value) => { call.unlisten(guard); resolve(value); },
      (error: unknown) => { call.unlisten(guard); reject(error); },
    );
  });
}

class Guard extends Listener {
  readonly #answer: Promise<unknown>;
  readonly #reject: (reason: unknown) => void;
  readonly #options: GuardOptions;

  constructor(answer: Promise<unknown>, reject: (reason: unknown) => void, options: GuardOptions) {
    super();
    this.#answer = answer;
    this.#reject = reject;
    this.#options = options;
  }

  override stopped(): void {
    const { graceMs, name, log } = this.#options;
    const late = new Failure('deadline_exceeded', 'no answer by the deadline');
    pTimeout(this.#answer, { milliseconds: graceMs, message: late }).catch((error: unknown) => {
      if (error !== late) return;
      log.error({ aggregate: name }, 'an aggregate ignored its end: this is a bug in the engine');
      this.#reject(late);
    });
  }
}
