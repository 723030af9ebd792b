import { Attempt, type Verdict } from '../core/attempt.ts';
import type { Call } from '../core/call.ts';
import { type Duration, toMs } from '../core/duration.ts';
import { Failure } from '../core/failure.ts';
import { attempts, observeRefusingShare, refusals } from '../core/metrics.ts';
import type { Policy } from '../core/source.ts';
import { note } from '../core/trace.ts';
import { Throttle } from './throttle.ts';

export interface GuardRules {
  /** An attempt that takes this long counts as failed, whatever comes of it. */
  readonly slow: Duration;
}

/** What is known of a source's health. */
export class Guard {
  /** One for all who are refused: in an outage they are many, and nobody reads its stack. */
  readonly resting: Failure;
  readonly slowMs: number;
  readonly throttle = new Throttle();
  readonly counts: Counts;

  constructor(name: string, { slow }: GuardRules) {
    this.counts = countsOf(name);
    observeRefusingShare(() => this.throttle.share(performance.now()), name);
    this.slowMs = toMs(slow);
    this.resting = new Failure('source_resting', `${name} is resting, since it has failed too often`, { retryAfterMs: 1_000 });
  }

  /** Some are being refused. */
  get refusing(): boolean {
    return this.throttle.share(performance.now()) > 0;
  }
}

/**
 * A source that fails is asked less, the less of what it is asked it answers; who is not let through is told at once
 * that it is resting. A binary breaker would do worse where there is one endpoint: half of a source is better than none.
 */
export const guarded = (guard: Guard): Policy => (next) => (input, call) => {
  if (call.reason) return Promise.reject(call.reason);
  const now = performance.now();
  if (guard.throttle.refuses(now)) {
    note(call.trace, 'tributary.refused', 'guard');
    guard.counts.guard.add();
    return Promise.reject(guard.resting);
  }
  const attempt = new Guarded(guard, call, now);
  const answer = next(input, call);
  attempt.follow(answer);
  return answer;
};

class Guarded extends Attempt {
  readonly #guard: Guard;

  constructor(guard: Guard, call: Call, now: number) {
    super(call, guard.slowMs, now);
    this.#guard = guard;
  }

  protected override judged(verdict: Verdict, now: number, error: unknown): void {
    const { counts, throttle } = this.#guard;
    // Below a guard only the breakers of endpoints refuse so.
    if (!verdict) return error instanceof Failure && error.code === 'source_resting' ? counts.breakers.add() : undefined;
    counts[verdict].add();
    if (verdict !== 'stopped') throttle.count(verdict === 'works', now);
  }
}

const countsOf = (source: string) => ({
  works: attempts.of(source, 'works'), fails: attempts.of(source, 'fails'), stopped: attempts.of(source, 'stopped'),
  guard: refusals.of(source, 'guard'), breakers: refusals.of(source, 'breakers'),
});

type Counts = ReturnType<typeof countsOf>;
