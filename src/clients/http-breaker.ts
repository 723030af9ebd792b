import { CircuitState, SamplingBreaker } from 'cockatiel';
import { Attempt, type Verdict } from '../core/attempt.ts';
import type { Call } from '../core/call.ts';

/** Takes an endpoint out when more than half of what it was asked within two seconds has failed, and that were ten at least. */
const sampling = { threshold: 0.5, duration: 2_000, minimumRps: 5 };

/** How long it is left out before one request tries it again. */
const restMs = 1_000;

/** A request that takes this long counts as failed. Far above what an endpoint takes that works, below every deadline. */
const slowMs = 1_000;

/**
 * Whether an endpoint may be asked. Cockatiel counts; the state is ours, because its policy lets whoever comes meanwhile wait
 * for a probe, takes a probe that was cancelled for one that succeeded, and measures rests by the wall clock.
 */
export class Breaker {
  readonly #sampling = new SamplingBreaker(sampling);
  /** When it may be tried again; undefined as long as it is closed. */
  #restsUntil: number | undefined;
  #probing = false;

  get open(): boolean {
    return this.#restsUntil !== undefined;
  }

  admits(now: number): boolean {
    return this.#restsUntil === undefined || (now >= this.#restsUntil && !this.#probing);
  }

  /** A request that is admitted is made now; what comes of it is heard. */
  begin(call: Call, now: number): Attempt {
    const isProbe = this.#restsUntil !== undefined;
    if (isProbe) this.#probing = true;
    return new Request(this, isProbe, call, now);
  }

  heard(verdict: Verdict, isProbe: boolean, now: number): void {
    if (isProbe) this.#probed(verdict, now);
    // What was asked before it was taken out says nothing new.
    else if (this.#restsUntil === undefined) this.#count(verdict, now);
  }

  #probed(verdict: Verdict, now: number): void {
    this.#probing = false;
    if (verdict === 'fails') this.#restsUntil = now + restMs;
    if (verdict !== 'works') return;
    this.#restsUntil = undefined;
    this.#sampling.success(CircuitState.HalfOpen);
  }

  #count(verdict: Verdict, now: number): void {
    if (verdict === 'works') this.#sampling.success(CircuitState.Closed);
    else if (verdict === 'fails' && this.#sampling.failure(CircuitState.Closed)) this.#restsUntil = now + restMs;
  }
}

class Request extends Attempt {
  readonly #breaker: Breaker;
  readonly #isProbe: boolean;

  constructor(breaker: Breaker, isProbe: boolean, call: Call, now: number) {
    super(call, slowMs, now);
    this.#breaker = breaker;
    this.#isProbe = isProbe;
  }

  protected override judged(verdict: Verdict, now: number): void {
    this.#breaker.heard(verdict, this.#isProbe, now);
  }
}
