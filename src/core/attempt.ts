import { type Call, Listener } from './call.ts';
import { Failure, type FailureCode } from './failure.ts';

/** What an attempt to ask a system has shown: that it works, that it does not; or nothing, since it was stopped in time, or never made. */
export type Verdict = 'works' | 'fails' | 'stopped' | undefined;

/** They say something about the question: a system that is ill gives no such answers. */
const answers: ReadonlySet<FailureCode> = new Set(['not_found', 'invalid_input', 'unauthenticated', 'forbidden']);

/**
 * An attempt to ask a system, until it has landed or its call is stopped, whichever comes first: one that is deaf to its end
 * says nothing by ending late.
 */
export abstract class Attempt extends Listener {
  readonly #call: Call;
  readonly #slowMs: number;
  readonly #startedAt: number;
  #over = false;

  /** It begins now. One that takes `slowMs` says that the system fails, whatever comes of it. */
  constructor(call: Call, slowMs: number, now: number) {
    super();
    this.#call = call;
    this.#slowMs = slowMs;
    this.#startedAt = now;
    call.listen(this);
  }

  /** Told once. */
  protected abstract judged(verdict: Verdict, now: number, error: unknown): void;

  follow(answer: Promise<unknown>): void {
    answer.then(() => { this.#landed(); }, (error: unknown) => { this.#landed(error); });
  }

  override stopped(): void {
    this.#judge();
  }

  #landed(error?: unknown): void {
    if (this.#over) return;
    this.#call.unlisten(this);
    this.#judge(error);
  }

  #judge(error?: unknown): void {
    this.#over = true;
    const now = performance.now();
    this.judged(now - this.#startedAt >= this.#slowMs ? 'fails' : verdictOf(this.#call, error), now, error);
  }
}

/**
 * An attempt that we have stopped in time, or refused to make, says nothing; so a caller in a hurry cannot make a system
 * look ill to everybody else.
 */
function verdictOf(call: Call, error: unknown): Verdict {
  if (call.over) return 'stopped';
  if (error === undefined) return 'works';
  if (!(error instanceof Failure)) return 'fails';
  // One question of many is to blame, or may be: the system has answered.
  if (error.divisible || answers.has(error.code)) return 'works';
  return error.code === 'source_failed' || error.code === 'bad_answer' ? 'fails' : undefined;
}
