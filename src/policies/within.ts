import { type Duration, toMs } from '../core/duration.ts';
import type { Policy } from '../core/source.ts';
import { untilOver } from '../core/until-over.ts';

/**
 * The source has this long, or what is left of its caller's time where that is less. The call asks it to stop, and
 * nobody waits for a source that does not.
 */
export const within = (limit: Duration): Policy => {
  const limitMs = toMs(limit);
  return (next) => (input, call) => {
    if (call.reason) return Promise.reject(call.reason);
    const own = call.within(limitMs);
    const answer = untilOver(next(input, own), own);
    const end = (): void => { own.end(); };
    answer.then(end, end);
    return answer;
  };
};
