import type { Failure } from './failure.ts';
import type { Fallback, Freshness } from './flight.ts';
import { JsonText, toJson } from './json-text.ts';

/** How one part of an answer came about. */
export interface PartReport {
  /** The part's name; dotted where it lies in a nested aggregate. */
  readonly part: string;
  readonly state: 'live' | 'cache' | 'stale' | 'missing';
  /** What its span calls the source that was asked. */
  readonly source?: string | undefined;
  /** Milliseconds from the start of the aggregate until this part was there, or given up. */
  readonly tookMs: number;
  /** Why the part is missing; only then. */
  readonly failure?: Failure;
  /** For how long a cache keeps it, if one does; of a nested aggregate, the shortest of its parts. */
  readonly kept?: Freshness | undefined;
  /** Somebody else's load brought it. */
  readonly collapsed?: true | undefined;
}

/** What an aggregate answers: a value for each part, and a report of each, those of nested aggregates included. */
export class Answer<Data> implements Fallback {
  readonly parts: readonly PartReport[];
  /** What its reply says beside the usual, by names in lower case. */
  headers: Readonly<Record<string, string>> | undefined;
  readonly #names: readonly string[];
  readonly #values: readonly unknown[];
  #data: Data | undefined;

  constructor(names: readonly string[], values: readonly unknown[], parts: readonly PartReport[]) {
    this.#names = names;
    this.#values = values;
    this.parts = parts;
  }

  /** The values as their types say, text parsed. Made when it is first read: a reply needs only the text. */
  get data(): Data {
    if (this.#data === undefined) {
      this.#data = Object.fromEntries(this.#names.map((name, at) => [name, plain(this.#values[at])])) as Data;
    }
    return this.#data;
  }

  /** What an aggregate has by its deadline is what it answers with. */
  insteadFor(): this {
    return this;
  }

  /** No part is missing. */
  get complete(): boolean {
    for (const { state } of this.parts) if (state === 'missing') return false;
    return true;
  }

  /** The freshness that ends first; undefined if a part is kept by no cache, or missing. */
  get kept(): Freshness | undefined {
    let first: Freshness | undefined;
    for (const { kept } of this.parts) {
      if (!kept) return undefined;
      if (!first || kept.freshUntil < first.freshUntil) first = kept;
    }
    return first;
  }

  /** The members of the data as JSON, in the order of the definition, without the braces around them. */
  members(): string {
    let text = '';
    for (let at = 0; at < this.#names.length; at++) {
      // A part's name is checked at definition to need no escaping.
      text += `${at === 0 ? '' : ','}"${this.#names[at]}":${valueJson(this.#values[at])}`;
    }
    return text;
  }

  /** The data as JSON. */
  json(): string {
    return `{${this.members()}}`;
  }
}

/** The answer of a lookup: its one value, without an object around it. */
export class SoleAnswer<Data> extends Answer<Data> {
  readonly #value: unknown;

  constructor(names: readonly string[], values: readonly unknown[], parts: readonly PartReport[]) {
    super(names, values, parts);
    this.#value = values[0];
  }

  override get data(): Data {
    return plain(this.#value) as Data;
  }

  override json(): string {
    return valueJson(this.#value);
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Answer) return value.data;
  return value instanceof JsonText ? value.parse() : value;
}

/** The JSON of a part's value: a nested answer is its data. */
export function valueJson(value: unknown): string {
  return value instanceof Answer ? value.json() : toJson(value);
}
