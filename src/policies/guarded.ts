import { type Call, Listener } from '../core/call.ts';
import { type Duration, toMs } from '../core/duration.ts';
import { Failure } from '../core/failure.ts';
import type { Policy } from '../core/source.ts';
import { note } from '../core/trace.ts';
import { verdictOf } from '../core/verdict.ts';
import { Throttle } from './throttle.ts';

export interface GuardRules {
  /** An attempt that takes this long counts as failed, whatever comes of it. */
  readonly slow: Duration;
}

/** What is known of a source's health. */
export class Guard {
  /** One for all who are refused: in an outage they are many, and nobody reads its stack. */
  readonly resting: Failure;
  readonly #slowMs: number;
  readonly #throttle = new Throttle();

  constructor(name: string, { slow }: GuardRules) {
    this.#slowMs = toMs(slow);
    this.resting = new Failure('source_resting', `${name} is resting, since it has failed too often`, { retryAfterMs: 1_000 });
  }

  /** Some are being refused. */
  get refusing(): boolean {
    return this.#throttle.share(performance.now()) > 0;
  }

  refuses(now: number): boolean {
    return this.#throttle.refuses(now);
  }

  ended(call: Call, startedAt: number, error?: unknown): void {
    const now = performance.now();
    const verdict = verdictOf(call, now - startedAt, this.#slowMs, error);
    if (verdict) this.#throttle.count(verdict === 'works', now);
  }
}

/**
 * A source that fails is asked less, the less of what it is asked it answers; who is not let through is told at once
 * that it is resting. A binary breaker would do worse where there is one endpoint: half of a source is better than none.
 */
export const guarded = (guard: Guard): Policy => (next) => (input, call) => {
  if (call.reason) return Promise.reject(call.reason);
  const now = performance.now();
  if (guard.refuses(now)) {
    note(call.trace, 'tributary.refused', 'guard');
    return Promise.reject(guard.resting);
  }
  const watch = new Watch(guard, call, now);
  const answer = next(input, call);
  answer.then(() => { watch.landed(); }, (error: unknown) => { watch.landed(error); });
  return answer;
};

/** An attempt until it ends or is stopped, whichever comes first: what one that is deaf does later is not its source's pace. */
class Watch extends Listener {
  readonly #guard: Guard;
  readonly #call: Call;
  readonly #startedAt: number;
  #stopped = false;

  constructor(guard: Guard, call: Call, startedAt: number) {
    super();
    this.#guard = guard;
    this.#call = call;
    this.#startedAt = startedAt;
    call.listen(this);
  }

  override stopped(): void {
    this.#stopped = true;
    this.#guard.ended(this.#call, this.#startedAt);
  }

  landed(error?: unknown): void {
    if (this.#stopped) return;
    this.#call.unlisten(this);
    this.#guard.ended(this.#call, this.#startedAt, error);
  }
}
