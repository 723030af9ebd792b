import { type Cache, keptMsMax } from '../cache/cache.ts';
import { type KeyValue, keyOf } from '../cache/key.ts';
import { type Duration, toMs } from '../core/duration.ts';
import type { Count } from '../core/meter.ts';
import { cacheResults } from '../core/metrics.ts';
import type { Limits } from './stored.ts';

/** The fields that have one text: two objects may look the same in a key and be different. */
type Keyable<In> = { [Field in keyof In & string]: In[Field] extends KeyValue ? Field : never }[keyof In & string];

export interface CacheRules<In> {
  /** Where it is kept; undefined where caching is off. */
  readonly in: Cache | undefined;
  /** The field of the input that says whose data it is. It is in the key, and checked once more on reading. */
  readonly subject?: Keyable<In>;
  /** The other fields that the answer depends on. The load is given the keyed fields and no others. */
  readonly by?: readonly Keyable<In>[];
  /** What else the answer depends on and no input says, such as the form it has since the last release. */
  readonly scope?: string;
  /** How long an answer is as good as a new one. Up to a tenth is taken off at random, so that not everything expires at once. */
  readonly fresh: Duration;
  /** For how long after that it is served while a new one is loaded (RFC 5861, `stale-while-revalidate`). */
  readonly stale?: Duration;
  /** For how long after that it is served where loading fails (RFC 5861, `stale-if-error`). At least `stale`. */
  readonly staleIfError?: Duration;
  /** How long it is believed that there is nothing under a key. A second, because who was just created asks again. */
  readonly negative?: Duration;
  /** What invalidates the answer, as `group:id`. Undefined says that it cannot be known for this input: then it is not kept. */
  readonly tags?: (input: In) => readonly string[] | undefined;
}

type Results<Kind extends string> = Readonly<Record<Kind, Count>>;

/** The rules as the policy uses them: parsed once, at definition. */
export class CachePlan<In> implements Limits {
  readonly freshMs: number;
  readonly staleMs: number;
  readonly errorMs: number;
  /** Of an answer that says that there is nothing. */
  readonly negative: Limits;
  /** What the tiers had: counted here, since a plan is all that knows the name of its source. */
  readonly memory: Results<'hit' | 'stale' | 'miss' | 'mended'>;
  readonly shared: Results<'hit' | 'stale' | 'miss'>;
  readonly tagsOf: ((input: In) => readonly string[] | undefined) | undefined;
  /** What all its keys begin with. */
  readonly prefix: string;
  readonly #subject: (keyof In & string) | undefined;
  readonly #by: readonly (keyof In & string)[];

  constructor(source: string, rules: CacheRules<In>) {
    this.#subject = rules.subject;
    const count = (tier: string, result: string) => cacheResults.of(source, tier, result);
    this.memory = { hit: count('memory', 'hit'), stale: count('memory', 'stale'), miss: count('memory', 'miss'), mended: count('memory', 'mended') };
    this.shared = { hit: count('shared', 'hit'), stale: count('shared', 'stale'), miss: count('shared', 'miss') };
    this.#by = rules.by ?? [];
    if (this.#subject === undefined && this.#by.length === 0) {
      throw new TypeError(`expected the cache of source ${source} to say by what its answers differ (subject, by), but got neither`);
    }
    this.freshMs = toMs(rules.fresh);
    this.staleMs = rules.stale === undefined ? 0 : toMs(rules.stale);
    this.errorMs = Math.max(this.staleMs, rules.staleIfError === undefined ? 0 : toMs(rules.staleIfError));
    this.negative = { freshMs: toMs(rules.negative ?? '1s'), staleMs: 0, errorMs: 0 };
    // The hard limit: nothing older is ever served.
    const totalMs = Math.max(this.freshMs + this.errorMs, this.negative.freshMs);
    if (totalMs > keptMsMax) throw new TypeError(`expected the cache of source ${source} to keep answers for 24 hours at most, but got ${totalMs} ms`);
    this.tagsOf = rules.tags;
    this.prefix = keyOf([source, rules.in?.tenant ?? '', rules.scope ?? '']);
  }

  subjectOf(input: In): string {
    return this.#subject === undefined ? '' : String(input[this.#subject]);
  }

  keyOf(input: In): string {
    const subject = this.#subject === undefined ? '' : (input[this.#subject] as KeyValue);
    return this.prefix + keyOf([subject, ...this.#by.map((field) => input[field] as KeyValue)]);
  }

  /** The input as the load sees it: what is not in the key cannot change what is kept under it. */
  keyed(input: In): In {
    const fields = this.#subject === undefined ? this.#by : [this.#subject, ...this.#by];
    return Object.fromEntries(fields.map((field) => [field, input[field]])) as In;
  }
}
