import { isOutage, withoutArguments } from './redis-trouble.ts';

/** Commands under way; beyond them nothing is asked. Far above what a connection that answers ever has. */
const underWayMax = 1_000;
/** Between two attempts while nothing answers: recovery in well under a second, for a few small commands a second. */
const probeEveryMs = 150;
/** Failed attempts before the first answer that are worth a word: until then a server may just be starting. */
const failedProbesMax = 5;
/** Refused commands come in thousands; one line a second says as much. */
const complaintEveryMs = 1_000;

export interface GateOptions {
  /** How long a command may take. */
  readonly answerMs: number;
  /** Resolves if Redis answers what a read would ask, and rejects if it does not. It must settle by itself. */
  readonly probe: () => Promise<void>;
  readonly onTrouble: (what: string, error?: Error) => void;
}

interface Flight {
  readonly startedAt: number;
  /** Its asker goes on, without an answer. */
  readonly giveUp: () => void;
}

/**
 * What every command passes, and what keeps a Redis in trouble from costing anything: from the first command that is not
 * answered in time, or a connection that is gone, nothing passes until a probe is answered in time.
 *
 * Times are measured here, not by ioredis's `commandTimeout`: with one timer for all commands instead of one for each,
 * and so that a pause of this process is not taken for one of Redis's.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #flights = new Set<Flight>();
  #open = false;
  #closed = false;
  /** Somebody was told that it does not answer. */
  #told = false;
  #probing = false;
  #probesFailed = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;
  #watch: NodeJS.Timeout | undefined;
  #nextProbe: NodeJS.Timeout | undefined;

  /** Shut: it opens with the first probe that is answered. */
  constructor(options: GateOptions) {
    this.#options = options;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Undefined if the command was not sent, was not answered in time, or failed. Never rejects. */
  pass<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (!this.#open || this.#flights.size >= underWayMax) return nothing;
    return new Promise((resolve) => {
      const flight: Flight = { startedAt: performance.now(), giveUp: () => { resolve(undefined); } };
      this.#flights.add(flight);
      this.#watch ??= setTimeout(this.#look, this.#options.answerMs);
      command().then(
        (value) => {
          this.#flights.delete(flight);
          resolve(value);
        },
        (error: Error) => {
          if (this.#flights.delete(flight)) this.#failed(error);
          resolve(undefined);
        },
      );
    });
  }

  /** From now on nothing passes, and whoever waits goes on. For connections that are gone, too. */
  shut(error: Error): void {
    if (this.#closed) return;
    this.#open = false;
    this.#land();
    this.#tell(error);
    this.#probeLater();
  }

  /** There is reason to believe that Redis answers: it is asked now, and not in a while. */
  knock(): void {
    if (this.#open || this.#closed || this.#probing) return;
    clearTimeout(this.#nextProbe);
    this.#nextProbe = undefined;
    void this.#probe();
  }

  close(): void {
    this.#closed = true;
    this.#open = false;
    this.#land();
    clearTimeout(this.#nextProbe);
  }

  #land(): void {
    clearTimeout(this.#watch);
    this.#watch = undefined;
    for (const { giveUp } of this.#flights) giveUp();
    this.#flights.clear();
  }

  /** Looks after the oldest command: the others have at least as much time left. */
  readonly #look = (): void => {
    this.#watch = undefined;
    const [oldest] = this.#flights;
    if (!oldest) return;
    const leftMs = oldest.startedAt + this.#options.answerMs - performance.now();
    if (leftMs > 0) {
      this.#watch = setTimeout(this.#look, Math.ceil(leftMs));
      return;
    }
    // If it was this process that paused, the answer lies in the socket: it is read before this comes.
    setImmediate(() => {
      if (this.#flights.has(oldest)) this.shut(new Error(`expected an answer within ${this.#options.answerMs} ms, but got none`));
      else if (this.#flights.size > 0) this.#watch ??= setTimeout(this.#look, this.#options.answerMs);
    });
  };

  #failed(error: Error): void {
    if (isOutage(error)) this.shut(error);
    else this.complain('refused a command', error);
  }

  /** Tells of it, at most once a second. */
  complain(what: string, error: Error): void {
    const now = performance.now();
    if (this.#closed || now - this.#complainedAt < complaintEveryMs) return;
    this.#complainedAt = now;
    this.#options.onTrouble(what, withoutArguments(error));
  }

  #tell(error: Error): void {
    if (this.#told) return;
    this.#told = true;
    this.#options.onTrouble('does not answer', withoutArguments(error));
  }

  #probeLater(): void {
    if (this.#closed || this.#probing) return;
    this.#nextProbe ??= setTimeout(() => {
      this.#nextProbe = undefined;
      void this.#probe();
    }, probeEveryMs);
  }

  /** One at a time: a Redis that does not answer is not asked more and more. */
  async #probe(): Promise<void> {
    this.#probing = true;
    const startedAt = performance.now();
    try {
      await this.#options.probe();
      this.#answered(performance.now() - startedAt <= this.#options.answerMs);
    } catch (error) {
      this.#probesFailed += 1;
      if (this.#probesFailed >= failedProbesMax) this.#tell(error as Error);
    }
    this.#probing = false;
    if (!this.#open) this.#probeLater();
  }

  #answered(inTime: boolean): void {
    if (this.#closed || !inTime) return;
    this.#open = true;
    this.#probesFailed = 0;
    if (!this.#told) return;
    this.#told = false;
    this.#options.onTrouble('answers again');
  }
}

const nothing = Promise.resolve(undefined);
