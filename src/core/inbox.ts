import type { Failure } from './failure.ts';
import type { Landed, Reader } from './gathering.ts';

/** Parts that have landed and not been read yet; at most as many as there are parts. */
export class Inbox implements Reader {
  readonly #landed: Landed[] = [];
  #ended = false;
  #failure: Failure | undefined;
  #wake: (() => void) | undefined;

  landed(part: Landed): void {
    this.#landed.push(part);
    this.#wake?.();
  }

  done(): void {
    this.#ended = true;
    this.#wake?.();
  }

  failed(reason: Failure): void {
    this.#failure = reason;
    this.#wake?.();
  }

  /** Yields what lands until all has, or throws why it will not. */
  async *read(): AsyncGenerator<Landed, void, undefined> {
    for (;;) {
      for (let next = this.#landed.shift(); next; next = this.#landed.shift()) yield next;
      if (this.#failure) throw this.#failure;
      if (this.#ended) return;
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }
}
