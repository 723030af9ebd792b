/**
 * JSON that only passes through stays text: what Postgres or a cache sent is spliced into the reply, without a parse
 * and a stringify. To the types it is the `T` it stands for; who must look inside calls `parse`.
 *
 * A class and not a branded string (docs/decisions/0003): at run time a brand cannot tell JSON from a string that
 * has to be quoted, and guessing wrong would be an injection.
 */
export class JsonText<T> {
  readonly text: string;
  declare protected readonly standsFor: T;

  /** `text` is valid JSON; whoever makes this vouches for it (Postgres for its jsonb, we for what we stringified). */
  constructor(text: string) {
    this.text = text;
  }

  parse(): T {
    return JSON.parse(this.text) as T;
  }

  toJSON(): T {
    return this.parse();
  }
}

/** The JSON of a value, JsonText spliced as it is. A value that has no JSON (undefined, a function) is `null`. */
export function toJson(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  const text: string | undefined = JSON.stringify(value);
  return text ?? 'null';
}

/** The type of a value as its reader will see it. */
export type Plain<T> = T extends JsonText<infer Inner> ? Inner : T;
