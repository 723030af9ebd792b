import { Kept, stringBytes } from '../cache/kept.ts';
import type { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { Flight, Freshness } from '../core/flight.ts';
import { JsonText } from '../core/json-text.ts';
import type { Count } from '../core/meter.ts';

/** How old an answer may be, in milliseconds. */
export interface Limits {
  readonly freshMs: number;
  readonly staleMs: number;
  readonly errorMs: number;
}

export interface Times extends Limits {
  readonly storedAt: number;
  readonly because: Freshness['because'];
}

/** An answer that this process keeps, or that there is none; immutable but for what was learned of its successor. */
export class Stored<Out> extends Kept implements Freshness {
  readonly subject: string;
  /** Ready to be handed out again and again: a hit makes no promise of its own. */
  readonly answer: Promise<Out>;
  readonly value: Out | undefined;
  readonly storedAt: number;
  readonly freshUntil: number;
  readonly because: Freshness['because'];
  readonly #staleUntil: number;
  readonly #errorUntil: number;
  /** A load of its successor has failed. */
  #failing = false;
  /** When its successor may be loaded, again. */
  #retryAt = 0;

  constructor(key: string, tags: readonly string[], subject: string, answer: Out | Failure, { storedAt, freshMs, staleMs, errorMs, because }: Times) {
    super(key, tags, answer instanceof JsonText ? stringBytes(answer.text) : 0);
    this.subject = subject;
    this.storedAt = storedAt;
    this.freshUntil = storedAt + freshMs;
    this.because = because;
    this.#staleUntil = this.freshUntil + staleMs;
    this.#errorUntil = this.freshUntil + errorMs;
    this.value = answer instanceof Error ? undefined : answer;
    // eslint-disable-next-line typescript/prefer-promise-reject-errors -- it is a Failure
    this.answer = answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    this.answer.catch(() => undefined);
  }

  /** It may be served while its successor is loaded; for longer where that has failed. */
  inGrace(now: number): boolean {
    return now < (this.#failing ? this.#errorUntil : this.#staleUntil) && !this.dropped;
  }

  /** It may be served instead of a failure. */
  mends(now: number): boolean {
    return this.value !== undefined && now < this.#errorUntil && !this.dropped;
  }

  /** Its successor could not be loaded, and is left alone until then. */
  failed(retryAt: number): void {
    this.#failing = true;
    this.#retryAt = retryAt;
  }

  /** Somebody else is loading its successor. */
  retryLater(retryAt: number): void {
    this.#retryAt = retryAt;
  }

  mayRetry(now: number): boolean {
    return now >= this.#retryAt;
  }

  serve(call: Call, served: Flight['served'], count: Count): Promise<Out> {
    count.add();
    call.flight.served = served;
    call.flight.kept = this;
    return this.answer;
  }
}
