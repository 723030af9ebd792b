import type { ClientBase } from 'pg';

export interface Pulse {
  /** Between an answer and the next question. */
  readonly everyMs: number;
  /** How long nothing at all may come while an answer is due. */
  readonly limitMs: number;
}

/** Asks a connection again and again whether it is alive, since one whose network was pulled closes for nobody. */
export class Heartbeat {
  readonly #client: ClientBase;
  readonly #pulse: Pulse;
  readonly #onDeath: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  #signs = 0;
  #stopped = false;

  /** @param onDeath told if an answer does not come, or is an error. */
  constructor(client: ClientBase, pulse: Pulse, onDeath: (error: Error) => void) {
    this.#client = client;
    this.#pulse = pulse;
    this.#onDeath = onDeath;
  }

  /** Resolves with the first answer, which the same time is given; from then on the connection is asked by itself. */
  start(question: string): Promise<void> {
    return new Promise((resolve) => { this.#ask(question, resolve); });
  }

  /** Something else has come: who speaks is alive, however much there is to say before the answer. */
  hear(): void {
    this.#signs += 1;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #ask(question: string, onAnswer?: () => void): void {
    this.#asking = true;
    this.#wait();
    this.#client.query(question).then(() => {
      this.#asking = false;
      clearTimeout(this.#timer);
      if (this.#stopped) return;
      this.#timer = setTimeout(() => { this.#ask('select 1'); }, this.#pulse.everyMs);
      onAnswer?.();
    }, this.#onDeath);
  }

  #wait(): void {
    const { limitMs } = this.#pulse;
    const signs = this.#signs;
    const look = () => {
      if (!this.#asking || this.#stopped) return;
      if (this.#signs === signs) this.#onDeath(new Error(`expected an answer within ${limitMs} ms, but got none`));
      else this.#wait();
    };
    // After a turn of the loop: where the process itself stood still, the answer is here and has not been read yet.
    this.#timer = setTimeout(() => { setImmediate(look); }, limitMs);
  }
}
