import type { Call } from '../core/call.ts';
import { Failure, type FailureCode } from '../core/failure.ts';
import type { Count } from '../core/meter.ts';
import { pause } from '../core/pause.ts';
import type { Policy, Source } from '../core/source.ts';
import { note } from '../core/trace.ts';
import type { Budget } from './budget.ts';
import type { Guard } from './guarded.ts';
import type { Latencies } from './latencies.ts';

export interface RetryMeans {
  readonly budget: Budget;
  readonly latencies: Latencies;
  readonly guard: Guard | undefined;
  readonly count: Count;
}

/** Long enough that those who failed together do not come back together, short beside any deadline. */
const jitterMsMax = 50;

const refusals: ReadonlySet<FailureCode> = new Set(['source_resting', 'overloaded']);

/**
 * Asks once more where the Failure says that nothing of an answer had come, if there is time for it and the budget has
 * something left. So an outage costs a tenth more requests and not twice as many, and none at all once the guard refuses.
 */
export const retried = (means: RetryMeans): Policy => (next) => (input, call) => {
  if (call.reason) return Promise.reject(call.reason);
  return next(input, call).then(
    (answer) => {
      means.budget.earn();
      return answer;
    },
    (error: unknown) => again(means, next, input, call, error),
  );
};

async function again<In, Out>(means: RetryMeans, next: Source<In, Out>, input: In, call: Call, error: unknown): Promise<Out> {
  // Who was refused has not asked, and who was stopped may have waited for a place all the time: they earn nothing.
  if (!call.over && (!(error instanceof Failure) || !refusals.has(error.code))) means.budget.earn();
  const waitMs = error instanceof Failure ? waitBefore(means, error, call) : undefined;
  if (waitMs === undefined) throw error;
  means.budget.spend();
  means.count.add();
  note(call.trace, 'tributary.retried', (error as Failure).code);
  await pause(waitMs, call);
  call.throwIfOver();
  return next(input, call);
}

/** How long to wait before a retry; undefined if there must be none. */
function waitBefore({ budget, latencies, guard }: RetryMeans, failure: Failure, call: Call): number | undefined {
  if (!failure.retryable || call.over || !budget.affords || guard?.refusing) return undefined;
  const { retryAfterMs = 0 } = failure;
  // Half of all answers take longer than that: with less time left a retry would mostly be for nothing.
  const spareMs = call.leftMs() - latencies.quantile(0.5) - retryAfterMs;
  return spareMs > 0 ? retryAfterMs + Math.random() * Math.min(jitterMsMax, spareMs) : undefined;
}
