import type { Call } from './call.ts';
import { Failure, type FailureCode } from './failure.ts';

/** What an attempt has shown: that its source works, that it does not, or nothing about it. */
export type Verdict = 'works' | 'fails' | undefined;

/** They say something about the question: a source that is ill gives no such answers. */
const answers: ReadonlySet<FailureCode> = new Set(['not_found', 'invalid_input', 'unauthenticated', 'forbidden']);

/**
 * What an attempt says about its source that took `tookMs`, and failed with `error` if it did. Too slow is ill, whatever
 * came of it. An attempt that we have stopped before that, or refused to make, says nothing; so a caller in a hurry cannot
 * make a source look ill to everybody else.
 */
export function verdictOf(call: Call, tookMs: number, slowMs: number, error?: unknown): Verdict {
  if (tookMs >= slowMs) return 'fails';
  if (call.over) return undefined;
  if (error === undefined) return 'works';
  if (!(error instanceof Failure)) return 'fails';
  // One question of many is to blame, or may be: the source has answered.
  if (error.divisible || answers.has(error.code)) return 'works';
  return error.code === 'source_failed' || error.code === 'bad_answer' ? 'fails' : undefined;
}
