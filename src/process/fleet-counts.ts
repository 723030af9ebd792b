import { type Reading, together } from '../core/meter.ts';
import { settlesWithin } from '../core/settles-within.ts';
import type { WorkerProcess } from './worker-process.ts';

/** How long workers are waited for: one whose loop is blocked counts as it did before. */
const countMs = 500;

/** What all workers have counted, those that have ended included: a counter must not fall when a worker is replaced. */
export class FleetCounts {
  readonly #last = new Map<WorkerProcess, readonly Reading[]>();
  #gone: readonly Reading[] = [];

  heard(worker: WorkerProcess, readings: readonly Reading[]): void {
    this.#last.set(worker, readings);
  }

  /** It has ended: what it counted stays, what it had is gone with it. */
  left(worker: WorkerProcess): void {
    const counted = this.#last.get(worker)?.filter(({ about }) => about.kind !== 'gauge') ?? [];
    this.#last.delete(worker);
    this.#gone = together([counted, this.#gone].filter((readings) => readings.length > 0));
  }

  /** Asks all workers. */
  async ask(workers: Iterable<WorkerProcess>): Promise<readonly Reading[]> {
    await settlesWithin(Promise.all([...workers].map((worker) => worker.count())), countMs);
    return together([...this.#last.values(), this.#gone]);
  }
}
