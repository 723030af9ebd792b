import type { Call } from '../core/call.ts';
import type { JsonText } from '../core/json-text.ts';

/** A question for many keys at once, for `batched`, and what its answers are invalidated by: see KeyedQuery. */
export interface JsonByKey<T> {
  (keys: readonly string[], call: Call): Promise<Map<string, JsonText<T>>>;
  readonly tagsOf: (key: string) => readonly string[] | undefined;
}

/** Such a question as a client has it. */
interface Keyed<T> {
  readonly table: string;
  load(keys: readonly string[], call: Call): Promise<Map<string, JsonText<T>>>;
  tagsOf(key: string): readonly string[] | undefined;
  learn(call: Call): Promise<void>;
}

/** All questions by key that a client has been given. */
export class Questions {
  readonly #all: Keyed<unknown>[] = [];

  add<T>(keyed: Keyed<T>): JsonByKey<T> {
    this.#all.push(keyed);
    return Object.assign((keys: readonly string[], call: Call) => keyed.load(keys, call), { tagsOf: (key: string) => keyed.tagsOf(key) });
  }

  /** Those that they are about, each once. */
  get tables(): readonly string[] {
    return [...new Set(this.#all.map(({ table }) => table))];
  }

  /** What the first question would have to wait for. */
  async learn(call: Call): Promise<void> {
    await Promise.all(this.#all.map((keyed) => keyed.learn(call)));
  }
}
