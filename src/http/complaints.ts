import type { Logger } from 'pino';
import { type Failure, PartFailure } from '../core/failure.ts';
import type { Trace } from '../core/trace.ts';

/** An outage must not fill the disk: of equal failures one a second is logged in full, with how many it stands for. */
const everyMs = 1_000;

/** Why sources fail, for those who run the service: their clients are told less. */
export class Complaints {
  readonly #log: Logger;
  readonly #last = new Map<string, { at: number; suppressed: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs the cause of a failure, unless an equal one was logged within the last second. */
  about(failure: Failure, { traceId, spanId }: Trace, level: 'warn' | 'error', part?: string): void {
    if (failure.cause === undefined) return;
    const name = part ?? (failure instanceof PartFailure ? failure.part : undefined);
    // As many keys as there are parts and codes: both are written in the code, so the map is bounded.
    const key = `${name} ${failure.code}`;
    const last = this.#last.get(key);
    const now = performance.now();
    if (last && now - last.at < everyMs) {
      last.suppressed++;
      return;
    }
    this.#last.set(key, { at: now, suppressed: 0 });
    this.#log[level]({
      err: failure.cause,
      code: failure.code,
      ...(name === undefined ? {} : { part: name }),
      trace_id: traceId,
      span_id: spanId,
      ...(last && last.suppressed > 0 ? { suppressed: last.suppressed } : {}),
    }, failure.message);
  }
}
