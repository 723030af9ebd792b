import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { pauseMs } from './backoff.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface SeatOptions {
  readonly log: Logger;
  readonly fork: () => WorkerProcess;
  /** The service ends: nobody is replaced any more. */
  readonly ending: () => boolean;
}

/** The place of one worker: when that ends, another one takes it. */
export class Seat {
  readonly #options: SeatOptions;
  #taken: WorkerProcess | undefined;
  /** How many are about to take it: then whoever leaves it meanwhile need not be replaced. */
  #awaited = 0;
  #lastMs = 0;

  constructor(options: SeatOptions) {
    this.#options = options;
  }

  /**
   * Starts a worker for it; rejects with a NotStarted if that does not listen. Resolves when it does, and the one that
   * was here before has ended.
   */
  async take(): Promise<void> {
    const next = await this.#started();
    const old = this.#taken;
    this.#seat(next);
    await old?.retire();
  }

  /** Tries until it has a worker that listens, or the service ends. */
  async fill(livedMs = Infinity): Promise<void> {
    const { ending, log } = this.#options;
    for (let lived = livedMs; !ending();) {
      this.#lastMs = pauseMs(lived, this.#lastMs);
      await pause(this.#lastMs);
      if (ending() || this.#awaited > 0 || this.#taken) return;
      const from = performance.now();
      try {
        return await this.take();
      } catch (error) {
        lived = performance.now() - from;
        if (!ending()) log.error({ err: error }, 'a worker did not start: another one will be');
      }
    }
  }

  /**
   * Puts a new worker in the place of the one that is there, and resolves when the old one has ended. The new one
   * listens first; if it does not, the old one stays, and this resolves with false.
   */
  async replace(): Promise<boolean> {
    const { log, ending } = this.#options;
    try {
      await this.take();
      return true;
    } catch (error) {
      if (!ending()) log.error({ err: error }, 'a new worker did not start: the old one stays');
      // It may have left while its successor was awaited.
      if (!this.#taken && this.#awaited === 0) void this.fill(0);
      return false;
    }
  }

  async #started(): Promise<WorkerProcess> {
    this.#awaited++;
    try {
      const next = this.#options.fork();
      await next.listening;
      return next;
    } finally {
      this.#awaited--;
    }
  }

  #seat(worker: WorkerProcess): void {
    const { log, ending } = this.#options;
    this.#taken = worker;
    void worker.gone.then((ended) => {
      if (this.#taken !== worker) return;
      this.#taken = undefined;
      if (ending()) return;
      log.warn({ worker: worker.pid, ...ended }, 'a worker ended: another one takes its place');
      if (this.#awaited === 0) void this.fill(performance.now() - worker.since);
    });
  }
}
