import { isDeepStrictEqual } from 'node:util';
import { type Cache, withGroups } from '../cache/cache.ts';
import { open, seal } from '../cache/envelope.ts';
import { hashOf } from '../cache/key.ts';
import type { Found, SharedTier } from '../cache/tier.ts';
import { Failure } from '../core/failure.ts';
import { JsonText } from '../core/json-text.ts';
import type { CachePlan } from './cache-plan.ts';
import { type Limits, Stored } from './stored.ts';

/** How long a lease outlives its holder at most. Its losers wait for far less; this is for those who come later. */
const leaseMs = 5_000;

/** What an entry has to know of the plan of its source. */
type EntryPlan = Limits & Pick<CachePlan<never>, 'shared'>;

/** One key in the shared tier, as one load sees it. */
export class SharedEntry<Out> {
  /** Somebody else loads it. */
  lost = false;
  /** We are the one who loads it. */
  leased = false;
  readonly #tier: SharedTier;
  readonly #plan: EntryPlan;
  readonly #key: string;
  readonly #hash: string;
  readonly #subject: string;
  readonly #tags: readonly string[];
  readonly #token = crypto.randomUUID();
  /** Of the tags, when this load began; undefined as long as the tier has not said. */
  #versions: readonly string[] | undefined;

  private constructor(tier: SharedTier, plan: EntryPlan, key: string, hash: string, subject: string, tags: readonly string[]) {
    this.#tier = tier;
    this.#plan = plan;
    this.#key = key;
    this.#hash = hash;
    this.#subject = subject;
    this.#tags = tags;
  }

  /** Undefined where there is no shared tier, or nothing could be kept there: a key without a hash, tags that nobody knows yet. */
  static of<Out>(cache: Cache, plan: EntryPlan, key: string, subject: string, tags: readonly string[] | undefined): SharedEntry<Out> | undefined {
    const hash = cache.shared && tags && hashOf(key);
    return hash === undefined ? undefined : new SharedEntry(cache.shared!, plan, key, hash, subject, tags!);
  }

  /** What is there and may be used, if only instead of a failure. Asks for the lease unless told not to. */
  async look({ lease = true } = {}): Promise<Stored<Out> | undefined> {
    // What has less left than this is not fresh any more.
    const wanted = { token: this.#token, ms: leaseMs, unlessLeftMs: this.#plan.errorMs };
    const askedAt = performance.now();
    const found = await this.#tier.read(this.#hash, withGroups(this.#tags), lease ? wanted : undefined);
    if (!found) return undefined;
    if (lease) {
      this.#versions = found.versions;
      this.leased = found.lease === 'won';
      this.lost = found.lease === 'lost';
    }
    const stored = found.text === undefined ? undefined : this.#opened(found.text, found, askedAt);
    this.#count(stored, lease);
    return stored;
  }

  /** Who looks again waits for somebody else's load: that it is not there yet is no other miss. */
  #count(found: Stored<Out> | undefined, first: boolean): void {
    const now = performance.now();
    if (found && now < found.freshUntil) this.#plan.shared.hit.add();
    else if (found?.inGrace(now)) this.#plan.shared.stale.add();
    else if (first) this.#plan.shared.miss.add();
  }

  /**
   * Stores what was loaded, unless the tier was silent when the load began, or the tags were others: then nobody knows
   * whether it is outdated. Its time in the tier began with its load, so that its age is true whoever reads it.
   */
  put(stored: Stored<Out>, { freshMs, staleMs, errorMs }: Limits): void {
    const totalMs = freshMs + errorMs;
    const leftMs = totalMs - (performance.now() - stored.storedAt);
    if (!this.#versions || leftMs <= 0 || !isDeepStrictEqual(stored.tags, this.#tags)) return;
    const text = stored.value instanceof JsonText ? stored.value.text : undefined;
    const sealed = seal({ text, subject: this.#subject, freshMs, staleMs, errorMs, totalMs, versions: this.#versions });
    this.#tier.put(this.#hash, sealed, leftMs, this.leased ? this.#token : undefined);
    this.leased = false;
  }

  /** Forgets what is there, as of no use to anybody. */
  drop(): void {
    this.#tier.drop(this.#hash);
  }

  /** Lets others load it. */
  release(): void {
    if (this.leased) this.#tier.release(this.#hash, this.#token);
    this.leased = false;
  }

  /** Its age was told at some moment after `askedAt`: so it may be younger than is thought here, and never older. */
  #opened(text: string, { leftMs, versions }: Found, askedAt: number): Stored<Out> | undefined {
    const envelope = open(text);
    const valid = envelope?.subject === this.#subject && leftMs > 0 && leftMs <= envelope.totalMs
      && envelope.versions.length === versions.length && envelope.versions.every((version, at) => version === versions[at]);
    if (!valid) {
      this.drop();
      return undefined;
    }
    const answer = envelope.text === undefined ? nothing : (new JsonText(envelope.text) as Out);
    // Who wrote it may have had longer limits than we have.
    const freshMs = Math.min(envelope.freshMs, this.#plan.freshMs);
    const staleMs = Math.min(envelope.staleMs, this.#plan.staleMs);
    const errorMs = Math.min(envelope.errorMs, this.#plan.errorMs);
    const storedAt = askedAt - (envelope.totalMs - leftMs);
    return new Stored<Out>(this.#key, this.#tags, this.#subject, answer, { storedAt, freshMs, staleMs, errorMs, because: 'miss' });
  }
}

export const nothing = new Failure('not_found', 'there is nothing under this key');
